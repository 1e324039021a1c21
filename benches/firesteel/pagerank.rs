//! PageRank on Firesteel, by the rules of Spark's well-known example: a node without a rank contributes
//! nothing, and a node without contributions has no rank.
//!
//! The links are grouped once and cached. Ranks are in the partitions of their nodes' links, so the joins move
//! nothing.

use firesteel::{Context, Result};
use firesteel_benches::{data, params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let (edges, nodes, partitions) =
        (params::records(2_000_000), params::keys(200_000), params::partitions());
    let iterations = params::iterations(10);
    report::try_measure(|| {
        let edges = sc.range_in(0..edges as i64, partitions);
        let links = edges.map_with(nodes, |nodes, i| data::edge(i as u64, *nodes)).group_by_key().cache();
        let mut ranks = links.map_values(|_| 1.0);
        for _ in 0..iterations {
            let given = links.join(&ranks).values().flat_map(|(targets, rank)| {
                let each = rank / targets.len() as f64;
                targets.into_iter().map(move |target| (target, each))
            });
            ranks = given.reduce_by_key(|a, b| a + b).map_values(|sum| 0.15 + 0.85 * sum);
        }
        // Rounded before they are added up, since the order of floating-point sums differs between peers.
        let (count, checksum) = ranks
            .map(|(node, rank)| (1u64, data::mix(node ^ (((rank * 10_000.0).round() as u64) << 32))))
            .reduce(|a, b| (a.0 + b.0, a.1.wrapping_add(b.1)))?;
        links.unpersist(true);
        Ok(format!("ranked={count} checksum={checksum:016x}"))
    })
}
