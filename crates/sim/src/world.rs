//! The world on one thread: a virtual clock, a queue of what will happen, a network that delays, loses and doubles.
//!
//! What is real here: the whole application (scheduler, fleet, results, dynamic allocation), the planner, the status fold. What is
//! simulated: agents ([`crate::machine`]), the network between them and the driver, the cluster that starts agents and tells how they end,
//! and the driver's shell, which is as small as a shell can be: messages become events, effects become orders. Data is really computed and
//! really read by the names that launches give, so a wrong name or a wrong generation shows in the answer.
//!
//! How messages fail: launches, kills, outcomes, heartbeats, requests to commit and the answers to them, and messages about cached
//! partitions can be lost, and everything can be doubled or late. What begins and ends an agent's life, and the dropping of files, are
//! repeated until they arrive, which here means that they are not lost. Agents do not repeat outcomes: the scheduler has to find out from
//! heartbeats that one was lost. An agent whose executor was declared lost finds its connection closed, and ends; another one starts
//! in its place, under other names.

use crate::caching::Caching;
use crate::checker::{Checker, JobRecord, Objection};
use crate::data::Data;
use crate::fault_schedule::Fault;
use crate::machine::{BlockName, CachedName, Machine, Plan, Store};
use crate::membership::Membership;
use crate::network_partitions::NetworkPartitions;
use crate::oracle::sum_in;
use crate::program::{ACCUMULATORS, Program};
use crate::report::Report;
use crate::rng::Rng;
use crate::scenario::Scenario;
use firesteel_scheduler::{
    AgentId, AgentMessage, Application, ApplicationEvent, ApplicationSettings, Event, FleetSettings,
    MigrateOrder, RegisterAgent, ReportedOutcome, TaskLaunch,
};
use firesteel_status::Status;
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, ExecutorId, ExecutorLossReason, JobId, RddId, ShuffleId, StageId,
    TaskId,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// More happenings than any seed needs: a world that has more makes no progress.
const HAPPENINGS_AT_MOST: u64 = 5_000_000;
/// Longer than any seed needs, in virtual milliseconds.
const TIME_AT_MOST_MS: u64 = 6 * 3_600_000;
/// After the last job, so long everything under way has ended: the longest freeze, a late message, a slow task.
const DRAIN_MS: u64 = 300_000;
/// The hash of the program that everybody should run.
pub(crate) const PROGRAM: [u8; 32] = [7; 32];
/// How much of the story is told when it ends badly, unless the variable `FIRESTEEL_SIM_LINES` says otherwise.
const LINES_TOLD: usize = 60;

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// The driver's order arrives at an agent.
    ToMachine {
        to: AgentId,
        order: Order,
    },
    /// An agent's message, or news of it, arrives at the driver.
    ToDriver {
        from: AgentId,
        message: Message,
    },
    /// An attempt has worked long enough.
    Worked {
        on: ExecutorId,
        task: TaskId,
    },
    /// An attempt has waited long enough for leave to commit, and asks again.
    AsksAgain {
        on: ExecutorId,
        task: TaskId,
    },
    /// An attempt has waited long enough for the others of its barrier stage, and asks again.
    CallsAgain {
        on: ExecutorId,
        task: TaskId,
        epoch: u32,
    },
    HeartbeatDue {
        on: AgentId,
    },
    Tick,
    Submit {
        job: JobId,
    },
    Cancel {
        job: JobId,
    },
    Release {
        shuffle: ShuffleId,
    },
    Persist {
        rdd: RddId,
    },
    Unpersist {
        rdd: RddId,
    },
    /// An executor makes room where a cached partition is.
    Evict {
        on: ExecutorId,
        cached: CachedName,
    },
    /// The user lets go of an RDD.
    ReleaseRdd {
        rdd: RddId,
    },
    /// The user begins an accumulator anew.
    Reset {
        accumulator: AccumulatorId,
    },
    /// The driver has the setting of worker processes.
    Setting,
    /// The driver has fetched a large result, or could not.
    Fetched {
        agent: AgentId,
        executor: ExecutorId,
        task: TaskId,
        address: String,
    },
    /// An agent has copied what the driver asked for.
    Copied {
        on: AgentId,
        request: MigrateOrder,
    },
    Fault(Fault),
}

