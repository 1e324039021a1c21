//! The gatherer: brings equal keys of one input together, and keeps every pair as it came.
//!
//! Pairs go into buckets by the first bits of their keys' hashes. A bucket is sorted when its turn comes, so that it is in the
//! processor's caches, and its memory is given back behind it. When the budget refuses more, all buckets are written to a run, in order, and
//! in the end the runs are merged. Either way the pairs come in the order of the hashes, and those of one hash in the order in which they
//! were pushed: as with the [combiner](crate::combine), **the order depends on the contents alone**.
//!
//! A table with a list for each key would cost an allocation for each key and side, which is most of a join's time where keys are many.

use crate::block::KeyRef;
use crate::hash::hash_key;
use crate::merge::{Fallible, Merge};
use crate::spill::{Run, RunReader, RunWriter};
use crate::{Data, DataError, Reservation, Workspace, memory_size};
use std::hash::Hash;
use std::iter::Peekable;
use std::sync::Arc;

/// The number of bits of a hash that choose a bucket: so many that a partition of a million pairs has buckets of some hundred kilobytes, and
/// so few that a write to each bucket in turn stays in the cache.
const BUCKET_BITS: u32 = 8;

/// The pairs for which a bucket has room at first.
const LEAST_PAIRS: usize = 16;

/// A pair, with its key's hash.
pub type Hashed<K, V> = (u64, K, V);

/// Gathers pairs, to give them back in the order of their keys' hashes.
pub struct Gatherer<K, V> {
    buckets: Vec<Vec<Hashed<K, V>>>,
    /// The memory of the buckets.
    bucket_bytes: usize,
    /// The memory that keys and values own beyond that, estimated.
    owned_bytes: usize,
    reservation: Reservation,
    runs: Vec<Run>,
    workspace: Arc<dyn Workspace>,
}

impl<K: Data + Hash + Eq, V: Data> Gatherer<K, V> {
    /// Makes an empty gatherer.
    ///
    /// ```
    /// # use firesteel_data::{gather::Gatherer, hash::hash_key, Workspace};
    /// # fn gather(workspace: std::sync::Arc<dyn Workspace>) -> Result<(), firesteel_data::DataError> {
    /// let mut gatherer = Gatherer::new(workspace);
    /// for (key, value) in [("a", 1), ("b", 2), ("a", 3)].map(|(key, value)| (key.to_string(), value)) {
    ///     gatherer.push(hash_key(&key), key, value);
    /// }
    /// gatherer.check_memory()?;
    /// let mut gathered = gatherer.finish()?;
    /// while let Some(hash) = gathered.next_hash()? {
    ///     let count = gathered.group(hash).len(); // two of "a", or one of "b"
    ///     gathered.take(count).for_each(drop);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(workspace: Arc<dyn Workspace>) -> Self {
        Gatherer {
            buckets: empty_buckets(),
            bucket_bytes: 0,
            owned_bytes: 0,
            reservation: Reservation::new(workspace.clone()),
            runs: vec![],
            workspace,
        }
    }

    /// Adds a pair. Call [`Gatherer::check_memory`] now and then.
    #[inline(always)]
    pub fn push(&mut self, hash: u64, key: K, value: V) {
        if std::mem::needs_drop::<K>() || std::mem::needs_drop::<V>() {
            self.owned_bytes += memory_size(&key) - size_of::<K>() + memory_size(&value) - size_of::<V>();
        }
        let bucket = &mut self.buckets[(hash >> (u64::BITS - BUCKET_BITS)) as usize];
        if bucket.len() == bucket.capacity() {
            let before = bucket.capacity();
            bucket.reserve(before.max(LEAST_PAIRS));
            self.bucket_bytes += (bucket.capacity() - before) * size_of::<Hashed<K, V>>();
        }
        bucket.push((hash, key, value));
    }

    /// Spills the pairs when the budget does not cover them. Call once per batch.
    ///
    /// # Errors
    /// When spilling fails.
    pub fn check_memory(&mut self) -> Result<(), DataError> {
        let covered = self.reservation.cover(self.bucket_bytes + self.owned_bytes);
        if covered { Ok(()) } else { self.spill() }
    }

    fn spill(&mut self) -> Result<(), DataError> {
        let held = (self.bucket_bytes + self.owned_bytes) as u64;
        let mut writer = RunWriter::new(&*self.workspace)?;
        let mut order = Order::default();
        for mut bucket in std::mem::replace(&mut self.buckets, empty_buckets()) {
            order.sort(&mut bucket);
            bucket.into_iter().try_for_each(|(_, key, value)| writer.push(KeyRef::Owned(key), value))?;
        }
        let (run, bytes) = writer.finish()?;
        self.runs.push(run);
        self.workspace.spilled(held, bytes);
        self.reservation.clear();
        (self.bucket_bytes, self.owned_bytes) = (0, 0);
        Ok(())
    }

    /// Returns the pairs in the order of their keys' hashes.
    ///
    /// # Errors
    /// When spilling fails.
    pub fn finish(mut self) -> Result<Gathered<K, V>, DataError> {
        let source = if self.runs.is_empty() {
            Source::Buckets(std::mem::take(&mut self.buckets).into_iter(), Order::default())
        } else {
            self.spill()?;
            Source::Runs(merged(self.runs)?.peekable())
        };
        Ok(Gathered { current: vec![].into_iter(), source, _reservation: self.reservation })
    }
}

