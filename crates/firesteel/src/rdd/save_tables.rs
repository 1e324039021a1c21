//! Saving as tables: CSV, JSON lines, Parquet. One file for each partition; directory and commit are those of
//! `save`.

use super::Rdd;
use crate::{Error, Result};
use firesteel_data::Data;
use firesteel_driver::{site, table_failure};
use firesteel_io::{Codec, IoError, IoOperation, Output, TextWriter};
use firesteel_operators::io_failure;
use firesteel_operators::{Outcome, Stream};
use firesteel_tables::{CsvFormat, CsvWriter, JsonWriter};
#[cfg(feature = "parquet")]
use firesteel_tables::{ParquetFormat, ParquetWriter, TableError};
use firesteel_types::{CallSite, TaskFailure};
use std::io::{self, Write};
use std::panic::Location;

impl<T: Data> Rdd<T> {
    /// Writes records as CSV, with a header in each file, into `part-00000.csv` and so on in a new directory.
    /// The header has the names of a struct's fields; an empty `Option` is an empty field.
    /// [`Context::read_csv`](crate::Context::read_csv) reads equal records back.
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; or when the job fails, such as for a
    /// record with a list in it, which has no place in CSV.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// let out = dir.path().join("people");
    /// let people = sc.parallelize([("Ada".to_string(), Some(36)), ("B, Bob".to_string(), None)], 1);
    /// people.save_as_csv(out.to_str().unwrap())?;
    /// assert_eq!(std::fs::read_to_string(out.join("part-00000.csv")).unwrap(), "_1,_2\nAda,36\n\"B, Bob\",\n");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn save_as_csv(&self, path: &str) -> Result<()> {
        self.csv_at(site("save_as_csv", Location::caller()), path, CsvFormat::default(), Codec::Plain)
    }

    /// [`Rdd::save_as_csv`], in a dialect of your own, and compressed if the codec is not [`Codec::Plain`].
    ///
    /// # Errors
    /// As [`Rdd::save_as_csv`], or when the dialect contradicts itself.
    #[track_caller]
    pub fn save_as_csv_formatted(&self, path: &str, format: CsvFormat, codec: Codec) -> Result<()> {
        self.csv_at(site("save_as_csv_formatted", Location::caller()), path, format, codec)
    }

    /// Writes records as JSON, one on each line, into `part-00000.json` and so on in a new directory.
    ///
    /// # Errors
    /// When the directory exists already, before anything is computed; or when the job fails.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// # let dir = tempfile::tempdir().unwrap();
    /// let out = dir.path().join("pairs");
    /// sc.parallelize([("a".to_string(), vec![1, 2])], 1).save_as_json_lines(out.to_str().unwrap())?;
    /// assert_eq!(std::fs::read_to_string(out.join("part-00000.json")).unwrap(), "[\"a\",[1,2]]\n");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn save_as_json_lines(&self, path: &str) -> Result<()> {
        self.json_at(&site("save_as_json_lines", Location::caller()), path, Codec::Plain)
    }

    /// [`Rdd::save_as_json_lines`], compressed.
    ///
    /// # Errors
    /// As [`Rdd::save_as_json_lines`].
    #[track_caller]
    pub fn save_as_json_lines_compressed(&self, path: &str, codec: Codec) -> Result<()> {
        self.json_at(&site("save_as_json_lines_compressed", Location::caller()), path, codec)
    }

    /// Writes records as Parquet, compressed with snappy, into `part-00000.parquet` and so on in a new
    /// directory. A partition without records becomes a file with the columns and no rows.
    ///
    /// # Errors
    /// When the directory exists already or the record type cannot be a row, before anything is computed; or
    /// when the job fails.
    #[cfg(feature = "parquet")]
    #[track_caller]
    pub fn save_as_parquet(&self, path: &str) -> Result<()> {
        self.parquet_at(site("save_as_parquet", Location::caller()), path, ParquetFormat::default())
    }

    /// [`Rdd::save_as_parquet`], with another compression, or row groups of another size.
    ///
    /// # Errors
    /// As [`Rdd::save_as_parquet`].
    #[cfg(feature = "parquet")]
    #[track_caller]
    pub fn save_as_parquet_formatted(&self, path: &str, format: ParquetFormat) -> Result<()> {
        self.parquet_at(site("save_as_parquet_formatted", Location::caller()), path, format)
    }

    fn csv_at(&self, site: CallSite, path: &str, format: CsvFormat, codec: Codec) -> Result<()> {
        if let Err(message) = format.check() {
            return Err(Error::InvalidArgument { site, message });
        }
        let suffix = format!(".csv{}", codec.suffix());
        self.save_parts(&site, path, &suffix, (format, codec), |(format, codec), _, stream, output| {
            write_csv(stream, output, format, *codec)
        })
    }

    fn json_at(&self, site: &CallSite, path: &str, codec: Codec) -> Result<()> {
        let suffix = format!(".json{}", codec.suffix());
        self.save_parts(site, path, &suffix, codec, |codec: &Codec, _, stream, output| {
            write_json(stream, output, *codec)
        })
    }

    #[cfg(feature = "parquet")]
    fn parquet_at(&self, site: CallSite, path: &str, format: ParquetFormat) -> Result<()> {
        if let Err(source) = ParquetWriter::new::<T>(vec![], path, &format) {
            return Err(Error::Table { site, source });
        }
        self.save_parts(&site, path, ".parquet", format, |format: &ParquetFormat, _, stream, output| {
            write_parquet(stream, output, format)
        })
    }
}

