//! The driver's loop: events go to the application, which decides; `effects` carries out its decisions.
//!
//! There is no thread for the loop. A thread with an event puts it in the inbox and then tries to become the
//! one that empties it; if another thread empties it already, that thread handles the event. So a slot that
//! ends a task finds its next one without a switch of threads. Effects only move messages on; user code never
//! runs here.

use crate::accumulators::{Accumulators, Settled, Unmerged};
use crate::agents::AgentEvents;
use crate::broadcast_trees::BroadcastTrees;
use crate::event_sender::{EventSink, Released};
use crate::local_properties::Properties;
use crate::remote::Remote;
use crate::stage_recipe::StageRecipe;
use firesteel_executor::{
    BarrierAnswer, DriverLink, Executor, Executors, PlanError, ProcessListener, Processes, WorkerCommand,
    WorkerInfo, numbers,
};
use firesteel_operators::{BarrierGate, CommitGate, Services};
use firesteel_protocol::handshake::WorkerInit;
use firesteel_protocol::{BarrierOutcome, BarrierRefusal, DeliveredOutcome, TaskSpec, ToExecutor};
use firesteel_scheduler::{
    Agent, Application, ApplicationEvent, ApplicationSettings, Event, JobSpec, Scheduler, SchedulerSettings,
};
use firesteel_status::Status;
use firesteel_storage::cached::BlockListener;
use firesteel_transfer::BlockServer;
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, BlockKey, BroadcastId, ExecutorId, ExecutorLossReason, JobFailure,
    JobId, Millis, StageId, TaskId,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, TryLockError, Weak};
use std::time::{Duration, Instant};

/// The host of all executors on this machine.
const HOST: &str = "localhost";

/// A message to the thread that waits for a job.
#[derive(Debug)]
pub enum JobMessage {
    /// The result of one partition.
    Result {
        /// The position of the partition among those asked for.
        output: usize,
        /// The encoded result.
        bytes: Vec<u8>,
    },
    /// The job is over.
    Ended(Option<JobFailure>),
}

enum Message {
    /// An event, with the bytes of the result that it describes.
    Event {
        event: ApplicationEvent,
        bytes: Vec<u8>,
    },
    Submit {
        spec: JobSpec,
        properties: Properties,
        to: Sender<JobMessage>,
    },
    AskCommit {
        task: TaskId,
        executor: ExecutorId,
        answer: SyncSender<bool>,
    },
    BarrierSync {
        task: TaskId,
        executor: ExecutorId,
        epoch: u32,
        message: Option<String>,
        answer: BarrierAnswer,
    },
}

/// The state that only the thread that empties the inbox touches.
pub(crate) struct Core {
    pub(crate) application: Application,
    pub(crate) jobs: HashMap<JobId, RunningJob>,
    /// Tasks in this process or its workers that wait for permission to commit.
    pub(crate) commits: HashMap<TaskId, SyncSender<bool>>,
    /// Tasks in this process or its workers that wait for other tasks of their barrier stage, and the call in
    /// which they wait.
    pub(crate) barriers: HashMap<(TaskId, u32), BarrierAnswer>,
    /// Results of barrier stages, held until those of all tasks have come.
    pub(crate) held: HashMap<TaskId, Vec<u8>>,
    armed: Option<Millis>,
}

/// A job whose results a thread waits for.
pub(crate) struct RunningJob {
    pub(crate) to: Sender<JobMessage>,
    pub(crate) properties: Properties,
}

