//! The shell of an application's side of a standalone cluster: its threads, its connection to a master, and
//! waiting.
//!
//! [`ApplicationSide`] decides. One thread connects to a master and passes its orders on, another sends
//! heartbeats; the pool calls the methods of [`Manager`]. Each of them changes the one value under a lock,
//! and carries out the actions that come of it.

use super::LaunchExecutor;
use super::link::{ConnectFailures, Masters, RETRY_WAIT};
use super::messages;
use crate::manager::{Manager, ManagerListener};
use firesteel_lending::{Loss, Shape};
use firesteel_net::{Credentials, Outbox};
use firesteel_protocol::standalone::{FromMaster, Payload, ToMaster};
use firesteel_standalone::{ApplicationAction, ApplicationSide, ApplicationSpec, RequestKey};
use firesteel_types::{ExecutorId, Millis};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The time between two heartbeats for the master.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// The silence after which a master is taken for gone, in milliseconds.
const MASTER_TIMEOUT_MS: u64 = 30_000;

/// The time that the master may take to confirm the end of the application.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// The time that a decommissioned worker has: it waits until its executors have handed over what they hold.
const NO_DEADLINE: Duration = Duration::from_secs(366 * 86_400);

/// The wishes of an application.
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
    /// The address of the application's pages, if it has any.
    pub pages: Option<String>,
    /// The command that starts one.
    pub launch: LaunchExecutor,
}

/// A standalone cluster as the manager of an application. Its master decides itself how many executors there are, by
/// what all applications want, and replaces those that end.
pub struct StandaloneManager {
    listener: Arc<dyn ManagerListener>,
    started: Instant,
    state: Mutex<State>,
    /// Signalled when the application's state has changed, or the connection to the master has ended.
    changed: Condvar,
}

struct State {
    side: ApplicationSide,
    /// The connection to the master, if there is one.
    outbox: Option<Outbox>,
}

impl StandaloneManager {
    /// Registers an application, now or as soon as a master answers.
    ///
    /// # Errors
    /// When the executors' command cannot be encoded, or the operating system refuses a thread.
    pub fn start(
        config: StandaloneConfig,
        credentials: Credentials,
        listener: Arc<dyn ManagerListener>,
    ) -> std::io::Result<Arc<Self>> {
        let masters = Masters::new(&config.masters, credentials);
        let state = Mutex::new(State { side: application_side(config)?, outbox: None });
        let manager =
            Arc::new(StandaloneManager { listener, started: Instant::now(), state, changed: Condvar::new() });
        let connecting = manager.clone();
        let connect = move || connecting.stay_connected(masters);
        thread::Builder::new().name("firesteel-application".into()).spawn(connect)?;
        let beating = Arc::downgrade(&manager);
        let beat = move || {
            while let Some(manager) = beating.upgrade().filter(|manager| manager.needs_master()) {
                manager.heartbeat();
                drop(manager);
                thread::sleep(HEARTBEAT_EVERY);
            }
        };
        thread::Builder::new().name("firesteel-application-heartbeat".into()).spawn(beat)?;
        Ok(manager)
    }

    fn now(&self) -> Millis {
        Millis(self.started.elapsed().as_millis() as u64)
    }

    fn needs_master(&self) -> bool {
        self.state.lock().side.needs_master()
    }

    /// Connects to one master after the other, until the application ends.
    fn stay_connected(self: Arc<Self>, mut masters: Masters) {
        let mut failures = ConnectFailures::default();
        while self.needs_master() {
            match masters.connect() {
                Ok(mut link) => {
                    failures.connected();
                    self.change(|state, now, todo| {
                        state.outbox = Some(link.outbox.clone());
                        state.side.connected(now, todo);
                    });
                    self.listen(&mut link.receiver, &mut masters);
                    self.change(|state, _, _| state.outbox = None);
                    link.outbox.close();
                }
                Err(error) => {
                    if let Some(error) = failures.failed(&error.to_string()) {
                        self.listener.waits(&format!("the master cannot be reached: {error}"));
                    }
                }
            }
            if self.needs_master() {
                thread::sleep(RETRY_WAIT);
            }
        }
    }

    /// Receives a master's orders until the connection or the application ends, or the master says that it is
    /// a standby.
    fn listen(&self, receiver: &mut firesteel_net::Receiver, masters: &mut Masters) {
        while let Ok(Some(message)) = messages::receive::<FromMaster>(receiver) {
            match message {
                FromMaster::Standby { leader } => return masters.redirected(leader),
                FromMaster::Application { order } => {
                    self.change(|state, now, todo| state.side.obey(now, order, todo));
                }
                FromMaster::Worker { .. } | FromMaster::Client { .. } => {}
            }
            if self.state.lock().side.is_ended() {
                return;
            }
        }
    }