/// An order of the driver to an agent.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Welcome(Vec<ExecutorId>),
    /// The worker process that waits for it is this executor.
    Next(ExecutorId),
    Launch(Box<TaskLaunch>, Arc<Plan>),
    Kill(TaskId),
    CommitDecision {
        task: TaskId,
        allowed: bool,
    },
    BarrierRelease {
        task: TaskId,
        epoch: u32,
        messages: Arc<[String]>,
    },
    BarrierRefused {
        task: TaskId,
        epoch: u32,
        reason: String,
        retryable: bool,
    },
    Drop(BlockName),
    DropResult(TaskId),
    /// The RDD is not persisted any more.
    DropCached(RddId, ExecutorId),
    Migrate(MigrateOrder),
    /// Take no more tasks, and end when those that run have ended.
    Leave,
    /// The driver lives.
    Alive,
    /// The connection is closed: the agent ends.
    Close,
}

/// A message of an agent to the driver, or news about an agent.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Register(Box<RegisterAgent>),
    Finished {
        executor: ExecutorId,
        task: TaskId,
        outcome: ReportedOutcome,
        data: Option<Box<Data>>,
        updates: Vec<AccumulatorUpdate>,
    },
    Agent(AgentMessage),
    /// Its connection has ended.
    Disconnected,
    /// The cluster tells how its process ended.
    Ended(ExecutorLossReason),
}

/// Everything there is.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) scenario: Scenario,
    pub(crate) program: Arc<Program>,
    pub(crate) now: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    happened: u64,
    sequence: u64,
    pub(crate) application: Application,
    pub(crate) status: Status,
    pub(crate) plans: BTreeMap<StageId, Arc<Plan>>,
    pub(crate) machines: BTreeMap<AgentId, Machine>,
    /// The agent of each executor that there ever was.
    pub(crate) owners: BTreeMap<ExecutorId, AgentId>,
    /// The files at each address.
    pub(crate) stores: BTreeMap<String, Store>,
    pub(crate) membership: Membership,
    /// How many agents the application wants, where it says so.
    pub(crate) wanted: Option<u64>,
    /// How many of these are on their way.
    pub(crate) starting: u64,
    /// Results that wait for those of others: with what they added to accumulators.
    pub(crate) held: BTreeMap<TaskId, (Box<Data>, Vec<AccumulatorUpdate>)>,
    /// The attempts whose map output the driver heard of.
    pub(crate) reported: BTreeSet<TaskId>,
    pub(crate) checker: Checker,
    pub(crate) caching: Caching,
    pub(crate) network_partitions: NetworkPartitions,
    /// By how much the driver's clock has jumped forward.
    pub(crate) skew_ms: u64,
    /// The settled part of each accumulator's value.
    pub(crate) settled: Vec<u64>,
    pub(crate) next_stage: u32,
    tick_at: Option<u64>,
    pub(crate) draining: bool,
    /// The jobs still to be submitted, and what each is about.
    pub(crate) programme: BTreeMap<JobId, RddId>,
    pub(crate) report: Report,
    story: Option<VecDeque<String>>,
    lines_told: usize,
}

