//! The by-hand shuffle: records scattered into buckets small enough that one bucket's table fits the cache.
//!
//! Each task scatters its part of the input; then each bucket is the list of what the tasks put there. There
//! are no locks, and a record is written once.

use crate::threads::{parallel, part};

/// The number of buckets, for about a million keys: a few thousand keys each.
pub const BUCKETS: usize = 256;

/// The number of parts into which the input is divided, enough that threads end together.
const PARTS: usize = 16;

/// Returns the bucket of a key, from the high bits of a multiplicative hash, so that the low bits are left for
/// the bucket's table.
#[inline]
pub fn bucket_of(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

/// Records by part, then by bucket.
pub struct Scattered<T>(Vec<Vec<Vec<T>>>);

impl<T: Send + Sync> Scattered<T> {
    /// Makes the records 0 to `n` and scatters them; `make` returns a record and its bucket.
    pub fn new(threads: usize, n: u64, make: impl Fn(u64) -> (usize, T) + Sync) -> Self {
        let expected = (n as usize / PARTS / BUCKETS) * 9 / 8 + 16;
        Scattered(parallel(threads, PARTS, |index| {
            let mut buckets: Vec<Vec<T>> = (0..BUCKETS).map(|_| Vec::with_capacity(expected)).collect();
            for index in part(n, index, PARTS) {
                let (bucket, record) = make(index);
                buckets[bucket].push(record);
            }
            buckets
        }))
    }

    /// Returns the records of one bucket.
    pub fn bucket(&self, index: usize) -> impl Iterator<Item = &T> + Clone {
        self.0.iter().flat_map(move |part| &part[index])
    }

    /// Returns the number of the bucket's records.
    pub fn len(&self, index: usize) -> usize {
        self.0.iter().map(|part| part[index].len()).sum()
    }

    /// Returns whether the bucket has no records.
    pub fn is_empty(&self, index: usize) -> bool {
        self.len(index) == 0
    }
}
