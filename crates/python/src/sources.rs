//! Sources of records: text, files, pairs of SequenceFiles, as lists of Python objects.

use crate::failure::from_python;
use crate::objects::Objects;
use crate::writables;
use bytes::Bytes;
use firesteel_data::{Batch, Data};
use firesteel_driver::UntypedRdd;
use firesteel_io::hadoop::{Value, is_java_stream, java_byte_arrays};
use firesteel_operators::{Batches, Outcome, Stream, watch};
use firesteel_types::{CallSite, TaskFailure};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

/// The conversion of each batch of records into a list.
struct Converted<T> {
    stream: Stream<T>,
    convert: Convert<T>,
}

type Convert<T> = for<'py> fn(Python<'py>, &[T]) -> PyResult<Bound<'py, PyList>>;

impl<T: Data> Batches<Objects> for Converted<T> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<Objects>>> {
        let Some(batch) = self.stream.next_batch()? else { return Ok(None) };
        Python::attach(|py| match (self.convert)(py, batch.as_slice()) {
            Ok(list) => Ok(Some(Batch::Owned(vec![Objects::live(list)]))),
            Err(error) => Err(from_python(py, error)),
        })
    }
}

/// Lines as they are, of which the first function that takes them makes objects.
struct Lines(Stream<String>);

impl Batches<Objects> for Lines {
    fn next_batch(&mut self) -> Outcome<Option<Batch<Objects>>> {
        let Some(batch) = self.0.next_batch()? else { return Ok(None) };
        Ok(Some(Batch::Owned(vec![Objects::of_lines(batch.into_vec())])))
    }
}

/// Converts lines, to str or to bytes.
pub(crate) fn lines(lines: &UntypedRdd, site: CallSite, use_unicode: bool) -> UntypedRdd {
    if use_unicode {
        return lines.map_stream(site, &(), |(), _, stream| Ok(Lines(stream)));
    }
    lines.map_stream(site, &(), |(), _, stream| {
        let convert: Convert<String> =
            |py, lines| PyList::new(py, lines.iter().map(|line| PyBytes::new(py, line.as_bytes())));
        Ok(Converted { stream, convert })
    })
}

/// Converts pairs of path and contents.
pub(crate) fn texts(texts: &UntypedRdd, site: CallSite, use_unicode: bool) -> UntypedRdd {
    texts.map_stream(site, &use_unicode, |use_unicode: &bool, _, stream| {
        let convert: Convert<(String, String)> = match use_unicode {
            true => |py, texts| PyList::new(py, texts.iter().map(|(path, text)| (path, text))),
            false => |py, texts| {
                PyList::new(py, texts.iter().map(|(path, text)| (path, PyBytes::new(py, text.as_bytes()))))
            },
        };
        Ok(Converted { stream, convert })
    })
}

/// Converts pairs of path and bytes.
pub(crate) fn files(files: &UntypedRdd, site: CallSite) -> UntypedRdd {
    files.map_stream(site, &(), |(), _, stream| {
        let convert: Convert<(String, Bytes)> =
            |py, files| PyList::new(py, files.iter().map(|(path, bytes)| (path, PyBytes::new(py, bytes))));
        Ok(Converted { stream, convert })
    })
}

/// Converts records of bytes.
pub(crate) fn records(records: &UntypedRdd, site: CallSite) -> UntypedRdd {
    records.map_stream(site, &(), |(), _, stream| {
        let convert: Convert<Bytes> =
            |py, records| PyList::new(py, records.iter().map(|record| PyBytes::new(py, record)));
        Ok(Converted { stream, convert })
    })
}

/// Converts pairs of Writables.
pub(crate) fn pairs(pairs: &UntypedRdd, site: CallSite) -> UntypedRdd {
    pairs.map_stream(site, &(), |(), _, stream| {
        let convert: Convert<(Value, Value)> = |py, pairs| {
            let tuples: PyResult<Vec<Bound<'_, PyTuple>>> =
                pairs.iter().map(|pair| writables::pair(py, pair)).collect();
            PyList::new(py, tuples?)
        };
        Ok(Converted { stream, convert })
    })
}

/// Converts lines with the positions at which they begin.
pub(crate) fn positions(lines: &UntypedRdd, site: CallSite) -> UntypedRdd {
    lines.map_stream(site, &(), |(), _, stream| {
        let convert: Convert<(i64, String)> =
            |py, lines| PyList::new(py, lines.iter().map(|(position, line)| (position, line)));
        Ok(Converted { stream, convert })
    })
}

/// Returns the lists that were saved as pickles, in values of SequenceFiles: each by itself, as Firesteel
/// wrote them before version 0.2, or in Java's serialised arrays of arrays of bytes, as PySpark writes them
/// and Firesteel does now.
pub(crate) fn pickles(pairs: &UntypedRdd, site: CallSite) -> UntypedRdd {
    struct Pickles(Stream<(Value, Value)>);

    impl Batches<Objects> for Pickles {
        fn next_batch(&mut self) -> Outcome<Option<Batch<Objects>>> {
            let Some(batch) = self.0.next_batch()? else { return Ok(None) };
            let mut lists = vec![];
            for (_, value) in batch.into_vec() {
                lists.extend(pickled_lists(value)?.into_iter().map(Objects::written));
            }
            Ok(Some(Batch::Owned(lists)))
        }
    }

    pairs.map_stream(site, &(), |(), _, stream| Ok(Pickles(stream)))
}

/// Returns the pickled lists in one value.
fn pickled_lists(value: Value) -> Outcome<Vec<Vec<u8>>> {
    let wrong = |what: &str| {
        let message = format!(
            "{what}, so it was not written by saveAsPickleFile; read SequenceFiles of other programs with sequenceFile"
        );
        let site = watch::site().map_or_else(CallSite::default, |site| (*site).clone());
        let operation = "read a pickle file".to_string();
        Box::new(TaskFailure::Operation { operation, message, site, retryable: false })
    };
    match value {
        Value::Bytes(bytes) if is_java_stream(&bytes) => {
            java_byte_arrays(&bytes).map_err(|what| wrong(&what))
        }
        Value::Bytes(bytes) => Ok(vec![bytes]),
        other => Err(wrong(&format!("a value is a {} and no BytesWritable", other.class()))),
    }
}