/// The driver's side of an application.
pub(crate) struct Driver {
    core: Mutex<Core>,
    inbox: Mutex<VecDeque<Message>>,
    recipes: Mutex<HashMap<StageId, Arc<StageRecipe>>>,
    executors: RwLock<Option<Arc<dyn Executors>>>,
    processes: RwLock<Option<Arc<Processes>>>,
    remote: RwLock<Option<Arc<Remote>>>,
    pub(crate) broadcast_trees: BroadcastTrees,
    /// Files that executors may fetch, by the hashes of their contents.
    offered: Mutex<HashMap<[u8; 32], PathBuf>>,
    pub(crate) services: Arc<Services>,
    /// The last task that failed in a function of the program, and the recipe of its stage's plan.
    pub(crate) last_failure: Mutex<Option<(TaskSpec, Arc<StageRecipe>)>>,
    pub(crate) status: Mutex<Status>,
    pub(crate) accumulators: Accumulators,
    started: Instant,
    alarm: Alarm,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No user code runs under these locks; a panic in the driver's code would already have been reported.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Driver {
    pub(crate) fn new(settings: SchedulerSettings, services: Arc<Services>, max_result_size: u64) -> Self {
        let core = Core {
            application: Application::new(ApplicationSettings { scheduler: settings, max_result_size }),
            jobs: HashMap::new(),
            commits: HashMap::new(),
            barriers: HashMap::new(),
            held: HashMap::new(),
            armed: None,
        };
        Driver {
            core: Mutex::new(core),
            inbox: Mutex::default(),
            recipes: Mutex::default(),
            executors: RwLock::new(None),
            processes: RwLock::new(None),
            remote: RwLock::new(None),
            broadcast_trees: BroadcastTrees::default(),
            offered: Mutex::default(),
            services,
            last_failure: Mutex::default(),
            status: Mutex::default(),
            accumulators: Accumulators::default(),
            started: Instant::now(),
            alarm: Alarm::default(),
        }
    }