fn empty_buckets<K, V>() -> Vec<Vec<Hashed<K, V>>> {
    (0..1 << BUCKET_BITS).map(|_| vec![]).collect()
}

/// Merges runs that are in the order of hashes.
fn merged<K: Data + Hash, V: Data>(runs: Vec<Run>) -> Result<Fallible<'static, Hashed<K, V>>, DataError> {
    let mut sequences: Vec<Fallible<'static, Hashed<K, V>>> = vec![];
    for run in runs {
        let pairs = RunReader::<K, V>::new(run)?;
        sequences.push(Box::new(pairs.map(|pair| pair.map(|(key, value)| (hash_key(&key), key, value)))));
    }
    Ok(Box::new(Merge::new(sequences, |a: &Hashed<K, V>, b: &Hashed<K, V>| a.0.cmp(&b.0))))
}

/// Puts the pairs of a bucket into the order of their hashes, and keeps those of one hash in theirs. It keeps its lists for the next bucket.
///
/// The bits of the hash behind those of the bucket choose a place for each pair, as in a radix sort, and few pairs share one: so it takes a
/// few passes over memory that is in the cache, where a sort by comparison takes a pass for each doubling.
#[derive(Default)]
struct Order {
    /// The end of the pairs of each slot, counted from the bucket's beginning.
    ends: Vec<u32>,
    /// The place of each pair.
    places: Vec<u32>,
}

impl Order {
    /// The smallest bucket for which slots are worth their lists.
    const FEW: usize = 48;
    /// The most bits of slots: their ends take a processor's innermost cache at most.
    const SLOT_BITS: u32 = 12;

    /// Sorts pairs whose hashes have the first bits in common.
    fn sort<K, V>(&mut self, bucket: &mut [Hashed<K, V>]) {
        if bucket.len() < Self::FEW || bucket.len() > u32::MAX as usize {
            return bucket.sort_by_key(|pair| pair.0);
        }
        let bits = bucket.len().ilog2().min(Self::SLOT_BITS);
        let slot = |hash: u64| (hash << BUCKET_BITS >> (u64::BITS - bits)) as usize;
        self.ends.clear();
        self.ends.resize(1 << bits, 0);
        bucket.iter().for_each(|pair| self.ends[slot(pair.0)] += 1);
        let mut end = 0;
        for count in &mut self.ends {
            // The beginning, which moves to the end while places are given.
            end += std::mem::replace(count, end);
        }
        self.places.clear();
        self.places.extend(bucket.iter().map(|pair| {
            let next = &mut self.ends[slot(pair.0)];
            *next += 1;
            *next - 1
        }));
        for at in 0..bucket.len() {
            while self.places[at] as usize != at {
                let place = self.places[at] as usize;
                bucket.swap(at, place);
                self.places.swap(at, place);
            }
        }
        let mut start = 0;
        for end in &self.ends {
            let end = *end as usize;
            if end - start > 1 {
                bucket[start..end].sort_by_key(|pair| pair.0);
            }
            start = end;
        }
    }
}

/// The pairs of runs that are read at once.
const CHUNK: usize = 1024;

/// The pairs that a [`Gatherer`] gathered, in the order of hashes.
pub struct Gathered<K, V> {
    /// The next pairs. All with one hash are in here, if one is.
    current: std::vec::IntoIter<Hashed<K, V>>,
    source: Source<K, V>,
    _reservation: Reservation,
}

enum Source<K, V> {
    Buckets(std::vec::IntoIter<Vec<Hashed<K, V>>>, Order),
    Runs(Peekable<Fallible<'static, Hashed<K, V>>>),
}

impl<K, V> Gathered<K, V> {
    /// Returns the hash of the next pair; `None` when there is none left.
    ///
    /// # Errors
    /// When a run cannot be read.
    #[inline]
    pub fn next_hash(&mut self) -> Result<Option<u64>, DataError> {
        while self.current.as_slice().is_empty() {
            if !self.refill()? {
                return Ok(None);
            }
        }
        Ok(self.current.as_slice().first().map(|pair| pair.0))
    }

