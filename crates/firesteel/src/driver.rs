//! The driver's loop: what happened goes into the scheduler, what it decides is done.
//!
//! There is no thread for it. Whoever has something to tell puts it in the inbox and then tries to become the one who
//! empties it; everyone else goes on, knowing that it will be handled. So a slot that ends a task finds its next one without
//! a switch of threads. Effects only move messages on; user code never runs here.

use crate::accumulator::{Accumulators, Settled, Unmerged};
use crate::driver_blocks::BroadcastTrees;
use crate::remote::Remote;
use crate::resolve::StageRecipe;
use firesteel_executor::blocks::HostBlocks;
use firesteel_executor::{
    BarrierAnswer, DriverLink, Executor, Executors, PlanError, ProcessListener, Processes, WorkerCommand,
    numbers,
};
use firesteel_operators::{BarrierGate, CommitGate, Services};
use firesteel_protocol::handshake::WorkerInit;
use firesteel_protocol::{BarrierOutcome, BarrierRefusal, DeliveredOutcome, TaskSpec};
use firesteel_scheduler::{Effect, Event, JobSpec, Scheduler, SchedulerSettings, TaskOutcome};
use firesteel_status::Status;
use firesteel_storage::cached::BlockListener;
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, AppEvent, BlockKey, ExecutorId, ExecutorLossReason, JobFailure, JobId,
    Millis, Partition, RddId, ShuffleId, StageId, TaskId,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, TryLockError, Weak};
use std::time::{Duration, Instant};

/// The host of all executors on this machine.
const HOST: &str = "localhost";

/// What the thread that waits for a job is told.
pub(crate) enum JobMessage {
    /// The result of one partition.
    Result {
        /// Its position among the partitions asked for.
        output: usize,
        /// The encoded result.
        bytes: Vec<u8>,
    },
    /// The job is over.
    Ended(Option<JobFailure>),
}

/// What tasks may read of what their program's thread has said.
pub(crate) type Properties = Arc<BTreeMap<String, String>>;