    /// Starts the executor in this process, and the alarm clock.
    pub(crate) fn start(self: &Arc<Self>, slots: u32) -> std::io::Result<()> {
        let executor = Executor::start(slots, self.services.clone(), self.clone())?;
        *self.executors.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(executor));
        self.services.cached.set_listener(Box::new(LocalBlockListener(Arc::downgrade(self))));
        self.start_clock()?;
        self.post(Event::ExecutorAdded { executor: ExecutorId::DRIVER, host: HOST.into(), slots });
        Ok(())
    }

    /// Starts executors in processes of their own, and the alarm clock.
    pub(crate) fn start_processes(
        self: &Arc<Self>,
        slots: u32,
        command: WorkerCommand,
        init: WorkerInit,
    ) -> std::io::Result<()> {
        let listener: Weak<dyn ProcessListener> = Arc::downgrade(&(self.clone() as Arc<dyn ProcessListener>));
        let processes = Processes::start(command, init, slots, listener, numbers())?;
        *self.executors.write().unwrap_or_else(PoisonError::into_inner) = Some(processes.clone());
        *self.processes.write().unwrap_or_else(PoisonError::into_inner) = Some(processes);
        self.start_clock()
    }

    /// Sets the connections to remote executors, which may register from now on.
    pub(crate) fn set_remote(self: &Arc<Self>, remote: Remote) {
        let remote = Arc::new(remote);
        *self.remote.write().unwrap_or_else(PoisonError::into_inner) = Some(remote);
        let driver = Arc::downgrade(self);
        self.services.broadcasts.set_on_forget(move |id| {
            if let Some(driver) = driver.upgrade() {
                driver.broadcast_trees.forget(id);
                driver.with_host(|host| host.remove_broadcast(id));
                driver.forget_broadcast(id);
            }
        });
    }

    /// The driver's side of a cluster, where executors are remote.
    pub(crate) fn remote(&self) -> Option<Arc<Remote>> {
        self.remote.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The address at which the files of an executor are served.
    pub(crate) fn address_of(&self, executor: ExecutorId) -> Option<String> {
        self.remote()?.agents.address_of(executor)
    }

    /// Tells executors to drop a broadcast value.
    pub(crate) fn forget_broadcast(&self, broadcast: BroadcastId) {
        self.with_executors(|executors| executors.forget_broadcast(broadcast));
        if let Some(remote) = self.remote() {
            remote.agents.send_all(&ToExecutor::RemoveBroadcast { broadcast });
        }
    }

    /// Returns the executors that have cached a partition, as far as is known.
    pub(crate) fn holders(&self, key: BlockKey) -> Vec<ExecutorId> {
        self.with_scheduler(|scheduler| scheduler.holders(key.rdd, key.partition, key.version))
    }

    /// Calls `ask` with the scheduler, after all messages that this thread has sent are handled.
    pub(crate) fn with_scheduler<R>(&self, ask: impl FnOnce(&Scheduler) -> R) -> R {
        self.with_application(|application| ask(application.scheduler()))
    }

    /// Calls `ask` with the application, after all messages that this thread has sent are handled.
    pub(crate) fn with_application<R>(&self, ask: impl FnOnce(&mut Application) -> R) -> R {
        let mut core = lock(&self.core);
        self.handle_all(&mut core);
        let answer = ask(&mut core.application);
        self.arm(&mut core);
        drop(core);
        // Other threads may have left a message while this one held the core.
        self.empty_inbox();
        answer
    }

    pub(crate) fn start_clock(self: &Arc<Self>) -> std::io::Result<()> {
        let driver = self.clone();
        std::thread::Builder::new().name("firesteel-clock".into()).spawn(move || driver.ring()).map(|_| ())
    }

    /// The worker processes, if tasks run in worker processes.
    pub(crate) fn processes(&self) -> Option<Arc<Processes>> {
        self.processes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Cancels everything and ends all threads.
    pub(crate) fn stop(&self) {
        if let Some(remote) = self.remote()
            && let Some(backend) = remote.agents.backend()
        {
            // Before connections end, so that nothing is started in place of what ends.
            backend.finish();
        }
        // While agents can still be reached: the application's last effects close their connections.
        self.post_event(ApplicationEvent::Stop);
        let remote = self.remote.write().unwrap_or_else(PoisonError::into_inner).take();
        let processes = self.processes.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(processes) = processes {
            processes.stop();
        }
        if let Some(remote) = remote {
            remote.stop();
        }
        let executors = self.executors.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(executors);
        self.alarm.stop();
        // Handles of RDDs may live on; their files are removed.
        self.services.dirs.clear();
        // Dropped outside the lock: dropping the last owner of a shuffle calls the driver to release it.
        let recipes = std::mem::take(&mut *lock(&self.recipes));
        let failure = lock(&self.last_failure).take();
        drop((recipes, failure));
    }

    /// Runs a job; its results come through the channel.
    pub(crate) fn submit(
        &self,
        spec: JobSpec,
        properties: Properties,
        recipes: HashMap<StageId, Arc<StageRecipe>>,
    ) -> Receiver<JobMessage> {
        let (to, from) = channel();
        lock(&self.recipes).extend(recipes);
        self.send(Message::Submit { spec, properties, to });
        from
    }

    /// Ends all jobs, also those that are submitted later: no executors will come any more.
    pub(crate) fn give_up(&self, reason: String) {
        self.post_event(ApplicationEvent::NoMoreExecutors { reason });
    }

    /// Sends an event to the scheduler.
    pub(crate) fn post(&self, event: Event) {
        self.post_event(ApplicationEvent::Scheduler(event));
    }

    /// Sends an event to the application.
    pub(crate) fn post_event(&self, event: ApplicationEvent) {
        self.post_result(event, vec![]);
    }

    /// Sends an event to the application, with the bytes of the result that the event describes.
    pub(crate) fn post_result(&self, event: ApplicationEvent, bytes: Vec<u8>) {
        self.send(Message::Event { event, bytes });
    }

    /// Returns the parts of an accumulator beside its base, after all messages that this thread has sent are
    /// handled: one consistent picture, in which an update that becomes final is neither missing nor there
    /// twice.
    pub(crate) fn unmerged(&self, id: AccumulatorId, settled: &Settled, known: Option<u64>) -> Unmerged {
        let mut core = lock(&self.core);
        self.handle_all(&mut core);
        let scheduler = core.application.scheduler();
        let version = scheduler.accumulator_version(id);
        let updates = (known != Some(version)).then(|| scheduler.accumulator_updates(id));
        let settled = settled.take();
        drop(core);
        // Other threads may have left a message while this one held the core.
        self.empty_inbox();
        Unmerged { settled, version, updates }
    }

    /// Returns whether no job runs and nothing of an ended job is left.
    pub(crate) fn is_idle(&self) -> bool {
        let core = lock(&self.core);
        let nobody_waits = core.barriers.is_empty() && core.held.is_empty();
        nobody_waits && core.application.is_idle() && core.jobs.is_empty() && lock(&self.recipes).is_empty()
    }

    fn send(&self, message: Message) {
        lock(&self.inbox).push_back(message);
        self.empty_inbox();
    }

    /// Handles all messages. If another thread holds the core, that thread handles them.
    fn empty_inbox(&self) {
        loop {
            let mut core = match self.core.try_lock() {
                Ok(core) => core,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // The thread that holds the core checks the inbox after it has released the core.
                Err(TryLockError::WouldBlock) => return,
            };
            self.handle_all(&mut core);
            drop(core);
            // A message that came after the last look at the inbox, while this thread still held the core, is
            // handled by this thread.
            if lock(&self.inbox).is_empty() {
                return;
            }
        }
    }

    fn handle_all(&self, core: &mut Core) {
        loop {
            // Not `while let`: the inbox must not stay locked while a message is handled.
            let Some(message) = lock(&self.inbox).pop_front() else { break };
            self.handle(core, message);
        }
        self.arm(core);
    }

    fn now(&self) -> Millis {
        Millis(self.started.elapsed().as_millis() as u64)
    }

    fn handle(&self, core: &mut Core, message: Message) {
        let (event, bytes) = match message {
            Message::Event { event, bytes } => (event, bytes),
            Message::Submit { spec, properties, to } => {
                core.jobs.insert(spec.job, RunningJob { to, properties });
                (ApplicationEvent::Scheduler(Event::SubmitJob(spec)), vec![])
            }
            Message::AskCommit { task, executor, answer } => {
                core.commits.insert(task, answer);
                (ApplicationEvent::Scheduler(Event::CommitRequest { task, executor }), vec![])
            }
            Message::BarrierSync { task, executor, epoch, message, answer } => {
                core.barriers.insert((task, epoch), answer);
                let event = Event::BarrierSync { task, executor, epoch, message };
                (ApplicationEvent::Scheduler(event), vec![])
            }
        };
        let mut effects = vec![];
        core.application.handle(self.now(), event, &mut effects);
        let mut bytes = Some(bytes);
        for effect in effects {
            self.act(core, effect, &mut bytes);
        }
    }

    pub(crate) fn with_executors(&self, f: impl FnOnce(&dyn Executors)) {
        if let Some(executors) = &*self.executors.read().unwrap_or_else(PoisonError::into_inner) {
            f(&**executors);
        }
    }

    /// Removes files that executors on this machine have written and left to the driver: the executors may be
    /// gone.
    pub(crate) fn with_host(&self, f: impl FnOnce(&BlockServer)) {
        if let Some(remote) = &*self.remote.read().unwrap_or_else(PoisonError::into_inner)
            && let Some(host) = &remote.host
        {
            f(host);
        }
    }

    fn arm(&self, core: &mut Core) {
        let deadline = core.application.next_deadline();
        if deadline != core.armed {
            core.armed = deadline;
            self.alarm.set(deadline);
        }
    }

    /// The alarm clock's thread: tells the scheduler when a deadline has come.
    fn ring(&self) {
        while self.alarm.wait(|| self.now()) {
            lock(&self.core).armed = None;
            self.post(Event::Tick);
        }
    }
}

impl EventSink for Driver {
    fn released(&self, what: Released) {
        match what {
            // Without accumulators, the scheduler has no updates of the RDD to forget.
            Released::Rdd(rdd) if self.accumulators.any() => self.post(Event::RddReleased { rdd }),
            Released::Rdd(_) => {}
            Released::Shuffle(shuffle) => self.post(Event::ShuffleReleased { shuffle }),
            Released::Persisted(rdd) => {
                self.post(Event::RddUnpersisted { rdd });
                // The scheduler knows which executors have the RDD's partitions, but not the partitions that
                // lost executors have left on this host.
                if let Some(remote) = self.remote() {
                    remote.agents.send_all(&ToExecutor::RemoveRdd { rdd });
                    self.with_host(|host| host.remove_rdd(rdd));
                }
            }
        }
    }
}

impl AgentEvents for Driver {
    fn post_result(&self, event: ApplicationEvent, bytes: Vec<u8>) {
        Driver::post_result(self, event, bytes);
    }

    fn note_failure(&self, task: &TaskSpec) {
        Driver::note_failure(self, task);
    }
}

impl DriverLink for Driver {
    fn plan(&self, stage: StageId) -> Result<Arc<[u8]>, PlanError> {
        let recipe = lock(&self.recipes).get(&stage).cloned();
        recipe.ok_or_else(|| PlanError::forgotten(stage))?.encoded().map_err(PlanError::Refused)
    }

    fn finished(
        &self,
        executor: ExecutorId,
        task: TaskId,
        outcome: DeliveredOutcome,
        updates: Vec<AccumulatorUpdate>,
    ) {
        let (outcome, bytes) = outcome.split();
        let event = Event::TaskFinished { task, executor, outcome, updates };
        self.post_result(ApplicationEvent::Scheduler(event), bytes);
    }
}

impl ProcessListener for Driver {
    fn added(&self, executor: ExecutorId, host: Option<&str>, slots: u32) {
        self.post(Event::ExecutorAdded { executor, host: host.unwrap_or(HOST).into(), slots });
    }

    fn lost(&self, executor: ExecutorId, reason: ExecutorLossReason, outputs_survive: bool) {
        self.post(Event::ExecutorLost { executor, reason, outputs_survive });
    }

    fn alive(&self, executor: ExecutorId, running: Vec<TaskId>) {
        self.post(Event::Heartbeat { executor, running });
    }

    fn stored(&self, executor: ExecutorId, key: BlockKey) {
        self.post(Event::BlockStored { executor, key });
    }

    fn dropped(&self, executor: ExecutorId, key: BlockKey) {
        self.post(Event::BlockDropped { executor, key });
    }

    fn failed(&self, task: &TaskSpec) {
        self.note_failure(task);
    }

    fn may_commit(&self, executor: ExecutorId, task: TaskId) -> bool {
        self.ask_commit(executor, task)
    }

    fn barrier(
        &self,
        executor: ExecutorId,
        task: TaskId,
        epoch: u32,
        message: Option<String>,
        answer: BarrierAnswer,
    ) {
        self.send(Message::BarrierSync { task, executor, epoch, message, answer });
    }

    fn out_of_workers(&self, why: String) {
        self.give_up(why);
    }
}

impl Driver {
    /// Remembers a task that failed in a function of the program. The recipe keeps alive what the task reads,
    /// until another task fails.
    pub(crate) fn note_failure(&self, task: &TaskSpec) {
        let recipe = lock(&self.recipes).get(&task.stage).cloned();
        let before = recipe.and_then(|recipe| lock(&self.last_failure).replace((task.clone(), recipe)));
        drop(before);
    }

    /// Drops the recipe of a stage whose jobs have ended.
    pub(crate) fn forget_recipe(&self, stage: StageId) {
        let recipe = lock(&self.recipes).remove(&stage);
        drop(recipe);
    }

    /// Returns the server of the files of executors on this machine.
    pub(crate) fn host_blocks(&self) -> Option<HostOf> {
        self.remote().filter(|remote| remote.host.is_some()).map(HostOf)
    }

    /// Offers a file to executors, which can fetch it from now on by the BLAKE3 hash of its contents, which
    /// is returned. The file must not change.
    pub(crate) fn offer(&self, path: &Path) -> std::io::Result<[u8; 32]> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(path)?)?;
        let hash = *hasher.finalize().as_bytes();
        lock(&self.offered).insert(hash, path.into());
        Ok(hash)
    }

    /// Opens the file with this hash: an offered file, or the program that runs.
    pub(crate) fn file(&self, hash: [u8; 32]) -> Option<std::fs::File> {
        let offered = lock(&self.offered).get(&hash).cloned();
        if let Some(path) = offered {
            return std::fs::File::open(path).ok();
        }
        let own = firesteel_closures::executable_hash().ok()?;
        (own.0 == hash).then(|| std::fs::File::open("/proc/self/exe").ok())?
    }

    fn ask_commit(&self, executor: ExecutorId, task: TaskId) -> bool {
        let (answer, decision) = sync_channel(1);
        self.send(Message::AskCommit { task, executor, answer });
        // The scheduler answers every request; only a stopped driver drops it.
        decision.recv().unwrap_or(false)
    }
}

