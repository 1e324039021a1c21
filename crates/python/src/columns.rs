//! [`Columns`]: the handle of an RDD whose records are column batches, and how it becomes an RDD of Python's
//! objects and comes from one.

use crate::context::Context;
use crate::failure::{from_python, interruptibly, take_above, to_python};
use crate::from_rows;
use crate::objects::Objects;
use crate::rdd::{Pairs, Rdd, file_options};
use crate::{sites, to_rows};
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Fields, Schema};
use firesteel_data::Batch;
use firesteel_driver::{Error, PartitionSizes, SaveTable, TableFiles, UntypedRdd};
use firesteel_io::{Existing, IoCause};
use firesteel_operators::{Batches, Coalesce, Outcome, Stream, watch};
use firesteel_tables::columns::{
    self, ColumnBatch, DirectoryColumns, Options, Table, TableFormat, TableSink, schema_of_json,
    schema_to_json,
};
use firesteel_types::{CallSite, StorageLevel, TaskFailure};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One RDD of the lineage, of column batches.
#[pyclass(frozen)]
pub(crate) struct Columns(pub(crate) UntypedRdd);

/// The files of a table, as they were listed.
#[pyclass(frozen)]
pub(crate) struct Files(TableFiles);

#[pymethods]
impl Files {
    /// The paths of the files.
    #[getter]
    fn paths(&self) -> Vec<String> {
        self.0.files.iter().map(|file| file.path.clone()).collect()
    }

    /// The columns in directories, with the names of their types.
    fn directories(&self, infer: bool) -> Vec<(String, String)> {
        DirectoryColumns::of(&self.0.names, &self.0.values, infer).columns
    }
}

/// Lists the files of a table.
#[pyfunction]
#[pyo3(signature = (context, paths, base, recursive, glob, site))]
pub(crate) fn table_files(
    context: &Context,
    py: Python<'_>,
    paths: Vec<String>,
    base: Option<&str>,
    recursive: bool,
    glob: Option<&str>,
    site: &str,
) -> PyResult<Files> {
    let site = sites::parse(site);
    let files = py.detach(|| context.inner().table_files(&site, &paths, base, recursive, glob));
    files.map(Files).map_err(|error| path_error(py, error))
}

/// Returns the schema of a Parquet file as Spark's in JSON.
#[pyfunction]
pub(crate) fn parquet_schema(
    context: &Context,
    py: Python<'_>,
    path: &str,
    options: BTreeMap<String, String>,
    site: &str,
) -> PyResult<String> {
    let options: Options = options.into_iter().collect();
    let schema = py.detach(|| columns::parquet_schema(context.inner().stores(), path, &options));
    schema.map_err(|source| to_python(py, Error::Table { site: sites::parse(site), source }))
}

/// Makes an RDD of a table's batches, with some of the files' columns and then some of the directories'.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are the parts of a table, by name")]
pub(crate) fn read_table(
    context: &Context,
    py: Python<'_>,
    files: &Files,
    format: &str,
    options: BTreeMap<String, String>,
    schema: String,
    wanted: Vec<usize>,
    directories: Vec<(String, String)>,
    wanted_directories: Vec<usize>,
    sizes: (u64, u64, u64),
    site: &str,
) -> PyResult<Columns> {
    let format = table_format(format)?;
    let table = Table { format, options: options.into_iter().collect(), schema, wanted };
    let zone = table.options.get("timeZone").map(String::from);
    let directories = DirectoryColumns { columns: directories, zone };
    let sizes = PartitionSizes { most_bytes: sizes.0, open_cost: sizes.1, partitions: sizes.2 };
    let site = sites::parse(site);
    let read =
        context.inner().read_table(site, table, files.0.clone(), directories, wanted_directories, sizes);
    read.map(Columns).map_err(|error| to_python(py, error))
}

/// Infers the schema of a table's files, as Spark's in JSON, by a job.
#[pyfunction]
pub(crate) fn infer_schema(
    py: Python<'_>,
    context: &Context,
    files: &Files,
    format: &str,
    options: BTreeMap<String, String>,
    sizes: (u64, u64, u64),
    site: &str,
) -> PyResult<String> {
    let (format, options) = (table_format(format)?, options.into_iter().collect());
    let sizes = PartitionSizes { most_bytes: sizes.0, open_cost: sizes.1, partitions: sizes.2 };
    let site = sites::parse(site);
    let schema =
        interruptibly(py, || context.inner().table_schema(&site, &files.0, format, &options, sizes))?;
    schema.map_err(|error| to_python(py, error))
}

