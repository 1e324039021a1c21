//! `flights`: means per airline and hour, and how many rows were left out.

use super::{read, root, rows, run, section};
use std::collections::BTreeMap;

fn check(folder: &str, fewest: u64) -> String {
    let printed = run("flights", &[folder, &fewest.to_string()]);
    let names: BTreeMap<String, String> =
        rows(&read(&format!("{folder}/airlines.csv"))).map(|row| (row("carrier"), row("name"))).collect();
    let mut sums = BTreeMap::<(String, u8), (u64, i64)>::new();
    let mut by_hour = BTreeMap::<u8, (u64, i64)>::new();
    let mut without = 0;
    for row in rows(&read(&format!("{folder}/flights.csv"))) {
        let Ok(delay) = row("arr_delay").parse::<i64>() else {
            without += 1;
            continue;
        };
        let hour = row("hour").parse().unwrap();
        for sum in [sums.entry((row("carrier"), hour)).or_default(), by_hour.entry(hour).or_default()] {
            *sum = (sum.0 + 1, sum.1 + delay);
        }
    }
    let mean = |(count, sum): (u64, i64)| sum as f64 / count as f64;

    let mut worst: Vec<_> = sums.into_iter().filter(|(_, (count, _))| *count >= fewest).collect();
    worst.sort_by(|(_, a), (_, b)| mean(*b).total_cmp(&mean(*a)));
    let mut expected: Vec<String> = worst
        .iter()
        .take(10)
        .map(|((carrier, hour), sum)| {
            format!(
                "{:>28}  {hour:>2}:00  {:>6.1} min late, {:>6} flights",
                names[carrier],
                mean(*sum),
                sum.0
            )
        })
        .collect();
    let mut lines = section(&printed, "The latest");
    // Equal means have no order.
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);

    let hours = section(&printed, "All airlines");
    assert_eq!(hours.len(), by_hour.len());
    for ((hour, sum), line) in by_hour.into_iter().zip(hours) {
        assert!(line.starts_with(&format!("{hour:>28}:00  {:>6.1} min", mean(sum))), "{line}");
    }
    assert!(printed.contains(&format!("Left out: {without} flights that never arrived")), "{printed}");
    printed
}

#[test]
fn flights_of_the_sample() {
    let printed = check("examples/sample", 2);
    assert!(printed.contains("          0 rows that could not be read"), "{printed}");
}

#[test]
fn damaged_rows_are_counted_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let sample = root().join("examples/sample");
    std::fs::copy(sample.join("airlines.csv"), folder.path().join("airlines.csv")).unwrap();
    let damaged = format!("{}2013,1\n2013,1,1,5\n", read("examples/sample/flights.csv"));
    std::fs::write(folder.path().join("flights.csv"), damaged).unwrap();
    let printed = run("flights", &[folder.path().to_str().unwrap(), "2"]);
    assert!(printed.contains("          2 rows that could not be read"), "{printed}");
    let whole = run("flights", &["examples/sample", "2"]);
    assert_eq!(section(&printed, "All airlines"), section(&whole, "All airlines"));
}

#[test]
#[ignore = "wants what `cargo xtask data` fetches"]
fn real_flights() {
    let printed = check("target/data", 100);
    // As the data's own documentation counts them: 336,776 flights, of which 327,346 have a delay.
    assert_eq!(rows(&read("target/data/flights.csv")).count(), 336_776);
    assert!(printed.contains("Left out: 9430 flights"), "{printed}");
}
