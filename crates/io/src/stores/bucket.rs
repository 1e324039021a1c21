//! An object store that was opened: one bucket or container, or one web server. Every store is opened once a process and
//! then shared, with its connections and its credentials.

use crate::error::{IoCause, IoError, IoOperation};
use crate::path::Scheme;
use crate::settings::StoreSettings;
use crate::stores::{failure, open};
use object_store::ObjectStore;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// An object store that was opened.
pub(crate) struct Bucket {
    pub(crate) scheme: Scheme,
    /// What paths in it begin with: `s3a://bucket`.
    pub(crate) root: String,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// None in a store that can only be read.
    pub(crate) uploads: Option<Arc<dyn MultipartStore>>,
}

/// An object, or a prefix: a bucket and a key.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) key: Path,
}

type Opened = HashMap<(StoreSettings, String), Arc<Bucket>>;

impl Bucket {
    /// The bucket that a root names, opened if it has not been.
    pub(crate) fn open(operation: IoOperation, scheme: Scheme, root: &str) -> Result<Arc<Bucket>, IoError> {
        static OPENED: Mutex<Option<Opened>> = Mutex::new(None);
        let name = (StoreSettings::in_use(), root.to_string());
        let mut opened = OPENED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let opened = opened.get_or_insert_default();
        if let Some(bucket) = opened.get(&name) {
            return Ok(bucket.clone());
        }
        let bucket =
            open::open(scheme, root, &name.0).map_err(|cause| IoError::new(operation, root, cause))?;
        let bucket = Arc::new(bucket);
        opened.insert(name, bucket.clone());
        Ok(bucket)
    }

    /// The object at a path below the root, such as `/dir/file`.
    pub(crate) fn object(self: &Arc<Bucket>, operation: IoOperation, path: &str) -> Result<Object, IoError> {
        let key = path.trim_matches('/');
        let parsed = match self.scheme {
            // What a user copies from a browser is encoded already.
            Scheme::Http => Path::from_url_path(key),
            _ => Path::parse(key),
        };
        let bad = |error: object_store::path::Error| {
            let what = format!("it cannot be the name of an object: {error}");
            IoError::new(operation, self.shown(path), IoCause::BadPath(what))
        };
        Ok(Object { bucket: self.clone(), key: parsed.map_err(bad)? })
    }

    /// A path below the root as a user writes it.
    pub(crate) fn shown(&self, path: &str) -> String {
        format!("{}/{}", self.root, path.trim_start_matches('/'))
    }

    /// The name of the bucket.
    pub(crate) fn name(&self) -> &str {
        self.root.split_once("://").map_or("", |(_, name)| name)
    }

    /// What a client answered to an operation on a key, in a person's words.
    pub(crate) fn error(&self, operation: IoOperation, key: &Path, error: object_store::Error) -> IoError {
        IoError::new(operation, self.shown(key.as_ref()), failure::cause(self, error))
    }
}

impl Object {
    /// The whole path.
    pub(crate) fn path(&self) -> String {
        self.bucket.shown(self.key.as_ref())
    }

    /// What is below this one.
    pub(crate) fn child(&self, name: &str) -> Object {
        let key = name.split('/').fold(self.key.clone(), |key, part| key.join(part));
        Object { bucket: self.bucket.clone(), key }
    }

    pub(crate) fn error(&self, operation: IoOperation, error: object_store::Error) -> IoError {
        self.bucket.error(operation, &self.key, error)
    }

    /// The way to write, in stores that have one.
    pub(crate) fn uploads(&self, operation: IoOperation) -> Result<Arc<dyn MultipartStore>, IoError> {
        let cause = || IoCause::ReadOnly(self.bucket.scheme.to_string());
        self.bucket.uploads.clone().ok_or_else(|| IoError::new(operation, self.path(), cause()))
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}
