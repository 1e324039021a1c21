//! PageRank by hand: nodes are numbers already, so ranks are arrays and edges two compressed lists.
//!
//! The rules are those of Spark's well-known example: a node without a rank contributes nothing, and a node
//! without contributions has no rank. Each thread pulls for its own nodes the contributions of their
//! predecessors.

use firesteel_benches::{data, params, report, threads};

const PARTS: usize = 16;

/// A graph as compressed lists. The sources of edges into node `v` are those from `starts[v]` to `starts[v +
/// 1]`.
struct Graph {
    starts: Vec<u32>,
    sources: Vec<u32>,
    out_degrees: Vec<u32>,
}

fn main() {
    let (edges, nodes) = (params::records(2_000_000), params::keys(200_000));
    let (iterations, threads) = (params::iterations(10), params::threads());
    report::measure(|| {
        let graph = Graph::new(edges, nodes);
        let first = graph.out_degrees.iter().map(|degree| (*degree > 0).then_some(1.0));
        let mut ranks: Vec<Option<f64>> = first.collect();
        for _ in 0..iterations {
            ranks = step(&graph, &ranks, threads);
        }
        answer(&ranks)
    });
}

impl Graph {
    fn new(edges: u64, nodes: u64) -> Graph {
        let mut starts = vec![0u32; nodes as usize + 1];
        let mut out_degrees = vec![0; nodes as usize];
        for (from, to) in (0..edges).map(|index| data::edge(index, nodes)) {
            out_degrees[from as usize] += 1;
            starts[to as usize + 1] += 1;
        }
        (1..starts.len()).for_each(|node| starts[node] += starts[node - 1]);
        let mut next = starts.clone();
        let mut sources = vec![0; edges as usize];
        for (from, to) in (0..edges).map(|index| data::edge(index, nodes)) {
            sources[next[to as usize] as usize] = from as u32;
            next[to as usize] += 1;
        }
        Graph { starts, sources, out_degrees }
    }
}

/// Runs one iteration: each node's contribution is computed once, then gathered.
fn step(graph: &Graph, ranks: &[Option<f64>], threads: usize) -> Vec<Option<f64>> {
    let gives =
        |(rank, degree): (&Option<f64>, &u32)| rank.map_or(f64::NAN, |rank| rank / f64::from(*degree));
    let given: Vec<f64> = ranks.iter().zip(&graph.out_degrees).map(gives).collect();
    let parts = threads::parallel(threads, PARTS, |index| {
        let nodes = threads::part(ranks.len() as u64, index, PARTS);
        let gathered = nodes.map(|node| {
            let (start, end) =
                (graph.starts[node as usize] as usize, graph.starts[node as usize + 1] as usize);
            let received = graph.sources[start..end].iter().map(|source| given[*source as usize]);
            let (count, sum) = received
                .filter(|amount| !amount.is_nan())
                .fold((0, 0.0), |(count, sum), amount| (count + 1, sum + amount));
            (count > 0).then_some(0.15 + 0.85 * sum)
        });
        gathered.collect::<Vec<_>>()
    });
    parts.concat()
}

/// Returns the answer. Ranks are rounded before they are added up, since the order of floating-point sums
/// differs between peers.
fn answer(ranks: &[Option<f64>]) -> String {
    let ranked = ranks.iter().enumerate().filter_map(|(node, rank)| Some((node as u64, (*rank)?)));
    let (count, checksum) = ranked.fold((0, 0u64), |(count, checksum), (node, rank)| {
        let rounded = (rank * 10_000.0).round() as u64;
        (count + 1, checksum.wrapping_add(data::mix(node ^ (rounded << 32))))
    });
    format!("ranked={count} checksum={checksum:016x}")
}
