//! The worker's state machine: what it runs and ran, and which orders it obeys.
//!
//! It is pure like the master. The shell starts and ends processes as the [`WorkerAction`]s say, reports how
//! they ended, and sends the messages. One machine belongs to one worker process from beginning to end,
//! whichever masters it meets; the shell listens to one connection at a time, and messages on another one do
//! not reach the machine.
//!
//! Lost, late and doubled orders are harmless, since nothing is started twice, and nothing that was to be ended
//! is started afterwards. The outcome of an executor is remembered until its application is cleaned up, so that
//! a question is answered even if the first answer was lost.

use crate::fence::Fence;
use firesteel_protocol::standalone::{
    ApplicationId, ApplicationSpec, DriverRun, DriverSpec, Epoch, ExecutorName, FencedOrder, ProcessOutcome,
    Resources, WorkerId, WorkerMessage, WorkerOffer, WorkerOrder, WorkerReport,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The number of past drivers and applications that a worker remembers. A late order for an older one would be
/// taken for new.
const REMEMBERED: usize = 10_000;

/// An action for the worker's shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerAction {
    /// Start an executor's process, then call [`WorkerState::executor_started`], or report that it
    /// [ended](WorkerState::executor_ended).
    StartExecutor(ExecutorName, Resources, ApplicationSpec),
    /// End an executor's process. May come more than once.
    StopExecutor(ExecutorName),
    /// Start a driver's process.
    StartDriver(DriverRun, DriverSpec),
    /// End a driver's process. May come more than once.
    StopDriver(DriverRun),
    /// Remove an application's files; no process uses them.
    RemoveFiles(ApplicationId),
    /// Tell the executors to migrate their blocks, and to end then. Comes once.
    Decommission,
    /// Send a message to the master, on the connection that the worker listens to.
    Say(WorkerMessage),
    /// A message from the master arrived: it lives.
    MasterStatus,
}

/// The executors and drivers that a worker runs and ran.
#[derive(Clone, Debug)]
pub struct WorkerState {
    worker: WorkerId,
    offer: WorkerOffer,
    fence: Fence,
    executors: BTreeMap<ExecutorName, HostedApplication>,
    drivers: BTreeMap<DriverRun, HostedApplication>,
    ended_executors: BTreeMap<ExecutorName, ProcessOutcome>,
    ended_drivers: BTreeMap<DriverRun, ProcessOutcome>,
    ended_drivers_in_order: VecDeque<DriverRun>,
    /// The applications that have files on this worker.
    applications: BTreeSet<ApplicationId>,
    /// The applications whose files are removed when their last executor has ended.
    cleaning: BTreeSet<ApplicationId>,
    /// Past applications, and the order in which they were cleaned up.
    cleaned: BTreeSet<ApplicationId>,
    cleaned_in_order: VecDeque<ApplicationId>,
    decommissioned: bool,
    /// The address of the master's pages, as it told.
    master_pages: Option<String>,
}

/// A running executor or driver.
#[derive(Clone, Copy, Debug)]
struct HostedApplication {
    resources: Resources,
    /// Set when it was told to end.
    stopping: bool,
}

impl WorkerState {
    /// Makes a worker that runs nothing.
    pub fn new(worker: WorkerId, offer: WorkerOffer) -> Self {
        WorkerState {
            worker,
            offer,
            fence: Fence::default(),
            executors: BTreeMap::new(),
            drivers: BTreeMap::new(),
            ended_executors: BTreeMap::new(),
            ended_drivers: BTreeMap::new(),
            ended_drivers_in_order: VecDeque::new(),
            applications: BTreeSet::new(),
            cleaning: BTreeSet::new(),
            cleaned: BTreeSet::new(),
            cleaned_in_order: VecDeque::new(),
            decommissioned: false,
            master_pages: None,
        }
    }

    /// Returns its name.
    pub fn worker(&self) -> &WorkerId {
        &self.worker
    }

    /// Returns its host and all that it lends.
    pub fn offer(&self) -> &WorkerOffer {
        &self.offer
    }

    /// Returns the address of the master's pages, if a master has told one.
    pub fn master_pages(&self) -> Option<&str> {
        self.master_pages.as_deref()
    }

    /// Returns whether it was told that nothing new will come.
    pub fn is_decommissioned(&self) -> bool {
        self.decommissioned
    }

    /// Returns the first message on a new connection.
    pub fn register(&self) -> WorkerMessage {
        let (worker, offer) = (self.worker.clone(), self.offer.clone());
        WorkerMessage::Register { worker, offer, report: self.report() }
    }

