//! An agent that runs a Python program's executors: its connection to the driver, and the start of its worker
//! processes.
//!
//! The interpreter around it is called once, for the command that starts workers. It never runs the program's
//! functions itself: the server of workers is a process of its own, without threads.

use crate::files;
use crate::settings::watchdog;
use firesteel_executor::WorkerCommand;
use firesteel_executor::agent::{Beginning, MakeWorkers, own_config, read_config, run};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Runs an agent until its driver releases it. Its configuration is JSON; if `config` is `None`, `told`, the value
/// of the variable that makes this process an agent, says where it is.
///
/// `command` is called with the driver's setting for workers, and with the application's directory on this
/// host. It returns the program of the server of workers, its arguments, its environment and its directory.
#[pyfunction]
#[pyo3(signature = (config, told, command))]
pub(crate) fn agent(py: Python<'_>, config: Option<&str>, told: &str, command: Py<PyAny>) -> PyResult<()> {
    firesteel_driver::show_log();
    let config = match config {
        Some(config) => read_config(&mut config.as_bytes()),
        None => own_config(told),
    };
    let config = config.map_err(PyValueError::new_err)?;
    let ended = py.detach(|| {
        let make: MakeWorkers = Box::new(move |beginning| workers(beginning, &command));
        run(config, Some(make))
    });
    ended.map_err(PyOSError::new_err)
}

type Command = (PathBuf, Vec<String>, BTreeMap<String, String>, PathBuf);

fn workers(beginning: &Beginning<'_>, command: &Py<PyAny>) -> Result<WorkerCommand, String> {
    files::fetch_by(&beginning.remote);
    let made = Python::attach(|py| {
        let made = command.call1(py, (beginning.setting, beginning.directory))?;
        made.extract::<Command>(py)
    });
    let (program, arguments, environment, directory) = made.map_err(|error| error.to_string())?;
    let (environment, setting) = (environment.into_iter().collect(), beginning.setting.into());
    let watchdog = watchdog(beginning.settings);
    Ok(WorkerCommand { program, arguments, environment, directory, setting, watchdog })
}
