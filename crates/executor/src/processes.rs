//! The driver's side of worker processes: starts them, speaks with them, notices when they end, and starts others in their place.
//!
//! Each worker has a thread here that reads what it says. A worker that is told to stop a task and does not come to it in time is
//! killed: it may be in a function that never returns.

use crate::link::{DriverLink, Executors};
use crate::server::{Ended, Server, WorkerCommand};
use firesteel_net::{receive, send};
use firesteel_protocol::handshake::{WorkerInit, WorkerReady};
use firesteel_protocol::{
    BarrierOutcome, DeliveredOutcome, FromExecutor, PlanBytes, SentOutputs, TaskReport, TaskSpec, ToExecutor,
};
use firesteel_types::{
    BlockKey, BroadcastId, CallSite, ExecutorId, ExecutorLossReason, RddId, StageId, TaskFailure, TaskId,
};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// What the driver is told beside the ends of tasks.
pub trait ProcessListener: DriverLink {
    /// An executor is ready for so many tasks at a time.
    fn added(&self, executor: ExecutorId, host: Option<&str>, slots: u32);
    /// An executor is gone, and whether what it wrote is still there.
    fn lost(&self, executor: ExecutorId, reason: ExecutorLossReason, outputs_survive: bool);
    /// An executor lives, and these are its tasks.
    fn alive(&self, executor: ExecutorId, running: Vec<TaskId>);
    /// An executor keeps a partition.
    fn stored(&self, executor: ExecutorId, key: BlockKey);
    /// An executor keeps a partition no more.
    fn dropped(&self, executor: ExecutorId, key: BlockKey);
    /// A task was failed by a function of the program's; its end is told next.
    fn failed(&self, task: &TaskSpec);
    /// May this attempt commit? Waits for the answer.
    fn may_commit(&self, executor: ExecutorId, task: TaskId) -> bool;
    /// A task waits for the others of its barrier stage; `answer` is called once, by whichever thread has the answer.
    fn barrier(
        &self,
        executor: ExecutorId,
        task: TaskId,
        epoch: u32,
        message: Option<String>,
        answer: BarrierAnswer,
    );
    /// Workers cannot be had any more, and why.
    fn out_of_workers(&self, why: String);
}

/// What is done with the answer to a call at a barrier.
pub type BarrierAnswer = Box<dyn FnOnce(BarrierOutcome) + Send>;

/// Executors in processes of their own, on this machine: each a worker with one slot.
pub struct Processes {
    command: Mutex<WorkerCommand>,
    init: WorkerInit,
    state: Mutex<State>,
    changed: Condvar,
    listener: Weak<dyn ProcessListener>,
    names: Names,
}

/// Gives each worker that begins the executor that it is; waits for it where somebody else gives names, and gives none when nobody
/// does any more.
pub type Names = Box<dyn Fn() -> Option<ExecutorId> + Send + Sync>;

/// Names in the order of numbers, from 1.
pub fn numbers() -> Names {
    let next = AtomicU32::new(1);
    Box::new(move || Some(ExecutorId(next.fetch_add(1, Ordering::Relaxed))))
}

struct State {
    server: Option<Arc<Server>>,
    workers: BTreeMap<ExecutorId, Remote>,
    /// Workers in a row that ended before they were ready.
    failed_starts: u32,
    stopped: bool,
}

struct Remote {
    socket: Arc<Mutex<UnixStream>>,
    /// The same socket, for whoever closes it while somebody is still writing.
    closer: UnixStream,
    process: Option<u32>,
    running: Vec<TaskSpec>,
    sent_outputs: SentOutputs,
    /// The task that should stop, and since when.
    stopping: Option<(TaskId, Instant)>,
}

/// One worker, for people to look at.
#[derive(Clone, Debug)]
pub struct WorkerInfo {
    /// Its host; none is the driver's.
    pub host: Option<String>,
    /// Its process id; 0 where only its host knows it.
    pub process: u32,
    /// How many tasks it has.
    pub running: usize,
    /// What it has in memory, in bytes; 0 where only its host knows it.
    pub resident_bytes: u64,
    /// What its tasks may have, in bytes.
    pub budget_bytes: u64,
}

