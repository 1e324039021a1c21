//! The commit where nothing can be renamed, but where an upload can be left uncompleted: in object stores. A task uploads its
//! part under its final name and does not complete the upload; the driver completes the winners' uploads when all are there.
//! No byte is moved or sent twice.
//!
//! What was decided is in small objects, each of which only the first to write it writes. Under the output directory:
//!
//! ```text
//! _temporary/job                                     whose output this is: the job's token
//! _temporary/<token>/attempts/<partition>-<attempt>  an upload was begun, or has all its parts
//! _temporary/<token>/committed/<partition>/<attempt> committed: its upload and parts; the last attempt's counts
//! _temporary/<token>/decision                        the winners whose uploads are being completed, or that all is removed
//! part-00000 ... _SUCCESS                            done
//! ```
//!
//! The store promises that an object which was written is seen by whoever looks afterwards. A task looks for the decision
//! after it has written, and the driver lists what tasks wrote after it has decided; so one of them sees the other, and what
//! comes late is removed. An upload is forgotten by the store only when it is told to, so each is noted before any part is
//! sent. What dies in the instant between has an upload without parts, for the bucket's own rules to remove.

use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Output;
use crate::stores::bucket::Object;
use crate::stores::failure;
use crate::stores::objects;
use crate::stores::runtime;
use crate::stores::upload::{Parts, Upload, put};
use firesteel_types::{Partition, TaskId};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many small requests the driver has under way at once.
const REQUESTS_IN_FLIGHT: usize = 16;

/// The output of one job below one prefix.
#[derive(Clone)]
pub(crate) struct Uploads {
    pub(crate) dir: Object,
    pub(crate) token: String,
}

/// What is known of one attempt's upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Attempt {
    attempt: u64,
    /// The name of the part file.
    name: String,
    upload: Parts,
    /// Its length, once all its parts were sent.
    bytes: Option<u64>,
}

/// What the driver decided about the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Decision {
    Commit(Vec<Attempt>),
    Abort,
}

/// A part file that is being uploaded, and will be completed by the driver.
#[derive(Debug)]
pub(crate) struct StagedUpload {
    upload: Upload,
    record: Object,
    attempt: Attempt,
}

impl StagedUpload {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, IoError> {
        self.upload.write(bytes)
    }

    /// Sends what is left, and notes that all is there.
    pub(crate) fn finish(self, bytes: u64) -> Result<(), IoError> {
        let StagedUpload { upload, record, attempt } = self;
        let done = Attempt { upload: upload.hand_over()?, bytes: Some(bytes), ..attempt };
        write(IoOperation::Write, &record, &done, PutMode::Overwrite)
    }
}

impl Uploads {
    pub(crate) fn setup_job(&self) -> Result<(), IoError> {
        let operation = IoOperation::SetUp;
        self.dir.uploads(operation)?;
        let exists = || Err(IoError::new(operation, self.dir.path(), IoCause::OutputExists));
        if objects::exists(operation, &self.dir)? || !self.keys(operation, &self.dir)?.is_empty() {
            return exists();
        }
        match put(operation, &self.owner(), self.token.clone().into(), PutMode::Create) {
            // Perhaps by ourselves, when the answer was lost and the request sent again.
            Err(error) if error.cause == IoCause::OutputExists && self.is_ours(operation)? => {}
            Err(error) if error.cause == IoCause::OutputExists => return exists(),
            put => put?,
        }
        // Somebody may have written here since we looked; our claim keeps other jobs out from now on.
        if self.keys(operation, &self.dir)?.iter().any(|key| *key != self.owner().key) {
            self.remove(operation, vec![self.owner().key])?;
            return exists();
        }
        Ok(())
    }

    pub(crate) fn create(
        &self,
        partition: Partition,
        attempt: TaskId,
        name: &str,
    ) -> Result<Output, IoError> {
        let object = self.dir.child(name);
        let path = object.path();
        let mut upload = Upload::new(object)?;
        let parts = Parts { id: upload.id()?, parts: vec![] };
        let attempt_record = Attempt { attempt: attempt.0, name: name.into(), upload: parts, bytes: None };
        let record = self.attempt(partition, attempt);
        self.note(&record, &attempt_record)?;
        if self.has_ended(IoOperation::Create)? {
            self.remove(IoOperation::Create, vec![record.key])?;
            return Err(IoError::new(IoOperation::Create, path, IoCause::JobEnded));
        }
        Ok(Output::staged(StagedUpload { upload, record, attempt: attempt_record }, path))
    }

