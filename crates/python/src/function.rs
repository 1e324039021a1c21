//! Functions of the program, which are sent to workers.

use crate::failure::from_python;
use crate::lookup::function;
use crate::objects::Objects;
use crate::records::{Lists, Taken, iterator};
use crate::timing::TimedFunction;
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
        self.call(|py, function, timed| {
            // A partition that failed before runs in the interpreter alone, which tells of each record.
            let is_native = !input.task().tracks_records();
            if let Some(over_lists) = function.getattr_opt("over_lists")?.filter(|_| is_native) {
                return over_lists.call1((partition.0, Py::new(py, Lists::new(input, timed))?));
            }
            function.call1((partition.0, iterator(py, input, timed)?))
        })
    }

    /// Calls the function with the records of two partitions, and returns its results.
    pub(crate) fn on_two(
        &self,
        partition: Partition,
        left: Stream<Objects>,
        right: Stream<Objects>,
    ) -> Outcome<Taken> {
        self.call(|py, function, timed| {
            let is_native = !left.task().tracks_records();
            if let Some(over_two) = function.getattr_opt("over_two")?.filter(|_| is_native) {
                let lists = (Py::new(py, Lists::new(left, timed))?, Py::new(py, Lists::new(right, timed))?);
                return over_two.call1((partition.0, lists.0, lists.1));
            }
            let records = (iterator(py, left, timed)?, iterator(py, right, timed)?);
            function.call1((partition.0, records.0, records.1))
        })
    }

    /// Loads the function and calls it, with a clock of its own.
    fn call<'a>(
        &self,
        call: impl for<'py> FnOnce(Python<'py>, &Bound<'py, PyAny>, TimedFunction) -> PyResult<Bound<'py, PyAny>>
        + 'a,
    ) -> Outcome<Taken> {
        static DESCRIBE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let site = firesteel_operators::watch::site().map(|site| (*site).clone()).unwrap_or_default();
        let timed = TimedFunction::new(site);
        Python::attach(|py| {
            let loaded = self.load(py).map_err(|error| from_python(py, error))?;
            let describe = function(py, &DESCRIBE, "firesteel.chain", "described");
            let name = describe.and_then(|describe| describe.call1((&loaded,))?.extract::<String>());
            timed.name(name.unwrap_or_default());
            let called = {
                let _working = timed.work();
                call(py, &loaded, timed)
            };
            Taken::new(py, called.map_err(|error| from_python(py, error))?, timed)
        })
    }
}
