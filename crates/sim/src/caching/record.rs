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
}

impl Caching {
    pub(crate) fn is_persisted(&self, rdd: RddId) -> bool {
        self.persisted.contains(&rdd)
    }

    /// The executors that were heard to keep a partition, whether or not they still do.
    pub(crate) fn holders(&self, name: CachedName) -> impl Iterator<Item = ExecutorId> {
        self.holders.get(&name).into_iter().flatten().copied()
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
    /// True if a function was called that waits for other tasks.
    pub(crate) met_barrier: bool,
}
