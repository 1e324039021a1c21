//! Accumulators: tasks add up Python values, one for each partition; the program gets them pickled, and adds
//! them up itself.

use crate::lookup::function;
use firesteel_operators::{Accumulate, Adder};
use firesteel_types::AccumulatorId;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_bytes::ByteBuf;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// The added terms: here, as a value; in other processes, as pickled values.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Terms {
    #[serde(skip)]
    value: Option<Arc<Py<PyAny>>>,
    chunks: Vec<ByteBuf>,
}

/// One call of `add`.
pub(crate) struct Addition {
    add: Py<PyAny>,
    zero: Py<PyAny>,
    term: Py<PyAny>,
}

thread_local! {
    /// The exception that the program's own `addInPlace` raised.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
    /// The application whose tasks this process runs.
    static APPLICATION: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn set_application(application: u64) {
    APPLICATION.set(application);
}

impl Accumulate for Terms {
    type Input = Addition;

    fn zero() -> Self {
        Terms::default()
    }

    fn add(&mut self, input: Addition) {
        Python::attach(|py| match sum(py, self.value.as_deref(), &input) {
            Ok(value) => self.value = Some(Arc::new(value)),
            Err(error) => RAISED.with_borrow_mut(|raised| *raised = Some(error)),
        });
    }

    fn merge(&mut self, other: Self) {
        self.chunks.extend(other.chunks);
    }
}

fn sum(py: Python<'_>, value: Option<&Py<PyAny>>, input: &Addition) -> PyResult<Py<PyAny>> {
    static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let value = match value {
        Some(value) => value.bind(py).clone(),
        // A later `add` may change it in place, so the zero is copied.
        None => function(py, &COPY, "copy", "deepcopy")?.call1((&input.zero,))?,
    };
    Ok(input.add.bind(py).call1((value, &input.term))?.unbind())
}

impl Serialize for Terms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        static DUMP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let mut chunks = self.chunks.clone();
        if let Some(value) = &self.value {
            let pickled = Python::attach(|py| {
                let dump = function(py, &DUMP, "firesteel.pickling", "dump_records")?;
                let pickled = dump.call1((&**value,))?.cast_into::<PyBytes>()?;
                Ok::<_, PyErr>(ByteBuf::from(pickled.as_bytes()))
            });
            chunks.push(pickled.map_err(ser::Error::custom)?);
        }
        #[derive(Serialize)]
        struct Pickled {
            chunks: Vec<ByteBuf>,
        }
        Pickled { chunks }.serialize(serializer)
    }
}

/// Computes `value = add(value, term)` for the partition that is being computed; `value` begins as a copy of
/// `zero`.
#[pyfunction]
pub(crate) fn accumulate(accumulator: u64, add: Py<PyAny>, zero: Py<PyAny>, term: Py<PyAny>) -> PyResult<()> {
    let adder = Adder::<Terms>::new(AccumulatorId(accumulator), APPLICATION.get());
    adder.add(Addition { add, zero, term });
    RAISED.with_borrow_mut(Option::take).map_or(Ok(()), Err)
}

/// The program's end of an accumulator.
#[pyclass(frozen)]
pub(crate) struct Accumulator(pub(crate) firesteel_driver::Accumulator<Terms>);

#[pymethods]
impl Accumulator {
    #[getter]
    fn id(&self) -> u64 {
        self.0.id()
    }

    /// Returns all terms that count now: each partition's value, pickled, once.
    fn chunks<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        let terms = py.detach(|| self.0.value());
        terms.chunks.iter().map(|chunk| PyBytes::new(py, chunk)).collect()
    }

    fn reset(&self, py: Python<'_>) {
        py.detach(|| self.0.reset());
    }
}
