//! Removes directories that a program wrote for itself and needs no more, such as checkpoints.

use crate::error::{IoError, IoOperation};
use crate::location::Location;
use crate::stores::Stores;

/// Removes a directory with its contents. One that is not there is removed already.
///
/// # Errors
/// When something in it cannot be removed.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("old").to_str().unwrap().to_string();
/// std::fs::create_dir(&path).unwrap();
/// let stores = firesteel_io::Stores::default();
/// firesteel_io::remove_directory(&stores, &path)?;
/// firesteel_io::remove_directory(&stores, &path)?;
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub fn remove_directory(stores: &Stores, path: &str) -> Result<(), IoError> {
    let location = Location::of(stores, IoOperation::Abort, path)?;
    location.store.remove_tree(&location.path)
}
