//! The workspace interface: how bulk work gets memory from a budget, and files to spill to.

use crate::{Cipher, DataError};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Memory and files for the work of one task.
pub trait Workspace: Send + Sync {
    /// Reserves `bytes` more. `false` means: make do with what you have, and spill.
    fn try_reserve(&self, bytes: usize) -> bool;

    /// Reserves `bytes` even when the budget is used up, for memory that is indispensable.
    fn reserve_anyway(&self, bytes: usize);

    /// Gives back `bytes`.
    fn release(&self, bytes: usize);

    /// Creates an empty file for spilled data, open for writing and reading. The owner of the workspace removes it, at the latest.
    ///
    /// # Errors
    /// When no file can be created.
    fn create_file(&self) -> Result<(PathBuf, File), DataError>;

    /// Notes that records were spilled: their bytes in memory, and those of the file.
    fn spilled(&self, _memory: u64, _disk: u64) {}

    /// Returns the key that encrypts such files, if they are encrypted.
    fn cipher(&self) -> Option<Cipher> {
        None
    }
}

/// The memory of one consumer; given back when dropped.
pub struct Reservation {
    workspace: Arc<dyn Workspace>,
    held: usize,
}

impl Reservation {
    /// The step by which reservations grow, so that the budget is not asked for each record.
    const STEP: usize = 1 << 20;
    /// The memory that a consumer gets in any case: with less, spilling would cost more than it saves.
    const FLOOR: usize = 1 << 20;

    /// Makes an empty reservation.
    pub fn new(workspace: Arc<dyn Workspace>) -> Self {
        Reservation { workspace, held: 0 }
    }

    /// Makes the reservation cover `bytes`. Returns `false` when it cannot: spill, then [`Reservation::clear`].
    pub fn cover(&mut self, bytes: usize) -> bool {
        if bytes <= self.held {
            return true;
        }
        let missing = bytes - self.held;
        for ask in [missing.next_multiple_of(Self::STEP), missing] {
            if self.workspace.try_reserve(ask) {
                self.held += ask;
                return true;
            }
        }
        if bytes <= Self::FLOOR {
            self.workspace.reserve_anyway(missing);
            self.held = bytes;
            return true;
        }
        false
    }

    /// Gives everything back.
    pub fn clear(&mut self) {
        self.workspace.release(std::mem::take(&mut self.held));
    }

    /// Returns the number of reserved bytes.
    pub fn held(&self) -> usize {
        self.held
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::Relaxed};

    /// A budget and a directory for tests.
    pub(crate) struct Small {
        free: AtomicI64,
        pub(crate) dir: tempfile::TempDir,
        files: AtomicU32,
    }

    impl Small {
        pub(crate) fn with(bytes: usize) -> Arc<Self> {
            let dir = tempfile::tempdir().unwrap();
            Arc::new(Small { free: AtomicI64::new(bytes as i64), dir, files: AtomicU32::new(0) })
        }

        pub(crate) fn free(&self) -> usize {
            self.free.load(Relaxed) as usize
        }
    }

    impl Workspace for Small {
        fn try_reserve(&self, bytes: usize) -> bool {
            let enough = self.free.load(Relaxed) >= bytes as i64;
            if enough {
                self.reserve_anyway(bytes);
            }
            enough
        }
        fn reserve_anyway(&self, bytes: usize) {
            self.free.fetch_sub(bytes as i64, Relaxed);
        }
        fn release(&self, bytes: usize) {
            self.free.fetch_add(bytes as i64, Relaxed);
        }
        fn create_file(&self) -> Result<(PathBuf, File), DataError> {
            let path = self.dir.path().join(self.files.fetch_add(1, Relaxed).to_string());
            let options = File::options().read(true).write(true).create_new(true).open(&path);
            let file = options.map_err(|e| DataError::io("create", &path, e))?;
            Ok((path, file))
        }
    }
}
