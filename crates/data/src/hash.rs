//! The hash of a key: the same in every process that runs the same program, on any machine.
//!
//! One function serves partitioning, combining tables and spilled runs, so a key is hashed once and its hash
//! carried along. The seed is fixed: keys must land in the same partition on every executor. So the hash does
//! not defend against keys that were chosen to collide.

use crate::layout::as_text;
use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hash};

const STATE: FixedState = FixedState::with_seed(0x6669_7265_7374_6565);

/// Returns the hash of a key.
#[inline(always)]
pub fn hash_key<K: Hash + 'static>(key: &K) -> u64 {
    match as_text(key) {
        Some(text) => hash_text(text),
        None => STATE.hash_one(key),
    }
}

/// Returns the hash of a key that is a string: that of [`hash_key`] for `String` and `Str` alike.
#[inline(always)]
pub fn hash_text(text: &str) -> u64 {
    hash_bytes(text.as_bytes())
}

/// Returns the hash of bytes.
#[inline(always)]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hasher = STATE.build_hasher();
    std::hash::Hasher::write(&mut hasher, bytes);
    std::hash::Hasher::finish(&hasher)
}

/// Returns the partition, of `partitions`, for a hash.
///
/// Uses the middle bits: hash tables tell entries apart by the lowest and the highest, which must still differ within
/// one partition.
#[inline(always)]
pub fn partition_of(hash: u64, partitions: u32) -> u32 {
    ((u64::from((hash >> 16) as u32) * u64::from(partitions)) >> 32) as u32
}

/// Mixes two digests into one; exchanging them gives another.
#[inline(always)]
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let product =
        u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b.rotate_left(32) ^ 0xd1b5_4a32_d192_ed03);
    (product as u64) ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Str;

    #[test]
    fn the_hash_never_changes() {
        // Stored data and running executors rely on partitioning: a change here is a change of format.
        assert_eq!(hash_key(&1u64), hash_key(&1u64));
        assert_eq!(hash_key(&"spark".to_string()), hash_key(&Str::from("spark")));
    }

    #[test]
    fn partitions_of_equal_size_get_about_equal_shares() {
        for partitions in [1u32, 2, 7, 200] {
            let mut counts = vec![0u32; partitions as usize];
            let keys = 10_000 * partitions;
            (0..keys).for_each(|key| counts[partition_of(hash_key(&key), partitions) as usize] += 1);
            assert!(counts.iter().all(|&n| (9_000..11_000).contains(&n)), "{partitions}: {counts:?}");
        }
    }
}