/// Returns the exception for a path that is not there, or that is there already, with the condition that programs
/// match on; others as they are.
fn path_error(py: Python<'_>, error: Error) -> PyErr {
    static ERROR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let message = match &error {
        Error::Io { source, .. } => match &source.cause {
            IoCause::OutputExists => format!(
                "[PATH_ALREADY_EXISTS] Path {} already exists. Set mode as \"overwrite\" to overwrite the existing path, or \
                 as \"append\" to add to it.",
                source.path
            ),
            IoCause::NotFound | IoCause::NoMatch { .. } => {
                format!("[PATH_NOT_FOUND] Path does not exist: {}. ({source})", source.path)
            }
            _ => return to_python(py, error),
        },
        _ => return to_python(py, error),
    };
    let made = crate::lookup::function(py, &ERROR, "firesteel.errors", "FiresteelError")
        .and_then(|class| class.call1((message,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

pub(crate) fn table_format(name: &str) -> PyResult<TableFormat> {
    TableFormat::named(name)
        .ok_or_else(|| PyValueError::new_err(format!("there is no format {name:?} for tables")))
}

#[pymethods]
impl Columns {
    #[getter]
    fn id(&self) -> u32 {
        self.0.id().0
    }

    #[getter]
    fn partitions(&self) -> usize {
        self.0.partitions() as usize
    }

    /// Makes an RDD of some of the columns, by their numbers.
    fn select(&self, columns: Vec<usize>, site: &str) -> Columns {
        Columns(self.0.map_stream(sites::parse(site), &columns, |columns: &Vec<usize>, _, stream| {
            let columns = columns.clone();
            Ok(Each(stream, move |batch: RecordBatch| {
                batch.project(&columns).map(Some).map_err(|error| failure("select", &error))
            }))
        }))
    }

    /// Makes an RDD of the first rows, in one partition.
    fn limit(&self, rows: usize, site: &str) -> Columns {
        let site = sites::parse(site);
        let first = |rdd: &UntypedRdd| {
            rdd.map_stream(site.clone(), &rows, |rows: &usize, _, stream| Ok(First { stream, left: *rows }))
        };
        let within = first(&self.0);
        first(&within.coalesce(site.clone(), 1, Coalesce::<ColumnBatch>::code)).into()
    }

    /// Gives the columns other names.
    fn renamed(&self, names: Vec<String>, site: &str) -> Columns {
        Columns(self.0.map_stream(sites::parse(site), &names, |names: &Vec<String>, _, stream| {
            let names = names.clone();
            Ok(Each(stream, move |batch: RecordBatch| {
                let schema = batch.schema();
                let fields = schema.fields().iter().zip(&names);
                let fields: Fields =
                    fields.map(|(field, name)| Field::clone(field).with_name(name)).collect();
                let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                let schema = Arc::new(Schema::new(fields));
                let renamed = RecordBatch::try_new_with_options(schema, batch.columns().to_vec(), &rows);
                renamed.map(Some).map_err(|error| failure("toDF", &error))
            }))
        }))
    }

    /// Saves the columns as a table; `directories` are the columns that directories are named after.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of a table, by name")]
    fn save(
        &self,
        py: Python<'_>,
        path: &str,
        format: &str,
        options: BTreeMap<String, String>,
        schema: &str,
        directories: Vec<usize>,
        existing: &str,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<bool> {
        let site = sites::parse(site);
        let refused = |message: String| to_python(py, Error::InvalidArgument { site: site.clone(), message });
        let all = schema_of_json(schema).map_err(refused)?;
        let own: Vec<usize> = (0..all.fields().len()).filter(|at| !directories.contains(at)).collect();
        let inside = all.project(&own).map_err(|error| refused(error.to_string()))?;
        let options: Options = options.into_iter().collect();
        let rows_per_file = options.number("maxRecordsPerFile", 0).map_err(refused)?;
        let schema = schema_to_json(&inside).map_err(refused)?;
        let table = SaveTable {
            sink: TableSink { format: table_format(format)?, options, schema },
            directories: directories.iter().map(|at| (all.field(*at).name().clone(), *at)).collect(),
            rows_per_file,
        };
        let onto = match existing {
            "append" => Existing::Append,
            "overwrite" => Existing::Overwrite,
            _ => Existing::Refuse,
        };
        let options = file_options(py, self.0.context(), &site, hadoop)?;
        match interruptibly(py, || self.0.save_table(&site, path, table, onto, &options))? {
            Ok(()) => Ok(true),
            Err(Error::Io { source, .. })
                if existing == "ignore" && source.cause == IoCause::OutputExists =>
            {
                Ok(false)
            }
            Err(error) => Err(path_error(py, error)),
        }
    }

    fn coalesce(&self, partitions: usize, site: &str) -> Columns {
        let partitions = u32::try_from(partitions).unwrap_or(u32::MAX).max(1);
        Columns(self.0.coalesce(sites::parse(site), partitions, Coalesce::<ColumnBatch>::code))
    }

    fn persist(
        &self,
        disk: bool,
        memory: bool,
        off_heap: bool,
        deserialized: bool,
        replication: u8,
        site: &str,
    ) {
        let level = StorageLevel { use_disk: disk, use_memory: memory, off_heap, deserialized, replication };
        self.0.persist::<ColumnBatch>(sites::parse(site), level);
    }

    fn unpersist(&self, py: Python<'_>, blocking: bool) {
        py.detach(|| self.0.unpersist(blocking));
    }

    /// Makes an RDD of rows.
    fn rows(&self, site: &str) -> Rdd {
        Rdd(self.0.map_stream(sites::parse(site), &(), |(), _, stream| {
            Ok(Converted(stream, |py, batch| to_rows::rows(py, &batch.0)))
        }))
    }

    /// Makes an RDD of streams of Arrow's, each as bytes, with a batch each.
    fn streams(&self, site: &str) -> Rdd {
        Rdd(self.0.map_stream(sites::parse(site), &(), |(), _, stream| {
            Ok(Converted(stream, |py, batch| {
                let bytes = batch.to_bytes().map_err(|error| PyTypeError::new_err(error.to_string()))?;
                PyList::new(py, [PyBytes::new(py, &bytes)])
            }))
        }))
    }

    /// Makes an RDD of the batches' numbers of rows.
    fn counts(&self, site: &str) -> Rdd {
        Rdd(self.0.map_stream(sites::parse(site), &(), |(), _, stream| {
            Ok(Converted(stream, |py, batch| PyList::new(py, [batch.0.num_rows()])))
        }))
    }
}

impl From<UntypedRdd> for Columns {
    fn from(rdd: UntypedRdd) -> Columns {
        Columns(rdd)
    }
}

/// Makes an RDD of batches of records, which become rows by a schema.
#[pyfunction]
pub(crate) fn to_columns(rdd: &Rdd, schema: String, site: &str) -> Columns {
    Columns(rdd.0.map_stream(sites::parse(site), &schema, |schema: &String, _, stream| {
        let parsed = schema_of_json(schema).map_err(|what| failure("make columns", &what))?;
        let columns =
            from_rows::Columns::new(&parsed).map_err(|error| Python::attach(|py| from_python(py, error)))?;
        Ok(Gathered { stream, columns, schema: schema.clone() })
    }))
}

/// Makes an RDD of the batches of streams of Arrow's, whose columns must be those of a schema.
#[pyfunction]
pub(crate) fn streams_to_columns(rdd: &Rdd, schema: String, site: &str) -> Columns {
    Columns(rdd.0.map_stream(sites::parse(site), &schema, |schema: &String, _, stream| {
        let schema = schema_of_json(schema).map_err(|what| failure("read Arrow's batches", &what))?;
        Ok(Streams { stream, schema })
    }))
}

/// Returns the stream of Arrow's that records become by a schema.
#[pyfunction]
pub(crate) fn records_stream<'py>(
    py: Python<'py>,
    records: &Bound<'py, PyList>,
    schema: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let parsed = schema_of_json(schema).map_err(PyValueError::new_err)?;
    let mut columns = from_rows::Columns::new(&parsed)?;
    push_all(&mut columns, records, schema)?;
    stream_bytes(py, &ColumnBatch(columns.take()?))
}

/// Returns a stream of Arrow's with a schema and no rows.
#[pyfunction]
pub(crate) fn empty_stream<'py>(py: Python<'py>, schema: &str) -> PyResult<Bound<'py, PyBytes>> {
    let schema = schema_of_json(schema).map_err(PyValueError::new_err)?;
    stream_bytes(py, &ColumnBatch(RecordBatch::new_empty(schema)))
}

fn stream_bytes<'py>(py: Python<'py>, batch: &ColumnBatch) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = batch.to_bytes().map_err(|error| PyTypeError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, &bytes))
}

