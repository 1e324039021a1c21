//! The staging directory of one job: its places, its stages, and the few operations on the file system that a
//! commit by renames is made of. What is done in which order is left to the files beside this one.

use crate::commit::existing::{Existing, SUCCESS, TEMPORARY};
use crate::error::{IoCause, IoError, IoOperation};
use crate::store::Renaming;
use firesteel_types::{Partition, TaskId};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The number of tries at what another job, or a late task, may undo meanwhile: at removing a directory into
/// which a file is put, and at making one whose parent is removed since it was empty.
pub(super) const TRIES: usize = 5;

/// The mark of an attempt that may commit without a file.
pub(super) const BEGUN: &str = ".begun";

/// The output of one job in one directory.
#[derive(Clone)]
pub(crate) struct Renames {
    pub(crate) files: Arc<dyn Renaming>,
    pub(crate) dir: PathBuf,
    pub(crate) token: String,
    pub(crate) existing: Existing,
    pub(crate) marks_success: bool,
    /// The directory of the staging directory.
    pub(super) base: PathBuf,
}

/// The progress of a job's output, as the name of its staging directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    Clearing,
    Committing,
    Moved,
    Done,
    Aborted,
}

/// The files below an attempt's directory.
#[derive(Default)]
pub(super) struct Written {
    /// Their names, relative to it.
    pub(super) names: Vec<String>,
    is_begun: bool,
    is_unfinished: bool,
}

impl Written {
    /// Returns whether the attempt can be committed.
    pub(super) fn is_output(&self) -> bool {
        !self.is_unfinished && (self.is_begun || !self.names.is_empty())
    }
}

impl Renames {
    /// Returns the output of a job, wherever it is staged.
    pub(crate) fn new(
        files: Arc<dyn Renaming>,
        dir: PathBuf,
        token: String,
        existing: Existing,
        marks_success: bool,
    ) -> Result<Renames, IoError> {
        let base = dir.join(TEMPORARY);
        let job = Renames { files, dir, token, existing, marks_success, base };
        let beside = job.beside();
        match existing == Existing::Overwrite && job.exists(IoOperation::Commit, &beside)? {
            true => Ok(Renames { base: beside, ..job }),
            false => Ok(job),
        }
    }

    /// Returns the directory of the staging directory of a job that replaces a file, below which nothing can
    /// be.
    pub(super) fn beside(&self) -> PathBuf {
        let name = self.dir.file_name().unwrap_or_default().to_string_lossy();
        self.dir.with_file_name(format!("{TEMPORARY}.{name}.{}", self.token))
    }

    /// Returns whether the output's path is that of a file.
    pub(super) fn is_a_file(&self, operation: IoOperation) -> Result<bool, IoError> {
        match self.files.list(&self.dir) {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(true),
            // Hadoop's file system says so of files, too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.exists(operation, &self.dir),
            Err(error) => Err(self.error(operation, &self.dir, error)),
        }
    }

    pub(super) fn stage(&self, operation: IoOperation) -> Result<Option<Stage>, IoError> {
        for stage in
            [Stage::Open, Stage::Clearing, Stage::Committing, Stage::Moved, Stage::Done, Stage::Aborted]
        {
            let is_possible = match stage {
                Stage::Clearing => self.existing == Existing::Overwrite,
                Stage::Done => self.existing != Existing::Refuse,
                Stage::Open | Stage::Committing | Stage::Moved | Stage::Aborted => true,
            };
            if is_possible && self.exists(operation, &self.staging(stage))? {
                return Ok(Some(stage));
            }
        }
        Ok(None)
    }

    pub(super) fn advance(&self, from: Stage, to: Stage, operation: IoOperation) -> Result<(), IoError> {
        self.rename(operation, &self.staging(from), &self.staging(to))
    }

    pub(super) fn staging(&self, stage: Stage) -> PathBuf {
        let suffix = match stage {
            Stage::Open => "",
            Stage::Clearing => ".clearing",
            Stage::Committing => ".committing",
            Stage::Moved => ".moved",
            Stage::Done => ".done",
            Stage::Aborted => ".aborted",
        };
        self.base.join(format!("{}{suffix}", self.token))
    }

    /// Returns the mark that the job made the output directory.
    pub(super) fn made_mark(&self, stage: Stage) -> PathBuf {
        self.staging(stage).join("made")
    }

