//! The application, as its shell sees it: everything that the driver decides, in one pure machine.
//!
//! [`Application::handle`] owns the [`Scheduler`] (jobs, stages, tasks), the fleet (which agents are
//! connected, which executors they run, how they end and what is migrated before), the sizes of results, and
//! dynamic allocation. A shell (the driver, or the simulator) passes events in and carries out the effects;
//! [`Application::next_deadline`] tells it when to send [`Event::Tick`] if nothing else happens.
//!
//! ```
//! use firesteel_scheduler::*;
//! use firesteel_types::*;
//!
//! let mut application = Application::new(ApplicationSettings::default());
//! let (mut effects, agent) = (vec![], AgentId(7));
//! let registration = RegisterAgent {
//!     name: "0".into(), program: [0; 32], host: "a".into(), cores: 4, memory: 1 << 30, has_processes: false,
//!     blocks: "a:7337".into(), cached: "a:7337".into(), outputs_survive: false, process: 17,
//! };
//! application.handle(Millis(0), ApplicationEvent::AgentRegistered { agent, registration }, &mut effects);
//! let [ApplicationEffect::Welcome { executors, .. }] = &effects[..] else { panic!("{effects:?}") };
//! assert_eq!(executors, &[ExecutorId(0)]);
//! let message = AgentMessage::ExecutorReady { executor: ExecutorId(0) };
//! application.handle(Millis(5), ApplicationEvent::Agent { agent, message }, &mut effects);
//! assert!(application.scheduler().knows_executor(ExecutorId(0)));
//! ```

mod copies;
mod effect;
mod event;
mod exclusions;

pub use effect::ApplicationEffect;
pub use event::{AgentMessage, ApplicationEvent, ReportedOutcome};

use crate::agent_id::AgentId;
use crate::allocation::{Allocation, AllocationSettings, Decision, Demand, Lent};
use crate::effect::Effect;
use crate::event::{Event, TaskOutcome};
use crate::fleet::{Admission, Agent, Fleet, FleetSettings, Found, Loss, Step};
use crate::results::{Results, WaitingResult};
use crate::scheduler::{Load, Scheduler, SoleCopies};
use crate::settings::SchedulerSettings;
use firesteel_protocol::handshake::RegisterAgent;
use firesteel_protocol::{MigrateOrder, MigrateReport, StoreOrder};
use firesteel_types::{
    AccumulatorUpdate, AppEvent, CallSite, ExecutorId, ExecutorMemory, JobFailure, JobId, JournalEntry,
    KillReason, Millis, Partition, ShuffleId, StageId, TaskFailure, TaskId, TaskMetrics,
};
use std::collections::{BTreeMap, BTreeSet};

/// The interval at which dynamic allocation looks at the work that there is, in milliseconds. Spark looks as
/// often.
const ALLOCATE_EVERY_MS: u64 = 100;

/// The settings of an application.
#[derive(Clone, Debug, Default)]
pub struct ApplicationSettings {
    /// The settings of jobs, stages and tasks.
    pub scheduler: SchedulerSettings,
    /// The largest size of all results of a job together, in bytes; 0 is no limit.
    pub max_result_size: u64,
}

/// Everything that a driver decides about.
#[derive(Debug)]
pub struct Application {
    now: Millis,
    scheduler: Scheduler,
    fleet: Fleet,
    results: Results,
    allocation: Option<DynamicAllocation>,
    /// The reason why no executor will come any more, as a sentence.
    given_up: Option<String>,
    /// The stages with a task that may run on no executor, for which no executor could be replaced.
    stuck: BTreeSet<StageId>,
}

/// Dynamic allocation, and its last request.
#[derive(Debug)]
struct DynamicAllocation {
    allocation: Allocation,
    /// The number of executors that the cluster was asked for last.
    asked: u32,
    /// The time of the next decision.
    look_at: Millis,
}

impl Application {
    /// Makes an application without executors and jobs.
    pub fn new(settings: ApplicationSettings) -> Self {
        Application {
            now: Millis(0),
            scheduler: Scheduler::new(settings.scheduler),
            fleet: Fleet::default(),
            results: Results::new(settings.max_result_size),
            allocation: None,
            given_up: None,
            stuck: BTreeSet::new(),
        }
    }

    /// Sets the rules for agents, before the first comes.
    pub fn set_fleet(&mut self, settings: FleetSettings) {
        self.fleet.set(settings);
    }

