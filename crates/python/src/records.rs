//! A partition's records on their way into a function of the user's, and out of it.
//!
//! The function gets an iterator that is C all the way: `chain.from_iterable` over lists that come batch by
//! batch. Only when a partition failed before does each record pass through [`Noting`], which remembers it for
//! the error.

use crate::failure::{from_python, raise_above, take_above};
use crate::kernels::{Block, Cut, Pieces};
use crate::lookup::function;
use crate::noting::{self, Noting};
use crate::objects::Objects;
use crate::timing::{self, TimedFunction};
use firesteel_data::Batch;
use firesteel_operators::{Batches, Outcome, Stream};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyIterator, PyList};
use std::collections::VecDeque;

/// Lists of records, one after the other.
#[pyclass(unsendable)]
pub(crate) struct Lists {
    stream: Option<Stream<Objects>>,
    ready: VecDeque<Objects>,
    /// Typed records that are becoming objects.
    cut: Option<Cut>,
    /// The function that takes them.
    function: TimedFunction,
}

#[pymethods]
impl Lists {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let _engine = timing::engine();
        loop {
            if let Some(list) = self.cut.as_mut().map(|cut| cut.next_list(py)).transpose()?.flatten() {
                self.function.given(list.len());
                return Ok(Some(list));
            }
            let Some(objects) = self.next()? else { return Ok(None) };
            self.cut = objects.typed()?.map(|(column, rows)| Cut::new(column, rows));
            if self.cut.is_none() {
                let list = objects.list(py)?;
                self.function.given(list.len());
                return Ok(Some(list));
            }
        }
    }
}

impl Lists {
    pub(crate) fn new(stream: Stream<Objects>, function: TimedFunction) -> Self {
        Lists { stream: Some(stream), ready: VecDeque::new(), cut: None, function }
    }

    /// Returns the next records, for a function that makes objects of them only if it must.
    pub(crate) fn next_objects(&mut self) -> PyResult<Option<Objects>> {
        let _engine = timing::engine();
        let objects = self.next()?;
        if let Some(lines) = objects.as_ref().and_then(Objects::lines) {
            self.function.given(lines.len());
        }
        Ok(objects)
    }

    /// The function was given so many records.
    pub(crate) fn given(&self, records: usize) {
        self.function.given(records);
    }

    fn next(&mut self) -> PyResult<Option<Objects>> {
        loop {
            if let Some(objects) = self.ready.pop_front() {
                return Ok(Some(objects));
            }
            let Some(stream) = &mut self.stream else { return Ok(None) };
            match stream.next_batch() {
                Ok(Some(batch)) => self.ready.extend(batch.into_vec()),
                Ok(None) => self.stream = None,
                Err(failure) => {
                    self.stream = None;
                    return Err(raise_above(failure));
                }
            }
        }
    }
}

/// Returns an iterator over all records of a stream, for a function.
pub(crate) fn iterator<'py>(
    py: Python<'py>,
    stream: Stream<Objects>,
    function: TimedFunction,
) -> PyResult<Bound<'py, PyAny>> {
    static CHAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let tracks_records = stream.task().tracks_records();
    let chain = CHAIN.get_or_try_init(py, || {
        let chain = py.import("itertools")?.getattr("chain")?.getattr("from_iterable")?;
        Ok::<_, PyErr>(chain.unbind())
    })?;
    let lists = Py::new(py, Lists::new(stream, function))?;
    let records = chain.bind(py).call1((lists,))?;
    match tracks_records {
        false => Ok(records),
        true => {
            let noting = Noting::new(records.try_iter()?);
            Ok(Py::new(py, noting)?.into_bound(py).into_any())
        }
    }
}

/// Takes lists out of the value that a function has returned.
pub(crate) struct Taken {
    /// `None` once it has ended.
    records: Option<Py<PyAny>>,
    /// Blocks, and iterators over more, behind the records.
    pieces: Option<Py<PyIterator>>,
    at_once: usize,
    function: TimedFunction,
}

/// A list has at most this many records, and, as far as the first and last tell, at most the bytes below.
const RECORDS_AT_MOST: usize = 4096;
const BYTES_AT_MOST: usize = 8 << 20;
const RECORDS_AT_FIRST: usize = 128;

impl Taken {
    /// Takes lists out of anything that can be iterated, which a function has returned.
    pub(crate) fn new(py: Python<'_>, returned: Bound<'_, PyAny>, function: TimedFunction) -> Outcome<Self> {
        let at_once = RECORDS_AT_FIRST;
        if let Ok(pieces) = returned.cast::<Pieces>() {
            let pieces = Some(pieces.get().0.clone_ref(py));
            return Ok(Taken { records: None, pieces, at_once, function });
        }
        let records = returned.try_iter().map_err(|error| from_python(py, error))?;
        Ok(Taken { records: Some(records.into_any().unbind()), pieces: None, at_once, function })
    }

    pub(crate) fn next(&mut self, py: Python<'_>) -> PyResult<Option<Objects>> {
        loop {
            if let Some(list) = self.next_list(py)? {
                return Ok(Some(Objects::live(list)));
            }
            let Some(pieces) = &self.pieces else { return Ok(None) };
            let piece = {
                let _working = self.function.work();
                pieces.bind(py).clone().next().transpose()?
            };
            let Some(piece) = piece else {
                self.pieces = None;
                return Ok(None);
            };
            match piece.cast::<Block>() {
                Ok(block) if block.len()? > 0 => {
                    self.function.gave(block.len()?);
                    return block.borrow().objects(py).map(Some);
                }
                Ok(_) => {}
                Err(_) => self.records = Some(piece.try_iter()?.into_any().unbind()),
            }
        }
    }

    fn next_list<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        static ISLICE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        static LIST: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let Some(records) = &self.records else { return Ok(None) };
        let islice = function(py, &ISLICE, "itertools", "islice")?;
        let list = function(py, &LIST, "builtins", "list")?;
        let taken = {
            let _working = self.function.work();
            list.call1((islice.call1((records, self.at_once))?,))?.cast_into::<PyList>()?
        };
        self.function.gave(taken.len());
        if taken.len() < self.at_once {
            self.records = None;
        }
        if taken.is_empty() {
            return Ok(None);
        }
        let size = size_of(&taken.get_item(0)?).max(size_of(&taken.get_item(taken.len() - 1)?));
        self.at_once = (self.at_once * 2).min(RECORDS_AT_MOST).min((BYTES_AT_MOST / size).max(1));
        Ok(Some(taken))
    }
}

/// Returns the size of an object itself; at least one byte.
fn size_of(object: &Bound<'_, PyAny>) -> usize {
    let size = object.call_method0("__sizeof__").and_then(|size| size.extract::<usize>());
    size.unwrap_or(64).max(1)
}

impl Batches<Objects> for Taken {
    fn next_batch(&mut self) -> Outcome<Option<Batch<Objects>>> {
        Python::attach(|py| {
            let taken = self.next(py);
            if let Some(failure) = take_above() {
                return Err(failure);
            }
            match taken {
                Ok(taken) => Ok(taken.map(|objects| Batch::Owned(vec![objects]))),
                Err(error) => Err(from_python(py, error)),
            }
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        noting::forget();
    }
}
