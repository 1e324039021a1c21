//! The driver's side of the commit by renames: moves the winners' files into place, or removes all that the
//! job made. Every call begins with the stage that the last one left.

use super::staging::{Renames, Stage, TRIES, committed_dir};
use crate::commit::existing::{Existing, TEMPORARY};
use crate::error::{IoCause, IoError, IoOperation};
use firesteel_types::{Partition, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// An attempt whose files are the job's.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Winner {
    partition: u32,
    attempt: u64,
    names: Vec<String>,
}

impl Renames {
    /// Moves the files of the first `partitions` partitions into place, and then makes `_SUCCESS`.
    ///
    /// After an error the call may be repeated, and goes on with the steps that are left; or the job may be
    /// aborted.
    ///
    /// # Errors
    /// [`IoCause::Uncommitted`] names a partition without output; nothing has been moved then.
    /// [`IoCause::JobEnded`] if the job is not set up, or was aborted.
    pub(crate) fn commit_job(&self, partitions: u32) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let refuses = self.existing == Existing::Refuse;
        loop {
            match self.stage(operation)? {
                // 1. Once all partitions are there, no task can change anything any more.
                Some(Stage::Open) => {
                    self.check_all_committed(partitions)?;
                    let replaces = self.existing == Existing::Overwrite;
                    let next = if replaces { Stage::Clearing } else { Stage::Committing };
                    self.advance(Stage::Open, next, operation)?;
                }
                // 2. What the output replaces goes, once the job's own files are known to be good.
                Some(Stage::Clearing) => {
                    self.planned(Stage::Clearing, partitions)?;
                    self.clear()?;
                    self.advance(Stage::Clearing, Stage::Committing, operation)?;
                }
                // 3. Every file is moved to its place.
                Some(Stage::Committing) => {
                    self.move_files(&self.planned(Stage::Committing, partitions)?)?;
                    self.advance(Stage::Committing, Stage::Moved, operation)?;
                }
                // 4. The rest is removed, and `_SUCCESS` says so.
                Some(Stage::Moved) => {
                    self.mark_success()?;
                    let last = if refuses { Stage::Moved } else { Stage::Done };
                    if !refuses {
                        self.advance(Stage::Moved, last, operation)?;
                    }
                    self.remove_staging(last);
                    return Ok(());
                }
                Some(Stage::Done) => {
                    self.remove_staging(Stage::Done);
                    return Ok(());
                }
                None if refuses && self.exists(operation, &self.success_path())? => return Ok(()),
                None | Some(Stage::Aborted) => {
                    return Err(IoError::new(operation, self.files.shown(&self.dir), IoCause::JobEnded));
                }
            }
        }
    }

    /// Removes everything that the job made: the output directory too, if the job made it and it holds no
    /// files of others. Does nothing to a job that was committed, nor to a directory that another job set up.
    pub(crate) fn abort_job(&self) -> Result<(), IoError> {
        let operation = IoOperation::Abort;
        let refuses = self.existing == Existing::Refuse;
        let Some(stage) = self.stage(operation)? else {
            // An earlier call may have come so far.
            return self.remove_empty_dir(&self.base);
        };
        if stage == Stage::Done || (refuses && self.exists(operation, &self.success_path())?) {
            return Ok(());
        }
        if stage == Stage::Moved && self.existing == Existing::Overwrite {
            // The mark may be this job's own, and would call an empty output whole.
            self.remove_file(operation, &self.success_path())?;
        }
        if stage != Stage::Aborted {
            self.advance(stage, Stage::Aborted, operation)?;
        }
        if let Some(winners) = self.read_plan(operation, Stage::Aborted)? {
            self.remove_moved(&winners)?;
            // Without its plan, what is staged can be removed: nobody takes it for moved any more.
            self.remove_file(operation, &self.plan_path(Stage::Aborted))?;
        }
        let made = refuses || self.exists(operation, &self.made_mark(Stage::Aborted))?;
        self.remove_tree(&self.staging(Stage::Aborted))?;
        self.remove_empty_dir(&self.base)?;
        if made { self.remove_empty_dir(&self.dir) } else { Ok(()) }
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

    /// Returns the winners and their files, as they were written down; writes them down the first time.
    fn planned(&self, stage: Stage, partitions: u32) -> Result<Vec<Winner>, IoError> {
        let operation = IoOperation::Commit;
        if let Some(winners) = self.read_plan(operation, stage)? {
            return Ok(winners);
        }
        let staging = self.staging(stage);
        let winner = |partition| {
            let attempt = self.required_winner(&staging, partition)?;
            let from = committed_dir(&staging, partition).join(attempt.to_string());
            let written = self.written(&from).map_err(|error| self.error(operation, &from, error))?;
            Ok(Winner { partition: partition.0, attempt: attempt.0, names: written.names })
        };
        let winners: Vec<Winner> = (0..partitions).map(Partition).map(winner).collect::<Result<_, _>>()?;
        self.check_names(&winners)?;
        let text = serde_json::to_string(&winners);
        let (path, unfinished) = (self.plan_path(stage), staging.join("plan.writing"));
        text.map_err(io::Error::other)
            .and_then(|text| self.files.write_text(&unfinished, &text))
            .map_err(|error| self.error(operation, &unfinished, error))?;
        self.rename(operation, &unfinished, &path)?;
        Ok(winners)
    }

    /// Refuses names that would replace a file: one of the job itself, or one that is to stay.
    fn check_names(&self, winners: &[Winner]) -> Result<(), IoError> {
        let mut names = BTreeSet::new();
        for name in winners.iter().flat_map(|winner| &winner.names) {
            let path = self.dir.join(name);
            let is_taken = self.existing == Existing::Append && self.exists(IoOperation::Commit, &path)?;
            if is_taken || !names.insert(name) {
                return Err(self.taken(&path));
            }
        }
        Ok(())
    }

    fn taken(&self, path: &Path) -> IoError {
        IoError::new(IoOperation::Commit, self.files.shown(path), IoCause::OutputExists)
    }

    fn read_plan(&self, operation: IoOperation, stage: Stage) -> Result<Option<Vec<Winner>>, IoError> {
        let path = self.plan_path(stage);
        match self.files.read_text(&path).and_then(|text| Ok(serde_json::from_str(&text)?)) {
            Ok(winners) => Ok(Some(winners)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error(operation, &path, error)),
        }
    }

    fn plan_path(&self, stage: Stage) -> PathBuf {
        self.staging(stage).join("plan")
    }

    /// Removes what was there before. The first to go is what calls it whole.
    fn clear(&self) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        if self.is_a_file(operation)? {
            self.remove_file(operation, &self.dir)?;
        }
        self.files.make_directories(&self.dir).map_err(|error| self.error(operation, &self.dir, error))?;
        self.remove_file(operation, &self.success_path())?;
        for entry in self.files.list(&self.dir).map_err(|error| self.error(operation, &self.dir, error))? {
            let path = self.dir.join(&entry.name);
            match entry.is_directory {
                _ if entry.name == TEMPORARY => {}
                true => self.remove_tree(&path)?,
                false => self.remove_file(operation, &path)?,
            }
        }
        Ok(())
    }

    fn move_files(&self, winners: &[Winner]) -> Result<(), IoError> {
        let mut made = BTreeSet::new();
        for (from, name) in self.files_of(winners, Stage::Committing) {
            let to = self.dir.join(name);
            let directory = name.rsplit_once('/').map(|(directory, _)| self.dir.join(directory));
            if let Some(directory) =
                directory.as_deref().filter(|directory| made.insert(directory.to_path_buf()))
            {
                self.make_directories(directory)?;
            }
            self.move_file(&from, &to, directory.as_deref())?;
        }
        Ok(())
    }

    /// Moves a file, unless an earlier call did.
    fn move_file(&self, from: &Path, to: &Path, directory: Option<&Path>) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let was_moved = || Ok(!self.exists(operation, from)? && self.exists(operation, to)?);
        if self.existing == Existing::Append && self.exists(operation, to)? {
            return if self.exists(operation, from)? { Err(self.taken(to)) } else { Ok(()) };
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(error) = self.files.rename(from, to) else { return Ok(()) };
            match directory {
                _ if was_moved()? => return Ok(()),
                // Another job, which was aborted, has found the directory empty, and removed it.
                Some(directory) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {
                    self.make_directories(directory)?;
                }
                _ => {
                    let cause = self.rename_cause(to, error);
                    return Err(IoError::new(operation, self.files.shown(from), cause));
                }
            }
        }
    }

    fn make_directories(&self, path: &Path) -> Result<(), IoError> {
        let mut made = self.files.make_directories(path);
        for _ in 1..TRIES {
            match &made {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    made = self.files.make_directories(path)
                }
                _ => break,
            }
        }
        made.map_err(|error| self.error(IoOperation::Commit, path, error))
    }

    /// Returns the place of each file in the staging directory, and its name below the output.
    fn files_of<'a>(
        &self,
        winners: &'a [Winner],
        stage: Stage,
    ) -> impl Iterator<Item = (PathBuf, &'a str)> + use<'a> {
        let staging = self.staging(stage);
        winners.iter().flat_map(move |winner| {
            let from = committed_dir(&staging, Partition(winner.partition)).join(winner.attempt.to_string());
            winner.names.iter().map(move |name| (from.join(name), name.as_str()))
        })
    }

    /// Removes the job's files from their places, and the directories that are empty then.
    fn remove_moved(&self, winners: &[Winner]) -> Result<(), IoError> {
        let operation = IoOperation::Abort;
        let mut directories = BTreeSet::new();
        for (from, name) in self.files_of(winners, Stage::Aborted) {
            // A file of that name is another's as long as the job's own is staged.
            if !self.exists(operation, &from)? {
                self.remove_file(operation, &self.dir.join(name))?;
            }
            directories.extend(name.match_indices('/').map(|(end, _)| &name[..end]));
        }
        directories
            .into_iter()
            .rev()
            .try_for_each(|directory| self.remove_empty_dir(&self.dir.join(directory)))
    }

    /// Removes what is staged still, and makes `_SUCCESS`. Jobs that refuse an existing output are known by
    /// it to be done, so it is removed later where it is not wanted.
    fn mark_success(&self) -> Result<(), IoError> {
        let staging = self.staging(Stage::Moved);
        self.remove_tree(&staging.join("attempts"))?;
        self.remove_tree(&staging.join("committed"))?;
        if self.existing != Existing::Refuse && !self.marks_success {
            return Ok(());
        }
        let success = self.success_path();
        let written = self.files.write_text(&success, "");
        written.map_err(|error| self.error(IoOperation::Commit, &success, error))
    }

    /// Removes the staging directory. It is nearly empty, and hidden: if it stays it does no harm, while an
    /// error would call a whole output broken.
    fn remove_staging(&self, stage: Stage) {
        let _ = self.remove_tree(&self.staging(stage));
        let _ = self.remove_empty_dir(&self.base);
    }

    /// Removes `_SUCCESS`.
    pub(crate) fn unmark_success(&self) -> Result<(), IoError> {
        let success = self.success_path();
        self.files.remove_file(&success).map_err(|error| self.error(IoOperation::Commit, &success, error))
    }
}
