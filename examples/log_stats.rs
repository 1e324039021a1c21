//! What a Debian machine was busy with: statistics of the log of its package manager.
//!
//! Shows lines parsed into a struct of your own, several actions over one *cached* RDD, an *accumulator* for lines that were not
//! understood, `stats` and `histogram`.
//!
//! `cargo run --release --example log_stats [-- LOG]`, where LOG is `/var/log/dpkg.log` unless told otherwise: a file, or a pattern
//! such as `/var/log/dpkg.log*`

#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

use firesteel::{Context, Str};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::error::Error;

/// One line of the log.
#[derive(Clone, Serialize, Deserialize)]
struct Event {
    day: Str,
    hour: u8,
    /// `install`, `remove`, `status unpacked`, ...
    action: Str,
    /// None when dpkg only says that it starts.
    package: Option<Str>,
}

/// Takes `2025-06-24 14:36:25 status unpacked libudev1:amd64 252.38-1` apart.
fn parse(line: &str) -> Option<Event> {
    let mut words = line.split(' ');
    let (day, time, verb) = (words.next()?, words.next()?, words.next()?);
    let hour = time.split(':').next()?.parse().ok().filter(|hour| *hour < 24)?;
    let action = match verb {
        "status" => Str::from(format!("status {}", words.next()?)),
        _ => Str::from(verb),
    };
    let package = words.next().filter(|_| verb != "startup").map(Str::from);
    Some(Event { day: day.into(), hour, action, package })
}

#[firesteel::main]
fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "/var/log/dpkg.log".into());
    let hint = |error| {
        format!(
            "{error}\n  help: name a log of dpkg's, such as `examples/sample/dpkg.log`, as the first argument"
        )
    };

    let sc = Context::builder().app_name("log statistics").get_or_create()?;
    let strange = sc.long_accumulator().named("lines that were not understood");
    let events = sc
        .text_file(&path, None)
        .map_err(hint)?
        .flat_map_with(strange.adder(), |strange, line| {
            let event = parse(&line);
            if event.is_none() {
                strange.add(1);
            }
            event
        })
        .cache();
    println!("{} events, {} lines not understood", events.count()?, strange.value());
    if events.is_empty()? {
        return Err(format!("`{path}` holds no events of dpkg's: name another log").into());
    }

    println!("\nWhat happened:");
    let mut actions: Vec<_> = events.map(|event| event.action).count_by_value()?.into_iter().collect();
    actions.sort_by_key(|(action, count)| (Reverse(*count), action.clone()));
    for (action, count) in actions {
        println!("{count:>8}  {action}");
    }

    println!("\nThe busiest packages:");
    let packages = events.flat_map(|event| event.package).map(|package| (package, 1u64));
    let counts = packages.reduce_by_key(|a, b| a + b);
    for (package, count) in
        counts.take_ordered_by(5, |(package, count)| (Reverse(*count), package.clone()))?
    {
        println!("{count:>8}  {package}");
    }

    println!("\nAt which hour:");
    let hours: Vec<f64> = (0..=24).map(f64::from).collect();
    for (hour, count) in events.map(|event| event.hour).histogram_between(&hours)?.into_iter().enumerate() {
        if count > 0 {
            println!("{hour:>5}:00  {count:>6}");
        }
    }

    let by_day = events.map(|event| (event.day, 1u64)).reduce_by_key(|a, b| a + b).values().cache();
    let stats = by_day.stats()?;
    println!(
        "\nOn {} days with events: {:.1} a day, give or take {:.1}",
        stats.count(),
        stats.mean(),
        stats.stdev()
    );
    let (ends, days) = by_day.histogram(4)?;
    for (range, days) in ends.windows(2).zip(days) {
        println!("{:>8.0} to {:>6.0} events: {days:>4} days", range[0], range[1]);
    }
    Ok(())
}
