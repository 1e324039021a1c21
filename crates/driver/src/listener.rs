//! Listeners: code of the program's that is told of what happens, in order, on a thread of its own.

use firesteel_events::{
    ApplicationEnd, ApplicationStart, BlockUpdated, EnvironmentUpdate, ExecutorAdded, ExecutorRemoved,
    JobEnd, JobStart, ListenerEvent, StageCompleted, StageSubmitted, TaskEnd, TaskStart, UnpersistRdd,
};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A listener. It is told of each event of the application in order, one at a time, by a thread that runs no tasks and
/// decides nothing: a slow listener makes nothing else slow. One that falls too far behind misses events, and the log says
/// how many.
///
/// Each method does nothing unless it is written; [`Listener::on_event`] gets every event, and calls the others.
///
/// The names are those of Spark's `SparkListener`.
pub trait Listener: Send {
    /// Something has happened.
    fn on_event(&mut self, event: &ListenerEvent) {
        match event {
            ListenerEvent::ApplicationStart(event) => self.on_application_start(event),
            ListenerEvent::ApplicationEnd(event) => self.on_application_end(event),
            ListenerEvent::EnvironmentUpdate(event) => self.on_environment_update(event),
            ListenerEvent::JobStart(event) => self.on_job_start(event),
            ListenerEvent::JobEnd(event) => self.on_job_end(event),
            ListenerEvent::StageSubmitted(event) => self.on_stage_submitted(event),
            ListenerEvent::StageCompleted(event) => self.on_stage_completed(event),
            ListenerEvent::TaskStart(event) => self.on_task_start(event),
            ListenerEvent::TaskEnd(event) => self.on_task_end(event),
            ListenerEvent::ExecutorAdded(event) => self.on_executor_added(event),
            ListenerEvent::ExecutorRemoved(event) => self.on_executor_removed(event),
            ListenerEvent::BlockUpdated(event) => self.on_block_updated(event),
            ListenerEvent::UnpersistRdd(event) => self.on_unpersist_rdd(event),
            _ => {}
        }
    }

    /// Nothing has happened for a second, after something had: a listener that gathers may put out what it has.
    fn on_quiet(&mut self) {}

    /// The application has begun.
    fn on_application_start(&mut self, _event: &ApplicationStart) {}
    /// The application has ended.
    fn on_application_end(&mut self, _event: &ApplicationEnd) {}
    /// The application's settings are known.
    fn on_environment_update(&mut self, _event: &EnvironmentUpdate) {}
    /// A job was submitted.
    fn on_job_start(&mut self, _event: &JobStart) {}
    /// A job has ended.
    fn on_job_end(&mut self, _event: &JobEnd) {}
    /// An attempt at a stage begins.
    fn on_stage_submitted(&mut self, _event: &StageSubmitted) {}
    /// An attempt at a stage has ended.
    fn on_stage_completed(&mut self, _event: &StageCompleted) {}
    /// A task was sent to an executor.
    fn on_task_start(&mut self, _event: &TaskStart) {}
    /// A task has ended.
    fn on_task_end(&mut self, _event: &TaskEnd) {}
    /// An executor has registered.
    fn on_executor_added(&mut self, _event: &ExecutorAdded) {}
    /// An executor is gone.
    fn on_executor_removed(&mut self, _event: &ExecutorRemoved) {}
    /// A cached partition came, went, or changed its place.
    fn on_block_updated(&mut self, _event: &BlockUpdated) {}
    /// An RDD is not persisted any more.
    fn on_unpersist_rdd(&mut self, _event: &UnpersistRdd) {}
}

/// Makes a listener.
type MakeListener = dyn Fn() -> Box<dyn Listener> + Send + Sync;

/// The listeners of this program that settings can name.
static REGISTERED: Mutex<BTreeMap<String, Arc<MakeListener>>> = Mutex::new(BTreeMap::new());

/// Gives a listener a name by which the setting `spark.extraListeners` finds it in this program: each context that has the name
/// in its settings makes one.
///
/// ```
/// use firesteel_driver::{Listener, register_listener};
///
/// struct Quiet;
/// impl Listener for Quiet {}
/// register_listener("quiet", || Quiet);
/// ```
pub fn register_listener<L: Listener + 'static>(name: &str, make: impl Fn() -> L + Send + Sync + 'static) {
    REGISTERED.lock().insert(name.into(), Arc::new(move || Box::new(make())));
}

/// Makes the listeners that a setting names, with commas between.
///
/// # Errors
/// Names the one that is not known, and those that are.
pub(crate) fn named(names: &str) -> Result<Vec<Box<dyn Listener>>, String> {
    let registered = REGISTERED.lock().clone();
    let make = |name: &str| match registered.get(name) {
        Some(make) => Ok(make()),
        None => {
            let known: Vec<&str> = registered.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none is".into() } else { known.join(", ") };
            Err(format!(
                "`firesteel.extra_listeners` names `{name}`, and no listener was registered under that name (known: {known}). Call \
                 `register_listener` before the context is made"
            ))
        }
    };
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(make).collect()
}

impl<F: FnMut(&ListenerEvent) + Send> Listener for F {
    fn on_event(&mut self, event: &ListenerEvent) {
        self(event);
    }
}
