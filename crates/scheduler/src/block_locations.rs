//! The executors that have cached each partition of each persisted RDD.
//!
//! The table is only a hint: a block may have been dropped a moment ago, and a task that relied on it
//! computes the partition itself. Blocks carry the *version* of the records that they were computed from (see
//! `dag::cached`); those of another version do not count, and no task reads them. Of each RDD one *generation* of
//! versions is known: the newest that a job has declared.

use firesteel_types::{BlockKey, BlockSize, ExecutorId, Generation, Partition, RddId};
use std::collections::{BTreeMap, BTreeSet};

/// All persisted RDDs that a job has named, with the places of their blocks.
#[derive(Debug, Default)]
pub(crate) struct BlockLocations {
    rdds: BTreeMap<RddId, Blocks>,
    /// The number of restarts of all RDDs together. It stays when RDDs are forgotten, so that no version
    /// comes twice.
    restarts: u64,
    /// The partitions of RDDs with several copies that were stored since they were taken from here.
    stored: BTreeSet<CachedPartition>,
    /// The same of those of which a copy was lost, or is about to be.
    bereft: BTreeSet<CachedPartition>,
}

/// The amount of an RDD that executors have cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CachedCopies {
    /// The number of its partitions that are cached somewhere.
    pub partitions: usize,
    /// The number of all their copies together.
    pub copies: usize,
    /// The bytes in memory of all copies.
    pub memory_bytes: u64,
    /// The bytes on disk of all copies.
    pub disk_bytes: u64,
}

/// The partitions whose copies have become more or fewer.
#[derive(Debug, Default)]
pub(crate) struct ChangedCopies {
    /// Those that were stored somewhere.
    pub(crate) stored: BTreeSet<CachedPartition>,
    /// Those of which a copy is gone or going with its executor.
    pub(crate) bereft: BTreeSet<CachedPartition>,
}

/// A cached partition, whichever its version within its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CachedPartition {
    pub(crate) rdd: RddId,
    pub(crate) generation: Generation,
    pub(crate) partition: Partition,
}

impl From<BlockKey> for CachedPartition {
    fn from(key: BlockKey) -> Self {
        CachedPartition { rdd: key.rdd, generation: key.generation(), partition: key.partition }
    }
}

#[derive(Debug, Default)]
struct Blocks {
    /// The number of hosts on which each partition is wanted, as the last job said.
    copies: u8,
    /// The generation of the blocks that count.
    generation: Generation,
    /// The version of the blocks that count: the newest of their generation that an executor has reported.
    version: u64,
    /// The summand of its version for restarts: the number of all of them when its own last one came.
    restarts: u64,
    holders: BTreeMap<Partition, BTreeMap<ExecutorId, BlockSize>>,
    /// The executors that ever reported a block, of any version. Reports that a block was stored and dropped
    /// may come in the wrong order, so an executor that is no holder may have a block all the same.
    holders_of_rdd: BTreeSet<ExecutorId>,
}

impl BlockLocations {
    /// Makes a persisted RDD known, its generation, and the number of hosts on which each partition is wanted. The caller
    /// has [forgotten](BlockLocations::forget) the RDD's generation before, if it was known.
    pub(crate) fn declare(&mut self, rdd: RddId, generation: Generation, copies: u8) {
        let (restarts, version) = (self.restarts, generation.first_version());
        let new = || Blocks { restarts, generation, version, ..Blocks::default() };
        let blocks = self.rdds.entry(rdd).or_insert_with(new);
        assert!(blocks.generation >= generation, "RDD {rdd}: an earlier generation is still known");
        // A job that was late to come: it caches nothing that counts.
        if blocks.generation > generation {
            return;
        }
        // The level of partitions that are there can be changed only by a local checkpoint.
        if std::mem::replace(&mut blocks.copies, copies) < copies {
            let held = blocks.holders.keys();
            self.stored.extend(held.map(|&partition| CachedPartition { rdd, generation, partition }));
        }
    }

    /// Returns the number of hosts on which each partition is wanted, and the version of the blocks that count;
    /// `None` if the RDD is not persisted.
    pub(crate) fn wanted(&self, rdd: RddId) -> Option<(u8, u64)> {
        self.rdds.get(&rdd).map(|blocks| (blocks.copies, blocks.version))
    }

    /// Takes the partitions whose copies have become more or fewer since the last call.
    pub(crate) fn take_changed(&mut self) -> ChangedCopies {
        ChangedCopies { stored: std::mem::take(&mut self.stored), bereft: std::mem::take(&mut self.bereft) }
    }

