//! numpy's arrays and numbers: read as columns, and made of them.
//!
//! numpy is the program's own. A process that has not imported it has no such objects, and nothing here imports it for a
//! look at them; only objects that are to be made want it, as those in a pickle would.

use crate::lookup::function;
use firesteel_kernels::{Arrays, Ask, Column, Library, Numpy, pairwise};
use pyo3::call::PyCallArgs;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyList, PyType};
use std::rc::Rc;

/// The types of a numpy that was imported.
struct Types {
    array: Py<PyType>,
    number: Py<PyType>,
}

/// Returns numpy's types, if the program has imported it.
fn types(py: Python<'_>) -> Option<&'static Types> {
    static TYPES: PyOnceLock<Types> = PyOnceLock::new();
    if let Some(types) = TYPES.get(py) {
        return Some(types);
    }
    let modules = py.import("sys").and_then(|sys| sys.getattr("modules")).ok()?;
    let numpy = modules.cast::<PyDict>().ok()?.get_item("numpy").ok()??;
    let kind = |name| Some(numpy.getattr(name).ok()?.cast_into::<PyType>().ok()?.unbind());
    // Another thread may be importing it, so that it has not all its names yet.
    let (array, number) = (kind("ndarray")?, kind("float64")?);
    Some(TYPES.get_or_init(py, || Types { array, number }))
}

/// Values of numpy's that are being made a column.
pub(super) enum ArraysBuilder {
    Arrays { data: Vec<f64>, lengths: Vec<usize>, dtype: Option<Py<PyAny>> },
    Numbers(Vec<f64>),
}

impl ArraysBuilder {
    /// Makes a builder for objects such as this one, if it is a value of numpy's that can be in a column.
    pub(super) fn like(object: &Bound<'_, PyAny>) -> Option<ArraysBuilder> {
        let kind = object.get_type();
        let types = types(object.py())?;
        if kind.is(&types.array) {
            return Some(ArraysBuilder::Arrays { data: vec![], lengths: vec![], dtype: None });
        }
        kind.is(&types.number).then(|| ArraysBuilder::Numbers(vec![]))
    }

    /// Adds an object. Returns `false`, and adds something else, if it has another type.
    pub(super) fn push(&mut self, object: &Bound<'_, PyAny>) -> bool {
        let Some(types) = types(object.py()) else { return false };
        match self {
            ArraysBuilder::Arrays { data, lengths, dtype } => {
                let is_one = object.get_type().is(&types.array);
                let bytes = if is_one { bytes_of(object, dtype).ok().flatten() } else { None };
                let (items, _) = bytes.as_ref().map_or(&[][..], |bytes| bytes.as_bytes()).as_chunks::<8>();
                data.extend(items.iter().map(|item| f64::from_ne_bytes(*item)));
                lengths.push(items.len());
                bytes.is_some()
            }
            ArraysBuilder::Numbers(values) => {
                let is_one = object.get_type().is(&types.number);
                let value =
                    if is_one { object.cast::<PyFloat>().ok().map(|float| float.value()) } else { None };
                values.push(value.unwrap_or(0.0));
                value.is_some()
            }
        }
    }

    pub(super) fn push_blank(&mut self) {
        match self {
            ArraysBuilder::Arrays { lengths, .. } => lengths.push(0),
            ArraysBuilder::Numbers(values) => values.push(0.0),
        }
    }

    /// Returns the column; `None` of more items than it may have.
    pub(super) fn build(self) -> Option<Column> {
        Some(Column::Numpy(match self {
            ArraysBuilder::Arrays { data, lengths, .. } => {
                Numpy::Arrays(Arrays::new(data, lengths.into_iter())?)
            }
            ArraysBuilder::Numbers(values) => Numpy::Numbers(Rc::new(values)),
        }))
    }
}

/// Returns the items of an array, if it has one dimension and 64-bit floats, and is as a new one would be: they lie behind each
/// other, and can be written to. numpy adds others up in another order, and a result that is this array has to be such.
fn bytes_of<'py>(
    array: &Bound<'py, PyAny>,
    known: &mut Option<Py<PyAny>>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let py = array.py();
    let dtype = array.getattr(intern!(py, "dtype"))?;
    if !known.as_ref().is_some_and(|known| dtype.is(known)) {
        static IS_PLAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let is_plain = function(py, &IS_PLAIN, "firesteel.native.arrays", "is_plain")?;
        if !is_plain.call1((&dtype,))?.is_truthy()? {
            return Ok(None);
        }
        *known = Some(dtype.unbind());
    }
    let dimensions: usize = array.getattr(intern!(py, "ndim"))?.extract()?;
    let flags = array.getattr(intern!(py, "flags"))?;
    if dimensions != 1 || !flags.getattr(intern!(py, "carray"))?.is_truthy()? {
        return Ok(None);
    }
    Ok(array.call_method0(intern!(py, "tobytes"))?.cast_into::<PyBytes>().ok())
}