/// Returns a number as Java prints it.
#[pyfunction]
pub(crate) fn java_text(value: f64, is_single: bool) -> String {
    columns::java_text(value, is_single)
}

/// Returns the schema of a stream of Arrow's as Spark's in JSON.
#[pyfunction]
pub(crate) fn stream_schema(bytes: &[u8]) -> PyResult<String> {
    columns::schema_of_stream(bytes).map_err(PyTypeError::new_err)
}

/// Appends records to columns.
fn push_all(columns: &mut from_rows::Columns, list: &Bound<'_, PyList>, schema: &str) -> PyResult<usize> {
    for record in list.iter() {
        if columns.push(&record).is_err() {
            return Err(explain(&record, schema));
        }
    }
    Ok(list.len())
}

/// Returns the error for a record that has no place in columns.
#[cold]
fn explain(record: &Bound<'_, PyAny>, schema: &str) -> PyErr {
    static EXPLAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let explained = crate::lookup::function(record.py(), &EXPLAIN, "firesteel.sql.misfit", "explain")
        .and_then(|explain| explain.call1((record, schema)));
    match explained {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

pub(crate) fn failure(operation: &str, what: &dyn std::fmt::Display) -> Box<TaskFailure> {
    Box::new(TaskFailure::Operation {
        operation: operation.into(),
        message: what.to_string(),
        site: watch::site().map_or_else(CallSite::default, |site| (*site).clone()),
        retryable: false,
    })
}

/// Applies a function to each batch; where it returns none, the rows are left out.
struct Each<F>(Stream<ColumnBatch>, F);

impl<F: Fn(RecordBatch) -> Outcome<Option<RecordBatch>>> Batches<ColumnBatch> for Each<F> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<ColumnBatch>>> {
        let Some(batch) = self.0.next_batch()? else { return Ok(None) };
        let made = batch.into_vec().into_iter().filter_map(|batch| (self.1)(batch.0).transpose());
        Ok(Some(Batch::Owned(made.map(|batch| batch.map(ColumnBatch)).collect::<Outcome<_>>()?)))
    }
}

/// The first rows of a stream, of which no more is read.
struct First {
    stream: Stream<ColumnBatch>,
    left: usize,
}

impl Batches<ColumnBatch> for First {
    fn next_batch(&mut self) -> Outcome<Option<Batch<ColumnBatch>>> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(batch) = self.stream.next_batch()? else { return Ok(None) };
        let mut taken = vec![];
        for ColumnBatch(batch) in batch.into_vec() {
            let rows = batch.num_rows().min(self.left);
            self.left -= rows;
            taken.push(ColumnBatch(batch.slice(0, rows)));
        }
        Ok(Some(Batch::Owned(taken)))
    }
}

