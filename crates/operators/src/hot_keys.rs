//! [`HotKeys`]: which key a task meets so often that it explains why the task is slow.
//!
//! Operators that gather the values of a key look at one record in a stride, and tell its hash. The key itself is looked for only among
//! the results, and only if one is hot: so keys are neither copied nor compared for this.

use crate::meter::Meter;
use crate::watch;
use firesteel_data::hash::hash_key;
use serde::Serialize;
use std::hash::Hash;

/// The records of a stride: enough that a look costs nothing, few enough that a key with a third of some thousand records is met.
pub(crate) const STRIDE: usize = 256;

/// The share of a task's records, in percent, from which a key is told.
const SHARE: u64 = 20;

/// The looks from which on they tell something: of fewer, one key may have a large share by chance.
const FEWEST_LOOKS: u32 = 20;

/// The candidates that are counted. A key with a share of more than one in this many is among them (Misra and Gries, "Finding
/// repeated elements", 1982).
const CANDIDATES: usize = 8;

/// Counts of the hashes that were met most.
#[derive(Debug, Default)]
pub(crate) struct HotKeys {
    candidates: [(u64, u64); CANDIDATES],
    records: u64,
    looks: u32,
}

/// A key that is met often, by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HotKey {
    hash: u64,
    /// The number of its records, as the sample has it.
    records: u64,
}

impl HotKeys {
    /// Notes that one of these `records` has a key with this hash.
    pub(crate) fn note(&mut self, hash: u64, records: usize) {
        let records = records as u64;
        self.records += records;
        self.looks += 1;
        if let Some((_, count)) =
            self.candidates.iter_mut().find(|(known, count)| *known == hash && *count > 0)
        {
            *count += records;
        } else if let Some(free) = self.candidates.iter_mut().find(|(_, count)| *count == 0) {
            *free = (hash, records);
        } else {
            self.candidates.iter_mut().for_each(|(_, count)| *count = count.saturating_sub(records));
        }
    }

    /// Returns the hottest key, if it is hot.
    pub(crate) fn hottest(&self) -> Option<HotKey> {
        let (hash, records) = self.candidates.iter().copied().max_by_key(|(_, count)| *count)?;
        (self.looks >= FEWEST_LOOKS && records * 100 >= self.records * SHARE)
            .then_some(HotKey { hash, records })
    }
}

impl HotKey {
    /// Looks for the key among results, and tells the meter of it. True if it was there.
    pub(crate) fn tell<K: Hash + Serialize + 'static, C>(self, results: &[(K, C)], meter: &Meter) -> bool {
        let found = results.iter().find(|(key, _)| hash_key(key) == self.hash);
        if let Some((key, _)) = found {
            meter.note_hot_key(watch::render(key), self.records);
        }
        found.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(hashes: impl IntoIterator<Item = u64>) -> HotKeys {
        let mut keys = HotKeys::default();
        hashes.into_iter().for_each(|hash| keys.note(hash, STRIDE));
        keys
    }

    #[test]
    fn a_key_with_a_third_of_the_records_is_hot_wherever_they_lie() {
        let stride = STRIDE as u64;
        let mixed = keys((0..300).map(|n| if n % 3 == 0 { 7 } else { 1_000 + n })).hottest().unwrap();
        assert_eq!(mixed.hash, 7);
        // The candidates' counts are lower bounds.
        assert!(mixed.records > 60 * stride && mixed.records <= 100 * stride, "{mixed:?}");
        let first = keys((0..300).map(|n| if n < 200 { 7 } else { n })).hottest();
        assert_eq!(first.map(|hot| hot.hash), Some(7));
        assert_eq!(keys([7; 50]).hottest(), Some(HotKey { hash: 7, records: 50 * stride }));
    }

    #[test]
    fn keys_that_are_met_alike_are_not_hot_nor_is_one_of_few_records() {
        assert_eq!(keys(0..300).hottest(), None);
        assert_eq!(keys((0..300).map(|n| n % 20)).hottest(), None);
        assert_eq!(keys([7; FEWEST_LOOKS as usize - 1]).hottest(), None);
        assert_eq!(HotKeys::default().hottest(), None);
    }

    #[test]
    fn the_hot_key_is_told_in_words_once_it_is_found() {
        let meter = Meter::default();
        let hot = HotKey { hash: hash_key(&"b"), records: 9 };
        assert!(!hot.tell(&[("a", 1)], &meter));
        assert!(hot.tell(&[("a", 1), ("b", 2)], &meter));
        let told = meter.read().hot_key.unwrap();
        assert_eq!((&*told.key, told.records), ("\"b\"", 9));
    }
}
