//! The commit where nothing can be renamed, but where an upload can be left uncompleted: in object stores. A task uploads its
//! part under its final name and does not complete the upload; the driver completes the winners' uploads when all are there.
//! No byte is moved or sent twice.
//!
//! Decisions are kept in small objects, each of which only the first to write it writes. Under the output
//! directory:
//!
//! ```text
//! _temporary/job                                     whose output this is: the job's token
//! _temporary/<token>/attempts/<partition>-<attempt>  an upload was begun, or has all its parts
//! _temporary/<token>/committed/<partition>/<attempt> committed: its upload and parts; the last attempt's counts
//! _temporary/<token>/decision                        the winners whose uploads are being completed, or that all is removed
//! part-00000 ... _SUCCESS                            done
//! ```
//!
//! The store promises that an object which was written is seen by all that look afterwards. A task looks for
//! the decision after it has written, and the driver lists the tasks' objects after it has decided; so one of
//! them sees the other, and late output is removed. The store forgets an upload only when it is told to, so
//! each is noted before any part is sent. A task that dies in the instant between leaves an upload without
//! parts, for the bucket's own rules to remove.

use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Output;
use crate::store::{Over, PartUpload, Parts, Uploaded, Uploading, WriteFile};
use firesteel_types::{Partition, TaskId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The output of one job below one prefix.
#[derive(Clone)]
pub(crate) struct Uploads {
    pub(crate) store: Arc<dyn Uploading>,
    pub(crate) dir: String,
    pub(crate) token: String,
}

/// The record of one attempt's upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Attempt {
    attempt: u64,
    /// The name of the part file.
    name: String,
    upload: Parts,
    /// Its length, once all its parts were sent.
    bytes: Option<u64>,
}

/// The driver's decision about the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Decision {
    Commit(Vec<Attempt>),
    Abort,
}

/// A part file that is uploaded, for the driver to complete.
struct StagedFile {
    store: Arc<dyn Uploading>,
    upload: Box<dyn PartUpload>,
    /// The path of the attempt's record.
    record: String,
    attempt: Attempt,
    written: u64,
}

impl WriteFile for StagedFile {
    /// Sends the rest, and notes that all parts are there.
    fn finish(self: Box<Self>) -> Result<(), IoError> {
        let StagedFile { store, upload, record, attempt, written } = *self;
        let done = Attempt { upload: upload.hand_over()?, bytes: Some(written), ..attempt };
        write(&*store, IoOperation::Write, &record, &done, Over::Anything)
    }
}

impl io::Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.upload.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    /// Does nothing: half a part cannot be sent, and no reader could see it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for StagedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, noted in {}", self.upload, self.record)
    }
}

