//! Groups by key, by hand: in each bucket a group is numbered when its key first comes, sizes are counted, and the values are then
//! laid group after group into one array.

use firesteel_benches::buckets::{BUCKETS, Scattered, bucket_of};
use firesteel_benches::{data, params, report, threads};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (n, keys, threads) = (params::records(5_000_000), params::keys(100_000), params::threads());
    report::measure(|| {
        let pairs = Scattered::new(threads, n, |i| {
            let key = data::below(i, keys);
            (bucket_of(key), (key, i))
        });
        let digests = threads::parallel(threads, BUCKETS, |bucket| {
            let groups = Groups::new(pairs.bucket(bucket).copied());
            let checksums = groups.iter().map(|(key, values)| {
                let sum = values.iter().fold(0u64, |sum, value| sum.wrapping_add(*value));
                data::mix(key + 7 * values.len() as u64 + sum)
            });
            (groups.keys.len(), checksums.fold(0, u64::wrapping_add))
        });
        let (groups, checksum) =
            digests.into_iter().fold((0, 0u64), |a, b| (a.0 + b.0, a.1.wrapping_add(b.1)));
        format!("groups={groups} checksum={checksum:016x}")
    });
}

/// Groups of equal keys. The values of group `g` are those from `starts[g]` to `starts[g + 1]`.
struct Groups {
    keys: Vec<u64>,
    starts: Vec<usize>,
    values: Vec<u64>,
}

impl Groups {
    fn new(pairs: impl Iterator<Item = (u64, u64)>) -> Groups {
        let mut numbers: HashMap<u64, u32, FixedState> = HashMap::default();
        let (mut keys, mut sizes, mut placed) = (Vec::new(), Vec::new(), Vec::new());
        for (key, value) in pairs {
            let number = *numbers.entry(key).or_insert_with(|| {
                keys.push(key);
                sizes.push(0);
                keys.len() as u32 - 1
            });
            sizes[number as usize] += 1;
            placed.push((number, value));
        }
        let mut starts = vec![0];
        sizes.iter().for_each(|size: &usize| starts.push(starts[starts.len() - 1] + size));
        let mut next = starts.clone();
        let mut values = vec![0; placed.len()];
        for (number, value) in placed {
            let at = &mut next[number as usize];
            values[*at] = value;
            *at += 1;
        }
        Groups { keys, starts, values }
    }

    fn iter(&self) -> impl Iterator<Item = (u64, &[u64])> {
        let ranges = self.starts.windows(2).map(|window| &self.values[window[0]..window[1]]);
        self.keys.iter().copied().zip(ranges)
    }
}