    /// Begins dynamic allocation. The shell has asked the cluster for the initial number of executors.
    pub fn allocate_dynamically(&mut self, settings: AllocationSettings) {
        let allocation = Allocation::new(settings);
        let asked = allocation.wanted();
        self.scheduler.gets_other_executors();
        self.allocation = Some(DynamicAllocation { allocation, asked, look_at: self.now });
    }

    /// Returns the scheduler, which has the jobs, stages and tasks.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// Returns the agents that are connected and were welcomed.
    pub fn agents(&self) -> &BTreeMap<AgentId, Agent> {
        self.fleet.agents()
    }

    /// Returns the agent that runs an executor; `None` for one in the driver's process, and for one that is
    /// gone.
    pub fn agent_of(&self, executor: ExecutorId) -> Option<AgentId> {
        self.fleet.owner(executor)
    }

    /// Returns whether an agent is being decommissioned: by an order of the cluster, or since it is not needed.
    pub fn is_decommissioned(&self, agent: AgentId) -> bool {
        self.fleet.is_decommissioned(agent)
    }

    /// Returns the address at which the partitions are served that an executor has cached.
    pub fn cached_address_of(&self, executor: ExecutorId) -> Option<&str> {
        self.fleet.cached_address_of(executor)
    }

    /// Returns the address at which the files of an executor are served.
    pub fn address_of(&self, executor: ExecutorId) -> Option<&str> {
        self.fleet.address_of(executor)
    }

    /// Returns whether some executor could run a task now or soon.
    pub fn has_executors(&self) -> bool {
        !self.fleet.agents().is_empty() || self.scheduler.has_executors()
    }

    /// Returns whether no job runs and nothing of one is left.
    pub fn is_idle(&self) -> bool {
        self.scheduler.is_idle() && self.results.is_empty()
    }

    /// Digests one event and appends its effects. `now` does not go back. Events of agents and tasks that are
    /// not known (any more) change nothing, so the shell may pass on late and doubled messages as they come.
    pub fn handle(&mut self, now: Millis, event: ApplicationEvent, fx: &mut Vec<ApplicationEffect>) {
        self.now = self.now.max(now);
        match event {
            ApplicationEvent::Scheduler(Event::SubmitJob(job)) => {
                let id = job.job;
                self.results.job_submitted(id);
                self.schedule(Event::SubmitJob(job), fx);
                // A thread may submit a job while another stops the context. Its job has to end like any
                // other.
                if self.fleet.is_stopped() {
                    self.schedule(
                        Event::FailJob { job: id, failure: JobFailure::ContextStopped { job: id } },
                        fx,
                    );
                }
                self.fail_without_executors(fx);
            }
            ApplicationEvent::Scheduler(event) => self.schedule(event, fx),
            ApplicationEvent::AgentRegistered { agent, registration } => {
                self.register(agent, registration, fx);
            }
            ApplicationEvent::Agent { agent, message } => self.on_message(agent, message, fx),
            ApplicationEvent::AgentDisconnected { agent } => self.disconnected(agent, fx),
            ApplicationEvent::AgentEnded { name, reason } => {
                if let Some(loss) = self.fleet.ended(&name, reason) {
                    self.lose(loss, fx);
                }
            }
            ApplicationEvent::ResultFetched { agent, executor, task, result } => {
                self.result_fetched((agent, executor), task, result, fx);
            }
            ApplicationEvent::Decommission { name, with_files } => self.decommission(&name, with_files, fx),
            ApplicationEvent::WorkerSetting { setting } => self.set_workers(&setting, fx),
            ApplicationEvent::NoMoreExecutors { reason } => {
                self.given_up = Some(reason.clone());
                self.fail_all(|_| JobFailure::NoExecutorLeft { reason: reason.clone() }, fx);
            }
            ApplicationEvent::Stop => self.stop(fx),
        }
        for loss in self.fleet.overdue(self.now) {
            self.lose(loss, fx);
        }
        let silent = self.fleet.silent(self.now, self.scheduler.settings.network_timeout_ms);
        fx.extend(silent.into_iter().map(|agent| ApplicationEffect::Close { agent }));
        self.replace_useless(fx);
        self.migrate(fx);
        self.copy_cached(fx);
        self.allocate(fx);
    }

