//! Persisting an RDD: `persist`, `cache`, `unpersist`.

use super::Rdd;
use firesteel_data::Data;
use firesteel_driver::{StorageInfo, site};
use firesteel_types::{CallSite, StorageLevel};
use std::panic::Location;

impl<T: Data> Rdd<T> {
    /// Caches the records in memory once an action has computed them: [`Rdd::persist`] with
    /// [`StorageLevel::MEMORY_ONLY`].
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

    /// Persists the records once an action has computed them, at the storage level `level`. Later actions
    /// read the cached partitions.
    ///
    /// This call computes nothing. Partitions that do not fit in memory, or have to make room for others that
    /// are used more, go to disk or are dropped, by the level; partitions that are missing later are computed
    /// again, one by one. The level of an RDD cannot be changed except by [`Rdd::unpersist`]: an action on it
    /// then fails, and says so.
    #[track_caller]
    pub fn persist(&self, level: StorageLevel) -> Rdd<T> {
        self.persist_at(site("persist", Location::caller()), level)
    }

    fn persist_at(&self, site: CallSite, level: StorageLevel) -> Rdd<T> {
        self.untyped().persist::<T>(site, level);
        self.clone()
    }

    /// Releases the cached partitions; with `blocking`, before this call returns. A later action computes the
    /// records again.
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
        self.untyped().unpersist(blocking);
        self.clone()
    }

    /// The storage level of the RDD; `None` when it is not persisted.
    pub fn storage_level(&self) -> Option<StorageLevel> {
        self.untyped().storage_level()
    }

    /// Returns how much of the RDD is cached at this moment.
    pub fn storage_info(&self) -> StorageInfo {
        self.untyped().storage_info()
    }
}
