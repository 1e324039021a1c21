//! Inner join by hand: both sides scattered by key; in each bucket a table over the left side with chains of equal keys.

use firesteel_benches::buckets::{BUCKETS, Scattered, bucket_of};
use firesteel_benches::{data, params, report, threads};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Pairs = Scattered<(u64, u64)>;

fn main() {
    let (n, keys, threads) = (params::records(2_000_000), params::keys(2_000_000), params::threads());
    report::measure(|| {
        let side = |from: u64| {
            Pairs::new(threads, n, move |i| {
                let key = data::below(from + i, keys);
                (bucket_of(key), (key, i))
            })
        };
        let (left, right) = (side(0), side(data::RIGHT_SIDE));
        let joined = threads::parallel(threads, BUCKETS, |bucket| join(&left, &right, bucket));
        let (count, checksum) = joined.into_iter().fold((0, 0u64), |a, b| (a.0 + b.0, a.1.wrapping_add(b.1)));
        format!("count={count} checksum={checksum:016x}")
    });
}

const END: u32 = u32::MAX;

/// Returns the number of joined pairs of the bucket, and the checksum over them.
fn join(left: &Pairs, right: &Pairs, bucket: usize) -> (u64, u64) {
    let mut heads: HashMap<u64, u32, FixedState> = HashMap::default();
    let mut chain: Vec<(u64, u32)> = Vec::with_capacity(left.len(bucket));
    for &(key, value) in left.bucket(bucket) {
        let head = heads.entry(key).or_insert(END);
        chain.push((value, *head));
        *head = chain.len() as u32 - 1;
    }
    let (mut count, mut checksum) = (0, 0u64);
    for &(key, right_value) in right.bucket(bucket) {
        let mut at = heads.get(&key).copied().unwrap_or(END);
        while at != END {
            let (left_value, next) = chain[at as usize];
            count += 1;
            checksum = checksum.wrapping_add(data::mix(key + 3 * left_value + 5 * right_value));
            at = next;
        }
    }
    (count, checksum)
}
