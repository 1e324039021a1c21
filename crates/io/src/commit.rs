//! Makes the output of a job appear whole or not at all, after Hadoop's committer: tasks write beside the output, one
//! attempt at each partition wins, and the driver moves the winners' files into place when all are there.
//!
//! What was decided lies in the file system alone, as names that a rename changes in one step, so that any process which
//! holds an [`OutputCommitter`] sees the same. Under the output directory:
//!
//! ```text
//! _temporary/<token>/attempts/<partition>-<attempt>/part-00000   being written
//! _temporary/<token>/committed/<partition>/part-00000            won; `_attempt` beside it names the winner
//! _temporary/<token>.committing                                  the job's files are being moved: tasks can change nothing
//! _temporary/<token>.moved                                       they are all in place
//! _temporary/<token>.aborted                                     everything is being removed
//! part-00000 ... _SUCCESS                                        done
//! ```
//!
//! A directory cannot be renamed onto one that is not empty: that is why one attempt wins. A task finds no `<token>` any
//! more once the job ended: that is why a late one can do no harm.
//!
//! Nothing is forced to the disk. A job that reported success survives the death of every process, but, like Spark's on a
//! local disk, its last seconds do not survive a loss of power.

use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Output;
use crate::path;
use firesteel_types::{Partition, TaskId};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file, in an attempt's directory, that holds the attempt's id.
const MARKER: &str = "_attempt";

/// How often a directory is removed before giving up: a late task may put a file into it meanwhile.
const REMOVE_TRIES: usize = 5;

/// Commits the output of one job to one directory. A plain value that travels to tasks.
///
/// The driver calls `setup_job`, then `commit_job` or `abort_job`; a task calls `create`, then `commit_task` or
/// `abort_task`. Every call may be repeated, except `setup_job`.
///
/// ```
/// use firesteel_io::OutputCommitter;
/// use firesteel_types::{Partition, TaskId};
/// # let parent = tempfile::tempdir().unwrap();
/// # let dir = parent.path().join("out").to_str().unwrap().to_string();
/// let output = OutputCommitter::new(&dir, "job-0")?;
/// output.setup_job()?;
/// output.create(Partition(0), TaskId(7), "")?.finish()?;
/// output.commit_task(Partition(0), TaskId(7))?;
/// output.commit_job(1)?;
/// assert!(std::fs::exists(format!("{dir}/part-00000")).unwrap() && std::fs::exists(format!("{dir}/_SUCCESS")).unwrap());
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputCommitter {
    dir: PathBuf,
    token: String,
}

/// How far a job's output has come: the name of its staging directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Committing,
    Moved,
    Aborted,
}

impl OutputCommitter {
    /// A committer of output to `dir`. The token must differ between jobs, and be a word: letters, digits, `_` and `-`.
    pub fn new(dir: &str, token: &str) -> Result<OutputCommitter, IoError> {
        let is_word =
            !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if !is_word {
            let cause = IoCause::BadPath(format!("the job's token, {token:?}, is not a word"));
            return Err(IoError::new(IoOperation::SetUp, dir, cause));
        }
        Ok(OutputCommitter { dir: path::local(IoOperation::SetUp, dir)?, token: token.into() })
    }

