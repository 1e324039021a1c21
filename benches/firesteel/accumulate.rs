//! Accumulators on Firesteel, the cost of an `add`: the same sum with and without, in one slot.
//! `firesteel-accumulate [millions of records]`.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use firesteel::{Adder, Context, Result};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let millions: i64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let n = millions * 1_000_000;
    let sc =
        Context::builder().master("local[1]").conf("firesteel.ui.show_console_progress", "false").create()?;
    let (sum, other) = (sc.long_accumulator(), sc.long_accumulator());
    let adders = || (sum.adder(), other.adder());
    // One record at a time, as with adders: the plain loop would be vectorised.
    let plain = measured(n, || {
        let same = sc.range_in(0..n, 4).map_with(adders(), |_, x| std::hint::black_box(x) ^ 1);
        same.reduce(i64::wrapping_add)
    })?;
    let one = measured(n, || {
        let added = sc.range_in(0..n, 4).map_with(adders(), |(sum, _): &(Adder<i128>, Adder<i128>), x| {
            sum.add(x);
            x ^ 1
        });
        added.reduce(i64::wrapping_add)
    })?;
    let two = measured(n, || {
        let added = sc.range_in(0..n, 4).map_with(adders(), |(sum, other), x| {
            sum.add(x);
            other.add(1);
            x ^ 1
        });
        added.reduce(i64::wrapping_add)
    })?;
    println!(
        "without: {plain:.2} ns a record; an add: {:.2} ns; two in turn: {:.2} ns",
        one - plain,
        two - plain
    );
    Ok(())
}

/// Returns the nanoseconds for each of `n` records: the best of three runs.
fn measured(n: i64, run: impl Fn() -> Result<i64>) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let begin = Instant::now();
        std::hint::black_box(run()?);
        best = best.min(begin.elapsed().as_secs_f64() * 1e9 / n as f64);
    }
    Ok(best)
}
