//! The record of cached partitions: those of which the driver has heard, and the changes of one task.

use crate::machine::CachedName;
use firesteel_types::{ExecutorId, Generation, RddId};
use std::collections::{BTreeMap, BTreeSet};

/// The persisted RDDs, and the partitions of which the driver has heard.
#[derive(Debug, Default)]
pub(crate) struct Caching {
    pub(super) persisted: BTreeMap<RddId, Generation>,
    /// The generation of the RDD that is persisted next.
    pub(super) next: Generation,
    /// The partitions that were stored, by executor.
    pub(super) heard: BTreeSet<(ExecutorId, CachedName)>,
    /// The executors that were heard to keep a partition, whether or not they still do.
    pub(super) holders: BTreeMap<CachedName, BTreeSet<ExecutorId>>,
    /// The same of the newest versions of RDDs, without those that were heard to have been dropped, or that the driver
    /// has had dropped.
    pub(super) counted: BTreeMap<CachedName, BTreeSet<ExecutorId>>,
    /// The newest version of each RDD that was stored.
    newest: BTreeMap<RddId, u64>,
    /// The partitions that an executor has ever dropped: nobody makes a copy in its place.
    pub(super) evicted: BTreeSet<CachedName>,
    /// The time until which copies may be fewer than are wanted: agents have come or gone.
    pub(super) unsettled_until: u64,
}

impl Caching {
    /// The RDDs that are persisted now, and their generations.
    pub(crate) fn persisted(&self) -> &BTreeMap<RddId, Generation> {
        &self.persisted
    }

    /// Returns whether partitions of an RDD that were cached under a version are still wanted.
    pub(super) fn is_wanted(&self, rdd: RddId, version: u64) -> bool {
        self.persisted.get(&rdd) == Some(&Generation::of(version))
    }

    /// The executors that were heard to keep a partition, whether or not they still do.
    pub(crate) fn holders(&self, name: CachedName) -> impl Iterator<Item = ExecutorId> {
        self.holders.get(&name).into_iter().flatten().copied()
    }

    /// An RDD is not persisted any more.
    pub(super) fn forget(&mut self, rdd: RddId) {
        self.newest.remove(&rdd);
        self.counted.retain(|(of, ..), _| *of != rdd);
    }

    /// The driver hears that an executor has stored a partition.
    pub(super) fn count(&mut self, executor: ExecutorId, name: CachedName) {
        let (rdd, _, version) = name;
        if !self.is_wanted(rdd, version) {
            return;
        }
        let newest = self.newest.entry(rdd).or_default();
        if version > *newest {
            *newest = version;
            self.counted.retain(|(of, ..), _| *of != rdd);
        }
        if version == *newest {
            self.counted.entry(name).or_default().insert(executor);
        }
    }

    /// The driver hears that an executor has dropped a partition.
    pub(crate) fn note_dropped(&mut self, executor: ExecutorId, name: CachedName) {
        if let Some(holders) = self.counted.get_mut(&name) {
            holders.remove(&executor);
        }
    }

    /// The driver has an executor drop what it has of an RDD, of this generation and those before it.
    pub(crate) fn uncount(&mut self, executor: ExecutorId, rdd: RddId, until: Generation) {
        let of_rdd = self.counted.iter_mut().filter(|(name, _)| is_of(name, rdd, until));
        for (_, holders) in of_rdd {
            holders.remove(&executor);
        }
    }

    /// The executors that were heard to keep a partition whose version is the newest, and not to have dropped it.
    pub(crate) fn counted(&self, name: CachedName) -> impl Iterator<Item = ExecutorId> {
        self.counted.get(&name).into_iter().flatten().copied()
    }

    /// An executor has dropped what it kept of an RDD, of this generation and those before it: what was heard until then
    /// tells nothing of what it keeps later.
    pub(super) fn dropped(&mut self, executor: ExecutorId, rdd: RddId, until: Generation) {
        self.heard.retain(|(on, name)| *on != executor || !is_of(name, rdd, until));
    }
}

/// Returns whether a partition is of an RDD, and was cached in this generation or one before it.
pub(super) fn is_of((of, _, version): &CachedName, rdd: RddId, until: Generation) -> bool {
    *of == rdd && Generation::of(*version) <= until
}

/// The changes of cached partitions while a task computed.
#[derive(Debug, Default)]
pub(crate) struct CacheChanges {
    pub(crate) stored: Vec<CachedName>,
    pub(crate) dropped: Vec<CachedName>,
    pub(crate) read: u64,
    /// Of these, from other executors.
    pub(crate) read_remote: u64,
    /// How often another executor was said to keep one, and did not.
    pub(crate) stale: u64,
    /// The reason why a partition need not have been computed, if there is one.
    pub(crate) needless: Option<String>,
    /// Of the reads, those of what executors that have ended have left here.
    pub(crate) read_left: u64,
    /// How often there was something left here of an older generation alone.
    pub(crate) outdated_near: u64,
    /// The reason why a partition that was read should not have been, if there is one.
    pub(crate) outdated: Option<String>,
    /// True if a function was called that waits for other tasks.
    pub(crate) met_barrier: bool,
}
