//! The manager of a local cluster, `local-cluster[n,cores,memory]`: executors in processes of their own on the driver's
//! machine, to test applications as on a cluster.
//!
//! A thread waits for the end of each process.

use crate::agents::{AgentCommand, kill, reason_of};
use crate::manager::{Manager, ManagerListener, start_one_by_one};
use firesteel_lending::{Loss, Shape};
use firesteel_protocol::handshake::AgentConfig;
use firesteel_types::ExecutorLossReason;
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::io;
use std::process::{Child, ChildStdin};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The time that processes have to end by themselves when their cluster stops.
const END_WITHIN: Duration = Duration::from_secs(2);

/// A manager that starts processes on its own machine.
pub struct LocalProcesses {
    command: AgentCommand,
    /// The configuration of each agent, but for its name and size.
    agent: AgentConfig,
    listener: Arc<dyn ManagerListener>,
    table: Arc<Table>,
}

#[derive(Default)]
struct Table {
    processes: Mutex<Processes>,
    /// Signalled when a process has ended.
    ended: Condvar,
}

#[derive(Default)]
struct Processes {
    /// The ids of those that run, by name.
    running: BTreeMap<String, u32>,
    /// The number in the next name. None is used twice.
    next: u32,
    is_stopped: bool,
}

impl LocalProcesses {
    /// Makes a manager that starts agents by this command, with this configuration but for their names and sizes.
    pub fn new(command: AgentCommand, agent: AgentConfig, listener: Arc<dyn ManagerListener>) -> Arc<Self> {
        Arc::new(LocalProcesses { command, agent, listener, table: Arc::default() })
    }

    fn spawn(&self, shape: &Shape) -> io::Result<()> {
        // Locked over the start, so that a cluster that stops meanwhile does not miss the process.
        let mut processes = self.table.processes.lock();
        if processes.is_stopped {
            return Ok(());
        }
        let name = format!("local-{}", processes.next);
        let agent = AgentConfig {
            name: name.clone(),
            cores: shape.cores,
            memory: shape.memory,
            ..self.agent.clone()
        };
        let (child, pipe) = self.command.start(&agent)?;
        processes.next += 1;
        processes.running.insert(name.clone(), child.id());
        drop(processes);
        self.listener.granted(&name, &self.agent.host);
        let (table, listener) = (self.table.clone(), self.listener.clone());
        thread::Builder::new()
            .name("firesteel-watch".into())
            .spawn(move || watch(&name, child, pipe, &table, &*listener))?;
        Ok(())
    }
}

/// Waits for a process's end, and tells it. The pipe ends it when this process does.
fn watch(name: &str, mut child: Child, pipe: ChildStdin, table: &Table, listener: &dyn ManagerListener) {
    let reason = child.wait().map_or(ExecutorLossReason::Exited { code: None }, reason_of);
    drop(pipe);
    table.processes.lock().running.remove(name);
    table.ended.notify_all();
    listener.lost(name, Loss::own(reason));
}

impl Manager for LocalProcesses {
    fn request(&self, count: u32, shape: &Shape) -> Result<(), String> {
        start_one_by_one(count, &*self.listener, || {
            self.spawn(shape).map_err(|error| format!("no executor process can be started: {error}"))
        })
    }

    fn withdraw(&self, _: u32) {
        // Every request was met at once.
    }

    fn release(&self, name: &str) {
        self.table.processes.lock().running.get(name).copied().into_iter().for_each(kill);
    }

    /// Waits for the processes, whose connections are closed, and kills those that do not end in time.
    fn stop(&self) {
        let deadline = Instant::now() + END_WITHIN;
        let mut processes = self.table.processes.lock();
        processes.is_stopped = true;
        while !processes.running.is_empty()
            && !self.table.ended.wait_until(&mut processes, deadline).timed_out()
        {}
        processes.running.values().copied().for_each(kill);
    }
}
