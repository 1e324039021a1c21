//! The Parquet reader: reads the records of one split of a file. The split has the row groups whose middle lies
//! in it, so that splits which cover a file have each of its rows once.

use super::cell::BatchRow;
use super::checksum::Checksums;
use super::chunks::Chunks;
use super::column::Column;
use super::fit::misfit;
use super::project::leaves;
use crate::error::{BadRow, OnBadRow, TableError};
use crate::fault::Fault;
use crate::row::Plan;
use crate::shape::{Kind, Shape};
use arrow_array::{Array, RecordBatch};
use firesteel_io::{FileSplit, Stores};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Reads the records of one split of a Parquet file.
///
/// Only the columns are read that the record has fields for, by name; a tuple takes all columns in their order. Whole numbers
/// go into any whole-number field that can hold their values, dates and times into text (ISO 8601) or whole numbers (days since
/// 1970; microseconds), decimals into text, exactly, or `f64`, and nulls into `Option`s.
///
/// ```
/// use firesteel_io::{FileSplit, Stores};
/// use firesteel_tables::{ParquetFormat, ParquetReader, ParquetWriter, fail_on_bad_row};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize)]
/// struct Trip {
///     city: String,
///     fare: f64,
///     tip: Option<f64>,
/// }
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.parquet").to_str().unwrap().to_string();
/// let file = std::fs::File::create(&path).unwrap();
/// let mut writer = ParquetWriter::new::<Trip>(file, &path, &ParquetFormat::default())?;
/// writer.write(&Trip { city: "Ulm".into(), fare: 7.5, tip: None })?;
/// let length = writer.finish()?.metadata().unwrap().len();
///
/// #[derive(Deserialize, Debug, PartialEq)]
/// struct Fare {
///     fare: f64,
/// }
/// let mut reader = ParquetReader::<Fare>::open(&firesteel_io::Stores::default(), &FileSplit { path, start: 0, length }, 1024)?;
/// let mut fares = vec![];
/// while reader.read_batch(&mut fares, &mut fail_on_bad_row)? {}
/// assert_eq!(fares, [Fare { fare: 7.5 }]);
/// # Ok::<(), firesteel_tables::TableError>(())
/// ```
pub struct ParquetReader<T> {
    path: String,
    chunks: Chunks,
    metadata: ArrowReaderMetadata,
    sums: Option<Checksums>,
    projection: ProjectionMask,
    plan: Plan,
    batch_rows: usize,
    /// Row groups to come, each with the number of its first row.
    row_groups: VecDeque<(usize, u64)>,
    current: Option<RowGroup>,
    types: PhantomData<fn() -> T>,
}

/// A row group that is being read.
struct RowGroup {
    batches: ParquetRecordBatchReader,
    next_row: u64,
    end: u64,
}

impl<T: DeserializeOwned> ParquetReader<T> {
    /// Opens the split's file, reads its footer, and matches its columns with the record's fields. Batches are of at most
    /// `batch_rows` rows.
    ///
    /// # Errors
    /// When the file cannot be opened or is no Parquet file, or its columns do not fit the record.
    pub fn open(stores: &Stores, split: &FileSplit, batch_rows: usize) -> Result<Self, TableError> {
        let path = split.path.clone();
        let chunks = Chunks::open(stores, &path)?;
        let fail = |message: String| TableError::File { path: path.clone(), message };
        let metadata = guarded(&path, || ParquetMetaDataReader::new().parse_and_finish(&chunks))?;
        let sums = Checksums::of(&metadata).map_err(fail)?;
        // Arrow's notes of its own types are ignored: the file's schema says enough, in fewer types.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = guarded(&path, || ArrowReaderMetadata::try_new(Arc::new(metadata), options))?;
        let (projection, plan) = project::<T>(&path, &metadata)?;
        let row_groups = groups_within(split, metadata.metadata().row_groups());
        let batch_rows = batch_rows.max(1);
        let types = PhantomData;
        Ok(ParquetReader {
            path,
            chunks,
            metadata,
            sums,
            projection,
            plan,
            batch_rows,
            row_groups,
            current: None,
            types,
        })
    }

