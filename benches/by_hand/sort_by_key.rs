//! Sort by key, by hand: a sample gives the bounds, pairs are scattered between them, each part is sorted by itself.
//!
//! Nothing is assumed about how the keys are spread, as a library could not either.

use firesteel_benches::buckets::{BUCKETS, Scattered};
use firesteel_benches::{data, params, report, threads};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SAMPLES: u64 = 64 * BUCKETS as u64;

/// The summary of one sorted part.
struct Part {
    edges: Option<(u64, u64)>,
    count: usize,
    inversions: usize,
    checksum: u64,
}

fn main() {
    let (n, threads) = (params::records(5_000_000), params::threads());
    report::measure(|| {
        let bounds = bounds(n);
        let pairs = Scattered::new(threads, n, |i| {
            let key = data::sort_key(i);
            (bounds.partition_point(|bound| *bound <= key), (key, i))
        });
        let parts = threads::parallel(threads, BUCKETS, |bucket| {
            let mut pairs: Vec<(u64, u64)> = pairs.bucket(bucket).copied().collect();
            pairs.sort_unstable_by_key(|pair| pair.0);
            examine(&pairs)
        });
        answer(&parts)
    });
}

/// Returns the bounds between the buckets, evenly spaced in a sorted sample.
fn bounds(n: u64) -> Vec<u64> {
    let step = (n / SAMPLES).max(1);
    let mut sample: Vec<u64> = (0..n).step_by(step as usize).map(data::sort_key).collect();
    sample.sort_unstable();
    (1..BUCKETS).map(|bucket| sample[bucket * sample.len() / BUCKETS]).collect()
}

fn examine(pairs: &[(u64, u64)]) -> Part {
    let checksums = pairs.iter().map(|(key, value)| data::mix(key ^ data::mix(*value)));
    Part {
        edges: pairs.first().zip(pairs.last()).map(|(first, last)| (first.0, last.0)),
        count: pairs.len(),
        inversions: pairs.windows(2).filter(|pair| pair[0].0 > pair[1].0).count(),
        checksum: checksums.fold(0, u64::wrapping_add),
    }
}

fn answer(parts: &[Part]) -> String {
    let edges: Vec<(u64, u64)> = parts.iter().filter_map(|part| part.edges).collect();
    let between = edges.windows(2).filter(|edge| edge[0].1 > edge[1].0).count();
    let inversions = between + parts.iter().map(|part| part.inversions).sum::<usize>();
    let count: usize = parts.iter().map(|part| part.count).sum();
    let checksum = parts.iter().fold(0u64, |sum, part| sum.wrapping_add(part.checksum));
    format!("count={count} inversions={inversions} checksum={checksum:016x}")
}
