//! Makes the output of a job appear whole or not at all, after Hadoop's committers: many attempts at a partition may write,
//! one of them wins, and the driver makes the winners' files appear when all are there.
//!
//! Stores differ in the steps that are atomic, and so does the protocol: `renames` where a rename is one step
//! (local disks, Hadoop's file system), `uploads` where it is not, but where an upload can be left
//! uncompleted (object stores). Both keep their decisions in the store itself, so that any process which
//! holds an [`OutputCommitter`] sees the same.

mod renames;
mod uploads;

use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Output;
use crate::location::Location;
use crate::path::{self, Address};
use crate::store::CommitMeans;
use crate::stores::Stores;
use firesteel_types::{Partition, TaskId};
use renames::Renames;
use serde::{Deserialize, Serialize};
use uploads::Uploads;

/// Commits the output of one job to one directory. A plain value that travels to tasks.
///
/// The driver calls `setup_job`, then `commit_job` or `abort_job`; a task calls `create`, then `commit_task`
/// or `abort_task`. Every call may be repeated, except `setup_job`, and except a `commit_job` that has
/// succeeded and left no `_SUCCESS`: nothing in the store tells then that it did.
///
/// ```
/// use firesteel_io::{OutputCommitter, Stores};
/// use firesteel_types::{Partition, TaskId};
/// # let parent = tempfile::tempdir().unwrap();
/// # let dir = parent.path().join("out").to_str().unwrap().to_string();
/// let (stores, output) = (Stores::default(), OutputCommitter::new(&dir, "job-0")?);
/// output.setup_job(&stores)?;
/// output.create(&stores, Partition(0), TaskId(7), "")?.finish()?;
/// output.commit_task(&stores, Partition(0), TaskId(7))?;
/// output.commit_job(&stores, 1)?;
/// assert!(std::fs::exists(format!("{dir}/part-00000")).unwrap() && std::fs::exists(format!("{dir}/_SUCCESS")).unwrap());
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputCommitter {
    dir: String,
    token: String,
    names: PartNames,
    marks_success: bool,
}

/// The beginning of part files' names, before the partition's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartNames {
    /// `part-00000`: Spark's own, and those of Hadoop's older interface (`mapred`).
    #[default]
    Part,
    /// `part-r-00000`: those of Hadoop's newer interface (`mapreduce`).
    PartR,
}

/// The protocol by which a store commits.
enum Protocol {
    Renames(Renames),
    Uploads(Uploads),
}

impl OutputCommitter {
    /// Makes a committer of output to `dir`. The token must differ between jobs, and be a word: letters,
    /// digits, `_` and `-`.
    pub fn new(dir: &str, token: &str) -> Result<OutputCommitter, IoError> {
        let is_word =
            !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if !is_word {
            let cause = IoCause::BadPath(format!("the job's token, {token:?}, is not a word"));
            return Err(IoError::new(IoOperation::SetUp, dir, cause));
        }
        let dir = match path::address(IoOperation::SetUp, dir)? {
            Address::Local(local) => {
                path::text(IoOperation::SetUp, &path::absolute(IoOperation::SetUp, local)?)?
            }
            Address::Remote { .. } => dir.trim_end_matches('/').to_string(),
        };
        Ok(OutputCommitter { dir, token: token.into(), names: PartNames::default(), marks_success: true })
    }

    /// Returns the same committer with other names of part files.
    #[must_use]
    pub fn named(self, names: PartNames) -> OutputCommitter {
        OutputCommitter { names, ..self }
    }

    /// Returns the same committer; `_SUCCESS` stays only where it is wanted:
    /// `mapreduce.fileoutputcommitter.marksuccessfuljobs`.
    #[must_use]
    pub fn marking_success(self, marks_success: bool) -> OutputCommitter {
        OutputCommitter { marks_success, ..self }
    }

    fn protocol(&self, stores: &Stores) -> Result<Protocol, IoError> {
        let token = self.token.clone();
        let Location { store, path } = Location::of(stores, IoOperation::SetUp, &self.dir)?;
        Ok(match store.commit_means() {
            CommitMeans::Renames(files) => {
                // The root, too, has a name.
                let dir = if path.is_empty() { "/".into() } else { path.into() };
                Protocol::Renames(Renames { files, dir, token })
            }
            CommitMeans::Uploads(store) => {
                Protocol::Uploads(Uploads { store, dir: path.trim_matches('/').into(), token })
            }
        })
    }