    /// Returns the time at which [`Event::Tick`] is due if nothing happens before. A tick that comes early
    /// does no harm.
    pub fn next_deadline(&self) -> Option<Millis> {
        let due = [
            self.scheduler.next_deadline(),
            self.fleet.next_deadline(self.scheduler.settings.network_timeout_ms),
            self.fleet.migrations.next_deadline(),
            self.fleet.copies.next_deadline(),
            self.allocation.as_ref().map(|dynamic| dynamic.look_at),
        ];
        due.into_iter().flatten().min()
    }

    /// Passes an event to the scheduler, and the scheduler's effects on. Effects that depend on the sizes of
    /// results or on the addresses of outputs, which the scheduler does not know, are changed on the way.
    fn schedule(&mut self, event: Event, fx: &mut Vec<ApplicationEffect>) {
        let at_hand = match &event {
            Event::TaskFinished { outcome: TaskOutcome::Result { bytes }, .. } => *bytes,
            _ => 0,
        };
        let (mut effects, mut too_large, mut excluded) = (vec![], vec![], BTreeSet::new());
        self.scheduler.handle(self.now, event, &mut effects);
        for effect in effects {
            match effect {
                Effect::ResultHeld { task } => self.results.hold(task, at_hand),
                Effect::ResultDropped { task } => drop(self.results.take_held(task)),
                Effect::ResultAccepted { job, task, .. } => {
                    let bytes = self.results.take_held(task).unwrap_or(at_hand);
                    if let Err(failure) = self.results.count(job, bytes) {
                        too_large.push((job, failure));
                        fx.push(ApplicationEffect::ResultRefused { task });
                        continue;
                    }
                }
                // A job whose results are too large has no answer.
                Effect::Journal(JournalEntry::JobEnded { job, .. })
                    if self.results.too_large(job).is_some() =>
                {
                    continue;
                }
                Effect::MapOutputDropped { shuffle, map, task, executor } => {
                    self.output_dropped((shuffle, map, task), executor, fx);
                    continue;
                }
                Effect::JobEnded { job, failure } => {
                    // The scheduler ends a job with its last result, before this machine finds that result
                    // too large. The results forget the job in any case, so `or` must not be `or_else`.
                    let failure = failure.or(self.results.job_ended(job));
                    fx.push(ApplicationEffect::Scheduler(Effect::JobEnded { job, failure }));
                    continue;
                }
                Effect::Event(AppEvent::JobEnded { at, job, failure }) => {
                    let failure = failure.or_else(|| self.results.too_large(job).cloned());
                    let event = AppEvent::JobEnded { at, job, failure };
                    fx.push(ApplicationEffect::Scheduler(Effect::Event(event)));
                    continue;
                }
                Effect::Event(AppEvent::ExecutorRemoved { executor, .. }) => {
                    // An executor that was declared lost may still live. Its agent ends when its connection
                    // is closed.
                    let agent = self.fleet.owner(executor);
                    fx.push(ApplicationEffect::Scheduler(effect));
                    fx.extend(agent.map(|agent| ApplicationEffect::Close { agent }));
                    continue;
                }
                Effect::Event(AppEvent::ExecutorExcluded { executor, stage: None, .. }) => {
                    excluded.extend(self.executor_excluded(executor));
                }
                Effect::Event(AppEvent::HostExcluded { ref host, stage: None, .. }) => {
                    excluded.extend(self.host_excluded(host));
                }
                Effect::Event(AppEvent::ExecutorUnexcluded { executor, .. }) => {
                    self.fleet.excluded.executor_back(executor);
                }
                Effect::Event(AppEvent::HostUnexcluded { ref host, .. }) => {
                    self.fleet.excluded.host_back(host);
                }
                Effect::Launch(_)
                | Effect::StoredShuffleDropped { .. }
                | Effect::StoredShuffleForgotten { .. }
                | Effect::Kill { .. }
                | Effect::BarrierRelease { .. }
                | Effect::BarrierRefused { .. }
                | Effect::StageForgotten { .. }
                | Effect::DropCached { .. }
                | Effect::CommitDecision { .. }
                | Effect::UpdateSettled { .. }
                | Effect::Journal(_)
                | Effect::Event(_) => {}
            }
            fx.push(ApplicationEffect::Scheduler(effect));
        }
        for (job, failure) in too_large {
            self.schedule(Event::FailJob { job, failure }, fx);
        }
        // Before any of them is ended and replaced.
        self.tell_of_exclusions(fx);
        excluded.into_iter().for_each(|agent| self.remove_excluded(agent, fx));
    }