/// The agents of a cluster, for display and for defaults.
impl Driver {
    /// The number of tasks that all agents run at a time.
    pub(crate) fn agent_slots(&self) -> u32 {
        self.with_application(|app| app.agents().values().map(|agent| agent.slots).sum())
    }

    /// The process ids of all agents, by name.
    pub(crate) fn agent_processes(&self) -> Vec<(String, u32)> {
        let process = |agent: &Agent| (agent.registration.name.clone(), agent.registration.process);
        self.with_application(|app| app.agents().values().map(process).collect())
    }

    /// The executors that are ready.
    pub(crate) fn agent_infos(&self) -> Vec<WorkerInfo> {
        self.with_application(|app| {
            let mut infos = BTreeMap::new();
            for agent in app.agents().values() {
                let registration = &agent.registration;
                let share = if registration.has_processes { agent.slots } else { 1 };
                for &executor in &agent.ready {
                    let info = WorkerInfo {
                        host: Some(registration.host.clone()),
                        process: if registration.has_processes { 0 } else { registration.process },
                        running: app.scheduler().running_on(executor),
                        resident_bytes: 0,
                        budget_bytes: registration.memory / u64::from(share.max(1)),
                    };
                    infos.insert(executor, info);
                }
            }
            infos.into_values().collect()
        })
    }
}

