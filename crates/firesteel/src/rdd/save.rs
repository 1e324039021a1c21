//! Saving: a directory with a file for each partition, which is there whole or not at all. The steps that all formats
//! share, and text.

use super::Rdd;
use crate::error::{Error, Result, site};
use crate::file_options::FileOptions;
use firesteel_closures::Plain;
use firesteel_data::{Data, Environment};
use firesteel_io::{Codec, IoError, Output, OutputCommitter, TextWriter};
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
        let options = self.context().file_options()?;
        self.save_lines(site("save_as_text_file", Location::caller()), path, options.hadoop.codec(), &options)
    }

    /// [`Rdd::save_as_text_file`], compressed. The files' names end in the codec's suffix.
    ///
    /// # Errors
    /// As [`Rdd::save_as_text_file`].
    #[track_caller]
    pub fn save_as_text_file_with(&self, path: &str, codec: Codec) -> Result<()> {
        let options = self.context().file_options()?;
        self.save_lines(site("save_as_text_file_with", Location::caller()), path, codec, &options)
    }

    /// [`Rdd::save_as_text_file_with`], by options that another face was given.
    ///
    /// # Errors
    /// As [`Rdd::save_as_text_file`].
    #[doc(hidden)]
    pub fn save_lines(&self, site: CallSite, path: &str, codec: Codec, options: &FileOptions) -> Result<()> {
        let write =
            |codec: &Codec, _, stream: Stream<T>, output| Ok((write_lines(stream, output, *codec)?, ()));
        self.save_checked(&site, path, options, codec.suffix(), codec, write, |_| Ok(()))
    }
}

impl<T: Data> Rdd<T> {
    /// Saves every partition as one part file, whose name ends in `suffix`, into a new directory; what all formats share.
    /// `write` is given a file that was begun, and gives it back when all is written but nothing finished: that, and the
    /// commit, are done here.
    pub(crate) fn save_parts<E: Environment>(
        &self,
        site: &CallSite,
        path: &str,
        suffix: &str,
        environment: E,
        write: impl Fn(&E, Partition, Stream<T>, Output) -> Outcome<Output> + Plain,
    ) -> Result<()> {
        let options = self.context().file_options()?;
        let write = move |environment: &E, partition: Partition, stream: Stream<T>, output: Output| {
            Ok((write(environment, partition, stream, output)?, ()))
        };
        self.save_checked(site, path, &options, suffix, environment, write, |_| Ok(()))
    }

    /// [`Rdd::save_parts`] by options, where each task says something of its part, and the parts appear only if what all of them
    /// said passes a check.
    #[expect(clippy::too_many_arguments, reason = "the last two are what varies, and read best at the call")]
    pub(crate) fn save_checked<E: Environment, U: Data>(
        &self,
        site: &CallSite,
        path: &str,
        options: &FileOptions,
        suffix: &str,
        environment: E,
        write: impl Fn(&E, Partition, Stream<T>, Output) -> Outcome<(Output, U)> + Plain,
        check: impl FnOnce(Vec<U>) -> Result<()>,
    ) -> Result<()> {
        let failed = |source| Error::Io { site: site.clone(), source };
        let committer = OutputCommitter::new(path, &job_token()).map_err(failed)?;
        let committer = committer.named(options.names).marking_success(options.hadoop.marks_success());
        committer.setup_job(self.context().stores()).map_err(failed)?;
        let sent = (committer.clone(), suffix.to_string(), environment);
        let written = self.each_partition(site.clone(), &sent, move |sent: &Sent<E>, partition, stream| {
            let (committer, suffix, environment) = sent;
            save_part(committer, suffix, partition, stream, |stream, output| {
                write(environment, partition, stream, output)
            })
        });
        let finished = written.and_then(check).and_then(|()| {
            committer.commit_job(self.context().stores(), self.node().info.partitions).map_err(failed)
        });
        if finished.is_err() {
            // The failure that brought us here is the one to report.
            let _ = committer.abort_job(self.context().stores());
        }
        finished
    }
}

/// What a task of a save is sent.
type Sent<E> = (OutputCommitter, String, E);

/// Writes one part and commits it, if the driver lets this attempt be the one.
fn save_part<T: Data, U>(
    committer: &OutputCommitter,
    suffix: &str,
    partition: Partition,
    stream: Stream<T>,
    write: impl FnOnce(Stream<T>, Output) -> Outcome<(Output, U)>,
) -> Outcome<U> {
    let task = stream.task().clone();
    let (attempt, stores) = (task.spec().task, &task.services().stores);
    let written = committer
        .create(stores, partition, attempt, suffix)
        .map_err(io_failure)
        .and_then(|output| write(stream, output))
        .and_then(|(output, said)| output.finish().map_err(io_failure).map(|_| said))
        .and_then(|said| match task.services().commit.may_commit(attempt) {
            true => committer.commit_task(stores, partition, attempt).map_err(io_failure).map(|()| said),
            false => Err(Box::new(TaskFailure::CommitDenied)),
        });
    if written.is_err() {
        let _ = committer.abort_task(stores, partition, attempt);
    }
    written
}

fn write_lines<T: Data + Display>(stream: Stream<T>, output: Output, codec: Codec) -> Outcome<Output> {
    let mut writer = TextWriter::new(output, codec).map_err(io_failure)?;
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
    writer.into_output().map_err(io_failure)
}

/// A failure to read or write a file, blamed on the operation that [`watch`] has noted.
pub(crate) fn io_failure(error: IoError) -> Box<TaskFailure> {
    let site = watch::site().unwrap_or_else(|| Arc::new(CallSite::default()));
    Origin { rdd: firesteel_types::RddId(0), site }.io_failure(error)
}

/// A word that no other job has: names the staging directory.
fn job_token() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{:x}-{since:x}", std::process::id())
}
