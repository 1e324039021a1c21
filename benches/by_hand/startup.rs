//! Startup by hand: a process that starts, adds up ten numbers and ends.

use firesteel_benches::{params, report};

fn main() {
    let n = params::records(10);
    report::measure(|| format!("sum={}", (1..=n).sum::<u64>()));
}
