//! Reading CSV files.

use super::bad_rows::{BadRows, SentBadRows};
use super::{Rows, Source};
use crate::Context;
use crate::rdd::Rdd;
use crate::{Error, Result};
use firesteel_data::Data;
use firesteel_io::{FileSplit, Stores};
use firesteel_operators::Open;
use firesteel_tables::{CsvFormat, CsvReader};
use firesteel_types::Partition;
use std::marker::PhantomData;
use std::panic::Location;

/// Options of reading CSV, and then [`load`](ReadCsv::load). Made by [`Context::read_csv`].
#[must_use = "nothing is read before `load`"]
pub struct ReadCsv<T> {
    source: Source,
    format: CsvFormat,
    types: PhantomData<fn() -> T>,
}

/// # Tables
impl Context {
    /// Reads CSV files as records of a type of your own: a struct, whose fields are found by the names in
    /// each file's header, in any order; a tuple, by position; or a map from names to values. Paths as for
    /// [`Context::text_file`]; compressed files too.
    ///
    /// Columns that the record has no field for are skipped; one that is missing is an error, unless its
    /// field is an `Option` or has a `#[serde(default)]`. Records are lines:
    /// [`multi_line`](ReadCsv::multi_line) changes that.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Flight {
    ///     carrier: String,
    ///     #[serde(rename = "DEP_DELAY")]
    ///     delay: Option<i32>,
    /// }
    ///
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("flights.csv").to_str().unwrap().to_string();
    /// std::fs::write(&path, "year,DEP_DELAY,carrier\n2024,17,AA\n2024,,UA\n2024,4,AA\n").unwrap();
    /// let flights = sc.read_csv::<Flight>(&path).load()?;
    /// let delays = flights.flat_map(|f| f.delay.map(|delay| (f.carrier, delay))).reduce_by_key(|a, b| a + b);
    /// assert_eq!(delays.collect()?, [("AA".to_string(), 21)]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn read_csv<T: Data>(&self, path: &str) -> ReadCsv<T> {
        let source = Source::new(self, "read_csv", path, Location::caller());
        ReadCsv { source, format: CsvFormat::default(), types: PhantomData }
    }
}

impl<T: Data> ReadCsv<T> {
    /// Sets all of the dialect at once.
    pub fn format(mut self, format: CsvFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets whether each file's first line names its columns: true by default. Without a header, columns are
    /// in the order of the record's fields.
    pub fn header(mut self, header: bool) -> Self {
        self.format.header = header;
        self
    }

    /// Sets the separator of fields: a comma by default.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.format.delimiter = delimiter;
        self
    }

    /// Sets the quote around fields that contain delimiters: `"` by default; with `None`, nothing is quoted.
    pub fn quote(mut self, quote: impl Into<Option<u8>>) -> Self {
        self.format.quote = quote.into();
        self
    }

    /// Sets the escape character, which takes the meaning from the character behind it, within quotes: none
    /// by default.
    pub fn escape(mut self, escape: impl Into<Option<u8>>) -> Self {
        self.format.escape = escape.into();
        self
    }

    /// Sets the unquoted text that is `None` in `Option` fields: an empty field by default; `NA` in files
    /// that R wrote.
    pub fn null(self, null: &str) -> Self {
        self.nulls([null])
    }

    /// [`null`](ReadCsv::null), for several texts: `["NA", ""]`.
    pub fn nulls<'a>(mut self, nulls: impl IntoIterator<Item = &'a str>) -> Self {
        self.format.nulls = nulls.into_iter().map(String::from).collect();
        self
    }

    /// Sets whether quoted fields may hold line ends: false by default. Such files cannot be read from their
    /// middle, so each is one partition.
    pub fn multi_line(mut self, multi_line: bool) -> Self {
        self.format.multi_line = multi_line;
        self
    }

    /// Sets the treatment of rows that are no records: by default the job fails.
    pub fn bad_rows(mut self, bad_rows: BadRows) -> Self {
        self.source.bad_rows = bad_rows;
        self
    }

    /// Sets the least number of partitions into which the files are cut, as [`Context::text_file`] does.
    pub fn min_partitions(mut self, partitions: usize) -> Self {
        self.source.min_partitions = Some(partitions);
        self
    }

    /// Returns the records. The header of the first file that is not empty is read now, so that a wrong one
    /// is reported here; the rest is read by the actions that need it.
    ///
    /// # Errors
    /// When a path does not exist, the options contradict each other, or the first file lacks columns.
    pub fn load(self) -> Result<Rdd<T>> {
        let ReadCsv { source, format, .. } = self;
        format.check().map_err(|message| Error::InvalidArgument { site: source.site.clone(), message })?;
        let files = source.files()?;
        if let Some(file) = files.iter().find(|file| file.length > 0) {
            CsvReader::<T>::open(source.context.driver().stores(), &FileSplit::whole(file), &format)
                .map_err(|error| source.failed(error))?;
        }
        let splits = match format.multi_line {
            true => files.iter().map(FileSplit::whole).collect(),
            false => source.line_splits(&files),
        };
        let sent: Sent = (splits, format, source.bad_rows.sent());
        let code =
            Open::code(&sent, |stores: &Stores, (splits, format, bad_rows): &Sent, partition: Partition| {
                Rows::open(CsvReader::<T>::open(stores, &splits[partition.index()], format), bad_rows)
            });
        Ok(source.rdd(sent.0.len(), code))
    }
}

/// The environment of a task.
type Sent = (Vec<FileSplit>, CsvFormat, SentBadRows);
