//! Worker processes, seen from their parent (the driver or an agent): it starts them, passes messages on to them and from them, and
//! notices when they end. The [`WorkerTable`] decides which are started and killed.
//!
//! Each worker has a thread here that reads its messages.

mod fault_dump;
mod stack_file;
mod watch;
mod worker_table;

pub use worker_table::Names;

use crate::link::{DriverLink, Executors};
use crate::server::{Server, Watchdog, WorkerCommand};
use firesteel_net::{receive, send};
use firesteel_protocol::handshake::{WorkerInit, WorkerReady};
use firesteel_protocol::{FromExecutor, PlanBytes, SentOutputs, TaskSpec, ToExecutor};
use firesteel_types::{ExecutorId, ExecutorMemory, RunningTask, TaskId, ThreadStack};
use parking_lot::{Condvar, Mutex};
use stack_file::StackFile;
use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};
use worker_table::{Next, WorkerTable};

/// Executors in processes of their own, on this machine: each a worker with one slot.
pub struct Processes {
    /// Itself, for the threads that it starts.
    this: Weak<Processes>,
    command: Mutex<WorkerCommand>,
    init: WorkerInit,
    watchdog: Watchdog,
    state: Mutex<State>,
    /// Wakes the thread that looks after workers, to end it.
    stopped: Condvar,
    driver: Weak<dyn DriverLink>,
}

struct State {
    server: Option<Arc<Server>>,
    table: WorkerTable,
    connections: HashMap<ExecutorId, Connection>,
    /// The control group's count of kills for want of memory, as it was when it was last looked at.
    oom_kills: Option<u64>,
    is_stopped: bool,
}

/// The parent's end of a worker's socket.
struct Connection {
    socket: Arc<Mutex<UnixStream>>,
    /// The same socket, to be closed while another thread is still writing.
    closer: UnixStream,
    sent_outputs: SentOutputs,
    /// The parent's end of the file for the stacks of the worker.
    stacks: Arc<StackFile>,
}

/// A worker process, for display.
#[derive(Clone, Debug)]
pub struct WorkerInfo {
    /// Its host; `None` is the driver's.
    pub host: Option<String>,
    /// Its process id; 0 where only its host knows it.
    pub process: u32,
    /// The number of its tasks.
    pub running: usize,
    /// The memory that it has, in bytes; 0 where only its host knows it.
    pub resident_bytes: u64,
    /// The memory that its tasks may have, in bytes.
    pub budget_bytes: u64,
}

/// The interval at which workers that should stop are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The interval at which the driver is told of running tasks.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

impl Processes {
    /// Starts `workers` workers; each sends [`FromExecutor::Added`] when it is ready.
    ///
    /// # Errors
    /// When the server cannot be started.
    pub fn start(
        command: WorkerCommand,
        init: WorkerInit,
        workers: u32,
        driver: Weak<dyn DriverLink>,
        names: Names,
    ) -> io::Result<Arc<Self>> {
        let server = Some(Arc::new(Server::start(&command)?));
        let (table, connections) = (WorkerTable::new(names), HashMap::new());
        let oom_kills = crate::memory::oom_kills(std::path::Path::new("/"));
        let processes = Arc::new_cyclic(|this| Processes {
            this: this.clone(),
            watchdog: command.watchdog,
            command: Mutex::new(command),
            init,
            state: Mutex::new(State { server, table, connections, oom_kills, is_stopped: false }),
            stopped: Condvar::new(),
            driver,
        });
        for _ in 0..workers {
            let added = processes.state.lock().table.add();
            if let Some(executor) = added {
                processes.spawn(executor)?;
            }
        }
        let watched = Arc::downgrade(&processes);
        thread::Builder::new().name("firesteel-workers".into()).spawn(move || look_after(&watched))?;
        Ok(processes)
    }

    /// Sets the setting of workers that begin from now on; see [`WorkerCommand::setting`].
    ///
    /// # Errors
    /// When the server is gone.
    pub fn set(&self, setting: &str) -> io::Result<()> {
        self.command.lock().setting = setting.into();
        let server = self.state.lock().server.clone();
        server.map_or(Ok(()), |server| server.set(setting))
    }

