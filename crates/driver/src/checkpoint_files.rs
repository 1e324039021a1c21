//! Where an application's checkpoints are written, and when the files go.

use firesteel_io::{Stores, remove_directory};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The directory of an application's checkpoints, within the one that the user named; none before that.
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
            // The context ends; there is nobody to be told.
            let _ = remove_directory(stores, &dir);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files of one checkpoint, which go with the last who reads them.
pub(crate) struct CheckpointFiles {
    stores: Stores,
    path: String,
    clean: bool,
}

impl CheckpointFiles {
    /// Files that are removed at the end if `clean` says so.
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
            // Not here: this may be the driver's loop, and the files far away. What is left goes with the context.
            let remove = move || drop(remove_directory(&stores, &path));
            let _ = std::thread::Builder::new().name("firesteel-cleaner".into()).spawn(remove);
        }
    }
}
