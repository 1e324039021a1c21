//! Spill files of Python's tables: batches of pickled records, in the engine's own files.

use crate::sizes::size_of_all;
use crate::worker;
use firesteel_data::spill_file;
use firesteel_data::{Cipher, DataError, Workspace};
use firesteel_executor::runner;
use firesteel_operators::Services;
use parking_lot::Mutex;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

/// The records of a batch whose sizes stand for those of all.
const SAMPLES: usize = 4;

/// Batches in a file that has no name. Any number of readers read it, also while more is written.
#[pyclass(frozen)]
pub(crate) struct SpillFile {
    file: Mutex<spill_file::SpillFile>,
    /// The task whose figures count what is written. A program may keep the file for longer.
    task: Option<Weak<dyn Workspace>>,
}

#[pymethods]
impl SpillFile {
    #[new]
    fn new() -> PyResult<Self> {
        let task = runner::workspace();
        let file = match &task {
            Some(task) => spill_file::SpillFile::new(&**task),
            None => spill_file::SpillFile::new(&WithoutTask(worker::services())),
        };
        Ok(SpillFile { file: Mutex::new(file.map_err(raised)?), task: task.as_ref().map(Arc::downgrade) })
    }

    /// Appends a batch: some records, and what they are pickled.
    fn write(&self, py: Python<'_>, records: &Bound<'_, PyList>, batch: &[u8]) -> PyResult<()> {
        let written = py.detach(|| self.file.lock().push(batch)).map_err(raised)?;
        if let Some(task) = self.task.as_ref().and_then(Weak::upgrade) {
            task.spilled(size_of_all(records, SAMPLES) as u64, written);
        }
        Ok(())
    }

    /// Returns a batch by its number; None behind the last.
    fn read<'py>(&self, py: Python<'py>, batch: usize) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let read = py.detach(|| self.file.lock().read(batch)).map_err(raised)?;
        Ok(read.map(|bytes| PyBytes::new(py, &bytes)))
    }

    fn __len__(&self) -> usize {
        self.file.lock().frames()
    }
}

fn raised(error: DataError) -> PyErr {
    let advice = match error.is_lost() {
        true => {
            ". The disk gave back other bytes than were written; the task is tried again, if it may be (spark.task.maxFailures)"
        }
        false => "",
    };
    PyOSError::new_err(format!("{error}{advice}"))
}

/// The files of Python code that runs in no task: the program's own use of a table.
struct WithoutTask(Option<Arc<Services>>);

impl Workspace for WithoutTask {
    fn try_reserve(&self, _bytes: usize) -> bool {
        true
    }

    fn reserve_anyway(&self, _bytes: usize) {}

    fn release(&self, _bytes: usize) {}

    fn create_file(&self) -> Result<(PathBuf, File), DataError> {
        // The directory of a context that was stopped is gone.
        let made = self.0.as_ref().and_then(|services| services.dirs.create_file("spill").ok());
        made.map_or_else(temporary, Ok)
    }

    fn cipher(&self) -> Option<Cipher> {
        self.0.as_ref()?.dirs.cipher().cloned()
    }
}

fn temporary() -> Result<(PathBuf, File), DataError> {
    let parent = std::env::temp_dir();
    let made = tempfile::Builder::new().prefix("firesteel-spill-").tempfile_in(&parent);
    let kept = made.and_then(|file| file.keep().map_err(|error| error.error));
    kept.map(|(file, path)| (path, file)).map_err(|error| DataError::io("create", &parent, error))
}
