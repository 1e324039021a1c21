//! The commit where nothing can be renamed, but where an upload can be left uncompleted: in object stores. A
//! task uploads its files under their final names and does not complete the uploads; the driver completes the
//! winners' uploads when all are there. No byte is moved or sent twice.
//!
//! Decisions are kept in small objects, each of which only the first to write it writes. Under the output
//! directory:
//!
//! ```text
//! _temporary/job                                           whose output this is: the job's token
//! _temporary/<token>.job                                   instead, where other jobs may write here, too
//! _temporary/<token>/attempts/<partition>-<attempt>/<name> an upload was begun, or has all its parts
//! _temporary/<token>/attempts/<partition>-<attempt>/.begun the attempt may commit without a file
//! _temporary/<token>/committed/<partition>/<attempt>       committed: all its uploads and their parts;
//!                                                          the last attempt's counts
//! _temporary/<token>/decision                              the winners, whose uploads are being completed,
//!                                                          that all is removed, or that all is done
//! _temporary/<token>/cleared                               what was there before has been removed
//! part-00000 ... _SUCCESS                                  done
//! ```
//!
//! The store promises that an object which was written is seen by all that look afterwards. A task looks for
//! the decision after it has written, and the driver lists the tasks' objects after it has decided; so one of
//! them sees the other, and late output is removed. The store forgets an upload only when it is told to, so
//! each is noted before any part is sent. A task that dies in the instant between leaves an upload without
//! parts, for the bucket's own rules to remove.
//!
//! The directory may hold objects of others: those that were there before, and those of jobs that append at
//! the same time, each with a claim of its own. So the decision, not a pattern, tells which objects are the
//! job's. A decision to abort keeps the winners of the one that it replaces, since some of their uploads may
//! be objects already.
//!
//! An output that replaces another removes the old objects after the decision and before the first upload is
//! completed, and then says that it is `cleared`: so a commit that failed in between begins where it stopped,
//! and never takes new objects for old ones. What others keep in `_temporary` is left. A `_SUCCESS` of an
//! earlier job proves nothing about this one, so jobs that accept existing objects are over when their
//! decision says so; others at `_SUCCESS`. Records are removed afterwards, and may stay: the claim goes first,
//! and the decision only after it, since a claim without a decision is a job that goes on.

mod publish;

use crate::commit::existing::{Existing, IS_A_FILE, SUCCESS, TEMPORARY};
use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Output;
use crate::store::{Over, PartUpload, Parts, Uploaded, Uploading, WriteFile};
use firesteel_types::{Partition, TaskId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::sync::Arc;

/// The name of the record that an attempt may commit without a file. No file has it.
const BEGUN: &str = ".begun";

/// The output of one job below one prefix.
#[derive(Clone)]
pub(crate) struct Uploads {
    pub(crate) store: Arc<dyn Uploading>,
    pub(crate) dir: String,
    pub(crate) token: String,
    pub(crate) existing: Existing,
    pub(crate) marks_success: bool,
}

/// The record of one attempt: of a single file of it, or of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Attempt {
    partition: u32,
    attempt: u64,
    files: Vec<File>,
}

/// The record of one upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct File {
    /// The name of the file, below the output.
    name: String,
    upload: Parts,
    /// Its length, once all its parts were sent.
    bytes: Option<u64>,
}

/// The driver's decision about the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Decision {
    Commit(Vec<Attempt>),
    /// Everything is removed: of these winners some uploads may have become objects.
    Abort(Vec<Attempt>),
    /// Every winner's upload is a file: nothing is left to do, or to undo.
    Done,
}

/// A part file that is uploaded, for the driver to complete.
struct StagedFile {
    store: Arc<dyn Uploading>,
    upload: Box<dyn PartUpload>,
    /// The path of the attempt's record.
    record: String,
    /// The record, until all parts are there.
    noted: Attempt,
    written: u64,
}

impl WriteFile for StagedFile {
    /// Sends the rest, and notes that all parts are there.
    fn finish(self: Box<Self>) -> Result<(), IoError> {
        let StagedFile { store, upload, record, mut noted, written } = *self;
        let parts = upload.hand_over()?;
        for file in &mut noted.files {
            (file.upload, file.bytes) = (parts.clone(), Some(written));
        }
        write(&*store, IoOperation::Write, &record, &noted, Over::Anything)
    }
}

