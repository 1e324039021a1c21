//! Cached numbers by hand: two passes over numbers in memory, the limit that the machine's memory sets.

use firesteel_benches::{data, params, report, threads};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTS: usize = 64;

fn main() {
    let (n, threads) = (params::records(100_000_000), params::threads());
    let make = |index| threads::part(n, index, PARTS).map(|i| data::mix(i) as i64).collect::<Vec<i64>>();
    let numbers = threads::parallel(threads, PARTS, make);
    let pass = |each: fn(&[i64]) -> i64, both: fn(i64, i64) -> i64| {
        let parts = threads::parallel(threads, PARTS, |index| each(&numbers[index]));
        parts.into_iter().reduce(both).unwrap_or_default()
    };
    report::measure(|| {
        let sum = pass(|part| part.iter().fold(0, |sum, x| sum.wrapping_add(*x)), i64::wrapping_add);
        let greatest = pass(|part| part.iter().fold(i64::MIN, |a, b| a.max(*b)), i64::max);
        format!("sum={sum} greatest={greatest}")
    });
}
