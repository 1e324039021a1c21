//! Inner join on Firesteel.

use firesteel::{Context, Result};
use firesteel_benches::{data, params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let (n, keys, partitions) = (params::records(2_000_000), params::keys(2_000_000), params::partitions());
    report::try_measure(|| {
        let side = |from: u64| {
            sc.range_in(0..n as i64, partitions)
                .map_with((from, keys), |(from, keys), i| (data::below(from + i as u64, *keys), i as u64))
        };
        let (count, checksum) = side(0)
            .join(&side(data::RIGHT_SIDE))
            .map(|(key, (a, b))| (1u64, data::mix(key + 3 * a + 5 * b)))
            .reduce(|a, b| (a.0 + b.0, a.1.wrapping_add(b.1)))?;
        Ok(format!("count={count} checksum={checksum:016x}"))
    })
}
