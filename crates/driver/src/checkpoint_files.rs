//! Checkpoint files: the directory into which an application's checkpoints are written, and when the files
//! are removed.

use firesteel_io::{Stores, remove_directory};
use parking_lot::{Mutex, MutexGuard};

/// The directory of an application's checkpoints, within the one that the user named; `None` before the user
/// named one.
#[derive(Default)]
pub(crate) struct CheckpointDir(Mutex<Option<String>>);

impl CheckpointDir {
    pub(crate) fn get(&self) -> Option<String> {
        self.lock().clone()
    }

    pub(crate) fn set(&self, dir: String) {
        *self.lock() = Some(dir);
    }

    /// Removes everything that was written.
    pub(crate) fn remove_all(&self, stores: &Stores) {
        if let Some(dir) = self.lock().take() {
            // The context ends, so an error of the removal cannot be reported.
            let _ = remove_directory(stores, &dir);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock()
    }
}

/// The files of one checkpoint, removed when the last RDD that reads them is dropped.
pub(crate) struct CheckpointFiles {
    stores: Stores,
    path: String,
    clean: bool,
}

impl CheckpointFiles {
    /// Refers to files that are removed at the end if `clean` is set.
    pub(crate) fn new(stores: &Stores, path: &str, clean: bool) -> Self {
        CheckpointFiles { stores: stores.clone(), path: path.into(), clean }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl Drop for CheckpointFiles {
    fn drop(&mut self) {
        if self.clean {
            let (stores, path) = (self.stores.clone(), std::mem::take(&mut self.path));
            // Removed in another thread: this may be the driver's loop, and the files may be remote. Files
            // that remain are removed with the context's directory.
            let remove = move || drop(remove_directory(&stores, &path));
            let _ = std::thread::Builder::new().name("firesteel-cleaner".into()).spawn(remove);
        }
    }
}