    /// Has a map output removed from an executor. If another executor has a copy that counts, only this
    /// executor's file goes; where both are served at one address, they are the same file, and it stays.
    /// Executors without an address share nothing.
    fn output_dropped(
        &self,
        (shuffle, map, task): (ShuffleId, Partition, TaskId),
        executor: ExecutorId,
        fx: &mut Vec<ApplicationEffect>,
    ) {
        // The objects of the shuffle storage have outputs of several tasks, and go with their shuffle.
        if executor == ExecutorId::STORAGE {
            return;
        }
        let holder = self.scheduler.holder_of_output(shuffle, map, task);
        let address = self.fleet.address_of(executor);
        let is_same = |holder| address.is_some() && self.fleet.address_of(holder) == address;
        if holder.is_some_and(is_same) {
            return;
        }
        let is_copy = holder.is_some();
        fx.push(ApplicationEffect::RemoveOutput { shuffle, map, task, executor, is_copy });
    }

    fn fail_all(&mut self, failure: impl Fn(JobId) -> JobFailure, fx: &mut Vec<ApplicationEffect>) {
        for job in self.results.jobs() {
            self.schedule(Event::FailJob { job, failure: failure(job) }, fx);
        }
    }

    /// Fails all jobs if the last executor is gone and no other will come.
    fn fail_without_executors(&mut self, fx: &mut Vec<ApplicationEffect>) {
        if let Some(reason) = self.given_up.clone().filter(|_| !self.has_executors()) {
            self.fail_all(|_| JobFailure::NoExecutorLeft { reason: reason.clone() }, fx);
        }
    }

    fn stop(&mut self, fx: &mut Vec<ApplicationEffect>) {
        self.fail_all(|job| JobFailure::ContextStopped { job }, fx);
        self.schedule(Event::SettleUpdates, fx);
        self.allocation = None;
        fx.extend(self.fleet.stop().into_iter().map(|agent| ApplicationEffect::Close { agent }));
    }
}

/// The registration, the messages and the end of agents.
impl Application {
    fn register(&mut self, agent: AgentId, registration: RegisterAgent, fx: &mut Vec<ApplicationEffect>) {
        match self.fleet.register(self.now, agent, registration) {
            Admission::Welcome => self.welcome(agent, fx),
            Admission::Waits | Admission::Known => {}
            Admission::Refused(reason) => fx.push(ApplicationEffect::Refuse { agent, reason }),
            Admission::Closed => fx.push(ApplicationEffect::Close { agent }),
        }
    }

    /// Tells an agent that it was admitted.
    fn welcome(&mut self, agent: AgentId, fx: &mut Vec<ApplicationEffect>) {
        let Some(Agent { executors, slots, .. }) = self.fleet.agents().get(&agent) else { return };
        let (executors, slots, setting) = (executors.clone(), *slots, self.fleet.setting());
        fx.push(ApplicationEffect::Welcome { agent, executors, slots, setting });
    }

    fn set_workers(&mut self, setting: &str, fx: &mut Vec<ApplicationEffect>) {
        let known = self.fleet.agents().keys().copied();
        fx.extend(known.map(|agent| ApplicationEffect::WorkerSetting { agent, setting: setting.into() }));
        for agent in self.fleet.set_workers(self.now, setting.into()) {
            self.welcome(agent, fx);
        }
    }