impl File {
    /// Returns whether two records are about one upload. In a store whose uploads have no ids, those of one
    /// name pass for the same. That does no harm, since such a store forgets nothing, while taking the winner
    /// for a loser would.
    fn is_same_upload(&self, other: &File) -> bool {
        self.upload.id == other.upload.id && self.name == other.name
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
    /// Returns whether there is an object at the output's path, or below it.
    pub(crate) fn is_there(&self) -> Result<bool, IoError> {
        let operation = IoOperation::SetUp;
        Ok(self.store.exists(operation, &self.dir)? || !self.store.below(operation, &self.dir)?.is_empty())
    }

    pub(crate) fn setup_job(&self) -> Result<(), IoError> {
        let operation = IoOperation::SetUp;
        self.store.check_writable(operation, &self.dir)?;
        let refuse = |cause| Err(self.error(operation, &self.dir, cause));
        let is_a_file = || self.store.exists(operation, &self.dir);
        match self.existing {
            Existing::Refuse if is_a_file()? || !self.store.below(operation, &self.dir)?.is_empty() => {
                return refuse(IoCause::OutputExists);
            }
            Existing::Append if is_a_file()? => return refuse(IoCause::BadPath(IS_A_FILE.into())),
            _ => {}
        }
        match self.store.put(operation, &self.owner(), self.token.clone().into(), Over::Nothing) {
            // The claim may be this job's own: the client sends a request again when the answer was lost.
            Err(error) if error.cause == IoCause::OutputExists && self.is_ours(operation)? => {}
            Err(error) if error.cause == IoCause::OutputExists => return refuse(IoCause::OutputExists),
            put => put?,
        }
        // Another program may have written here since the first look. From now on the claim keeps other jobs
        // out, as far as they refuse what exists.
        if self.existing == Existing::Refuse
            && self.store.below(operation, &self.dir)?.iter().any(|path| *path != self.owner())
        {
            self.store.remove(operation, vec![self.owner()])?;
            return refuse(IoCause::OutputExists);
        }
        Ok(())
    }

    pub(crate) fn begin(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let operation = IoOperation::Create;
        let record = self.record(partition, attempt, BEGUN);
        let noted = Attempt { partition: partition.0, attempt: attempt.0, files: vec![] };
        self.write(operation, &record, &noted, Over::Anything)?;
        self.check_open(operation, &record)
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
        let file = File { name: name.into(), upload: parts, bytes: None };
        let record = self.record(partition, attempt, name);
        let noted = Attempt { partition: partition.0, attempt: attempt.0, files: vec![file] };
        self.note(&record, &noted)?;
        self.check_open(IoOperation::Create, &record)?;
        let store = self.store.clone();
        let file = StagedFile { store, upload, record, noted, written: 0 };
        Ok(Output::new(Box::new(file), self.store.shown(&path)))
    }

    /// Notes an upload. An earlier one of the same name and attempt is forgotten, since no record would name
    /// it any more.
    fn note(&self, record: &str, attempt: &Attempt) -> Result<(), IoError> {
        let operation = IoOperation::Create;
        match self.write(operation, record, attempt, Over::Nothing) {
            Err(error) if error.cause == IoCause::OutputExists => {
                let before = self.read::<Attempt>(operation, record)?;
                let before = before.into_iter().flat_map(|before| before.files);
                let is_other = |file: &File| attempt.files.iter().all(|now| now.upload.id != file.upload.id);
                self.forget(operation, before.filter(is_other).collect())?;
                self.write(operation, record, attempt, Over::Anything)
            }
            written => written,
        }
    }

    /// Checks that the job goes on, after a task has left a record, which is removed otherwise: the driver
    /// may have looked for records before.
    fn check_open(&self, operation: IoOperation, record: &str) -> Result<(), IoError> {
        if !self.has_ended(operation)? {
            return Ok(());
        }
        self.store.remove(operation, vec![record.into()])?;
        Err(self.error(operation, record, IoCause::JobEnded))
    }

    pub(crate) fn commit_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let (place, committed) = (self.attempt(partition, attempt), self.committed(partition, attempt));
        let fail = |cause| Err(self.error(operation, &place, cause));
        match self.winner(operation, partition)? {
            Some(winner) if winner == attempt => return Ok(()),
            Some(winner) if winner > attempt => return fail(IoCause::CommittedByAnother(winner)),
            _ => {}
        }
        let (records, files) = self.written(operation, &place)?;
        if records.is_empty() || files.iter().any(|file| file.bytes.is_none()) {
            let no_output = IoCause::NoSuchAttempt { partition, attempt };
            return fail(if self.has_ended(operation)? { IoCause::JobEnded } else { no_output });
        }
        let mine = Attempt { partition: partition.0, attempt: attempt.0, files };
        self.write(operation, &committed, &mine, Over::Anything)?;
        match self.decision(operation)? {
            Some(Decision::Commit(winners)) if winners.contains(&mine) => return Ok(()),
            None if self.is_ours(operation)? => {}
            // Too late: the job was decided without this attempt.
            None | Some(Decision::Commit(_) | Decision::Abort(_) | Decision::Done) => {
                self.forget(operation, mine.files)?;
                self.store.remove(operation, records.into_iter().chain([committed]).collect())?;
                return fail(IoCause::JobEnded);
            }
        }
        // The attempt counts already, whether or not the records of its uploads are removed.
        let _ = self.store.remove(operation, records);
        Ok(())
    }

