//! [`Block`]: records in a column, on their way from kernels to kernels, or out of a function ([`Pieces`]).

use super::objects;
use crate::lookup;
use crate::objects::Objects;
use firesteel_kernels::{Column, TextHash, encode, hashes};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyIterator, PyList, PyString};
use std::ops::Range;

/// The most records that go through the kernels, or leave a table, together: their columns stay in the processor's cache.
pub(super) const ROWS_AT_MOST: usize = 4096;

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

    /// Returns whether records are pairs whose keys have a hash here.
    fn is_keyed(&self, py: Python<'_>) -> PyResult<bool> {
        let Column::Tuple(parts) = &self.column else { return Ok(false) };
        let [key, _] = &parts[..] else { return Ok(false) };
        Ok(placing_hashes(py, key, self.rows)?.is_some())
    }

    /// Returns some of the records.
    fn part(&self, from: usize, to: usize) -> Block {
        Block { column: self.column.slice(from..to), rows: to - from }
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        if self.rows <= OBJECTS_AT_ONCE {
            return self.list(py)?.try_iter();
        }
        chained(py, Bound::new(py, Cut::new(self.column.clone(), self.rows))?.as_any())
    }
}

impl Block {
    pub(super) fn new(column: Column, rows: usize) -> Block {
        Block { column: column.spread(rows), rows }
    }

    pub(super) fn parts(&self) -> (&Column, usize) {
        (&self.column, self.rows)
    }

    /// Returns the records at these positions.
    pub(super) fn at(&self, py: Python<'_>, positions: &[u32]) -> PyResult<Py<PyList>> {
        objects::list(py, &self.column.gather(positions), positions.len()).map(Bound::unbind)
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

/// The most records of a column that are objects at a time: so few stay in the processor's cache, and are gone again before Python
/// looks for garbage among them.
const OBJECTS_AT_ONCE: usize = 1024;

/// Records of a column that become objects bit by bit, as lists.
#[pyclass(unsendable)]
pub(crate) struct Cut {
    column: Column,
    left: Range<usize>,
}

#[pymethods]
impl Cut {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        self.next_list(py)
    }
}

impl Cut {
    pub(crate) fn new(column: Column, rows: usize) -> Cut {
        Cut { column, left: 0..rows }
    }

    /// Returns the next records; `None` behind the last.
    pub(crate) fn next_list<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let some = self.left.start..self.left.end.min(self.left.start + OBJECTS_AT_ONCE);
        self.left.start = some.end;
        if some.is_empty() {
            return Ok(None);
        }
        objects::list(py, &self.column.slice(some.clone()), some.len()).map(Some)
    }
}

/// Returns an iterator over the items of all iterables, one after the other.
fn chained<'py>(py: Python<'py>, iterables: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyIterator>> {
    static CHAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let chain = lookup::function(py, &CHAIN, "itertools", "chain")?;
    chain.call_method1("from_iterable", (iterables,))?.try_iter()
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
        chained(py, self.0.bind(py).as_any())
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
