//! Groups by key on Firesteel.

use firesteel::{Context, Result};
use firesteel_benches::{data, params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let (n, keys, partitions) = (params::records(5_000_000), params::keys(100_000), params::partitions());
    report::try_measure(|| {
        let (count, checksum) = sc
            .range_in(0..n as i64, partitions)
            .map_with(keys, |keys, i| (data::below(i as u64, *keys), i as u64))
            .group_by_key()
            .map(|(key, values)| {
                let sum = values.iter().fold(0u64, |sum, value| sum.wrapping_add(*value));
                (1u64, data::mix(key + 7 * values.len() as u64 + sum))
            })
            .reduce(|a, b| (a.0 + b.0, a.1.wrapping_add(b.1)))?;
        Ok(format!("groups={count} checksum={checksum:016x}"))
    })
}