    /// Notes an upload. One that the same attempt began before and left is forgotten, as nothing would know of it any more.
    fn note(&self, record: &Object, attempt: &Attempt) -> Result<(), IoError> {
        let operation = IoOperation::Create;
        match write(operation, record, attempt, PutMode::Create) {
            Err(error) if error.cause == IoCause::OutputExists => {
                let before = read::<Attempt>(operation, record)?
                    .filter(|before| before.upload.id != attempt.upload.id);
                self.forget(operation, before.into_iter().collect())?;
                write(operation, record, attempt, PutMode::Overwrite)
            }
            written => written,
        }
    }

    pub(crate) fn commit_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let (record, committed) = (self.attempt(partition, attempt), self.committed(partition, attempt));
        let fail = |cause| Err(IoError::new(operation, record.path(), cause));
        match self.winner(operation, partition)? {
            Some(winner) if winner == attempt => return Ok(()),
            Some(winner) if winner > attempt => return fail(IoCause::CommittedByAnother(winner)),
            _ => {}
        }
        let Some(mine) = read::<Attempt>(operation, &record)?.filter(|mine| mine.bytes.is_some()) else {
            let no_output = IoCause::NoSuchAttempt { partition, attempt };
            return fail(if self.has_ended(operation)? { IoCause::JobEnded } else { no_output });
        };
        write(operation, &committed, &mine, PutMode::Overwrite)?;
        match self.decision(operation)? {
            Some(Decision::Commit(winners)) if winners.contains(&mine) => return Ok(()),
            None if self.is_ours(operation)? => {}
            // Too late: the job was decided without this attempt.
            None | Some(Decision::Commit(_) | Decision::Abort) => {
                self.forget(operation, vec![mine])?;
                self.remove(operation, vec![committed.key, record.key.clone()])?;
                return fail(IoCause::JobEnded);
            }
        }
        // What counts is written; that this is left over would not make it count less.
        let _ = self.remove(operation, vec![record.key]);
        Ok(())
    }

    pub(crate) fn abort_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let operation = IoOperation::Abort;
        let record = self.attempt(partition, attempt);
        let Some(mine) = read::<Attempt>(operation, &record)? else { return Ok(()) };
        let committed = read::<Attempt>(operation, &self.committed(partition, attempt))?;
        if committed.is_none_or(|committed| committed.upload.id != mine.upload.id) {
            self.forget(operation, vec![mine])?;
        }
        self.remove(operation, vec![record.key])
    }

    pub(crate) fn commit_job(&self, partitions: u32) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let ended = || Err(IoError::new(operation, self.dir.path(), IoCause::JobEnded));
        if !self.is_ours(operation)? {
            return if objects::exists(operation, &self.success())? { Ok(()) } else { ended() };
        }
        // 1. All there? Then this is what counts, whatever tasks do from now on.
        if self.decision(operation)?.is_none() {
            let winners = self.winners(partitions)?;
            match write(operation, &self.decision_object(), &Decision::Commit(winners), PutMode::Create) {
                Err(error) if error.cause == IoCause::OutputExists => {}
                written => written?,
            }
        }
        let Some(Decision::Commit(winners)) = self.decision(operation)? else { return ended() };
        // 2. Every file in its place.
        self.complete(winners.clone())?;
        // 3. Nothing left over but the decision, the sign, and then that too.
        let decided = self.decision_object().key;
        self.remove_staging(operation, &winners, &decided)?;
        put(operation, &self.success(), vec![], PutMode::Overwrite)?;
        // Hidden: if they stay, they harm nobody, while an error would call a whole output broken.
        let _ = self.remove(operation, vec![decided, self.owner().key]);
        Ok(())
    }

    /// Takes `_SUCCESS` away.
    pub(crate) fn unmark_success(&self) -> Result<(), IoError> {
        self.remove(IoOperation::Commit, vec![self.success().key])
    }

    pub(crate) fn abort_job(&self) -> Result<(), IoError> {
        let operation = IoOperation::Abort;
        if !self.is_ours(operation)? || objects::exists(operation, &self.success())? {
            return Ok(());
        }
        write(operation, &self.decision_object(), &Decision::Abort, PutMode::Overwrite)?;
        // Nothing was here before this job, so parts here are the job's.
        let prefix = self.dir.child("part-").key;
        let parts = self.keys(operation, &self.dir)?;
        let parts = parts.into_iter().filter(|key| key.as_ref().starts_with(prefix.as_ref())).collect();
        self.remove(operation, parts)?;
        self.remove_staging(operation, &[], &self.decision_object().key)?;
        self.remove(operation, vec![self.decision_object().key, self.owner().key])
    }

    /// Of the attempts at a partition that have committed, the one that counts.
    fn winner(&self, operation: IoOperation, partition: Partition) -> Result<Option<TaskId>, IoError> {
        let keys = self.keys(operation, &self.committed_below(partition))?;
        Ok(keys.iter().filter_map(attempt_of).max())
    }

    /// The winners of the partitions from 0 on.
    fn winners(&self, partitions: u32) -> Result<Vec<Attempt>, IoError> {
        let (operation, job) = (IoOperation::Commit, self.clone());
        let mut winners = BTreeMap::<String, TaskId>::new();
        for key in self.keys(operation, &self.staging().child("committed"))? {
            let mut parts: Vec<String> = key.parts().map(|part| part.as_ref().to_string()).collect();
            if let (Some(attempt), Some(_), Some(partition)) = (attempt_of(&key), parts.pop(), parts.pop()) {
                let winner = winners.entry(partition).or_insert(attempt);
                *winner = attempt.max(*winner);
            }
        }
        let committed = |p: u32| {
            let winner = winners.get(&Partition(p).to_string());
            winner.map(|winner| job.committed(Partition(p), *winner)).ok_or(Partition(p))
        };
        let objects: Result<Vec<Object>, Partition> = (0..partitions).map(committed).collect();
        let missing = |partition| IoError::new(operation, self.dir.path(), IoCause::Uncommitted(partition));
        let objects = objects.map_err(missing)?;
        let found = runtime::wait(operation, &self.dir.path(), async move {
            let reads: Vec<BoxFuture<'static, Result<Option<Attempt>, IoError>>> =
                objects.into_iter().map(|object| read_async(operation, object).boxed()).collect();
            stream::iter(reads).buffered(REQUESTS_IN_FLIGHT).try_collect::<Vec<_>>().await
        })?;
        if let Some(gone) = found.iter().position(Option::is_none) {
            return Err(missing(Partition(gone as u32)));
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Makes the winners' files appear; those that did before are left alone.
    fn complete(&self, winners: Vec<Attempt>) -> Result<(), IoError> {
        let job = self.clone();
        runtime::wait(IoOperation::Commit, &self.dir.path(), async move {
            let completions: Vec<BoxFuture<'static, Result<(), IoError>>> =
                winners.into_iter().map(|winner| job.clone().complete_one(winner).boxed()).collect();
            stream::iter(completions).buffer_unordered(REQUESTS_IN_FLIGHT).try_collect::<()>().await
        })
    }

    async fn complete_one(self, winner: Attempt) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let object = self.dir.child(&winner.name);
        let store = object.uploads(operation)?;
        let parts = winner.upload.parts.iter().map(|part| PartId { content_id: part.clone() }).collect();
        let Err(error) = store.complete_multipart(&object.key, &winner.upload.id, parts).await else {
            return Ok(());
        };
        // Done already, by a call whose answer was lost?
        match object.bucket.store.head(&object.key).await {
            Ok(meta) if Some(meta.size) == winner.bytes => Ok(()),
            _ => Err(object.error(operation, error)),
        }
    }

    /// Forgets all uploads but those that are kept, and removes what is written about them, but for the decision.
    fn remove_staging(
        &self,
        operation: IoOperation,
        kept: &[Attempt],
        decision: &Path,
    ) -> Result<(), IoError> {
        let staging = self.staging();
        let keys = self.keys(operation, &staging)?;
        let records: Vec<Path> = keys.into_iter().filter(|key| key != decision).collect();
        let job = self.clone();
        let noted = records.clone();
        let attempts = runtime::wait(operation, &staging.path(), async move {
            let reads: Vec<BoxFuture<'static, Result<Option<Attempt>, IoError>>> = noted
                .into_iter()
                .map(|key| read_async(operation, Object::new(job.dir.bucket.clone(), key)).boxed())
                .collect();
            stream::iter(reads).buffered(REQUESTS_IN_FLIGHT).try_collect::<Vec<_>>().await
        })?;
        let is_kept = |attempt: &Attempt| {
            kept.iter().any(|winner| winner.upload.id == attempt.upload.id && winner.name == attempt.name)
        };
        // In stores whose uploads have no names there is nothing to forget, and a winner must not be taken for a loser.
        self.forget(operation, attempts.into_iter().flatten().filter(|attempt| !is_kept(attempt)).collect())?;
        self.remove(operation, records)
    }

    /// Tells the store to forget uploads; that it has already is no error.
    fn forget(&self, operation: IoOperation, attempts: Vec<Attempt>) -> Result<(), IoError> {
        if attempts.is_empty() {
            return Ok(());
        }
        let job = self.clone();
        runtime::wait(operation, &self.dir.path(), async move {
            let aborts: Vec<BoxFuture<'static, Result<(), IoError>>> = attempts
                .into_iter()
                .map(|attempt| job.clone().forget_one(operation, attempt).boxed())
                .collect();
            stream::iter(aborts).buffer_unordered(REQUESTS_IN_FLIGHT).try_collect::<()>().await
        })
    }

    async fn forget_one(self, operation: IoOperation, attempt: Attempt) -> Result<(), IoError> {
        let object = self.dir.child(&attempt.name);
        let store = object.uploads(operation)?;
        match store.abort_multipart(&object.key, &attempt.upload.id).await {
            Ok(()) => Ok(()),
            Err(error) if failure::says_no_such_upload(&error) => Ok(()),
            Err(error) => Err(object.error(operation, error)),
        }
    }

    fn remove(&self, operation: IoOperation, keys: Vec<Path>) -> Result<(), IoError> {
        if keys.is_empty() {
            return Ok(());
        }
        let dir = self.dir.clone();
        runtime::wait(operation, &self.dir.path(), async move {
            let keys = stream::iter(keys.into_iter().map(Ok)).boxed();
            let mut removed = dir.bucket.store.delete_stream(keys);
            while let Some(answer) = removed.next().await {
                match answer {
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(dir.error(operation, error)),
                }
            }
            Ok(())
        })
    }

    /// All objects below one.
    fn keys(&self, operation: IoOperation, below: &Object) -> Result<Vec<Path>, IoError> {
        let asked = below.clone();
        runtime::wait(operation, &below.path(), async move {
            let listed = asked.bucket.store.list(Some(&asked.key)).map_ok(|meta| meta.location);
            listed.try_collect::<Vec<_>>().await.map_err(|error| asked.error(operation, error))
        })
    }

    /// Whether the job was never set up, is decided, or is over.
    fn has_ended(&self, operation: IoOperation) -> Result<bool, IoError> {
        Ok(!self.is_ours(operation)? || objects::exists(operation, &self.decision_object())?)
    }

    fn is_ours(&self, operation: IoOperation) -> Result<bool, IoError> {
        Ok(bytes_of(operation, &self.owner())?.is_some_and(|owner| owner == self.token.as_bytes()))
    }

    fn decision(&self, operation: IoOperation) -> Result<Option<Decision>, IoError> {
        read(operation, &self.decision_object())
    }

    fn owner(&self) -> Object {
        self.dir.child("_temporary/job")
    }

    fn staging(&self) -> Object {
        self.dir.child("_temporary").child(&self.token)
    }

    fn decision_object(&self) -> Object {
        self.staging().child("decision")
    }

    fn attempt(&self, partition: Partition, attempt: TaskId) -> Object {
        self.staging().child("attempts").child(&format!("{partition}-{attempt}"))
    }

    fn committed_below(&self, partition: Partition) -> Object {
        self.staging().child("committed").child(&partition.to_string())
    }

    fn committed(&self, partition: Partition, attempt: TaskId) -> Object {
        self.committed_below(partition).child(&attempt.to_string())
    }

    fn success(&self) -> Object {
        self.dir.child("_SUCCESS")
    }
}