    fn heartbeat(&self) {
        self.change(|state, now, todo| {
            if state.outbox.is_some() {
                state.side.heartbeat(now, todo);
            }
        });
    }

    /// Changes the state, and carries out the actions that the change demands. Messages leave under the lock,
    /// so that they leave in the order of the decisions; the listener is called without it.
    fn change(&self, change: impl FnOnce(&mut State, Millis, &mut Vec<ApplicationAction>)) {
        let (now, mut todo) = (self.now(), vec![]);
        let mut state = self.state.lock();
        change(&mut state, now, &mut todo);
        todo.retain(|action| !state.carry_out(action));
        drop(state);
        self.changed.notify_all();
        todo.into_iter().for_each(|action| self.tell_listener(action));
    }

    fn tell_listener(&self, action: ApplicationAction) {
        match action {
            // `State::carry_out` has handled these under the lock.
            ApplicationAction::Send(_) | ApplicationAction::Disconnect => {}
            ApplicationAction::ExecutorDecommissioned(executor) => {
                self.listener.preempted(&executor.0.to_string(), NO_DEADLINE);
            }
            ApplicationAction::ExecutorEnded(executor, reason) => {
                self.listener.lost(&executor.0.to_string(), Loss::own(reason));
            }
            ApplicationAction::Waiting(reason) => self.listener.waits(&reason),
            ApplicationAction::Fail(reason) => self.listener.over(&reason),
        }
    }
}

/// Makes the application's side with a key of its own.
fn application_side(config: StandaloneConfig) -> std::io::Result<ApplicationSide> {
    let launch = Payload::encode(&config.launch).map_err(|error| std::io::Error::other(error.to_string()))?;
    let spec = ApplicationSpec {
        name: config.name,
        user: std::env::var("USER").unwrap_or_default(),
        cores_max: config.cores_max,
        cores_per_executor: config.cores_per_executor,
        memory_per_executor_mib: config.memory_per_executor_mib,
        pages: config.pages,
        launch,
    };
    let key = RequestKey::new(firesteel_net::Secret::generate().to_text());
    // How many it wants is told before the master is there.
    Ok(ApplicationSide::new(key, spec, Some(0), MASTER_TIMEOUT_MS))
}

impl State {
    /// Carries out an action that concerns the connection. Returns `false` for the others.
    fn carry_out(&self, action: &ApplicationAction) -> bool {
        match action {
            ApplicationAction::Send(message) => {
                if let Some(outbox) = &self.outbox {
                    outbox.send(&ToMaster::Application { message: message.clone() });
                }
                true
            }
            ApplicationAction::Disconnect => {
                // The thread that receives from the connection notices its end.
                self.outbox.iter().for_each(Outbox::close);
                true
            }
            ApplicationAction::ExecutorDecommissioned(_)
            | ApplicationAction::ExecutorEnded(..)
            | ApplicationAction::Waiting(_)
            | ApplicationAction::Fail(_) => false,
        }
    }
}

/// Returns the executor that has this name on a standalone cluster: its number.
fn executor(name: &str) -> Option<ExecutorId> {
    name.parse().ok().map(ExecutorId)
}

impl Manager for StandaloneManager {
    fn request(&self, _: u32, _: &Shape) -> Result<(), String> {
        // The master starts what is wanted.
        Ok(())
    }

    fn withdraw(&self, _: u32) {}

    /// Tells the master of an executor that is not connected any more, which it ends.
    fn release(&self, name: &str) {
        if let Some(executor) = executor(name) {
            self.change(|state, _, _| state.side.executor_disconnected(executor));
        }
    }

    fn want(&self, executors: u32) {
        let limit = (executors < u32::MAX).then_some(executors);
        self.change(|state, _, todo| state.side.want(limit, todo));
    }

    fn registered(&self, name: &str) {
        if let Some(executor) = executor(name) {
            self.change(|state, _, todo| state.side.executor_ready(executor, todo));
        }
    }

    fn keeps_logs(&self) -> bool {
        true
    }

    fn application(&self, within: Duration) -> Option<String> {
        let deadline = Instant::now() + within;
        let mut state = self.state.lock();
        while state.side.application().is_none()
            && !state.side.is_ended()
            && !self.changed.wait_until(&mut state, deadline).timed_out()
        {}
        state.side.application().map(ToString::to_string)
    }

    fn finish(&self) {
        self.change(|state, _, todo| state.side.finish(todo));
    }

    fn stop(&self) {
        let deadline = Instant::now() + FINISH_WITHIN;
        let mut state = self.state.lock();
        while !state.side.is_ended()
            && state.outbox.is_some()
            && !self.changed.wait_until(&mut state, deadline).timed_out()
        {}
        state.side.abandon();
        if let Some(outbox) = state.outbox.take() {
            outbox.close();
        }
    }
}