fn write_csv<T: Data>(
    stream: Stream<T>,
    output: Output,
    format: &CsvFormat,
    codec: Codec,
) -> Outcome<Output> {
    let path = output.path().to_string();
    let fail = |error| write_failure(&path, error);
    let mut writer = CsvWriter::new(Sink(TextWriter::new(output, codec).map_err(io_failure)?), format);
    stream.for_each(|batch| {
        batch.as_slice().iter().try_for_each(|record| writer.write(record).map_err(fail))
    })?;
    writer.finish::<T>().map_err(fail)?.0.into_output().map_err(io_failure)
}

fn write_json<T: Data>(stream: Stream<T>, output: Output, codec: Codec) -> Outcome<Output> {
    let path = output.path().to_string();
    let fail = |error| write_failure(&path, error);
    let mut writer = JsonWriter::new(Sink(TextWriter::new(output, codec).map_err(io_failure)?));
    stream.for_each(|batch| {
        batch.as_slice().iter().try_for_each(|record| writer.write(record).map_err(fail))
    })?;
    writer.into_inner().0.into_output().map_err(io_failure)
}

#[cfg(feature = "parquet")]
fn write_parquet<T: Data>(stream: Stream<T>, output: Output, format: &ParquetFormat) -> Outcome<Output> {
    let path = output.path().to_string();
    let fail = |error: TableError| table_failure("write the table", error);
    let mut writer = ParquetWriter::new::<T>(output, &path, format).map_err(fail)?;
    stream.for_each(|batch| {
        batch.as_slice().iter().try_for_each(|record| writer.write(record).map_err(fail))
    })?;
    writer.finish().map_err(fail)
}

/// Returns the failure of a write, which is the record's or the disk's.
fn write_failure(path: &str, error: io::Error) -> Box<TaskFailure> {
    if error.kind() != io::ErrorKind::InvalidData {
        return io_failure(IoError::from_io(IoOperation::Write, path, error));
    }
    let error = firesteel_tables::TableError::File {
        path: path.into(),
        message: format!("a record cannot be written: {error}"),
    };
    table_failure("write the table", error)
}

/// A text file in the form that the standard library writes to.
struct Sink(TextWriter);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_bytes(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
