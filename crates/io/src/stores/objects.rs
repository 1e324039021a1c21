//! Object stores and web servers: opened from a root such as `s3a://bucket`, by the settings, the environment
//! and the profiles of a store's own tools, in this order. Each kind has a module that knows the names of all
//! of these.
//!
//! A `Bucket` is one that was opened, `files` makes a store of it, `staging` the means by which jobs commit
//! there, `upload` sends a file while it is made, and `failure` turns a client's answers into causes with an
//! instruction.

#[cfg(feature = "s3")]
mod aws_profile;
#[cfg(feature = "azure")]
mod azure;
mod bucket;
mod failure;
mod files;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(feature = "http")]
mod http;
mod memory;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod metadata;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod patience;
#[cfg(feature = "http")]
mod queries;
#[cfg(feature = "s3")]
mod s3;
mod staging;
mod upload;

pub(crate) use bucket::Bucket;

use crate::error::{IoCause, IoError, IoOperation};
use crate::scheme::Scheme;
use crate::settings::StoreSettings;
use bucket::Client;
use object_store::multipart::MultipartStore;
use object_store::{ObjectStore, Result};
use std::sync::Arc;

/// Opens the store at a root. Nothing is sent yet.
pub(crate) fn open(
    operation: IoOperation,
    scheme: Scheme,
    root: &str,
    settings: &StoreSettings,
) -> std::result::Result<Arc<Bucket>, IoError> {
    let bucket = bucket(scheme, root, settings).map_err(|cause| IoError::new(operation, root, cause))?;
    Ok(Arc::new(bucket))
}

fn bucket(scheme: Scheme, root: &str, settings: &StoreSettings) -> std::result::Result<Bucket, IoCause> {
    let name = root.split_once("://").map_or("", |(_, name)| name);
    if name.is_empty() {
        let what = format!("there is no {} after {root}", scheme.container());
        return Err(IoCause::BadPath(what));
    }
    let not_open = |error: object_store::Error| IoCause::NotConfigured {
        what: failure::sentence(&error),
        set: scheme.credentials().into(),
    };
    let (store, uploads) = client(scheme, root, name, settings)?.map_err(not_open)?;
    Ok(Bucket { scheme, root: root.into(), store, uploads })
}

/// Returns the client of a scheme; an error when this program was built without it.
fn client(
    scheme: Scheme,
    root: &str,
    name: &str,
    settings: &StoreSettings,
) -> std::result::Result<Result<Client>, IoCause> {
    // Not every choice of features has a client that uses these.
    let _ = (root, settings);
    Ok(match scheme {
        Scheme::Memory => Ok(writable(memory::open(name))),
        #[cfg(feature = "s3")]
        Scheme::S3 => s3::open(name, settings)?.map(Arc::new).map(writable),
        #[cfg(feature = "gcs")]
        Scheme::Gcs => gcs::open(name, settings)?.map(Arc::new).map(writable),
        #[cfg(feature = "azure")]
        Scheme::Azure => azure::open(name, settings)?.map(Arc::new).map(writable),
        #[cfg(feature = "http")]
        Scheme::Http => http::open(root, settings)?,
        other => return Err(IoCause::SchemeLeftOut(other.to_string())),
    })
}

fn writable<S: ObjectStore + MultipartStore>(store: Arc<S>) -> Client {
    (store.clone(), Some(store))
}
