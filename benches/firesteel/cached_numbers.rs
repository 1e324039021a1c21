//! Cached numbers on Firesteel: two passes over them. They are made and cached before the clock starts.

use firesteel::{Context, Result};
use firesteel_benches::{data, params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let (n, partitions) = (params::records(100_000_000), params::partitions());
    let numbers = sc.range_in(0..n as i64, partitions).map(|i| data::mix(i as u64) as i64).cache();
    numbers.count()?;
    assert_eq!(numbers.storage_info().partitions, partitions, "the numbers do not fit in memory");
    report::try_measure(|| {
        let sum = numbers.reduce(i64::wrapping_add)?;
        let greatest = numbers.reduce(i64::max)?;
        Ok(format!("sum={sum} greatest={greatest}"))
    })
}
