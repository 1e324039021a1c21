//! Parquet as columns: files that Spark, Arrow and others wrote, with Spark's types; and files that these read,
//! with Spark's schema in the footer.
//!
//! Columns are found by their names, whose case does not matter unless two differ by it alone. A column that a
//! file lacks is null in all its rows, as in Spark, since tables grow columns.

use super::fit::fit;
use super::options::Options;
use super::rows::{BATCH_ROWS, ReadColumns, WriteColumns};
use super::schema::schema_to_json;
use super::schema::{schema_of_json, spark_field};
use crate::error::TableError;
use crate::parquet::batches::{Batches, ParquetFile};
use crate::parquet::checksum::{FOOTER_KEY, KEY, Summing, footer_sum};
use crate::parquet::write_error;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use firesteel_io::{FileSplit, Output, Stores};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::sync::Arc;

/// The key of Spark's schema in a footer.
const SPARK_SCHEMA: &str = "org.apache.spark.sql.parquet.row.metadata";

/// The most bytes of a row group, estimated after encoding.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Returns the schema of a Parquet file, as Spark's in JSON: the one that Spark left in it, or else what its
/// types say.
///
/// # Errors
/// When the file cannot be read, or has a type that Spark does not.
pub fn parquet_schema(stores: &Stores, path: &str, options: &Options) -> Result<String, TableError> {
    let file = ParquetFile::open(stores, path)?.with_times()?;
    let fail = |message| TableError::File { path: path.to_string(), message };
    let pairs = file.metadata.metadata().file_metadata().key_value_metadata();
    let noted = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == SPARK_SCHEMA)?.value.clone());
    let schema = match noted.and_then(|json| schema_of_json(&json).ok()) {
        Some(schema) => schema,
        None => Arc::new(Schema::new(spark_fields(file.metadata.schema().fields(), options).map_err(fail)?)),
    };
    // A column of files may always have nulls: another file may lack it.
    let fields: Fields = schema.fields().iter().map(|field| nullable(field)).collect();
    schema_to_json(&Schema::new(fields)).map_err(fail)
}

fn nullable(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Struct(parts) => DataType::Struct(parts.iter().map(|part| nullable(part)).collect()),
        DataType::List(element) => DataType::List(Arc::new(nullable(element))),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(parts) if parts.len() == 2 => {
                let key = Field::clone(&parts[0]).with_data_type(nullable(&parts[0]).data_type().clone());
                let parts = Fields::from(vec![key, nullable(&parts[1])]);
                let entries = Field::clone(entries).with_data_type(DataType::Struct(parts));
                DataType::Map(Arc::new(entries), *sorted)
            }
            _ => field.data_type().clone(),
        },
        simple => simple.clone(),
    };
    field.clone().with_data_type(data_type).with_nullable(true)
}

fn spark_fields(fields: &Fields, options: &Options) -> Result<Fields, String> {
    let binary_as_string = options.flag("binaryAsString", false)?;
    fields.iter().map(|field| spark_field(field, binary_as_string)).collect()
}

/// Reads the columns of one split.
pub(super) struct ParquetColumns {
    batches: Batches,
    schema: SchemaRef,
    /// For each column of the schema, its position in the batches that are read; none if the file lacks it.
    positions: Vec<Option<usize>>,
}

impl ParquetColumns {
    pub(super) fn open(
        stores: &Stores,
        split: &FileSplit,
        schema: &SchemaRef,
        wanted: &[usize],
    ) -> Result<Self, TableError> {
        let file = ParquetFile::open(stores, &split.path)?.with_times()?;
        let fail = |message: String| TableError::File { path: split.path.clone(), message };
        let schema = Arc::new(schema.project(wanted).map_err(|error| fail(error.to_string()))?);
        let found = file.metadata.schema().fields();
        let roots: Vec<Option<usize>> = schema
            .fields()
            .iter()
            .map(|field| position(found, field.name()))
            .collect::<Result<_, _>>()
            .map_err(fail)?;
        let mut read: Vec<usize> = roots.iter().flatten().copied().collect();
        read.sort_unstable();
        read.dedup();
        let positions =
            roots.iter().map(|root| root.and_then(|root| read.binary_search(&root).ok())).collect();
        let projection = ProjectionMask::roots(file.metadata.parquet_schema(), read);
        Ok(ParquetColumns { batches: file.batches(split, projection, BATCH_ROWS), schema, positions })
    }
}

/// Finds a column by its name.
fn position(fields: &Fields, name: &str) -> Result<Option<usize>, String> {
    if let Some((index, _)) = fields.find(name) {
        return Ok(Some(index));
    }
    let folded = name.to_lowercase();
    let mut alike = (0..fields.len()).filter(|index| fields[*index].name().to_lowercase() == folded);
    match (alike.next(), alike.next()) {
        (Some(first), Some(second)) => Err(format!(
            "column {name:?} could be {:?} or {:?}: write the name as the file has it",
            fields[first].name(),
            fields[second].name()
        )),
        (first, _) => Ok(first),
    }
}