    /// Returns the message that is due every few seconds.
    pub fn heartbeat(&self) -> WorkerMessage {
        WorkerMessage::Heartbeat { report: self.report() }
    }

    /// Returns all that runs.
    pub fn report(&self) -> WorkerReport {
        WorkerReport {
            executors: self.executors.iter().map(|(name, hosted)| (name.clone(), hosted.resources)).collect(),
            drivers: self.drivers.iter().map(|(run, hosted)| (run.clone(), hosted.resources)).collect(),
            applications: self.applications.iter().cloned().collect(),
        }
    }

    /// Returns the resources that are taken.
    pub fn used(&self) -> Resources {
        self.executors.values().chain(self.drivers.values()).map(|hosted| hosted.resources).sum()
    }

    /// Returns the epoch of the master that is obeyed.
    pub fn epoch(&self) -> Epoch {
        self.fence.epoch()
    }

    /// Handles an order and appends the actions that it needs. Orders of an older epoch than was seen before
    /// change nothing.
    pub fn obey(&mut self, order: FencedOrder, todo: &mut Vec<WorkerAction>) {
        if !self.fence.admits(order.epoch) {
            return;
        }
        match order.order {
            WorkerOrder::Registered { pages } => {
                self.master_pages = pages;
                todo.push(WorkerAction::MasterStatus);
            }
            WorkerOrder::Heard => todo.push(WorkerAction::MasterStatus),
            WorkerOrder::RegisterAgain => todo.push(WorkerAction::Say(self.register())),
            WorkerOrder::LaunchExecutor { executor, resources, spec } => {
                self.launch_executor(executor, resources, spec, todo);
            }
            WorkerOrder::KillExecutor { executor } => self.kill_executor(executor, todo),
            WorkerOrder::LaunchDriver { run, spec } => self.launch_driver(run, spec, todo),
            WorkerOrder::KillDriver { run } => self.kill_driver(run, todo),
            WorkerOrder::CleanApplication { application } => self.clean(application, todo),
            WorkerOrder::Decommission => {
                if !std::mem::replace(&mut self.decommissioned, true) {
                    todo.push(WorkerAction::Decommission);
                }
            }
        }
        assert!(self.used().fits(self.offer.resources), "a worker runs no more than it has room for");
    }

    /// Returns the report that an executor's process was started. None if it was ended meanwhile.
    pub fn executor_started(&self, executor: &ExecutorName) -> Option<WorkerMessage> {
        let runs = self.executors.contains_key(executor);
        runs.then(|| WorkerMessage::ExecutorStarted { executor: executor.clone() })
    }

    /// Handles the end of an executor's process, or its failure to start.
    pub fn executor_ended(
        &mut self,
        executor: &ExecutorName,
        outcome: ProcessOutcome,
        todo: &mut Vec<WorkerAction>,
    ) {
        let Some(hosted) = self.executors.remove(executor) else { return };
        let outcome = if hosted.stopping { ProcessOutcome::Killed } else { outcome };
        self.ended_executors.insert(executor.clone(), outcome);
        todo.push(self.answer_executor(executor));
        self.remove_files(&executor.application, todo);
    }

    /// A driver's process is gone, or could not be started.
    pub fn driver_ended(&mut self, run: &DriverRun, outcome: ProcessOutcome, todo: &mut Vec<WorkerAction>) {
        let Some(hosted) = self.drivers.remove(run) else { return };
        let ended_well = outcome == ProcessOutcome::Exited { code: 0 };
        let outcome = if hosted.stopping && !ended_well { ProcessOutcome::Killed } else { outcome };
        self.remember_driver(run, outcome);
        todo.push(self.answer_driver(run));
    }

    fn launch_executor(
        &mut self,
        executor: ExecutorName,
        resources: Resources,
        spec: ApplicationSpec,
        todo: &mut Vec<WorkerAction>,
    ) {
        let application = &executor.application;
        if self.executors.contains_key(&executor) {
            return;
        }
        // A late order for an application that has ended.
        if self.cleaned.contains(application) || self.cleaning.contains(application) {
            todo.push(never_started(executor));
        } else if self.ended_executors.contains_key(&executor) {
            todo.push(self.answer_executor(&executor));
        } else if let Err(outcome) = self.has_room(resources) {
            self.ended_executors.insert(executor.clone(), outcome);
            self.applications.insert(application.clone());
            todo.push(self.answer_executor(&executor));
        } else {
            self.applications.insert(application.clone());
            self.executors.insert(executor.clone(), HostedApplication { resources, stopping: false });
            todo.push(WorkerAction::StartExecutor(executor, resources, spec));
        }
    }

