//! Cluster managers that are Python objects: the engine's side of them, and theirs of the engine.
//!
//! The pool's thread calls such a manager, one call at a time, and holds the interpreter's lock only meanwhile. What a
//! manager tells is put into the pool's mailbox, which waits for nobody, so that neither side ever waits for the other.

use firesteel_driver::{AgentPlan, Loss, MakeManager, Manager, ManagerListener, Shape};
use firesteel_types::ExecutorLossReason;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Returns what makes a manager by a call of a Python object: with a dictionary that says how agents are started, and
/// with a [`Pool`].
pub(crate) fn maker(make: Py<PyAny>) -> MakeManager {
    Box::new(move |plan: AgentPlan, listener: Arc<dyn ManagerListener>| {
        let made = Python::try_attach(|py| make_in(py, &make, &plan, listener));
        let manager = made.ok_or_else(|| io::Error::other(ENDED))?;
        Ok(Box::new(manager.map_err(io::Error::other)?) as Box<dyn Manager>)
    })
}

/// The longest notice, in seconds; longer ones mean the same.
const MOST_SECONDS: f64 = 1e9;

/// The reason for which nothing can be asked any more.
const ENDED: &str = "the program's interpreter ends";

fn make_in(
    py: Python<'_>,
    make: &Py<PyAny>,
    plan: &AgentPlan,
    listener: Arc<dyn ManagerListener>,
) -> Result<PythonManager, String> {
    let told = || -> PyResult<PythonManager> {
        let (command, config) = (&plan.command, &plan.config);
        let arguments = PyList::new(py, [command.program.to_string_lossy()])?;
        command.arguments.iter().try_for_each(|argument| arguments.append(argument))?;
        let environment = PyDict::new(py);
        command.environment.iter().try_for_each(|(name, value)| environment.set_item(name, value))?;
        let agent = PyDict::new(py);
        agent.set_item("driver", &config.driver)?;
        agent.set_item("secret", &config.secret)?;
        agent.set_item("cores", config.cores)?;
        agent.set_item("memory", config.memory)?;
        // They differ from one agent to the other, and are the manager's to fill in.
        for name in ["name", "host", "bind", "directory"] {
            agent.set_item(name, "")?;
        }
        agent.set_item("service", py.None())?;
        let plan_of = PyDict::new(py);
        plan_of.set_item("command", arguments)?;
        plan_of.set_item("environment", environment)?;
        plan_of.set_item("config", agent)?;
        plan_of.set_item("reserved", plan.reserved)?;
        let manager = make.call1(py, (plan_of, Pool { listener }))?;
        let application = manager.getattr(py, "application")?.extract(py)?;
        Ok(PythonManager { manager, application })
    };
    told().map_err(|error| words(py, &error))
}

/// Returns an exception as a part of a sentence: its own text, if it has any.
fn words(py: Python<'_>, error: &PyErr) -> String {
    let text = error.value(py).str().map(|text| text.to_string()).unwrap_or_default();
    match text.trim() {
        "" => error.to_string(),
        text => text.into(),
    }
}

/// A manager that is a Python object.
struct PythonManager {
    manager: Py<PyAny>,
    application: Option<String>,
}

impl PythonManager {
    fn call(&self, method: &str, arguments: &[u64]) -> Result<(), String> {
        let called = Python::try_attach(|py| {
            let arguments = pyo3::types::PyTuple::new(py, arguments);
            let done = arguments.and_then(|arguments| self.manager.call_method1(py, method, arguments));
            done.map(drop).map_err(|error| words(py, &error))
        });
        called.unwrap_or_else(|| Err(ENDED.into()))
    }
}

impl Manager for PythonManager {
    fn request(&self, count: u32, shape: &Shape) -> Result<(), String> {
        self.call("request", &[u64::from(count), u64::from(shape.cores), shape.memory])
    }

    fn withdraw(&self, count: u32) {
        // What is not taken back comes, and is released.
        let _ = self.call("withdraw", &[u64::from(count)]);
    }

    fn release(&self, name: &str) {
        let _ = Python::try_attach(|py| self.manager.call_method1(py, "release", (name,)).map(drop));
    }

    fn avoid(&self, machines: &BTreeSet<String>) {
        let machines: Vec<&String> = machines.iter().collect();
        let _ = Python::try_attach(|py| self.manager.call_method1(py, "avoid", (machines,)).map(drop));
    }

    fn application(&self, _within: Duration) -> Option<String> {
        self.application.clone()
    }

    fn stop(&self) {
        // An interpreter that ends takes the manager's connection with it, and that all that it has started.
        let _ = self.call("stop", &[]);
    }
}

/// The way by which a manager in Python tells what happens to executors. Its methods may be called from any thread.
#[pyclass(frozen)]
pub(crate) struct Pool {
    listener: Arc<dyn ManagerListener>,
}

#[pymethods]
impl Pool {
    fn granted(&self, name: &str, host: &str) {
        self.listener.granted(name, host);
    }

    fn refused(&self, count: u32, why: &str) {
        self.listener.refused(count, why);
    }

    /// Tells that an executor's process has ended: by a signal, if the number is negative, as in Python's `subprocess`.
    fn ended(&self, name: &str, code: i32) {
        let reason = match code {
            0.. => ExecutorLossReason::Exited { code: Some(code) },
            _ => ExecutorLossReason::Killed { signal: code.saturating_neg(), peak_bytes: 0 },
        };
        self.listener.lost(name, Loss::own(reason));
    }

    fn lost(&self, name: &str, why: &str, is_own_fault: bool) {
        let loss = match is_own_fault {
            true => Loss::own(ExecutorLossReason::Reported { words: why.into() }),
            false => Loss::taken(why),
        };
        self.listener.lost(name, loss);
    }

    fn preempted(&self, name: &str, seconds: f64) {
        // A time that is no number is none.
        let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, MOST_SECONDS) };
        let within = Duration::from_secs_f64(seconds);
        self.listener.preempted(name, within);
    }

    fn waits(&self, why: &str) {
        self.listener.waits(why);
    }

    fn over(&self, why: &str) {
        self.listener.over(why);
    }
}
