//! TeraSort on Firesteel: records of 100 bytes that do not fit in memory, keys of ten bytes, values of ninety.

use firesteel::{Bytes, Context, Order, PartitionIter, Result};
use firesteel_benches::{params, report, terasort};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let builder = Context::builder().master(&params::master());
    let sc = builder.conf("firesteel.memory", &params::memory()).get_or_create()?;
    let (n, partitions) = (params::records(100_000_000), params::partitions());
    report::try_measure(|| {
        let parts = sc
            .range_in(0..n as i64, partitions)
            .map(|i| (terasort::key(i as u64), Bytes::copy_from_slice(&terasort::value(i as u64))))
            .sort_by_key(Order::Ascending)
            .map_partitions(|records: PartitionIter<(terasort::Key, Bytes)>| {
                let mut part = terasort::Part::default();
                records.for_each(|(key, value)| part.look_at(key, &value));
                [part]
            })
            .collect()?;
        Ok(terasort::answer(&parts))
    })
}
