//! Persisting an RDD: `persist` and `unpersist`, and how much of it is cached.

use super::UntypedRdd;
use crate::persistence::{Claim, Persisted};
use firesteel_conf as conf;
use firesteel_data::Data;
use firesteel_data::compression::Compression;
use firesteel_operators::{Persist, PersistAs};
use firesteel_scheduler::CachedCopies;
use firesteel_types::{CallSite, StorageLevel};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The amount of an RDD that is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageInfo {
    /// The number of cached partitions.
    pub partitions: usize,
    /// The number of their copies on all executors together; the same, unless the storage level asks for several.
    pub copies: usize,
    /// The bytes that all copies take in memory.
    pub memory_bytes: u64,
    /// The bytes that all copies take on disk.
    pub disk_bytes: u64,
}

impl UntypedRdd {
    /// Persists the records, which are `T`s, once an action has computed them, at the storage level `level`.
    /// The level of an RDD cannot be changed except by [`UntypedRdd::unpersist`]: an action on it then fails,
    /// and says so.
    pub fn persist<T: Data>(&self, site: CallSite, level: StorageLevel) {
        self.persist_with::<T>(site, level, None);
    }

    /// Persists the records, under a claim that there was before, or a new one.
    fn persist_with<T: Data>(&self, site: CallSite, level: StorageLevel, claim: Option<Arc<Claim>>) {
        let compression = self.context.conf().get(&conf::RDD_COMPRESS).unwrap_or_default();
        let compression = Compression::named(&compression).unwrap_or_default();
        let code = Persist::<T>::code(&PersistAs { level, compression });
        let mut state = self.node.persistence.state();
        match (&state.persisted, code) {
            (Some(before), _) if before.level == level => {}
            (Some(before), _) => {
                let message = format!(
                    "RDD {} was persisted as `{}` by {}, and as `{level}` by {site}. The level cannot be changed: \
                     call `unpersist` in between",
                    self.id(),
                    before.level,
                    before.site
                );
                state.conflict.get_or_insert(message);
            }
            (None, Ok(code)) => {
                let new = || {
                    let (generation, events) = (self.context.next_generation(), self.context.events());
                    Arc::new(Claim { rdd: self.id(), generation, events })
                };
                let (claim, is_truncated) = (claim.unwrap_or_else(new), AtomicBool::new(false));
                state.persisted = Some(Arc::new(Persisted { level, site, code, is_truncated, claim }));
            }
            (None, Err(error)) => state.conflict = Some(error.to_string()),
        }
    }

    /// Persists the RDD, or changes its storage level; cached partitions stay cached.
    pub(super) fn persist_again<T: Data>(&self, site: CallSite, level: StorageLevel) {
        let before = self.node.persistence.state().persisted.take();
        self.persist_with::<T>(site, level, before.map(|before| before.claim.clone()));
    }

    /// Releases the cached partitions; with `blocking`, before this call returns. A later action computes the
    /// records again.
    pub fn unpersist(&self, blocking: bool) {
        let persisted = {
            let mut state = self.node.persistence.state();
            let is_truncated = |persisted: &Arc<Persisted>| persisted.is_truncated.load(Ordering::Relaxed);
            state.conflict = state.persisted.as_ref().is_some_and(is_truncated).then(|| {
                format!(
                    "RDD {} was checkpointed locally and then unpersisted: nothing is left to compute it from. Use \
                     `checkpoint`, or keep it",
                    self.id()
                )
            });
            state.persisted.take()
        };
        let generation = persisted.as_ref().map(|persisted| persisted.claim.generation);
        // Tells the executors, unless a job that is about to be submitted still holds the claim.
        drop(persisted);
        if let Some(generation) = generation.filter(|_| blocking) {
            self.context.services().cached.remove_rdd(self.id(), generation);
        }
    }

    /// The storage level of the RDD; `None` when it is not persisted.
    pub fn storage_level(&self) -> Option<StorageLevel> {
        self.node.persistence.persisted().map(|persisted| persisted.level)
    }

    /// Returns how much of the RDD is cached at this moment; on a cluster, as far as executors have told.
    pub fn storage_info(&self) -> StorageInfo {
        if self.context.driver().remote().is_some() {
            let all = self.context.driver().with_scheduler(|scheduler| scheduler.cached_copies(self.id()));
            let CachedCopies { partitions, copies, memory_bytes, disk_bytes } = all;
            return StorageInfo { partitions, copies, memory_bytes, disk_bytes };
        }
        let size = self.context.services().cached.size_of(self.id());
        StorageInfo {
            partitions: size.partitions,
            copies: size.partitions,
            memory_bytes: size.memory_bytes,
            disk_bytes: size.disk_bytes,
        }
    }
}
