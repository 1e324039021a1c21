//! The batches of one split of a Parquet file: the row groups whose middle lies in it, so that splits which cover
//! a file have each of its rows once. The readers of records and of columns both stand on it.

use super::checksum::Checksums;
use super::chunks::Chunks;
use crate::error::TableError;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use firesteel_io::{FileSplit, Stores};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as Physical;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use parquet::schema::types::SchemaDescriptor;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// An opened file, whose columns are known.
pub(crate) struct ParquetFile {
    pub(crate) path: String,
    chunks: Chunks,
    pub(crate) metadata: ArrowReaderMetadata,
    sums: Option<Checksums>,
}

/// The batches of a split.
pub(crate) struct Batches {
    file: ParquetFile,
    projection: ProjectionMask,
    batch_rows: usize,
    /// Row groups to come, each with the number of its first row.
    row_groups: VecDeque<(usize, u64)>,
    current: Option<RowGroup>,
}

/// A row group that is being read.
struct RowGroup {
    batches: ParquetRecordBatchReader,
    next_row: u64,
    end: u64,
}

impl ParquetFile {
    /// Opens a file, and reads its footer.
    ///
    /// # Errors
    /// When the file cannot be opened or is no Parquet file.
    pub(crate) fn open(stores: &Stores, path: &str) -> Result<ParquetFile, TableError> {
        let chunks = Chunks::open(stores, path)?;
        let fail = |message: String| TableError::File { path: path.to_string(), message };
        let metadata = guarded(path, || ParquetMetaDataReader::new().parse_and_finish(&chunks))?;
        let sums = Checksums::of(&metadata).map_err(fail)?;
        // Arrow's notes of its own types are ignored: the file's schema says enough, in fewer types.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = guarded(path, || ArrowReaderMetadata::try_new(Arc::new(metadata), options))?;
        Ok(ParquetFile { path: path.to_string(), chunks, metadata, sums })
    }

    /// Has the columns that are stored as Julian days with nanoseconds (INT96) read as points in time, in
    /// microseconds. By themselves they would be nanoseconds without a zone, which end in the year 2262.
    ///
    /// # Errors
    /// When the file's columns contradict each other.
    pub(crate) fn with_times(self) -> Result<ParquetFile, TableError> {
        let metadata = self.metadata.metadata().clone();
        let leaves = metadata.file_metadata().schema_descr_ptr();
        let mut next = 0;
        let fields = self.metadata.schema().fields().iter().map(|field| timed(field, &leaves, &mut next));
        let schema = Arc::new(Schema::new(fields.collect::<Fields>()));
        if *schema == **self.metadata.schema() {
            return Ok(self);
        }
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(schema);
        let metadata = guarded(&self.path, || ArrowReaderMetadata::try_new(metadata, options))?;
        Ok(ParquetFile { metadata, ..self })
    }

    /// Returns the batches of a split of this file, of at most `batch_rows` rows, with a projection's columns.
    pub(crate) fn batches(self, split: &FileSplit, projection: ProjectionMask, batch_rows: usize) -> Batches {
        let row_groups = groups_within(split, self.metadata.metadata().row_groups());
        Batches { file: self, projection, batch_rows: batch_rows.max(1), row_groups, current: None }
    }
}

/// Returns a field whose INT96 leaves are points in time. `next` is the number of its first leaf.
fn timed(field: &Field, leaves: &SchemaDescriptor, next: &mut usize) -> Field {
    let mut inside = |field: &Field| Arc::new(timed(field, leaves, next));
    let data_type = match field.data_type() {
        DataType::Struct(parts) => DataType::Struct(parts.iter().map(|part| inside(part)).collect()),
        DataType::List(element) => DataType::List(inside(element)),
        DataType::Map(entries, sorted) => DataType::Map(inside(entries), *sorted),
        leaf => {
            let is_int96 =
                *next < leaves.num_columns() && leaves.column(*next).physical_type() == Physical::INT96;
            *next += 1;
            match is_int96 {
                true => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                false => leaf.clone(),
            }
        }
    };
    field.clone().with_data_type(data_type)
}

impl Batches {
    pub(crate) fn path(&self) -> &str {
        &self.file.path
    }

    /// Returns the next rows, with the number of the first in the file; none at the end of the split.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub(crate) fn next(&mut self) -> Result<Option<(RecordBatch, u64)>, TableError> {
        loop {
            let Some(mut current) = self.current.take() else {
                let Some((index, first_row)) = self.row_groups.pop_front() else { return Ok(None) };
                self.current = Some(self.open_row_group(index, first_row)?);
                continue;
            };
            let batch =
                guarded(&self.file.path, || current.batches.next().transpose().map_err(ParquetError::from))?;
            match batch {
                Some(batch) => {
                    let first_row = current.next_row;
                    current.next_row += batch.num_rows() as u64;
                    self.current = Some(current);
                    return Ok(Some((batch, first_row)));
                }
                None if current.next_row == current.end => {}
                None => {
                    let message = format!(
                        "a row group ends {} rows too early: the file is damaged",
                        current.end.abs_diff(current.next_row)
                    );
                    return Err(TableError::File { path: self.file.path.clone(), message });
                }
            }
        }
    }

    fn open_row_group(&self, index: usize, first_row: u64) -> Result<RowGroup, TableError> {
        let file = &self.file;
        let metadata = file.metadata.metadata();
        let chunks = file.chunks.load(metadata, index, &self.projection, file.sums.as_ref())?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, file.metadata.clone())
            .with_projection(self.projection.clone())
            .with_row_groups(vec![index])
            .with_batch_size(self.batch_rows);
        let batches = guarded(&file.path, || builder.build())?;
        let rows = u64::try_from(metadata.row_group(index).num_rows()).unwrap_or(0);
        Ok(RowGroup { batches, next_row: first_row, end: first_row + rows })
    }
}

/// Returns the row groups whose middle lies in a split, each with the number of its first row.
fn groups_within(split: &FileSplit, row_groups: &[RowGroupMetaData]) -> VecDeque<(usize, u64)> {
    let mut first_row = 0;
    let mut within = VecDeque::new();
    for (index, row_group) in row_groups.iter().enumerate() {
        let ranges = row_group.columns().iter().map(|column| column.byte_range());
        let (start, length) = ranges.fold((u64::MAX, 0_u64), |(start, length), (at, more)| {
            (start.min(at), length.saturating_add(more))
        });
        let middle = start.saturating_add(length / 2);
        if (split.start..split.end()).contains(&middle) {
            within.push_back((index, first_row));
        }
        first_row += u64::try_from(row_group.num_rows()).unwrap_or(0);
    }
    within
}

/// Runs the library on a file's bytes. It may panic on bytes that no writer wrote: that is an error like its
/// others.
pub(crate) fn guarded<R>(path: &str, f: impl FnOnce() -> Result<R, ParquetError>) -> Result<R, TableError> {
    let damaged = |what: &str| TableError::File {
        path: path.into(),
        message: format!("it is no Parquet file that can be read, or damaged: {what}"),
    };
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ParquetError::External(error))) => match error.downcast::<firesteel_io::IoError>() {
            Ok(error) => Err(TableError::Io(*error)),
            Err(error) => Err(damaged(&error.to_string())),
        },
        Ok(Err(error)) => Err(damaged(&error.to_string())),
        Err(_) => Err(damaged("its contents contradict each other")),
    }
}
