//! The executors that have cached each partition of each persisted RDD.
//!
//! The table is only a hint: a block may have been dropped a moment ago, and a task that relied on it
//! computes the partition itself. Blocks carry the *version* of the records that they were computed from (see
//! `dag::cached`); those of another version do not count, and no task reads them.

use firesteel_types::{BlockKey, ExecutorId, Partition, RddId};
use std::collections::{BTreeMap, BTreeSet};

/// All persisted RDDs that a job has named, with the places of their blocks.
#[derive(Debug, Default)]
pub(crate) struct BlockLocations {
    rdds: BTreeMap<RddId, Blocks>,
    /// The number of restarts of all RDDs together. It stays when RDDs are forgotten, so that no version
    /// comes twice.
    restarts: u64,
}

#[derive(Debug, Default)]
struct Blocks {
    /// The version of the blocks that count: the newest that an executor has reported.
    version: u64,
    /// The summand of its version for restarts: the number of all of them when its own last one came.
    restarts: u64,
    holders: BTreeMap<Partition, BTreeSet<ExecutorId>>,
    /// The executors that ever reported a block, of any version. Reports that a block was stored and dropped
    /// may come in the wrong order, so an executor that is no holder may have a block all the same.
    holders_of_rdd: BTreeSet<ExecutorId>,
}

impl BlockLocations {
    /// Makes a persisted RDD known.
    pub(crate) fn declare(&mut self, rdd: RddId) {
        let restarts = self.restarts;
        self.rdds.entry(rdd).or_insert_with(|| Blocks { restarts, ..Blocks::default() });
    }

    /// Returns the version of the blocks that count.
    pub(crate) fn version(&self, rdd: RddId) -> u64 {
        self.rdds.get(&rdd).map_or(0, |blocks| blocks.version)
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

    /// Notes a block. Returns whether its RDD is persisted; if not, the block is to be dropped. A block of an
    /// older version does not count, and stays until its RDD is forgotten.
    pub(crate) fn stored(&mut self, executor: ExecutorId, key: BlockKey) -> bool {
        let BlockKey { rdd, partition, version } = key;
        let Some(blocks) = self.rdds.get_mut(&rdd) else { return false };
        blocks.holders_of_rdd.insert(executor);
        if version > blocks.version {
            blocks.version = version;
            blocks.holders.clear();
        }
        if version == blocks.version {
            blocks.holders.entry(partition).or_default().insert(executor);
        }
        true
    }

    /// Notes that a block is gone.
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
        for blocks in self.rdds.values_mut() {
            blocks.holders_of_rdd.remove(&executor);
            blocks.holders.retain(|_, holders| {
                holders.remove(&executor);
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
        blocks.and_then(|blocks| blocks.holders.get(&partition)).into_iter().flatten().copied()
    }

    /// Returns whether an executor has a block that counts.
    pub(crate) fn holds_any(&self, executor: ExecutorId) -> bool {
        let suspects = self.rdds.values().filter(|blocks| blocks.holders_of_rdd.contains(&executor));
        suspects.flat_map(|blocks| blocks.holders.values()).any(|holders| holders.contains(&executor))
    }

    /// Returns the blocks that count and that only these executors have.
    pub(crate) fn held_only_by(&self, executors: &BTreeSet<ExecutorId>) -> Vec<BlockKey> {
        let mut held = vec![];
        for (&rdd, blocks) in &self.rdds {
            let only = blocks.holders.iter().filter(|(_, holders)| holders.is_subset(executors));
            let version = blocks.version;
            held.extend(only.map(|(&partition, _)| BlockKey { rdd, partition, version }));
        }
        held
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

    fn key(partition: u32, version: u64) -> BlockKey {
        BlockKey { rdd: RDD, partition: Partition(partition), version }
    }

    #[test]
    fn a_newer_version_replaces_all_blocks_and_an_older_one_does_not_count() {
        let mut blocks = BlockLocations::default();
        assert!(!blocks.stored(A, key(0, 0)), "nobody has declared it");
        blocks.declare(RDD);
        assert!(blocks.stored(A, key(0, 0)) && blocks.stored(B, key(1, 0)));
        assert!(blocks.has_all(RDD, 2, 0) && !blocks.has_all(RDD, 2, 1));
        assert!(blocks.stored(B, key(1, 1)));
        assert!(!blocks.has_all(RDD, 2, 0) && !blocks.has_all(RDD, 2, 1));
        assert!(blocks.stored(A, key(0, 0)));
        assert!(blocks.holders(RDD, Partition(0), 1).next().is_none());
    }

    #[test]
    fn blocks_go_with_their_executor_and_one_by_one() {
        let mut blocks = BlockLocations::default();
        blocks.declare(RDD);
        for (executor, partition) in [(A, 0), (B, 0), (B, 1)] {
            blocks.stored(executor, key(partition, 0));
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
        blocks.declare(RDD);
        for (executor, partition, version) in [(A, 0, 1), (B, 0, 1), (B, 1, 1), (B, 2, 0)] {
            blocks.stored(executor, key(partition, version));
        }
        assert_eq!(blocks.held_only_by(&BTreeSet::from([B])), [key(1, 1)]);
        assert_eq!(blocks.held_only_by(&BTreeSet::from([A, B])).len(), 2);
    }

    #[test]
    fn whoever_kept_something_is_told_in_the_end_even_if_it_counts_no_more() {
        let mut blocks = BlockLocations::default();
        blocks.declare(RDD);
        blocks.stored(A, key(0, 0));
        blocks.stored(B, key(0, 1));
        assert!(blocks.holders(RDD, Partition(0), 1).eq([B]));
        assert_eq!(blocks.forget(RDD), BTreeSet::from([A, B]), "a block of an older version");
        blocks.declare(RDD);
        blocks.stored(A, key(0, 0));
        blocks.dropped(A, key(0, 0));
        assert_eq!(
            blocks.forget(RDD),
            BTreeSet::from([A]),
            "it may have been dropped before it was stored again"
        );
    }
}
