//! Functions of Python that the engine calls, each looked up once in a process.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Returns a function of a module, looked up at the first call and kept in `known`.
pub(crate) fn function<'py>(
    py: Python<'py>,
    known: &'static PyOnceLock<Py<PyAny>>,
    module: &str,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let function =
        known.get_or_try_init(py, || Ok::<_, PyErr>(py.import(module)?.getattr(name)?.unbind()))?;
    Ok(function.bind(py).clone())
}
