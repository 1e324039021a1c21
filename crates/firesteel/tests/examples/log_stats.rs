//! `log_stats`: the same counts from a loop over the lines.

use super::{assert_close, numbers, read, run, section};
use std::collections::BTreeMap;

fn check(path: &str) {
    let printed = run("log_stats", &[path]);
    let log = read(path);
    let mut days = BTreeMap::<&str, u64>::new();
    let mut hours = BTreeMap::<u8, u64>::new();
    let mut actions = BTreeMap::<String, u64>::new();
    for line in log.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let action = if words[2] == "status" { words[2..4].join(" ") } else { words[2].to_string() };
        *days.entry(words[0]).or_default() += 1;
        *hours.entry(words[1][..2].parse().unwrap()).or_default() += 1;
        *actions.entry(action).or_default() += 1;
    }

    let first = format!("{} events, 0 lines not understood", log.lines().count());
    assert_eq!(printed.lines().next(), Some(first.as_str()));
    let mut actions: Vec<String> =
        actions.into_iter().map(|(action, count)| format!("{count:>8}  {action}")).collect();
    let mut lines = section(&printed, "What happened");
    actions.sort();
    lines.sort();
    assert_eq!(lines, actions);
    let hours: Vec<String> =
        hours.into_iter().map(|(hour, count)| format!("{hour:>5}:00  {count:>6}")).collect();
    assert_eq!(section(&printed, "At which hour"), hours);

    let of_days = numbers(printed.lines().find(|line| line.starts_with("On ")).expect("the days"));
    let mean = log.lines().count() as f64 / days.len() as f64;
    let variance = days.values().map(|n| (*n as f64 - mean).powi(2)).sum::<f64>() / days.len() as f64;
    assert_eq!(of_days[0], days.len() as f64);
    assert_close(of_days[1], mean, 0.051, "mean");
    assert_close(of_days[2], variance.sqrt(), 0.051, "deviation");
    let in_ranges: f64 = section(&printed, "On ").iter().map(|line| numbers(line)[2]).sum();
    assert_eq!(in_ranges, days.len() as f64);
}

#[test]
fn log_of_the_sample() {
    check("examples/sample/dpkg.log");
}

#[test]
fn lines_that_are_not_understood_are_counted_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let damaged =
        format!("{}no event\n2025-06-24 99:00:00 install a b c\n", read("examples/sample/dpkg.log"));
    std::fs::write(file.path(), damaged).unwrap();
    let printed = run("log_stats", &[file.path().to_str().unwrap()]);
    let events = read("examples/sample/dpkg.log").lines().count();
    assert!(printed.starts_with(&format!("{events} events, 2 lines not understood\n")), "{printed}");
}

#[test]
#[ignore = "wants a log of dpkg's, which `cargo xtask test --only examples` looks for"]
fn real_log() {
    check("/var/log/dpkg.log");
}
