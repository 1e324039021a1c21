//! An object store that was opened: one bucket or container, or one web server, with its connections and its credentials.

use super::failure;
use crate::error::{IoCause, IoError, IoOperation};
use crate::scheme::Scheme;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectMeta, ObjectStore};
use std::fmt;
use std::sync::Arc;

/// A client of a store, and the way to write to it if there is one.
pub(crate) type Client = (Arc<dyn ObjectStore>, Option<Arc<dyn MultipartStore>>);

/// An object store that was opened.
pub(crate) struct Bucket {
    pub(crate) scheme: Scheme,
    /// The beginning of paths in it: `s3a://bucket`.
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
    /// The query of a web address. Never shown: the signatures of shared links are in it.
    pub(crate) query: Option<Arc<str>>,
}

impl Bucket {
    /// Returns the object at a path below the root, such as `/dir/file`.
    pub(crate) fn object(self: &Arc<Bucket>, operation: IoOperation, path: &str) -> Result<Object, IoError> {
        let (path, query) = match self.scheme {
            Scheme::Http => {
                path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query.into())))
            }
            _ => (path, None),
        };
        let key = path.trim_matches('/');
        let parsed = match self.scheme {
            // An address that a user copies from a browser is encoded already.
            Scheme::Http => Path::from_url_path(key),
            _ => Path::parse(key),
        };
        let bad = |error: object_store::path::Error| {
            let what = format!("it cannot be the name of an object: {error}");
            IoError::new(operation, self.shown(path), IoCause::BadPath(what))
        };
        if let Some(odd) =
            query.as_ref().and_then(|query: &Arc<str>| query.chars().find(|c| !c.is_ascii_graphic()))
        {
            let what =
                format!("its query has {odd:?} in it: write it as in a browser, such as %20 for a space");
            return Err(IoError::new(operation, self.shown(path), IoCause::BadPath(what)));
        }
        Ok(Object { bucket: self.clone(), key: parsed.map_err(bad)?, query })
    }

    /// Returns a path below the root as a user writes it.
    pub(crate) fn shown(&self, path: &str) -> String {
        format!("{}/{}", self.root, path.trim_start_matches('/'))
    }

    /// Returns the name of the bucket.
    pub(crate) fn name(&self) -> &str {
        self.root.split_once("://").map_or("", |(_, name)| name)
    }

    /// Makes an error of a client's answer to an operation on a key.
    pub(crate) fn error(&self, operation: IoOperation, key: &Path, error: object_store::Error) -> IoError {
        IoError::new(operation, self.shown(key.as_ref()), failure::cause(self.scheme, self.name(), error))
    }
}

/// A query that travels with a request to the client that sends it, since a key has none.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "only the client for web servers looks inside"))]
pub(crate) struct Query(pub(crate) Arc<str>);

impl Object {
    /// Returns the whole path, without the query.
    pub(crate) fn path(&self) -> String {
        self.bucket.shown(self.key.as_ref())
    }

    /// Returns the options of a request for the whole object.
    pub(crate) fn get_options(&self) -> GetOptions {
        let mut options = GetOptions::default();
        if let Some(query) = &self.query {
            options.extensions.insert(Query(query.clone()));
        }
        options
    }

    /// Returns the object's metadata, without its bytes.
    pub(crate) async fn head(&self) -> object_store::Result<ObjectMeta> {
        let ask = async |options| Ok(self.bucket.store.get_opts(&self.key, options).await?.meta);
        match ask(GetOptions { head: true, ..self.get_options() }).await {
            // Links are often signed for GET alone. A request for the first byte, which an empty file has
            // not, tells the length as well.
            Err(refused @ Error::PermissionDenied { .. }) if self.query.is_some() => {
                let first = GetOptions { range: Some(GetRange::Bounded(0..1)), ..self.get_options() };
                ask(first).await.map_err(|_| refused)
            }
            answer => answer,
        }
    }

    pub(crate) fn error(&self, operation: IoOperation, error: object_store::Error) -> IoError {
        self.bucket.error(operation, &self.key, error)
    }

    /// Returns the client's way to write, in stores that have one.
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
