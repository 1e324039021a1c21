//! The Parquet reader: reads the records of one split of a file.

use super::batches::{Batches, ParquetFile};
use super::cell::BatchRow;
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
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

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
    batches: Batches,
    plan: Plan,
    types: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> ParquetReader<T> {
    /// Opens the split's file, reads its footer, and matches its columns with the record's fields. Batches are of at most
    /// `batch_rows` rows.
    ///
    /// # Errors
    /// When the file cannot be opened or is no Parquet file, or its columns do not fit the record.
    pub fn open(stores: &Stores, split: &FileSplit, batch_rows: usize) -> Result<Self, TableError> {
        let file = ParquetFile::open(stores, &split.path)?;
        let (projection, plan) = project::<T>(&file.path, &file.metadata)?;
        Ok(ParquetReader { batches: file.batches(split, projection, batch_rows), plan, types: PhantomData })
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
        let Some((batch, first_row)) = self.batches.next()? else { return Ok(false) };
        self.decode(&batch, first_row, out, on_bad_row)?;
        Ok(true)
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
            path: self.batches.path().to_string(),
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