impl Uploads {
    pub(crate) fn setup_job(&self) -> Result<(), IoError> {
        let operation = IoOperation::SetUp;
        self.store.check_writable(operation, &self.dir)?;
        let exists = || Err(self.error(operation, &self.dir, IoCause::OutputExists));
        if self.store.exists(operation, &self.dir)? || !self.store.below(operation, &self.dir)?.is_empty() {
            return exists();
        }
        match self.store.put(operation, &self.owner(), self.token.clone().into(), Over::Nothing) {
            // The claim may be this job's own: the client sends a request again when the answer was lost.
            Err(error) if error.cause == IoCause::OutputExists && self.is_ours(operation)? => {}
            Err(error) if error.cause == IoCause::OutputExists => return exists(),
            put => put?,
        }
        // Another program may have written here since the first look. From now on the claim keeps other jobs
        // out.
        if self.store.below(operation, &self.dir)?.iter().any(|path| *path != self.owner()) {
            self.store.remove(operation, vec![self.owner()])?;
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
        let path = self.child(name);
        let mut upload = self.store.begin(&path)?;
        let parts = Parts { id: upload.id()?, parts: vec![] };
        let attempt_record = Attempt { attempt: attempt.0, name: name.into(), upload: parts, bytes: None };
        let record = self.attempt(partition, attempt);
        self.note(&record, &attempt_record)?;
        let shown = self.store.shown(&path);
        if self.has_ended(IoOperation::Create)? {
            self.store.remove(IoOperation::Create, vec![record])?;
            return Err(IoError::new(IoOperation::Create, shown, IoCause::JobEnded));
        }
        let store = self.store.clone();
        let file = StagedFile { store, upload, record, attempt: attempt_record, written: 0 };
        Ok(Output::new(Box::new(file), shown))
    }

    /// Notes an upload. An earlier one of the same attempt is forgotten, since no record would name it any
    /// more.
    fn note(&self, record: &str, attempt: &Attempt) -> Result<(), IoError> {
        let operation = IoOperation::Create;
        match self.write(operation, record, attempt, Over::Nothing) {
            Err(error) if error.cause == IoCause::OutputExists => {
                let before = self
                    .read::<Attempt>(operation, record)?
                    .filter(|before| before.upload.id != attempt.upload.id);
                self.forget(operation, before.into_iter().collect())?;
                self.write(operation, record, attempt, Over::Anything)
            }
            written => written,
        }
    }

    pub(crate) fn commit_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let (record, committed) = (self.attempt(partition, attempt), self.committed(partition, attempt));
        let fail = |cause| Err(self.error(operation, &record, cause));
        match self.winner(operation, partition)? {
            Some(winner) if winner == attempt => return Ok(()),
            Some(winner) if winner > attempt => return fail(IoCause::CommittedByAnother(winner)),
            _ => {}
        }
        let Some(mine) = self.read::<Attempt>(operation, &record)?.filter(|mine| mine.bytes.is_some()) else {
            let no_output = IoCause::NoSuchAttempt { partition, attempt };
            return fail(if self.has_ended(operation)? { IoCause::JobEnded } else { no_output });
        };
        self.write(operation, &committed, &mine, Over::Anything)?;
        match self.decision(operation)? {
            Some(Decision::Commit(winners)) if winners.contains(&mine) => return Ok(()),
            None if self.is_ours(operation)? => {}
            // Too late: the job was decided without this attempt.
            None | Some(Decision::Commit(_) | Decision::Abort) => {
                self.forget(operation, vec![mine])?;
                self.store.remove(operation, vec![committed, record.clone()])?;
                return fail(IoCause::JobEnded);
            }
        }
        // The attempt counts already, whether or not the record of its upload is removed.
        let _ = self.store.remove(operation, vec![record]);
        Ok(())
    }

