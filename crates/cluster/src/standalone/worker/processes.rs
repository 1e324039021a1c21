//! The processes that a worker runs. A thread of its own prepares, starts and waits for each.

use super::event::Event;
use super::hosted::HostedApplications;
use super::launch;
use super::process_name::ProcessName;
use crate::agents::kill;
use firesteel_standalone::{ApplicationSpec, DriverRun, DriverSpec, ExecutorName, ProcessOutcome, Resources};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

/// The time that killed processes may take to end when the worker stops.
const END_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct Processes {
    events: Sender<Event>,
    hosted: HostedApplications,
    running: Arc<Mutex<HashMap<ProcessName, HostedProcess>>>,
}

/// A process from its preparation to its end.
#[derive(Default)]
struct HostedProcess {
    /// Its process id, once it was started.
    id: Option<u32>,
    /// True if it is to be killed, now or as soon as it was started.
    stopping: bool,
}

impl Processes {
    pub(super) fn new(events: Sender<Event>, hosted: HostedApplications) -> Self {
        Processes { events, hosted, running: Arc::default() }
    }

    pub(super) fn hosted(&self) -> &HostedApplications {
        &self.hosted
    }

    pub(super) fn start_executor(&self, executor: ExecutorName, resources: Resources, spec: ApplicationSpec) {
        let hosted = self.hosted.clone();
        self.run(ProcessName::Executor(executor.clone()), move || {
            launch::executor(&hosted, &executor, resources, &spec).map(|(child, pipe)| (child, Some(pipe)))
        });
    }

    pub(super) fn start_driver(&self, run: DriverRun, spec: DriverSpec) {
        let hosted = self.hosted.clone();
        self.run(ProcessName::Driver(run.clone()), move || {
            launch::driver(&hosted, &run, &spec).map(|child| (child, None))
        });
    }

    /// Kills a process. Its thread reports its end.
    pub(super) fn stop(&self, name: &ProcessName) {
        if let Some(process) = self.running.lock().get_mut(name) {
            process.stop();
        }
    }

    /// Forgets a process whose end was reported.
    pub(super) fn ended(&self, name: &ProcessName) {
        self.running.lock().remove(name);
    }

    /// Kills all processes, and waits until they have ended.
    pub(super) fn stop_all(&self) {
        const CHECK_EVERY: Duration = Duration::from_millis(5);
        let deadline = Instant::now() + END_WITHIN;
        self.running.lock().values_mut().for_each(HostedProcess::stop);
        // Their ends are reported to the thread that waits here, so the kernel is asked instead.
        while self.running.lock().values().any(HostedProcess::exists) && Instant::now() < deadline {
            thread::sleep(CHECK_EVERY);
        }
    }

    fn run(
        &self,
        name: ProcessName,
        start: impl FnOnce() -> Result<(Child, Option<ChildStdin>), String> + Send + 'static,
    ) {
        self.running.lock().insert(name.clone(), HostedProcess::default());
        let (events, running, own) = (self.events.clone(), self.running.clone(), name.clone());
        let run = move || {
            let outcome = run_to_end(&own, start, &running, &events);
            let _ = events.send(Event::Ended(own, outcome));
        };
        if let Err(error) = thread::Builder::new().name("firesteel-process".into()).spawn(run) {
            let outcome = ProcessOutcome::FailedToStart { reason: error.to_string() };
            let _ = self.events.send(Event::Ended(name, outcome));
        }
    }
}

impl HostedProcess {
    fn started(&mut self, id: u32) {
        self.id = Some(id);
        if self.stopping {
            kill(id);
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.id.into_iter().for_each(kill);
    }

    fn exists(&self) -> bool {
        self.id.is_some_and(|id| Path::new(&format!("/proc/{id}")).exists())
    }
}

/// Runs a process from its preparation to its end.
fn run_to_end(
    name: &ProcessName,
    start: impl FnOnce() -> Result<(Child, Option<ChildStdin>), String>,
    running: &Mutex<HashMap<ProcessName, HostedProcess>>,
    events: &Sender<Event>,
) -> ProcessOutcome {
    let (mut child, pipe) = match start() {
        Ok(started) => started,
        Err(reason) => {
            tracing::warn!("{name} cannot be started: {reason}");
            return ProcessOutcome::FailedToStart { reason };
        }
    };
    if let Some(process) = running.lock().get_mut(name) {
        process.started(child.id());
    }
    let _ = events.send(Event::Started(name.clone()));
    let status = child.wait();
    // An executor ends itself when this pipe closes: it closes early only if the worker is gone.
    drop(pipe);
    status.map_or(ProcessOutcome::Exited { code: -1 }, outcome)
}

fn outcome(status: ExitStatus) -> ProcessOutcome {
    match (status.code(), status.signal()) {
        (Some(code), _) => ProcessOutcome::Exited { code },
        (None, signal) => ProcessOutcome::Signalled { signal: signal.unwrap_or(0) },
    }
}