/// How long a task may go on after it was told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// How often workers that should stop are looked after, and the driver is told who lives.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// After so many workers in a row that did not even start, no more are tried.
const FAILED_STARTS_AT_MOST: u32 = 3;

impl Processes {
    /// Starts `workers` workers; the listener is told when they are ready.
    ///
    /// # Errors
    /// When the server cannot be started.
    pub fn start(
        command: WorkerCommand,
        init: WorkerInit,
        workers: u32,
        listener: Weak<dyn ProcessListener>,
        names: Names,
    ) -> io::Result<Arc<Self>> {
        let server = Some(Arc::new(Server::start(&command)?));
        let state = State { server, workers: BTreeMap::new(), failed_starts: 0, stopped: false };
        let processes = Arc::new(Processes {
            command: Mutex::new(command),
            init,
            state: Mutex::new(state),
            changed: Condvar::new(),
            listener,
            names,
        });
        for _ in 0..workers {
            processes.spawn()?;
        }
        let watched = Arc::downgrade(&processes);
        thread::Builder::new().name("firesteel-workers".into()).spawn(move || look_after(&watched))?;
        Ok(processes)
    }

    /// What workers that begin from now on are to know; see [`WorkerCommand::setting`].
    ///
    /// # Errors
    /// When the server is gone.
    pub fn set(&self, setting: &str) -> io::Result<()> {
        self.command.lock().unwrap_or_else(PoisonError::into_inner).setting = setting.into();
        let server = self.state().server.clone();
        server.map_or(Ok(()), |server| server.set(setting))
    }

    /// Ends all workers, and the server.
    pub fn stop(&self) {
        let server = {
            let mut state = self.state();
            state.stopped = true;
            state.workers.values().for_each(Remote::dismiss);
            state.server.take()
        };
        self.changed.notify_all();
        drop(server);
    }

    /// The workers that are ready.
    pub fn infos(&self) -> Vec<WorkerInfo> {
        let budget_bytes = self.init.memory;
        let state = self.state();
        let ready = state.workers.values().filter_map(|worker| Some((worker.process?, worker.running.len())));
        ready
            .map(|(process, running)| WorkerInfo {
                host: None,
                process,
                running,
                resident_bytes: crate::resident_bytes(process),
                budget_bytes,
            })
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock, and nothing is waited for.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        let (mut ours, theirs) = UnixStream::pair()?;
        let Some(executor) = (self.names)() else { return Ok(()) };
        let server = {
            let mut state = self.state();
            let Some(server) = state.server.clone() else { return Ok(()) };
            let (socket, closer) = (Arc::new(Mutex::new(ours.try_clone()?)), ours.try_clone()?);
            let worker = Remote {
                socket,
                closer,
                process: None,
                running: vec![],
                sent_outputs: SentOutputs::default(),
                stopping: None,
            };
            state.workers.insert(executor, worker);
            server
        };
        let (processes, reader) = (self.clone(), ours.try_clone()?);
        let started = send(&mut ours, &WorkerInit { executor, ..self.init.clone() })
            .and_then(|()| server.fork(theirs.into()))
            .and_then(|()| {
                let thread = thread::Builder::new().name(format!("firesteel-worker-{executor}"));
                thread.spawn(move || processes.read(executor, reader)).map(|_| ())
            });
        if started.is_err() {
            self.state().workers.remove(&executor);
        }
        started
    }

    /// The life of the thread that hears one worker.
    fn read(self: Arc<Self>, executor: ExecutorId, mut socket: UnixStream) {
        if let Ok(Some(WorkerReady { process })) = receive(&mut socket) {
            self.ready(executor, process);
            while let Ok(Some(message)) = receive(&mut socket) {
                let Some(listener) = self.listener.upgrade() else { break };
                self.on_message(executor, message, &*listener);
            }
        }
        let _ = socket.shutdown(std::net::Shutdown::Both);
        self.gone(executor);
    }

    /// A worker has shaken hands.
    fn ready(&self, executor: ExecutorId, process: u32) {
        {
            let mut state = self.state();
            state.failed_starts = 0;
            let Some(worker) = state.workers.get_mut(&executor) else { return };
            worker.process = Some(process);
        }
        if let Some(listener) = self.listener.upgrade() {
            listener.added(executor, None, 1);
        }
    }

