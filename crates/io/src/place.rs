//! From a path to the place that it leads to, opened. The one match over all places; everything else asks here.

use crate::error::{IoError, IoOperation};
use crate::listing::{Local, Tree};
#[cfg(feature = "hdfs")]
use crate::path::Scheme;
use crate::path::{self, Address};
use crate::stores::bucket::{Bucket, Object};
#[cfg(feature = "hdfs")]
use crate::stores::hdfs::{Cluster, HdfsFile};
use std::path::PathBuf;

/// Where one file or directory is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Local(PathBuf),
    Object(Object),
    #[cfg(feature = "hdfs")]
    Hdfs(HdfsFile),
}

/// The place that a path without globs names.
pub(crate) fn of(operation: IoOperation, path: &str) -> Result<Place, IoError> {
    match path::address(operation, path)? {
        Address::Local(local) => Ok(Place::Local(path::absolute(operation, local)?)),
        #[cfg(feature = "hdfs")]
        Address::Remote { scheme: Scheme::Hdfs, root, path } => {
            Ok(Place::Hdfs(HdfsFile::new(Cluster::open(operation, root)?, path)))
        }
        Address::Remote { scheme, root, path } => {
            Ok(Place::Object(Bucket::open(operation, scheme, root)?.object(operation, path)?))
        }
    }
}

/// Where a pattern begins.
pub(crate) struct Base {
    pub(crate) tree: Box<dyn Tree>,
    /// The directory that it starts from.
    pub(crate) directory: String,
    /// What is to be matched below it.
    pub(crate) pattern: String,
}

/// The place that a pattern is in.
pub(crate) fn base(path: &str) -> Result<Base, IoError> {
    let operation = IoOperation::List;
    let (tree, pattern): (Box<dyn Tree>, &str) = match path::address(operation, path)? {
        Address::Local(local) => (Box::new(Local), local),
        #[cfg(feature = "hdfs")]
        Address::Remote { scheme: Scheme::Hdfs, root, path } => {
            (Box::new(Cluster::open(operation, root)?), path)
        }
        Address::Remote { scheme, root, path } => (Box::new(Bucket::open(operation, scheme, root)?), path),
    };
    let is_relative = tree.root().is_empty() && !pattern.starts_with('/');
    let directory = match is_relative {
        false => "/".to_string(),
        true => {
            let here = std::env::current_dir().map_err(|error| IoError::from_io(operation, path, error))?;
            path::text(operation, &here)?
        }
    };
    Ok(Base { tree, directory, pattern: pattern.into() })
}
