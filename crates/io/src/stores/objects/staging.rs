//! Object stores as jobs commit to them: uploads that are left uncompleted, and small objects beside them.
//! Calls for many objects have many requests under way at once.

use super::bucket::{Bucket, Object};
use super::failure;
use super::files::length;
use super::upload::{Upload, put};
use crate::error::{IoCause, IoError, IoOperation};
use crate::store::{Over, PartUpload, Uploaded, Uploading};
use crate::stores::runtime;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::multipart::PartId;
use object_store::{ObjectStoreExt, PutMode};
use std::sync::Arc;

/// The number of small requests under way at once.
const REQUESTS_IN_FLIGHT: usize = 16;

type Answer<T> = BoxFuture<'static, Result<T, IoError>>;

impl Uploading for Arc<Bucket> {
    fn check_writable(&self, operation: IoOperation, path: &str) -> Result<(), IoError> {
        self.object(operation, path)?.uploads(operation).map(drop)
    }

    fn begin(&self, path: &str) -> Result<Box<dyn PartUpload>, IoError> {
        let mut upload = Upload::new(self.object(IoOperation::Create, path)?)?;
        upload.id()?;
        Ok(Box::new(upload))
    }

    fn complete(&self, operation: IoOperation, uploads: Vec<Uploaded>) -> Result<(), IoError> {
        let all = self.with_objects(operation, uploads)?;
        self.run(operation, all, move |(object, upload)| complete_one(operation, object, upload).boxed())
    }

    fn forget(&self, operation: IoOperation, uploads: Vec<Uploaded>) -> Result<(), IoError> {
        let all = self.with_objects(operation, uploads)?;
        self.run(operation, all, move |(object, upload)| forget_one(operation, object, upload).boxed())
    }

    fn put(&self, operation: IoOperation, path: &str, bytes: Vec<u8>, over: Over) -> Result<(), IoError> {
        let mode = match over {
            Over::Nothing => PutMode::Create,
            Over::Anything => PutMode::Overwrite,
        };
        put(operation, &self.object(operation, path)?, bytes, mode)
    }

    fn get(&self, operation: IoOperation, paths: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, IoError> {
        let objects = paths.iter().map(|path| self.object(operation, path)).collect::<Result<Vec<_>, _>>()?;
        let reads: Vec<Answer<Option<Vec<u8>>>> =
            objects.into_iter().map(|object| get_one(operation, object).boxed()).collect();
        runtime::wait(operation, &self.root.clone(), async move {
            stream::iter(reads).buffered(REQUESTS_IN_FLIGHT).try_collect().await
        })
    }

    fn exists(&self, operation: IoOperation, path: &str) -> Result<bool, IoError> {
        Ok(length(operation, &self.object(operation, path)?)?.is_some())
    }

    fn found(&self, operation: IoOperation, paths: Vec<String>) -> Result<Vec<String>, IoError> {
        let objects = paths.iter().map(|path| self.object(operation, path)).collect::<Result<Vec<_>, _>>()?;
        let asked: Vec<Answer<bool>> =
            objects.into_iter().map(|object| is_there(operation, object).boxed()).collect();
        let answers: Vec<bool> = runtime::wait(operation, &self.root.clone(), async move {
            stream::iter(asked).buffered(REQUESTS_IN_FLIGHT).try_collect().await
        })?;
        Ok(paths.into_iter().zip(answers).filter(|(_, is_there)| *is_there).map(|(path, _)| path).collect())
    }

    fn below(&self, operation: IoOperation, path: &str) -> Result<Vec<String>, IoError> {
        let asked = self.object(operation, path)?;
        runtime::wait(operation, &asked.path(), async move {
            let listed = asked.bucket.store.list(Some(&asked.key)).map_ok(|meta| meta.location.to_string());
            listed.try_collect().await.map_err(|error| asked.error(operation, error))
        })
    }

    fn remove(&self, operation: IoOperation, paths: Vec<String>) -> Result<(), IoError> {
        let objects = paths.iter().map(|path| self.object(operation, path)).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = objects.first().cloned() else { return Ok(()) };
        runtime::wait(operation, &first.path(), async move {
            let keys = stream::iter(objects.into_iter().map(|object| Ok(object.key))).boxed();
            let mut removed = first.bucket.store.delete_stream(keys);
            while let Some(answer) = removed.next().await {
                match answer {
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(first.error(operation, error)),
                }
            }
            Ok(())
        })
    }

    fn shown(&self, path: &str) -> String {
        Bucket::shown(self, path)
    }
}

impl Bucket {
    fn with_objects(
        self: &Arc<Bucket>,
        operation: IoOperation,
        uploads: Vec<Uploaded>,
    ) -> Result<Vec<(Object, Uploaded)>, IoError> {
        let object = |upload: Uploaded| Ok((self.object(operation, &upload.path)?, upload));
        uploads.into_iter().map(object).collect()
    }

    /// Runs one request for each of `all`, many at once.
    fn run<T: Send + 'static>(
        &self,
        operation: IoOperation,
        all: Vec<T>,
        each: impl Fn(T) -> Answer<()> + Send + 'static,
    ) -> Result<(), IoError> {
        let each: Vec<Answer<()>> = all.into_iter().map(each).collect();
        if each.is_empty() {
            return Ok(());
        }
        runtime::wait(operation, &self.root.clone(), async move {
            stream::iter(each).buffer_unordered(REQUESTS_IN_FLIGHT).try_collect::<()>().await
        })
    }
}

async fn complete_one(operation: IoOperation, object: Object, upload: Uploaded) -> Result<(), IoError> {
    let store = object.uploads(operation)?;
    let parts = upload.upload.parts.iter().map(|part| PartId { content_id: part.clone() }).collect();
    let Err(error) = store.complete_multipart(&object.key, &upload.upload.id, parts).await else {
        return Ok(());
    };
    // An earlier call, whose answer was lost, may have completed it: then there is an object of the upload's
    // length.
    match object.bucket.store.head(&object.key).await {
        Ok(meta) if Some(meta.size) == upload.bytes => Ok(()),
        _ => Err(object.error(operation, error)),
    }
}

async fn forget_one(operation: IoOperation, object: Object, upload: Uploaded) -> Result<(), IoError> {
    let store = object.uploads(operation)?;
    match store.abort_multipart(&object.key, &upload.upload.id).await {
        Ok(()) => Ok(()),
        Err(error) if failure::says_no_such_upload(&error) => Ok(()),
        Err(error) => Err(object.error(operation, error)),
    }
}

async fn is_there(operation: IoOperation, object: Object) -> Result<bool, IoError> {
    match object.head().await.map_err(|error| object.error(operation, error)) {
        Ok(_) => Ok(true),
        Err(absent) if absent.cause == IoCause::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns a small object, if it is there.
async fn get_one(operation: IoOperation, object: Object) -> Result<Option<Vec<u8>>, IoError> {
    let answer = match object.bucket.store.get(&object.key).await {
        Ok(answer) => answer.bytes().await.map(|bytes| Some(bytes.to_vec())),
        Err(error) => Err(error),
    };
    match answer.map_err(|error| object.error(operation, error)) {
        Err(absent) if absent.cause == IoCause::NotFound => Ok(None),
        answer => answer,
    }
}
