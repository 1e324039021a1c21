//! Makes the output of a job appear whole or not at all, after Hadoop's committers: many attempts at a
//! partition may write, one of them wins, and the driver makes the winners' files appear when all are there.
//!
//! Stores differ in the steps that are atomic, and so does the protocol: `renames` where a rename is one step
//! (local disks, Hadoop's file system), `uploads` where it is not, but where an upload can be left
//! uncompleted (object stores). Both keep their decisions in the store itself, so that any process which
//! holds an [`OutputCommitter`] sees the same.

mod existing;
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

pub use existing::Existing;

/// Commits the output of one job to one directory. A plain value that travels to tasks.
///
/// The driver calls `setup_job`, then `commit_job` or `abort_job`; a task calls `create`, or `begin` and
/// `create_file` as often as it likes, then `commit_task` or `abort_task`, which are about all files of the
/// attempt. Every call may be repeated, except `setup_job`, and except a `commit_job` that has succeeded and
/// left nothing that tells so: a job that wants no `_SUCCESS`, or one that accepts existing files, where a
/// `_SUCCESS` may be another's. It says then that the job has ended.
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
    existing: Existing,
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
        let (names, existing) = (PartNames::default(), Existing::default());
        Ok(OutputCommitter { dir, token: token.into(), names, marks_success: true, existing })
    }

    /// Returns the same committer, which does this with files that are there already, instead of refusing
    /// them.
    ///
    /// Jobs that append may share a directory at the same time, as long as their files have different names.
    /// One that replaces what is there also removes the files that others put in place before it commits.
    ///
    /// ```
    /// use firesteel_io::{Existing, OutputCommitter, Stores};
    /// use firesteel_types::{Partition, TaskId};
    /// # let parent = tempfile::tempdir().unwrap();
    /// # let dir = parent.path().join("table").to_str().unwrap().to_string();
    /// let stores = Stores::default();
    /// for (token, existing) in [("job-0", Existing::Refuse), ("job-1", Existing::Append)] {
    ///     let output = OutputCommitter::new(&dir, token)?.onto(existing);
    ///     output.setup_job(&stores)?;
    ///     let name = format!("city=Ulm/part-00000-{token}.parquet");
    ///     output.create_file(&stores, Partition(0), TaskId(7), &name)?.finish()?;
    ///     output.commit_task(&stores, Partition(0), TaskId(7))?;
    ///     output.commit_job(&stores, 1)?;
    /// }
    /// assert_eq!(std::fs::read_dir(format!("{dir}/city=Ulm")).unwrap().count(), 2);
    /// # Ok::<(), firesteel_io::IoError>(())
    /// ```
    #[must_use]
    pub fn onto(self, existing: Existing) -> OutputCommitter {
        OutputCommitter { existing, ..self }
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
        let (token, existing, marks_success) = (self.token.clone(), self.existing, self.marks_success);
        let Location { store, path } = Location::of(stores, IoOperation::SetUp, &self.dir)?;
        Ok(match store.commit_means() {
            CommitMeans::Renames(files) => {
                // The root, too, has a name.
                let dir = if path.is_empty() { "/".into() } else { path.into() };
                Protocol::Renames(Renames::new(files, dir, token, existing, marks_success)?)
            }
            CommitMeans::Uploads(store) => {
                let dir = path.trim_matches('/').into();
                Protocol::Uploads(Uploads { store, dir, token, existing, marks_success })
            }
        })
    }

    /// Makes the output directory, and those above it: for this job alone, unless it goes
    /// [`onto`](Self::onto) what exists.
    ///
    /// # Errors
    /// [`IoCause::OutputExists`] if anything is there already that is to be refused, [`IoCause::BadPath`] if
    /// files are to be added to what is a file itself. A directory that tasks could not write to is an error
    /// now, before any task runs.
    pub fn setup_job(&self, stores: &Stores) -> Result<(), IoError> {
        match self.protocol(stores)? {
            Protocol::Renames(job) => job.setup_job(),
            Protocol::Uploads(job) => job.setup_job(),
        }
    }

    /// Returns whether there is anything at the output's path.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn is_there(&self, stores: &Stores) -> Result<bool, IoError> {
        match self.protocol(stores)? {
            Protocol::Renames(job) => job.is_there(),
            Protocol::Uploads(job) => job.is_there(),
        }
    }

    /// Removes the directory at the output's path if nothing is in it, and returns whether it was so. In object stores there are
    /// no empty directories.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn remove_if_empty(&self, stores: &Stores) -> Result<bool, IoError> {
        match self.protocol(stores)? {
            Protocol::Renames(job) => Ok(job.remove_if_empty()),
            Protocol::Uploads(_) => Ok(false),
        }
    }

    /// Returns whether a [`commit_job`](Self::commit_job) that has succeeded can be told by what it left, so that it may be
    /// repeated.
    pub fn shows_success(&self) -> bool {
        self.marks_success && self.existing == Existing::Refuse
    }

    /// Begins an attempt's part file, whose name ends in `suffix`: [`crate::Codec::suffix`], or that of a
    /// format. It must be finished before the attempt is committed.
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
        self.create_named(stores, partition, attempt, &part_name(self.names, partition, suffix))
    }

    /// Begins one of several files of an attempt, by a name of the caller's, which may be in directories
    /// below the output: `city=Ulm/part-00000-0a1b.c000.snappy.parquet`. Files of one job need different
    /// names, whatever task writes them; where files are added to others, so do all. Every file must be
    /// finished before the attempt is committed; an attempt that gives one up is to be aborted.
    ///
    /// ```
    /// use firesteel_io::{OutputCommitter, Stores};
    /// use firesteel_types::{Partition, TaskId};
    /// # let parent = tempfile::tempdir().unwrap();
    /// # let dir = parent.path().join("out").to_str().unwrap().to_string();
    /// let (stores, output) = (Stores::default(), OutputCommitter::new(&dir, "job-0")?);
    /// output.setup_job(&stores)?;
    /// for name in ["city=Bonn/part-00000", "city=Ulm/part-00000"] {
    ///     output.create_file(&stores, Partition(0), TaskId(7), name)?.finish()?;
    /// }
    /// assert!(output.create_file(&stores, Partition(0), TaskId(7), "../part-00000").is_err());
    /// output.commit_task(&stores, Partition(0), TaskId(7))?;
    /// output.commit_job(&stores, 1)?;
    /// assert!(std::fs::exists(format!("{dir}/city=Bonn/part-00000")).unwrap());
    /// # Ok::<(), firesteel_io::IoError>(())
    /// ```
    ///
    /// # Errors
    /// [`IoCause::BadPath`] if the name is not relative, has an empty part or one that begins with a dot, or
    /// is one that the commit uses itself. [`IoCause::JobEnded`] if the job is not set up, or is over.
    pub fn create_file(
        &self,
        stores: &Stores,
        partition: Partition,
        attempt: TaskId,
        name: &str,
    ) -> Result<Output, IoError> {
        existing::check_name(name)?;
        self.create_named(stores, partition, attempt, name)
    }

    fn create_named(
        &self,
        stores: &Stores,
        partition: Partition,
        attempt: TaskId,
        name: &str,
    ) -> Result<Output, IoError> {
        match self.protocol(stores)? {
            Protocol::Renames(job) => job.create(partition, attempt, name),
            Protocol::Uploads(job) => job.create(partition, attempt, name),
        }
    }

    /// Notes that an attempt has begun. It may then commit even if it writes no file, which is an error
    /// otherwise.
    ///
    /// ```
    /// use firesteel_io::{OutputCommitter, Stores};
    /// use firesteel_types::{Partition, TaskId};
    /// # let parent = tempfile::tempdir().unwrap();
    /// # let dir = parent.path().join("out").to_str().unwrap().to_string();
    /// let (stores, output) = (Stores::default(), OutputCommitter::new(&dir, "job-0")?);
    /// output.setup_job(&stores)?;
    /// output.begin(&stores, Partition(0), TaskId(7))?;
    /// output.commit_task(&stores, Partition(0), TaskId(7))?;
    /// output.commit_job(&stores, 1)?;
    /// assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "_SUCCESS alone");
    /// # Ok::<(), firesteel_io::IoError>(())
    /// ```
    ///
    /// # Errors
    /// [`IoCause::JobEnded`] if the job is not set up, or is over.
    pub fn begin(&self, stores: &Stores, partition: Partition, attempt: TaskId) -> Result<(), IoError> {
        match self.protocol(stores)? {
            Protocol::Renames(job) => job.begin(partition, attempt),
            Protocol::Uploads(job) => job.begin(partition, attempt),
        }
    }

    /// Makes an attempt the one whose output counts, in place of an earlier one: the driver lets a second
    /// attempt commit only when the first is lost, perhaps after it had committed and before it could say so.
    /// Committing the same attempt again does nothing.
    ///
    /// # Errors
    /// [`IoCause::CommittedByAnother`] if a later attempt at the partition was first; its output is
    /// untouched. [`IoCause::NoSuchAttempt`] if this one neither wrote nor noted that it began, has a file
    /// that is not finished, or was aborted; [`IoCause::JobEnded`] if the job is over.
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

    /// Makes the files of the first `partitions` partitions appear, and then `_SUCCESS`. What they are to
    /// replace is removed just before.
    ///
    /// After an error the call may be repeated, and goes on with the steps that are left; or the job may be
    /// aborted.
    ///
    /// # Errors
    /// [`IoCause::Uncommitted`] names a partition without output; nothing has appeared or gone then.
    /// [`IoCause::OutputExists`] names a file that another one, which is to stay, would be replaced by.
    /// [`IoCause::JobEnded`] if the job is not set up, or was aborted.
    pub fn commit_job(&self, stores: &Stores, partitions: u32) -> Result<(), IoError> {
        // Both protocols know by `_SUCCESS` that they are done where nothing existed, so it is removed after
        // them.
        let unmarks = !self.marks_success && self.existing == Existing::Refuse;
        match self.protocol(stores)? {
            Protocol::Renames(job) => {
                job.commit_job(partitions)?;
                if unmarks { job.unmark_success() } else { Ok(()) }
            }
            Protocol::Uploads(job) => {
                job.commit_job(partitions)?;
                if unmarks { job.unmark_success() } else { Ok(()) }
            }
        }
    }

    /// Removes everything that the job made, and nothing else: the output directory too, unless it was there
    /// before or holds files of others. Does nothing to a job that was committed, nor to a directory that
    /// another job set up. What a job was to replace is untouched if it had not begun to commit.
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

#[cfg(test)]
mod tests;