    pub(super) fn attempt_dir(&self, partition: Partition, attempt: TaskId) -> PathBuf {
        self.staging(Stage::Open).join("attempts").join(format!("{partition}-{attempt}"))
    }

    pub(super) fn success_path(&self) -> PathBuf {
        self.dir.join(SUCCESS)
    }

    /// Returns the files below the directory of an attempt. Names that begin with a dot are those of files
    /// that are being written.
    pub(super) fn written(&self, directory: &Path) -> io::Result<Written> {
        let mut written = Written::default();
        let mut left = vec![(directory.to_path_buf(), String::new())];
        while let Some((directory, before)) = left.pop() {
            for entry in self.files.list(&directory)? {
                let Some(name) = entry.name.to_str() else { continue };
                match name.starts_with('.') {
                    true if entry.is_directory => {}
                    true if name == BEGUN && before.is_empty() => written.is_begun = true,
                    true => written.is_unfinished = true,
                    false if entry.is_directory => {
                        left.push((directory.join(name), format!("{before}{name}/")));
                    }
                    false => written.names.push(format!("{before}{name}")),
                }
            }
        }
        written.names.sort();
        Ok(written)
    }

    /// Returns, of the attempts at a partition that have committed, the one that counts.
    pub(super) fn winner(&self, committed: &Path) -> Result<Option<TaskId>, IoError> {
        match self.files.names(committed) {
            Ok(names) => {
                let attempts = names.into_iter().filter_map(|name| name.to_str()?.parse().ok().map(TaskId));
                Ok(attempts.max())
            }
            Err(error) if is_absence(&error) => Ok(None),
            // A directory that cannot be listed may hold a winner, whose output must not be left out.
            Err(error) => Err(self.error(IoOperation::Commit, committed, error)),
        }
    }

    /// Returns whether something is there. A store that cannot tell is an error: a job that is only out of
    /// reach has not ended, and one that may have succeeded must not be removed.
    pub(super) fn exists(&self, operation: IoOperation, path: &Path) -> Result<bool, IoError> {
        match self.files.exists(path) {
            Err(error) if is_absence(&error) => Ok(false),
            answer => answer.map_err(|error| self.error(operation, path, error)),
        }
    }

    pub(super) fn error(&self, operation: IoOperation, path: &Path, error: io::Error) -> IoError {
        IoError::from_io(operation, self.files.shown(path), error)
    }

    pub(super) fn rename(&self, operation: IoOperation, from: &Path, to: &Path) -> Result<(), IoError> {
        let renamed = self.files.rename(from, to);
        renamed.map_err(|error| IoError::new(operation, self.files.shown(from), self.rename_cause(to, error)))
    }

    pub(super) fn rename_cause(&self, to: &Path, error: io::Error) -> IoCause {
        let to = self.files.shown(to);
        let cause = IoError::from_io(IoOperation::Commit, &to, error).cause;
        IoCause::Rename { to, message: cause.to_string() }
    }

    /// Removes a file. One that is not there is removed already.
    pub(super) fn remove_file(&self, operation: IoOperation, path: &Path) -> Result<(), IoError> {
        match self.files.remove_file(path) {
            Err(error) if !is_absence(&error) => Err(self.error(operation, path, error)),
            _ => Ok(()),
        }
    }

    pub(super) fn remove_tree(&self, directory: &Path) -> Result<(), IoError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.files.remove_tree(directory) {
                Ok(()) => return Ok(()),
                Err(error) if is_absence(&error) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && tries < TRIES => {}
                Err(error) => return Err(self.error(IoOperation::Abort, directory, error)),
            }
        }
    }

    /// Removes a directory, unless it holds something.
    pub(super) fn remove_empty_dir(&self, directory: &Path) -> Result<(), IoError> {
        match self.files.remove_empty_directory(directory) {
            Err(error) if !is_absence(&error) && error.kind() != io::ErrorKind::DirectoryNotEmpty => {
                Err(self.error(IoOperation::Abort, directory, error))
            }
            _ => Ok(()),
        }
    }
}

/// Returns the directory of the attempts at a partition that have committed.
pub(super) fn committed_dir(staging: &Path, partition: Partition) -> PathBuf {
    staging.join("committed").join(partition.to_string())
}

/// Returns whether the error says that nothing of that name is there.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
