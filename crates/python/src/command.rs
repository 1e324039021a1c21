//! The part of the Python package's command `firesteel` that is in Rust: daemons, and requests to a cluster.

use firesteel_cli::InterpretedDriver;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs a command line; returns whether it succeeded. Errors were printed.
#[pyfunction]
pub(crate) fn command(py: Python<'_>, words: Vec<OsString>) -> bool {
    py.detach(|| firesteel_cli::run(words)) == ExitCode::SUCCESS
}

/// Begins the log of a daemon in this process, whose lines have times and are of this level at least.
#[pyfunction]
pub(crate) fn begin_log(level: &str) -> PyResult<()> {
    firesteel_cli::begin_log(level).map_err(PyValueError::new_err)
}

/// An option of Rust's command line, for Python's to have it, too.
#[pyclass(frozen, get_all)]
pub(crate) struct CommandOption {
    long: String,
    short: Option<char>,
    value: Option<String>,
    help: String,
    choices: Vec<String>,
    default: Option<String>,
    variable: Option<String>,
    is_required: bool,
    repeats: bool,
}

/// Returns the options of a command.
#[pyfunction]
pub(crate) fn command_options(command: &str) -> Vec<CommandOption> {
    let options = firesteel_cli::options_of(command).into_iter();
    let told = options.map(|option| CommandOption {
        long: option.long,
        short: option.short,
        value: option.value,
        help: option.help,
        choices: option.choices,
        default: option.default,
        variable: option.variable,
        is_required: option.is_required,
        repeats: option.repeats,
    });
    told.collect()
}

/// Returns the names of all commands, each with its description.
#[pyfunction]
pub(crate) fn command_names() -> Vec<(String, String)> {
    firesteel_cli::commands()
}

/// Has a Python program run in a cluster; `tell` is called with the name by which the cluster knows it.
#[pyfunction]
#[pyo3(signature = (*, master, secret_file, program, arguments, environment, files, cores, memory_mib, supervise, settings, dry_run, tell))]
#[expect(clippy::too_many_arguments, reason = "keywords, to Python")]
pub(crate) fn submit_driver(
    py: Python<'_>,
    master: String,
    secret_file: Option<std::path::PathBuf>,
    program: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    files: Vec<std::path::PathBuf>,
    cores: u32,
    memory_mib: u64,
    supervise: bool,
    settings: Vec<(String, String)>,
    dry_run: bool,
    tell: Py<PyAny>,
) -> PyResult<()> {
    let driver = InterpretedDriver {
        master,
        secret_file,
        program,
        arguments,
        environment,
        files,
        cores,
        memory_mib,
        supervise,
        settings,
        dry_run,
    };
    let mut said = Ok(());
    let hear = |name: &str| said = Python::attach(|py| tell.call1(py, (name,)).map(drop));
    let ended = py.detach(|| driver.submit(hear));
    said?;
    ended.map_err(PyRuntimeError::new_err)
}

/// Tells a cluster manager how this process's program has ended, where it asks.
#[pyfunction]
pub(crate) fn program_ended(py: Python<'_>, is_success: bool) {
    py.detach(|| firesteel_driver::program_ended(is_success));
}
