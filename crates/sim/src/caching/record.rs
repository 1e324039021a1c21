//! The record of cached partitions: those of which the driver has heard, and the changes of one task.

use crate::machine::CachedName;
use firesteel_types::{ExecutorId, RddId};
use std::collections::{BTreeMap, BTreeSet};

/// The persisted RDDs, and the partitions of which the driver has heard.
#[derive(Debug, Default)]
pub(crate) struct Caching {
    pub(super) persisted: BTreeSet<RddId>,
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
    pub(crate) fn is_persisted(&self, rdd: RddId) -> bool {
        self.persisted.contains(&rdd)
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

    /// The driver has an executor drop what it has of an RDD.
    pub(crate) fn uncount(&mut self, executor: ExecutorId, rdd: RddId) {
        let of_rdd = self.counted.iter_mut().filter(|((of, ..), _)| *of == rdd);
        for (_, holders) in of_rdd {
            holders.remove(&executor);
        }
    }

    /// The executors that were heard to keep a partition whose version is the newest, and not to have dropped it.
    pub(crate) fn counted(&self, name: CachedName) -> impl Iterator<Item = ExecutorId> {
        self.counted.get(&name).into_iter().flatten().copied()
    }

    /// An executor has dropped what it kept of an RDD: what was heard until then tells nothing of what it keeps later.
    pub(crate) fn dropped(&mut self, executor: ExecutorId, rdd: RddId) {
        self.heard.retain(|(on, (of, ..))| (*on, *of) != (executor, rdd));
    }
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
    /// True if a function was called that waits for other tasks.
    pub(crate) met_barrier: bool,
}
