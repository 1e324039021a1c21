//! Barriers: waiting for the other tasks of a barrier stage.

use crate::failure::raise_above;
use firesteel_operators::Task;
use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// The task of a barrier stage that runs in this process.
static CURRENT: Mutex<Option<Task>> = Mutex::new(None);

/// Sets the task that runs.
pub(crate) fn set_current(task: Option<Task>) {
    let before = std::mem::replace(&mut *CURRENT.lock(), task);
    // Dropped outside the lock: a task releases its memory when it is dropped.
    drop(before);
}

/// Waits for all tasks of the barrier stage; returns their messages, in the order of partitions.
#[pyfunction]
pub(crate) fn barrier(py: Python<'_>, message: String) -> PyResult<Vec<String>> {
    let task = CURRENT.lock().clone();
    let Some(task) = task else {
        return Err(PyRuntimeError::new_err("no task of a barrier stage runs here"));
    };
    py.detach(|| task.barrier(Some(message))).map(|messages| messages.to_vec()).map_err(raise_above)
}
