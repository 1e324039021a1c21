//! Waiting for the other tasks of a barrier stage.

use crate::failure::raise_above;
use firesteel_operators::Task;
use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// The task of a barrier stage that runs in this process.
static CURRENT: Mutex<Option<Task>> = Mutex::new(None);

/// Says which one runs.
pub(crate) fn set_current(task: Option<Task>) {
    let before = std::mem::replace(&mut *CURRENT.lock(), task);
    // Dropped outside the lock: what a task has of memory goes with it.
    drop(before);
}

/// Waits for all tasks of the barrier stage; gives what each of them said, in the order of partitions.
#[pyfunction]
pub(crate) fn barrier(py: Python<'_>, message: String) -> PyResult<Vec<String>> {
    let task = CURRENT.lock().clone();
    let Some(task) = task else {
        return Err(PyRuntimeError::new_err("no task of a barrier stage runs here"));
    };
    py.detach(|| task.barrier(Some(message))).map(|messages| messages.to_vec()).map_err(raise_above)
}
