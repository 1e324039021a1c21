//! The inside of a worker process: one slot.
//!
//! A thread listens to the driver, and does nothing else. The owner of the process takes tasks with [`Worker::next`] and runs them
//! with [`Worker::run`], on one thread: in an interpreter, the one that may run its code.

use crate::decode::decode;
use crate::measure::{CpuClock, Stopwatch};
use crate::runner;
use crate::services::{Parts, services};
use crate::task_queue::TaskQueue;
use firesteel_data::Cipher;
use firesteel_net::{receive, send};
use firesteel_operators::{BarrierGate, CommitGate, FinalOperator, Services, Task};
use firesteel_protocol::handshake::{WorkerInit, WorkerReady};
use firesteel_protocol::{
    BarrierOutcome, BarrierRefusal, DeliveredOutcome, FromExecutor, PlanBytes, SentOutputs, TaskSpec,
    ToExecutor,
};
use firesteel_storage::cached::BlockListener;
use firesteel_transfer::RemoteFetcher;
use firesteel_types::{
    BlockKey, BlockSize, ExecutorId, KillReason, StageId, TaskFailure, TaskId, TaskMetrics,
};
use parking_lot::{Condvar, Mutex};
use rustix::net::{RecvFlags, recv};
use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

/// A worker: an executor with one slot, in a process of its own.
pub struct Worker {
    init: WorkerInit,
    services: Arc<Services>,
    remote: Option<Arc<RemoteFetcher>>,
    plans: HashMap<StageId, Result<Arc<dyn FinalOperator>, String>>,
    inbox: Arc<Inbox>,
    driver: Arc<Mutex<UnixStream>>,
    clock: CpuClock,
}

/// A task that has come from the driver.
pub struct ArrivedTask {
    spec: TaskSpec,
    arrived: Instant,
}

impl ArrivedTask {
    /// The description of the task.
    pub fn spec(&self) -> &TaskSpec {
        &self.spec
    }
}

#[derive(Default)]
struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: TaskQueue,
    plans: HashMap<StageId, Result<Arc<[u8]>, String>>,
    commits: HashMap<TaskId, bool>,
    barriers: HashMap<(TaskId, u32), BarrierOutcome>,
    forgotten: Vec<StageId>,
    closed: bool,
}

impl Inbox {
    /// Waits until `take` finds what it looks for; `None` when the driver is gone.
    fn wait<T>(&self, mut take: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if let Some(found) = take(&mut state) {
                return Some(found);
            }
            if state.closed {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }
}

impl Worker {
    /// Shakes hands with the driver: waits for what the worker is to be, and says that it is ready. Returns `None` when the driver has
    /// closed the socket meanwhile: a context that stops does not wait for workers that begin.
    ///
    /// # Errors
    /// When the driver says something else, or directories cannot be made.
    pub fn start(socket: UnixStream) -> io::Result<Option<Self>> {
        let watched = socket.try_clone()?;
        match Self::shake_hands(socket) {
            // With the driver goes its directory, so anything may have failed, and nobody waits for this worker.
            Err(_) if is_closed(&watched) => Ok(None),
            shaken => shaken,
        }
    }

    fn shake_hands(mut socket: UnixStream) -> io::Result<Option<Self>> {
        let Some(init) = receive::<WorkerInit>(&mut socket)? else { return Ok(None) };
        let driver = Arc::new(Mutex::new(socket.try_clone()?));
        let inbox = Arc::<Inbox>::default();
        let remote = init.remote.as_ref().map(RemoteFetcher::open).transpose().map_err(io::Error::other)?;
        let services = worker_services(&init, &inbox, &driver, remote.clone()).map_err(io::Error::other)?;
        send(&mut socket, &WorkerReady { process: std::process::id() })?;
        let (services, listened) = (Arc::new(services), inbox.clone());
        let lent = services.clone();
        thread::Builder::new().name("firesteel-driver".into()).spawn(move || {
            listen(socket, &listened, &lent);
            listened.state.lock().closed = true;
            listened.changed.notify_all();
        })?;
        Ok(Some(Worker {
            init,
            services,
            remote,
            plans: HashMap::new(),
            inbox,
            driver,
            clock: CpuClock::default(),
        }))
    }

    /// The driver's first message, which says what the worker is.
    pub fn init(&self) -> &WorkerInit {
        &self.init
    }