/// The driver's side of a cluster, when it serves files of executors.
pub(crate) struct HostOf(Arc<Remote>);

impl std::ops::Deref for HostOf {
    type Target = firesteel_transfer::BlockServer;
    fn deref(&self) -> &Self::Target {
        self.0.host.as_ref().expect("made only where there is one")
    }
}

/// Asks the driver of the same process for permission to commit, and for barriers with other tasks. Weak: the
/// driver owns the services, and these own the gate.
pub(crate) struct LocalCommitGate(pub(crate) std::sync::OnceLock<std::sync::Weak<Driver>>);

impl CommitGate for LocalCommitGate {
    fn may_commit(&self, task: TaskId) -> bool {
        let Some(driver) = self.0.get().and_then(std::sync::Weak::upgrade) else { return false };
        driver.ask_commit(ExecutorId::DRIVER, task)
    }
}

impl BarrierGate for LocalCommitGate {
    fn sync(&self, task: TaskId, epoch: u32, message: Option<String>) -> BarrierOutcome {
        let gone = || Err(BarrierRefusal::driver_is_gone());
        let Some(driver) = self.0.get().and_then(std::sync::Weak::upgrade) else { return gone() };
        let (sender, answer) = sync_channel(1);
        let send = Box::new(move |answer| drop(sender.send(answer)));
        driver.barrier(ExecutorId::DRIVER, task, epoch, message, send);
        // The scheduler answers each call in the end: when all tasks have called, or the task is told to
        // stop.
        drop(driver);
        answer.recv().unwrap_or_else(|_| gone())
    }
}