    /// Notes that an executor will be gone: copies elsewhere are wanted for what it has.
    pub(crate) fn executor_leaves(&mut self, executor: ExecutorId) {
        for (&rdd, blocks) in self.rdds.iter().filter(|(_, blocks)| blocks.copies > 1) {
            let held = blocks.holders.iter().filter(|(_, holders)| holders.contains_key(&executor));
            let generation = blocks.generation;
            self.bereft.extend(held.map(|(&partition, _)| CachedPartition { rdd, generation, partition }));
        }
    }

    /// Returns the generation of the blocks that count; `None` if the RDD is not persisted.
    pub(crate) fn generation(&self, rdd: RddId) -> Option<Generation> {
        self.rdds.get(&rdd).map(|blocks| blocks.generation)
    }

    /// Returns the newest version of a generation that is known: its first one if another generation counts.
    pub(crate) fn version(&self, rdd: RddId, generation: Generation) -> u64 {
        let blocks = self.rdds.get(&rdd).filter(|blocks| blocks.generation == generation);
        blocks.map_or(generation.first_version(), |blocks| blocks.version)
    }

    /// Makes the blocks of an RDD count no more: all its partitions will be computed again.
    pub(crate) fn restart(&mut self, rdd: RddId) {
        self.restarts += 1;
        if let Some(blocks) = self.rdds.get_mut(&rdd) {
            blocks.restarts = self.restarts;
        }
    }

    /// Returns a number that grows with each [`restart`](BlockLocations::restart).
    pub(crate) fn restarts(&self, rdd: RddId) -> u64 {
        self.rdds.get(&rdd).map_or(self.restarts, |blocks| blocks.restarts)
    }

    /// Notes a block. Returns whether its RDD is persisted, in the block's generation; if not, the block is to be
    /// dropped. A block of an older version does not count, and stays until its RDD is forgotten.
    pub(crate) fn stored(&mut self, executor: ExecutorId, key: BlockKey, size: BlockSize) -> bool {
        let BlockKey { rdd, partition, version } = key;
        let known = self.rdds.get_mut(&rdd).filter(|blocks| blocks.generation == key.generation());
        let Some(blocks) = known else { return false };
        blocks.holders_of_rdd.insert(executor);
        if version > blocks.version {
            blocks.version = version;
            blocks.holders.clear();
        }
        if version == blocks.version {
            blocks.holders.entry(partition).or_default().insert(executor, size);
            if blocks.copies > 1 {
                self.stored.insert(key.into());
            }
        }
        true
    }

    /// Notes that a block is gone. It is not copied anew: an executor that dropped it for want of room would
    /// drop others for the new copy.
    pub(crate) fn dropped(&mut self, executor: ExecutorId, key: BlockKey) {
        let BlockKey { rdd, partition, version } = key;
        let Some(blocks) = self.rdds.get_mut(&rdd) else { return };
        if version != blocks.version {
            return;
        }
        if let Some(holders) = blocks.holders.get_mut(&partition) {
            holders.remove(&executor);
            if holders.is_empty() {
                blocks.holders.remove(&partition);
            }
        }
    }

    /// Forgets an RDD. Returns the executors that may have blocks of it.
    pub(crate) fn forget(&mut self, rdd: RddId) -> BTreeSet<ExecutorId> {
        self.rdds.remove(&rdd).unwrap_or_default().holders_of_rdd
    }

    /// Forgets the blocks of an executor that is gone.
    pub(crate) fn executor_gone(&mut self, executor: ExecutorId) {
        for (&rdd, blocks) in &mut self.rdds {
            blocks.holders_of_rdd.remove(&executor);
            let (copies, generation, bereft) = (blocks.copies, blocks.generation, &mut self.bereft);
            blocks.holders.retain(|&partition, holders| {
                if holders.remove(&executor).is_some() && copies > 1 {
                    bereft.insert(CachedPartition { rdd, generation, partition });
                }
                !holders.is_empty()
            });
        }
    }

    /// Returns whether an executor has cached each of an RDD's partitions, whose number is `partitions`, in
    /// this version.
    pub(crate) fn has_all(&self, rdd: RddId, partitions: u32, version: u64) -> bool {
        let all = |blocks: &Blocks| blocks.version == version && blocks.holders.len() == partitions as usize;
        self.rdds.get(&rdd).is_some_and(all)
    }