    /// Ends all workers, and the server.
    pub fn stop(&self) {
        let server = {
            let mut state = self.state.lock();
            state.is_stopped = true;
            state.connections.values().for_each(Connection::close);
            state.server.take()
        };
        self.stopped.notify_all();
        // Dropping the server waits for its end, so not under the lock.
        drop(server);
    }

    /// The workers that are ready.
    pub fn infos(&self) -> Vec<WorkerInfo> {
        let budget_bytes = self.init.memory;
        let state = self.state.lock();
        let workers = state.table.ready_workers();
        workers
            .map(|(_, process, running)| WorkerInfo {
                host: None,
                process,
                running: running.len(),
                resident_bytes: crate::resident_bytes(process),
                budget_bytes,
            })
            .collect()
    }

    /// Starts the process of a worker that is in the table, and the thread that reads its messages. After [`stop`](Self::stop) it does
    /// nothing.
    fn spawn(&self, executor: ExecutorId) -> io::Result<()> {
        let (mut ours, theirs) = UnixStream::pair()?;
        let stacks = Arc::new(StackFile::create()?);
        let stacks_writer = stacks.writer()?;
        let server = {
            let mut state = self.state.lock();
            let Some(server) = state.server.clone() else { return Ok(()) };
            let (socket, closer) = (Arc::new(Mutex::new(ours.try_clone()?)), ours.try_clone()?);
            let connection = Connection { socket, closer, sent_outputs: SentOutputs::default(), stacks };
            state.connections.insert(executor, connection);
            server
        };
        let Some(processes) = self.this.upgrade() else { return Ok(()) };
        let reader = ours.try_clone()?;
        let started = send(&mut ours, &WorkerInit { executor, ..self.init.clone() })
            .and_then(|()| server.fork(theirs.into(), stacks_writer))
            .and_then(|()| {
                let thread = thread::Builder::new().name(format!("firesteel-worker-{executor}"));
                thread.spawn(move || processes.read(executor, reader)).map(|_| ())
            });
        if started.is_err() {
            self.state.lock().connections.remove(&executor);
        }
        started
    }

    /// Starts a worker's process; with another server, if it seems that the server is gone. If that fails, too, the driver is told.
    fn spawn_or_give_up(&self, executor: ExecutorId) {
        let started = self.spawn(executor).or_else(|_| {
            self.restart_server()?;
            self.spawn(executor)
        });
        if let Err(error) = started {
            self.state.lock().table.not_started(executor);
            let reason = format!("no worker process can be started: {error}");
            self.tell(FromExecutor::OutOfWorkers { reason });
        }
    }

    /// Starts another server. Workers of the old one end with it, and are replaced one by one.
    fn restart_server(&self) -> io::Result<()> {
        let command = self.command.lock().clone();
        let server = Arc::new(Server::start(&command)?);
        let replaced = {
            let mut state = self.state.lock();
            // Stopped meanwhile, it needs no server.
            if state.is_stopped { Some(server) } else { state.server.replace(server) }
        };
        drop(replaced);
        Ok(())
    }

    /// The life of the thread that reads one worker's messages.
    fn read(self: Arc<Self>, executor: ExecutorId, mut socket: UnixStream) {
        if let Ok(Some(WorkerReady { process })) = receive(&mut socket) {
            if let Some(connection) = self.state.lock().connections.get(&executor) {
                connection.stacks.is_ready(process);
            }
            let is_known = self.state.lock().table.ready(executor, process, Instant::now());
            if is_known {
                self.tell(FromExecutor::Added { executor });
            }
            while let Ok(Some(message)) = receive(&mut socket) {
                let Some(driver) = self.driver.upgrade() else { break };
                self.pass_on(executor, message, &*driver);
            }
        }
        let _ = socket.shutdown(std::net::Shutdown::Both);
        self.worker_ended(executor);
    }