    /// The services that it lends to its tasks.
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// The way to other hosts, where there are such.
    pub fn remote(&self) -> Option<&Arc<RemoteFetcher>> {
        self.remote.as_ref()
    }

    /// The next task, once there is one; `None` when the driver is gone.
    pub fn next(&self) -> Option<ArrivedTask> {
        let (spec, arrived) = self.inbox.wait(|state| state.tasks.next())?;
        Some(ArrivedTask { spec, arrived })
    }

    /// Runs a task, and tells the driver how it ended.
    pub fn run(&mut self, task: ArrivedTask) {
        let ArrivedTask { spec, arrived } = task;
        let task = spec.task;
        let mut stopwatch = Stopwatch::begin(&mut self.clock, arrived);
        let cancelled = {
            let mut state = self.inbox.state.lock();
            for stage in state.forgotten.drain(..) {
                self.plans.remove(&stage);
            }
            state.tasks.flag(task)
        };
        let plan = self.plan(spec.stage);
        stopwatch.ready();
        let failed = |failure| (DeliveredOutcome::failed(failure), vec![], TaskMetrics::default());
        let (outcome, updates, mut metrics) = match plan {
            _ if cancelled.load(Ordering::Relaxed) => failed(TaskFailure::Killed(KillReason::JobEnded)),
            Ok(terminal) => {
                let task = Task::new(spec, self.services.clone(), cancelled);
                let (outcome, updates) = runner::run(&*terminal, &task);
                (outcome, updates, task.measured())
            }
            Err(why) => failed(TaskFailure::BadPlan(why)),
        };
        stopwatch.end(&mut self.clock, &mut metrics);
        metrics.result_bytes = outcome.result_bytes();
        {
            let mut state = self.inbox.state.lock();
            state.tasks.ended(task);
            state.barriers.clear();
        }
        let (executor, report) = (self.init.executor, outcome.into());
        let metrics = Some(Box::new(metrics));
        self.send(&FromExecutor::Finished { executor, task, report, updates, metrics });
    }

    fn plan(&mut self, stage: StageId) -> Result<Arc<dyn FinalOperator>, String> {
        if let Some(known) = self.plans.get(&stage) {
            return known.clone();
        }
        self.send(&FromExecutor::AskPlan { stage });
        let bytes = self.inbox.wait(|state| state.plans.remove(&stage));
        let bytes = bytes.unwrap_or_else(|| Err("the driver is gone".into()));
        let plan = bytes.and_then(|bytes| decode(&bytes, &self.services.broadcasts));
        self.plans.insert(stage, plan.clone());
        plan
    }

    fn send(&self, message: &FromExecutor) {
        send_to_driver(&self.driver, message);
    }
}

/// A driver that is gone need not be told: the thread that listens sees it, too.
fn send_to_driver(driver: &Mutex<UnixStream>, message: &FromExecutor) {
    let _ = send(&mut *driver.lock(), message);
}

fn worker_services(
    init: &WorkerInit,
    inbox: &Arc<Inbox>,
    driver: &Arc<Mutex<UnixStream>>,
    remote: Option<Arc<RemoteFetcher>>,
) -> Result<Services, String> {
    let executor = init.executor;
    let gate = || Arc::new(Gate { executor, inbox: inbox.clone(), driver: driver.clone() });
    let parts = Parts {
        storage: init.remote.as_ref().and_then(|remote| remote.storage.as_ref()),
        executor,
        application: init.application,
        directory: &init.directory,
        own: format!("worker-{}", executor.name()),
        publishes_cached: true,
        memory: init.memory,
        remote,
        cipher: init.files_secret.as_ref().map(|secret| Cipher::of_secret(&secret.0)),
        settings: &init.settings,
        listener: Box::new(Listener { executor, driver: driver.clone() }),
        commit: gate(),
        barrier: gate(),
    };
    services(parts).map_err(|error| error.to_string())
}

/// Tells the driver which partitions the worker caches.
struct Listener {
    executor: ExecutorId,
    driver: Arc<Mutex<UnixStream>>,
}

impl BlockListener for Listener {
    fn stored(&self, key: BlockKey, size: BlockSize) {
        send_to_driver(&self.driver, &FromExecutor::Stored { executor: self.executor, key, size });
    }

