//! Lines of an RDD read as a table: `spark.read.json(lines)`. A task writes its lines to a file of its own and
//! reads that, since the readers of tables read files.

use crate::columns::{Columns, failure, table_format};
use crate::failure::{from_python, interruptibly, to_python};
use crate::objects::Objects;
use crate::rdd::Rdd;
use crate::sites;
use firesteel_data::Batch;
use firesteel_driver::{Error, UntypedRdd, table_failure};
use firesteel_io::{FileSplit, Stores};
use firesteel_operators::{Batches, Outcome, Stream};
use firesteel_tables::columns::{
    ColumnBatch, CsvHeader, CsvInference, JsonInference, Options, ReadColumns, Table, TableFormat,
};
use firesteel_types::CallSite;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use tempfile::NamedTempFile;

/// The environment of tasks that read lines.
#[derive(Clone, Serialize, Deserialize)]
struct Lines {
    format: TableFormat,
    options: Options,
    /// The first line of CSV with a header: lines like it are no rows.
    first: Option<String>,
    header: Option<CsvHeader>,
}

/// Reads lines as columns by a schema.
#[pyfunction]
pub(crate) fn lines_to_columns(
    rdd: &Rdd,
    format: &str,
    options: BTreeMap<String, String>,
    schema: String,
    wanted: Vec<usize>,
    first: Option<String>,
    site: &str,
) -> PyResult<Columns> {
    let format = table_format(format)?;
    let lines = Lines { format, options: in_tasks(options), first, header: None };
    let sent = (lines, schema, wanted);
    type Sent = (Lines, String, Vec<usize>);
    Ok(Columns(rdd.0.map_stream(sites::parse(site), &sent, |(lines, schema, wanted): &Sent, _, stream| {
        let stores = stream.task().services().stores.clone();
        let (file, split) = spool(stream, lines)?;
        let (options, schema) = (lines.options.clone(), schema.clone());
        let table = Table { format: lines.format, options, schema, wanted: wanted.clone() };
        let reader = table.open(&stores, &split).map_err(|error| table_failure("read the lines", error))?;
        Ok(Spooled { reader, _file: file })
    })))
}

/// Infers the schema of lines by a job; of CSV, `first` is the first line.
#[pyfunction]
pub(crate) fn infer_lines(
    py: Python<'_>,
    rdd: &Rdd,
    format: &str,
    options: BTreeMap<String, String>,
    first: Option<String>,
    site: &str,
) -> PyResult<String> {
    let (format, site) = (table_format(format)?, sites::parse(site));
    let as_given: Options = options.clone().into_iter().collect();
    let found = match format {
        TableFormat::Csv => interruptibly(py, || infer_csv(&rdd.0, &as_given, options, first, &site))?,
        _ => interruptibly(py, || infer_json(&rdd.0, options, &site))?,
    };
    found.map_err(|error| to_python(py, error))
}

fn infer_json(rdd: &UntypedRdd, options: BTreeMap<String, String>, site: &CallSite) -> Result<String, Error> {
    let lines = Lines { format: TableFormat::Json, options: in_tasks(options), first: None, header: None };
    let seen = rdd.each_partition(site.clone(), &lines, |lines: &Lines, _, stream: Stream<Objects>| {
        let stores = stream.task().services().stores.clone();
        let (_file, split) = spool(stream, lines)?;
        let seen = JsonInference::observe(&stores, &split, &lines.options);
        seen.map_err(|error| table_failure("infer the schema", error))
    })?;
    Ok(seen.into_iter().reduce(JsonInference::merge).unwrap_or_default().schema())
}