impl World {
    /// The world of a seed, before anything has happened.
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut rng = Rng::new(seed);
        let scenario = Scenario::new(seed, &mut rng);
        let program = Program::new(seed, &scenario.size, &mut rng);
        let mut world = World {
            application: application(&scenario),
            rng,
            program: Arc::new(program),
            now: 0,
            queue: BTreeMap::new(),
            happened: 0,
            sequence: 0,
            status: Status::default(),
            plans: BTreeMap::new(),
            machines: BTreeMap::new(),
            owners: BTreeMap::new(),
            stores: BTreeMap::new(),
            membership: Membership::default(),
            wanted: None,
            starting: 0,
            held: BTreeMap::new(),
            reported: BTreeSet::new(),
            checker: Checker::default(),
            caching: Caching::default(),
            network_partitions: NetworkPartitions::default(),
            skew_ms: 0,
            settled: vec![0; ACCUMULATORS as usize],
            next_stage: 0,
            tick_at: None,
            draining: false,
            programme: BTreeMap::new(),
            report: Report { seed, executors: scenario.executors, ..Report::default() },
            story: traced.then(VecDeque::new),
            lines_told: std::env::var("FIRESTEEL_SIM_LINES")
                .ok()
                .and_then(|n| n.parse().ok())
                .unwrap_or(LINES_TOLD),
            scenario,
        };
        world.begin();
        world
    }

    /// Lets everything happen, until all jobs have ended and nothing is left.
    pub(crate) fn run(&mut self) -> Result<Report, Objection> {
        for accumulator in (0..ACCUMULATORS).map(AccumulatorId) {
            self.schedule(Event::AccumulatorRegistered { accumulator })?;
        }
        while self.checker.jobs.values().any(|job: &JobRecord| job.ended.is_none())
            || !self.programme.is_empty()
        {
            self.step()?;
        }
        self.report.ended_at_ms = self.now;
        self.draining = true;
        self.run_until(self.now + DRAIN_MS)?;
        self.check_idle()?;
        for shuffle in self.program.clone().shuffles.keys() {
            self.happen(Happening::Release { shuffle: *shuffle })?;
        }
        for rdd in self.program.rdds() {
            self.happen(Happening::ReleaseRdd { rdd })?;
        }
        self.check_accumulators()?;
        if !self.application.scheduler().is_empty() {
            return Err("the scheduler remembers something after everything was released".into());
        }
        self.run_until(self.now + DRAIN_MS)?;
        self.check_nothing_left()?;
        self.check_members()?;
        self.inform(ApplicationEvent::Stop, None)?;
        self.report.happenings = self.happened;
        self.report.updates_undone = self.checker.oracle.undone;
        self.report.versions_grown = self.checker.versions_grown;
        let barriers = &self.checker.barriers;
        (self.report.barriers, self.report.released) = (barriers.launched, barriers.released);
        (self.report.refused, self.report.results_dropped) = (barriers.refused, barriers.dropped);
        Ok(self.report.clone())
    }

    fn run_until(&mut self, end: u64) -> Result<(), Objection> {
        while self.queue.first_key_value().is_some_and(|(&(at, _), _)| at <= end) {
            self.step()?;
        }
        self.now = end;
        Ok(())
    }

    fn step(&mut self) -> Result<(), Objection> {
        let Some(((at, _), happening)) = self.queue.pop_first() else {
            return Err("jobs run, and nothing will ever happen again".into());
        };
        assert!(at >= self.now, "time does not go back");
        self.now = at;
        self.happened += 1;
        if self.happened > HAPPENINGS_AT_MOST || self.now > TIME_AT_MOST_MS {
            return Err(format!("no progress: {} happenings, {} ms", self.happened, self.now));
        }
        if self.story.is_some() && !is_routine(&happening) {
            self.trace(format!("{happening:?}"));
        }
        self.happen(happening)
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Objection> {
        match happening {
            Happening::ToMachine { to, order } => {
                // Files are dropped where they lie, whether or not the agent moves.
                let is_for_files = matches!(order, Order::Drop(_) | Order::DropResult(_));
                if is_for_files || self.moves(to, || Happening::ToMachine { to, order: order.clone() }) {
                    self.obey(to, order)?;
                }
            }
            Happening::ToDriver { from, message } => self.on_message(from, message)?,
            Happening::Worked { on, task } => {
                if self.is_awake(on, || Happening::Worked { on, task }) {
                    self.worked(on, task)?;
                }
            }
            Happening::AsksAgain { on, task } => {
                if self.is_awake(on, || Happening::AsksAgain { on, task }) {
                    self.ask_to_commit(on, task);
                }
            }
            Happening::CallsAgain { on, task, epoch } => {
                if self.is_awake(on, || Happening::CallsAgain { on, task, epoch }) {
                    self.call_barrier(on, task, epoch);
                }
            }
            Happening::HeartbeatDue { on } => {
                if self.moves(on, || Happening::HeartbeatDue { on }) {
                    self.beat(on);
                }
            }
            Happening::Tick => {
                self.tick_at = None;
                self.schedule(Event::Tick)?;
            }
            Happening::Submit { job } => self.submit(job)?,
            Happening::Cancel { job } => self.cancel(job)?,
            Happening::Release { shuffle } => {
                self.schedule(Event::ShuffleReleased { shuffle })?;
                self.checker.release_shuffle(&self.program, shuffle);
            }
            Happening::Persist { rdd } => self.persist(rdd),
            Happening::Unpersist { rdd } => self.unpersist(rdd)?,
            Happening::Evict { on, cached } => {
                if self.is_awake(on, || Happening::Evict { on, cached }) {
                    self.evict(on, cached);
                }
            }
            Happening::ReleaseRdd { rdd } => {
                self.unpersist(rdd)?;
                self.schedule(Event::RddReleased { rdd })?;
                self.checker.oracle.rdd_gone(rdd);
            }
            Happening::Reset { accumulator } => {
                self.settled[accumulator.0 as usize] = 0;
                self.checker.oracle.reset(accumulator, self.checker.last_task);
                self.schedule(Event::AccumulatorReset { accumulator })?;
            }
            Happening::Setting => {
                let setting = "the program's modules".into();
                self.inform(ApplicationEvent::WorkerSetting { setting }, None)?;
            }
            Happening::Fetched { agent, executor, task, address } => {
                self.fetched((agent, executor), task, &address)?;
            }
            Happening::Copied { on, request } => {
                if self.moves(on, || Happening::Copied { on, request: request.clone() }) {
                    self.copied(on, request);
                }
            }
            Happening::Fault(fault) => self.befall(fault)?,
        }
        Ok(())
    }

    /// Returns whether the agent of an executor moves.
    fn is_awake(&mut self, id: ExecutorId, again: impl FnOnce() -> Happening) -> bool {
        self.moves(self.owners[&id], again)
    }

    /// Returns whether an agent moves. To a frozen one, things happen when it thaws; to a dead one, nothing happens.
    fn moves(&mut self, id: AgentId, again: impl FnOnce() -> Happening) -> bool {
        let machine = &self.machines[&id];
        let thaws_at = machine.frozen_until;
        if !machine.alive {
            return false;
        }
        if thaws_at <= self.now {
            return true;
        }
        let delay = self.rng.below(20);
        self.at(thaws_at + delay, again());
        false
    }

    /// Something will happen.
    pub(crate) fn at(&mut self, time: u64, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((time.max(self.now), self.sequence), happening);
    }

    /// Something will happen soon.
    pub(crate) fn after(&mut self, delay: u64, happening: Happening) {
        self.at(self.now + delay, happening);
    }

    /// The driver sends an order to an executor over the network.
    pub(crate) fn order_executor(&mut self, to: ExecutorId, order: Order) {
        self.order(self.owners[&to], order);
    }

    /// The driver sends an order to an agent over the network.
    pub(crate) fn order(&mut self, to: AgentId, order: Order) {
        let can_be_lost = match &order {
            Order::Launch(..)
            | Order::Kill(_)
            | Order::CommitDecision { .. }
            | Order::BarrierRelease { .. }
            | Order::BarrierRefused { .. }
            | Order::Alive => true,
            Order::Welcome(_)
            | Order::Next(_)
            | Order::Drop(_)
            | Order::DropResult(_)
            | Order::DropCached(..)
            | Order::Migrate(_)
            | Order::Leave
            | Order::Close => false,
        };
        self.transmit(to, can_be_lost, Happening::ToMachine { to, order });
    }

    /// An agent sends a message over the network.
    pub(crate) fn send(&mut self, from: AgentId, message: Message) {
        let can_be_lost = match &message {
            Message::Finished { .. } => true,
            Message::Agent(message) => match message {
                AgentMessage::Alive { .. }
                | AgentMessage::TaskFinished { .. }
                | AgentMessage::CommitRequest { .. }
                | AgentMessage::BarrierSync { .. }
                | AgentMessage::BlockStored { .. }
                | AgentMessage::BlockDropped { .. } => true,
                AgentMessage::ExecutorReady { .. }
                | AgentMessage::ExecutorLost { .. }
                | AgentMessage::Migrated { .. }
                | AgentMessage::OutOfWorkers { .. }
                | AgentMessage::Leaving => false,
            },
            Message::Register(_) | Message::Disconnected | Message::Ended(_) => false,
        };
        self.transmit(from, can_be_lost, Happening::ToDriver { from, message });
    }

    /// A message between an agent and the driver. What is repeated until it arrives, arrives when a cut has healed.
    fn transmit(&mut self, agent: AgentId, can_be_lost: bool, message: Happening) {
        let faults = self.scenario.faults.clone();
        let quiet = self.is_quiet();
        let heals_at = self.machines.get(&agent).map_or(0, |machine| machine.cut_until);
        if heals_at > self.now && !can_be_lost {
            let delay = self.rng.between(1, 3_000);
            self.at(heals_at + delay, message);
            return;
        }
        let is_cut = heals_at > self.now;
        if can_be_lost && (is_cut || !quiet && self.rng.per_mille(faults.message_lost)) {
            self.report.messages_lost += 1;
            return;
        }
        if !quiet && self.rng.per_mille(faults.message_doubled) {
            let delay = self.delay(faults.message_late);
            self.after(delay, message.clone());
        }
        let delay = self.delay(if quiet { 0 } else { faults.message_late });
        self.after(delay, message);
    }

    fn delay(&mut self, late: u64) -> u64 {
        if self.rng.per_mille(late) { self.rng.between(500, 15_000) } else { self.rng.between(1, 20) }
    }

    /// How much has happened.
    pub(crate) fn happened(&self) -> u64 {
        self.happened
    }

    /// Returns whether faults have ended.
    pub(crate) fn is_quiet(&self) -> bool {
        self.draining || self.now >= self.scenario.quiet_from_ms
    }

    /// The scheduler wants to be called at some time.
    pub(crate) fn plan_tick(&mut self) {
        let Some(due) = self.application.next_deadline() else { return };
        let due = due.0.saturating_sub(self.skew_ms);
        if self.tick_at.is_none_or(|planned| due < planned) {
            self.tick_at = Some(due);
            self.at(due, Happening::Tick);
        }
    }

    /// Adds a line to the story, if there is one.
    pub(crate) fn trace(&mut self, line: impl Into<String>) {
        if let Some(story) = &mut self.story {
            let mut line = format!("{:>8} {}", self.now, line.into());
            if line.len() > 400 {
                line = line.chars().take(400).chain("...".chars()).collect();
            }
            story.push_back(line);
            if story.len() > self.lines_told {
                story.pop_front();
            }
        }
    }

    pub(crate) fn is_traced(&self) -> bool {
        self.story.is_some()
    }

    /// The last lines of the story.
    pub(crate) fn story(&self) -> Vec<String> {
        self.story.iter().flatten().cloned().collect()
    }

    fn check_idle(&self) -> Result<(), Objection> {
        if !self.application.is_idle() {
            return Err("all jobs have ended, but the application is not idle".into());
        }
        if let Some(stage) = self.plans.keys().next() {
            return Err(format!("all jobs have ended, but stage {stage} was not forgotten"));
        }
        let busy = self.status.stages().find(|stage| stage.running > 0 || stage.completed.is_none());
        if let Some(stage) = busy {
            return Err(format!("by its events, stage {} never ended", stage.stage));
        }
        match self.status.executors().find(|executor| executor.running > 0) {
            Some(executor) => Err(format!("by its events, executor {} is busy", executor.executor)),
            None => Ok(()),
        }
    }

    /// Compares what accumulators have with what they must have.
    pub(crate) fn check_accumulators(&mut self) -> Result<(), Objection> {
        self.report.accumulators_read += ACCUMULATORS;
        for (id, must) in self.checker.oracle.values().into_iter().enumerate() {
            let updates = self.application.scheduler().accumulator_updates(AccumulatorId(id as u64));
            let value = updates.iter().map(|bytes| sum_in(bytes)).fold(self.settled[id], u64::wrapping_add);
            if value != must {
                return Err(format!("accumulator {id} has {value}, but what counts adds up to {must}"));
            }
        }
        Ok(())
    }

    fn check_nothing_left(&self) -> Result<(), Objection> {
        if let Some(task) = self.held.keys().next() {
            return Err(format!("the result of task {task} is held for ever"));
        }
        for (address, store) in &self.stores {
            let left = store.blocks.keys().find(|(_, _, task)| self.reported.contains(task));
            if let Some((shuffle, map, task)) = left {
                return Err(format!("at {address} there still is shuffle_{shuffle}_{map}_{task}"));
            }
            if let Some(task) = store.results.keys().find(|task| self.reported.contains(task)) {
                return Err(format!("at {address} there still is the result of task {task}"));
            }
        }
        self.check_nothing_cached()
    }
}

/// The application of a scenario.
fn application(scenario: &Scenario) -> Application {
    let (scheduler, max_result_size) = (scenario.settings.clone(), scenario.max_result_size);
    let mut application = Application::new(ApplicationSettings { scheduler, max_result_size });
    application.set_fleet(FleetSettings {
        program: PROGRAM,
        has_processes: scenario.has_processes,
        task_cpus: 1,
        decommission_within_ms: scenario.decommission_within_ms,
        end_within_ms: scenario.end_within_ms,
    });
    if let Some(settings) = &scenario.allocation {
        application.allocate_dynamically(settings.clone());
    }
    application
}

/// Returns whether something happens all the time; the story then tells only its effects.
fn is_routine(happening: &Happening) -> bool {
    matches!(
        happening,
        Happening::HeartbeatDue { .. }
            | Happening::Tick
            | Happening::ToMachine { order: Order::Alive, .. }
            | Happening::ToDriver { message: Message::Agent(AgentMessage::Alive { .. }), .. }
    )
}
