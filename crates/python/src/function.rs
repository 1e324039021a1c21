//! Functions of the program, which are sent to workers.

use crate::failure::from_python;
use crate::lookup::function;
use crate::objects::Objects;
use crate::records::{Taken, iterator};
use firesteel_operators::{Broadcast, Outcome, Stream};
use firesteel_types::Partition;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A pickled function, with the broadcast variables that it holds: they live as long as it can be called.
#[derive(Serialize, Deserialize)]
pub(crate) struct Function {
    pickled: ByteBuf,
    broadcasts: Vec<Broadcast<ByteBuf>>,
}

impl Function {
    pub(crate) fn new(pickled: &[u8], broadcasts: Vec<Broadcast<ByteBuf>>) -> Self {
        Function { pickled: ByteBuf::from(pickled), broadcasts }
    }

    /// Loads the function anew: each task gets the captured values as they were in the program.
    pub(crate) fn load<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static LOAD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let load = function(py, &LOAD, "firesteel.worker", "load_function")?;
        load.call1((PyBytes::new(py, &self.pickled),))
    }

    /// Calls the function with a partition's records, and returns its results.
    pub(crate) fn on_one(&self, partition: Partition, input: Stream<Objects>) -> Outcome<Taken> {
        Python::attach(|py| {
            let called = self.load(py).and_then(|f| f.call1((partition.0, iterator(py, input)?)));
            Taken::new(py, called.map_err(|error| from_python(py, error))?)
        })
    }

    /// Calls the function with the records of two partitions, and returns its results.
    pub(crate) fn on_two(
        &self,
        partition: Partition,
        left: Stream<Objects>,
        right: Stream<Objects>,
    ) -> Outcome<Taken> {
        Python::attach(|py| {
            let called =
                self.load(py).and_then(|f| f.call1((partition.0, iterator(py, left)?, iterator(py, right)?)));
            Taken::new(py, called.map_err(|error| from_python(py, error))?)
        })
    }
}
