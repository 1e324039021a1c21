//! Keeping what was computed: `persist`, `cache`, `unpersist`.

use super::Rdd;
use crate::error::site;
use crate::persistence::Persisted;
use firesteel_conf as conf;
use firesteel_data::Data;
use firesteel_data::compression::Compression;
use firesteel_operators::{Persist, PersistAs};
use firesteel_types::{CallSite, StorageLevel};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much of an RDD is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageInfo {
    /// How many partitions are kept.
    pub partitions: usize,
    /// The bytes that they take in memory.
    pub memory_bytes: u64,
    /// The bytes that they take on disk.
    pub disk_bytes: u64,
}

impl<T: Data> Rdd<T> {
    /// Keeps the records in memory once an action has computed them: [`Rdd::persist`] with [`StorageLevel::MEMORY_ONLY`].
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let squares = sc.range(0..1000).map(|x| x * x).cache();
    /// assert_eq!(squares.count()?, 1000); // computes and keeps
    /// assert_eq!(squares.max()?, 998_001); // reads what is kept
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn cache(&self) -> Rdd<T> {
        self.persist_at(site("cache", Location::caller()), StorageLevel::MEMORY_ONLY)
    }

    /// Keeps the records once an action has computed them, where and how `level` says. Later actions read what is kept.
    ///
    /// Nothing is computed by this call. What does not fit in memory, or has to make room for what is used more, goes to disk
    /// or is dropped, by the level; what is missing later is computed again, partition by partition. The level of an RDD
    /// cannot be changed except by [`Rdd::unpersist`]: an action on it then fails, and says so.
    #[track_caller]
    pub fn persist(&self, level: StorageLevel) -> Rdd<T> {
        self.persist_at(site("persist", Location::caller()), level)
    }

    pub(crate) fn persist_at(&self, site: CallSite, level: StorageLevel) -> Rdd<T> {
        let compression = self.context().conf().get(&conf::RDD_COMPRESS).unwrap_or_default();
        let compression = Compression::named(&compression).unwrap_or_default();
        let code = Persist::<T>::code(&PersistAs { level, compression });
        let mut state = self.node().persistence.state();
        match (&state.persisted, code) {
            (Some(before), _) if before.level == level => {}
            (Some(before), _) => {
                let message = format!(
                    "RDD {} was asked to be kept as `{}` by {}, and as `{level}` by {site}. The level cannot be changed: \
                     call `unpersist` in between",
                    self.id(),
                    before.level,
                    before.site
                );
                state.conflict.get_or_insert(message);
            }
            (None, Ok(code)) => {
                let (rdd, driver) = (self.node().info.id, Arc::downgrade(self.context().driver()));
                let persisted = Persisted {
                    rdd,
                    level,
                    site,
                    code,
                    is_truncated: AtomicBool::new(false),
                    is_replaced: AtomicBool::new(false),
                    driver,
                };
                state.persisted = Some(Arc::new(persisted));
            }
            (None, Err(error)) => state.conflict = Some(error.to_string()),
        }
        drop(state);
        self.clone()
    }

    /// Persists, or changes the level of what is persisted already; what is kept stays.
    pub(crate) fn persist_again(&self, site: CallSite, level: StorageLevel) {
        let before = self.node().persistence.state().persisted.take();
        self.persist_at(site, level);
        if let Some(before) = before {
            // Its end would tell executors to drop what they keep.
            before.hand_over();
        }
    }

    /// Forgets what is kept; with `blocking`, before this call returns. A later action computes the records again.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let numbers = sc.range(0..10).cache();
    /// numbers.count()?;
    /// assert_eq!(numbers.storage_info().partitions, numbers.num_partitions());
    /// numbers.unpersist(true);
    /// assert_eq!(numbers.storage_info().partitions, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn unpersist(&self, blocking: bool) -> Rdd<T> {
        let persisted = {
            let mut state = self.node().persistence.state();
            if state
                .persisted
                .as_ref()
                .is_some_and(|persisted| persisted.is_truncated.load(Ordering::Relaxed))
            {
                let message = format!(
                    "RDD {} was checkpointed locally and then unpersisted: nothing is left to compute it from. Use \
                     `checkpoint`, or keep it",
                    self.id()
                );
                state.conflict = Some(message);
            } else {
                state.conflict = None;
            }
            state.persisted.take()
        };
        let was_persisted = persisted.is_some();
        // Tells the executors, unless a running job still holds on to it.
        drop(persisted);
        if blocking && was_persisted {
            self.context().driver().services.cached.remove_rdd(self.node().info.id);
        }
        self.clone()
    }

    /// How the RDD is to be kept; `None` when it is not.
    pub fn storage_level(&self) -> Option<StorageLevel> {
        self.node().persistence.persisted().map(|persisted| persisted.level)
    }

    /// How much of it is kept at this moment.
    pub fn storage_info(&self) -> StorageInfo {
        let size = self.context().driver().services.cached.size_of(self.node().info.id);
        StorageInfo {
            partitions: size.partitions,
            memory_bytes: size.memory_bytes,
            disk_bytes: size.disk_bytes,
        }
    }
}
