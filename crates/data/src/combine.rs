//! The combiner: brings equal keys together and combines their values, in as much memory as there is.
//!
//! Pairs go into a hash table. When the budget refuses more, the table is written to a run in the order of its
//! keys' hashes, and a new one begins; in the end the runs are merged by hash. Whether it spilled or not, the
//! result comes in the order of the hashes: **the order of a shuffled partition depends on its contents
//! alone**, so a task that runs again under other memory pressure gives its records in the same order.

use crate::block::KeyRef;
use crate::hash::hash_key;
use crate::merge::{Fallible, Merge};
use crate::spill::{Run, RunReader, RunWriter};
use crate::table::Table;
use crate::{Data, DataError, Reservation, Workspace};
use std::any::Any;
use std::cell::Cell;
use std::hash::Hash;
use std::sync::Arc;

/// The largest table whose memory a thread keeps between its tasks.
const RECYCLED_BYTES_AT_MOST: usize = 128 << 20;

thread_local! {
    /// The emptied table of the last map task.
    static RECYCLED: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

/// Combines pairs by key.
pub struct Combiner<K, C> {
    table: Table<K, C>,
    reservation: Reservation,
    runs: Vec<Run>,
    workspace: Arc<dyn Workspace>,
    accumulates: bool,
    spilled_bytes: u64,
}

impl<K: Data + Hash + Eq, C: Data> Combiner<K, C> {
    /// Makes an empty combiner. `accumulates` says whether a merged value stays in memory, as in a list, or is
    /// absorbed, as in a sum.
    pub fn new(workspace: Arc<dyn Workspace>, accumulates: bool) -> Self {
        Combiner {
            table: Table::new(accumulates),
            reservation: Reservation::new(workspace.clone()),
            runs: vec![],
            workspace,
            accumulates,
            spilled_bytes: 0,
        }
    }

    /// Makes a combiner for the map side, which is emptied with [`Combiner::drain`]. It takes the memory of
    /// this thread's last such combiner, if the budget covers it: growing a table anew for each task costs a
    /// tenth of a word count.
    pub fn recycled(workspace: Arc<dyn Workspace>, accumulates: bool) -> Self {
        let mut combiner = Combiner::new(workspace, accumulates);
        let kept = RECYCLED.take().and_then(|kept| kept.downcast::<Table<K, C>>().ok());
        if let Some(table) = kept
            && combiner.reservation.cover(table.bytes())
        {
            combiner.table = (*table).recycled(accumulates);
        }
        combiner
    }

    /// Leaves the memory of an emptied combiner to the next one on this thread.
    pub fn recycle(self) {
        if self.table.len() == 0 && self.table.bytes() <= RECYCLED_BYTES_AT_MOST {
            RECYCLED.set(Some(Box::new(self.table)));
        }
    }

    /// Combines a value into its key's combination: `create` makes the first combination, `merge` adds a value to one. Call
    /// [`Combiner::check_memory`] now and then.
    #[inline(always)]
    pub fn insert<V: Data>(
        &mut self,
        hash: u64,
        key: KeyRef<'_, K>,
        value: V,
        create: impl FnOnce(V) -> C,
        merge: impl FnOnce(C, V) -> C,
    ) {
        self.table.insert(hash, key, value, create, merge);
    }

    /// Prefetches the slot that [`Combiner::insert`] with this hash will read.
    #[inline(always)]
    pub fn touch(&self, hash: u64) {
        self.table.touch(hash);
    }

    /// Returns the number of keys in memory.
    pub fn keys_in_memory(&self) -> usize {
        self.table.len()
    }

    /// Returns whether the table has outgrown what the budget grants.
    pub fn is_over_budget(&mut self) -> bool {
        self.table.is_full() || !self.reservation.cover(self.table.bytes())
    }

    /// Spills the table when the budget does not cover it. Call once per batch.
    ///
    /// # Errors
    /// When spilling fails.
    pub fn check_memory(&mut self) -> Result<(), DataError> {
        if self.is_over_budget() { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<(), DataError> {
        let held = self.table.bytes() as u64;
        let mut writer = RunWriter::new(&*self.workspace)?;
        self.table.drain_by_hash().try_for_each(|_, key, combined| writer.push(key, combined))?;
        let (run, bytes) = writer.finish()?;
        self.runs.push(run);
        self.spilled_bytes += bytes;
        self.workspace.spilled(held, bytes);
        self.reservation.clear();
        Ok(())
    }

    /// Empties the table into `f`, in the order in which keys came first. For the map side, whose readers combine again.
    ///
    /// # Errors
    /// The error that `f` returns.
    pub fn drain<E>(&mut self, f: impl FnMut(u64, KeyRef<'_, K>, C) -> Result<(), E>) -> Result<(), E> {
        assert!(self.runs.is_empty(), "a combiner that is drained hands its overflow on, and never spills");
        self.table.drain(f)
    }

    /// Gives the memory of an emptied combiner back to the budget.
    pub fn shed_memory(&mut self) {
        assert_eq!(self.table.len(), 0, "only an emptied combiner can give its memory back");
        self.table = Table::new(self.accumulates);
        self.reservation.clear();
    }

    /// Returns the combined pairs, in the order of their keys' hashes. `merge` unites two combinations of one
    /// key, the earlier one first.
    ///
    /// # Errors
    /// When spilling fails. Later failures come as items.
    pub fn finish<M: Fn(C, C) -> C + 'static>(mut self, merge: M) -> Result<Combined<K, C>, DataError> {
        if self.runs.is_empty() {
            let entries = self.table.drain_by_hash().map(|(_, key, combined)| Ok((key, combined)));
            return Ok(Combined {
                pairs: Box::new(entries),
                _reservation: self.reservation,
                spilled_bytes: 0,
            });
        }
        self.spill()?;
        let mut sequences: Vec<Fallible<'static, (u64, K, C)>> = vec![];
        for run in self.runs {
            let hashed =
                RunReader::<K, C>::new(run)?.map(|pair| pair.map(|(key, c)| (hash_key(&key), key, c)));
            sequences.push(Box::new(hashed));
        }
        let merged = Merge::new(sequences, |a: &(u64, K, C), b: &(u64, K, C)| a.0.cmp(&b.0));
        let pairs = Box::new(UniteEqualKeys { merged: merged.peekable(), group: vec![].into_iter(), merge });
        Ok(Combined { pairs, _reservation: self.reservation, spilled_bytes: self.spilled_bytes })
    }
}

/// The result of a [`Combiner`].
pub struct Combined<K, C> {
    pairs: Fallible<'static, (K, C)>,
    _reservation: Reservation,
    spilled_bytes: u64,
}

impl<K, C> Combined<K, C> {
    /// Returns the number of bytes that went to disk.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes
    }
}

impl<K, C> Iterator for Combined<K, C> {
    type Item = Result<(K, C), DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pairs.next()
    }
}

/// Takes groups of equal hashes off a merged sequence, and unites equal keys within each.
struct UniteEqualKeys<I: Iterator, K, C, M> {
    merged: std::iter::Peekable<I>,
    group: std::vec::IntoIter<(K, C)>,
    merge: M,
}

impl<I, K: Eq, C, M: Fn(C, C) -> C> UniteEqualKeys<I, K, C, M>
where
    I: Iterator<Item = Result<(u64, K, C), DataError>>,
{
    fn next_group(&mut self) -> Result<bool, DataError> {
        let Some(first) = self.merged.next() else { return Ok(false) };
        let (hash, key, combined) = first?;
        // Different keys of one hash are rare, so a list of them is short.
        let mut group: Vec<(K, Option<C>)> = vec![(key, Some(combined))];
        while let Some(next) = self.merged.next_if(|next| next.as_ref().map_or(true, |(h, ..)| *h == hash)) {
            let (_, key, combined) = next?;
            match group.iter_mut().find(|(known, _)| *known == key) {
                Some((_, slot)) => *slot = slot.take().map(|earlier| (self.merge)(earlier, combined)),
                None => group.push((key, Some(combined))),
            }
        }
        let united: Vec<(K, C)> = group.into_iter().filter_map(|(key, c)| Some((key, c?))).collect();
        self.group = united.into_iter();
        Ok(true)
    }
}

impl<I, K: Eq, C, M: Fn(C, C) -> C> Iterator for UniteEqualKeys<I, K, C, M>
where
    I: Iterator<Item = Result<(u64, K, C), DataError>>,
{
    type Item = Result<(K, C), DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(pair) = self.group.next() {
                return Some(Ok(pair));
            }
            match self.next_group() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::testing::Small;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn grouped<K: Data + Hash + Eq>(memory: usize, pairs: &[(K, u32)]) -> (Vec<(K, Vec<u32>)>, u64) {
        let workspace = Small::with(memory);
        let mut combiner = Combiner::new(workspace.clone(), true);
        let push = |mut list: Vec<u32>, value| {
            list.push(value);
            list
        };
        for (key, value) in pairs {
            combiner.insert(hash_key(key), KeyRef::Owned(key.clone()), *value, |v| vec![v], push);
            combiner.check_memory().unwrap();
        }
        let combined = combiner.finish(|a, b| [a, b].concat()).unwrap();
        let spilled = combined.spilled_bytes();
        let result = combined.collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(workspace.free(), memory, "memory was not given back");
        assert_eq!(std::fs::read_dir(workspace.dir.path()).unwrap().count(), 0, "files were left behind");
        (result, spilled)
    }

    fn check<K: Data + Hash + Eq + Ord + std::fmt::Debug>(pairs: Vec<(K, u32)>) {
        let mut model = BTreeMap::<K, Vec<u32>>::new();
        pairs.iter().for_each(|(k, v)| model.entry(k.clone()).or_default().push(*v));
        let (in_memory, _) = grouped(1 << 40, &pairs);
        let (spilled, _) = grouped(0, &pairs);
        assert_eq!(in_memory, spilled, "the order must not depend on spilling");
        assert_eq!(in_memory.into_iter().collect::<BTreeMap<_, _>>(), model);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn values_come_together_in_order_of_arrival(numbers: Vec<(u8, u32)>, texts: Vec<(String, u32)>) {
            check(numbers);
            check(texts);
        }
    }

    #[test]
    fn a_table_larger_than_the_budget_spills_and_still_gives_every_key_once() {
        let pairs: Vec<(String, u32)> =
            (0..60_000u32).map(|i| (format!("key number {}", i % 25_000), i)).collect();
        let (spilled, bytes) = grouped(1 << 20, &pairs);
        assert!(bytes > 0, "nothing was spilled");
        let (in_memory, _) = grouped(1 << 40, &pairs);
        assert!(spilled == in_memory);
        assert_eq!(spilled.len(), 25_000);
    }

    #[test]
    fn a_panic_in_the_users_function_leaves_nothing_torn() {
        let workspace = Small::with(1 << 30);
        let mut combiner = Combiner::<u8, String>::new(workspace, false);
        combiner.insert(1, KeyRef::Owned(1), "a".to_string(), |v| v, |_, _| unreachable!());
        let insert = std::panic::AssertUnwindSafe(|| {
            combiner.insert(1, KeyRef::Owned(1), "b".to_string(), |v| v, |_, _| panic!("on purpose"));
        });
        assert!(std::panic::catch_unwind(insert).is_err());
        drop(combiner);
    }
}