    /// Fetches the next pairs; returns whether there may be some.
    fn refill(&mut self) -> Result<bool, DataError> {
        self.current = match &mut self.source {
            Source::Buckets(waiting, order) => {
                let Some(mut bucket) = waiting.next() else { return Ok(false) };
                order.sort(&mut bucket);
                bucket.into_iter()
            }
            Source::Runs(pairs) => {
                let mut chunk: Vec<Hashed<K, V>> = vec![];
                while let Some(pair) = pairs.next_if(|next| {
                    let is_same = |last: &Hashed<K, V>| next.as_ref().map_or(true, |next| next.0 == last.0);
                    chunk.len() < CHUNK || chunk.last().is_some_and(is_same)
                }) {
                    chunk.push(pair?);
                }
                if chunk.is_empty() {
                    return Ok(false);
                }
                chunk.into_iter()
            }
        };
        Ok(true)
    }

    /// Returns all pairs with the next hash, if it is this one: in the order in which they were pushed. Call [`Gathered::next_hash`] before.
    #[inline]
    pub fn group(&self, hash: u64) -> &[Hashed<K, V>] {
        let pairs = self.current.as_slice();
        let length = pairs.iter().position(|pair| pair.0 != hash).unwrap_or(pairs.len());
        &pairs[..length]
    }

    /// Takes so many pairs off the group that [`Gathered::group`] returned.
    #[inline]
    pub fn take(&mut self, count: usize) -> impl Iterator<Item = (K, V)> {
        self.current.by_ref().take(count).map(|(_, key, value)| (key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::testing::Small;
    use proptest::prelude::*;

    /// Gathers the pairs, and returns what comes back, with the number of runs.
    fn gathered<K: Data + Hash + Eq>(memory: usize, pairs: &[(K, u32)]) -> (Vec<(K, u32)>, usize) {
        let workspace = Small::with(memory);
        let mut gatherer = Gatherer::new(workspace.clone());
        for (key, value) in pairs {
            gatherer.push(hash_key(key), key.clone(), *value);
            gatherer.check_memory().unwrap();
        }
        let runs = gatherer.runs.len();
        let (mut gathered, mut all) = (gatherer.finish().unwrap(), vec![]);
        while let Some(hash) = gathered.next_hash().unwrap() {
            let count = gathered.group(hash).len();
            all.extend(gathered.take(count));
        }
        drop(gathered);
        assert_eq!(workspace.free(), memory, "memory was not given back");
        assert_eq!(std::fs::read_dir(workspace.dir.path()).unwrap().count(), 0, "files were left behind");
        (all, runs)
    }

    fn in_order_of_hashes<K: Data + Hash>(pairs: &[(K, u32)]) -> Vec<(K, u32)> {
        let mut sorted = pairs.to_vec();
        sorted.sort_by_key(|(key, _)| hash_key(key));
        sorted
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn pairs_come_in_the_order_of_hashes_and_else_as_they_were_pushed(numbers: Vec<(u8, u32)>, texts: Vec<(String, u32)>) {
            prop_assert_eq!(gathered(1 << 40, &numbers).0, in_order_of_hashes(&numbers));
            prop_assert_eq!(gathered(1 << 40, &texts).0, in_order_of_hashes(&texts));
        }
    }

    #[test]
    fn a_bucket_of_any_size_is_sorted_as_a_stable_sort_does() {
        for (length, hashes) in [(47, 7), (48, 1 << 40), (1000, 1 << 60), (9000, 3), (30_000, 1 << 62)] {
            // All in the first bucket.
            let hash = |i: u64| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) % hashes) & (u64::MAX >> BUCKET_BITS);
            let mut bucket: Vec<Hashed<u64, String>> =
                (0..length).map(|i| (hash(i), i, i.to_string())).collect();
            let mut expected = bucket.clone();
            expected.sort_by_key(|pair| pair.0);
            Order::default().sort(&mut bucket);
            assert!(bucket == expected, "{length} pairs");
        }
    }

    #[test]
    fn more_than_the_budget_covers_is_spilled_and_comes_in_the_same_order() {
        let pairs: Vec<(String, u32)> =
            (0..50_000u32).map(|i| (format!("key number {}", i % 20_000), i)).collect();
        let (spilled, runs) = gathered(2 << 20, &pairs);
        assert!(runs > 1, "{runs} runs");
        assert!(spilled == in_order_of_hashes(&pairs));
        assert!(gathered(1 << 40, &pairs) == (spilled, 0));
    }

    #[test]
    fn a_broken_run_is_an_error_and_no_end() {
        let workspace = Small::with(0);
        let mut gatherer = Gatherer::new(workspace.clone());
        for i in 0..60_000u64 {
            gatherer.push(hash_key(&i), i, i);
            gatherer.check_memory().unwrap();
        }
        let mut gathered = gatherer.finish().unwrap();
        for file in std::fs::read_dir(workspace.dir.path()).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            let at = bytes.len() - 20;
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
        let error = loop {
            match gathered.next_hash() {
                Ok(Some(hash)) => {
                    let count = gathered.group(hash).len();
                    gathered.take(count).for_each(drop);
                }
                Ok(None) => panic!("a broken run looks like a shorter one"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains(&*workspace.dir.path().to_string_lossy()), "{error}");
    }
}
