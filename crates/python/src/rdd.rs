//! [`Rdd`]: the handle of one RDD of Python objects, and its jobs.

use crate::barrier;
use crate::broadcast::Broadcast;
use crate::failure::{interruptibly, to_python};
use crate::function::Function;
use crate::objects::{Objects, load};
use crate::place::{Buckets, Places, Rule};
use crate::{sites, writables};
use firesteel_data::Batch;
use firesteel_data::block::{decode_value, encode_value};
use firesteel_driver::{DriverContext, Error, FileOptions, Pairing, UntypedRdd, Waiting};
use firesteel_io::Codec;
use firesteel_io::hadoop::{HadoopConf, SequenceOptions, Value, put_java_byte_arrays};
use firesteel_operators::{Batches, Coalesce, Outcome, ResultTask, Stream, data_failure};
use firesteel_types::{CallSite, Partition, StorageLevel};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One RDD of the lineage.
#[pyclass(frozen)]
pub(crate) struct Rdd(pub(crate) UntypedRdd);

fn function(pickled: &[u8], broadcasts: &[PyRef<'_, Broadcast>]) -> Arc<Function> {
    let broadcasts = broadcasts.iter().map(|broadcast| broadcast.value.clone()).collect();
    Arc::new(Function::new(pickled, broadcasts))
}

#[pymethods]
impl Rdd {
    #[getter]
    fn id(&self) -> u32 {
        self.0.id().0
    }

    /// Names the RDD, for pages and listeners.
    fn set_name(&self, name: Option<String>) {
        self.0.set_name(name);
    }

    #[getter]
    fn partitions(&self) -> usize {
        self.0.partitions() as usize
    }

    /// Returns the most partitions of a source, if unions in a row have added partitions up since.
    fn sources_of_growth(&self) -> Option<u32> {
        self.0.sources_of_growth()
    }

    fn to_debug_string(&self) -> String {
        self.0.to_debug_string()
    }

    fn map_partitions(&self, pickled: &[u8], broadcasts: Vec<PyRef<'_, Broadcast>>, site: &str) -> Rdd {
        let function = function(pickled, &broadcasts);
        Rdd(self.0.map_stream(
            sites::parse(site),
            &function,
            |function: &Arc<Function>, partition, stream| function.on_one(partition, stream),
        ))
    }

    fn barrier_map_partitions(
        &self,
        pickled: &[u8],
        broadcasts: Vec<PyRef<'_, Broadcast>>,
        site: &str,
    ) -> Rdd {
        let function = function(pickled, &broadcasts);
        let at_barrier = |function: &Arc<Function>, partition, stream: Stream<Objects>| {
            barrier::set_current(Some(stream.task().clone()));
            function.on_one(partition, stream)
        };
        Rdd(self.0.map_stream_behind_barrier(sites::parse(site), &function, at_barrier))
    }

    fn combine_two(
        &self,
        py: Python<'_>,
        other: &Rdd,
        pickled: &[u8],
        broadcasts: Vec<PyRef<'_, Broadcast>>,
        cartesian: bool,
        site: &str,
    ) -> PyResult<Rdd> {
        let function = function(pickled, &broadcasts);
        let combined = self.0.map_streams(
            sites::parse(site),
            &other.0,
            if cartesian { Pairing::Cartesian } else { Pairing::OneToOne },
            &function,
            |function: &Arc<Function>, partition, left, right| function.on_two(partition, left, right),
        );
        combined.map(Rdd).map_err(|error| to_python(py, error))
    }

    fn coalesce(&self, partitions: usize, site: &str) -> Rdd {
        let partitions = u32::try_from(partitions).unwrap_or(u32::MAX).max(1);
        Rdd(self.0.coalesce(sites::parse(site), partitions, Coalesce::<Objects>::code))
    }

    #[pyo3(signature = (partitions, pickled, broadcasts, site))]
    fn partition_by(
        &self,
        partitions: u32,
        pickled: Option<&[u8]>,
        broadcasts: Vec<PyRef<'_, Broadcast>>,
        site: &str,
    ) -> Rdd {
        let broadcasts = broadcasts.iter().map(|broadcast| broadcast.value.clone()).collect();
        let rule = match pickled {
            None => Rule::Hash,
            Some(pickled) => Rule::Function(Function::new(pickled, broadcasts)),
        };
        self.shuffled(Places { partitions, rule }, site)
    }

    fn repartition(&self, partitions: u32, site: &str) -> Rdd {
        self.shuffled(Places { partitions, rule: Rule::InTurn }, site)
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
        self.0.persist::<Objects>(sites::parse(site), level);
    }

    fn unpersist(&self, py: Python<'_>, blocking: bool) {
        py.detach(|| self.0.unpersist(blocking));
    }

    fn checkpoint(&self, py: Python<'_>, site: &str) -> PyResult<()> {
        let site = sites::parse(site);
        py.detach(|| self.0.checkpoint::<Objects>(site)).map_err(|error| to_python(py, error))
    }

    fn local_checkpoint(&self, site: &str) {
        self.0.local_checkpoint::<Objects>(sites::parse(site));
    }

    fn is_checkpointed(&self) -> bool {
        self.0.is_checkpointed()
    }

    fn checkpoint_file(&self) -> Option<String> {
        self.0.checkpoint_file()
    }

    #[pyo3(signature = (partitions, site))]
    fn collect<'py>(
        &self,
        py: Python<'py>,
        partitions: Option<Vec<usize>>,
        site: &str,
    ) -> PyResult<Vec<Bound<'py, PyList>>> {
        let all = self.partitions();
        let partitions = partitions.unwrap_or_else(|| (0..all).collect());
        if let Some(wrong) = partitions.iter().find(|partition| **partition >= all) {
            return Err(PyValueError::new_err(format!("there is no partition {wrong}: the RDD has {all}")));
        }
        let results = self.run(py, partitions, None, site)?;
        results.into_iter().map(|bytes| records(py, &bytes.unwrap_or_default())).collect()
    }

    fn collect_until<'py>(
        &self,
        py: Python<'py>,
        milliseconds: u64,
        site: &str,
    ) -> PyResult<Vec<Option<Bound<'py, PyList>>>> {
        let deadline = Instant::now() + Duration::from_millis(milliseconds);
        let results = self.run(py, (0..self.partitions()).collect(), Some(deadline), site)?;
        results.into_iter().map(|bytes| bytes.map(|bytes| records(py, &bytes)).transpose()).collect()
    }

    #[pyo3(signature = (path, codec, hadoop, site))]
    fn save_as_text_file(
        &self,
        py: Python<'_>,
        path: &str,
        codec: Option<&str>,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<()> {
        let site = sites::parse(site);
        let options = file_options(py, self.0.context(), &site, hadoop)?;
        let codec = named(codec)?.unwrap_or_else(|| options.hadoop.codec());
        let texts = self.0.map_stream(site.clone(), &(), |(), _, stream| Ok(Texts(stream)));
        let saved = interruptibly(py, || texts.save_lines::<String>(&site, path, codec, &options))?;
        saved.map_err(|error| to_python(py, error))
    }

    fn save_as_pickle_file(
        &self,
        py: Python<'_>,
        path: &str,
        batch: usize,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<()> {
        let site = sites::parse(site);
        let options = file_options(py, self.0.context(), &site, hadoop)?;
        let batch = if batch == 0 { usize::MAX } else { batch };
        let values = self.0.map_stream(site.clone(), &batch, |batch: &usize, _, stream| {
            Ok(Pickles { stream, batch: *batch })
        });
        let classes =
            (Some(writables::full_name("NullWritable")), Some(writables::full_name("BytesWritable")));
        let sequence = options.hadoop.sequence_options();
        let saved =
            interruptibly(py, || values.save_sequence_values(&site, path, sequence, classes, &options))?;
        saved.map_err(|error| to_python(py, error))
    }

    /// Saves pairs as SequenceFiles, of the classes that are asked for or those of the first pair.
    #[expect(clippy::too_many_arguments, reason = "they are those of the method of PySpark's, by name")]
    #[pyo3(signature = (path, codec, key_class, value_class, newer_interface, hadoop, site))]
    fn save_as_sequence_file(
        &self,
        py: Python<'_>,
        path: &str,
        codec: Option<&str>,
        key_class: Option<String>,
        value_class: Option<String>,
        newer_interface: bool,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<()> {
        let site = sites::parse(site);
        let options = file_options(py, self.0.context(), &site, hadoop)?.named(newer_interface);
        let sequence = match named(codec)? {
            None => options.hadoop.sequence_options(),
            Some(Codec::Plain) => SequenceOptions::default(),
            Some(codec) => SequenceOptions::block(codec),
        };
        let classes = (key_class, value_class);
        let values = self.0.map_stream(site.clone(), &classes, |classes: &Classes, _, stream| {
            Ok(Writables { stream, classes: classes.clone() })
        });
        let full = |class: Option<String>| class.map(|class| writables::full_name(&class));
        let classes = (full(classes.0), full(classes.1));
        let saved =
            interruptibly(py, || values.save_sequence_values(&site, path, sequence, classes, &options))?;
        saved.map_err(|error| to_python(py, error))
    }

    /// Saves pairs as lines of key and value, as Hadoop's TextOutputFormat writes them.
    #[pyo3(signature = (path, codec, newer_interface, hadoop, site))]
    fn save_as_hadoop_text(
        &self,
        py: Python<'_>,
        path: &str,
        codec: Option<&str>,
        newer_interface: bool,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<()> {
        let site = sites::parse(site);
        let options = file_options(py, self.0.context(), &site, hadoop)?.named(newer_interface);
        let codec = named(codec)?.unwrap_or_else(|| options.hadoop.codec());
        let separator = options.hadoop.separator().to_string();
        let lines = self.0.map_stream(site.clone(), &separator, |separator: &String, _, stream| {
            Ok(JavaLines { stream, separator: separator.clone() })
        });
        let saved = interruptibly(py, || lines.save_lines::<String>(&site, path, codec, &options))?;
        saved.map_err(|error| to_python(py, error))
    }
}

/// Hadoop's settings, as pairs from Python.
pub(crate) type Pairs = Vec<(String, String)>;

/// Returns the settings of Hadoop that are obeyed, by their newest names.
#[pyfunction]
pub(crate) fn hadoop_settings(pairs: Pairs) -> PyResult<BTreeMap<String, String>> {
    let conf = HadoopConf::new(pairs).map_err(PyValueError::new_err)?;
    Ok(conf.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
}

/// Returns the options for reading and writing files of a call: the context's settings, and Hadoop's as the
/// program has them at the call.
pub(crate) fn file_options(
    py: Python<'_>,
    context: &DriverContext,
    site: &CallSite,
    hadoop: Pairs,
) -> PyResult<FileOptions> {
    let refused = |message| Error::InvalidArgument { site: site.clone(), message };
    let options = FileOptions::from_conf(context.conf())
        .and_then(|options| {
            let hadoop = HadoopConf::new(hadoop).map_err(refused)?;
            Ok(FileOptions { hadoop, listed_late: true, ..options })
        })
        .map_err(|error| to_python(py, error))?;
    Ok(options)
}

type Classes = (Option<String>, Option<String>);

/// Returns the codec of a name, if one was given.
fn named(codec: Option<&str>) -> PyResult<Option<Codec>> {
    let Some(name) = codec else { return Ok(None) };
    Codec::named(name).map(Some).ok_or_else(|| {
        let known = "gzip, bzip2, zstd, deflate, snappy, lz4, or Hadoop's class of one of these";
        PyValueError::new_err(format!("there is no codec `{name}`: use {known}"))
    })
}

impl Rdd {
    fn shuffled(&self, places: Places, site: &str) -> Rdd {
        let (site, partitions) = (sites::parse(site), places.partitions);
        let dealt =
            self.0.map_stream(site.clone(), &Arc::new(places), |places: &Arc<Places>, partition, stream| {
                Ok(Buckets::new(places, partition, stream))
            });
        let placed = dealt.partition_by_number::<Objects>(site.clone(), partitions);
        Rdd(placed.map_stream(site, &(), |(), _, stream| Ok(Unplaced(stream))))
    }

    /// Runs a job, and returns the results of partitions that came in time.
    fn run(
        &self,
        py: Python<'_>,
        partitions: Vec<usize>,
        deadline: Option<Instant>,
        site: &str,
    ) -> PyResult<Vec<Option<Vec<u8>>>> {
        let mut results = vec![None; partitions.len()];
        let mut interrupted = None;
        let ran = py.detach(|| {
            let mut stop = || {
                if interrupted.is_none() {
                    interrupted = Python::attach(|py| py.check_signals().err());
                }
                interrupted.as_ref().map(|_| "it was interrupted".to_string())
            };
            let partitions = partitions.iter().map(|partition| Partition(*partition as u32)).collect();
            let waiting = Waiting { stop: &mut stop, deadline };
            let site = sites::parse(site);
            let terminal = ResultTask::<Objects, (), _>::code(&(), |(): &(), _, stream| pickled(stream));
            let terminal = terminal.map_err(|source| Error::Data { site: site.clone(), source })?;
            let job = self.0.submit(site, terminal, partitions)?;
            job.wait_unless(waiting, |at, bytes| results[at] = Some(bytes))
        });
        match (interrupted, ran) {
            (Some(interrupt), _) => Err(interrupt),
            (None, Err(error)) => Err(to_python(py, error)),
            (None, Ok(())) => Ok(results),
        }
    }
}

/// Returns all records of a stream, as pickled lists.
fn pickled(mut stream: Stream<Objects>) -> Outcome<Vec<u8>> {
    let mut lists: Vec<Objects> = vec![];
    while let Some(batch) = stream.next_batch()? {
        for objects in batch.into_vec() {
            lists.push(objects.to_written()?);
        }
    }
    encode_value(&lists).map_err(data_failure)
}

/// Returns the records of pickled lists, as one list.
fn records<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyList>> {
    let lists: Vec<ByteBuf> =
        decode_value(bytes).map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    let mut lists = lists.iter();
    let Some(first) = lists.next() else { return Ok(PyList::empty(py)) };
    let all = load(py, first)?;
    for list in lists {
        all.call_method1("extend", (load(py, list)?,))?;
    }
    Ok(all)
}

/// Records that have been shuffled to their partitions.
struct Unplaced(Stream<(u32, Objects)>);

impl Batches<Objects> for Unplaced {
    fn next_batch(&mut self) -> Outcome<Option<Batch<Objects>>> {
        let Some(batch) = self.0.next_batch()? else { return Ok(None) };
        let task = self.0.task();
        Ok(Some(Batch::Owned(batch.map(|(_, objects)| objects.read_from_shuffle(task)))))
    }
}

/// Applies a function to each list of a batch.
fn each<T>(
    batch: Batch<Objects>,
    mut f: impl FnMut(Python<'_>, &Bound<'_, PyList>) -> PyResult<Vec<T>>,
) -> Outcome<Option<Batch<T>>> {
    let mut made = vec![];
    for objects in batch.into_vec() {
        let more = Python::attach(|py| {
            let more = objects.list(py).and_then(|list| f(py, &list));
            more.map_err(|error| crate::failure::from_python(py, error))
        });
        made.append(&mut more?);
    }
    Ok(Some(Batch::Owned(made)))
}

/// Records that are text, as text.
struct Texts(Stream<Objects>);

impl Batches<String> for Texts {
    fn next_batch(&mut self) -> Outcome<Option<Batch<String>>> {
        let Some(batch) = self.0.next_batch()? else { return Ok(None) };
        each(batch, |_, list| {
            list.iter()
                .map(|record| match record.cast::<PyBytes>() {
                    Ok(bytes) => Ok(String::from_utf8_lossy(bytes.as_bytes()).into_owned()),
                    Err(_) => Ok(record.str()?.to_string_lossy().into_owned()),
                })
                .collect()
        })
    }
}

/// Records as pickled lists of a fixed number, some of which make a value of SequenceFiles: an array of
/// arrays of bytes, as Java serialises it, since PySpark reads that.
struct Pickles {
    stream: Stream<Objects>,
    batch: usize,
}

/// The largest number of pickled lists in a value: as Spark's object files gather their records.
const LISTS_IN_A_VALUE: usize = 10;

impl Batches<(Value, Value)> for Pickles {
    fn next_batch(&mut self) -> Outcome<Option<Batch<(Value, Value)>>> {
        let Some(batch) = self.stream.next_batch()? else { return Ok(None) };
        let at_once = self.batch;
        each(batch, |_, list| {
            let (mut lists, mut start) = (vec![], 0);
            while start < list.len() {
                let end = start.saturating_add(at_once).min(list.len());
                lists.push(crate::objects::dump(&list.get_slice(start, end))?.to_vec());
                start = end;
            }
            let value = |lists: &[Vec<u8>]| {
                let mut bytes = vec![];
                put_java_byte_arrays(lists, &mut bytes);
                (Value::Null, Value::Bytes(bytes))
            };
            Ok(lists.chunks(LISTS_IN_A_VALUE).map(value).collect())
        })
    }
}

/// Pairs as lines of Java's text, without keys or values that are None.
struct JavaLines {
    stream: Stream<Objects>,
    separator: String,
}

impl Batches<String> for JavaLines {
    fn next_batch(&mut self) -> Outcome<Option<Batch<String>>> {
        let Some(batch) = self.stream.next_batch()? else { return Ok(None) };
        let separator = &self.separator;
        each(batch, |_, list| {
            let mut lines = vec![];
            for pair in list.iter() {
                let (key, value) = pair_of(&pair)?;
                let parts = [writables::to_value(&key, None)?, writables::to_value(&value, None)?];
                let mut there = parts.iter().filter(|part| **part != Value::Null).peekable();
                // A pair of None and None is not a line.
                if there.peek().is_none() {
                    continue;
                }
                let mut line = String::new();
                for (i, part) in there.enumerate() {
                    line.push_str(if i == 0 { "" } else { separator });
                    part.put_java_text(&mut line);
                }
                lines.push(line);
            }
            Ok(lines)
        })
    }
}

/// Returns key and value of a record.
fn pair_of<'py>(record: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    match record.len() {
        Ok(2) if record.is_instance_of::<PyTuple>() || record.is_instance_of::<PyList>() => {
            Ok((record.get_item(0)?, record.get_item(1)?))
        }
        _ => {
            let shown: String = record.repr()?.to_string().chars().take(200).collect();
            Err(PyTypeError::new_err(format!("{shown} is no pair of a key and a value, such as (1, \"a\")")))
        }
    }
}

/// Pairs as values of Hadoop's classes.
struct Writables {
    stream: Stream<Objects>,
    classes: Classes,
}

impl Batches<(Value, Value)> for Writables {
    fn next_batch(&mut self) -> Outcome<Option<Batch<(Value, Value)>>> {
        let Some(batch) = self.stream.next_batch()? else { return Ok(None) };
        let (key_class, value_class) = (self.classes.0.as_deref(), self.classes.1.as_deref());
        each(batch, |_, list| {
            list.iter()
                .map(|pair| {
                    let (key, value) = pair_of(&pair)?;
                    Ok((writables::to_value(&key, key_class)?, writables::to_value(&value, value_class)?))
                })
                .collect()
        })
    }
}