    /// Makes the output directory, and those above it, for this job alone.
    ///
    /// # Errors
    /// [`IoCause::OutputExists`] if anything is there already. A directory that tasks could not write to is
    /// an error now, before any task runs.
    pub fn setup_job(&self, stores: &Stores) -> Result<(), IoError> {
        match self.protocol(stores)? {
            Protocol::Renames(job) => job.setup_job(),
            Protocol::Uploads(job) => job.setup_job(),
        }
    }

    /// Begins an attempt's part file, whose name ends in `suffix`: [`crate::Codec::suffix`], or that of a format. It must be
    /// finished before the attempt is committed.
    ///
    /// # Errors
    /// [`IoCause::JobEnded`] if the job is not set up, or is over.
    pub fn create(
        &self,
        stores: &Stores,
        partition: Partition,
        attempt: TaskId,
        suffix: &str,
    ) -> Result<Output, IoError> {
        let name = part_name(self.names, partition, suffix);
        match self.protocol(stores)? {
            Protocol::Renames(job) => job.create(partition, attempt, &name),
            Protocol::Uploads(job) => job.create(partition, attempt, &name),
        }
    }

    /// Makes an attempt the one whose output counts, in place of an earlier one: the driver lets a second
    /// attempt commit only when the first is lost, perhaps after it had committed and before it could say so.
    /// Committing the same attempt again does nothing.
    ///
    /// # Errors
    /// [`IoCause::CommittedByAnother`] if a later attempt at the partition was first; its output is untouched.
    /// [`IoCause::NoSuchAttempt`] if this one wrote nothing or was aborted, [`IoCause::JobEnded`] if the job is over.
    pub fn commit_task(&self, stores: &Stores, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        match self.protocol(stores)? {
            Protocol::Renames(job) => job.commit_task(partition, attempt),
            Protocol::Uploads(job) => job.commit_task(partition, attempt),
        }
    }

    /// Removes an attempt's output, unless it was committed. Does nothing if there is none.
    pub fn abort_task(&self, stores: &Stores, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        match self.protocol(stores)? {
            Protocol::Renames(job) => job.abort_task(partition, attempt),
            Protocol::Uploads(job) => job.abort_task(partition, attempt),
        }
    }

    /// Makes the part files of the first `partitions` partitions appear, and then `_SUCCESS`.
    ///
    /// After an error the call may be repeated, and goes on with the steps that are left; or the job may be
    /// aborted.
    ///
    /// # Errors
    /// [`IoCause::Uncommitted`] names a partition without output; nothing has appeared then.
    /// [`IoCause::JobEnded`] if the job is not set up, or was aborted.
    pub fn commit_job(&self, stores: &Stores, partitions: u32) -> Result<(), IoError> {
        // Both protocols know by `_SUCCESS` that they are done, so it is removed after them.
        match self.protocol(stores)? {
            Protocol::Renames(job) => {
                job.commit_job(partitions)?;
                if self.marks_success { Ok(()) } else { job.unmark_success() }
            }
            Protocol::Uploads(job) => {
                job.commit_job(partitions)?;
                if self.marks_success { Ok(()) } else { job.unmark_success() }
            }
        }
    }

    /// Removes everything that the job made: the output directory too, unless it holds files of others. Does
    /// nothing to a job that was committed, nor to a directory that another job set up.
    pub fn abort_job(&self, stores: &Stores) -> Result<(), IoError> {
        match self.protocol(stores)? {
            Protocol::Renames(job) => job.abort_job(),
            Protocol::Uploads(job) => job.abort_job(),
        }
    }
}

fn part_name(names: PartNames, partition: Partition, suffix: &str) -> String {
    let begin = match names {
        PartNames::Part => "part-",
        PartNames::PartR => "part-r-",
    };
    format!("{begin}{:05}{suffix}", partition.0)
}