fn infer_csv(
    rdd: &UntypedRdd,
    as_given: &Options,
    options: BTreeMap<String, String>,
    first: Option<String>,
    site: &CallSite,
) -> Result<String, Error> {
    let refused = |message: String| Error::InvalidArgument { site: site.clone(), message };
    let Some(line) = &first else { return Ok(CsvInference::default().schema(&CsvHeader::default())) };
    let (_file, split) =
        written(|file| writeln!(file, "{line}")).map_err(|error| refused(error.to_string()))?;
    let header = CsvHeader::read(&Stores::default(), &split.path, as_given);
    let header = header.map_err(|source| Error::Table { site: site.clone(), source })?.unwrap_or_default();
    if !as_given.flag("inferSchema", false).map_err(refused)? {
        return Ok(CsvInference::default().schema(&header));
    }
    let first = first.filter(|_| as_given.flag("header", false).unwrap_or(false));
    let options = in_tasks(options);
    let lines = Lines { format: TableFormat::Csv, options, first, header: Some(header.clone()) };
    let seen = rdd.each_partition(site.clone(), &lines, |lines: &Lines, _, stream: Stream<Objects>| {
        let stores = stream.task().services().stores.clone();
        let (_file, split) = spool(stream, lines)?;
        let header = lines.header.clone().unwrap_or_default();
        let seen = CsvInference::observe(&stores, &split, &header, &lines.options);
        seen.map_err(|error| table_failure("infer the schema", error))
    })?;
    Ok(seen.into_iter().reduce(CsvInference::merge).unwrap_or_default().schema(&header))
}

/// Returns the options by which tasks read their files, which have no headers of their own.
fn in_tasks(options: BTreeMap<String, String>) -> Options {
    options.into_iter().filter(|(name, _)| name != "header" && name != "multiline").collect()
}

/// Writes the lines of a partition to a file, which is removed when it is dropped.
fn spool(mut stream: Stream<Objects>, lines: &Lines) -> Outcome<(NamedTempFile, FileSplit)> {
    let mut failed = None;
    let spooled = written(|file| {
        loop {
            match stream.next_batch() {
                Ok(None) => return Ok(()),
                Ok(Some(batch)) => {
                    for objects in batch.into_vec() {
                        if let Err(error) = Python::attach(|py| write_lines(py, &objects, lines, file)) {
                            failed = Some(Python::attach(|py| from_python(py, error)));
                            return Ok(());
                        }
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    return Ok(());
                }
            }
        }
    });
    match failed {
        Some(failure) => Err(failure),
        None => spooled.map_err(|error| failure("write the lines to a file", &error)),
    }
}

fn written(
    write: impl FnOnce(&mut BufWriter<&std::fs::File>) -> std::io::Result<()>,
) -> std::io::Result<(NamedTempFile, FileSplit)> {
    let file = NamedTempFile::new()?;
    let mut writer = BufWriter::new(file.as_file());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    let length = file.as_file().metadata()?.len();
    let path = file.path().to_string_lossy().into_owned();
    Ok((file, FileSplit { path, start: 0, length }))
}

fn write_lines(
    py: Python<'_>,
    objects: &Objects,
    lines: &Lines,
    file: &mut BufWriter<&std::fs::File>,
) -> PyResult<()> {
    for record in objects.list(py)?.iter() {
        let text = match record.cast::<PyString>() {
            Ok(text) => text.to_str()?.to_string(),
            Err(_) => match record.cast::<PyBytes>() {
                Ok(bytes) => String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
                Err(_) => {
                    let kind = record.get_type().name()?;
                    return Err(PyTypeError::new_err(format!(
                        "an RDD that is read as a table has lines of text, and this record is a {kind}"
                    )));
                }
            },
        };
        if lines.first.as_deref() == Some(text.as_str()) {
            continue;
        }
        // An object of JSON may go over several lines; within its texts there is no line end.
        let text = if lines.format == TableFormat::Json { text.replace(['\n', '\r'], " ") } else { text };
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
    }
    Ok(())
}

/// The rows of a file that is removed behind them.
struct Spooled {
    reader: Box<dyn ReadColumns>,
    _file: NamedTempFile,
}

impl Batches<ColumnBatch> for Spooled {
    fn next_batch(&mut self) -> Outcome<Option<Batch<ColumnBatch>>> {
        match self.reader.next_batch() {
            Ok(batch) => Ok(batch.map(|batch| Batch::Owned(vec![ColumnBatch(batch)]))),
            Err(error) => Err(table_failure("read the lines", error)),
        }
    }
}