/// The attempt that a committed object is named after.
fn attempt_of(key: &Path) -> Option<TaskId> {
    key.filename()?.parse().ok().map(TaskId)
}

fn write(
    operation: IoOperation,
    object: &Object,
    value: &impl Serialize,
    mode: PutMode,
) -> Result<(), IoError> {
    let text = serde_json::to_vec(value).map_err(|error| {
        let cause = IoCause::Store { message: error.to_string(), transient: false };
        IoError::new(operation, object.path(), cause)
    })?;
    put(operation, object, text, mode)
}

fn read<T: DeserializeOwned + Send + 'static>(
    operation: IoOperation,
    object: &Object,
) -> Result<Option<T>, IoError> {
    runtime::wait(operation, &object.path(), read_async(operation, object.clone()))
}

async fn read_async<T: DeserializeOwned>(
    operation: IoOperation,
    object: Object,
) -> Result<Option<T>, IoError> {
    let Some(bytes) = get(operation, &object).await? else { return Ok(None) };
    let decoded = serde_json::from_slice(&bytes);
    decoded.map(Some).map_err(|error| {
        let message = format!("it holds something else than a commit's own words: {error}");
        IoError::new(operation, object.path(), IoCause::Store { message, transient: false })
    })
}

fn bytes_of(operation: IoOperation, object: &Object) -> Result<Option<Vec<u8>>, IoError> {
    let asked = object.clone();
    runtime::wait(operation, &object.path(), async move { get(operation, &asked).await })
}

/// A small object, if it is there.
async fn get(operation: IoOperation, object: &Object) -> Result<Option<Vec<u8>>, IoError> {
    let answer = match object.bucket.store.get(&object.key).await {
        Ok(answer) => answer.bytes().await.map(|bytes| Some(bytes.to_vec())),
        Err(error) => Err(error),
    };
    match answer.map_err(|error| object.error(operation, error)) {
        Err(absent) if absent.cause == IoCause::NotFound => Ok(None),
        answer => answer,
    }
}

#[cfg(test)]
#[path = "uploads_tests.rs"]
mod tests;