    /// Handles a message of the worker whose socket it came through, whatever executor the message names.
    fn on_message(
        self: &Arc<Self>,
        executor: ExecutorId,
        message: FromExecutor,
        listener: &dyn ProcessListener,
    ) {
        match message {
            FromExecutor::AskPlan { stage } => {
                let plan = listener.plan(stage).map(|bytes| PlanBytes(bytes.to_vec()));
                let plan = plan.map_err(|error| error.to_string());
                self.send(executor, &ToExecutor::Plan { stage, plan });
            }
            FromExecutor::AskCommit { task, .. } => {
                let allowed = listener.may_commit(executor, task);
                self.send(executor, &ToExecutor::CommitDecision { task, allowed });
            }
            FromExecutor::BarrierSync { task, epoch, message, .. } => {
                let processes = Arc::downgrade(self);
                let answer: BarrierAnswer = Box::new(move |outcome| {
                    if let Some(processes) = processes.upgrade() {
                        processes.send(executor, &ToExecutor::BarrierAnswer { task, epoch, outcome });
                    }
                });
                listener.barrier(executor, task, epoch, message, answer);
            }
            FromExecutor::Stored { key, .. } => listener.stored(executor, key),
            FromExecutor::Dropped { key, .. } => listener.dropped(executor, key),
            FromExecutor::Finished { task, report, updates, .. } => {
                let outcome = outcome_of(report);
                let ended = self.state().workers.get_mut(&executor).and_then(|worker| {
                    worker.stopping = worker.stopping.filter(|(stopping, _)| *stopping != task);
                    let at = worker.running.iter().position(|running| running.task == task)?;
                    Some(worker.running.swap_remove(at))
                });
                if let (Some(spec), DeliveredOutcome::Failed { failure }) = (&ended, &outcome)
                    && matches!(**failure, TaskFailure::Exception(_))
                {
                    listener.failed(spec);
                }
                listener.finished(executor, task, outcome, updates);
            }
            // Only agents say this; a worker is added when it has shaken hands, and lost with its socket.
            FromExecutor::Added { .. }
            | FromExecutor::Lost { .. }
            | FromExecutor::Alive { .. }
            | FromExecutor::Migrated { .. }
            | FromExecutor::OutOfWorkers { .. }
            | FromExecutor::Left => {}
        }
    }

    /// A worker's socket is closed.
    fn gone(self: &Arc<Self>, executor: ExecutorId) {
        let (worker, server) = {
            let mut state = self.state();
            let Some(worker) = state.workers.remove(&executor) else { return };
            if state.stopped {
                return;
            }
            (worker, state.server.clone())
        };
        let ended = worker.process.zip(server).and_then(|(process, server)| server.end_of(process));
        let Some(listener) = self.listener.upgrade() else { return };
        if worker.process.is_some() {
            // What it wrote lies in files.
            listener.lost(executor, reason(ended), true);
        }
        let failed_starts = {
            let mut state = self.state();
            state.failed_starts += u32::from(worker.process.is_none());
            state.failed_starts
        };
        if failed_starts >= FAILED_STARTS_AT_MOST {
            listener.out_of_workers(format!(
                "the last {failed_starts} worker processes ended before they were ready; what they wrote to standard error says why"
            ));
            return;
        }
        if let Err(error) = self.spawn().or_else(|_| self.restart()) {
            listener.out_of_workers(format!("no worker process can be started: {error}"));
        }
    }

    /// The server is gone, it seems: another, and one worker. Those who lost theirs with it come here one by one.
    fn restart(self: &Arc<Self>) -> io::Result<()> {
        let command = self.command.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let server = Arc::new(Server::start(&command)?);
        {
            let mut state = self.state();
            if state.stopped {
                return Ok(());
            }
            state.server = Some(server);
        }
        self.spawn()
    }

    fn send(&self, executor: ExecutorId, message: &ToExecutor) {
        let socket = self.state().workers.get(&executor).map(|worker| worker.socket.clone());
        if let Some(socket) = socket {
            // One that is gone is noticed by the thread that reads.
            let _ = send(&mut *socket.lock().unwrap_or_else(PoisonError::into_inner), message);
        }
    }