    /// Passes a message on to the driver. The worker is the one whose socket it came through, whatever the message says.
    fn pass_on(&self, executor: ExecutorId, message: FromExecutor, driver: &dyn DriverLink) {
        let message = match message {
            FromExecutor::AskPlan { stage } => {
                let plan = driver.plan(stage).map(|bytes| PlanBytes(bytes.to_vec()));
                let plan = plan.map_err(|error| error.to_string());
                return self.send_to(executor, &ToExecutor::Plan { stage, plan });
            }
            FromExecutor::AskCommit { task, .. } => FromExecutor::AskCommit { executor, task },
            FromExecutor::BarrierSync { task, epoch, message, .. } => {
                FromExecutor::BarrierSync { executor, task, epoch, message }
            }
            FromExecutor::Stored { key, size, .. } => FromExecutor::Stored { executor, key, size },
            FromExecutor::Dropped { key, .. } => FromExecutor::Dropped { executor, key },
            FromExecutor::Finished { task, report, updates, metrics, .. } => {
                self.state.lock().table.finished(executor, task);
                FromExecutor::Finished { executor, task, report, updates, metrics }
            }
            // Only parents of workers say this.
            FromExecutor::Added { .. }
            | FromExecutor::Lost { .. }
            | FromExecutor::Alive { .. }
            | FromExecutor::Migrated { .. }
            | FromExecutor::OutputsStored { .. }
            | FromExecutor::StoreDone { .. }
            | FromExecutor::RunsLong { .. }
            | FromExecutor::Stacks { .. }
            | FromExecutor::Log { .. }
            | FromExecutor::OutOfWorkers { .. }
            | FromExecutor::Left
            | FromExecutor::Notice { .. } => return,
        };
        driver.receive(message);
    }

    /// Tells the driver that a worker has closed its socket, and starts another in its place.
    fn worker_ended(&self, executor: ExecutorId) {
        let (ended, server, stacks) = {
            let mut state = self.state.lock();
            let connection = state.connections.remove(&executor);
            if state.is_stopped {
                return;
            }
            let Some(ended) = state.table.ended(executor, Instant::now()) else { return };
            (ended, state.server.clone(), connection.map(|connection| connection.stacks))
        };
        if let Some(process) = ended.process {
            // The server has the exit code, if it lives.
            let end = server.and_then(|server| server.end_of(process));
            let reason = self.loss(ended.last, end, stacks.as_deref());
            self.tell(FromExecutor::Lost { executor, reason });
        }
        match ended.next {
            Next::Start(next) => self.spawn_or_give_up(next),
            Next::WaitForName => {}
            Next::GiveUp { failed_starts } => {
                let ended = format!(
                    "the last {failed_starts} worker processes ended before they were ready, or soon after and without a task"
                );
                let why = stacks.and_then(|stacks| stacks.of_beginning());
                let reason = match why {
                    Some(why) => format!("{ended}; the last one with {why}"),
                    None => format!("{ended}; what they wrote to standard error says why"),
                };
                self.tell(FromExecutor::OutOfWorkers { reason });
            }
        }
    }

    fn tell(&self, message: FromExecutor) {
        if let Some(driver) = self.driver.upgrade() {
            driver.receive(message);
        }
    }

    fn send_to(&self, executor: ExecutorId, message: &ToExecutor) {
        let socket = self.state.lock().connections.get(&executor).map(|connection| connection.socket.clone());
        if let Some(socket) = socket {
            // The end of a worker is noticed by the thread that reads.
            let _ = send(&mut *socket.lock(), message);
        }
    }

    fn send_to_all(&self, message: &ToExecutor) {
        let all: Vec<ExecutorId> = self.state.lock().connections.keys().copied().collect();
        all.into_iter().for_each(|executor| self.send_to(executor, message));
    }