    /// Appends the next records to `out`: some, or none if all were bad. Returns false at the end of the split.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged, or `on_bad_row` refuses a row.
    pub fn read_batch(
        &mut self,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> Result<bool, TableError> {
        loop {
            let Some(mut current) = self.current.take() else {
                let Some((index, first_row)) = self.row_groups.pop_front() else { return Ok(false) };
                self.current = Some(self.open_row_group(index, first_row)?);
                continue;
            };
            let batch =
                guarded(&self.path, || current.batches.next().transpose().map_err(ParquetError::from))?;
            match batch {
                Some(batch) => {
                    self.decode(&batch, current.next_row, out, on_bad_row)?;
                    current.next_row += batch.num_rows() as u64;
                    self.current = Some(current);
                    return Ok(true);
                }
                None if current.next_row == current.end => {}
                None => {
                    let message = format!(
                        "a row group ends {} rows too early: the file is damaged",
                        current.end.abs_diff(current.next_row)
                    );
                    return Err(TableError::File { path: self.path.clone(), message });
                }
            }
        }
    }

    fn open_row_group(&self, index: usize, first_row: u64) -> Result<RowGroup, TableError> {
        let metadata = self.metadata.metadata();
        let chunks = self.chunks.load(metadata, index, &self.projection, self.sums.as_ref())?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.metadata.clone())
            .with_projection(self.projection.clone())
            .with_row_groups(vec![index])
            .with_batch_size(self.batch_rows);
        let batches = guarded(&self.path, || builder.build())?;
        let rows = u64::try_from(metadata.row_group(index).num_rows()).unwrap_or(0);
        Ok(RowGroup { batches, next_row: first_row, end: first_row + rows })
    }

    fn decode(
        &self,
        batch: &RecordBatch,
        first_row: u64,
        out: &mut Vec<T>,
        on_bad_row: &mut OnBadRow<'_>,
    ) -> Result<(), TableError> {
        let columns: Vec<Column<'_>> =
            batch.columns().iter().map(|array| Column::of(array as &dyn Array)).collect();
        out.reserve(batch.num_rows());
        for row in 0..batch.num_rows() {
            match self.plan.record(BatchRow { columns: &columns, row }) {
                Ok(record) => out.push(record),
                Err(fault) => on_bad_row(self.bad_row(first_row + row as u64, fault))?,
            }
        }
        Ok(())
    }

    #[cold]
    fn bad_row(&self, row: u64, fault: Fault) -> BadRow {
        let (column, value, reason) = fault.into_parts();
        BadRow {
            path: self.path.clone(),
            line: row + 1,
            offset: 0,
            column,
            value,
            reason,
            text: String::new(),
        }
    }
}

/// Determines the columns to read, and how they fit the record.
fn project<T: DeserializeOwned>(
    path: &str,
    metadata: &ArrowReaderMetadata,
) -> Result<(ProjectionMask, Plan), TableError> {
    let (shape, schema) = (Shape::of::<T>(), metadata.schema());
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let (used, plan) = if shape.fields().is_empty() {
        let used: Vec<usize> = (0..names.len()).collect();
        (used, Plan::by_name(path, &shape, names.clone())?)
    } else {
        let used = Plan::by_name(path, &shape, names.clone())?.used();
        let read = used.iter().map(|column| names[*column].clone()).collect();
        (used, Plan::by_name(path, &shape, read)?)
    };
    let column = |index: usize| schema.field(index);
    let mismatches: Vec<String> = match shape.kind() {
        Some(Kind::Struct(fields)) => {
            let of =
                |name: &str| fields.iter().find(|field| field.name == name || field.aliases.contains(&name));
            let misfits = used.iter().filter_map(|index| {
                let column = column(*index);
                misfit(column.name(), &of(column.name())?.kind, column.data_type())
            });
            misfits.collect()
        }
        Some(Kind::Tuple(kinds)) if kinds.len() == used.len() => {
            let pairs = kinds.iter().zip(&used).map(|(kind, index)| (kind, column(*index)));
            pairs.filter_map(|(kind, column)| misfit(column.name(), kind, column.data_type())).collect()
        }
        Some(Kind::Tuple(kinds)) => {
            vec![format!("the record is a tuple of {}, and the file has {} columns", kinds.len(), used.len())]
        }
        _ => vec![],
    };
    if !mismatches.is_empty() {
        return Err(TableError::Types { path: path.into(), mismatches });
    }
    let kind = |index: usize| match shape.kind() {
        Some(Kind::Struct(fields)) => fields
            .iter()
            .find(|field| field.name == names[index] || field.aliases.contains(&names[index].as_str()))
            .map(|field| field.kind.clone()),
        _ => used.contains(&index).then_some(Kind::Any),
    };
    let leaves = leaves(metadata.parquet_schema().root_schema(), kind);
    Ok((ProjectionMask::leaves(metadata.parquet_schema(), leaves), plan))
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
fn guarded<R>(path: &str, f: impl FnOnce() -> Result<R, ParquetError>) -> Result<R, TableError> {
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