enum Message {
    Event(Event),
    Finished {
        task: TaskId,
        executor: ExecutorId,
        outcome: TaskOutcome,
        bytes: Vec<u8>,
        updates: Vec<AccumulatorUpdate>,
    },
    /// All jobs end, each with a failure of its own.
    FailAll(Box<dyn Fn(JobId) -> JobFailure + Send>),
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

/// What only the thread that empties the inbox touches.
struct Core {
    scheduler: Scheduler,
    jobs: HashMap<JobId, RunningJob>,
    commits: HashMap<TaskId, SyncSender<bool>>,
    /// Tasks that wait for others of their barrier stage, and in which call.
    barriers: HashMap<(TaskId, u32), BarrierAnswer>,
    /// Results of barrier stages, until those of all tasks are there.
    held: HashMap<TaskId, Vec<u8>>,
    armed: Option<Millis>,
    max_result_size: u64,
}

struct RunningJob {
    to: Sender<JobMessage>,
    properties: Properties,
    results: u32,
    result_bytes: u64,
    /// What a job ends with whose results became too large with the last of them.
    too_large: Option<JobFailure>,
}

/// The driver's side of an application.
pub(crate) struct Driver {
    core: Mutex<Core>,
    inbox: Mutex<VecDeque<Message>>,
    recipes: Mutex<HashMap<StageId, Arc<StageRecipe>>>,
    executors: RwLock<Option<Arc<dyn Executors>>>,
    processes: RwLock<Option<Arc<Processes>>>,
    remote: RwLock<Option<Arc<Remote>>>,
    /// Why no executors will come any more.
    given_up: Mutex<Option<String>>,
    pub(crate) broadcast_trees: BroadcastTrees,
    /// Files that executors may fetch, by the hashes of their contents.
    offered: Mutex<HashMap<[u8; 32], PathBuf>>,
    pub(crate) services: Arc<Services>,
    /// The task that a function of the program's failed last, and what its stage's plan is made from.
    pub(crate) last_failure: Mutex<Option<(TaskSpec, Arc<StageRecipe>)>>,
    pub(crate) status: Mutex<Status>,
    pub(crate) accumulators: Accumulators,
    started: Instant,
    alarm: Alarm,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No user code runs under these locks; a panic in ours would already have shown itself.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Driver {
    pub(crate) fn new(settings: SchedulerSettings, services: Arc<Services>, max_result_size: u64) -> Self {
        let core = Core {
            scheduler: Scheduler::new(settings),
            jobs: HashMap::new(),
            commits: HashMap::new(),
            barriers: HashMap::new(),
            held: HashMap::new(),
            armed: None,
            max_result_size,
        };
        Driver {
            core: Mutex::new(core),
            inbox: Mutex::default(),
            recipes: Mutex::default(),
            executors: RwLock::new(None),
            processes: RwLock::new(None),
            remote: RwLock::new(None),
            given_up: Mutex::default(),
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

    /// Executors are elsewhere: from now on they may come.
    pub(crate) fn set_remote(self: &Arc<Self>, remote: Remote) {
        let remote = Arc::new(remote);
        *self.executors.write().unwrap_or_else(PoisonError::into_inner) = Some(remote.fleet.clone());
        *self.remote.write().unwrap_or_else(PoisonError::into_inner) = Some(remote);
        let driver = Arc::downgrade(self);
        self.services.broadcasts.set_on_forget(move |id| {
            if let Some(driver) = driver.upgrade() {
                driver.broadcast_trees.forget(id);
                driver.with_host(|host| host.remove_broadcast(id));
                driver.with_executors(|executors| executors.forget_broadcast(id));
            }
        });
    }

    /// The driver's side of a cluster, where executors are elsewhere.
    pub(crate) fn remote(&self) -> Option<Arc<Remote>> {
        self.remote.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the files of an executor are served.
    pub(crate) fn address_of(&self, executor: ExecutorId) -> Option<String> {
        self.remote()?.fleet.address_of(executor)
    }

    /// Who keeps a partition, as far as is known.
    pub(crate) fn holders(&self, key: BlockKey) -> Vec<ExecutorId> {
        self.with_scheduler(|scheduler| scheduler.holders(key.rdd, key.partition, key.version))
    }

    /// Asks the scheduler, after all that this thread has told it.
    pub(crate) fn with_scheduler<R>(&self, ask: impl FnOnce(&Scheduler) -> R) -> R {
        let mut core = lock(&self.core);
        self.handle_all(&mut core);
        let answer = ask(&core.scheduler);
        drop(core);
        // Others may have left a message while we held the core.
        self.empty_inbox();
        answer
    }

    pub(crate) fn start_clock(self: &Arc<Self>) -> std::io::Result<()> {
        let driver = self.clone();
        std::thread::Builder::new().name("firesteel-clock".into()).spawn(move || driver.ring()).map(|_| ())
    }

    /// The worker processes, where tasks run in such.
    pub(crate) fn processes(&self) -> Option<Arc<Processes>> {
        self.processes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Cancels everything and ends all threads.
    pub(crate) fn stop(&self) {
        self.fail_all(|job| JobFailure::ContextStopped { job });
        self.post(Event::SettleUpdates);
        let processes = self.processes.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(processes) = processes {
            processes.stop();
        }
        let remote = self.remote.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(remote) = remote {
            remote.stop();
        }
        let executors = self.executors.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(executors);
        self.alarm.stop();
        // Handles of RDDs may live on; files do not.
        self.services.dirs.clear();
        // Dropped outside the lock: the last owner of a shuffle comes back here to release it.
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
        let job = spec.job;
        self.send(Message::Submit { spec, properties, to });
        // After the job was told: whoever gives up now cancels it, too.
        let given_up = lock(&self.given_up).clone();
        if let Some(reason) = given_up.filter(|_| !self.has_executors()) {
            self.post(Event::FailJob { job, failure: JobFailure::NobodyToRun { reason } });
        }
        from
    }

    /// Ends all jobs that run.
    fn fail_all(&self, failure: impl Fn(JobId) -> JobFailure + Send + 'static) {
        self.send(Message::FailAll(Box::new(failure)));
    }

    /// No executors will come any more: jobs end, also those that come later.
    pub(crate) fn give_up(&self, reason: String) {
        *lock(&self.given_up) = Some(reason.clone());
        self.fail_all(move |_| JobFailure::NobodyToRun { reason: reason.clone() });
    }

    /// Whether there is anybody who could run a task.
    pub(crate) fn has_executors(&self) -> bool {
        match (self.remote(), self.processes()) {
            (Some(remote), _) => remote.fleet.slots() > 0,
            (None, Some(processes)) => !processes.infos().is_empty(),
            (None, None) => true,
        }
    }

    /// Tells the scheduler what happened.
    pub(crate) fn post(&self, event: Event) {
        self.send(Message::Event(event));
    }

    /// Nobody keeps the RDD any more. The scheduler knows who has partitions of it, but not what those have left who are gone.
    pub(crate) fn unpersisted(&self, rdd: RddId) {
        self.post(Event::RddUnpersisted { rdd });
        if let Some(remote) = self.remote() {
            remote.fleet.forget_rdd(rdd);
            self.with_host(|host| host.remove_rdd(rdd));
        }
    }

    /// Nobody will read the shuffle again.
    pub(crate) fn release_shuffle(&self, shuffle: ShuffleId) {
        self.post(Event::ShuffleReleased { shuffle });
    }

    /// What an accumulator consists of beside its base, after all that this thread has told the driver: one picture, in which
    /// what becomes final is neither missing nor there twice.
    pub(crate) fn unmerged(&self, id: AccumulatorId, settled: &Settled, known: Option<u64>) -> Unmerged {
        let mut core = lock(&self.core);
        self.handle_all(&mut core);
        let version = core.scheduler.accumulator_version(id);
        let updates = (known != Some(version)).then(|| core.scheduler.accumulator_updates(id));
        let settled = settled.take();
        drop(core);
        // Others may have left a message while we held the core.
        self.empty_inbox();
        Unmerged { settled, version, updates }
    }

    /// Whether no job runs and nothing of one is left. For tests.
    pub(crate) fn is_idle(&self) -> bool {
        let core = lock(&self.core);
        let nobody_waits = core.barriers.is_empty() && core.held.is_empty();
        nobody_waits && core.scheduler.is_idle() && core.jobs.is_empty() && lock(&self.recipes).is_empty()
    }

    fn send(&self, message: Message) {
        lock(&self.inbox).push_back(message);
        self.empty_inbox();
    }

    /// Handles all messages, unless somebody else is at it: then they will.
    fn empty_inbox(&self) {
        loop {
            let mut core = match self.core.try_lock() {
                Ok(core) => core,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            self.handle_all(&mut core);
            drop(core);
            // A message that came after our last look, while we still held the core, is ours.
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
        let mut bytes = vec![];
        let event = match message {
            Message::Event(event) => event,
            Message::Finished { task, executor, outcome, bytes: result, updates } => {
                bytes = result;
                Event::TaskFinished { task, executor, outcome, updates }
            }
            Message::FailAll(failure) => {
                let jobs: Vec<JobId> = core.jobs.keys().copied().collect();
                for job in jobs {
                    self.feed(core, Event::FailJob { job, failure: failure(job) }, vec![]);
                }
                return;
            }
            Message::Submit { spec, properties, to } => {
                core.jobs.insert(spec.job, RunningJob::new(to, properties));
                Event::SubmitJob(spec)
            }
            Message::AskCommit { task, executor, answer } => {
                core.commits.insert(task, answer);
                Event::CommitRequest { task, executor }
            }
            Message::BarrierSync { task, executor, epoch, message, answer } => {
                core.barriers.insert((task, epoch), answer);
                Event::BarrierSync { task, executor, epoch, message }
            }
        };
        self.feed(core, event, bytes);
    }

    fn feed(&self, core: &mut Core, event: Event, bytes: Vec<u8>) {
        let mut effects = vec![];
        core.scheduler.handle(self.now(), event, &mut effects);
        let mut bytes = Some(bytes);
        for effect in effects {
            if let Some(failed) = self.act(core, effect, &mut bytes) {
                self.feed(core, failed, vec![]);
            }
        }
    }

    /// Does what the scheduler decided. Gives an event when doing so shows that a job cannot go on.
    fn act(&self, core: &mut Core, effect: Effect, bytes: &mut Option<Vec<u8>>) -> Option<Event> {
        match effect {
            Effect::Launch(launch) => self.with_executors(|executors| {
                let properties = core.jobs.get(&launch.job).map(|job| job.properties.clone());
                let spec = TaskSpec {
                    task: launch.task,
                    stage: launch.stage,
                    stage_attempt: launch.stage_attempt,
                    job: launch.job,
                    partition: launch.partition,
                    attempt: launch.attempt,
                    inputs: launch.inputs,
                    cached: launch.cached,
                    barrier_hosts: launch.barrier_hosts,
                    properties: properties.unwrap_or_default(),
                };
                executors.launch(launch.executor, spec);
            }),
            Effect::Kill { task, executor, .. } => {
                self.with_executors(|executors| executors.kill(executor, task));
            }
            Effect::ResultAccepted { job, output, task } => {
                let bytes = core.held.remove(&task).or_else(|| bytes.take());
                return core.deliver(job, output, bytes);
            }
            Effect::ResultHeld { task } => {
                core.held.insert(task, bytes.take().expect("one event carries one result"));
            }
            Effect::ResultDropped { task } => drop(core.held.remove(&task)),
            Effect::BarrierRelease { task, epoch, messages, .. } => core.let_on((task, epoch), Ok(messages)),
            Effect::BarrierRefused { task, epoch, reason, retryable, .. } => {
                core.let_on((task, epoch), Err(BarrierRefusal { reason, retryable }));
            }
            Effect::JobEnded { job, failure } => {
                if let Some(running) = core.jobs.remove(&job) {
                    // Nobody listens any more when the waiting thread has gone away.
                    let _ = running.to.send(JobMessage::Ended(failure.or(running.too_large)));
                }
            }
            Effect::StageForgotten { stage } => {
                let recipe = lock(&self.recipes).remove(&stage);
                drop(recipe);
                self.with_executors(|executors| executors.forget_stage(stage));
            }
            Effect::MapOutputDropped { shuffle, map, task, executor } => {
                if let Some(holder) = core.scheduler.holder_of_output(shuffle, map, task) {
                    // A second copy; where it lies among the same files, it is the first.
                    if self.address_of(holder) != self.address_of(executor) {
                        self.with_executors(|all| all.forget_output(executor, shuffle, map, task));
                    }
                    return None;
                }
                self.services.shuffles.remove(shuffle, map, task);
                self.with_host(|host| host.remove_output(shuffle, map, task));
                self.with_executors(|executors| executors.forget_output(executor, shuffle, map, task));
            }
            Effect::DropCached { rdd, .. } => {
                self.services.cached.remove_rdd(rdd);
                self.with_host(|host| host.remove_rdd(rdd));
                self.with_executors(|executors| executors.forget_rdd(rdd));
            }
            Effect::CommitDecision { task, allowed, .. } => {
                if let Some(answer) = core.commits.remove(&task) {
                    let _ = answer.send(allowed);
                }
            }
            Effect::UpdateSettled { accumulator, bytes } => self.accumulators.settle(accumulator, bytes),
            Effect::Event(event) => self.update_status(core, event),
        }
        None
    }

    /// What happened is folded into what people look at; and whoever waited for it is let go of.
    fn update_status(&self, core: &mut Core, mut event: AppEvent) {
        if let AppEvent::JobEnded { job, failure, .. } = &mut event
            && let Some(running) = core.jobs.get(job)
        {
            // With its last result a job has ended before anybody could say that it is too large.
            *failure = failure.take().or_else(|| running.too_large.clone());
        }
        if let AppEvent::TaskEnded { task, .. } = &event {
            core.nobody_waits(*task);
        }
        if let AppEvent::ExecutorRemoved { executor, .. } = &event {
            self.with_executors(|executors| executors.dismiss(*executor));
        }
        lock(&self.status).apply(&event);
    }

    pub(crate) fn with_executors(&self, f: impl FnOnce(&dyn Executors)) {
        if let Some(executors) = &*self.executors.read().unwrap_or_else(PoisonError::into_inner) {
            f(&**executors);
        }
    }

    /// What executors on this machine have written and left to the driver is removed here: they may be gone.
    fn with_host(&self, f: impl FnOnce(&HostBlocks)) {
        if let Some(remote) = &*self.remote.read().unwrap_or_else(PoisonError::into_inner)
            && let Some(host) = &remote.host
        {
            f(host);
        }
    }

    fn arm(&self, core: &mut Core) {
        let deadline = core.scheduler.next_deadline();
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

impl Core {
    /// Answers a task that waits for others. One whose executor is gone is not there to hear it.
    fn let_on(&mut self, call: (TaskId, u32), answer: BarrierOutcome) {
        if let Some(to) = self.barriers.remove(&call) {
            to(answer);
        }
    }

    /// A task has ended. One whose executor was lost was not answered.
    fn nobody_waits(&mut self, task: TaskId) {
        if !self.barriers.is_empty() {
            self.barriers.retain(|(waiting, _), _| *waiting != task);
        }
    }

    fn deliver(&mut self, job: JobId, output: usize, bytes: Option<Vec<u8>>) -> Option<Event> {
        let bytes = bytes.expect("one event carries one result");
        let running = self.jobs.get_mut(&job)?;
        running.results += 1;
        running.result_bytes += bytes.len() as u64;
        running.too_large = running.beyond(self.max_result_size, 0, 0);
        let Some(failure) = running.too_large.clone() else {
            let _ = running.to.send(JobMessage::Result { output, bytes });
            return None;
        };
        Some(Event::FailJob { job, failure })
    }
}

impl RunningJob {
    fn new(to: Sender<JobMessage>, properties: Properties) -> Self {
        RunningJob { to, properties, results: 0, result_bytes: 0, too_large: None }
    }

    /// What the job fails with if its results, with so many more, are larger than the driver accepts; 0 is any size.
    fn beyond(&self, limit: u64, tasks: u32, bytes: u64) -> Option<JobFailure> {
        let (tasks, bytes) = (self.results + tasks, self.result_bytes + bytes);
        (limit > 0 && bytes > limit).then_some(JobFailure::ResultTooLarge { tasks, bytes, limit })
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
        self.send(Message::Finished { task, executor, outcome, bytes, updates });
    }
}

impl ProcessListener for Driver {
    fn added(&self, executor: ExecutorId, host: Option<&str>, slots: u32) {
        self.post(Event::ExecutorAdded { executor, host: host.unwrap_or(HOST).into(), slots });
    }

    fn lost(&self, executor: ExecutorId, reason: ExecutorLossReason, outputs_survive: bool) {
        self.post(Event::ExecutorLost { executor, reason, outputs_survive });
    }

    fn leaving(&self, executor: ExecutorId) {
        self.post(Event::ExecutorsDecommissioning { executors: vec![executor] });
        // Whoever is at it may not have come to this yet.
        self.with_scheduler(|_| ());
    }

    fn moved(&self, executor: ExecutorId, outputs: Vec<(ShuffleId, Partition, TaskId)>) {
        self.post(Event::OutputsMoved { to: executor, outputs });
    }

    fn address_gone(&self, place: &str) {
        self.broadcast_trees.gone(place);
    }

    fn result_over(&self, task: TaskId) {
        self.with_host(|host| host.remove_result(task));
    }

    fn alive(&self, executor: ExecutorId, running: Vec<TaskId>) {
        self.post(Event::Heartbeat { executor, running });
    }

    fn stored(&self, executor: ExecutorId, BlockKey { rdd, partition, version }: BlockKey) {
        self.post(Event::BlockStored { executor, rdd, partition, version });
    }

    fn dropped(&self, executor: ExecutorId, BlockKey { rdd, partition, version }: BlockKey) {
        self.post(Event::BlockDropped { executor, rdd, partition, version });
    }

    fn failed(&self, task: &TaskSpec) {
        // The recipe keeps alive what the task reads, until another task fails.
        let recipe = lock(&self.recipes).get(&task.stage).cloned();
        let before = recipe.and_then(|recipe| lock(&self.last_failure).replace((task.clone(), recipe)));
        drop(before);
    }

    fn may_fetch(&self, job: JobId, bytes: u64) -> bool {
        let beyond = {
            let core = lock(&self.core);
            core.jobs.get(&job).map(|running| running.beyond(core.max_result_size, 1, bytes))
        };
        // Others may have left a message while we held the core.
        self.empty_inbox();
        match beyond {
            // Nobody waits for the job any more.
            None => false,
            Some(None) => true,
            Some(Some(failure)) => {
                self.post(Event::FailJob { job, failure });
                false
            }
        }
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
    /// What serves the files of executors on this machine.
    pub(crate) fn host_blocks(&self) -> Option<HostOf> {
        self.remote().filter(|remote| remote.host.is_some()).map(HostOf)
    }

    /// From now on executors can fetch a file by the BLAKE3 hash of its contents, which it gives. The file stays as it is.
    pub(crate) fn offer(&self, path: &Path) -> std::io::Result<[u8; 32]> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(path)?)?;
        let hash = *hasher.finalize().as_bytes();
        lock(&self.offered).insert(hash, path.into());
        Ok(hash)
    }

    /// The file with this hash: one that is offered, or the program that runs.
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

/// A driver's side of a cluster that serves files of executors.
pub(crate) struct HostOf(Arc<Remote>);

impl std::ops::Deref for HostOf {
    type Target = firesteel_executor::blocks::HostBlocks;
    fn deref(&self) -> &Self::Target {
        self.0.host.as_ref().expect("made only where there is one")
    }
}

/// Asks the driver of the same process for commits, and for other tasks. Weak: the driver owns the services, and these own the gate.
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
        // The scheduler answers each call in the end: when all have called, or the task is told to stop.
        drop(driver);
        answer.recv().unwrap_or_else(|_| gone())
    }
}

/// Tells the driver of the same process what its executor keeps.
struct LocalBlockListener(Weak<Driver>);

impl LocalBlockListener {
    fn post(&self, event: Event) {
        if let Some(driver) = self.0.upgrade() {
            driver.post(event);
        }
    }
}

impl BlockListener for LocalBlockListener {
    fn stored(&self, BlockKey { rdd, partition, version }: BlockKey) {
        self.post(Event::BlockStored { executor: ExecutorId::DRIVER, rdd, partition, version });
    }

    fn dropped(&self, BlockKey { rdd, partition, version }: BlockKey) {
        self.post(Event::BlockDropped { executor: ExecutorId::DRIVER, rdd, partition, version });
    }
}

/// When to wake the driver if nothing else happens.
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

    /// Waits for the deadline. `false` when stopped.
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
