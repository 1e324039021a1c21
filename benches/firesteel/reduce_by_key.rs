//! Sums by key on Firesteel.

use firesteel::{Context, Result};
use firesteel_benches::{data, params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let (n, keys, partitions) = (params::records(20_000_000), params::keys(1_000_000), params::partitions());
    report::try_measure(|| {
        let (count, checksum) = sc
            .range_in(0..n as i64, partitions)
            .map_with(keys, |keys, i| (data::below(i as u64, *keys), 1u64))
            .reduce_by_key(|a, b| a + b)
            .map(|(key, sum)| (1u64, data::mix(key * 31 + sum)))
            .reduce(|a, b| (a.0 + b.0, a.1.wrapping_add(b.1)))?;
        Ok(format!("keys={count} checksum={checksum:016x}"))
    })
}