    fn launch(&self, executor: ExecutorId, task: TaskSpec) {
        let messages = {
            let state = &mut *self.state.lock();
            let Some(connection) = state.connections.get_mut(&executor) else { return };
            let running = RunningTask { task: task.task, stage: task.stage, partition: task.partition };
            let messages = connection.sent_outputs.launch(executor, task);
            let oom_kills = state.oom_kills;
            state.table.launched(executor, running, Instant::now(), oom_kills);
            messages
        };
        // Only one thread launches tasks, so the messages of two launches do not mix.
        messages.iter().for_each(|message| self.send_to(executor, message));
    }
}

impl Executors for Processes {
    fn send(&self, message: ToExecutor) {
        match message {
            ToExecutor::Launch { executor, task, .. } => self.launch(executor, task),
            ToExecutor::Kill { executor, task } => {
                self.state.lock().table.told_to_stop(executor, task, Instant::now());
                self.send_to(executor, &message);
            }
            ToExecutor::CommitDecision { executor, .. } | ToExecutor::BarrierAnswer { executor, .. } => {
                self.send_to(executor, &message);
            }
            ToExecutor::ForgetStage { .. }
            | ToExecutor::RemoveRdd { .. }
            | ToExecutor::RemoveBroadcast { .. } => self.send_to_all(&message),
            ToExecutor::NextExecutor { executor } => {
                let named = self.state.lock().table.named(executor);
                if let Some(executor) = named {
                    self.spawn_or_give_up(executor);
                }
            }
            // A server that is gone is started anew with the setting.
            ToExecutor::WorkerSetting { setting } => drop(self.set(&setting)),
            // Launches bring their outputs, workers get plans when they ask, and the rest is for agents alone.
            ToExecutor::Outputs { .. }
            | ToExecutor::Plan { .. }
            | ToExecutor::RemoveOutput { .. }
            | ToExecutor::RemoveResult { .. }
            | ToExecutor::Migrate { .. }
            | ToExecutor::Store { .. }
            | ToExecutor::RemoveStored { .. }
            | ToExecutor::ForgetStored { .. }
            | ToExecutor::AskStacks { .. }
            | ToExecutor::AskLog { .. }
            | ToExecutor::Alive
            | ToExecutor::Leave => {}
        }
    }

    fn running(&self) -> Vec<(ExecutorId, Vec<TaskId>)> {
        self.state.lock().table.running()
    }

    fn memory(&self) -> Vec<(ExecutorId, ExecutorMemory)> {
        let workers: Vec<(ExecutorId, u32)> = {
            let state = self.state.lock();
            state.table.ready_workers().map(|(executor, process, _)| (executor, process)).collect()
        };
        // Not asked under the lock: the kernel adds up the pages of each process.
        let memory = |(executor, process)| {
            let resident = crate::resident_bytes(process);
            (executor, ExecutorMemory { resident, is_python: true, ..ExecutorMemory::default() })
        };
        workers.into_iter().map(memory).collect()
    }

    fn stacks(&self) -> Vec<ThreadStack> {
        self.stacks_now(StackFile::ask)
    }

    fn sampled(&self) -> Vec<ThreadStack> {
        self.stacks_now(StackFile::ask_interpreter)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Connection {
    /// Closes the socket: the worker sees the end of it, and ends.
    fn close(&self) {
        let _ = self.closer.shutdown(std::net::Shutdown::Both);
    }
}

/// Kills workers whose tasks do not stop in time, watches those that run tasks, and tells the driver which workers live.
fn look_after(processes: &Weak<Processes>) {
    let mut reported = Instant::now();
    loop {
        let Some(processes) = processes.upgrade() else { return };
        let (overdue, running) = {
            let mut state = processes.state.lock();
            if !state.is_stopped {
                processes.stopped.wait_for(&mut state, LOOK_EVERY);
            }
            if state.is_stopped {
                return;
            }
            (state.table.overdue(Instant::now()), state.table.running())
        };
        overdue.into_iter().for_each(kill);
        processes.watch();
        if reported.elapsed() > HEARTBEAT_EVERY {
            reported = Instant::now();
            processes.tell(FromExecutor::Alive { running, memory: vec![] });
        }
    }
}

fn kill(process: u32) {
    if let Some(process) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
        // One that has ended already need not be killed.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
}
