//! Finds, reads and lists objects as files. A prefix that objects share is a directory, whose names are the
//! rests of their keys up to the next slash.

use super::bucket::{Bucket, Object};
use super::upload::Upload;
use crate::error::{IoCause, IoError, IoOperation};
use crate::store::{CommitMeans, Detail, Entry, Kind, ReadFile, Store, WriteFile};
use crate::stores::ranges::{RangeReader, Ranges};
use crate::stores::runtime;
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// The most times that one range is resumed after its connection dropped, besides the client's own tries.
const MAX_RESUMES: usize = 10;

/// Opens an object to be read.
fn open(object: &Object) -> Result<RangeReader, IoError> {
    let asked = object.clone();
    let meta = runtime::wait(IoOperation::Read, &object.path(), async move {
        asked.head().await.map_err(|error| asked.error(IoOperation::Read, error))
    })?;
    let version = Version {
        e_tag: meta.e_tag.clone(),
        size: meta.size,
        modified: meta.last_modified.timestamp_millis(),
    };
    let source = Arc::new(Versioned { object: object.clone(), version });
    Ok(RangeReader::new(source, object.path(), meta.size))
}

/// Returns the length of an object, if it is there.
pub(crate) fn length(operation: IoOperation, object: &Object) -> Result<Option<u64>, IoError> {
    let asked = object.clone();
    runtime::wait(operation, &object.path(), async move {
        match asked.head().await.map_err(|error| asked.error(operation, error)) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(absent) if absent.cause == IoCause::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    })
}

/// Removes all objects below one.
fn remove_below(operation: IoOperation, directory: &Object) -> Result<(), IoError> {
    let asked = directory.clone();
    runtime::wait(operation, &directory.path(), async move {
        let store = &asked.bucket.store;
        let keys = store.list(Some(&asked.key)).map_ok(|meta| meta.location).boxed();
        let mut removed = store.delete_stream(keys);
        while let Some(answer) = removed.next().await {
            match answer {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(asked.error(operation, error)),
            }
        }
        Ok(())
    })
}

/// The version of an object that was opened.
#[derive(PartialEq, Eq)]
struct Version {
    e_tag: Option<String>,
    size: u64,
    modified: i64,
}

impl Version {
    fn is_of(&self, meta: &ObjectMeta) -> bool {
        match (&self.e_tag, &meta.e_tag) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => self.size == meta.size && self.modified == meta.last_modified.timestamp_millis(),
        }
    }
}

/// One version of an object.
struct Versioned {
    object: Object,
    version: Version,
}

impl Ranges for Versioned {
    fn fetch(self: Arc<Self>, range: Range<u64>) -> BoxFuture<'static, Result<Bytes, IoError>> {
        async move { self.fetch_all(range).await }.boxed()
    }
}

impl Versioned {
    /// Reads a range to its end, however often the connection drops, within bounds.
    async fn fetch_all(&self, range: Range<u64>) -> Result<Bytes, IoError> {
        let started = Instant::now();
        let mut gathered = BytesMut::with_capacity((range.end - range.start) as usize);
        for resumed in 0.. {
            let rest = range.start + gathered.len() as u64..range.end;
            let why = match self.request(rest).await {
                Ok(answer) => self.drain(answer, &range, &mut gathered).await?,
                Err(error) => return Err(error),
            };
            if gathered.len() as u64 == range.end - range.start {
                break;
            }
            if resumed == MAX_RESUMES {
                let message = format!(
                    "the connection broke off {} times in {:.1} s while bytes {}-{} were read, the last time with: {why}",
                    resumed + 1,
                    started.elapsed().as_secs_f64(),
                    range.start,
                    range.end - 1,
                );
                return Err(self.fail(IoCause::Store { message, transient: true }));
            }
        }
        Ok(gathered.freeze())
    }

