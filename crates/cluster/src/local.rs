//! Executors in processes of their own on the driver's machine: `local-cluster[n,cores,memory]`, for tests and for trust.
//!
//! Each process is watched by a thread; one that ends is replaced by another, unless several in a row ended before they had
//! registered.

use crate::agents::{AgentCommand, kill, reason_of};
use firesteel_executor::Backend;
use firesteel_executor::agent::AgentConfig;
use firesteel_types::ExecutorLossReason;
use std::collections::HashMap;
use std::io;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// After so many processes in a row that did not even register, no more are started.
const FAILED_STARTS_AT_MOST: u32 = 3;

/// How long the end of a process whose connection has ended may take.
const END_WITHIN: Duration = Duration::from_secs(2);

/// What a local cluster consists of.
#[derive(Clone, Debug)]
pub struct LocalClusterConfig {
    /// How many processes.
    pub executors: u32,
    /// How each is started.
    pub command: AgentCommand,
    /// What each is told, but for its name and, where nobody else serves its files, its directory.
    pub agent: AgentConfig,
}

/// Told when no process can be started any more, and why.
pub(crate) type OnFailure = Box<dyn Fn(String) + Send + Sync>;

/// The processes of a local cluster.
pub struct LocalCluster {
    config: LocalClusterConfig,
    on_failure: OnFailure,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// By name, those that run.
    running: HashMap<String, u32>,
    ended: HashMap<String, ExecutorLossReason>,
    next: u32,
    failed_starts: u32,
    /// Names of those that have registered.
    registered: Vec<String>,
    stopped: bool,
}

impl LocalCluster {
    /// Starts the processes.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start(config: LocalClusterConfig, on_failure: OnFailure) -> io::Result<Arc<Self>> {
        let executors = config.executors;
        let cluster =
            Arc::new(LocalCluster { config, on_failure, state: Mutex::default(), changed: Condvar::new() });
        for _ in 0..executors {
            if let Err(error) = cluster.spawn() {
                cluster.stop();
                return Err(error);
            }
        }
        Ok(cluster)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.state();
        if state.stopped {
            return Ok(());
        }
        let name = format!("local-{}", state.next);
        state.next += 1;
        let agent = AgentConfig { name: name.clone(), ..self.config.agent.clone() };
        let (child, pipe) = self.config.command.start(&agent)?;
        state.running.insert(name.clone(), child.id());
        drop(state);
        let cluster = self.clone();
        thread::Builder::new().name("firesteel-watch".into()).spawn(move || {
            cluster.watch(&name, child);
            drop(pipe);
        })?;
        Ok(())
    }

    /// Waits for a process's end, and starts another.
    fn watch(self: Arc<Self>, name: &str, mut child: Child) {
        let reason = child.wait().map_or(ExecutorLossReason::Exited { code: None }, reason_of);
        let too_often = {
            let mut state = self.state();
            state.running.remove(name);
            state.ended.insert(name.into(), reason.clone());
            let had_registered = state.registered.iter().any(|known| known == name);
            state.failed_starts = if had_registered { 0 } else { state.failed_starts + 1 };
            state.failed_starts >= FAILED_STARTS_AT_MOST
        };
        self.changed.notify_all();
        if too_often {
            let why = format!(
                "the last {FAILED_STARTS_AT_MOST} executor processes ended before they were ready ({reason}); what they wrote to \
                 standard error says why. A program whose executors are processes of its own must begin with `#[firesteel::main]`"
            );
            return (self.on_failure)(why);
        }
        if let Err(error) = self.spawn() {
            (self.on_failure)(format!("no executor process can be started: {error}"));
        }
    }
}

impl Backend for LocalCluster {
    fn ended(&self, name: &str) -> Option<ExecutorLossReason> {
        let deadline = Instant::now() + END_WITHIN;
        let mut state = self.state();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Some(reason) = state.ended.get(name) {
                return Some(reason.clone());
            }
            if left.is_zero() || state.stopped {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn registered(&self, name: &str) {
        let mut state = self.state();
        state.failed_starts = 0;
        state.registered.push(name.into());
    }

    fn want(&self, _: u32) {
        // There are always as many as the master's name says.
    }

    /// Their connections are closed, so they end by themselves; those that do not are killed.
    fn stop(&self) {
        let deadline = Instant::now() + END_WITHIN;
        let mut state = self.state();
        state.stopped = true;
        self.changed.notify_all();
        while !state.running.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.running.values().for_each(|process| kill(*process));
    }
}
