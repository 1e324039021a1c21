//! The sorter: sorts pairs by key, in as much memory as there is. Sorted runs go to disk when the budget
//! refuses more, and are merged in the end. The sort is stable, spilled or not.

use crate::block::KeyRef;
use crate::merge::{Fallible, Merge};
use crate::spill::{Run, RunReader, RunWriter};
use crate::{Data, DataError, Reservation, Workspace, memory_size};
use std::cmp::Ordering;
use std::sync::Arc;

/// Sorts pairs by their keys.
pub struct Sorter<K, V, F> {
    pairs: Vec<(K, V)>,
    /// The memory that the pairs own beyond their own size, estimated from some of them.
    owned_bytes: usize,
    reservation: Reservation,
    runs: Vec<Run>,
    workspace: Arc<dyn Workspace>,
    compare: F,
    spilled_bytes: u64,
}

impl<K: Data, V: Data, F: Fn(&K, &K) -> Ordering + 'static> Sorter<K, V, F> {
    /// Makes an empty sorter.
    pub fn new(workspace: Arc<dyn Workspace>, compare: F) -> Self {
        let reservation = Reservation::new(workspace.clone());
        Sorter {
            pairs: vec![],
            owned_bytes: 0,
            reservation,
            runs: vec![],
            workspace,
            compare,
            spilled_bytes: 0,
        }
    }

    /// Adds some pairs.
    ///
    /// # Errors
    /// When spilling fails.
    pub fn extend(&mut self, pairs: Vec<(K, V)>) -> Result<(), DataError> {
        self.owned_bytes += owned_by(&pairs);
        if self.pairs.is_empty() {
            self.pairs = pairs;
        } else {
            self.pairs.extend(pairs);
        }
        let bytes = self.pairs.capacity() * size_of::<(K, V)>() + self.owned_bytes;
        if self.reservation.cover(bytes) { Ok(()) } else { self.spill() }
    }

    fn spill(&mut self) -> Result<(), DataError> {
        let mut pairs = std::mem::take(&mut self.pairs);
        let held = (pairs.capacity() * size_of::<(K, V)>() + self.owned_bytes) as u64;
        pairs.sort_by(|a, b| (self.compare)(&a.0, &b.0));
        let mut writer = RunWriter::new(&*self.workspace)?;
        pairs.into_iter().try_for_each(|(key, value)| writer.push(KeyRef::Owned(key), value))?;
        let (run, bytes) = writer.finish()?;
        self.runs.push(run);
        self.spilled_bytes += bytes;
        self.workspace.spilled(held, bytes);
        self.owned_bytes = 0;
        self.reservation.clear();
        Ok(())
    }

    /// Returns the pairs in order.
    ///
    /// # Errors
    /// When a run cannot be opened. Later failures come as items.
    pub fn finish(mut self) -> Result<Sorted<K, V>, DataError> {
        let mut last = std::mem::take(&mut self.pairs);
        last.sort_by(|a, b| (self.compare)(&a.0, &b.0));
        if self.runs.is_empty() {
            let pairs = Sequence::InMemory(last);
            return Ok(Sorted { pairs, _reservation: self.reservation, spilled_bytes: 0 });
        }
        let mut sequences: Vec<Fallible<'static, (K, V)>> = vec![];
        for run in self.runs {
            sequences.push(Box::new(RunReader::new(run)?));
        }
        sequences.push(Box::new(last.into_iter().map(Ok)));
        let compare = self.compare;
        let merged = Merge::new(sequences, move |a: &(K, V), b: &(K, V)| compare(&a.0, &b.0));
        let pairs = Sequence::Merged(Box::new(merged));
        Ok(Sorted { pairs, _reservation: self.reservation, spilled_bytes: self.spilled_bytes })
    }
}

/// Estimates the memory behind the pairs, from measuring at most 16 of them.
fn owned_by<K: Data, V: Data>(pairs: &[(K, V)]) -> usize {
    if !std::mem::needs_drop::<(K, V)>() || pairs.is_empty() {
        return 0;
    }
    let step = pairs.len().div_ceil(16);
    let sample: Vec<usize> =
        pairs.iter().step_by(step).map(|pair| memory_size(pair) - size_of::<(K, V)>()).collect();
    sample.iter().sum::<usize>() * pairs.len() / sample.len()
}

enum Sequence<K, V> {
    InMemory(Vec<(K, V)>),
    Merged(Fallible<'static, (K, V)>),
}

/// The result of a [`Sorter`].
pub struct Sorted<K, V> {
    pairs: Sequence<K, V>,
    _reservation: Reservation,
    spilled_bytes: u64,
}

impl<K, V> Sorted<K, V> {
    /// Returns the number of bytes that went to disk.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes
    }

    /// Returns the next pairs: at least one and at most about `wanted`, or all at once if they are in memory.
    /// `None` at the end.
    ///
    /// # Errors
    /// When a run cannot be read back.
    pub fn next_batch(&mut self, wanted: usize) -> Result<Option<Vec<(K, V)>>, DataError> {
        let batch = match &mut self.pairs {
            Sequence::InMemory(pairs) => std::mem::take(pairs),
            Sequence::Merged(pairs) => pairs.take(wanted).collect::<Result<Vec<_>, _>>()?,
        };
        Ok(if batch.is_empty() { None } else { Some(batch) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::testing::Small;
    use proptest::prelude::*;

    fn sorted(memory: usize, batches: &[Vec<(u16, String)>]) -> (Vec<(u16, String)>, u64) {
        let workspace = Small::with(memory);
        let mut sorter = Sorter::new(workspace.clone(), u16::cmp);
        batches.iter().for_each(|batch| sorter.extend(batch.clone()).unwrap());
        let mut sorted = sorter.finish().unwrap();
        let mut all = vec![];
        while let Some(batch) = sorted.next_batch(100).unwrap() {
            all.extend(batch);
        }
        let spilled = sorted.spilled_bytes();
        drop(sorted);
        assert_eq!(workspace.free(), memory);
        assert_eq!(std::fs::read_dir(workspace.dir.path()).unwrap().count(), 0);
        (all, spilled)
    }

    /// Some batches, of few enough keys that many are equal.
    fn batches() -> impl Strategy<Value = Vec<Vec<(u16, String)>>> {
        let pair = (0..100u16, any::<String>());
        prop::collection::vec(prop::collection::vec(pair, 0..20), 0..20)
    }

    proptest! {
        #[test]
        fn it_is_a_stable_sort(batches in batches()) {
            let mut expected = batches.concat();
            expected.sort_by_key(|pair| pair.0);
            prop_assert_eq!(sorted(1 << 30, &batches).0, expected);
        }
    }

    #[test]
    fn spilling_changes_nothing() {
        let batches: Vec<Vec<_>> = (0..100u32)
            .map(|b| (0..1_000u32).map(|i| ((i * 7919 + b) as u16, format!("{b} {i}"))).collect())
            .collect();
        let (small, spilled) = sorted(3 << 20, &batches);
        assert!(spilled > 0);
        assert!(small == sorted(1 << 30, &batches).0);
    }
}
