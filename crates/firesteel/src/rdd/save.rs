//! Saving as text: a directory with a file for each partition, which is there whole or not at all.

use super::Rdd;
use crate::error::{Error, Result, site};
use firesteel_data::Data;
use firesteel_io::{Codec, IoError, OutputCommitter, TextWriter};
use firesteel_operators::{Origin, Outcome, Stream, watch};
use firesteel_types::{CallSite, Partition, TaskFailure};
use std::fmt::{Display, Write};
use std::panic::Location;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

impl<T: Data + Display> Rdd<T> {
    /// Writes each record as a line, into `part-00000` and so on in a new directory. `_SUCCESS` appears there last, when
    /// everything is in place; after a failure nothing is left.
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; or when the job fails.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// let out = dir.path().join("squares");
    /// sc.range_in(0..4, 2).map(|x| x * x).save_as_text_file(out.to_str().unwrap())?;
    /// assert_eq!(std::fs::read_to_string(out.join("part-00001")).unwrap(), "4\n9\n");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn save_as_text_file(&self, path: &str) -> Result<()> {
        self.save_at(site("save_as_text_file", Location::caller()), path, Codec::Plain)
    }

    /// [`Rdd::save_as_text_file`], compressed. The files' names end in the codec's suffix.
    ///
    /// # Errors
    /// As [`Rdd::save_as_text_file`].
    #[track_caller]
    pub fn save_as_text_file_with(&self, path: &str, codec: Codec) -> Result<()> {
        self.save_at(site("save_as_text_file_with", Location::caller()), path, codec)
    }

    fn save_at(&self, site: CallSite, path: &str, codec: Codec) -> Result<()> {
        let failed = |source| Error::Io { site: site.clone(), source };
        let committer = OutputCommitter::new(path, &job_token()).map_err(failed)?;
        committer.setup_job().map_err(failed)?;
        let written = self.write_parts(&site, &committer, codec);
        let finished =
            written.and_then(|()| committer.commit_job(self.node().info.partitions).map_err(failed));
        if finished.is_err() {
            // The failure that brought us here is the one to report.
            let _ = committer.abort_job();
        }
        finished
    }

    fn write_parts(&self, site: &CallSite, committer: &OutputCommitter, codec: Codec) -> Result<()> {
        let sent = (committer.clone(), codec);
        let write = |(committer, codec): &(OutputCommitter, Codec), partition, stream| {
            write_part(committer, *codec, partition, stream)
        };
        self.each_partition(site.clone(), &sent, write).map(drop)
    }
}

/// Writes one part and commits it, if the driver lets this attempt be the one.
fn write_part<T: Data + Display>(
    committer: &OutputCommitter,
    codec: Codec,
    partition: Partition,
    stream: Stream<T>,
) -> Outcome<()> {
    let task = stream.task().clone();
    let attempt = task.spec().task;
    let written = write_lines(committer, codec, partition, attempt, stream).and_then(|()| {
        match task.services().commit.may_commit(attempt) {
            true => committer.commit_task(partition, attempt).map_err(io_failure),
            false => Err(Box::new(TaskFailure::CommitDenied)),
        }
    });
    if written.is_err() {
        let _ = committer.abort_task(partition, attempt);
    }
    written
}

fn write_lines<T: Data + Display>(
    committer: &OutputCommitter,
    codec: Codec,
    partition: Partition,
    attempt: firesteel_types::TaskId,
    stream: Stream<T>,
) -> Outcome<()> {
    let path = committer.task_path(partition, attempt, codec.suffix()).map_err(io_failure)?;
    let mut writer = TextWriter::create(&path, codec).map_err(io_failure)?;
    let mut line = String::new();
    stream.for_each(|batch| {
        for record in batch.as_slice() {
            line.clear();
            // Writing to a string cannot fail; a Display that fails on its own writes what it got to.
            let _ = writeln!(line, "{record}");
            writer.write_bytes(line.as_bytes()).map_err(io_failure)?;
        }
        Ok(())
    })?;
    writer.finish().map(drop).map_err(io_failure)
}

fn io_failure(error: IoError) -> Box<TaskFailure> {
    let site = watch::site().unwrap_or_else(|| Arc::new(CallSite::default()));
    Origin { rdd: firesteel_types::RddId(0), site }.io_failure(error)
}

/// A word that no other job has: names the staging directory.
fn job_token() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{:x}-{since:x}", std::process::id())
}