    fn on_message(&mut self, agent: AgentId, message: AgentMessage, fx: &mut Vec<ApplicationEffect>) {
        self.fleet.heard(self.now, agent);
        match message {
            AgentMessage::ExecutorReady { executor } => self.executor_ready(agent, executor, fx),
            AgentMessage::ExecutorLost { executor, reason } => {
                if let Some(next) = self.fleet.replace(agent, executor) {
                    fx.push(ApplicationEffect::NextExecutor { agent, executor: next });
                    // The files of a worker process are its agent's, and outlive it.
                    self.schedule(Event::ExecutorLost { executor, reason, outputs_survive: true }, fx);
                    self.watch_if_unready(agent);
                }
            }
            AgentMessage::Alive { running, memory } => {
                self.alive(agent, running, fx);
                self.memory_told(agent, memory, fx);
            }
            AgentMessage::TaskFinished { executor, task, outcome, updates, metrics } => {
                self.task_finished((agent, executor), task, outcome, (updates, metrics), fx);
            }
            AgentMessage::CommitRequest { executor, task } => {
                self.schedule(Event::CommitRequest { task, executor }, fx);
            }
            AgentMessage::BarrierSync { executor, task, epoch, message } => {
                self.schedule(Event::BarrierSync { task, executor, epoch, message }, fx);
            }
            AgentMessage::BlockStored { executor, key, size } => {
                self.schedule(Event::BlockStored { executor, key, size }, fx);
            }
            AgentMessage::BlockDropped { executor, key } => {
                self.schedule(Event::BlockDropped { executor, key }, fx);
            }
            AgentMessage::Migrated { report } => self.migrated(agent, report, fx),
            AgentMessage::OutputsStored { stored } => self.schedule(Event::OutputsStored(stored), fx),
            AgentMessage::StoreDone { number, stored } => {
                self.fleet.migrations.store_answered(agent, number, stored);
            }
            // An agent that is gone says nothing about the executors of others.
            AgentMessage::OutOfWorkers { .. } if !self.fleet.agents().contains_key(&agent) => {}
            AgentMessage::OutOfWorkers { reason } => {
                self.handle(self.now, ApplicationEvent::NoMoreExecutors { reason }, fx);
            }
            AgentMessage::Leaving => {
                self.fleet.leaves(agent);
                // Copies elsewhere are made before its connection ends.
                for executor in self.fleet.agents().get(&agent).iter().flat_map(|agent| &agent.executors) {
                    self.scheduler.blocks.executor_leaves(*executor);
                }
            }
        }
    }

    fn executor_ready(&mut self, agent: AgentId, executor: ExecutorId, fx: &mut Vec<ApplicationEffect>) {
        if !self.fleet.ready(agent, executor) {
            return;
        }
        let name = self.fleet.announce(agent);
        fx.extend(name.map(|name| ApplicationEffect::AgentReady { name }));
        let Some(Agent { registration, slots, .. }) = self.fleet.agents().get(&agent) else { return };
        let slots = if registration.has_processes { 1 } else { *slots };
        let host = registration.host.clone();
        // The scheduler would give an executor tasks at once, before it could hear that the agent is being
        // decommissioned.
        if self.fleet.is_decommissioned(agent) {
            return;
        }
        self.fleet.leave_to_scheduler(agent);
        self.schedule(Event::ExecutorAdded { executor, host, slots }, fx);
        // A migration may have waited for an agent that can take over blocks.
        self.fleet.migrations.reconsider();
        self.fleet.copies.agent_came(self.now);
    }

    /// Watches an agent whose last ready executor is gone.
    fn watch_if_unready(&mut self, agent: AgentId) {
        let executors = self.fleet.agents().get(&agent).map_or(&[][..], |agent| &agent.executors);
        if !executors.iter().any(|executor| self.scheduler.knows_executor(*executor)) {
            self.fleet.watch(self.now, agent);
        }
    }

    fn alive(
        &mut self,
        agent: AgentId,
        all: Vec<(ExecutorId, Vec<TaskId>)>,
        fx: &mut Vec<ApplicationEffect>,
    ) {
        if !self.fleet.agents().contains_key(&agent) {
            return;
        }
        for (executor, mut running) in all {
            // The executor has finished these attempts, and the scheduler hears of that only when their
            // results have been fetched. Until then they count as running, or the scheduler would take them
            // for lost.
            running.extend(self.results.waiting_on(executor));
            self.schedule(Event::Heartbeat { executor, running }, fx);
        }
        fx.push(ApplicationEffect::Acknowledge { agent });
    }

    /// Passes on what an agent says of the memory of its executors.
    fn memory_told(
        &self,
        agent: AgentId,
        memory: Vec<(ExecutorId, ExecutorMemory)>,
        fx: &mut Vec<ApplicationEffect>,
    ) {
        let own = memory.into_iter().filter(|(executor, _)| self.fleet.owner(*executor) == Some(agent));
        fx.extend(own.map(|(executor, memory)| {
            let told = AppEvent::ExecutorMemory { at: self.now, executor, memory };
            ApplicationEffect::Scheduler(Effect::Event(told))
        }));
    }

