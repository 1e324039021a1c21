//! The record that a function was given last, for the error of a partition that fails a second time.

use pyo3::prelude::*;
use pyo3::types::PyIterator;
use std::cell::RefCell;

thread_local! {
    /// The record that the function was given last.
    static NOTED: RefCell<Option<Py<PyAny>>> = const { RefCell::new(None) };
}

/// Returns the record that the function was given last, shown and shortened, if records are noted.
pub(crate) fn noted(py: Python<'_>) -> Option<String> {
    let record = NOTED.with_borrow_mut(Option::take)?;
    Some(shown(record.bind(py)))
}

/// Returns the `repr` of a record, shortened.
pub(crate) fn shown(record: &Bound<'_, PyAny>) -> String {
    const CHARACTERS: usize = 300;
    let shown = record.repr().map(|shown| shown.to_string());
    let shown = shown.unwrap_or_else(|error| format!("a record whose repr fails: {error}"));
    match shown.char_indices().nth(CHARACTERS) {
        None => shown,
        Some((end, _)) => format!("{}…", &shown[..end]),
    }
}

/// Forgets the record, so that it is neither kept alive nor blamed for a later failure.
pub(crate) fn forget() {
    NOTED.with_borrow_mut(|noted| *noted = None);
}

/// Records one by one, each remembered.
#[pyclass(unsendable)]
pub(crate) struct Noting {
    records: Py<PyIterator>,
}

impl Noting {
    pub(crate) fn new(records: Bound<'_, PyIterator>) -> Self {
        Noting { records: records.unbind() }
    }
}

#[pymethods]
impl Noting {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = self.records.bind(py).clone().next().transpose()?;
        NOTED.with_borrow_mut(|noted| *noted = next.as_ref().map(|record| record.clone().unbind()));
        Ok(next)
    }
}
