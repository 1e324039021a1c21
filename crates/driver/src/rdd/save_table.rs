//! Saving column batches as a table: files with Spark's names, in directories named after the values of some of
//! the columns if the program asks for these.
//!
//! A task has a file open for each directory, up to a number; beyond it the file that was written to longest
//! ago is finished, and its directory gets another file when more rows come.

use super::UntypedRdd;
use super::saving::Saving;
use crate::error::{Error, Result};
use crate::file_options::FileOptions;
use crate::job::Restart;
use crate::table_failure::table_failure;
use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use firesteel_io::{Existing, OutputCommitter, Stores};
use firesteel_operators::{Outcome, Stream, io_failure};
use firesteel_tables::TableError;
use firesteel_tables::columns::{ColumnBatch, TableSink, WriteColumns, directory_name, directory_texts};
use firesteel_types::{CallSite, Partition, TaskFailure, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most files that a task has open.
const OPEN_FILES: usize = 32;

/// How a table is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SaveTable {
    /// The files' format, options and columns: all but those of directories.
    pub sink: TableSink,
    /// The columns that are directories, with their numbers among all columns, from the outermost inwards.
    pub directories: Vec<(String, usize)>,
    /// The most rows of a file; 0 for as many as come.
    pub rows_per_file: usize,
}

/// The environment of a save's tasks.
#[derive(Serialize, Deserialize)]
struct Sent {
    committer: OutputCommitter,
    table: SaveTable,
    suffix: String,
    /// The mark that the names of all files of the job have.
    mark: String,
}

impl UntypedRdd {
    /// Saves an RDD of column batches as a table.
    ///
    /// # Errors
    /// When files exist that are to be refused, or the options contradict themselves, before anything is
    /// computed; or when the job fails.
    pub fn save_table(
        &self,
        site: &CallSite,
        path: &str,
        table: SaveTable,
        existing: Existing,
        options: &FileOptions,
    ) -> Result<()> {
        let failed = |source| Error::Io { site: site.clone(), source };
        let suffix = table.sink.suffix();
        let suffix = suffix.map_err(|message| Error::InvalidArgument { site: site.clone(), message })?;
        let saving = Saving::begin(&self.context, site, path, |token| {
            let committer = OutputCommitter::new(path, token).map_err(failed)?.onto(existing);
            Ok(committer.marking_success(options.hadoop.marks_success()))
        })?;
        let mark = mark(&saving.token);
        let sent = Sent { committer: saving.committer.clone(), table, suffix, mark };
        let save = |sent: &Sent, partition, stream: Stream<ColumnBatch>| save_part(sent, partition, stream);
        let begins = |job| saving.job_begins(job);
        let restart = Restart { begins: Some(&begins), runs: false };
        let written = self.each_partition_with(site.clone(), &sent, save, restart);
        saving.end(written.map(drop), self.partitions())
    }
}

/// Returns a mark in the form of a UUID, which Spark's files have.
fn mark(token: &str) -> String {
    let hex = blake3::hash(token.as_bytes()).to_hex();
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
}

fn save_part(sent: &Sent, partition: Partition, stream: Stream<ColumnBatch>) -> Outcome<()> {
    let task = stream.task().clone();
    let (attempt, stores) = (task.spec().task, &task.services().stores);
    let committer = &sent.committer;
    let written = committer
        .begin(stores, partition, attempt)
        .map_err(io_failure)
        .and_then(|()| Part::new(sent, stores, partition, attempt).write_all(stream))
        .and_then(|()| match task.services().commit.may_commit(attempt) {
            true => committer.commit_task(stores, partition, attempt).map_err(io_failure),
            false => Err(Box::new(TaskFailure::CommitDenied)),
        });
    if written.is_err() {
        let _ = committer.abort_task(stores, partition, attempt);
    }
    written
}

/// The files that one attempt writes.
struct Part<'a> {
    sent: &'a Sent,
    stores: &'a Stores,
    partition: Partition,
    attempt: TaskId,
    /// By directory.
    open: BTreeMap<String, OpenFile>,
    /// The number of files that each directory got.
    counts: BTreeMap<String, usize>,
    clock: u64,
}

struct OpenFile {
    writer: Box<dyn WriteColumns>,
    rows: usize,
    used: u64,
}

impl<'a> Part<'a> {
    fn new(sent: &'a Sent, stores: &'a Stores, partition: Partition, attempt: TaskId) -> Self {
        let (open, counts) = (BTreeMap::new(), BTreeMap::new());
        Part { sent, stores, partition, attempt, open, counts, clock: 0 }
    }