    pub(crate) fn abort_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let operation = IoOperation::Abort;
        let record = self.attempt(partition, attempt);
        let Some(mine) = self.read::<Attempt>(operation, &record)? else { return Ok(()) };
        let committed = self.read::<Attempt>(operation, &self.committed(partition, attempt))?;
        // An upload that was committed belongs to the job, which completes or forgets it.
        if committed.is_none_or(|committed| committed.upload.id != mine.upload.id) {
            self.forget(operation, vec![mine])?;
        }
        self.store.remove(operation, vec![record])
    }

    pub(crate) fn commit_job(&self, partitions: u32) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let ended = || Err(self.error(operation, &self.dir, IoCause::JobEnded));
        if !self.is_ours(operation)? {
            return if self.store.exists(operation, &self.success())? { Ok(()) } else { ended() };
        }
        // 1. Once all partitions are there, the winners are decided, and tasks can change nothing any more.
        if self.decision(operation)?.is_none() {
            let winners = self.winners(partitions)?;
            match self.write(operation, &self.decided(), &Decision::Commit(winners), Over::Nothing) {
                Err(error) if error.cause == IoCause::OutputExists => {}
                written => written?,
            }
        }
        let Some(Decision::Commit(winners)) = self.decision(operation)? else { return ended() };
        // 2. Every winner's upload becomes a file.
        self.store.complete(operation, self.uploaded(winners.clone()))?;
        // 3. All records but the decision are removed, `_SUCCESS` appears, and then the decision is removed,
        // too.
        let decided = self.decided();
        self.remove_staging(operation, &winners)?;
        self.store.put(operation, &self.success(), vec![], Over::Anything)?;
        // The objects are hidden. If they stay they do no harm, while an error would call a whole output
        // broken.
        let _ = self.store.remove(operation, vec![decided, self.owner()]);
        Ok(())
    }

    /// Removes `_SUCCESS`.
    pub(crate) fn unmark_success(&self) -> Result<(), IoError> {
        self.store.remove(IoOperation::Commit, vec![self.success()])
    }

    pub(crate) fn abort_job(&self) -> Result<(), IoError> {
        let operation = IoOperation::Abort;
        if !self.is_ours(operation)? || self.store.exists(operation, &self.success())? {
            return Ok(());
        }
        self.write(operation, &self.decided(), &Decision::Abort, Over::Anything)?;
        // Nothing was here before this job, so parts here are the job's.
        let prefix = self.child("part-");
        let parts = self.store.below(operation, &self.dir)?;
        let parts = parts.into_iter().filter(|path| path.starts_with(&prefix)).collect();
        self.store.remove(operation, parts)?;
        self.remove_staging(operation, &[])?;
        self.store.remove(operation, vec![self.decided(), self.owner()])
    }

    /// Returns, of the attempts at a partition that have committed, the one that counts.
    fn winner(&self, operation: IoOperation, partition: Partition) -> Result<Option<TaskId>, IoError> {
        let paths = self.store.below(operation, &self.committed_below(partition))?;
        Ok(paths.iter().filter_map(|path| attempt_of(path)).max())
    }

    /// Returns the winners of the first `partitions` partitions.
    fn winners(&self, partitions: u32) -> Result<Vec<Attempt>, IoError> {
        let operation = IoOperation::Commit;
        let mut winners = BTreeMap::<String, TaskId>::new();
        for path in self.store.below(operation, &format!("{}/committed", self.staging()))? {
            let mut names = path.rsplit('/');
            if let (Some(attempt), Some(_), Some(partition)) = (attempt_of(&path), names.next(), names.next())
            {
                let winner = winners.entry(partition.into()).or_insert(attempt);
                *winner = attempt.max(*winner);
            }
        }
        let committed = |p: u32| {
            let winner = winners.get(&Partition(p).to_string());
            winner.map(|winner| self.committed(Partition(p), *winner)).ok_or(Partition(p))
        };
        let missing = |partition| self.error(operation, &self.dir, IoCause::Uncommitted(partition));
        let paths: Result<Vec<String>, Partition> = (0..partitions).map(committed).collect();
        let found = self.read_all(operation, paths.map_err(missing)?)?;
        if let Some(gone) = found.iter().position(Option::is_none) {
            return Err(missing(Partition(gone as u32)));
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Forgets all uploads but those that are kept, and removes all records but the decision.
    fn remove_staging(&self, operation: IoOperation, kept: &[Attempt]) -> Result<(), IoError> {
        let (paths, decided) = (self.store.below(operation, &self.staging())?, self.decided());
        let records: Vec<String> = paths.into_iter().filter(|path| *path != decided).collect();
        let attempts: Vec<Option<Attempt>> = self.read_all(operation, records.clone())?;
        // In a store whose uploads have no ids, a loser of the same name passes for the winner. That does no harm, since
        // such a store forgets nothing, while taking the winner for a loser would.
        let is_kept = |attempt: &Attempt| {
            kept.iter().any(|winner| winner.upload.id == attempt.upload.id && winner.name == attempt.name)
        };
        self.forget(operation, attempts.into_iter().flatten().filter(|attempt| !is_kept(attempt)).collect())?;
        self.store.remove(operation, records)
    }

    /// Tells the store to forget uploads.
    fn forget(&self, operation: IoOperation, attempts: Vec<Attempt>) -> Result<(), IoError> {
        self.store.forget(operation, self.uploaded(attempts))
    }

    fn uploaded(&self, attempts: Vec<Attempt>) -> Vec<Uploaded> {
        let uploaded = |Attempt { name, upload, bytes, .. }: Attempt| Uploaded {
            path: self.child(&name),
            upload,
            bytes,
        };
        attempts.into_iter().map(uploaded).collect()
    }

    /// Returns whether the job was never set up, is decided, or is over.
    fn has_ended(&self, operation: IoOperation) -> Result<bool, IoError> {
        Ok(!self.is_ours(operation)? || self.store.exists(operation, &self.decided())?)
    }

    fn is_ours(&self, operation: IoOperation) -> Result<bool, IoError> {
        let owner = self.store.get(operation, vec![self.owner()])?.pop().flatten();
        Ok(owner.is_some_and(|owner| owner == self.token.as_bytes()))
    }

    fn decision(&self, operation: IoOperation) -> Result<Option<Decision>, IoError> {
        self.read(operation, &self.decided())
    }

    /// Returns the path of a name below the output directory, which may be the root.
    fn child(&self, name: &str) -> String {
        if self.dir.is_empty() { name.into() } else { format!("{}/{name}", self.dir) }
    }

    fn owner(&self) -> String {
        self.child("_temporary/job")
    }

    fn staging(&self) -> String {
        self.child(&format!("_temporary/{}", self.token))
    }

    /// Returns the path of the decision.
    fn decided(&self) -> String {
        format!("{}/decision", self.staging())
    }

    fn attempt(&self, partition: Partition, attempt: TaskId) -> String {
        format!("{}/attempts/{partition}-{attempt}", self.staging())
    }

    fn committed_below(&self, partition: Partition) -> String {
        format!("{}/committed/{partition}", self.staging())
    }

    fn committed(&self, partition: Partition, attempt: TaskId) -> String {
        format!("{}/{attempt}", self.committed_below(partition))
    }

    fn success(&self) -> String {
        self.child("_SUCCESS")
    }

    fn error(&self, operation: IoOperation, path: &str, cause: IoCause) -> IoError {
        IoError::new(operation, self.store.shown(path), cause)
    }

    fn write(
        &self,
        operation: IoOperation,
        path: &str,
        value: &impl Serialize,
        over: Over,
    ) -> Result<(), IoError> {
        write(&*self.store, operation, path, value, over)
    }

    fn read<T: DeserializeOwned>(&self, operation: IoOperation, path: &str) -> Result<Option<T>, IoError> {
        Ok(self.read_all(operation, vec![path.into()])?.pop().flatten())
    }

    fn read_all<T: DeserializeOwned>(
        &self,
        operation: IoOperation,
        paths: Vec<String>,
    ) -> Result<Vec<Option<T>>, IoError> {
        let found = self.store.get(operation, paths.clone())?;
        let decode = |(path, bytes): (String, Option<Vec<u8>>)| {
            let Some(bytes) = bytes else { return Ok(None) };
            serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                let message = format!("it is not the record of a commit that it should be: {error}");
                self.error(operation, &path, IoCause::Store { message, transient: false })
            })
        };
        paths.into_iter().zip(found).map(decode).collect()
    }
}

/// Returns the attempt that a committed object is named after.
fn attempt_of(path: &str) -> Option<TaskId> {
    path.rsplit('/').next()?.parse().ok().map(TaskId)
}

fn write(
    store: &dyn Uploading,
    operation: IoOperation,
    path: &str,
    value: &impl Serialize,
    over: Over,
) -> Result<(), IoError> {
    let text = serde_json::to_vec(value).map_err(|error| {
        let cause = IoCause::Store { message: error.to_string(), transient: false };
        IoError::new(operation, store.shown(path), cause)
    })?;
    store.put(operation, path, text, over)
}

#[cfg(test)]
mod tests;