    fn task_finished(
        &mut self,
        (agent, executor): (AgentId, ExecutorId),
        task: TaskId,
        outcome: ReportedOutcome,
        (updates, metrics): (Vec<AccumulatorUpdate>, Option<Box<TaskMetrics>>),
        fx: &mut Vec<ApplicationEffect>,
    ) {
        let bytes = match outcome {
            ReportedOutcome::Complete(outcome) => {
                self.schedule(Event::TaskFinished { task, executor, outcome, updates, metrics }, fx);
                return self.fleet.migrations.reconsider();
            }
            ReportedOutcome::Waiting { bytes } => bytes,
        };
        let address = self.fleet.address_of(executor).map(String::from);
        let is_known = self.fleet.owner(executor) == Some(agent) && self.scheduler.runs(task, executor);
        let (Some(address), true) = (address, is_known) else {
            // The scheduler has given the attempt up, so nothing needs its result.
            return fx.push(ApplicationEffect::RemoveResult { agent, task });
        };
        let job = self.scheduler.job_of(task);
        let admitted = job.and_then(|job| Some((job, self.results.admits(job, bytes)?)));
        match admitted {
            Some((_, Ok(()))) => {
                if self.results.wait(task, WaitingResult { agent, executor, updates, metrics }) {
                    fx.push(ApplicationEffect::FetchResult { agent, executor, task, address });
                }
                return;
            }
            Some((job, Err(failure))) => self.schedule(Event::FailJob { job, failure }, fx),
            // The attempt was told to stop, and has finished all the same.
            None => {}
        }
        fx.push(ApplicationEffect::RemoveResult { agent, task });
        let outcome = TaskOutcome::failed(TaskFailure::Killed(KillReason::JobEnded));
        self.schedule(Event::TaskFinished { task, executor, outcome, updates: vec![], metrics: None }, fx);
        self.fleet.migrations.reconsider();
    }

    fn result_fetched(
        &mut self,
        (agent, executor): (AgentId, ExecutorId),
        task: TaskId,
        result: Result<u64, String>,
        fx: &mut Vec<ApplicationEffect>,
    ) {
        if let Some(WaitingResult { updates, metrics, .. }) = self.results.fetched(task, agent) {
            let (outcome, updates) = match result {
                Ok(bytes) => (TaskOutcome::Result { bytes }, updates),
                Err(message) => (fetch_failure(task, self.scheduler.site_of(task), message), vec![]),
            };
            self.schedule(Event::TaskFinished { task, executor, outcome, updates, metrics }, fx);
        }
        fx.push(ApplicationEffect::RemoveResult { agent, task });
        self.fleet.migrations.reconsider();
    }

    fn disconnected(&mut self, agent: AgentId, fx: &mut Vec<ApplicationEffect>) {
        let Some(gone) = self.fleet.agents().get(&agent) else { return self.fleet.waits_no_more(agent) };
        let (name, executors) = (gone.registration.name.clone(), gone.executors.clone());
        let loss = self.fleet.disconnected(self.now, agent);
        self.results.agent_gone(agent);
        if !name.is_empty() {
            fx.push(ApplicationEffect::AgentGone { name });
        }
        match loss {
            Some(loss) => self.lose(loss, fx),
            // The cluster may still tell the reason. Until then the executors are not lost, but get no more
            // tasks.
            None => self.schedule(Event::ExecutorsDecommissioning { executors }, fx),
        }
    }

    fn lose(&mut self, loss: Loss, fx: &mut Vec<ApplicationEffect>) {
        let Loss { executors, reason, address } = loss;
        let outputs_survive = address.is_none();
        // All executors are gone at once: tasks of one must not be launched on another that is lost next.
        self.schedule(Event::ExecutorsDecommissioning { executors: executors.clone() }, fx);
        for executor in executors {
            let reason = reason.clone();
            self.schedule(Event::ExecutorLost { executor, reason, outputs_survive }, fx);
        }
        if let Some((address, others)) = address {
            fx.push(ApplicationEffect::AddressGone { address });
            for executor in others {
                let reason = reason.clone();
                self.schedule(Event::ExecutorLost { executor, reason, outputs_survive: false }, fx);
            }
        }
        self.fail_without_executors(fx);
    }
}

