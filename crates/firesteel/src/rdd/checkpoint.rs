//! Checkpoints, which cut an RDD's lineage: `checkpoint` and `local_checkpoint`.

use super::Rdd;
use crate::Result;
use firesteel_data::Data;
use firesteel_driver::site;
use std::panic::Location;

impl<T: Data> Rdd<T> {
    /// Saves the records after the next action that needs them, in the directory of
    /// [`Context::set_checkpoint_dir`](crate::Context::set_checkpoint_dir), and forgets how they were
    /// computed.
    ///
    /// A program that computes each RDD from the one before needs a checkpoint every few steps: otherwise its
    /// lineage, and the time and memory of each step, grow. Saving runs the computation once more, unless the
    /// RDD is also persisted. The files are removed when the last RDD that reads them is dropped, and with
    /// the context.
    ///
    /// # Errors
    /// When no directory was set. An action whose answer was computed fails if what is marked cannot be
    /// saved.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// sc.set_checkpoint_dir(dir.path().to_str().unwrap())?;
    /// let mut ranks = sc.range(0..100).map(|x| x % 10);
    /// for step in 1..=30 {
    ///     ranks = ranks.map(|x| x + 1);
    ///     if step % 10 == 0 {
    ///         ranks.cache();
    ///         ranks.checkpoint()?;
    ///         ranks.count()?;
    ///     }
    /// }
    /// assert!(ranks.is_checkpointed());
    /// assert_eq!(ranks.to_debug_string().lines().count(), 1);
    /// assert_eq!(ranks.max()?, 39);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn checkpoint(&self) -> Result<()> {
        self.untyped().checkpoint::<T>(site("checkpoint", Location::caller()))
    }

    /// Forgets, after the next action that needs them, how the records were computed: the partitions that
    /// executors have cached are then the only copy. Cheaper than [`Rdd::checkpoint`], but lost with an
    /// executor: actions on it then fail, and say so.
    ///
    /// Persists the RDD with [`StorageLevel::MEMORY_AND_DISK`](crate::StorageLevel::MEMORY_AND_DISK), or adds
    /// the disk to the level it has.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let sums = sc.range(0..100).map(|x| (x % 3, x)).reduce_by_key(|a, b| a + b).local_checkpoint();
    /// assert_eq!(sums.count()?, 3);
    /// assert_eq!(sums.to_debug_string().lines().count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn local_checkpoint(&self) -> Rdd<T> {
        self.untyped().local_checkpoint::<T>(site("local_checkpoint", Location::caller()));
        self.clone()
    }

    /// Returns whether the records were checkpointed, reliably or locally.
    pub fn is_checkpointed(&self) -> bool {
        self.untyped().is_checkpointed()
    }

    /// The directory that holds the checkpoint, if there is one.
    pub fn checkpoint_file(&self) -> Option<String> {
        self.untyped().checkpoint_file()
    }
}
