//! Failures on their way between the two languages: exceptions become failures of tasks, failures of jobs
//! become exceptions.

use crate::lookup::function;
use crate::noting;
use firesteel_driver::Error;
use firesteel_operators::watch;
use firesteel_types::{CallSite, Ending, Exception, ExecutorLossReason, JobFailure, TaskFailure, WorkerEnd};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict};
use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    /// The failure of a function's input, while its exception passes through the user's code.
    static ABOVE: RefCell<Option<Box<TaskFailure>>> = const { RefCell::new(None) };
    /// The exception that failed the last task, for a caller that runs the task again in the program's own
    /// process.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

pyo3::create_exception!(
    _native,
    TaskStopped,
    pyo3::exceptions::PyBaseException,
    "The input of a function has failed or was told to stop; not to be caught."
);

/// Returns the failure of a function's input as an exception that passes through the function.
pub(crate) fn raise_above(failure: Box<TaskFailure>) -> PyErr {
    let text = failure.to_string();
    ABOVE.with_borrow_mut(|above| *above = Some(failure));
    TaskStopped::new_err(text)
}

/// Takes the failure of the input, also if its exception was caught: a function that catches everything must
/// not make a shorter partition look whole.
pub(crate) fn take_above() -> Option<Box<TaskFailure>> {
    ABOVE.with_borrow_mut(Option::take)
}

/// Returns an exception as the failure of the task in which it was raised.
pub(crate) fn from_python(py: Python<'_>, error: PyErr) -> Box<TaskFailure> {
    if let Some(failure) = take_above() {
        return failure;
    }
    let exception = describe(py, &error);
    RAISED.with_borrow_mut(|raised| *raised = Some(error));
    Box::new(TaskFailure::Exception(Box::new(exception)))
}

/// Forgets the failures of an earlier task.
pub(crate) fn forget() {
    drop((take_above(), take_raised()));
}

/// Takes the exception that [`from_python`] saw last.
pub(crate) fn take_raised() -> Option<PyErr> {
    RAISED.with_borrow_mut(Option::take)
}

fn describe(py: Python<'_>, error: &PyErr) -> Exception {
    static DESCRIBE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let site = watch::site().map_or_else(CallSite::default, |site| (*site).clone());
    let described = function(py, &DESCRIBE, "firesteel.worker.failure", "describe")
        .and_then(|describe| {
            // The exception's value does not have its traceback yet.
            describe.call1((error.clone_ref(py).into_value(py),))
        })
        .and_then(|described| {
            let text = |key: &str| described.get_item(key)?.extract::<String>();
            let encoded = described.get_item("exception")?.extract::<Option<Vec<u8>>>()?;
            let record = described.get_item("record")?.extract::<Option<String>>()?;
            Ok((text("message")?, text("traceback")?, encoded, record))
        });
    let retryable = !error.is_instance_of::<pyo3::exceptions::PyImportError>(py);
    // If describing the exception fails, its own text is used.
    let (message, traceback, encoded, seen) =
        described.unwrap_or_else(|_| (error.to_string(), String::new(), None, None));
    // Records that a function makes itself do not pass through the iterator that notes them, but its frames
    // show them.
    let record = noting::noted(py).or(seen);
    Exception { message, traceback, encoded, site, record, retryable }
}

/// Returns a failure of the engine on the driver as an exception.
pub(crate) fn to_python(py: Python<'_>, error: Error) -> PyErr {
    match error {
        Error::Job { action, failure } => job_failure(py, &action, failure),
        Error::InvalidArgument { message, .. } => PyValueError::new_err(message),
        other => of_kind(py, "operation", &other.to_string()).unwrap_or_else(|error| error),
    }
}

fn details<'py>(py: Python<'py>, kind: &str, message: &str) -> PyResult<Bound<'py, PyDict>> {
    let details = PyDict::new(py);
    details.set_item("kind", kind)?;
    details.set_item("message", message)?;
    for key in [
        "traceback",
        "exception",
        "job",
        "stage",
        "partition",
        "attempt",
        "record",
        "site",
        "executor",
        "signal",
        "memory",
        "end",
        "code",
        "place",
        "stack",
        "stack_memory",
        "oom_kills",
        "last_memory",
    ] {
        details.set_item(key, py.None())?;
    }
    Ok(details)
}

fn made(details: &Bound<'_, PyDict>) -> PyResult<PyErr> {
    static FROM_FAILURE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = function(details.py(), &FROM_FAILURE, "firesteel.errors", "from_failure")?;
    Ok(PyErr::from_value(make.call1((details,))?))
}

fn of_kind(py: Python<'_>, kind: &str, message: &str) -> PyResult<PyErr> {
    made(&details(py, kind, message)?)
}

