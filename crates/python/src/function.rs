//! Functions of the program's on their way to workers.

use crate::failure::from_python;
use crate::objects::{Objects, function};
use crate::records::{Taken, iterator};
use firesteel::Broadcast;
use firesteel_operators::{Outcome, Stream};
use firesteel_types::Partition;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::sync::OnceLock;

/// A function, pickled, with the broadcast variables that it holds: they live as long as it can be called.
#[derive(Serialize, Deserialize)]
pub(crate) struct Function {
    pickled: ByteBuf,
    broadcasts: Vec<Broadcast<ByteBuf>>,
    #[serde(skip)]
    loaded: OnceLock<Py<PyAny>>,
}

impl Function {
    pub(crate) fn new(pickled: &[u8], broadcasts: Vec<Broadcast<ByteBuf>>) -> Self {
        Function { pickled: ByteBuf::from(pickled), broadcasts, loaded: OnceLock::new() }
    }

    /// The function, loaded by the first task of this process that calls it.
    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static LOAD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded.bind(py).clone());
        }
        let load = function(py, &LOAD, "firesteel.worker", "load_function")?;
        let loaded = load.call1((PyBytes::new(py, &self.pickled),))?;
        // Another task of this thread cannot have been faster.
        let _ = self.loaded.set(loaded.clone().unbind());
        Ok(loaded)
    }

    /// What the function gives for a partition's records.
    pub(crate) fn on_one(&self, partition: Partition, input: Stream<Objects>) -> Outcome<Taken> {
        Python::attach(|py| {
            let called = self.get(py).and_then(|f| f.call1((partition.0, iterator(py, input)?)));
            Taken::new(py, called.map_err(|error| from_python(py, error))?)
        })
    }

    /// What the function gives for the records of two partitions.
    pub(crate) fn on_two(
        &self,
        partition: Partition,
        left: Stream<Objects>,
        right: Stream<Objects>,
    ) -> Outcome<Taken> {
        Python::attach(|py| {
            let called =
                self.get(py).and_then(|f| f.call1((partition.0, iterator(py, left)?, iterator(py, right)?)));
            Taken::new(py, called.map_err(|error| from_python(py, error))?)
        })
    }
}