    fn send_everything(&self, message: impl Fn() -> ToExecutor) {
        let all: Vec<ExecutorId> = self.state().workers.keys().copied().collect();
        all.into_iter().for_each(|executor| self.send(executor, &message()));
    }
}

impl Executors for Processes {
    fn launch(&self, executor: ExecutorId, task: TaskSpec) {
        let messages = {
            let mut state = self.state();
            let Some(worker) = state.workers.get_mut(&executor) else { return };
            worker.running.push(task.clone());
            worker.sent_outputs.launch(executor, task)
        };
        // Only the driver's loop launches, so nothing comes in between.
        messages.iter().for_each(|message| self.send(executor, message));
    }

    fn kill(&self, executor: ExecutorId, task: TaskId) {
        if let Some(worker) = self.state().workers.get_mut(&executor)
            && worker.running.iter().any(|running| running.task == task)
        {
            worker.stopping.get_or_insert((task, Instant::now()));
        }
        self.send(executor, &ToExecutor::Kill { executor, task });
    }

    fn forget_stage(&self, stage: StageId) {
        self.send_everything(|| ToExecutor::ForgetStage { stage });
    }

    fn forget_rdd(&self, rdd: RddId) {
        self.send_everything(|| ToExecutor::RemoveRdd { rdd });
    }

    fn forget_broadcast(&self, broadcast: BroadcastId) {
        self.send_everything(|| ToExecutor::RemoveBroadcast { broadcast });
    }

    fn running(&self) -> Vec<(ExecutorId, Vec<TaskId>)> {
        let state = self.state();
        let ready = state.workers.iter().filter(|(_, worker)| worker.process.is_some());
        ready.map(|(id, worker)| (*id, worker.running.iter().map(|task| task.task).collect())).collect()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Remote {
    /// The worker sees the end of its socket, and ends.
    fn dismiss(&self) {
        let _ = self.closer.shutdown(std::net::Shutdown::Both);
    }
}

/// Returns how a worker's task ended. A worker shares its parent's machine and sends results of any size: one that leaves a result
/// elsewhere is another program, and its task has failed.
fn outcome_of(report: TaskReport) -> DeliveredOutcome {
    match report {
        TaskReport::Delivered { outcome } => outcome,
        TaskReport::ResultOnExecutor { result } => DeliveredOutcome::failed(TaskFailure::Operation {
            operation: "receive a result of a worker process".into(),
            message: format!("it waits at {}, where workers leave none", result.address),
            site: CallSite::default(),
            retryable: true,
        }),
    }
}

fn reason(ended: Option<Ended>) -> ExecutorLossReason {
    match ended {
        Some(Ended { code, peak }) if code < 0 => {
            ExecutorLossReason::Killed { signal: -code, peak_bytes: peak }
        }
        Some(Ended { code, .. }) => ExecutorLossReason::Exited { code: Some(code) },
        None => ExecutorLossReason::Exited { code: None },
    }
}

/// Kills workers that do not come to stop, and tells the driver which live.
fn look_after(processes: &Weak<Processes>) {
    let mut reported = Instant::now();
    loop {
        let Some(processes) = processes.upgrade() else { return };
        let mut overdue = vec![];
        let mut alive = vec![];
        {
            let state = processes.state();
            if state.stopped {
                return;
            }
            for (executor, worker) in &state.workers {
                if worker.stopping.is_some_and(|(_, since)| since.elapsed() > STOP_WITHIN) {
                    overdue.extend(worker.process);
                }
                if worker.process.is_some() {
                    alive.push((*executor, worker.running.iter().map(|task| task.task).collect()));
                }
            }
        }
        overdue.into_iter().for_each(kill);
        if reported.elapsed() > HEARTBEAT_EVERY
            && let Some(listener) = processes.listener.upgrade()
        {
            reported = Instant::now();
            alive.into_iter().for_each(|(executor, running)| listener.alive(executor, running));
        }
        let state = processes.state();
        let _ = processes.changed.wait_timeout(state, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner);
    }
}

fn kill(process: u32) {
    if let Some(process) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
        // One that has ended already need not be killed.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
}
