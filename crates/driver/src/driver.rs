//! The driver's loop: events go to the application, which decides; `effects` carries out its decisions.
//!
//! There is no thread for the loop. A thread with an event puts it in the inbox and then tries to become the
//! one that empties it; if another thread empties it already, that thread handles the event. So a slot that
//! ends a task finds its next one without a switch of threads. Effects only move messages on; user code never
//! runs here.

use crate::accumulators::{Accumulators, Settled, Unmerged};
use crate::agents::AgentEvents;
use crate::alarm::Alarm;
use crate::broadcast_trees::BroadcastTrees;
use crate::event_sender::{EventSink, Released};
use crate::listener_bus::ListenerBus;
use crate::local_properties::Properties;
use crate::recovery::{Answer, Recovery};
use crate::remote::Remote;
use crate::stage_recipe::StageRecipe;
use firesteel_executor::{Executors, Processes, SlotLink, WorkerInfo};
use firesteel_operators::Services;
use firesteel_protocol::{TaskOutcome, TaskSpec, ToExecutor};
use firesteel_scheduler::{
    Agent, AgentId, AgentMessage, Application, ApplicationEvent, ApplicationSettings, Event, JobSpec,
    ReportedOutcome, Scheduler, SchedulerSettings,
};
use firesteel_status::Status;
use firesteel_transfer::BlockServer;
use firesteel_types::{
    AccumulatorId, BlockKey, BroadcastId, ExecutorId, JobFailure, JobId, Millis, StageId, TaskFailure, TaskId,
};
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

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
}

/// The state that only the thread that empties the inbox touches.
pub(crate) struct Core {
    pub(crate) application: Application,
    pub(crate) jobs: HashMap<JobId, RunningJob>,
    /// The tasks that run in other processes, so that one that fails in a function of the program can be run
    /// again for inspection.
    pub(crate) launched: HashMap<TaskId, TaskSpec>,
    /// Results of barrier stages, held until those of all tasks have come.
    pub(crate) held: HashMap<TaskId, Vec<u8>>,
    armed: Option<Millis>,
}

/// A job whose results a thread waits for.
pub(crate) struct RunningJob {
    pub(crate) to: Sender<JobMessage>,
    pub(crate) properties: Properties,
}

/// The beginning of an application's time, and the bus whose events count from it.
pub(crate) struct Clock {
    pub(crate) started: Instant,
    pub(crate) bus: Arc<ListenerBus>,
}

/// The driver's side of an application.
///
/// A thread that panics under one of these locks releases it. No user code runs under them, so such a panic is a
/// mistake of the driver's own: it was reported, and the other threads go on, so that the context can be stopped.
pub(crate) struct Driver {
    core: Mutex<Core>,
    inbox: Mutex<VecDeque<Message>>,
    recipes: Mutex<HashMap<StageId, Arc<StageRecipe>>>,
    pub(crate) executors: RwLock<Option<Arc<dyn Executors>>>,
    pub(crate) processes: RwLock<Option<Arc<Processes>>>,
    remote: RwLock<Option<Arc<Remote>>>,
    pub(crate) broadcast_trees: BroadcastTrees,
    /// Files that executors may fetch, by the hashes of their contents.
    offered: Mutex<HashMap<[u8; 32], PathBuf>>,
    pub(crate) services: Arc<Services>,
    /// The way to this driver from tasks in threads of this process.
    pub(crate) link: Arc<SlotLink>,
    /// The last task that failed in a function of the program, and the recipe of its stage's plan.
    pub(crate) last_failure: Mutex<Option<(TaskSpec, Arc<StageRecipe>)>>,
    pub(crate) status: Mutex<Status>,
    /// The way of events to those who want to know them.
    pub(crate) bus: Arc<ListenerBus>,
    pub(crate) accumulators: Accumulators,
    /// The journal, if there is one.
    pub(crate) recovery: OnceLock<Arc<Recovery>>,
    started: Instant,
    alarm: Alarm,
}

impl Driver {
    /// Makes the driver of an application. Its own executor, if it is to have one, waits in `link` for answers.
    pub(crate) fn new(
        settings: SchedulerSettings,
        services: Arc<Services>,
        link: Arc<SlotLink>,
        max_result_size: u64,
        clock: Clock,
    ) -> Self {
        let core = Core {
            application: Application::new(ApplicationSettings { scheduler: settings, max_result_size }),
            jobs: HashMap::new(),
            launched: HashMap::new(),
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
            link,
            last_failure: Mutex::default(),
            status: Mutex::default(),
            bus: clock.bus,
            accumulators: Accumulators::default(),
            recovery: OnceLock::new(),
            started: clock.started,
            alarm: Alarm::default(),
        }
    }

