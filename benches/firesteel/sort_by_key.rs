//! Sort by key on Firesteel; every partition is checked: its size, its inversions, its edges, and a checksum
//! over its pairs.

use firesteel::{Context, Order, PartitionIter, Result};
use firesteel_benches::{data, params, report};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let (n, partitions) = (params::records(5_000_000), params::partitions());
    report::try_measure(|| {
        let parts = sc
            .range_in(0..n as i64, partitions)
            .map(|i| (data::sort_key(i as u64), i as u64))
            .sort_by_key(Order::Ascending)
            .map_partitions(|pairs| [examine(pairs)])
            .collect()?;
        Ok(answer(&parts))
    })
}

/// The summary of one sorted part.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Part {
    edges: Option<(u64, u64)>,
    count: u64,
    inversions: usize,
    checksum: u64,
}

fn examine(pairs: PartitionIter<(u64, u64)>) -> Part {
    pairs.fold(Part::default(), |part, (key, value)| {
        let (first, last) = part.edges.unwrap_or((key, key));
        Part {
            edges: Some((first, key)),
            count: part.count + 1,
            inversions: part.inversions + usize::from(last > key),
            checksum: part.checksum.wrapping_add(data::mix(key ^ data::mix(value))),
        }
    })
}

fn answer(parts: &[Part]) -> String {
    let edges: Vec<(u64, u64)> = parts.iter().filter_map(|part| part.edges).collect();
    let between = edges.windows(2).filter(|edge| edge[0].1 > edge[1].0).count();
    let inversions = between + parts.iter().map(|part| part.inversions).sum::<usize>();
    let count: u64 = parts.iter().map(|part| part.count).sum();
    let checksum = parts.iter().fold(0u64, |sum, part| sum.wrapping_add(part.checksum));
    format!("count={count} inversions={inversions} checksum={checksum:016x}")
}
