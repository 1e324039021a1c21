//! The commit where renaming is one step whatever is renamed: on local disks and in Hadoop's file system. Tasks write beside
//! the output, and the driver moves the winners' files into place when all are there.
//!
//! Decisions are kept in the file system alone, as names. Under the output directory:
//!
//! ```text
//! _temporary/<token>/attempts/<partition>-<attempt>/part-00000   being written
//! _temporary/<token>/committed/<partition>/<attempt>/part-00000  committed; the last attempt's counts
//! _temporary/<token>.committing                                  the job's files are being moved: tasks can change nothing
//! _temporary/<token>.moved                                       they are all in place
//! _temporary/<token>.aborted                                     everything is being removed
//! part-00000 ... _SUCCESS                                        done
//! ```
//!
//! Attempts do not get into each other's way: each is renamed to a name of its own, and of those that were
//! the one with the highest number wins. Once the job has ended, a late task finds no `<token>` any more, and
//! so can do no harm.
//!
//! Nothing is forced to the disk. A job that reported success survives the death of every process, but, like Spark's on a
//! local disk, its last seconds do not survive a loss of power.

use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Output;
use crate::store::Renaming;
use firesteel_types::{Partition, TaskId};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The number of tries at removing a directory: a late task may put a file into it meanwhile.
const REMOVE_TRIES: usize = 5;

/// The output of one job in one directory.
pub(crate) struct Renames {
    pub(crate) files: Arc<dyn Renaming>,
    pub(crate) dir: PathBuf,
    pub(crate) token: String,
}

/// The progress of a job's output, as the name of its staging directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Committing,
    Moved,
    Aborted,
}

