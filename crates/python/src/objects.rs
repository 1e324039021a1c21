//! [`Objects`]: a list of Python objects, as the one record that the engine sees.
//!
//! Within a stage it holds the live list; between stages, processes and in files what was written of it: a pickle, or a
//! block of typed records that kernels made. It is converted when the other form is needed, so a function that wants
//! objects has them.

use crate::failure::from_python;
use crate::kernels;
use crate::lookup::function;
use crate::timing;
use bytes::Bytes;
use firesteel_kernels::{Column, decode, is_block};
use firesteel_operators::{Outcome, Task};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList, PyString};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use std::fmt;
use std::sync::Arc;

/// Some consecutive records of a partition.
#[derive(Clone)]
pub(crate) struct Objects(Arc<Form>);

enum Form {
    Live(Py<PyList>),
    /// Lines of text, of which each user makes objects when it wants them: the kernels never do.
    Lines(Vec<String>),
    /// Pickled, or a typed block.
    Written(Bytes),
    /// From a shuffle, read by this task, which does not know yet how many records they are.
    Shuffled(Bytes, Task),
}

impl Objects {
    pub(crate) fn live(list: Bound<'_, PyList>) -> Self {
        Objects(Arc::new(Form::Live(list.unbind())))
    }

    pub(crate) fn of_lines(lines: Vec<String>) -> Self {
        Objects(Arc::new(Form::Lines(lines)))
    }

    /// Returns the records as lines of text, if that is what they are.
    pub(crate) fn lines(&self) -> Option<&[String]> {
        match &*self.0 {
            Form::Lines(lines) => Some(lines),
            Form::Live(_) | Form::Written(_) | Form::Shuffled(..) => None,
        }
    }

    pub(crate) fn written(bytes: impl Into<Bytes>) -> Self {
        Objects(Arc::new(Form::Written(bytes.into())))
    }

    /// Returns the same records, which `task` has read from a shuffle: the engine has counted them as one, and they are counted when they
    /// are looked at.
    pub(crate) fn read_from_shuffle(self, task: &Task) -> Objects {
        match &*self.0 {
            Form::Written(bytes) => Objects(Arc::new(Form::Shuffled(bytes.clone(), task.clone()))),
            Form::Live(_) | Form::Lines(_) | Form::Shuffled(..) => self,
        }
    }

    /// Returns the records as a list. A live list is shared: a change to it changes the list of all its
    /// users.
    pub(crate) fn list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        match &*self.0 {
            Form::Live(list) => Ok(list.bind(py).clone()),
            Form::Lines(lines) => strings(py, lines),
            Form::Written(bytes) => load(py, bytes),
            Form::Shuffled(bytes, task) => {
                let list = load(py, bytes)?;
                task.meter().shuffle_records_read.add(list.len().saturating_sub(1) as u64);
                Ok(list)
            }
        }
    }

    /// Returns the records as a column with the number of its rows, if they are a typed block.
    pub(crate) fn typed(&self) -> PyResult<Option<(Column, usize)>> {
        let (bytes, task) = match &*self.0 {
            Form::Written(bytes) => (bytes, None),
            Form::Shuffled(bytes, task) => (bytes, Some(task)),
            Form::Live(_) | Form::Lines(_) => return Ok(None),
        };
        if !is_block(bytes) {
            return Ok(None);
        }
        let (column, rows) = decode(bytes).map_err(broken)?;
        if let Some(task) = task {
            task.meter().shuffle_records_read.add(rows.saturating_sub(1) as u64);
        }
        Ok(Some((column, rows)))
    }

    /// Returns the records as they are written.
    pub(crate) fn bytes(&self, py: Python<'_>) -> PyResult<Bytes> {
        match &*self.0 {
            Form::Live(list) => dump(list.bind(py)),
            Form::Lines(lines) => dump(&strings(py, lines)?),
            Form::Written(bytes) | Form::Shuffled(bytes, _) => Ok(bytes.clone()),
        }
    }

    /// Returns the same records, written; a record that cannot be pickled is a failure of the task.
    pub(crate) fn to_written(&self) -> Outcome<Objects> {
        Python::attach(|py| self.bytes(py).map(Objects::written).map_err(|error| from_python(py, error)))
    }
}

fn strings<'py>(py: Python<'py>, lines: &[String]) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, lines.iter().map(|line| PyString::new(py, line)))
}

fn broken(what: &str) -> PyErr {
    PyOSError::new_err(format!("a block of typed records {what}"))
}

static DUMP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static LOAD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Pickles a list of records.
pub(crate) fn dump(list: &Bound<'_, PyList>) -> PyResult<Bytes> {
    let _pickling = timing::pickling();
    let dump = function(list.py(), &DUMP, "firesteel.pickling", "dump_records")?;
    let pickled = dump.call1((list,))?.cast_into::<PyBytes>()?;
    Ok(Bytes::copy_from_slice(pickled.as_bytes()))
}

/// Loads a list of records that were pickled, or are a typed block.
pub(crate) fn load<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyList>> {
    if is_block(bytes) {
        let (column, rows) = decode(bytes).map_err(broken)?;
        return kernels::list_of(py, &column, rows);
    }
    let _pickling = timing::pickling();
    let load = function(py, &LOAD, "firesteel.pickling", "load_records")?;
    Ok(load.call1((PyBytes::new(py, bytes),))?.cast_into::<PyList>()?)
}

impl Serialize for Objects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &*self.0 {
            Form::Written(bytes) | Form::Shuffled(bytes, _) => serializer.serialize_bytes(bytes),
            Form::Live(_) | Form::Lines(_) => {
                let bytes = Python::attach(|py| self.bytes(py));
                serializer.serialize_bytes(&bytes.map_err(ser::Error::custom)?)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Objects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pickled;

        impl Visitor<'_> for Pickled {
            type Value = Objects;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("written records")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Objects, E> {
                Ok(Objects::written(Bytes::copy_from_slice(bytes)))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Objects, E> {
                Ok(Objects::written(bytes))
            }
        }

        deserializer.deserialize_byte_buf(Pickled)
    }
}
