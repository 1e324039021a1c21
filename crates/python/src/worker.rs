//! A worker's process: tasks run one after the other on the interpreter's main thread.

use crate::{accumulator, barrier, failure, files, noting};
use firesteel_executor::{Worker, resident_bytes};
use firesteel_operators::Services;
use firesteel_protocol::TaskSpec;
use parking_lot::Mutex;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

static SERVICES: Mutex<Option<Arc<Services>>> = Mutex::new(None);
/// The application's directory on this host.
static DIRECTORY: Mutex<Option<PathBuf>> = Mutex::new(None);
/// The task that runs, in the form that its functions see.
static CURRENT: Mutex<Option<Py<TaskInfo>>> = Mutex::new(None);

/// The number of cores that each task takes.
static CPUS: AtomicU32 = AtomicU32::new(1);

/// The bytes that the process held before its first task.
static AT_FIRST: AtomicU64 = AtomicU64::new(0);

/// Returns the bytes that this process held before its first task; 0 in a process that runs none.
pub(crate) fn resident_at_first() -> u64 {
    AT_FIRST.load(Ordering::Relaxed)
}

/// Returns the bytes that this process may hold while it runs tasks: those at first, and its memory budget.
pub(crate) fn resident_limit() -> u64 {
    let budget = services().map_or(0, |services| services.memory.arbiter().total() as u64);
    resident_at_first().saturating_add(budget)
}

/// Returns the services that this process provides to its tasks, if it runs any.
pub(crate) fn services() -> Option<Arc<Services>> {
    SERVICES.lock().clone()
}

/// Sets the services that this process provides from now on.
pub(crate) fn lend(services: &Arc<Services>) {
    accumulator::set_application(services.application);
    *SERVICES.lock() = Some(services.clone());
}

/// Sets the task that runs in this process.
fn set_current(py: Python<'_>, task: Option<&TaskSpec>) -> PyResult<()> {
    let info = task.zip(services()).map(|(task, services)| Py::new(py, TaskInfo::new(task, &services)));
    *CURRENT.lock() = info.transpose()?;
    Ok(())
}

/// Runs the tasks that the driver sends through the socket that is this process's standard input, until it
/// closes.
#[pyfunction]
pub(crate) fn work(py: Python<'_>) -> PyResult<()> {
    let failed = |error: std::io::Error| PyOSError::new_err(error.to_string());
    let socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().map_err(failed)?);
    // User code that reads standard input finds it empty, instead of the driver's messages.
    let os = py.import("os")?;
    os.call_method1(
        "dup2",
        (os.call_method1("open", (os.getattr("devnull")?, os.getattr("O_RDONLY")?))?, 0),
    )?;
    let Some(mut worker) = py.detach(|| Worker::start(socket)).map_err(failed)? else { return Ok(()) };
    lend(worker.services());
    firesteel_operators::measure_python(crate::hot_key::add_to);
    begin(&worker);
    apply(&worker.init().settings);
    let sys = py.import("sys")?;
    while let Some(task) = py.detach(|| worker.next()) {
        set_current(py, Some(task.spec()))?;
        worker.run(task);
        set_current(py, None)?;
        barrier::set_current(None);
        noting::forget();
        failure::forget();
        for stream in ["stdout", "stderr"] {
            // A stream that the program has closed cannot be flushed, and need not be.
            let _ = sys.getattr(stream).and_then(|stream| stream.call_method0("flush"));
        }
    }
    Ok(())
}

/// Applies the settings that concern the whole process; the driver has checked them.
fn apply(settings: &[(String, String)]) {
    let value = |wanted: &str| settings.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.trim());
    let cpus = value(firesteel_conf::TASK_CPUS.key).and_then(|cpus| cpus.parse().ok());
    CPUS.store(cpus.unwrap_or(1), Ordering::Relaxed);
    firesteel_driver::set_log_level(value(firesteel_conf::LOG_LEVEL.key).unwrap_or_default());
    firesteel_driver::show_log();
}

/// Sets up a worker: its connection, if it is one of a cluster, by which it can fetch files, and its directory.
fn begin(worker: &Worker) {
    if let Some(remote) = worker.remote() {
        files::fetch_by(remote);
    }
    *DIRECTORY.lock() = Some(worker.init().directory.clone());
    AT_FIRST.store(resident_bytes(std::process::id()), Ordering::Relaxed);
}

/// The task that runs in this process.
#[pyclass(frozen, get_all)]
pub(crate) struct TaskInfo {
    stage: u32,
    stage_attempt: u32,
    partition: u32,
    attempt: u32,
    task: u64,
    job: u32,
    local_properties: BTreeMap<String, String>,
    executor: String,
    directory: String,
    cpus: u32,
}

impl TaskInfo {
    fn new(task: &TaskSpec, services: &Services) -> Self {
        let directory = DIRECTORY.lock().clone();
        // In the program's own process, the services' directory is the application's.
        let directory = directory.unwrap_or_else(|| services.dirs.path().into());
        TaskInfo {
            stage: task.stage.0,
            stage_attempt: task.stage_attempt.0,
            partition: task.partition.0,
            attempt: task.attempt,
            task: task.task.0,
            job: task.job.0,
            local_properties: (*task.properties).clone(),
            executor: services.executor.name(),
            directory: directory.to_string_lossy().into_owned(),
            cpus: CPUS.load(Ordering::Relaxed),
        }
    }
}

/// Returns the task that runs in this process, if one does.
#[pyfunction]
pub(crate) fn current_task(py: Python<'_>) -> Option<Py<TaskInfo>> {
    let current = CURRENT.lock();
    current.as_ref().map(|task| task.clone_ref(py))
}