    fn dropped(&self, key: BlockKey) {
        send_to_driver(&self.driver, &FromExecutor::Dropped { executor: self.executor, key });
    }
}

/// Returns whether the other end of the socket is closed.
fn is_closed(socket: &UnixStream) -> bool {
    let mut byte = [0_u8; 1];
    matches!(recv(socket, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((_, 0)))
}

/// Asks the driver for commits, and for other tasks, and waits.
struct Gate {
    executor: ExecutorId,
    inbox: Arc<Inbox>,
    driver: Arc<Mutex<UnixStream>>,
}

impl CommitGate for Gate {
    fn may_commit(&self, task: TaskId) -> bool {
        send_to_driver(&self.driver, &FromExecutor::AskCommit { executor: self.executor, task });
        self.inbox.wait(|state| state.commits.remove(&task)).unwrap_or(false)
    }
}

impl BarrierGate for Gate {
    fn sync(&self, task: TaskId, epoch: u32, message: Option<String>) -> BarrierOutcome {
        let executor = self.executor;
        send_to_driver(&self.driver, &FromExecutor::BarrierSync { executor, task, epoch, message });
        let answer = self.inbox.wait(|state| state.barriers.remove(&(task, epoch)));
        answer.unwrap_or_else(|| Err(BarrierRefusal::driver_is_gone()))
    }
}

fn listen(mut socket: UnixStream, inbox: &Inbox, services: &Services) {
    let mut sent_outputs = SentOutputs::default();
    while let Ok(Some(message)) = receive::<ToExecutor>(&mut socket) {
        let mut state = inbox.state.lock();
        match message {
            ToExecutor::Outputs { outputs } => sent_outputs.announced(outputs),
            ToExecutor::Launch { task, announced, .. } => {
                let task = sent_outputs.complete(task, &announced);
                state.tasks.accept(task);
            }
            ToExecutor::Kill { task, .. } => state.tasks.kill(task),
            ToExecutor::Plan { stage, plan } => {
                state.plans.insert(stage, plan.map(|PlanBytes(bytes)| bytes.into()));
            }
            ToExecutor::CommitDecision { task, allowed, .. } => drop(state.commits.insert(task, allowed)),
            ToExecutor::BarrierAnswer { task, epoch, outcome, .. } => {
                state.barriers.insert((task, epoch), outcome);
            }
            ToExecutor::ForgetStage { stage } => state.forgotten.push(stage),
            // Of files, the driver has removed what there was.
            ToExecutor::RemoveRdd { rdd, until } => services.cached.forget_rdd(rdd, until),
            ToExecutor::RemoveBroadcast { broadcast } => services.broadcasts.forget(broadcast),
            // Only agents have files of their own, executors to name, and a driver that may be silent.
            ToExecutor::RemoveOutput { .. }
            | ToExecutor::RemoveResult { .. }
            | ToExecutor::NextExecutor { .. }
            | ToExecutor::WorkerSetting { .. }
            | ToExecutor::Migrate { .. }
            | ToExecutor::Store { .. }
            | ToExecutor::RemoveStored { .. }
            | ToExecutor::ForgetStored { .. }
            | ToExecutor::AskStacks { .. }
            | ToExecutor::AskLog { .. }
            | ToExecutor::Alive
            | ToExecutor::Leave => {}
        }
        inbox.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn init(directory: &std::path::Path) -> WorkerInit {
        WorkerInit {
            executor: ExecutorId(1),
            application: 1,
            directory: directory.into(),
            memory: 1 << 20,
            remote: None,
            settings: vec![],
            files_secret: None,
        }
    }

    #[test]
    fn a_worker_of_a_driver_that_is_gone_ends_without_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let (driver, worker) = UnixStream::pair().unwrap();
        drop(driver);
        assert!(Worker::start(worker).unwrap().is_none(), "gone before it said anything");
        for with_its_directory in [false, true] {
            let (mut driver, worker) = UnixStream::pair().unwrap();
            let missing = directory.path().join("missing");
            let place = if with_its_directory { missing.as_path() } else { directory.path() };
            send(&mut driver, &init(place)).unwrap();
            drop(driver);
            assert!(Worker::start(worker).unwrap().is_none(), "gone before the worker was ready");
        }
    }

    #[test]
    fn a_worker_that_cannot_begin_says_why_to_a_driver_that_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let (mut driver, worker) = UnixStream::pair().unwrap();
        send(&mut driver, &init(&file)).unwrap();
        assert!(Worker::start(worker).is_err(), "a file is no directory");
    }
}