    /// Makes the output directory, and those above it, for this job alone.
    ///
    /// # Errors
    /// [`IoCause::OutputExists`] if anything is there already. Whatever would keep tasks from writing there shows now.
    pub fn setup_job(&self) -> Result<(), IoError> {
        let fail = |path: &Path, error| Err(IoError::os(IoOperation::SetUp, path, error));
        if let Some(parent) = self.dir.parent()
            && let Err(error) = fs::create_dir_all(parent)
        {
            return fail(parent, error);
        }
        match fs::create_dir(&self.dir) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(IoError::new(
                    IoOperation::SetUp,
                    self.dir.to_string_lossy(),
                    IoCause::OutputExists,
                ));
            }
            Err(error) => return fail(&self.dir, error),
        }
        let staging = self.staging(Stage::Open);
        let made = fs::create_dir_all(staging.join("attempts"))
            .and_then(|()| fs::create_dir(staging.join("committed")));
        made.or_else(|error| {
            // The directory is ours, and nothing is in it yet.
            let _ = fs::remove_dir_all(&self.dir);
            fail(&staging, error)
        })
    }

    /// Begins an attempt's part file, whose name ends in `suffix`: [`crate::Codec::suffix`], or that of a format. It must be
    /// finished before the attempt is committed.
    ///
    /// # Errors
    /// [`IoCause::JobEnded`] if the job is not set up, or is over.
    pub fn create(&self, partition: Partition, attempt: TaskId, suffix: &str) -> Result<Output, IoError> {
        let directory = self.attempt_dir(partition, attempt);
        match fs::create_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(|error| self.task_error(IoOperation::Create, &directory, error))?,
        }
        let marker = directory.join(MARKER);
        fs::write(&marker, attempt.to_string())
            .map_err(|error| self.task_error(IoOperation::Create, &marker, error))?;
        let part = directory.join(part_name(partition, suffix));
        Output::create_local(part.clone()).map_err(|error| self.task_error(IoOperation::Create, &part, error))
    }

    /// Makes an attempt the one whose output counts. Committing the same attempt again does nothing.
    ///
    /// # Errors
    /// [`IoCause::CommittedByAnother`] if another attempt at the partition was first; its output is untouched.
    /// [`IoCause::NoSuchAttempt`] if this one wrote nothing or was aborted, [`IoCause::JobEnded`] if the job is over.
    pub fn commit_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        let staging = self.staging(Stage::Open);
        let (from, to) = (self.attempt_dir(partition, attempt), committed_dir(&staging, partition));
        let fail = |cause| Err(IoError::new(IoOperation::Commit, from.to_string_lossy(), cause));
        let renamed = match part_names(&from) {
            Ok(names) if names.is_empty() => Err(io::ErrorKind::NotFound.into()),
            Ok(_) => fs::rename(&from, &to),
            Err(error) => Err(error),
        };
        let Err(error) = renamed else { return Ok(()) };
        match winner(&to) {
            Some(winner) if winner == attempt => Ok(()),
            Some(winner) => fail(IoCause::CommittedByAnother(winner)),
            None if !staging.exists() => fail(IoCause::JobEnded),
            None if error.kind() == io::ErrorKind::NotFound => {
                fail(IoCause::NoSuchAttempt { partition, attempt })
            }
            None => fail(rename_cause(&to, error)),
        }
    }

    /// Removes what an attempt wrote, unless it was committed. Does nothing if there is nothing.
    pub fn abort_task(&self, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        remove_tree(&self.attempt_dir(partition, attempt))
    }

    /// Moves the part files of the partitions from 0 to `partitions` into place, and then makes `_SUCCESS`.
    ///
    /// After an error the call may be repeated, and goes on from where it was; or the job may be aborted.
    ///
    /// # Errors
    /// [`IoCause::Uncommitted`] names a partition without output; nothing has been moved then.
    /// [`IoCause::JobEnded`] if the job is not set up, or was aborted.
    pub fn commit_job(&self, partitions: u32) -> Result<(), IoError> {
        loop {
            match self.stage() {
                // 1. All there? Then no task can change anything any more.
                Some(Stage::Open) => {
                    self.check_all_committed(partitions)?;
                    self.advance(Stage::Open, Stage::Committing, IoOperation::Commit)?;
                }
                // 2. Every file in its place.
                Some(Stage::Committing) => {
                    self.move_parts(partitions)?;
                    self.advance(Stage::Committing, Stage::Moved, IoOperation::Commit)?;
                }
                // 3. Nothing left over, and the sign for it.
                Some(Stage::Moved) => return self.finish(),
                None if self.success_path().exists() => return Ok(()),
                None | Some(Stage::Aborted) => {
                    return Err(IoError::new(
                        IoOperation::Commit,
                        self.dir.to_string_lossy(),
                        IoCause::JobEnded,
                    ));
                }
            }
        }
    }

    /// Removes everything that the job made: the output directory too, unless it holds what others put there. Does nothing
    /// to a job that was committed, nor to a directory that another job set up.
    pub fn abort_job(&self) -> Result<(), IoError> {
        let Some(stage) = self.stage() else { return Ok(()) };
        if self.success_path().exists() {
            return Ok(());
        }
        if stage != Stage::Aborted {
            self.advance(stage, Stage::Aborted, IoOperation::Abort)?;
        }
        // The directory did not exist before this job, so parts in it are the job's.
        for name in
            part_names(&self.dir).map_err(|error| IoError::os(IoOperation::Abort, &self.dir, error))?
        {
            let part = self.dir.join(name);
            fs::remove_file(&part).map_err(|error| IoError::os(IoOperation::Abort, &part, error))?;
        }
        remove_tree(&self.staging(Stage::Aborted))?;
        self.remove_empty_dir(&self.temporary())?;
        self.remove_empty_dir(&self.dir)
    }

    fn check_all_committed(&self, partitions: u32) -> Result<(), IoError> {
        let staging = self.staging(Stage::Open);
        let missing = (0..partitions).map(Partition).find(|p| winner(&committed_dir(&staging, *p)).is_none());
        match missing {
            None => Ok(()),
            Some(partition) => Err(IoError::new(
                IoOperation::Commit,
                self.dir.to_string_lossy(),
                IoCause::Uncommitted(partition),
            )),
        }
    }

    fn move_parts(&self, partitions: u32) -> Result<(), IoError> {
        let staging = self.staging(Stage::Committing);
        for partition in (0..partitions).map(Partition) {
            let from = committed_dir(&staging, partition);
            for name in part_names(&from).map_err(|error| IoError::os(IoOperation::Commit, &from, error))? {
                rename(IoOperation::Commit, &from.join(&name), &self.dir.join(&name))?;
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), IoError> {
        let staging = self.staging(Stage::Moved);
        remove_tree(&staging.join("attempts"))?;
        remove_tree(&staging.join("committed"))?;
        let success = self.success_path();
        fs::write(&success, "").map_err(|error| IoError::os(IoOperation::Commit, &success, error))?;
        // Empty and hidden: if they stay, they harm nobody, while an error would call a whole output broken.
        let _ = fs::remove_dir(&staging);
        let _ = fs::remove_dir(self.temporary());
        Ok(())
    }

    fn advance(&self, from: Stage, to: Stage, operation: IoOperation) -> Result<(), IoError> {
        rename(operation, &self.staging(from), &self.staging(to))
    }

    fn stage(&self) -> Option<Stage> {
        [Stage::Open, Stage::Committing, Stage::Moved, Stage::Aborted]
            .into_iter()
            .find(|stage| self.staging(*stage).exists())
    }

    /// A task's error; that a directory is missing means that the job is over.
    fn task_error(&self, operation: IoOperation, path: &Path, error: io::Error) -> IoError {
        if error.kind() == io::ErrorKind::NotFound {
            return IoError::new(operation, path.to_string_lossy(), IoCause::JobEnded);
        }
        IoError::os(operation, path, error)
    }

    fn remove_empty_dir(&self, directory: &Path) -> Result<(), IoError> {
        match fs::remove_dir(directory) {
            Err(error)
                if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) =>
            {
                Err(IoError::os(IoOperation::Abort, directory, error))
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
}

fn committed_dir(staging: &Path, partition: Partition) -> PathBuf {
    staging.join("committed").join(partition.to_string())
}

fn part_name(partition: Partition, suffix: &str) -> String {
    format!("part-{:05}{suffix}", partition.0)
}

/// The part files in a directory.
fn part_names(directory: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let names =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    Ok(names.into_iter().filter(|name| name.to_string_lossy().starts_with("part-")).collect())
}

/// The attempt whose output a committed directory holds.
fn winner(committed: &Path) -> Option<TaskId> {
    fs::read_to_string(committed.join(MARKER)).ok()?.parse().ok().map(TaskId)
}

fn rename(operation: IoOperation, from: &Path, to: &Path) -> Result<(), IoError> {
    fs::rename(from, to)
        .map_err(|error| IoError::new(operation, from.to_string_lossy(), rename_cause(to, error)))
}

fn rename_cause(to: &Path, error: io::Error) -> IoCause {
    let to = to.to_string_lossy().into_owned();
    IoCause::Rename { to, message: IoCause::from(error).to_string() }
}

fn remove_tree(directory: &Path) -> Result<(), IoError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match fs::remove_dir_all(directory) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && tries < REMOVE_TRIES => {}
            Err(error) => return Err(IoError::os(IoOperation::Abort, directory, error)),
        }
    }
}