    /// Returns the executors that have cached a partition in this version.
    pub(crate) fn holders(
        &self,
        rdd: RddId,
        partition: Partition,
        version: u64,
    ) -> impl Iterator<Item = ExecutorId> {
        let blocks = self.rdds.get(&rdd).filter(|blocks| blocks.version == version);
        blocks
            .and_then(|blocks| blocks.holders.get(&partition))
            .into_iter()
            .flat_map(|holders| holders.keys().copied())
    }

    /// Returns the most bytes that a partition takes at one of those that have cached it in this version.
    pub(crate) fn bytes(&self, key: BlockKey) -> u64 {
        let blocks = self.rdds.get(&key.rdd).filter(|blocks| blocks.version == key.version);
        let holders = blocks.and_then(|blocks| blocks.holders.get(&key.partition));
        holders.into_iter().flat_map(BTreeMap::values).map(|size| size.memory + size.disk).max().unwrap_or(0)
    }

    /// Returns whether an executor has a block that counts.
    pub(crate) fn holds_any(&self, executor: ExecutorId) -> bool {
        let suspects = self.rdds.values().filter(|blocks| blocks.holders_of_rdd.contains(&executor));
        suspects.flat_map(|blocks| blocks.holders.values()).any(|holders| holders.contains_key(&executor))
    }

    /// Returns the blocks that count and that only these executors have.
    pub(crate) fn held_only_by(&self, executors: &BTreeSet<ExecutorId>) -> Vec<BlockKey> {
        let mut held = vec![];
        for (&rdd, blocks) in &self.rdds {
            let only = blocks
                .holders
                .iter()
                .filter(|(_, holders)| holders.keys().all(|holder| executors.contains(holder)));
            let version = blocks.version;
            held.extend(only.map(|(&partition, _)| BlockKey { rdd, partition, version }));
        }
        held
    }

    /// Returns how much of an RDD is cached, in the version that counts.
    pub(crate) fn size(&self, rdd: RddId) -> CachedCopies {
        let mut size = CachedCopies::default();
        for holders in self.rdds.get(&rdd).iter().flat_map(|blocks| blocks.holders.values()) {
            size.partitions += 1;
            size.copies += holders.len();
            size.memory_bytes += holders.values().map(|size| size.memory).sum::<u64>();
            size.disk_bytes += holders.values().map(|size| size.disk).sum::<u64>();
        }
        size
    }

    /// Returns whether no persisted RDD is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.rdds.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ExecutorId = ExecutorId(1);
    const B: ExecutorId = ExecutorId(2);
    const RDD: RddId = RddId(7);
    const FIRST: Generation = Generation(0);
    const SIZE: BlockSize = BlockSize { memory: 10, disk: 1 };

    fn key(partition: u32, version: u64) -> BlockKey {
        BlockKey { rdd: RDD, partition: Partition(partition), version }
    }

    #[test]
    fn a_newer_version_replaces_all_blocks_and_an_older_one_does_not_count() {
        let mut blocks = BlockLocations::default();
        assert!(!blocks.stored(A, key(0, 0), SIZE), "nobody has declared it");
        blocks.declare(RDD, FIRST, 1);
        assert!(blocks.stored(A, key(0, 0), SIZE) && blocks.stored(B, key(1, 0), SIZE));
        assert!(blocks.has_all(RDD, 2, 0) && !blocks.has_all(RDD, 2, 1));
        assert!(blocks.stored(B, key(1, 1), SIZE));
        assert!(!blocks.has_all(RDD, 2, 0) && !blocks.has_all(RDD, 2, 1));
        assert!(blocks.stored(A, key(0, 0), SIZE));
        assert!(blocks.holders(RDD, Partition(0), 1).next().is_none());
    }

    #[test]
    fn blocks_go_with_their_executor_and_one_by_one() {
        let mut blocks = BlockLocations::default();
        blocks.declare(RDD, FIRST, 1);
        for (executor, partition) in [(A, 0), (B, 0), (B, 1)] {
            blocks.stored(executor, key(partition, 0), SIZE);
        }
        blocks.dropped(B, key(1, 0));
        assert!(!blocks.has_all(RDD, 2, 0) && blocks.has_all(RDD, 1, 0));
        blocks.executor_gone(B);
        assert!(blocks.holders(RDD, Partition(0), 0).eq([A]));
        assert_eq!(blocks.forget(RDD), BTreeSet::from([A]));
        assert!(blocks.is_empty());
    }

