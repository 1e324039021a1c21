//! The commit where renaming is one step whatever is renamed: on local disks and in Hadoop's file system.
//! Tasks write beside the output, and the driver moves the winners' files into place when all are there.
//!
//! Decisions are kept in the file system alone, as names. Under the output directory:
//!
//! ```text
//! _temporary/<token>/attempts/<partition>-<attempt>/<name>   being written
//! _temporary/<token>/attempts/<partition>-<attempt>/.begun   the attempt may commit without a file
//! _temporary/<token>/committed/<partition>/<attempt>/<name>  committed; the last attempt's counts
//! _temporary/<token>.clearing                                what was there before is being removed
//! _temporary/<token>.committing                              the job's are being moved: tasks can change nothing
//! _temporary/<token>.committing/plan                         the winners, and the names of their files
//! _temporary/<token>.moved                                   they are all in place
//! _temporary/<token>.done                                    `_SUCCESS` is written, too
//! _temporary/<token>.aborted                                 everything is being removed
//! part-00000 ... _SUCCESS                                    done
//! ```
//!
//! A name may have directories in it, and an attempt any number of files, or none: all of them are below one
//! directory, and so are renamed, and removed, in one step. Attempts do not get into each other's way: each
//! is renamed to a name of its own, and of those that were the one with the highest number wins. Once the job
//! has ended, a late task finds no `<token>` any more, and so can do no harm.
//!
//! The directory may hold files of others: those that were there before, and those of jobs that append at the
//! same time, each with a token of its own. So the plan, not a pattern, tells which files are the job's: a
//! planned file that is staged no longer was moved, and an abort removes such files alone. The plan is
//! written before anything is moved or removed, and renamed to its name when it is whole.
//!
//! An output that replaces another stays `clearing` until the last old file is gone, and only then moves its
//! own: so a commit that failed in between begins where it stopped, and never takes new files for old ones.
//! What others stage in `_temporary` is left. Where a file is replaced, in which nothing can be staged,
//! `_temporary.<its name>.<token>` beside it stands for `_temporary`. A `_SUCCESS` of an earlier job proves
//! nothing about this one, so jobs that accept existing files are over at `done`, or when their staging
//! directory is gone; others at `_SUCCESS`.
//!
//! Nothing is forced to the disk. A job that reported success survives the death of every process, but, like
//! Spark's on a local disk, its last seconds do not survive a loss of power.

mod publish;
mod staging;

use crate::commit::existing::{Existing, IS_A_FILE};
use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Output;
use firesteel_types::{Partition, TaskId};
use staging::{BEGUN, Stage, TRIES, committed_dir, is_absence};
use std::io;
use std::path::Path;

pub(crate) use staging::Renames;

impl Renames {
    /// Makes the output directory, and those above it, and a place in it to stage files.
    ///
    /// # Errors
    /// [`IoCause::OutputExists`] if anything is there already that is to be refused. A directory that tasks
    /// could not write to is an error now, before any task runs.
    pub(crate) fn setup_job(&self) -> Result<(), IoError> {
        let fail = |path: &Path, error| Err(self.error(IoOperation::SetUp, path, error));
        if let Some(parent) = self.dir.parent()
            && let Err(error) = self.files.make_directories(parent)
        {
            return fail(parent, error);
        }
        let is_there = match self.files.make_directory(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => true,
            Err(error) => return fail(&self.dir, error),
            Ok(()) => false,
        };
        let refuse = |cause| Err(IoError::new(IoOperation::SetUp, self.files.shown(&self.dir), cause));
        let is_a_file = || self.is_a_file(IoOperation::SetUp);
        let base = match self.existing {
            Existing::Refuse if is_there => return refuse(IoCause::OutputExists),
            Existing::Append if is_there && is_a_file()? => {
                return refuse(IoCause::BadPath(IS_A_FILE.into()));
            }
            Existing::Overwrite if is_there && is_a_file()? => self.beside(),
            _ => self.base.clone(),
        };
        Renames { base, ..self.clone() }.make_staging(is_there)
    }

