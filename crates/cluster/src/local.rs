//! Executors in processes of their own on the driver's machine: `local-cluster[n,cores,memory]`, for tests and for trust.
//!
//! Each process is watched by a thread; one that ends is replaced by another, unless several in a row ended before they were
//! ready. One whose connection has ended and that does not end with it, since it is frozen, is killed.

use crate::agents::{AgentCommand, kill, reason_of};
use crate::backend::{Backend, ClusterListener};
use firesteel_protocol::handshake::AgentConfig;
use firesteel_types::ExecutorLossReason;
use std::collections::HashMap;
use std::io;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
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

/// The processes of a local cluster.
pub struct LocalCluster {
    config: LocalClusterConfig,
    listener: Box<dyn ClusterListener>,
    state: Mutex<State>,
    changed: Condvar,
    /// Itself, for the thread that waits for the end of a process.
    itself: Weak<LocalCluster>,
}

#[derive(Default)]
struct State {
    /// By name, those that run.
    running: HashMap<String, Running>,
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
    /// No process runs yet. The listener is told how processes end, and when none runs any more and none can be started.
    pub fn new(config: LocalClusterConfig, listener: Box<dyn ClusterListener>) -> Arc<Self> {
        Arc::new_cyclic(|itself| LocalCluster {
            config,
            listener,
            state: Mutex::default(),
            changed: Condvar::new(),
            itself: itself.clone(),
        })
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
            state.failed_starts = if was_ready { 0 } else { state.failed_starts + 1 };
            state.failed_starts
        };
        self.changed.notify_all();
        self.listener.ended(name, reason.clone());
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

    /// Waits for the end of a process, and kills it if it does not end in time.
    fn reap(&self, name: &str, process: u32) {
        let deadline = Instant::now() + END_WITHIN;
        let mut state = self.state();
        while state.running.contains_key(name) && !state.stopped {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return kill(process);
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
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
            (0, _) => self.listener.over(why),
            // The last of them will say so.
            (_, 0) => {}
            (_, ready) => tracing::warn!("going on with {ready} executor processes: {why}"),
        }
    }
}

impl Backend for LocalCluster {
    fn registered(&self, name: &str) {
        let mut state = self.state();
        state.failed_starts = 0;
        if let Some(running) = state.running.get_mut(name) {
            running.is_ready = true;
        }
    }

    /// A process that does not end in time, though its connection has, is frozen, or in a function that takes long: it is killed.
    fn disconnected(&self, name: &str) {
        let process = self.state().running.get(name).map(|running| running.process);
        let (Some(process), Some(cluster), name) = (process, self.itself.upgrade(), name.to_owned()) else {
            return;
        };
        let reap = move || cluster.reap(&name, process);
        // Without a thread, the process ends with the program.
        let _ = thread::Builder::new().name("firesteel-reap".into()).spawn(reap);
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
