//! Sum on Firesteel: map, filter, map, reduce over whole numbers.

use firesteel::{Context, Result};
use firesteel_benches::{params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let (n, partitions) = (params::records(100_000_000), params::partitions());
    report::try_measure(|| {
        let sum = sc
            .range_in(0..n as i64, partitions)
            .map(|i| i * 3 + 7)
            .filter(|x| x % 5 != 0)
            .map(|x| x ^ (x >> 3))
            .reduce(i64::wrapping_add)?;
        Ok(format!("sum={sum}"))
    })
}