    /// Sets the connections to remote executors, which may register from now on.
    pub(crate) fn set_remote(self: &Arc<Self>, remote: Remote) {
        let remote = Arc::new(remote);
        *self.remote.write() = Some(remote);
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
        self.remote.read().clone()
    }

    /// The address at which the files of an executor are served.
    pub(crate) fn address_of(&self, executor: ExecutorId) -> Option<String> {
        self.remote()?.agents.address_of(executor)
    }

    /// Tells executors to drop a broadcast value.
    pub(crate) fn forget_broadcast(&self, broadcast: BroadcastId) {
        self.send_to_all(ToExecutor::RemoveBroadcast { broadcast });
    }

    /// Returns the addresses at which a cached partition is served, as far as is known.
    pub(crate) fn cached_at(&self, key: BlockKey) -> Vec<String> {
        self.with_application(|application| {
            let holders = application.scheduler().holders(key.rdd, key.partition, key.version);
            let addresses = holders.into_iter().filter_map(|holder| application.cached_address_of(holder));
            addresses.map(String::from).collect()
        })
    }

    /// Calls `ask` with the scheduler, after all messages that this thread has sent are handled.
    pub(crate) fn with_scheduler<R>(&self, ask: impl FnOnce(&Scheduler) -> R) -> R {
        self.with_application(|application| ask(application.scheduler()))
    }

    /// Calls `ask` with the application, after all messages that this thread has sent are handled.
    pub(crate) fn with_application<R>(&self, ask: impl FnOnce(&mut Application) -> R) -> R {
        let mut core = self.core.lock();
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

    /// Returns the id that the cluster has given the application. Waits for it, but no longer than this.
    pub(crate) fn application_id(&self, within: Duration) -> Option<String> {
        let agents = self.remote().map(|remote| remote.agents.clone())?;
        agents.cluster()?.application(within)
    }

    /// Returns whether tasks run in threads of this process.
    pub(crate) fn runs_tasks_here(&self) -> bool {
        self.processes.read().is_none() && self.remote.read().is_none()
    }

    /// The worker processes, if tasks run in worker processes.
    pub(crate) fn processes(&self) -> Option<Arc<Processes>> {
        self.processes.read().clone()
    }

    /// The application has ended: no driver takes it up again.
    pub(crate) fn application_ends(&self) {
        if let Some(storage) = self.remote().as_ref().and_then(|remote| remote.storage.as_ref()) {
            storage.goes();
        }
    }

    /// Cancels everything and ends all threads.
    pub(crate) fn stop(&self) {
        self.bus.ends();
        if let Some(remote) = self.remote()
            && let Some(cluster) = remote.agents.cluster()
        {
            // Before connections end, so that nothing is started in place of what ends.
            cluster.finish();
        }
        // While agents can still be reached: the application's last effects close their connections.
        self.post_event(ApplicationEvent::Stop);
        let remote = self.remote.write().take();
        let processes = self.processes.write().take();
        if let Some(processes) = processes {
            processes.stop();
        }
        if let Some(remote) = remote {
            remote.stop();
        }
        let executors = self.executors.write().take();
        drop(executors);
        self.alarm.stop();
        // Handles of RDDs may live on; their files are removed.
        self.services.dirs.clear();
        // Dropped outside the lock: dropping the last owner of a shuffle calls the driver to release it.
        let recipes = std::mem::take(&mut *self.recipes.lock());
        let failure = self.last_failure.lock().take();
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
        self.recipes.lock().extend(recipes);
        self.send(Message::Submit { spec, properties, to });
        from
    }

    /// Returns the messages of a job whose answer is known. Listeners and accumulators learn of it as of any other.
    pub(crate) fn answer(&self, job: JobSpec, answer: Answer) -> Receiver<JobMessage> {
        let (to, from) = channel();
        self.post(Event::JobRestored { job, updates: answer.updates, stored: answer.stored });
        let results = answer.results.into_iter().enumerate();
        let results = results.map(|(output, bytes)| JobMessage::Result { output, bytes });
        // The receiver is returned below.
        results.chain([JobMessage::Ended(None)]).for_each(|message| drop(to.send(message)));
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
        let mut core = self.core.lock();
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
        let core = self.core.lock();
        let is_empty = core.jobs.is_empty() && core.launched.is_empty() && core.held.is_empty();
        is_empty && core.application.is_idle() && self.recipes.lock().is_empty()
    }

    fn send(&self, message: Message) {
        self.inbox.lock().push_back(message);
        self.empty_inbox();
    }

    /// Handles all messages. If another thread holds the core, that thread handles them.
    fn empty_inbox(&self) {
        loop {
            // The thread that holds the core checks the inbox after it has released the core.
            let Some(mut core) = self.core.try_lock() else { return };
            self.handle_all(&mut core);
            drop(core);
            // A message that came after the last look at the inbox, while this thread still held the core, is
            // handled by this thread.
            if self.inbox.lock().is_empty() {
                return;
            }
        }
    }

    fn handle_all(&self, core: &mut Core) {
        loop {
            // Not `while let`: the inbox must not stay locked while a message is handled.
            let Some(message) = self.inbox.lock().pop_front() else { break };
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
        };
        if let Some(task) = failed_in_the_program(&event).and_then(|task| core.launched.get(&task)) {
            self.note_failure(task);
        }
        let mut effects = vec![];
        core.application.handle(self.now(), event, &mut effects);
        let mut bytes = Some(bytes);
        for effect in effects {
            self.act(core, effect, &mut bytes);
        }
    }

    pub(crate) fn with_executors(&self, f: impl FnOnce(&dyn Executors)) {
        if let Some(executors) = &*self.executors.read() {
            f(&**executors);
        }
    }

    /// Removes files that executors on this machine have written and left to the driver: the executors may be
    /// gone.
    pub(crate) fn with_host(&self, f: impl FnOnce(&BlockServer)) {
        if let Some(remote) = &*self.remote.read()
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
            self.core.lock().armed = None;
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
            Released::Persisted(rdd, generation) => {
                self.post(Event::RddUnpersisted { rdd, generation });
                // The scheduler knows which executors have the RDD's partitions, but not the partitions that
                // lost executors have left on this host.
                if let Some(remote) = self.remote() {
                    remote.agents.send_all(&ToExecutor::RemoveRdd { rdd, until: generation });
                    self.with_host(|host| host.remove_rdd(rdd, generation));
                }
            }
        }
    }
}

