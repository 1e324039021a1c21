//! An agent that runs a Python program's executors: its connection to the driver, and the start of its worker
//! processes.
//!
//! The interpreter around it is called once, for the command that starts workers. It never runs the program's
//! functions itself: the server of workers is a process of its own, without threads.

use crate::worker;
use firesteel_executor::WorkerCommand;
use firesteel_executor::agent::{Beginning, MakeWorkers, config_from_parent, read_config, run};
use firesteel_transfer::RemoteFetcher;
use parking_lot::Mutex;
use pyo3::exceptions::{PyLookupError, PyOSError, PyValueError};
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The connection to the driver, in an agent and in the workers of a cluster.
static FAR: Mutex<Option<Arc<RemoteFetcher>>> = Mutex::new(None);

/// Sets the connection by which the driver's files can be fetched from now on.
pub(crate) fn fetch_by(remote: &Arc<RemoteFetcher>) {
    *FAR.lock() = Some(remote.clone());
}

/// Runs an agent until its driver releases it. Its configuration is JSON; if `config` is `None`, the agent
/// reads it from standard input, into which the process that started this one writes it.
///
/// `command` is called with the driver's setting for workers, and with the application's directory on this
/// host. It returns the program of the server of workers, its arguments, its environment and its directory.
#[pyfunction]
#[pyo3(signature = (config, command))]
pub(crate) fn agent(py: Python<'_>, config: Option<&str>, command: Py<PyAny>) -> PyResult<()> {
    firesteel_driver::show_log();
    let config = match config {
        Some(config) => read_config(&mut config.as_bytes()),
        None => config_from_parent(),
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
    fetch_by(&beginning.remote);
    let made = Python::attach(|py| {
        let made = command.call1(py, (beginning.setting, beginning.directory))?;
        made.extract::<Command>(py)
    });
    let (program, arguments, environment, directory) = made.map_err(|error| error.to_string())?;
    let (environment, setting) = (environment.into_iter().collect(), beginning.setting.into());
    Ok(WorkerCommand { program, arguments, environment, directory, setting })
}

/// Writes the driver's file that has this BLAKE3 hash to a path.
#[pyfunction]
pub(crate) fn fetch_file(py: Python<'_>, hash: &str, to: PathBuf) -> PyResult<()> {
    let hash = from_hex(hash).ok_or_else(|| PyValueError::new_err(format!("`{hash}` is no hash")))?;
    let remote = FAR.lock().clone();
    let remote = remote.ok_or_else(|| PyLookupError::new_err("this process has no remote driver"))?;
    py.detach(|| {
        let mut file = std::fs::File::create(&to)?;
        remote.file(hash, &mut file).map_err(|error| PyOSError::new_err(error.to_string()))
    })
}

/// Returns a hash as text, in lower case.
pub(crate) fn to_hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

/// Sets up a worker of a cluster: its connection, by which it can fetch files, and its directory.
pub(crate) fn begin(worker: &firesteel_executor::Worker) {
    if let Some(remote) = worker.remote() {
        fetch_by(remote);
    }
    worker::set_directory(&worker.init().directory);
}
