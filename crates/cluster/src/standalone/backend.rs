//! An application's way to a standalone cluster: registers it, keeps it known, and hears what becomes of its executors.

use super::LaunchExecutor;
use super::link::Masters;
use super::messages;
use firesteel_executor::Backend;
use firesteel_net::{Credentials, Outbox};
use firesteel_protocol::standalone::{FromMaster, Payload, ToMaster};
use firesteel_standalone::{
    ApplicationEnd, ApplicationId, ApplicationMessage, ApplicationOrder, ApplicationSpec, ApplicationStatus,
    ExecutorEnd, ProcessOutcome, RequestKey,
};
use firesteel_types::{ExecutorId, ExecutorLossReason};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often the master is told that the application lives.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// The pause before a master that is gone is looked for again.
const PAUSE: Duration = Duration::from_millis(500);

/// How long word of an executor's end may take whose connection has ended.
const END_WITHIN: Duration = Duration::from_secs(2);

/// How long the master may take to hear that the application has ended.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// What an application wants of a cluster.
#[derive(Clone, Debug)]
pub struct StandaloneConfig {
    /// The masters' addresses.
    pub masters: Vec<String>,
    /// The application's name, for people.
    pub name: String,
    /// The most cores for all executors together.
    pub cores_max: Option<u32>,
    /// The cores of each executor.
    pub cores_per_executor: Option<u32>,
    /// The memory of each executor, in MiB.
    pub memory_per_executor_mib: u64,
    /// How many executors it wants at first.
    pub executors: Option<u32>,
    /// How they are started.
    pub launch: LaunchExecutor,
}

/// What the driver is told.
pub trait ApplicationListener: Send + Sync {
    /// No executor is to be had at present, and why.
    fn waits(&self, why: &str);
    /// An executor will be gone soon.
    fn decommissioned(&self, name: &str);
    /// The cluster has no place for the application any more, and why.
    fn over(&self, why: String);
}

/// An application's side of a standalone cluster.
pub struct StandaloneBackend {
    key: RequestKey,
    spec: ApplicationSpec,
    listener: Box<dyn ApplicationListener>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    application: Option<ApplicationId>,
    wanted: Option<u32>,
    ready: BTreeSet<ExecutorId>,
    ended: HashMap<ExecutorId, ExecutorLossReason>,
    outbox: Option<Outbox>,
    stopped: bool,
    /// The master knows that the application has ended.
    is_over: bool,
}