    /// Returns whether there is anything at the output's path.
    pub(crate) fn is_there(&self) -> Result<bool, IoError> {
        self.exists(IoOperation::SetUp, &self.dir)
    }

    /// Removes an empty directory at the output's path. What is none, is not empty, or may not be removed, stays.
    pub(crate) fn remove_if_empty(&self) -> bool {
        self.files.remove_empty_directory(&self.dir).is_ok()
    }

    fn make_staging(&self, is_there: bool) -> Result<(), IoError> {
        let staging = self.staging(Stage::Open);
        let make = || {
            self.files.make_directories(&staging.join("attempts"))?;
            self.files.make_directories(&staging.join("committed"))?;
            if is_there { Ok(()) } else { self.files.make_directories(&self.made_mark(Stage::Open)) }
        };
        let mut made = make();
        for _ in 1..TRIES {
            match &made {
                // Another job has found `_temporary` empty, and removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => made = make(),
                _ => break,
            }
        }
        made.map_err(|error| {
            let _ = self.remove_tree(&staging);
            let _ = self.remove_empty_dir(&self.base);
            if !is_there {
                let _ = self.remove_empty_dir(&self.dir);
            }
            self.error(IoOperation::SetUp, &staging, error)
        })
    }

    /// Notes that an attempt has begun, which may commit even if it writes nothing.
    ///
    /// # Errors
    /// [`IoCause::JobEnded`] if the job is not set up, or is over.
    pub(crate) fn begin(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let directory = self.attempt_dir(partition, attempt);
        self.make_task_dir(&directory)?;
        let mark = directory.join(BEGUN);
        let written = self.files.write_text(&mark, "");
        written.map_err(|error| self.task_error(IoOperation::Create, &mark, error))
    }

    /// Begins a file of an attempt. It must be finished before the attempt is committed.
    ///
    /// # Errors
    /// [`IoCause::JobEnded`] if the job is not set up, or is over.
    pub(crate) fn create(
        &self,
        partition: Partition,
        attempt: TaskId,
        name: &str,
    ) -> Result<Output, IoError> {
        let mut directory = self.attempt_dir(partition, attempt);
        self.make_task_dir(&directory)?;
        let mut parts: Vec<&str> = name.split('/').collect();
        let file = parts.pop().unwrap_or_default();
        for part in parts {
            directory.push(part);
            self.make_task_dir(&directory)?;
        }
        let path = directory.join(file);
        let file = self.files.create(path.clone());
        let file = file.map_err(|error| self.task_error(IoOperation::Create, &path, error))?;
        Ok(Output::new(file, self.files.shown(&path)))
    }

    /// Makes a directory of an attempt in one that is there: those above it are gone when the job is over.
    fn make_task_dir(&self, directory: &Path) -> Result<(), IoError> {
        match self.files.make_directory(directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map_err(|error| self.task_error(IoOperation::Create, directory, error)),
        }
    }

    /// Makes an attempt the one whose output counts, in place of an earlier one: the driver lets a second
    /// attempt commit only when the first is lost, perhaps after it had committed and before it could say so.
    /// Committing the same attempt again does nothing.
    ///
    /// # Errors
    /// [`IoCause::CommittedByAnother`] if a later attempt at the partition was first; its output is
    /// untouched. [`IoCause::NoSuchAttempt`] if this one wrote nothing or was aborted, [`IoCause::JobEnded`]
    /// if the job is over.
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
        let renamed = match self.written(&from) {
            Ok(written) if !written.is_output() => Err(io::ErrorKind::NotFound.into()),
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

    /// Returns a task's error. If a directory is missing, the job is over.
    fn task_error(&self, operation: IoOperation, path: &Path, error: io::Error) -> IoError {
        if is_absence(&error) {
            return IoError::new(operation, self.files.shown(path), IoCause::JobEnded);
        }
        self.error(operation, path, error)
    }
}

#[cfg(test)]
mod tests;
