//! The inside of a worker process: one slot.
//!
//! A thread listens to the driver, and does nothing else. Whoever owns the process takes tasks with [`Worker::next`] and runs them
//! with [`Worker::run`], on one thread: in an interpreter, the one that may run its code.

use crate::blocks::RemoteFetcher;
use crate::decode::decode;
use crate::messages::{Begin, PlanBytes, RemoteConfig, SentOutputs, ToDriver, ToWorker, receive, send};
use crate::runner::{self, TaskEnd};
use crate::services::{Parts, services};
use firesteel_operators::{
    BarrierGate, BarrierOutcome, BarrierRefusal, CommitGate, FinalOperator, Services, Task, TaskSpec,
};
use firesteel_storage::cached::BlockListener;
use firesteel_storage::lru::BlockKey;
use firesteel_types::{KillReason, StageId, TaskFailure, TaskId};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// A worker: an executor with one slot, in a process of its own.
pub struct Worker {
    begin: Begin,
    services: Arc<Services>,
    remote: Option<Arc<RemoteFetcher>>,
    plans: HashMap<StageId, Result<Arc<dyn FinalOperator>, String>>,
    inbox: Arc<Inbox>,
    driver: Arc<Mutex<UnixStream>>,
}

#[derive(Default)]
struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<TaskSpec>,
    /// Tasks that were accepted and have not ended; the flag tells them to stop.
    accepted: HashMap<TaskId, Arc<AtomicBool>>,
    plans: HashMap<StageId, Result<Arc<[u8]>, String>>,
    commits: HashMap<TaskId, bool>,
    barriers: HashMap<(TaskId, u32), BarrierOutcome>,
    forgotten: Vec<StageId>,
    closed: bool,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `take` finds what it looks for; `None` when the driver is gone.
    fn wait<T>(&self, mut take: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(found) = take(&mut state) {
                return Some(found);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Worker {
    /// Waits for the driver's first word.
    ///
    /// # Errors
    /// When the driver is gone, or says something else, or directories cannot be made.
    pub fn start(mut socket: UnixStream) -> io::Result<Self> {
        let Some(ToWorker::Begin(begin)) = receive(&mut socket)? else {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the driver has not said what to do"));
        };
        let driver = Arc::new(Mutex::new(socket.try_clone()?));
        let inbox = Arc::<Inbox>::default();
        let remote = begin.remote.as_ref().map(RemoteConfig::open).transpose().map_err(io::Error::other)?;
        let services = worker_services(&begin, &inbox, &driver, remote.clone()).map_err(io::Error::other)?;
        let (services, listened) = (Arc::new(services), inbox.clone());
        let lent = services.clone();
        thread::Builder::new().name("firesteel-driver".into()).spawn(move || {
            listen(socket, &listened, &lent);
            listened.state().closed = true;
            listened.changed.notify_all();
        })?;
        let worker = Worker { begin, services, remote, plans: HashMap::new(), inbox, driver };
        worker.send(&ToDriver::Ready(std::process::id()));
        Ok(worker)
    }

    /// What it was told first.
    pub fn begin(&self) -> &Begin {
        &self.begin
    }

    /// What it lends to its tasks.
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// The way to other hosts, where there are such.
    pub fn remote(&self) -> Option<&Arc<RemoteFetcher>> {
        self.remote.as_ref()
    }

    /// The next task, once there is one; `None` when the driver is gone.
    pub fn next(&self) -> Option<TaskSpec> {
        self.inbox.wait(|state| state.tasks.pop_front())
    }

    /// Runs a task, and tells the driver how it ended.
    pub fn run(&mut self, spec: TaskSpec) {
        let task = spec.task;
        let cancelled = {
            let mut state = self.inbox.state();
            for stage in state.forgotten.drain(..) {
                self.plans.remove(&stage);
            }
            state.accepted.get(&task).cloned().unwrap_or_default()
        };
        let (end, updates) = match self.plan(spec.stage) {
            _ if cancelled.load(Ordering::Relaxed) => {
                (TaskEnd::Failed(Box::new(TaskFailure::Killed(KillReason::JobEnded))), vec![])
            }
            Ok(terminal) => {
                let task = Task::new(spec, self.services.clone(), cancelled);
                runner::run(&*terminal, &task)
            }
            Err(why) => (TaskEnd::Failed(Box::new(TaskFailure::BadPlan(why))), vec![]),
        };
        {
            let mut state = self.inbox.state();
            state.accepted.remove(&task);
            state.barriers.clear();
        }
        self.send(&ToDriver::Finished(task, end, updates));
    }

    fn plan(&mut self, stage: StageId) -> Result<Arc<dyn FinalOperator>, String> {
        if let Some(known) = self.plans.get(&stage) {
            return known.clone();
        }
        self.send(&ToDriver::AskPlan(stage));
        let bytes = self.inbox.wait(|state| state.plans.remove(&stage));
        let bytes = bytes.unwrap_or_else(|| Err("the driver is gone".into()));
        let plan = bytes.and_then(|bytes| decode(&bytes, &self.services.broadcasts));
        self.plans.insert(stage, plan.clone());
        plan
    }

    fn send(&self, message: &ToDriver) {
        send_to_driver(&self.driver, message);
    }
}

/// A driver that is gone need not be told: the thread that listens sees it, too.
fn send_to_driver(driver: &Mutex<UnixStream>, message: &ToDriver) {
    let _ = send(&mut *driver.lock().unwrap_or_else(PoisonError::into_inner), message);
}

fn worker_services(
    begin: &Begin,
    inbox: &Arc<Inbox>,
    driver: &Arc<Mutex<UnixStream>>,
    remote: Option<Arc<RemoteFetcher>>,
) -> Result<Services, String> {
    let gate = || Arc::new(Gate { inbox: inbox.clone(), driver: driver.clone() });
    let parts = Parts {
        executor: begin.executor,
        application: begin.application,
        directory: &begin.directory,
        own: format!("worker-{}", begin.executor.name()),
        memory: begin.memory,
        remote,
        cipher: None,
        listener: Box::new(Listener(driver.clone())),
        commit: gate(),
        barrier: gate(),
    };
    services(parts).map_err(|error| error.to_string())
}

struct Listener(Arc<Mutex<UnixStream>>);

impl BlockListener for Listener {
    fn stored(&self, key: BlockKey) {
        send_to_driver(&self.0, &ToDriver::Stored(key));
    }

    fn dropped(&self, key: BlockKey) {
        send_to_driver(&self.0, &ToDriver::Dropped(key));
    }
}

/// Asks the driver for commits, and for other tasks, and waits.
struct Gate {
    inbox: Arc<Inbox>,
    driver: Arc<Mutex<UnixStream>>,
}

impl CommitGate for Gate {
    fn may_commit(&self, task: TaskId) -> bool {
        send_to_driver(&self.driver, &ToDriver::AskCommit(task));
        self.inbox.wait(|state| state.commits.remove(&task)).unwrap_or(false)
    }
}

impl BarrierGate for Gate {
    fn sync(&self, task: TaskId, epoch: u32, message: Option<String>) -> BarrierOutcome {
        send_to_driver(&self.driver, &ToDriver::BarrierSync(task, epoch, message));
        let answer = self.inbox.wait(|state| state.barriers.remove(&(task, epoch)));
        answer.unwrap_or_else(|| Err(BarrierRefusal::driver_is_gone()))
    }
}

fn listen(mut socket: UnixStream, inbox: &Inbox, services: &Services) {
    let mut sent_outputs = SentOutputs::default();
    while let Ok(Some(message)) = receive::<ToWorker>(&mut socket) {
        let mut state = inbox.state();
        match message {
            ToWorker::Begin(_) => {}
            ToWorker::Outputs(outputs) => sent_outputs.add(outputs),
            ToWorker::Launch(mut task, names) => {
                task.inputs = sent_outputs.inputs(&task.inputs, names);
                state.accepted.insert(task.task, Arc::default());
                state.tasks.push_back(task);
            }
            ToWorker::Kill(task) => {
                if let Some(cancelled) = state.accepted.get(&task) {
                    cancelled.store(true, Ordering::Relaxed);
                }
            }
            ToWorker::Plan(stage, plan) => {
                state.plans.insert(stage, plan.map(|PlanBytes(bytes)| bytes.into()));
            }
            ToWorker::Commit(task, allowed) => drop(state.commits.insert(task, allowed)),
            ToWorker::Barrier(task, epoch, answer) => drop(state.barriers.insert((task, epoch), answer)),
            ToWorker::ForgetStage(stage) => state.forgotten.push(stage),
            // Of files, the driver has removed what there was.
            ToWorker::ForgetRdd(rdd) => services.cached.forget_rdd(rdd),
            ToWorker::ForgetBroadcast(broadcast) => services.broadcasts.forget(broadcast),
        }
        inbox.changed.notify_all();
    }
}
