//! [`Location`]: a path as a store, opened, and the path in it.

use crate::error::{IoError, IoOperation};
use crate::path::{self, Address};
use crate::store::Store;
use crate::stores::Stores;
use std::sync::Arc;

/// The place of one file or directory.
pub(crate) struct Location {
    pub(crate) store: Arc<dyn Store>,
    /// The path in the store.
    pub(crate) path: String,
}

impl Location {
    /// Returns the location that a path without globs names.
    pub(crate) fn of(stores: &Stores, operation: IoOperation, path: &str) -> Result<Location, IoError> {
        let address = path::address(operation, path)?;
        let store = stores.open(operation, &address)?;
        let (Address::Local(path) | Address::Remote { path, .. }) = address;
        Ok(Location { store, path: path.into() })
    }
}

/// The place in which a pattern begins.
pub(crate) struct Base {
    pub(crate) store: Arc<dyn Store>,
    /// The directory from which the pattern starts.
    pub(crate) directory: String,
    /// The pattern below that directory.
    pub(crate) pattern: String,
}

impl Base {
    /// Returns the place in which the pattern in a path begins.
    pub(crate) fn of(stores: &Stores, path: &str) -> Result<Base, IoError> {
        let operation = IoOperation::List;
        let Location { store, path: pattern } = Location::of(stores, operation, path)?;
        // Only the local disks have a directory that the program is in.
        let is_relative = store.root().is_empty() && !pattern.starts_with('/');
        let directory = match is_relative {
            false => "/".to_string(),
            true => {
                let here =
                    std::env::current_dir().map_err(|error| IoError::from_io(operation, path, error))?;
                path::text(operation, &here)?
            }
        };
        Ok(Base { store, directory, pattern })
    }
}
