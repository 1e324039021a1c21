//! The shell of a local cluster, `local-cluster[n,cores,memory]`: executors in processes of their own on the
//! driver's machine, to test applications as on a cluster.
//!
//! The [`ProcessTable`] decides which processes are started and killed. A thread waits for the end of each
//! process. A process that goes on running after its connection has ended is frozen, and is killed.

mod process_table;

use crate::agents::{AgentCommand, kill, reason_of};
use crate::backend::{Backend, ClusterListener};
use firesteel_protocol::handshake::AgentConfig;
use firesteel_types::ExecutorLossReason;
use parking_lot::{Condvar, Mutex};
use process_table::{Next, ProcessTable, Remaining};
use std::io;
use std::process::Child;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// The time that a process may take to end after its connection has ended.
const END_WITHIN: Duration = Duration::from_secs(2);

/// The parts of a local cluster.
#[derive(Clone, Debug)]
pub struct LocalClusterConfig {
    /// The number of processes.
    pub executors: u32,
    /// The command that starts one.
    pub command: AgentCommand,
    /// The configuration of each, but for its name, which the cluster gives.
    pub agent: AgentConfig,
}

/// The processes of a local cluster.
pub struct LocalCluster {
    config: LocalClusterConfig,
    listener: Box<dyn ClusterListener>,
    table: Mutex<ProcessTable>,
    /// Signalled when a process has ended, or the cluster stops.
    changed: Condvar,
    /// The cluster itself, for the threads that wait for the end of a process.
    itself: Weak<LocalCluster>,
}

impl LocalCluster {
    /// Makes a cluster whose processes [`start`](Self::start) starts. The listener is told how processes end,
    /// and when none runs any more and none can be started.
    pub fn new(config: LocalClusterConfig, listener: Box<dyn ClusterListener>) -> Arc<Self> {
        Arc::new_cyclic(|itself| LocalCluster {
            config,
            listener,
            table: Mutex::default(),
            changed: Condvar::new(),
            itself: itself.clone(),
        })
    }

    /// Starts the processes. The driver has to know this cluster before, since it reports to it which
    /// processes register.
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

    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        // Locked over the start, so that a cluster that stops meanwhile does not miss the process.
        let mut table = self.table.lock();
        let Some(name) = table.next_name() else { return Ok(()) };
        let agent = AgentConfig { name: name.clone(), ..self.config.agent.clone() };
        let (child, pipe) = self.config.command.start(&agent)?;
        table.started(&name, child.id());
        drop(table);
        let cluster = self.clone();
        thread::Builder::new().name("firesteel-watch".into()).spawn(move || {
            cluster.watch(&name, child);
            drop(pipe);
        })?;
        Ok(())
    }

    /// Waits for a process's end, and starts another in its place.
    fn watch(self: Arc<Self>, name: &str, mut child: Child) {
        let reason = child.wait().map_or(ExecutorLossReason::Exited { code: None }, reason_of);
        let next = self.table.lock().ended(name);
        self.changed.notify_all();
        self.listener.ended(name, reason.clone());
        match next {
            Next::Replace => {
                if let Err(error) = self.spawn() {
                    self.not_replaced(format!("no executor process can be started: {error}"));
                }
            }
            Next::GiveUp { failed_starts } => self.not_replaced(format!(
                "the last {failed_starts} executor processes ended before they were ready ({reason}); what \
                 they wrote to standard error says why. A program whose executors are processes of its own must \
                 begin with `#[firesteel::main]`"
            )),
            Next::Stopped => {}
        }
    }

    /// Ends the application if no process is left, now that one is not replaced.
    fn not_replaced(&self, why: String) {
        let remaining = self.table.lock().remaining();
        match remaining {
            Remaining::None => self.listener.over(why),
            Remaining::Ready(ready) => {
                tracing::warn!("going on with {ready} executor processes: {why}")
            }
            Remaining::Starting | Remaining::Stopped => {}
        }
    }

    /// Kills a process that does not end by itself in time.
    fn reap(&self, name: &str) {
        let deadline = Instant::now() + END_WITHIN;
        let mut table = self.table.lock();
        while table.to_reap(name).is_some() && !self.changed.wait_until(&mut table, deadline).timed_out() {}
        table.to_reap(name).into_iter().for_each(kill);
    }
}

impl Backend for LocalCluster {
    fn registered(&self, name: &str) {
        self.table.lock().ready(name);
    }

    /// Kills the process if it does not end in time: it is frozen, or in a function that takes long.
    fn disconnected(&self, name: &str) {
        let process = self.table.lock().to_reap(name);
        let (Some(_), Some(cluster), name) = (process, self.itself.upgrade(), name.to_owned()) else {
            return;
        };
        let reap = move || cluster.reap(&name);
        // If no thread can be started, the process ends with the driver.
        let _ = thread::Builder::new().name("firesteel-reap".into()).spawn(reap);
    }

    fn want(&self, _: u32) {
        // The number of executors is fixed: it is the `n` of the master's URL.
    }

    /// Waits for the processes, whose connections are closed, and kills those that do not end in time.
    fn stop(&self) {
        let deadline = Instant::now() + END_WITHIN;
        let mut table = self.table.lock();
        table.stop();
        self.changed.notify_all();
        while !table.is_empty() && !self.changed.wait_until(&mut table, deadline).timed_out() {}
        table.processes().for_each(kill);
    }
}
