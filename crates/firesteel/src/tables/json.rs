//! Reading JSON lines.

use super::bad_rows::{BadRows, SentBadRows};
use super::{Rows, Source};
use crate::Context;
use crate::Result;
use crate::rdd::Rdd;
use firesteel_data::Data;
use firesteel_io::{FileSplit, Stores};
use firesteel_operators::Open;
use firesteel_tables::JsonReader;
use firesteel_types::Partition;
use std::marker::PhantomData;
use std::panic::Location;

/// Options of reading JSON lines, and then [`load`](ReadJsonLines::load). Made by
/// [`Context::read_json_lines`].
#[must_use = "nothing is read before `load`"]
pub struct ReadJsonLines<T> {
    source: Source,
    types: PhantomData<fn() -> T>,
}

/// # Tables
impl Context {
    /// Reads files with a JSON value on each line as records of a type of your own. Paths as for
    /// [`Context::text_file`]; compressed files too. Fields that the record does not name are skipped, and so
    /// are blank lines.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Event {
    ///     user: String,
    ///     tags: Vec<String>,
    /// }
    ///
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("a.json").to_str().unwrap().to_string();
    /// std::fs::write(&path, "{\"user\": \"ada\", \"tags\": [\"a\", \"b\"]}\n{\"tags\": [], \"user\": \"bob\"}\n").unwrap();
    /// let events = sc.read_json_lines::<Event>(&path).load()?;
    /// assert_eq!(events.map(|event| event.tags.len()).collect()?, [2, 0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn read_json_lines<T: Data>(&self, path: &str) -> ReadJsonLines<T> {
        let source = Source::new(self, "read_json_lines", path, Location::caller());
        ReadJsonLines { source, types: PhantomData }
    }
}

impl<T: Data> ReadJsonLines<T> {
    /// Sets the treatment of lines that are no records: by default the job fails.
    pub fn bad_rows(mut self, bad_rows: BadRows) -> Self {
        self.source.bad_rows = bad_rows;
        self
    }

    /// Sets the least number of partitions into which the files are cut, as [`Context::text_file`] does.
    pub fn min_partitions(mut self, partitions: usize) -> Self {
        self.source.min_partitions = Some(partitions);
        self
    }

    /// Returns the records. Nothing is read yet.
    ///
    /// # Errors
    /// When a path does not exist or a pattern matches nothing.
    pub fn load(self) -> Result<Rdd<T>> {
        let source = self.source;
        let splits = source.line_splits(&source.files()?);
        let sent: Sent = (splits, source.bad_rows.sent());
        let code = Open::code(&sent, |stores: &Stores, (splits, bad_rows): &Sent, partition: Partition| {
            Rows::open(JsonReader::<T>::open(stores, &splits[partition.index()]), bad_rows)
        });
        Ok(source.rdd(sent.0.len(), code))
    }
}

/// The environment of a task.
type Sent = (Vec<FileSplit>, SentBadRows);
