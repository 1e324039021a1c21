//! Executors in processes of their own on the driver's machine: `local-cluster[n,cores,memory]`, for tests and for trust.
//!
//! Each process is watched by a thread; one that ends is replaced by another, unless several in a row ended before they were
//! ready. One whose connection has ended and that does not end with it, since it is frozen, is killed.

use crate::agents::{AgentCommand, kill, reason_of};
use firesteel_executor::Backend;
use firesteel_protocol::handshake::AgentConfig;
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
    running: HashMap<String, Running>,
    /// How those ended that were ready. Whoever heard their connections end asks for it once.
    ended: HashMap<String, ExecutorLossReason>,
    next: u32,
    failed_starts: u32,
    stopped: bool,
}

struct Running {
    process: u32,
    /// Whether it was ready to run tasks.
    is_ready: bool,
}

impl LocalCluster {
    /// No process runs yet. `on_failure` is told when none runs any more and none can be started, and why.
    pub fn new(config: LocalClusterConfig, on_failure: OnFailure) -> Arc<Self> {
        Arc::new(LocalCluster { config, on_failure, state: Mutex::default(), changed: Condvar::new() })
    }

    /// Starts the processes: whoever is to be told of them knows of this cluster by now.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start(self: &Arc<Self>) -> io::Result<()> {
        let started = (0..self.config.executors).try_for_each(|_| self.spawn());
        if started.is_err() {
            self.stop();
        }
        started
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
        state.running.insert(name.clone(), Running { process: child.id(), is_ready: false });
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
        let failed_starts = {
            let mut state = self.state();
            let was_ready = state.running.remove(name).is_some_and(|running| running.is_ready);
            if was_ready {
                state.ended.insert(name.into(), reason.clone());
            }
            state.failed_starts = if was_ready { 0 } else { state.failed_starts + 1 };
            state.failed_starts
        };
        self.changed.notify_all();
        let spawned = if failed_starts >= FAILED_STARTS_AT_MOST { Ok(()) } else { self.spawn() };
        match spawned {
            Ok(()) if failed_starts < FAILED_STARTS_AT_MOST => {}
            Ok(()) => self.one_less(format!(
                "the last {failed_starts} executor processes ended before they were ready ({reason}); what they wrote to \
                 standard error says why. A program whose executors are processes of its own must begin with `#[firesteel::main]`"
            )),
            Err(error) => self.one_less(format!("no executor process can be started: {error}")),
        }
    }

    /// A process is not replaced. As long as there are others, jobs go on with those.
    fn one_less(&self, why: String) {
        let (left, ready) = {
            let state = self.state();
            if state.stopped {
                return;
            }
            (state.running.len(), state.running.values().filter(|running| running.is_ready).count())
        };
        match (left, ready) {
            (0, _) => (self.on_failure)(why),
            // The last of them will say so.
            (_, 0) => {}
            (_, ready) => eprintln!("firesteel: warning: going on with {ready} executor processes: {why}"),
        }
    }
}

impl Backend for LocalCluster {
    /// One that does not end in time, though its connection has, is frozen, or in a function that takes long: it is killed.
    fn ended(&self, name: &str) -> Option<ExecutorLossReason> {
        let deadline = Instant::now() + END_WITHIN;
        let mut state = self.state();
        loop {
            if let Some(reason) = state.ended.remove(name) {
                return Some(reason);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let running = state.running.get(name)?;
            if state.stopped {
                return None;
            }
            if left.is_zero() {
                kill(running.process);
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn registered(&self, name: &str) {
        let mut state = self.state();
        state.failed_starts = 0;
        if let Some(running) = state.running.get_mut(name) {
            running.is_ready = true;
        }
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
        state.running.values().for_each(|running| kill(running.process));
    }
}