fn job_failure(py: Python<'_>, action: &CallSite, failure: JobFailure) -> PyErr {
    let text = failure.to_string();
    let made = match &failure {
        JobFailure::TaskFailed { stage, partition, attempts, last, .. } => {
            task_failure(py, action, last, &text).and_then(|details| {
                details.set_item("stage", stage.0)?;
                details.set_item("partition", partition.0)?;
                // Attempts are counted from 0, as tasks count them.
                details.set_item("attempt", attempts.saturating_sub(1))?;
                details.set_item("attempts", attempts)?;
                made(&details)
            })
        }
        JobFailure::StageFailed { stage, last, .. } => {
            task_failure(py, action, last, &text).and_then(|details| {
                details.set_item("stage", stage.0)?;
                made(&details)
            })
        }
        JobFailure::Cancelled { job, .. } | JobFailure::ContextStopped { job } => {
            details(py, "cancelled", &text).and_then(|details| {
                details.set_item("job", job.0)?;
                made(&details)
            })
        }
        JobFailure::ResultTooLarge { tasks, bytes, limit } => {
            of_kind(py, "other", &too_large(*tasks, *bytes, *limit))
        }
        JobFailure::Indeterminate { .. }
        | JobFailure::TooFewSlots { .. }
        | JobFailure::Excluded { .. }
        | JobFailure::NoExecutors { .. }
        | JobFailure::NoExecutorLeft { .. } => of_kind(py, "other", &text),
    };
    made.unwrap_or_else(|_| PyRuntimeError::new_err(text))
}

/// Returns the message about results that are too large, with the names of a Python program's settings and
/// methods.
fn too_large(tasks: u32, bytes: u64, limit: u64) -> String {
    format!(
        "Total size of serialized results of {tasks} tasks ({}) is bigger than spark.driver.maxResultSize ({}). Save them with \
         saveAsTextFile or saveAsPickleFile, walk through them with toLocalIterator, which wants room for one partition at a \
         time, or raise the setting (0 is no limit)",
        size(bytes),
        size(limit)
    )
}

/// Returns a number of bytes such as `2.0 MiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let at = (bytes.ilog2() as usize / 10).clamp(1, UNITS.len());
    format!("{:.1} {}", bytes as f64 / (1u64 << (10 * at)) as f64, UNITS[at - 1])
}

fn task_failure<'py>(
    py: Python<'py>,
    action: &CallSite,
    failure: &TaskFailure,
    text: &str,
) -> PyResult<Bound<'py, PyDict>> {
    match failure {
        TaskFailure::Exception(exception) => {
            let details = details(py, "python", &exception.message)?;
            details.set_item("traceback", &exception.traceback)?;
            details.set_item("exception", exception.encoded.as_ref().map(|bytes| PyBytes::new(py, bytes)))?;
            details.set_item("record", &exception.record)?;
            details.set_item("site", exception.site.to_string())?;
            Ok(details)
        }
        TaskFailure::ExecutorLost { executor, reason } => {
            let details = details(py, "lost", &reason.to_string())?;
            details.set_item("executor", executor.name())?;
            details.set_item("site", action.to_string())?;
            match reason {
                ExecutorLossReason::Killed { signal, peak_bytes } => {
                    details.set_item("signal", signal)?;
                    details.set_item("memory", peak_bytes)?;
                }
                ExecutorLossReason::Exited { code } => details.set_item("code", code)?,
                ExecutorLossReason::Worker(end) => worker_end(&details, end)?,
                ExecutorLossReason::Unheard { .. }
                | ExecutorLossReason::Reported { .. }
                | ExecutorLossReason::Taken { .. }
                | ExecutorLossReason::Decommissioned => {}
            }
            Ok(details)
        }
        TaskFailure::FetchFailed { .. } => details(py, "fetch", text),
        TaskFailure::Panic { .. }
        | TaskFailure::Operation { .. }
        | TaskFailure::CachedBlockLost { .. }
        | TaskFailure::Killed(_)
        | TaskFailure::CommitDenied
        | TaskFailure::BadPlan(_) => {
            let details = details(py, "operation", text)?;
            details.set_item("site", action.to_string())?;
            Ok(details)
        }
    }
}

/// Adds what is known of a worker's end.
fn worker_end(details: &Bound<'_, PyDict>, end: &WorkerEnd) -> PyResult<()> {
    details.set_item("end", end.kind().name())?;
    details.set_item("signal", end.signal())?;
    if let Ending::Exited { code } = end.ending {
        details.set_item("code", code)?;
    }
    details.set_item("memory", end.memory.peak.max(end.memory.last))?;
    details.set_item("last_memory", end.memory.to_string())?;
    details.set_item("oom_kills", end.oom_kills)?;
    if let Some(stack) = &end.stack {
        details.set_item("stack", &stack.text)?;
        details.set_item("place", &stack.place)?;
        details.set_item("stack_memory", stack.bytes)?;
    }
    Ok(())
}

/// Runs what waits for a job, so that a signal ends it: Ctrl-C raises KeyboardInterrupt then.
pub(crate) fn interruptibly<T: Send>(
    py: Python<'_>,
    run: impl FnOnce() -> firesteel_driver::Result<T> + Send,
) -> PyResult<firesteel_driver::Result<T>> {
    let (interrupted, ran) = py.detach(|| {
        let interrupted = Rc::new(RefCell::new(None));
        let seen = interrupted.clone();
        let stop = move || {
            let mut seen = seen.borrow_mut();
            if seen.is_none() {
                *seen = Python::attach(|py| py.check_signals().err());
            }
            seen.as_ref().map(|_| "it was interrupted".to_string())
        };
        let ran = firesteel_driver::unless_stopped(Box::new(stop), run);
        (interrupted.take(), ran)
    });
    interrupted.map_or(Ok(ran), Err)
}