/// Tells the driver of the same process which partitions its executor stores and drops.
struct LocalBlockListener(Weak<Driver>);

impl LocalBlockListener {
    fn post(&self, event: Event) {
        if let Some(driver) = self.0.upgrade() {
            driver.post(event);
        }
    }
}

impl BlockListener for LocalBlockListener {
    fn stored(&self, key: BlockKey) {
        self.post(Event::BlockStored { executor: ExecutorId::DRIVER, key });
    }

    fn dropped(&self, key: BlockKey) {
        self.post(Event::BlockDropped { executor: ExecutorId::DRIVER, key });
    }
}

/// The time at which to wake the driver if nothing else happens.
#[derive(Default)]
struct Alarm {
    state: Mutex<AlarmState>,
    changed: Condvar,
}

#[derive(Default)]
struct AlarmState {
    deadline: Option<Millis>,
    stopped: bool,
}

impl Alarm {
    fn set(&self, deadline: Option<Millis>) {
        lock(&self.state).deadline = deadline;
        self.changed.notify_all();
    }

    fn stop(&self) {
        lock(&self.state).stopped = true;
        self.changed.notify_all();
    }

    /// Waits for the deadline. Returns `false` when stopped.
    fn wait(&self, now: impl Fn() -> Millis) -> bool {
        let mut state = lock(&self.state);
        loop {
            if state.stopped {
                return false;
            }
            state = match state.deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) if deadline <= now() => {
                    state.deadline = None;
                    return true;
                }
                Some(deadline) => {
                    let left = Duration::from_millis(deadline - now());
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}
