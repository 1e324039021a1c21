//! The Parquet writer: gathers records in batches of columns, which the library encodes and compresses into row
//! groups.

use super::build::{Growing, Grown};
use super::checksum::{FOOTER_KEY, KEY, Summing, footer_sum};
use super::serialize::IntoColumn;
use super::{ParquetCompression, ParquetFormat, schema};
use crate::error::TableError;
use crate::fault::Fault;
use crate::shape::{Kind, Shape};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use firesteel_io::{IoError, IoOperation};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::sync::Arc;

/// The number of rows that are gathered before they are encoded.
const BATCH_ROWS: usize = 8192;

/// The most bytes that are gathered, roughly.
const BATCH_BYTES: usize = 16 << 20;

/// The number of rows between two checks of the gathered size: a power of two.
const LOOK_ROWS: usize = 256;

/// Writes records of one type as a Parquet file.
///
/// The columns are those that the type's `Deserialize` asks for, so a file without records has them too. Text,
/// and every type that serialises as text, becomes a string column, `Vec<u8>` a binary one, whole numbers of
/// 128 bits decimals, and `Option`s columns with nulls. [`ParquetReader`](super::ParquetReader) shows an
/// example.
pub struct ParquetWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    sums: Summing,
    path: String,
    format: ParquetFormat,
    schema: Arc<Schema>,
    rows: Growing,
    gathered: usize,
    /// True if records are rows; otherwise a record is the only cell of its row.
    is_row: bool,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Makes a writer of records of type `T` to a sink. The path is for errors.
    ///
    /// # Errors
    /// [`TableError::Record`] when the type cannot be a row.
    pub fn new<T: DeserializeOwned>(sink: W, path: &str, format: &ParquetFormat) -> Result<Self, TableError> {
        let shape = Shape::of::<T>();
        let refuse = |message: String| TableError::Record { record: shape.record.into(), message };
        let kind = shape.kind.as_ref().map_err(|why| {
            refuse(format!("its columns cannot be told, since it refuses what it is shown: {why}"))
        })?;
        let fields = schema::columns(kind).and_then(|columns| schema::fields(&columns)).map_err(refuse)?;
        let is_row = matches!(kind, Kind::Struct(_) | Kind::Tuple(_));
        let schema = Arc::new(Schema::new(fields.clone()));
        let sums = Summing::default();
        let options = ArrowWriterOptions::new()
            .with_properties(properties(format))
            .with_skip_arrow_metadata(true)
            .with_page_store_factory(Arc::new(sums.clone()));
        let writer = ArrowWriter::try_new_with_options(sink, schema.clone(), options);
        let writer = writer.map_err(|error| write_error(path, error))?;
        let rows = Growing::of(&Field::new("row", DataType::Struct(fields), false));
        let (path, format) = (path.to_string(), format.clone());
        Ok(ParquetWriter { writer, sums, path, format, schema, rows, gathered: 0, is_row })
    }

    /// Writes one record, or gathers it to be written with others.
    ///
    /// # Errors
    /// When the file cannot be written, or cannot represent the record: a number of 128 bits with more than 38
    /// digits, or a record whose `Serialize` and `Deserialize` differ.
    pub fn write<T: Serialize>(&mut self, record: &T) -> Result<(), TableError> {
        let column = match &mut self.rows.values {
            Grown::Struct(columns, _) if !self.is_row && !columns.is_empty() => &mut columns[0],
            _ => &mut self.rows,
        };
        if let Err(fault) = record.serialize(IntoColumn { column }) {
            return Err(self.refused(&fault));
        }
        self.gathered += 1;
        let is_full = self.gathered.is_multiple_of(LOOK_ROWS) && self.rows.bytes() > BATCH_BYTES;
        if self.gathered == BATCH_ROWS || is_full { self.encode() } else { Ok(()) }
    }

    /// Writes the gathered records and the footer, and returns the sink.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<W, TableError> {
        self.encode()?;
        let fail = |error| write_error(&self.path, error);
        self.writer.flush().map_err(fail)?;
        let footer = footer_sum(self.writer.flushed_row_groups());
        self.writer.append_key_value_metadata(KeyValue::new(KEY.to_string(), self.sums.text()));
        self.writer.append_key_value_metadata(KeyValue::new(FOOTER_KEY.to_string(), footer));
        self.writer.into_inner().map_err(fail)
    }

    fn encode(&mut self) -> Result<(), TableError> {
        if self.gathered == 0 {
            return Ok(());
        }
        self.gathered = 0;
        let Grown::Struct(columns, _) = &mut self.rows.values else { return Ok(()) };
        let arrays = columns.iter_mut().map(Growing::take).collect::<Result<Vec<_>, _>>();
        let batch = arrays.and_then(|arrays| RecordBatch::try_new(self.schema.clone(), arrays));
        let fail = |error: ParquetError| write_error(&self.path, error);
        self.writer.write(&batch.map_err(|error| fail(error.into()))?).map_err(fail)?;
        // The library measures only what it has encoded; by then the memory is taken.
        if self.writer.in_progress_size() >= self.format.row_group_bytes {
            self.writer.flush().map_err(fail)?;
        }
        Ok(())
    }

    #[cold]
    fn refused(&self, fault: &Fault) -> TableError {
        TableError::File { path: self.path.clone(), message: format!("a record cannot be written: {fault}") }
    }
}

fn properties(format: &ParquetFormat) -> WriterProperties {
    let compression = match format.compression {
        ParquetCompression::None => Compression::UNCOMPRESSED,
        ParquetCompression::Snappy => Compression::SNAPPY,
        ParquetCompression::Gzip => Compression::GZIP(GzipLevel::default()),
        ParquetCompression::Zstd => Compression::ZSTD(ZstdLevel::default()),
    };
    WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(format.row_group_rows.max(1)))
        .set_created_by(concat!("firesteel version ", env!("CARGO_PKG_VERSION")).into())
        .build()
}

/// Returns the error of a write: the sink's own, or the library's.
pub(crate) fn write_error(path: &str, error: ParquetError) -> TableError {
    match error {
        ParquetError::External(error) => match error.downcast::<std::io::Error>() {
            Ok(error) => IoError::from_io(IoOperation::Write, path, *error).into(),
            Err(error) => TableError::File { path: path.into(), message: error.to_string() },
        },
        other => TableError::File { path: path.into(), message: other.to_string() },
    }
}
