//! Saving an RDD: a directory with a file for each partition, which appears whole or not at all. The steps
//! that all formats share, then lines of text and object files.

use super::UntypedRdd;
use super::saving::Saving;
use crate::error::{Error, Result};
use crate::file_options::FileOptions;
use crate::job::Restart;
use firesteel_closures::Plain;
use firesteel_data::{Data, Environment};
use firesteel_io::{
    Codec, Existing, IoError, IoOperation, ObjectWriter, Output, OutputCommitter, TextWriter,
};
use firesteel_operators::{Outcome, Stream, io_failure};
use firesteel_types::{CallSite, Partition, TaskFailure};
use std::fmt::{Display, Write};

impl UntypedRdd {
    /// Writes each record, which is a `T`, as a line, into `part-00000` and so on in a new directory.
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; or when the job fails.
    pub fn save_lines<T: Data + Display>(
        &self,
        site: &CallSite,
        path: &str,
        codec: Codec,
        options: &FileOptions,
    ) -> Result<()> {
        let write =
            |codec: &Codec, _, stream: Stream<T>, output| Ok((write_lines(stream, output, *codec)?, ()));
        self.save_checked(site, path, options, codec.suffix(), codec, write, |_| Ok(()))
    }

    /// Writes records, which are `T`s, as object files, in Firesteel's own format.
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; or when the job fails.
    pub fn save_objects<T: Data>(&self, site: &CallSite, path: &str) -> Result<()> {
        self.save_objects_onto::<T>(site, path, Existing::Refuse)
    }

    /// Writes records, which are `T`s, as object files, and does this about files that are there already.
    ///
    /// # Errors
    /// When what exists is to be refused, before anything is computed; or when the job fails.
    pub(super) fn save_objects_onto<T: Data>(
        &self,
        site: &CallSite,
        path: &str,
        existing: Existing,
    ) -> Result<()> {
        let options = FileOptions { existing, ..FileOptions::from_conf(self.context.conf())? };
        let write = |(): &(), _: Partition, stream: Stream<T>, output: Output| {
            let path = output.path().to_string();
            let mut writer = ObjectWriter::<_, T>::create(output).map_err(io_failure)?;
            let failed = |cause| io_failure(IoError::new(IoOperation::Write, &path, cause));
            stream.for_each(|batch| writer.append(batch.as_slice()).map_err(failed))?;
            Ok((writer.finish().map_err(failed)?, ()))
        };
        self.save_checked(site, path, &options, "", (), write, |_| Ok(()))
    }

    /// Saves parts as [`UntypedRdd::save_checked`] does, by the context's settings and without a check.
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; or when the job fails.
    pub fn save_parts<T: Data, E: Environment>(
        &self,
        site: &CallSite,
        path: &str,
        suffix: &str,
        environment: E,
        write: impl Fn(&E, Partition, Stream<T>, Output) -> Outcome<Output> + Plain,
    ) -> Result<()> {
        let options = FileOptions::from_conf(self.context.conf())?;
        let write = move |environment: &E, partition: Partition, stream: Stream<T>, output: Output| {
            Ok((write(environment, partition, stream, output)?, ()))
        };
        self.save_checked(site, path, &options, suffix, environment, write, |_| Ok(()))
    }

    /// Saves every partition, whose records are `T`s, as one part file, whose name ends in `suffix`, into a
    /// new directory, which appears whole or not at all. `write` receives a file that was begun, and returns
    /// it when all records are written but the file is not finished, with a report on its part; the parts
    /// appear only if all reports pass `check`.
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; when the job fails; or when `check`
    /// does.
    #[expect(clippy::too_many_arguments, reason = "the last two are what varies, and read best at the call")]
    pub fn save_checked<T: Data, E: Environment, U: Data>(
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
        let saving = Saving::begin(&self.context, site, path, |token| {
            let committer = OutputCommitter::new(path, token).map_err(failed)?;
            let committer = committer.named(options.names).onto(options.existing);
            Ok(committer.marking_success(options.hadoop.marks_success()))
        })?;
        let sent = (saving.committer.clone(), suffix.to_string(), environment);
        let save = move |sent: &Sent<E>, partition, stream| {
            let (committer, suffix, environment) = sent;
            save_part(committer, suffix, partition, stream, |stream, output| {
                write(environment, partition, stream, output)
            })
        };
        let begins = |job| saving.job_begins(job);
        let restart = Restart { begins: Some(&begins), runs: false };
        let written = self.each_partition_with(site.clone(), &sent, save, restart);
        saving.end(written.and_then(check), self.partitions())
    }
}

/// The environment of a save's tasks.
type Sent<E> = (OutputCommitter, String, E);

/// Writes one part and commits it, if the driver permits this attempt to commit.
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
        .and_then(|output| write(stream.counted_as_output(), output))
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
            // Writing to a string cannot fail; of a `Display` that fails on its own, the line holds what it
            // wrote before.
            let _ = writeln!(line, "{record}");
            writer.write_bytes(line.as_bytes()).map_err(io_failure)?;
        }
        Ok(())
    })?;
    writer.into_output().map_err(io_failure)
}
