//! Tables: CSV, JSON lines and Parquet as RDDs of the program's own record types. The formats are in
//! `crates/tables`; here are the options of reading, the cut into partitions, and the treatment of bad rows.
//! `rdd/save_tables.rs` writes.

mod bad_rows;
#[cfg(feature = "parquet")]
mod batches;
mod csv;
mod json;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(not(feature = "parquet"))]
mod without_parquet;

pub use bad_rows::{BadRowReport, BadRows};
#[cfg(feature = "parquet")]
pub use batches::{ReadBatches, SaveBatches};
pub use csv::ReadCsv;
pub use json::ReadJsonLines;
#[cfg(feature = "parquet")]
pub use parquet::ReadParquet;
#[cfg(not(feature = "parquet"))]
#[doc(hidden)]
pub use without_parquet::BuiltWithParquet;

use crate::Context;
use crate::rdd::{Rdd, count};
use crate::{Error, Result};
use bad_rows::SentBadRows;
use firesteel_data::{Batch, Data};
use firesteel_driver::{Parts, site, table_failure};
use firesteel_io::{FileSplit, InputFile, SplitOptions, file_splits, list_inputs};
use firesteel_operators::{Batches, OperatorRef, Outcome};
use firesteel_tables::{CsvReader, JsonReader, OnBadRow, TableError};
use firesteel_types::CallSite;
use std::panic::Location;

/// The options that all formats share.
struct Source {
    context: Context,
    site: CallSite,
    path: String,
    bad_rows: BadRows,
    min_partitions: Option<usize>,
}

impl Source {
    fn new(context: &Context, operation: &str, path: &str, location: &Location<'_>) -> Self {
        let (context, site) = (context.clone(), site(operation, location));
        Source { context, site, path: path.into(), bad_rows: BadRows::Fail, min_partitions: None }
    }

    fn files(&self) -> Result<Vec<InputFile>> {
        list_inputs(self.context.driver().stores(), &self.path)
            .map_err(|source| Error::Io { site: self.site.clone(), source })
    }

    /// Cuts files into splits as lines of text are cut.
    fn line_splits(&self, files: &[InputFile]) -> Vec<FileSplit> {
        let wanted = self.context.driver().min_partitions(self.min_partitions);
        file_splits(files, &SplitOptions::new(u64::from(wanted)))
    }

    fn failed(&self, source: TableError) -> Error {
        Error::Table { site: self.site.clone(), source }
    }

    fn rdd<T: Data>(
        self,
        partitions: usize,
        code: std::result::Result<OperatorRef, firesteel_data::DataError>,
    ) -> Rdd<T> {
        let parts = Parts::source(self.site, count(partitions).min(partitions as u32), code);
        Rdd::of(self.context.driver().rdd(parts))
    }
}

/// A reader of one split, of any format.
trait ReadBatch<T> {
    /// Appends the next records to `out`. Returns false when the split is over.
    fn read_batch(
        &mut self,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> std::result::Result<bool, TableError>;
}

impl<T: Data> ReadBatch<T> for CsvReader<T> {
    fn read_batch(
        &mut self,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> std::result::Result<bool, TableError> {
        CsvReader::read_batch(self, out, on_bad_row)
    }
}

impl<T: Data> ReadBatch<T> for JsonReader<T> {
    fn read_batch(
        &mut self,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> std::result::Result<bool, TableError> {
        JsonReader::read_batch(self, out, on_bad_row)
    }
}

/// The records of one split on their way through a task.
struct Rows<R> {
    /// `None` once the split is over.
    reader: Option<R>,
    bad_rows: SentBadRows,
}

impl<R> Rows<R> {
    fn open(reader: std::result::Result<R, TableError>, bad_rows: &SentBadRows) -> Outcome<Self> {
        let reader = reader.map_err(|error| table_failure("read the table", error))?;
        Ok(Rows { reader: Some(reader), bad_rows: bad_rows.clone() })
    }
}

impl<T: Data, R: ReadBatch<T>> Batches<T> for Rows<R> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let mut records = vec![];
        let bad_rows = &self.bad_rows;
        match reader.read_batch(&mut records, &mut |row| bad_rows.take(row)) {
            Ok(true) => {}
            Ok(false) => self.reader = None,
            Err(error) => return Err(table_failure("read the table", error)),
        }
        Ok(Some(Batch::Owned(records)))
    }
}