/// Decommission and dynamic allocation.
impl Application {
    fn decommission(&mut self, name: &str, with_files: bool, fx: &mut Vec<ApplicationEffect>) {
        let agent = match self.fleet.decommission(name, with_files) {
            Found::Agent(agent) => agent,
            Found::Waiting(agent) => {
                let reason = "it was decommissioned before it could begin".into();
                return fx.push(ApplicationEffect::Refuse { agent, reason });
            }
            Found::Nothing => return,
        };
        let executors = self.fleet.agents().get(&agent).map_or(vec![], |agent| agent.executors.clone());
        self.schedule(Event::ExecutorsDecommissioning { executors }, fx);
        match self.fleet.address_to_clear(agent) {
            Some(address) => self.fleet.migrations.begin(address),
            // Its files stay where they are, so it may end as soon as its tasks have ended.
            None => self.release(agent, fx),
        }
    }

    fn release(&mut self, agent: AgentId, fx: &mut Vec<ApplicationEffect>) {
        if self.fleet.release(agent) {
            fx.push(ApplicationEffect::Leave { agent });
        }
    }

    /// Takes each migration as far as it can go now.
    fn migrate(&mut self, fx: &mut Vec<ApplicationEffect>) {
        if self.fleet.migrations.is_empty() {
            return;
        }
        for address in self.fleet.migrations.addresses() {
            if !self.fleet.has_to_release(&address) {
                self.fleet.migrations.end(&address);
            } else if self.fleet.migrations.step(self.now, &address) == Step::Look {
                self.clear(&address, fx);
            }
        }
    }

    /// Has blocks copied that are left only at an address, or releases the agents there if nothing is left to
    /// copy.
    fn clear(&mut self, address: &str, fx: &mut Vec<ApplicationEffect>) {
        let (now, within_ms) = (self.now, self.fleet.decommission_within_ms());
        let mut sole_copies = self.scheduler.sole_copies(&self.fleet.executors_at(address));
        // The process that serves the files goes; the cached partitions of agents that stay are in their own processes.
        sole_copies.cached = self.scheduler.sole_copies(&self.fleet.going_from(address)).cached;
        let (busy, idle): (Vec<AgentId>, Vec<AgentId>) =
            self.fleet.to_release(address).into_iter().partition(|agent| self.is_busy(*agent));
        let is_over = self.fleet.migrations.is_over(now, address, !busy.is_empty(), within_ms);
        let takers = self.fleet.takers(address);
        if !is_over && self.store(address, &mut sole_copies, fx) && sole_copies.cached.is_empty() {
            return self.fleet.migrations.wait(now, address);
        }
        let Some(plan) = self.fleet.migrations.plan(address) else { return };
        if is_over || plan.is_hopeless(&sole_copies) {
            // An agent that still copies blocks of others would take the copies along.
            let is_asked = |agent| self.fleet.migrations.is_asked(agent) || self.fleet.copies.is_asked(agent);
            let may_end = |agent: &AgentId| is_over || !is_asked(*agent);
            let free: Vec<AgentId> = idle.into_iter().filter(may_end).collect();
            free.into_iter().for_each(|agent| self.release(agent, fx));
            return self.fleet.migrations.wait(now, address);
        }
        for (executor, copies) in plan.deal(&sole_copies, &takers) {
            let Some(agent) = self.fleet.owner(executor) else { continue };
            for (from, SoleCopies { outputs, cached }) in self.by_source(address, copies) {
                let Some(number) = self.fleet.migrations.ask(address, agent, now + within_ms) else {
                    continue;
                };
                let outputs = outputs.into_iter().map(|(shuffle, output)| (shuffle, output.map, output.task));
                let order = MigrateOrder { number, executor, from, outputs: outputs.collect(), cached };
                fx.push(ApplicationEffect::Migrate { agent, order });
            }
        }
        // A round may end at once with answers that have copied nothing. Without a pause, the few tries would
        // be used up in no time.
        self.fleet.migrations.wait(now, address);
    }

    /// Deals blocks by the addresses that serve them: map outputs are at the address that is cleared, and cached
    /// partitions there or with executors that keep them in memory.
    fn by_source(&self, address: &str, copies: SoleCopies) -> BTreeMap<String, SoleCopies> {
        let mut by_source: BTreeMap<String, SoleCopies> = BTreeMap::new();
        if !copies.outputs.is_empty() {
            by_source.entry(address.into()).or_default().outputs = copies.outputs;
        }
        for key in copies.cached {
            let holders = self.scheduler.holders(key.rdd, key.partition, key.version);
            let from = holders.into_iter().find_map(|holder| self.fleet.cached_address_of(holder));
            by_source.entry(from.unwrap_or(address).into()).or_default().cached.push(key);
        }
        by_source
    }