    fn kill_executor(&mut self, executor: ExecutorName, todo: &mut Vec<WorkerAction>) {
        if let Some(hosted) = self.executors.get_mut(&executor) {
            hosted.stopping = true;
            todo.push(WorkerAction::StopExecutor(executor));
        } else if self.cleaned.contains(&executor.application) {
            todo.push(never_started(executor));
        } else {
            // Remembered with its application, which will be cleaned up some time.
            self.applications.insert(executor.application.clone());
            self.ended_executors.entry(executor.clone()).or_insert(ProcessOutcome::NeverStarted);
            todo.push(self.answer_executor(&executor));
        }
    }

    fn launch_driver(&mut self, run: DriverRun, spec: DriverSpec, todo: &mut Vec<WorkerAction>) {
        if self.drivers.contains_key(&run) {
            return;
        }
        if self.ended_drivers.contains_key(&run) {
            todo.push(self.answer_driver(&run));
        } else if let Err(outcome) = self.has_room(spec.resources) {
            self.remember_driver(&run, outcome);
            todo.push(self.answer_driver(&run));
        } else {
            self.drivers
                .insert(run.clone(), HostedApplication { resources: spec.resources, stopping: false });
            todo.push(WorkerAction::StartDriver(run, spec));
        }
    }

    fn kill_driver(&mut self, run: DriverRun, todo: &mut Vec<WorkerAction>) {
        if let Some(hosted) = self.drivers.get_mut(&run) {
            hosted.stopping = true;
            todo.push(WorkerAction::StopDriver(run));
            return;
        }
        if !self.ended_drivers.contains_key(&run) {
            self.remember_driver(&run, ProcessOutcome::NeverStarted);
        }
        todo.push(self.answer_driver(&run));
    }

    fn clean(&mut self, application: ApplicationId, todo: &mut Vec<WorkerAction>) {
        if self.cleaned.contains(&application) {
            return;
        }
        for (name, hosted) in self.executors.iter_mut().filter(|(name, _)| name.application == application) {
            hosted.stopping = true;
            todo.push(WorkerAction::StopExecutor(name.clone()));
        }
        self.cleaning.insert(application.clone());
        self.remove_files(&application, todo);
    }

    /// Removes an application's files if they are to go and no executor uses them any more.
    fn remove_files(&mut self, application: &ApplicationId, todo: &mut Vec<WorkerAction>) {
        let is_used = self.executors.keys().any(|name| name.application == *application);
        if is_used || !self.cleaning.remove(application) {
            return;
        }
        self.ended_executors.retain(|name, _| name.application != *application);
        if self.applications.remove(application) {
            todo.push(WorkerAction::RemoveFiles(application.clone()));
        }
        self.cleaned.insert(application.clone());
        self.cleaned_in_order.push_back(application.clone());
        if self.cleaned_in_order.len() > REMEMBERED
            && let Some(oldest) = self.cleaned_in_order.pop_front()
        {
            self.cleaned.remove(&oldest);
        }
    }

    fn remember_driver(&mut self, run: &DriverRun, outcome: ProcessOutcome) {
        self.ended_drivers.insert(run.clone(), outcome);
        self.ended_drivers_in_order.push_back(run.clone());
        if self.ended_drivers_in_order.len() > REMEMBERED
            && let Some(oldest) = self.ended_drivers_in_order.pop_front()
        {
            self.ended_drivers.remove(&oldest);
        }
    }

    fn has_room(&self, wanted: Resources) -> Result<(), ProcessOutcome> {
        let free = self.offer.resources.minus(self.used());
        if wanted.fits(free) {
            return Ok(());
        }
        let reason = format!("worker {} has {free} free, {wanted} were asked for", self.worker);
        Err(ProcessOutcome::FailedToStart { reason })
    }

    fn answer_executor(&self, executor: &ExecutorName) -> WorkerAction {
        let outcome = self.ended_executors[executor].clone();
        WorkerAction::Say(WorkerMessage::ExecutorEnded { executor: executor.clone(), outcome })
    }

    fn answer_driver(&self, run: &DriverRun) -> WorkerAction {
        let outcome = self.ended_drivers[run].clone();
        WorkerAction::Say(WorkerMessage::DriverEnded { run: run.clone(), outcome })
    }
}

fn never_started(executor: ExecutorName) -> WorkerAction {
    WorkerAction::Say(WorkerMessage::ExecutorEnded { executor, outcome: ProcessOutcome::NeverStarted })
}