impl AgentEvents for Driver {
    fn post_result(&self, event: ApplicationEvent, bytes: Vec<u8>) {
        Driver::post_result(self, event, bytes);
    }
}

impl Driver {
    /// Remembers a task that failed in a function of the program. The recipe keeps alive what the task reads,
    /// until another task fails.
    fn note_failure(&self, task: &TaskSpec) {
        let recipe = self.recipe(task.stage);
        let before = recipe.and_then(|recipe| self.last_failure.lock().replace((task.clone(), recipe)));
        drop(before);
    }

    /// Returns the recipe of a stage whose jobs have not ended.
    pub(crate) fn recipe(&self, stage: StageId) -> Option<Arc<StageRecipe>> {
        self.recipes.lock().get(&stage).cloned()
    }

    /// Drops the recipe of a stage whose jobs have ended.
    pub(crate) fn forget_recipe(&self, stage: StageId) {
        let recipe = self.recipes.lock().remove(&stage);
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
        self.offered.lock().insert(hash, path.into());
        Ok(hash)
    }

    /// Opens the file with this hash: an offered file, or the program that runs.
    pub(crate) fn file(&self, hash: [u8; 32]) -> Option<std::fs::File> {
        let offered = self.offered.lock().get(&hash).cloned();
        if let Some(path) = offered {
            return std::fs::File::open(path).ok();
        }
        let own = firesteel_closures::executable_hash().ok()?;
        (own.0 == hash).then(|| std::fs::File::open("/proc/self/exe").ok())?
    }
}

/// Returns the task that ended with an exception of the program, if the event says so.
fn failed_in_the_program(event: &ApplicationEvent) -> Option<TaskId> {
    let (task, outcome) = match event {
        ApplicationEvent::Scheduler(Event::TaskFinished { task, outcome, .. })
        | ApplicationEvent::Agent {
            message: AgentMessage::TaskFinished { task, outcome: ReportedOutcome::Complete(outcome), .. },
            ..
        } => (*task, outcome),
        _ => return None,
    };
    match outcome {
        TaskOutcome::Failed { failure } if matches!(**failure, TaskFailure::Exception(_)) => Some(task),
        _ => None,
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

    /// Returns the agent of an executor; `None` if the executor is gone.
    pub(crate) fn agent_of(&self, executor: &str) -> Option<AgentId> {
        self.with_application(|app| {
            let mut agents = app.agents().iter();
            let found = agents.find(|(_, agent)| agent.executors.iter().any(|own| own.name() == executor));
            found.map(|(id, _)| *id)
        })
    }

    /// Returns whether what executors write to standard output and error is kept in files.
    pub(crate) fn keeps_logs(&self) -> bool {
        self.remote()
            .is_some_and(|remote| remote.agents.cluster().is_some_and(|cluster| cluster.keeps_logs()))
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