    /// Has map outputs that are left only at an address written to the shuffle storage, if there is one, by an agent
    /// there. Returns false if that cannot be, or was tried, and the outputs are to be copied to other hosts.
    fn store(
        &mut self,
        address: &str,
        sole_copies: &mut SoleCopies,
        fx: &mut Vec<ApplicationEffect>,
    ) -> bool {
        if sole_copies.outputs.is_empty() || !self.fleet.stores_outputs(address) {
            return false;
        }
        let Some(agent) = self.fleet.to_release(address).first().copied() else { return false };
        let outputs = sole_copies.outputs.iter();
        let outputs: Vec<_> = outputs.map(|(shuffle, output)| (*shuffle, output.map, output.task)).collect();
        let within_ms = self.fleet.decommission_within_ms();
        let asked = self.fleet.migrations.ask_to_store(self.now, address, agent, &outputs, within_ms);
        let Some(number) = asked else { return false };
        sole_copies.outputs.clear();
        fx.push(ApplicationEffect::Store { agent, order: StoreOrder { number, outputs } });
        true
    }

    /// Returns whether an agent has tasks, or results that are on their way.
    fn is_busy(&self, agent: AgentId) -> bool {
        let agent = self.fleet.agents().get(&agent);
        agent.is_some_and(|agent| agent.executors.iter().any(|executor| self.scheduler.is_busy(*executor)))
    }

    fn migrated(&mut self, agent: AgentId, report: MigrateReport, fx: &mut Vec<ApplicationEffect>) {
        let MigrateReport { number, executor, outputs, cached } = report;
        // The copies are of an executor that the agent has or had. Those of another agent's executor are not
        // its to report.
        let owner = self.fleet.owner(executor);
        if owner.is_some_and(|owner| owner != agent) || self.fleet.address_of(executor).is_none() {
            return;
        }
        let taken = outputs.len() + cached.len();
        let copied = cached.iter().map(|(key, _)| (*key).into()).collect();
        for (key, size) in cached {
            self.schedule(Event::BlockStored { executor, key, size }, fx);
        }
        if owner.is_some() && self.scheduler.knows_executor(executor) {
            self.schedule(Event::OutputsMoved { to: executor, outputs }, fx);
        } else {
            // The executor was lost meanwhile. Its copies may lie with a process that outlives it.
            outputs.into_iter().for_each(|output| self.output_dropped(output, executor, fx));
        }
        self.fleet.migrations.answered(agent, number, taken);
        self.fleet.copies.answered(self.now, (agent, number), &copied);
    }

    fn allocate(&mut self, fx: &mut Vec<ApplicationEffect>) {
        let Some(dynamic) = &mut self.allocation else { return };
        if dynamic.look_at > self.now {
            return;
        }
        dynamic.look_at = self.now + ALLOCATE_EVERY_MS;
        let demand = self.demand();
        let Some(dynamic) = &mut self.allocation else { return };
        let Decision { wanted, give_back } = dynamic.allocation.decide(self.now, &demand);
        if std::mem::replace(&mut dynamic.asked, wanted) != wanted {
            fx.push(ApplicationEffect::WantExecutors { executors: wanted });
        }
        give_back.iter().for_each(|name| self.decommission(name, false, fx));
    }

    fn demand(&self) -> Demand {
        let Load { waiting, running } = self.scheduler.load();
        let lent = self.fleet.staying().map(|agent| {
            let is_busy = agent.executors.iter().any(|executor| self.scheduler.is_busy(*executor));
            Lent {
                name: agent.registration.name.clone(),
                slots: agent.slots,
                is_busy,
                caches: !is_busy
                    && agent.executors.iter().any(|executor| self.scheduler.caches_any(*executor)),
            }
        });
        Demand { waiting, running, stuck: self.stuck.len() as u32, executors: lent.collect() }
    }
}

fn fetch_failure(task: TaskId, site: CallSite, message: String) -> TaskOutcome {
    TaskOutcome::failed(TaskFailure::Operation {
        operation: format!("fetch the result of task {task}"),
        message,
        site,
        retryable: true,
    })
}
