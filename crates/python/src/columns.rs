//! [`Columns`]: the handle of an RDD whose records are column batches, and how it becomes an RDD of Python's
//! objects and comes from one.

use crate::context::Context;
use crate::failure::{from_python, take_above, to_python};
use crate::from_rows;
use crate::objects::Objects;
use crate::rdd::Rdd;
use crate::{sites, to_rows};
use arrow_array::RecordBatch;
use firesteel_data::Batch;
use firesteel_driver::{Error, PartitionSizes, TableFiles, UntypedRdd};
use firesteel_operators::{Batches, Coalesce, Outcome, Stream, watch};
use firesteel_tables::columns::{
    self, ColumnBatch, DirectoryColumns, Options, Table, TableFormat, schema_of_json,
};
use firesteel_types::{CallSite, StorageLevel, TaskFailure};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList};
use std::collections::BTreeMap;

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
#[pyo3(signature = (context, paths, base, recursive, site))]
pub(crate) fn table_files(
    context: &Context,
    py: Python<'_>,
    paths: Vec<String>,
    base: Option<&str>,
    recursive: bool,
    site: &str,
) -> PyResult<Files> {
    let site = sites::parse(site);
    let files = py.detach(|| context.inner().table_files(&site, &paths, base, recursive));
    files.map(Files).map_err(|error| to_python(py, error))
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
    let directories = DirectoryColumns { columns: directories };
    let sizes = PartitionSizes { most_bytes: sizes.0, open_cost: sizes.1, partitions: sizes.2 };
    let site = sites::parse(site);
    let read =
        context.inner().read_table(site, table, files.0.clone(), directories, wanted_directories, sizes);
    read.map(Columns).map_err(|error| to_python(py, error))
}

fn table_format(name: &str) -> PyResult<TableFormat> {
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

fn failure(operation: &str, what: &dyn std::fmt::Display) -> Box<TaskFailure> {
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
                    let pushed = objects.list(py).and_then(|list| self.push_all(&list));
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

impl Gathered {
    fn push_all(&mut self, list: &Bound<'_, PyList>) -> PyResult<usize> {
        for record in list.iter() {
            if self.columns.push(&record).is_err() {
                return Err(self.explain(&record));
            }
        }
        Ok(list.len())
    }

    /// Returns the error for a record that has no place in the columns.
    #[cold]
    fn explain(&self, record: &Bound<'_, PyAny>) -> PyErr {
        static EXPLAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let explained = crate::lookup::function(record.py(), &EXPLAIN, "firesteel.sql.misfit", "explain")
            .and_then(|explain| explain.call1((record, &self.schema)));
        match explained {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        }
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
