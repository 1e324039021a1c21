//! Removing what a program wrote for itself and needs no more, such as checkpoints.

use crate::error::{IoError, IoOperation};
use crate::place::{self, Place};
use crate::stores::objects;
use std::fs;
use std::io;

/// Removes a directory and all that is in it. One that is not there is removed already.
///
/// # Errors
/// When something in it cannot be removed.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("old").to_str().unwrap().to_string();
/// std::fs::create_dir(&path).unwrap();
/// firesteel_io::remove_directory(&path)?;
/// firesteel_io::remove_directory(&path)?;
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub fn remove_directory(path: &str) -> Result<(), IoError> {
    match place::of(IoOperation::Abort, path)? {
        Place::Local(local) => match fs::remove_dir_all(local) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(IoError::new(IoOperation::Abort, path, error.into()))
            }
            _ => Ok(()),
        },
        Place::Object(object) => objects::remove_below(IoOperation::Abort, &object),
        #[cfg(feature = "hdfs")]
        Place::Hdfs(file) => file.remove_tree(IoOperation::Abort),
    }
}