impl Renames {
    /// Makes the output directory, and those above it, for this job alone.
    ///
    /// # Errors
    /// [`IoCause::OutputExists`] if anything is there already. A directory that tasks could not write to is
    /// an error now, before any task runs.
    pub(crate) fn setup_job(&self) -> Result<(), IoError> {
        let fail = |path: &Path, error| Err(self.error(IoOperation::SetUp, path, error));
        if let Some(parent) = self.dir.parent()
            && let Err(error) = self.files.make_directories(parent)
        {
            return fail(parent, error);
        }
        match self.files.make_directory(&self.dir) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(IoError::new(
                    IoOperation::SetUp,
                    self.files.shown(&self.dir),
                    IoCause::OutputExists,
                ));
            }
            Err(error) => return fail(&self.dir, error),
        }
        let staging = self.staging(Stage::Open);
        let made = self
            .files
            .make_directories(&staging.join("attempts"))
            .and_then(|()| self.files.make_directories(&staging.join("committed")));
        made.or_else(|error| {
            // This job has just made the directory, so nothing of others is in it.
            let _ = self.files.remove_tree(&self.dir);
            fail(&staging, error)
        })
    }

    /// Begins an attempt's part file of a name. It must be finished before the attempt is committed.
    ///
    /// # Errors
    /// [`IoCause::JobEnded`] if the job is not set up, or is over.
    pub(crate) fn create(
        &self,
        partition: Partition,
        attempt: TaskId,
        name: &str,
    ) -> Result<Output, IoError> {
        let directory = self.attempt_dir(partition, attempt);
        match self.files.make_directory(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(|error| self.task_error(IoOperation::Create, &directory, error))?,
        }
        let part = directory.join(name);
        let file = self.files.create(part.clone());
        let file = file.map_err(|error| self.task_error(IoOperation::Create, &part, error))?;
        Ok(Output::new(file, self.files.shown(&part)))
    }

    /// Makes an attempt the one whose output counts, in place of an earlier one: the driver lets a second
    /// attempt commit only when the first is lost, perhaps after it had committed and before it could say so.
    /// Committing the same attempt again does nothing.
    ///
    /// # Errors
    /// [`IoCause::CommittedByAnother`] if a later attempt at the partition was first; its output is untouched.
    /// [`IoCause::NoSuchAttempt`] if this one wrote nothing or was aborted, [`IoCause::JobEnded`] if the job is over.
    pub(crate) fn commit_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let staging = self.staging(Stage::Open);
        let (from, committed) = (self.attempt_dir(partition, attempt), committed_dir(&staging, partition));
        let fail = |cause| Err(IoError::new(IoOperation::Commit, self.files.shown(&from), cause));
        match self.winner(&committed)? {
            Some(winner) if winner == attempt => return Ok(()),
            Some(winner) if winner > attempt => return fail(IoCause::CommittedByAnother(winner)),
            _ => {}
        }
        let to = committed.join(attempt.to_string());
        let renamed = match self.part_names(&from) {
            Ok(names) if names.is_empty() => Err(io::ErrorKind::NotFound.into()),
            Ok(_) => self.rename_into(&committed, &from, &to),
            Err(error) => Err(error),
        };
        let Err(error) = renamed else { return Ok(()) };
        match error.kind() {
            // The rename took effect before its answer was lost, or another call for this attempt was faster.
            _ if self.winner(&committed)? == Some(attempt) => Ok(()),
            _ if !self.exists(IoOperation::Commit, &staging)? => fail(IoCause::JobEnded),
            io::ErrorKind::NotFound => fail(IoCause::NoSuchAttempt { partition, attempt }),
            _ => fail(self.rename_cause(&to, error)),
        }
    }

    /// Renames into a directory, which is made if it is not there.
    fn rename_into(&self, directory: &Path, from: &Path, to: &Path) -> io::Result<()> {
        match self.files.make_directory(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.files.rename(from, to),
        }
    }

    /// Removes an attempt's output, unless it was committed. Does nothing if there is none.
    pub(crate) fn abort_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        self.remove_tree(&self.attempt_dir(partition, attempt))
    }

    /// Moves the part files of the first `partitions` partitions into place, and then makes `_SUCCESS`.
    ///
    /// After an error the call may be repeated, and goes on with the steps that are left; or the job may be
    /// aborted.
    ///
    /// # Errors
    /// [`IoCause::Uncommitted`] names a partition without output; nothing has been moved then.
    /// [`IoCause::JobEnded`] if the job is not set up, or was aborted.
    pub(crate) fn commit_job(&self, partitions: u32) -> Result<(), IoError> {
        loop {
            match self.stage(IoOperation::Commit)? {
                // 1. Once all partitions are there, no task can change anything any more.
                Some(Stage::Open) => {
                    self.check_all_committed(partitions)?;
                    self.advance(Stage::Open, Stage::Committing, IoOperation::Commit)?;
                }
                // 2. Every file is moved to its place.
                Some(Stage::Committing) => {
                    self.move_parts(partitions)?;
                    self.advance(Stage::Committing, Stage::Moved, IoOperation::Commit)?;
                }
                // 3. The rest is removed, and `_SUCCESS` says so.
                Some(Stage::Moved) => return self.finish(),
                None if self.exists(IoOperation::Commit, &self.success_path())? => return Ok(()),
                None | Some(Stage::Aborted) => {
                    return Err(IoError::new(
                        IoOperation::Commit,
                        self.files.shown(&self.dir),
                        IoCause::JobEnded,
                    ));
                }
            }
        }
    }

    /// Removes everything that the job made: the output directory too, unless it holds files of others. Does
    /// nothing to a job that was committed, nor to a directory that another job set up.
    pub(crate) fn abort_job(&self) -> Result<(), IoError> {
        let Some(stage) = self.stage(IoOperation::Abort)? else { return Ok(()) };
        if self.exists(IoOperation::Abort, &self.success_path())? {
            return Ok(());
        }
        if stage != Stage::Aborted {
            self.advance(stage, Stage::Aborted, IoOperation::Abort)?;
        }
        // The directory did not exist before this job, so parts in it are the job's.
        for name in
            self.part_names(&self.dir).map_err(|error| self.error(IoOperation::Abort, &self.dir, error))?
        {
            let part = self.dir.join(name);
            self.files.remove_file(&part).map_err(|error| self.error(IoOperation::Abort, &part, error))?;
        }
        self.remove_tree(&self.staging(Stage::Aborted))?;
        self.remove_empty_dir(&self.temporary())?;
        self.remove_empty_dir(&self.dir)
    }

    fn check_all_committed(&self, partitions: u32) -> Result<(), IoError> {
        let staging = self.staging(Stage::Open);
        (0..partitions).try_for_each(|p| self.required_winner(&staging, Partition(p)).map(drop))
    }

    /// Returns the winner of a partition, which must have one.
    fn required_winner(&self, staging: &Path, partition: Partition) -> Result<TaskId, IoError> {
        let uncommitted = || {
            let cause = IoCause::Uncommitted(partition);
            IoError::new(IoOperation::Commit, self.files.shown(&self.dir), cause)
        };
        self.winner(&committed_dir(staging, partition))?.ok_or_else(uncommitted)
    }

    fn move_parts(&self, partitions: u32) -> Result<(), IoError> {
        let staging = self.staging(Stage::Committing);
        for partition in (0..partitions).map(Partition) {
            let winner = self.required_winner(&staging, partition)?;
            let from = committed_dir(&staging, partition).join(winner.to_string());
            for name in
                self.part_names(&from).map_err(|error| self.error(IoOperation::Commit, &from, error))?
            {
                self.rename(IoOperation::Commit, &from.join(&name), &self.dir.join(&name))?;
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), IoError> {
        let staging = self.staging(Stage::Moved);
        self.remove_tree(&staging.join("attempts"))?;
        self.remove_tree(&staging.join("committed"))?;
        let success = self.success_path();
        self.files
            .write_text(&success, "")
            .map_err(|error| self.error(IoOperation::Commit, &success, error))?;
        // The directories are empty and hidden. If they stay they do no harm, while an error would call a
        // whole output broken.
        let _ = self.files.remove_empty_directory(&staging);
        let _ = self.files.remove_empty_directory(&self.temporary());
        Ok(())
    }

    /// Removes `_SUCCESS`.
    pub(crate) fn unmark_success(&self) -> Result<(), IoError> {
        let success = self.success_path();
        self.files.remove_file(&success).map_err(|error| self.error(IoOperation::Commit, &success, error))
    }

    fn advance(&self, from: Stage, to: Stage, operation: IoOperation) -> Result<(), IoError> {
        self.rename(operation, &self.staging(from), &self.staging(to))
    }

    fn stage(&self, operation: IoOperation) -> Result<Option<Stage>, IoError> {
        for stage in [Stage::Open, Stage::Committing, Stage::Moved, Stage::Aborted] {
            if self.exists(operation, &self.staging(stage))? {
                return Ok(Some(stage));
            }
        }
        Ok(None)
    }

    /// Returns a task's error. If a directory is missing, the job is over.
    fn task_error(&self, operation: IoOperation, path: &Path, error: io::Error) -> IoError {
        if error.kind() == io::ErrorKind::NotFound {
            return IoError::new(operation, self.files.shown(path), IoCause::JobEnded);
        }
        self.error(operation, path, error)
    }

    fn remove_empty_dir(&self, directory: &Path) -> Result<(), IoError> {
        match self.files.remove_empty_directory(directory) {
            Err(error)
                if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) =>
            {
                Err(self.error(IoOperation::Abort, directory, error))
            }
            _ => Ok(()),
        }
    }

    fn temporary(&self) -> PathBuf {
        self.dir.join("_temporary")
    }

    fn staging(&self, stage: Stage) -> PathBuf {
        let suffix = match stage {
            Stage::Open => "",
            Stage::Committing => ".committing",
            Stage::Moved => ".moved",
            Stage::Aborted => ".aborted",
        };
        self.temporary().join(format!("{}{suffix}", self.token))
    }

    fn attempt_dir(&self, partition: Partition, attempt: TaskId) -> PathBuf {
        self.staging(Stage::Open).join("attempts").join(format!("{partition}-{attempt}"))
    }

    fn success_path(&self) -> PathBuf {
        self.dir.join("_SUCCESS")
    }

    /// Returns the names of the part files in a directory.
    fn part_names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let names = self.files.names(directory)?;
        Ok(names.into_iter().filter(|name| name.to_string_lossy().starts_with("part-")).collect())
    }

    /// Returns, of the attempts at a partition that have committed, the one that counts.
    fn winner(&self, committed: &Path) -> Result<Option<TaskId>, IoError> {
        match self.files.names(committed) {
            Ok(names) => {
                let attempts = names.into_iter().filter_map(|name| name.to_str()?.parse().ok().map(TaskId));
                Ok(attempts.max())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // A directory that cannot be listed may hold a winner, whose output must not be left out.
            Err(error) => Err(self.error(IoOperation::Commit, committed, error)),
        }
    }

    /// Returns whether something is there. A store that cannot tell is an error: a job that is only out of reach has
    /// not ended, and one that may have succeeded must not be removed.
    fn exists(&self, operation: IoOperation, path: &Path) -> Result<bool, IoError> {
        self.files.exists(path).map_err(|error| self.error(operation, path, error))
    }

    fn error(&self, operation: IoOperation, path: &Path, error: io::Error) -> IoError {
        IoError::from_io(operation, self.files.shown(path), error)
    }

    fn rename(&self, operation: IoOperation, from: &Path, to: &Path) -> Result<(), IoError> {
        let renamed = self.files.rename(from, to);
        renamed.map_err(|error| IoError::new(operation, self.files.shown(from), self.rename_cause(to, error)))
    }

    fn rename_cause(&self, to: &Path, error: io::Error) -> IoCause {
        let to = self.files.shown(to);
        let cause = IoError::from_io(IoOperation::Commit, &to, error).cause;
        IoCause::Rename { to, message: cause.to_string() }
    }

    fn remove_tree(&self, directory: &Path) -> Result<(), IoError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.files.remove_tree(directory) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && tries < REMOVE_TRIES => {}
                Err(error) => return Err(self.error(IoOperation::Abort, directory, error)),
            }
        }
    }
}

fn committed_dir(staging: &Path, partition: Partition) -> PathBuf {
    staging.join("committed").join(partition.to_string())
}

#[cfg(test)]
mod tests;