    fn write_all(mut self, stream: Stream<ColumnBatch>) -> Outcome<()> {
        let task = stream.task().clone();
        stream.for_each(|batch| {
            batch.into_vec().into_iter().try_for_each(|ColumnBatch(batch)| {
                task.meter().output_records.add(batch.num_rows() as u64);
                self.write(&batch).map_err(failure)
            })
        })?;
        // A table without rows has its columns, in the file of the first partition.
        if self.partition.0 == 0 && self.counts.is_empty() && self.sent.table.directories.is_empty() {
            self.file("").map_err(failure)?;
        }
        let names: Vec<String> = self.open.keys().cloned().collect();
        names.iter().try_for_each(|name| self.finish(name)).map_err(failure)
    }

    fn write(&mut self, batch: &RecordBatch) -> std::result::Result<(), TableError> {
        let directories = &self.sent.table.directories;
        if directories.is_empty() {
            return self.write_into("", batch);
        }
        let fail = |message| TableError::File { path: "the table".into(), message };
        let mut names = vec![String::new(); batch.num_rows()];
        for (name, column) in directories {
            let column: &ArrayRef = batch.column(*column);
            for (row, text) in
                directory_texts(column, &self.sent.table.sink.options).map_err(fail)?.iter().enumerate()
            {
                names[row] += &directory_name(name, text.as_deref());
                names[row].push('/');
            }
        }
        let mut rows = BTreeMap::<&str, Vec<u32>>::new();
        for (row, name) in names.iter().enumerate() {
            rows.entry(name).or_default().push(row as u32);
        }
        let own: Vec<usize> =
            (0..batch.num_columns()).filter(|at| directories.iter().all(|(_, above)| above != at)).collect();
        let failed = |error: arrow_schema::ArrowError| fail(error.to_string());
        let own = batch.project(&own).map_err(failed)?;
        for (name, rows) in rows {
            let part =
                arrow_select::take::take_record_batch(&own, &UInt32Array::from(rows)).map_err(failed)?;
            self.write_into(name, &part)?;
        }
        Ok(())
    }

    fn write_into(&mut self, directory: &str, batch: &RecordBatch) -> std::result::Result<(), TableError> {
        let most = self.sent.table.rows_per_file;
        let mut at = 0;
        while at < batch.num_rows() {
            let file = self.file(directory)?;
            let left = if most == 0 { batch.num_rows() - at } else { most - file.rows };
            let rows = left.min(batch.num_rows() - at);
            file.writer.write(&batch.slice(at, rows))?;
            file.rows += rows;
            at += rows;
            if most > 0 && file.rows == most {
                self.finish(directory)?;
            }
        }
        Ok(())
    }

    /// Returns the open file of a directory, or begins one.
    fn file(&mut self, directory: &str) -> std::result::Result<&mut OpenFile, TableError> {
        self.clock += 1;
        if !self.open.contains_key(directory) {
            if self.open.len() >= OPEN_FILES
                && let Some(oldest) =
                    self.open.iter().min_by_key(|(_, file)| file.used).map(|(name, _)| name.clone())
            {
                self.finish(&oldest)?;
            }
            let count = self.counts.entry(directory.to_string()).or_default();
            // Spark joins the count by a dot where there are directories.
            let joint = if self.sent.table.directories.is_empty() { '-' } else { '.' };
            let name = format!(
                "{directory}part-{:05}-{}{joint}c{:03}{}",
                self.partition.0, self.sent.mark, count, self.sent.suffix
            );
            *count += 1;
            let output = self.sent.committer.create_file(self.stores, self.partition, self.attempt, &name)?;
            let writer = self.sent.table.sink.create(output)?;
            self.open.insert(directory.to_string(), OpenFile { writer, rows: 0, used: 0 });
        }
        let used = self.clock;
        match self.open.get_mut(directory) {
            Some(file) => {
                file.used = used;
                Ok(file)
            }
            None => Err(TableError::File { path: directory.into(), message: "the file is not open".into() }),
        }
    }

    fn finish(&mut self, directory: &str) -> std::result::Result<(), TableError> {
        let Some(file) = self.open.remove(directory) else { return Ok(()) };
        file.writer.finish()?.finish()?;
        Ok(())
    }
}

fn failure(error: TableError) -> Box<TaskFailure> {
    table_failure("write the table", error)
}