    #[test]
    fn what_others_keep_too_is_not_lost_with_an_executor() {
        let mut blocks = BlockLocations::default();
        blocks.declare(RDD, FIRST, 1);
        for (executor, partition, version) in [(A, 0, 1), (B, 0, 1), (B, 1, 1), (B, 2, 0)] {
            blocks.stored(executor, key(partition, version), SIZE);
        }
        assert_eq!(blocks.held_only_by(&BTreeSet::from([B])), [key(1, 1)]);
        assert_eq!(blocks.held_only_by(&BTreeSet::from([A, B])).len(), 2);
    }

    #[test]
    fn whoever_kept_something_is_told_in_the_end_even_if_it_counts_no_more() {
        let mut blocks = BlockLocations::default();
        blocks.declare(RDD, FIRST, 1);
        blocks.stored(A, key(0, 0), SIZE);
        blocks.stored(B, key(0, 1), SIZE);
        assert!(blocks.holders(RDD, Partition(0), 1).eq([B]));
        assert_eq!(blocks.forget(RDD), BTreeSet::from([A, B]), "a block of an older version");
        blocks.declare(RDD, FIRST, 1);
        blocks.stored(A, key(0, 0), SIZE);
        blocks.dropped(A, key(0, 0));
        assert_eq!(
            blocks.forget(RDD),
            BTreeSet::from([A]),
            "it may have been dropped before it was stored again"
        );
    }

    #[test]
    fn partitions_are_looked_at_when_they_come_and_when_their_holders_go_but_not_when_they_are_dropped() {
        let mut blocks = BlockLocations::default();
        blocks.declare(RDD, FIRST, 2);
        for (executor, partition) in [(A, 0), (B, 0), (B, 1), (A, 2)] {
            blocks.stored(executor, key(partition, 0), SIZE);
        }
        let all =
            |changed: &BTreeSet<CachedPartition>| changed.iter().map(|it| it.partition.0).collect::<Vec<_>>();
        assert_eq!(all(&blocks.take_changed().stored), [0, 1, 2]);
        let size = CachedCopies { partitions: 3, copies: 4, memory_bytes: 40, disk_bytes: 4 };
        assert_eq!(blocks.size(RDD), size);
        blocks.dropped(A, key(0, 0));
        blocks.executor_leaves(A);
        let changed = blocks.take_changed();
        assert!(changed.stored.is_empty());
        assert_eq!(all(&changed.bereft), [2]);
        blocks.executor_gone(B);
        assert_eq!(all(&blocks.take_changed().bereft), [0, 1]);
        blocks.stored(A, key(2, 1), SIZE);
        assert_eq!((all(&blocks.take_changed().stored), blocks.wanted(RDD)), (vec![2], Some((2, 1))));
    }

    #[test]
    fn of_an_rdd_that_was_persisted_again_only_the_newest_generation_counts() {
        let (mut blocks, second) = (BlockLocations::default(), Generation(1));
        let of = |generation: Generation, inputs| key(0, generation.version(inputs));
        blocks.declare(RDD, FIRST, 2);
        assert!(blocks.stored(A, of(FIRST, 5), SIZE));
        assert_eq!(blocks.version(RDD, FIRST), 5);
        assert_eq!(blocks.forget(RDD), BTreeSet::from([A]));
        blocks.declare(RDD, second, 1);
        blocks.declare(RDD, FIRST, 3);
        assert_eq!(blocks.wanted(RDD), Some((1, second.first_version())), "a job of the first one came late");
        assert!(!blocks.stored(A, of(FIRST, 6), SIZE), "it is to be dropped");
        assert!(!blocks.stored(A, of(Generation(2), 0), SIZE), "nobody has declared it");
        assert!(!blocks.has_all(RDD, 1, 5) && !blocks.holds_any(A));
        assert!(blocks.stored(B, of(second, 0), SIZE));
        assert!(blocks.has_all(RDD, 1, second.first_version()));
        assert_eq!(blocks.held_only_by(&BTreeSet::from([B])), [of(second, 0)]);
        assert_eq!(
            (blocks.version(RDD, FIRST), blocks.version(RDD, Generation(9))),
            (0, Generation(9).first_version())
        );
    }

    #[test]
    fn of_an_rdd_with_one_copy_nothing_is_looked_at() {
        let mut blocks = BlockLocations::default();
        blocks.declare(RDD, FIRST, 1);
        blocks.stored(A, key(0, 0), SIZE);
        blocks.executor_leaves(A);
        blocks.executor_gone(A);
        let changed = blocks.take_changed();
        assert!(changed.stored.is_empty() && changed.bereft.is_empty());
    }
}
