//! [`Stores`]: the handle by which a program reaches all stores, and the choice of the client for each.
//!
//! The rest of the crate is synchronous, since tasks are plain threads; the clients of remote stores are not. `runtime` lies between.
//! `local` is the disks of this machine, `objects` all object stores and web servers, `hdfs` Hadoop's file system; `ranges` reads
//! one remote file ahead of its consumer.

#[cfg(feature = "hdfs")]
mod hdfs;
mod local;
mod objects;
mod ranges;
mod runtime;

#[cfg(all(test, target_os = "linux"))]
pub(crate) use local::device;
#[cfg(test)]
pub(crate) use objects::Bucket;

use crate::error::{IoError, IoOperation};
use crate::path::Address;
#[cfg(feature = "hdfs")]
use crate::scheme::Scheme;
use crate::settings::StoreSettings;
use crate::store::Store;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// All stores as one application reaches them: by its settings, and with the clients that it has opened.
/// Cheap to clone; clones share their clients. All functions that open files take one: the driver's is its
/// context's, a task's its application's.
///
/// Two handles share nothing: applications in one process may reach one store with different keys. (But for stores in memory, whose
/// contents belong to the process.)
///
/// ```
/// use firesteel_io::{Stores, read_text};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("greeting").to_str().unwrap().to_string();
/// std::fs::write(&path, "hello")?;
/// assert_eq!(read_text(&Stores::default(), &path)?, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Stores {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    settings: StoreSettings,
    /// By their roots: `s3a://bucket`.
    opened: Mutex<HashMap<String, Arc<dyn Store>>>,
}

impl Stores {
    /// Makes a handle to the stores that these settings describe. A store is opened when it is first needed.
    pub fn new(settings: StoreSettings) -> Stores {
        Stores { inner: Arc::new(Inner { settings, opened: Mutex::default() }) }
    }

    /// Makes a handle from an application's settings, by keys as a configuration gives them.
    pub fn by_settings(settings: &[(String, String)]) -> Stores {
        let pairs = settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Stores::new(StoreSettings::from_pairs(pairs))
    }

    /// Returns the settings by which stores are opened.
    pub fn settings(&self) -> &StoreSettings {
        &self.inner.settings
    }

    /// Returns the store that an address leads to, opened if it has not been.
    pub(crate) fn open(
        &self,
        operation: IoOperation,
        address: &Address<'_>,
    ) -> Result<Arc<dyn Store>, IoError> {
        let (scheme, root) = match *address {
            Address::Local(_) => return Ok(Arc::new(local::Local)),
            Address::Remote { scheme, root, .. } => (scheme, root),
        };
        // The lock is held while a store is opened, so that tasks which start together share one client.
        let mut opened = self.inner.opened.lock();
        if let Some(store) = opened.get(root) {
            return Ok(store.clone());
        }
        let store: Arc<dyn Store> = match scheme {
            #[cfg(feature = "hdfs")]
            Scheme::Hdfs => Arc::new(hdfs::Cluster::open(operation, root, &self.inner.settings)?),
            scheme => Arc::new(objects::open(operation, scheme, root, &self.inner.settings)?),
        };
        opened.insert(root.to_string(), store.clone());
        Ok(store)
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stores").field(&self.inner.settings).finish()
    }
}