    async fn request(&self, range: Range<u64>) -> Result<GetResult, IoError> {
        // A weak tag says nothing about bytes, and servers refuse a condition on one.
        let strong = self.version.e_tag.clone().filter(|tag| !tag.starts_with("W/"));
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: strong,
            ..self.object.get_options()
        };
        let answer = self.object.bucket.store.get_opts(&self.object.key, options).await;
        let answer = answer.map_err(|error| self.object.error(IoOperation::Read, error))?;
        if self.version.is_of(&answer.meta) { Ok(answer) } else { Err(self.fail(IoCause::Changed)) }
    }

    /// Appends the bytes that come, at most as many as were asked for; returns the reason why no more came.
    async fn drain(
        &self,
        answer: GetResult,
        range: &Range<u64>,
        gathered: &mut BytesMut,
    ) -> Result<String, IoError> {
        let wanted = (range.end - range.start) as usize;
        let mut stream = answer.into_stream();
        while let Some(next) = stream.next().await {
            match next {
                Ok(bytes) => gathered.extend_from_slice(&bytes[..bytes.len().min(wanted - gathered.len())]),
                Err(error) => {
                    let error = self.object.error(IoOperation::Read, error);
                    return if error.retryable() { Ok(error.cause.to_string()) } else { Err(error) };
                }
            }
        }
        Ok("the answer ended early".into())
    }

    fn fail(&self, cause: IoCause) -> IoError {
        IoError::new(IoOperation::Read, self.object.path(), cause)
    }
}

impl Store for Arc<Bucket> {
    fn root(&self) -> &str {
        &self.root
    }

    fn kind(&self, path: &str) -> Result<Option<Kind>, IoError> {
        let object = self.object(IoOperation::List, path)?;
        if object.key == Path::default() {
            return Ok(self.entries(path)?.map(|_| Kind::Directory));
        }
        match length(IoOperation::List, &object)? {
            Some(length) => Ok(Some(Kind::File { length })),
            None if self.uploads.is_none() => Ok(None),
            None => Ok(self.entries(path)?.map(|_| Kind::Directory)),
        }
    }

    fn entries(&self, directory: &str) -> Result<Option<Vec<Entry>>, IoError> {
        let details = self.details(directory)?;
        Ok(details.map(|all| all.into_iter().map(|one| Entry::new(one.name, one.kind)).collect()))
    }

    fn details(&self, directory: &str) -> Result<Option<Vec<Detail>>, IoError> {
        if self.uploads.is_none() {
            // A web server shows pages, not names.
            let cause = IoCause::NoListing(self.scheme.to_string());
            return Err(IoError::new(IoOperation::List, self.shown(directory), cause));
        }
        let object = self.object(IoOperation::List, directory)?;
        let asked = object.clone();
        let listed = runtime::wait(IoOperation::List, &object.path(), async move {
            let found = asked.bucket.store.list_with_delimiter(Some(&asked.key)).await;
            found.map_err(|error| asked.error(IoOperation::List, error))
        })?;
        let name = |path: &Path| path.as_ref().rsplit('/').next().unwrap_or_default().to_string();
        let files = listed.objects.iter().map(|meta| Detail {
            name: name(&meta.location),
            kind: Kind::File { length: meta.size },
            modified_ms: u64::try_from(meta.last_modified.timestamp_millis()).ok(),
        });
        let directories = listed.common_prefixes.iter().map(|prefix| Detail {
            name: name(prefix),
            kind: Kind::Directory,
            modified_ms: None,
        });
        let mut details: Vec<Detail> = files.chain(directories).collect();
        details.sort_by(|a, b| a.name.cmp(&b.name));
        // The root of an empty bucket is there although it holds nothing; any other prefix is there only if
        // objects share it.
        Ok((!details.is_empty() || object.key == Path::default()).then_some(details))
    }

    fn open(&self, path: &str) -> Result<Box<dyn ReadFile>, IoError> {
        Ok(Box::new(open(&self.object(IoOperation::Read, path)?)?))
    }

    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, IoError> {
        let object = self.object(IoOperation::Create, path)?;
        if length(IoOperation::Create, &object)?.is_some() {
            return Err(IoError::new(IoOperation::Create, object.path(), IoCause::OutputExists));
        }
        Ok(Box::new(Upload::new(object)?))
    }

    fn remove_tree(&self, path: &str) -> Result<(), IoError> {
        remove_below(IoOperation::Abort, &self.object(IoOperation::Abort, path)?)
    }

    fn commit_means(&self) -> CommitMeans {
        CommitMeans::Uploads(Arc::new(self.clone()))
    }
}
