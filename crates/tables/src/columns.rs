//! Tables as columns: Arrow record batches with Spark's types, of files in the formats and with the options of
//! Spark's `spark.read` and `DataFrame.write`.
//!
//! [`Table`] says what is read: it is sent to tasks, which open splits with it. [`TableSink`] says how a part
//! file is written. Both know nothing of jobs and directories: who lists files, names parts and commits is the
//! caller. The records of typed programs are read by the crate's other readers; these here serve programs whose
//! columns are known only when they run.

mod batch;
mod csv;
mod decimal;
mod directories;
mod fit;
mod java_numbers;
mod json;
mod options;
mod parquet;
mod rows;
mod schema;
mod text;
mod times;

pub use batch::ColumnBatch;
pub use csv::{CsvHeader, CsvInference};
pub use directories::{DirectoryColumns, DirectoryValues, directory_name, directory_texts, directory_values};
pub use json::JsonInference;
pub use options::Options;
pub use parquet::parquet_schema;
pub use rows::{ReadColumns, WriteColumns};
pub use schema::{schema_of_json, schema_of_stream, schema_to_json};

use crate::error::TableError;
use arrow_schema::SchemaRef;
use firesteel_io::{FileSplit, Output, Stores};
use serde::{Deserialize, Serialize};

/// Returns a number as Java prints it, and so as Spark shows it; `is_single` says that it is one of 32 bits.
///
/// ```
/// use firesteel_tables::columns::java_text;
/// assert_eq!(java_text(1e10, false), "1.0E10");
/// assert_eq!(java_text(f64::from(0.1_f32), true), "0.1");
/// ```
pub fn java_text(value: f64, is_single: bool) -> String {
    let mut out = vec![];
    match is_single {
        true => java_numbers::write_float(value as f32, &mut out),
        false => java_numbers::write_double(value, &mut out),
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The formats of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableFormat {
    /// Lines, in one column `value`.
    Text,
    /// Fields between delimiters.
    Csv,
    /// An object on each line.
    Json,
    /// Columns.
    Parquet,
}

impl TableFormat {
    /// Returns the format of a name, as `spark.read.format` takes it.
    ///
    /// ```
    /// use firesteel_tables::columns::TableFormat;
    /// assert_eq!(TableFormat::named("CSV"), Some(TableFormat::Csv));
    /// assert_eq!(TableFormat::named("avro"), None);
    /// ```
    pub fn named(name: &str) -> Option<TableFormat> {
        Some(match name.to_ascii_lowercase().as_str() {
            "text" => TableFormat::Text,
            "csv" => TableFormat::Csv,
            "json" => TableFormat::Json,
            "parquet" => TableFormat::Parquet,
            _ => return None,
        })
    }

    /// Returns the last part of the names of its files, without a codec's.
    pub fn extension(self) -> &'static str {
        match self {
            TableFormat::Text => "txt",
            TableFormat::Csv => "csv",
            TableFormat::Json => "json",
            TableFormat::Parquet => "parquet",
        }
    }
}

/// The part of a table that is read. Sent to tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// The format of its files.
    pub format: TableFormat,
    /// The options, as `DataFrameReader.option` sets them.
    pub options: Options,
    /// The columns of its files, as Spark's schema in JSON.
    pub schema: String,
    /// The columns to read, by their position in the schema, in the order of the batches' columns.
    pub wanted: Vec<usize>,
}

impl Table {
    /// Opens a split of one of its files.
    ///
    /// # Errors
    /// When the file cannot be opened, or does not have the table's columns.
    pub fn open(&self, stores: &Stores, split: &FileSplit) -> Result<Box<dyn ReadColumns>, TableError> {
        let fail = |message| TableError::File { path: split.path.clone(), message };
        let schema = schema_of_json(&self.schema).map_err(fail)?;
        Ok(match self.format {
            TableFormat::Text => {
                Box::new(text::TextColumns::open(stores, split, &schema, &self.options, &self.wanted)?)
            }
            TableFormat::Csv => {
                Box::new(csv::CsvColumns::open(stores, split, &schema, &self.options, &self.wanted)?)
            }
            TableFormat::Json => {
                Box::new(json::JsonColumns::open(stores, split, &schema, &self.options, &self.wanted)?)
            }
            TableFormat::Parquet => {
                Box::new(parquet::ParquetColumns::open(stores, split, &schema, &self.wanted)?)
            }
        })
    }
}

/// How a part file is written. Sent to tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableSink {
    /// The format of the file.
    pub format: TableFormat,
    /// The options, as `DataFrameWriter.option` sets them.
    pub options: Options,
    /// The columns, as Spark's schema in JSON.
    pub schema: String,
}

impl TableSink {
    /// Begins a file.
    ///
    /// # Errors
    /// When the options contradict themselves, or the format cannot hold the columns.
    pub fn create(&self, output: Output) -> Result<Box<dyn WriteColumns>, TableError> {
        let path = output.path().to_string();
        let fail = |message| TableError::File { path: path.clone(), message };
        let schema: SchemaRef = schema_of_json(&self.schema).map_err(fail)?;
        Ok(match self.format {
            TableFormat::Text => Box::new(text::TextSink::create(output, &schema, &self.options)?),
            TableFormat::Csv => Box::new(csv::CsvSink::create(output, &schema, &self.options)?),
            TableFormat::Json => Box::new(json::JsonSink::create(output, &schema, &self.options)?),
            TableFormat::Parquet => Box::new(parquet::ParquetSink::create(output, &schema, &self.options)?),
        })
    }

    /// Returns the end of the names of part files: `.csv.gz`, `.snappy.parquet`.
    ///
    /// # Errors
    /// A sentence, when the compression that the options ask for is unknown.
    pub fn suffix(&self) -> Result<String, String> {
        let extension = self.format.extension();
        Ok(match self.format {
            TableFormat::Parquet => format!("{}.{extension}", parquet::codec_suffix(&self.options)?),
            _ => format!(".{extension}{}", self.options.codec()?.suffix()),
        })
    }
}
