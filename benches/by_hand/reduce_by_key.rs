//! Reduce by key by hand: keys scattered into buckets, each bucket counted in a table that fits the cache.

use firesteel_benches::buckets::{BUCKETS, Scattered, bucket_of};
use firesteel_benches::{data, params, report, threads};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (n, keys, threads) = (params::records(20_000_000), params::keys(1_000_000), params::threads());
    report::measure(|| {
        let pairs = Scattered::new(threads, n, |i| {
            let key = data::below(i, keys);
            (bucket_of(key), (key, 1u64))
        });
        let reduced = threads::parallel(threads, BUCKETS, |bucket| {
            let mut counts: HashMap<u64, u64, FixedState> = HashMap::default();
            for &(key, count) in pairs.bucket(bucket) {
                *counts.entry(key).or_default() += count;
            }
            let checksums = counts.iter().map(|(key, count)| data::mix(key * 31 + count));
            (counts.len(), checksums.fold(0, u64::wrapping_add))
        });
        let (keys, checksum) = reduced.into_iter().fold((0, 0u64), |a, b| (a.0 + b.0, a.1.wrapping_add(b.1)));
        format!("keys={keys} checksum={checksum:016x}")
    });
}