impl ReadColumns for ParquetColumns {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, TableError> {
        let Some((batch, _)) = self.batches.next()? else { return Ok(None) };
        let fail = |message: String| TableError::File { path: self.batches.path().to_string(), message };
        let column = |(field, position): (&Arc<Field>, &Option<usize>)| -> Result<ArrayRef, TableError> {
            match position {
                None => Ok(new_null_array(field.data_type(), batch.num_rows())),
                Some(position) => fit(batch.column(*position), field.data_type())
                    .map_err(|what| fail(format!("column {:?}: {what}", field.name()))),
            }
        };
        let columns =
            self.schema.fields().iter().zip(&self.positions).map(column).collect::<Result<_, _>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let fields: Fields = self.schema.fields().iter().map(|field| nullable(field)).collect();
        let fitted = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &rows);
        fitted.map(Some).map_err(|error| fail(error.to_string()))
    }
}

/// The names of codecs in options, their suffixes in names of files, and what they are.
fn codec(options: &Options) -> Result<(&'static str, Compression), String> {
    let name = options.first(&["compression", "parquet.compression"]).unwrap_or("snappy");
    Ok(match name.to_ascii_lowercase().as_str() {
        "none" | "uncompressed" => ("", Compression::UNCOMPRESSED),
        "snappy" => (".snappy", Compression::SNAPPY),
        "gzip" => (".gz", Compression::GZIP(GzipLevel::default())),
        "zstd" => (".zstd", Compression::ZSTD(ZstdLevel::default())),
        _ => {
            return Err(format!("there is no codec {name:?} for Parquet: use snappy, zstd, gzip or none"));
        }
    })
}

/// Returns the part of a file's name that tells its codec.
pub(super) fn codec_suffix(options: &Options) -> Result<&'static str, String> {
    codec(options).map(|(suffix, _)| suffix)
}

/// Writes a file.
pub(super) struct ParquetSink {
    writer: ArrowWriter<Output>,
    sums: Summing,
    path: String,
    /// The columns as they are stored.
    stored: SchemaRef,
}

impl ParquetSink {
    pub(super) fn create(output: Output, schema: &SchemaRef, options: &Options) -> Result<Self, TableError> {
        let path = output.path().to_string();
        let fail = |message| TableError::File { path: path.clone(), message };
        let (_, compression) = codec(options).map_err(fail)?;
        let stored: Fields =
            schema.fields().iter().map(|field| stored(field)).collect::<Result<_, _>>().map_err(fail)?;
        let stored = Arc::new(Schema::new(stored));
        let json = schema_to_json(schema).map_err(fail)?;
        let sums = Summing::default();
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_created_by(concat!("firesteel version ", env!("CARGO_PKG_VERSION")).into())
            .set_key_value_metadata(Some(vec![KeyValue::new(SPARK_SCHEMA.to_string(), json)]))
            .build();
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_schema_root("spark_schema".to_string())
            .with_skip_arrow_metadata(true)
            .with_page_store_factory(Arc::new(sums.clone()));
        let writer = ArrowWriter::try_new_with_options(output, stored.clone(), options);
        let writer = writer.map_err(|error| write_error(&path, error))?;
        Ok(ParquetSink { writer, sums, path, stored })
    }
}

/// Returns the column in which Parquet stores one.
fn stored(field: &Field) -> Result<Field, String> {
    let data_type = match field.data_type() {
        DataType::Null => {
            return Err(format!(
                "column {:?} has no type but null, which Parquet cannot store: give the schema a type for it",
                field.name()
            ));
        }
        DataType::Duration(_) => DataType::Int64,
        DataType::Interval(_) => DataType::Int32,
        DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Struct(parts) if parts.is_empty() => {
            return Err(format!(
                "column {:?} is a struct without fields, which Parquet cannot store",
                field.name()
            ));
        }
        DataType::Struct(parts) => {
            DataType::Struct(parts.iter().map(|part| stored(part)).collect::<Result<_, _>>()?)
        }
        DataType::List(element) => DataType::List(Arc::new(stored(element)?)),
        DataType::Map(entries, sorted) => DataType::Map(Arc::new(stored(entries)?), *sorted),
        other => other.clone(),
    };
    Ok(Field::new(field.name(), data_type, field.is_nullable()))
}

impl WriteColumns for ParquetSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        let fail = |message: String| TableError::File { path: self.path.clone(), message };
        let columns: Result<Vec<ArrayRef>, TableError> = batch
            .columns()
            .iter()
            .zip(self.stored.fields())
            .map(|(column, field)| fit(column, field.data_type()).map_err(fail))
            .collect();
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(self.stored.clone(), columns?, &rows);
        let batch = batch.map_err(|error| fail(error.to_string()))?;
        self.writer.write(&batch).map_err(|error| write_error(&self.path, error))?;
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(|error| write_error(&self.path, error))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Output, TableError> {
        let failed = |error| write_error(&self.path, error);
        self.writer.flush().map_err(failed)?;
        let footer = footer_sum(self.writer.flushed_row_groups());
        self.writer.append_key_value_metadata(KeyValue::new(KEY.to_string(), self.sums.text()));
        self.writer.append_key_value_metadata(KeyValue::new(FOOTER_KEY.to_string(), footer));
        self.writer.into_inner().map_err(failed)
    }
}