    pub(crate) fn abort_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let operation = IoOperation::Abort;
        let (records, files) = self.written(operation, &self.attempt(partition, attempt))?;
        if records.is_empty() {
            return Ok(());
        }
        let committed = self.read::<Attempt>(operation, &self.committed(partition, attempt))?;
        // An upload that was committed belongs to the job, which completes or forgets it.
        let kept = committed.map(|committed| committed.files).unwrap_or_default();
        let is_kept = |file: &File| kept.iter().any(|kept| kept.is_same_upload(file));
        self.forget(operation, files.into_iter().filter(|file| !is_kept(file)).collect())?;
        self.store.remove(operation, records)
    }

    /// Returns the records of an attempt that has not committed, and the files that they are about.
    fn written(&self, operation: IoOperation, place: &str) -> Result<(Vec<String>, Vec<File>), IoError> {
        let records = self.store.below(operation, place)?;
        let attempts: Vec<Option<Attempt>> = self.read_all(operation, records.clone())?;
        let mut files: Vec<File> = attempts.into_iter().flatten().flat_map(|attempt| attempt.files).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((records, files))
    }

    /// Returns, of the attempts at a partition that have committed, the one that counts.
    fn winner(&self, operation: IoOperation, partition: Partition) -> Result<Option<TaskId>, IoError> {
        let paths = self.store.below(operation, &self.committed_below(partition))?;
        Ok(paths.iter().filter_map(|path| attempt_of(path)).max())
    }

    /// Tells the store to forget uploads.
    fn forget(&self, operation: IoOperation, files: Vec<File>) -> Result<(), IoError> {
        self.store.forget(operation, self.uploaded(files))
    }

    fn uploaded(&self, files: Vec<File>) -> Vec<Uploaded> {
        let uploaded =
            |File { name, upload, bytes }: File| Uploaded { path: self.child(&name), upload, bytes };
        files.into_iter().map(uploaded).collect()
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
        match self.existing {
            Existing::Refuse => self.child(&format!("{TEMPORARY}/job")),
            Existing::Append | Existing::Overwrite => self.child(&format!("{TEMPORARY}/{}.job", self.token)),
        }
    }

    fn staging(&self) -> String {
        self.child(&format!("{TEMPORARY}/{}", self.token))
    }

    /// Returns the path of the decision.
    fn decided(&self) -> String {
        format!("{}/decision", self.staging())
    }

    /// Returns the path of the mark that what was there before is gone.
    fn cleared(&self) -> String {
        format!("{}/cleared", self.staging())
    }

    fn record(&self, partition: Partition, attempt: TaskId, name: &str) -> String {
        format!("{}/{name}", self.attempt(partition, attempt))
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
        self.child(SUCCESS)
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
