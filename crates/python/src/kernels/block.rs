//! [`Block`]: records in a column, on their way from kernels to kernels, or out of a function ([`Pieces`]).

use super::objects;
use crate::objects::Objects;
use firesteel_kernels::{Column, TextHash, encode, hashes};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyIterator, PyList, PyString};

/// Records in a column. To Python it is an iterable of them.
#[pyclass(unsendable)]
pub(crate) struct Block {
    column: Column,
    rows: usize,
}

#[pymethods]
impl Block {
    fn __len__(&self) -> usize {
        self.rows
    }

    /// Returns the records at these positions, which ascend.
    fn at(&self, py: Python<'_>, positions: Vec<u32>) -> PyResult<Py<PyList>> {
        if positions.last().is_some_and(|last| *last as usize >= self.rows) {
            return Err(PyIndexError::new_err("a block has fewer records"));
        }
        objects::list(py, &self.column.gather(&positions), positions.len()).map(Bound::unbind)
    }

    /// Returns whether records are pairs whose keys have a hash here.
    fn is_keyed(&self, py: Python<'_>) -> PyResult<bool> {
        let Column::Tuple(parts) = &self.column else { return Ok(false) };
        let [key, _] = &parts[..] else { return Ok(false) };
        Ok(placing_hashes(py, key, self.rows)?.is_some())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.list(py)?.try_iter()
    }
}

impl Block {
    pub(super) fn new(column: Column, rows: usize) -> Block {
        Block { column: column.spread(rows), rows }
    }

    pub(super) fn parts(&self) -> (&Column, usize) {
        (&self.column, self.rows)
    }

    /// Returns the records as objects.
    pub(crate) fn list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        objects::list(py, &self.column, self.rows)
    }

    /// Returns the records, typed where they can be encoded.
    pub(crate) fn objects(&self, py: Python<'_>) -> PyResult<Objects> {
        match encode(&self.column, self.rows) {
            Some(bytes) => Ok(Objects::written(bytes)),
            None => Ok(Objects::live(self.list(py)?)),
        }
    }
}

/// The results of a function, piece by piece: blocks, lists, and iterators over records.
#[pyclass(frozen)]
pub(crate) struct Pieces(pub(crate) Py<PyIterator>);

#[pymethods]
impl Pieces {
    #[new]
    fn new(pieces: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Pieces(pieces.try_iter()?.unbind()))
    }

    /// Returns an iterator over all records.
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let chain = py.import("itertools")?.getattr("chain")?;
        chain.call_method1("from_iterable", (&self.0,))?.try_iter()
    }
}

/// Returns the hashes that place keys, as `portable_hash` computes them; `None` for keys that are to be objects for that.
pub(crate) fn placing_hashes(py: Python<'_>, keys: &Column, rows: usize) -> PyResult<Option<Vec<i64>>> {
    static KNOWN: PyOnceLock<Option<TextHash>> = PyOnceLock::new();
    let texts = *KNOWN.get_or_try_init(py, || text_hash(py))?;
    Ok(texts.and_then(|texts| hashes(keys, rows, texts)))
}

/// Returns how this interpreter hashes texts, by trying a few. With another seed than 0, or another algorithm, none is known.
fn text_hash(py: Python<'_>) -> PyResult<Option<TextHash>> {
    const TEXTS: [&str; 7] =
        ["", "a", "Firesteel", "a text of more than one word of eight bytes", "é", "日本", "😀"];
    for known in [TextHash::Sip13, TextHash::Sip24] {
        let mut agrees = true;
        for text in TEXTS {
            agrees &= PyString::new(py, text).hash()? as i64 == known.of_text(text);
        }
        if agrees {
            return Ok(Some(known));
        }
    }
    Ok(None)
}
