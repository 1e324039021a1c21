//! Which airlines are late, and when: the 336,776 flights that left New York in 2013.
//!
//! Shows a table that is read into a struct of your own, *accumulators* (how many rows were left out, and why) and a *broadcast*
//! variable (the names of the airlines, which every task looks up).
//!
//! `cargo xtask data` once, then `cargo run --release --example flights [-- FOLDER [FEWEST_FLIGHTS]]`

#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

use firesteel::{BadRows, Context, Order, TotalF64};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::error::Error;

/// The columns of `flights.csv` that matter here; others are passed over.
#[derive(Clone, Serialize, Deserialize)]
struct Flight {
    carrier: String,
    /// The hour in which it should have left.
    hour: u8,
    /// Minutes; negative for the early, none for those that were cancelled or landed elsewhere.
    arr_delay: Option<i64>,
}

/// Flights, and by how much they were late all together.
#[derive(Clone, Serialize, Deserialize)]
struct Delays {
    flights: u64,
    minutes: i64,
}

impl Delays {
    fn plus(self, other: Delays) -> Delays {
        Delays { flights: self.flights + other.flights, minutes: self.minutes + other.minutes }
    }

    fn mean(&self) -> f64 {
        self.minutes as f64 / self.flights as f64
    }
}

#[firesteel::main]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "target/data".into());
    let fewest = arguments.next().unwrap_or_else(|| "100".into());
    let fewest: u64 = fewest.parse().map_err(|_| format!("FEWEST_FLIGHTS is a number, not `{fewest}`"))?;
    let hint = |error| format!("{error}\n  help: `cargo xtask data` fetches the flights into target/data");

    let sc = Context::builder().app_name("flights").get_or_create()?;
    let damaged = sc.long_accumulator().named("rows that are no flights");
    let never_arrived = sc.long_accumulator().named("flights without a delay");
    let names = sc.read_csv::<(String, String)>(&format!("{folder}/airlines.csv")).load().map_err(hint)?;
    let names: HashMap<String, String> = names.collect_as_map()?;
    let names = sc.broadcast(names)?;

    let flights = sc
        .read_csv::<Flight>(&format!("{folder}/flights.csv"))
        .null("NA")
        .bad_rows(BadRows::Drop(damaged.clone()))
        .load()
        .map_err(hint)?;
    let delays = flights
        .flat_map_with(never_arrived.adder(), |never_arrived, flight| {
            if flight.arr_delay.is_none() {
                never_arrived.add(1);
            }
            flight.arr_delay.map(|minutes| ((flight.carrier, flight.hour), Delays { flights: 1, minutes }))
        })
        .reduce_by_key(Delays::plus)
        .cache();

    let latest = delays
        .filter_with(fewest, |fewest, (_, delays)| delays.flights >= *fewest)
        .map_with(names.clone(), |names, ((carrier, hour), delays)| {
            (names.get(&carrier).cloned().unwrap_or(carrier), hour, delays)
        })
        .top_by(10, |(_, _, delays)| TotalF64(delays.mean()))?;
    println!("The latest airlines and hours, of those with {fewest} flights or more:");
    for (name, hour, delays) in latest {
        println!("{name:>28}  {hour:>2}:00  {:>6.1} min late, {:>6} flights", delays.mean(), delays.flights);
    }

    let by_hour = delays.map(|((_, hour), delays)| (hour, delays)).reduce_by_key(Delays::plus);
    println!("\nAll airlines, by the hour of departure:");
    for (hour, delays) in by_hour.sort_by_key(Order::Ascending).collect()? {
        let bar = "#".repeat(delays.mean().max(0.0).round() as usize);
        println!("{hour:>28}:00  {:>6.1} min late  {bar}", delays.mean());
    }
    println!("\nLeft out: {} flights that never arrived", never_arrived.value());
    println!("          {} rows that could not be read", damaged.value());
    Ok(())
}
