//! Records of 100 bytes, as sorting contests have them: ten random bytes of key, ninety of value that tell
//! which record it is.

use crate::data::mix;
use serde::{Deserialize, Serialize};

/// Ten bytes that compare as their bytes do.
pub type Key = (u64, u16);

/// The number of a value's bytes.
pub const VALUE_BYTES: usize = 90;

/// Returns the key of record `index`. Below 2^63, so that signed readers order it alike.
#[inline]
pub fn key(index: u64) -> Key {
    (mix(index) >> 1, (mix(!index) >> 49) as u16)
}

/// Returns the value of record `index`: its number, then a filler of letters.
#[inline]
pub fn value(index: u64) -> [u8; VALUE_BYTES] {
    let mut value = [b'A' + (index % 26) as u8; VALUE_BYTES];
    value[..8].copy_from_slice(&index.to_be_bytes());
    value
}

/// The summary of one sorted part.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Part {
    edges: Option<(Key, Key)>,
    count: u64,
    inversions: u64,
    checksum: u64,
}

impl Part {
    /// Adds the next record of the part.
    pub fn look_at(&mut self, key: Key, value: &[u8]) {
        let (first, last) = self.edges.unwrap_or((key, key));
        self.edges = Some((first, key));
        self.inversions += u64::from(last > key);
        self.count += 1;
        let index = value.first_chunk::<8>().map_or(0, |number| u64::from_be_bytes(*number));
        self.checksum = self.checksum.wrapping_add(mix(key.0 ^ mix(index ^ u64::from(key.1))));
    }
}

/// Returns the answer from all parts: the number of records, the number out of order, and a checksum.
pub fn answer(parts: &[Part]) -> String {
    let edges: Vec<_> = parts.iter().filter_map(|part| part.edges).collect();
    let between = edges.windows(2).filter(|edge| edge[0].1 > edge[1].0).count() as u64;
    let inversions = between + parts.iter().map(|part| part.inversions).sum::<u64>();
    let count: u64 = parts.iter().map(|part| part.count).sum();
    let checksum = parts.iter().fold(0u64, |sum, part| sum.wrapping_add(part.checksum));
    format!("count={count} inversions={inversions} checksum={checksum:016x}")
}