/// Converts each batch into a list of objects.
struct Converted(Stream<ColumnBatch>, Convert);

type Convert = for<'py> fn(Python<'py>, &ColumnBatch) -> PyResult<Bound<'py, PyList>>;

impl Batches<Objects> for Converted {
    fn next_batch(&mut self) -> Outcome<Option<Batch<Objects>>> {
        let Some(batch) = self.0.next_batch()? else { return Ok(None) };
        Python::attach(|py| {
            let lists: PyResult<Vec<Objects>> =
                batch.as_slice().iter().map(|batch| (self.1)(py, batch).map(Objects::live)).collect();
            lists.map(|lists| Some(Batch::Owned(lists))).map_err(|error| from_python(py, error))
        })
    }
}

/// The rows that are put into one batch.
const BATCH_ROWS: usize = 8192;

/// Gathers records in columns.
struct Gathered {
    stream: Stream<Objects>,
    columns: from_rows::Columns,
    schema: String,
}

impl Batches<ColumnBatch> for Gathered {
    fn next_batch(&mut self) -> Outcome<Option<Batch<ColumnBatch>>> {
        let mut gathered = 0;
        while gathered < BATCH_ROWS {
            let Some(batch) = self.stream.next_batch()? else { break };
            for objects in batch.into_vec() {
                gathered += Python::attach(|py| {
                    let pushed =
                        objects.list(py).and_then(|list| push_all(&mut self.columns, &list, &self.schema));
                    match take_above() {
                        Some(failure) => Err(failure),
                        None => pushed.map_err(|error| from_python(py, error)),
                    }
                })?;
            }
        }
        if gathered == 0 {
            return Ok(None);
        }
        let taken = Python::attach(|py| self.columns.take().map_err(|error| from_python(py, error)))?;
        Ok(Some(Batch::Owned(vec![ColumnBatch(taken)])))
    }
}

/// Reads streams of Arrow's.
struct Streams {
    stream: Stream<Objects>,
    schema: arrow_schema::SchemaRef,
}

impl Batches<ColumnBatch> for Streams {
    fn next_batch(&mut self) -> Outcome<Option<Batch<ColumnBatch>>> {
        let Some(batch) = self.stream.next_batch()? else { return Ok(None) };
        let mut made = vec![];
        for objects in batch.into_vec() {
            let bytes: Outcome<Vec<Vec<u8>>> = Python::attach(|py| {
                let bytes = objects.list(py).and_then(|list| list.extract());
                bytes.map_err(|error| from_python(py, error))
            });
            for bytes in bytes? {
                let batch = ColumnBatch::from_bytes(&bytes)
                    .map_err(|error| failure("read Arrow's batches", &error))?;
                made.push(batch.fitted(&self.schema).map_err(|what| failure("read Arrow's batches", &what))?);
            }
        }
        Ok(Some(Batch::Owned(made)))
    }
}