/// Returns whether a column has values of numpy's.
pub(super) fn has_any(column: &Column) -> bool {
    match column {
        Column::Numpy(_) => true,
        Column::Tuple(parts) | Column::Record(_, parts) => parts.iter().any(has_any),
        Column::List(list) | Column::Group(list) => has_any(list.parts().0),
        Column::Const(_) | Column::Bool(_) | Column::Int(_) | Column::Float(_) | Column::Text(_) => false,
    }
}

/// Returns whether the kernels compute as the program's numpy does: this version of it, as it is set now.
pub(super) fn are_trusted(py: Python<'_>) -> PyResult<bool> {
    static ARE_TRUSTED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    function(py, &ARE_TRUSTED, "firesteel.native.arrays", "are_trusted")?.call0()?.is_truthy()
}

/// Returns values of numpy's as objects. Each array is one of its own.
pub(super) fn objects<'py>(py: Python<'py>, values: &Numpy) -> PyResult<Vec<Bound<'py, PyAny>>> {
    static MADE: [PyOnceLock<Py<PyAny>>; 3] = [const { PyOnceLock::new() }; 3];
    let made = |at: usize, name| function(py, &MADE[at], "firesteel.native.arrays", name);
    let list = match values {
        Numpy::Arrays(arrays) => {
            let lengths = PyList::new(py, arrays.lengths())?;
            made(0, "arrays_of")?.call1((bytes(py, &arrays.items()), lengths))?
        }
        Numpy::Numbers(values) => made(1, "numbers_of")?.call1((bytes(py, values),))?,
        Numpy::Truths(values) => {
            let truths: Vec<u8> = values.iter().map(|value| u8::from(*value)).collect();
            made(2, "truths_of")?.call1((PyBytes::new(py, &truths),))?
        }
    };
    Ok(list.cast_into::<PyList>()?.iter().collect())
}

/// The program's numpy, which is asked for what is its own.
struct Programs;

impl Ask for Programs {
    fn of_each(&self, name: &str, items: &[f64]) -> Option<Vec<f64>> {
        static OF_EACH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        Python::attach(|py| asked(py, &OF_EACH, "of_each", (name, bytes(py, items))))
    }

    fn products(&self, one: &[f64], two: &[f64], length: usize) -> Option<Vec<f64>> {
        static PRODUCTS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        Python::attach(|py| asked(py, &PRODUCTS, "products", (bytes(py, one), bytes(py, two), length)))
    }
}

/// Returns whom the kernels ask for what only numpy computes as numpy does.
pub(super) fn library() -> Library {
    Library::new(Programs)
}

/// Calls a function of `firesteel.native.asking` that gives the bytes of floats. Whatever it raises, the program's own call
/// will, for a record whose turn it is.
fn asked<'py>(
    py: Python<'py>,
    known: &'static PyOnceLock<Py<PyAny>>,
    name: &str,
    arguments: impl PyCallArgs<'py>,
) -> Option<Vec<f64>> {
    let made = function(py, known, "firesteel.native.asking", name).ok()?.call1(arguments).ok()?;
    Some(floats(made.cast::<PyBytes>().ok()?))
}

fn bytes<'py>(py: Python<'py>, items: &[f64]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &items.iter().flat_map(|item| item.to_ne_bytes()).collect::<Vec<_>>())
}

fn floats(items: &Bound<'_, PyBytes>) -> Vec<f64> {
    items.as_bytes().as_chunks::<8>().0.iter().map(|item| f64::from_ne_bytes(*item)).collect()
}

/// Returns the sum of the floats in an array's bytes, as the kernels compute it: to be compared with numpy's.
#[pyfunction]
pub(crate) fn pairwise_sum(items: &Bound<'_, PyBytes>) -> f64 {
    pairwise(&floats(items))
}
