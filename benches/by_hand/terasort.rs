//! TeraSort by hand and all in memory: records of 100 bytes scattered by bounds from a sample, each part sorted
//! by itself.

use firesteel_benches::buckets::{BUCKETS, Scattered};
use firesteel_benches::{params, report, terasort, threads};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SAMPLES: u64 = 64 * BUCKETS as u64;

fn main() {
    let (n, threads) = (params::records(100_000_000), params::threads());
    report::measure(|| {
        let bounds = bounds(n);
        let records = Scattered::new(threads, n, |i| {
            let key = terasort::key(i);
            (bounds.partition_point(|bound| *bound <= key), (key, terasort::value(i)))
        });
        let parts = threads::parallel(threads, BUCKETS, |bucket| {
            let mut records: Vec<_> = records.bucket(bucket).collect();
            records.sort_unstable_by_key(|record| record.0);
            let mut part = terasort::Part::default();
            records.into_iter().for_each(|(key, value)| part.look_at(*key, value));
            part
        });
        terasort::answer(&parts)
    });
}

/// Returns the bounds between the buckets, evenly spaced in a sorted sample.
fn bounds(n: u64) -> Vec<terasort::Key> {
    let step = (n / SAMPLES).max(1);
    let mut sample: Vec<terasort::Key> = (0..n).step_by(step as usize).map(terasort::key).collect();
    sample.sort_unstable();
    (1..BUCKETS).map(|bucket| sample[bucket * sample.len() / BUCKETS]).collect()
}