impl StandaloneBackend {
    /// Registers an application, now or as soon as a master answers.
    ///
    /// # Errors
    /// When what executors need cannot be encoded, or the operating system refuses a thread.
    pub fn start(
        config: StandaloneConfig,
        credentials: Credentials,
        listener: Box<dyn ApplicationListener>,
    ) -> std::io::Result<Arc<Self>> {
        let launch =
            Payload::encode(&config.launch).map_err(|error| std::io::Error::other(error.to_string()))?;
        let spec = ApplicationSpec {
            name: config.name,
            user: std::env::var("USER").unwrap_or_default(),
            cores_max: config.cores_max,
            cores_per_executor: config.cores_per_executor,
            memory_per_executor_mib: config.memory_per_executor_mib,
            launch,
        };
        let key = RequestKey::new(firesteel_net::Secret::generate().to_text());
        let state = Mutex::new(State { wanted: config.executors, ..State::default() });
        let backend = Arc::new(StandaloneBackend { key, spec, listener, state, changed: Condvar::new() });
        let (talking, masters) = (backend.clone(), Masters::new(&config.masters, credentials));
        thread::Builder::new().name("firesteel-application".into()).spawn(move || talking.talk(masters))?;
        let beating = Arc::downgrade(&backend);
        let beat = move || {
            while let Some(backend) = beating.upgrade() {
                if backend.state().stopped {
                    break;
                }
                backend.update_status();
                drop(backend);
                thread::sleep(HEARTBEAT_EVERY);
            }
        };
        thread::Builder::new().name("firesteel-application-heartbeat".into()).spawn(beat)?;
        Ok(backend)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Speaks with one master after the other, until the application ends.
    fn talk(self: Arc<Self>, mut masters: Masters) {
        let mut told = None;
        while !self.is_done() {
            match masters.open(&self.register()) {
                Ok(mut link) => {
                    told = None;
                    self.state().outbox = Some(link.outbox.clone());
                    let leader = self.listen(&mut link.receiver);
                    self.state().outbox = None;
                    link.outbox.close();
                    if let Some(leader) = leader {
                        masters.sent_away(leader);
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    if told.as_ref() != Some(&error) {
                        self.listener.waits(&format!("the master cannot be reached: {error}"));
                        told = Some(error);
                    }
                }
            }
            if !self.is_done() {
                thread::sleep(PAUSE);
            }
        }
    }

    fn is_done(&self) -> bool {
        let state = self.state();
        state.is_over || state.stopped && state.application.is_none()
    }

    fn register(&self) -> ToMaster {
        let state = self.state();
        let message = ApplicationMessage::Register {
            key: self.key.clone(),
            known_as: state.application.clone(),
            spec: self.spec.clone(),
            status: state.status(),
        };
        ToMaster::Application { message }
    }

    fn update_status(&self) {
        let state = self.state();
        if let Some(outbox) = &state.outbox {
            outbox.send(&ToMaster::Application {
                message: ApplicationMessage::Heartbeat { status: state.status() },
            });
        }
    }

    /// Hears a master to its end. Gives who leads, when it says that it does not.
    fn listen(&self, receiver: &mut firesteel_net::Receiver) -> Option<Option<String>> {
        while let Ok(Some(message)) = messages::receive::<FromMaster>(receiver) {
            match message {
                FromMaster::Standby { leader } => return Some(leader),
                FromMaster::Application { order } => self.on_message(order),
                FromMaster::Worker { .. } | FromMaster::Client { .. } => {}
            }
            if self.state().is_over {
                break;
            }
        }
        None
    }

    fn on_message(&self, order: ApplicationOrder) {
        match order {
            ApplicationOrder::Registered { application } => self.state().application = Some(application),
            ApplicationOrder::RegisterAgain => {
                let (register, outbox) = (self.register(), self.state().outbox.clone());
                if let Some(outbox) = outbox {
                    outbox.send(&register);
                }
            }
            ApplicationOrder::Heard
            | ApplicationOrder::ExecutorAdded { .. }
            | ApplicationOrder::Executors { .. } => {}
            ApplicationOrder::ExecutorDecommissioned { executor } => {
                self.listener.decommissioned(&executor.0.to_string());
            }
            ApplicationOrder::ExecutorEnded { executor, end } => {
                self.state().ended.insert(executor, reason(end));
                self.changed.notify_all();
            }
            ApplicationOrder::Waiting { reason } => self.listener.waits(&reason),
            ApplicationOrder::Refused { reason } => {
                self.is_over();
                self.listener.over(format!("the cluster refuses the application: {reason}"));
            }
            ApplicationOrder::Ended { end } => {
                self.is_over();
                match end {
                    ApplicationEnd::Finished => {}
                    ApplicationEnd::Failed { reason: why } => self.listener.over(why),
                    ApplicationEnd::Killed => {
                        self.listener.over("somebody has killed the application".into())
                    }
                    ApplicationEnd::Lost => {
                        self.listener.over("the master has not heard of the application for too long".into());
                    }
                }
            }
        }
    }

    fn is_over(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }
}

impl State {
    fn status(&self) -> ApplicationStatus {
        ApplicationStatus { wanted_executors: self.wanted, ready: self.ready.iter().copied().collect() }
    }
}

fn reason(end: ExecutorEnd) -> ExecutorLossReason {
    match end {
        ExecutorEnd::Ended { outcome: ProcessOutcome::Exited { code } } => {
            ExecutorLossReason::Exited { code: Some(code) }
        }
        ExecutorEnd::Ended { outcome: ProcessOutcome::Signalled { signal } } => {
            ExecutorLossReason::Killed { signal, peak_bytes: 0 }
        }
        ExecutorEnd::Ended { outcome: ProcessOutcome::FailedToStart { .. } } => {
            ExecutorLossReason::Exited { code: None }
        }
        ExecutorEnd::Ended { outcome: ProcessOutcome::Killed | ProcessOutcome::NeverStarted }
        | ExecutorEnd::KillRequested => ExecutorLossReason::Decommissioned,
        ExecutorEnd::WorkerLost { .. } => ExecutorLossReason::Exited { code: None },
    }
}

impl Backend for StandaloneBackend {
    fn ended(&self, name: &str) -> Option<ExecutorLossReason> {
        let executor = ExecutorId(name.parse().ok()?);
        let deadline = Instant::now() + END_WITHIN;
        let mut state = self.state();
        state.ready.remove(&executor);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Some(reason) = state.ended.get(&executor) {
                return Some(reason.clone());
            }
            if left.is_zero() || state.stopped || state.outbox.is_none() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn registered(&self, name: &str) {
        if let Ok(executor) = name.parse() {
            self.state().ready.insert(ExecutorId(executor));
            self.update_status();
        }
    }

    fn want(&self, executors: u32) {
        self.state().wanted = Some(executors);
        self.update_status();
    }

    fn finish(&self) {
        let mut state = self.state();
        state.stopped = true;
        if let Some(outbox) = &state.outbox {
            outbox.send(&ToMaster::Application { message: ApplicationMessage::Finished { failure: None } });
        }
    }

    fn stop(&self) {
        let deadline = Instant::now() + FINISH_WITHIN;
        let mut state = self.state();
        state.stopped = true;
        while !state.is_over && state.outbox.is_some() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.is_over = true;
        if let Some(outbox) = state.outbox.take() {
            outbox.close();
        }
    }
}
