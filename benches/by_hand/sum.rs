//! Sum by hand: map, filter, map, reduce over whole numbers in a loop.

use firesteel_benches::{params, report, threads};

const PARTS: usize = 64;

fn main() {
    let (n, threads) = (params::records(100_000_000), params::threads());
    report::measure(|| {
        let sums = threads::parallel(threads, PARTS, |index| {
            threads::part(n, index, PARTS)
                .map(|i| i as i64 * 3 + 7)
                .filter(|x| x % 5 != 0)
                .map(|x| x ^ (x >> 3))
                .fold(0i64, i64::wrapping_add)
        });
        format!("sum={}", sums.into_iter().fold(0, i64::wrapping_add))
    });
}
