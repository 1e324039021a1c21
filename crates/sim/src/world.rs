//! The world on one thread: a virtual clock, a queue of what will happen, a network that delays, loses and doubles.
//!
//! What is real here: the scheduler, the planner, the status fold. What is simulated: executors ([`crate::machine`]), the
//! network between them and the driver, and the driver's shell, which is as small as a shell can be: words of executors
//! become events, effects become orders. Data is really computed and really read by the names that launches give, so a
//! wrong name or a wrong generation shows in the answer.
//!
//! How messages fail: launches, kills, outcomes, heartbeats, requests to commit and the answers to them, and what is said of
//! kept partitions can be lost, and everything can be doubled or late. Registration and the dropping of outputs are repeated until they arrive, which here
//! means that they are not lost. Executors do not repeat outcomes: that one was lost, the scheduler has to find out from
//! heartbeats. An executor that the scheduler does not know is told to register again, drops what it runs and keeps, and
//! does so; what belongs to its earlier life is not listened to.

use crate::caching::Caching;
use crate::checker::{Checker, JobRecord, Objection};
use crate::data::Data;
use crate::fault_schedule::Fault;
use crate::machine::{BlockName, CachedName, Machine, Plan};
use crate::network_partitions::NetworkPartitions;
use crate::oracle::sum_in;
use crate::program::{ACCUMULATORS, Program};
use crate::report::Report;
use crate::rng::Rng;
use crate::scenario::Scenario;
use firesteel_scheduler::{Event, Scheduler, TaskLaunch, TaskOutcome};
use firesteel_status::Status;
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, ExecutorId, JobId, RddId, ShuffleId, StageId, TaskId,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// More happenings than any seed needs: a world that has more makes no progress.
const HAPPENINGS_AT_MOST: u64 = 5_000_000;
/// Longer than any seed needs, in virtual milliseconds.
const TIME_AT_MOST_MS: u64 = 6 * 3_600_000;
/// After the last job, so long everything under way has ended: the longest freeze, a late message, a slow task.
const DRAIN_MS: u64 = 300_000;
/// How much of the story is told when it ends badly.
const LINES_TOLD: usize = 60;

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// The driver's order arrives. It belongs to the executor's life that the driver knew when it spoke.
    ToMachine {
        to: ExecutorId,
        life: u32,
        order: Order,
    },
    /// An executor's word arrives.
    ToDriver {
        from: ExecutorId,
        life: u32,
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
        on: ExecutorId,
    },
    Tick,
    Submit {
        job: JobId,
    },
    Cancel {
        job: JobId,
    },
    TooLarge {
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
    /// An executor makes room where a kept partition is.
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
    /// Others take over what an executor has that is leaving, for so many rounds so far.
    Moves {
        from: ExecutorId,
        rounds: u32,
    },
    Fault(Fault),
}

/// What the driver tells an executor.
#[derive(Clone, Debug)]
pub(crate) enum Order {
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
    /// Nobody wants the RDD to be kept any more.
    DropCached(RddId),
    RegisterAgain,
}

/// What an executor tells the driver.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Register,
    Heartbeat(Vec<TaskId>),
    Finished {
        task: TaskId,
        outcome: TaskOutcome,
        data: Option<Box<Data>>,
        updates: Vec<AccumulatorUpdate>,
    },
    CommitRequest(TaskId),
    BarrierSync {
        task: TaskId,
        epoch: u32,
        message: Option<String>,
    },
    Stored(CachedName),
    Dropped(CachedName),
    /// It has map outputs that another had.
    Migrated(Vec<BlockName>),
    /// It is gone, as it was told to, and its host with it. Not its own word, either.
    Gone,
    /// Not the executor's own word, but that of whoever started it.
    Ended {
        decommissioned: bool,
        /// What it wrote can be read nevertheless.
        moved: bool,
    },
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
    pub(crate) scheduler: Scheduler,
    pub(crate) status: Status,
    pub(crate) plans: BTreeMap<StageId, Arc<Plan>>,
    /// In which life each executor is registered.
    pub(crate) lives: BTreeMap<ExecutorId, u32>,
    pub(crate) machines: BTreeMap<ExecutorId, Machine>,
    /// Results that wait for those of others: with what they added to accumulators.
    pub(crate) held: BTreeMap<TaskId, (Box<Data>, Vec<AccumulatorUpdate>)>,
    /// The attempts whose map output the driver heard of.
    pub(crate) reported: BTreeSet<TaskId>,
    pub(crate) checker: Checker,
    pub(crate) caching: Caching,
    pub(crate) network_partitions: NetworkPartitions,
    /// By how much the driver's clock has jumped forward.
    pub(crate) skew_ms: u64,
    /// What each accumulator has of updates that are settled.
    pub(crate) settled: Vec<u64>,
    pub(crate) next_stage: u32,
    tick_at: Option<u64>,
    pub(crate) draining: bool,
    /// The jobs still to be submitted, and what each is about.
    pub(crate) programme: BTreeMap<JobId, RddId>,
    pub(crate) report: Report,
    story: Option<VecDeque<String>>,
}

impl World {
    /// The world of a seed, before anything has happened.
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut rng = Rng::new(seed);
        let scenario = Scenario::new(seed, &mut rng);
        let program = Program::new(seed, &scenario.size, &mut rng);
        let mut world = World {
            scheduler: Scheduler::new(scenario.settings.clone()),
            rng,
            program: Arc::new(program),
            now: 0,
            queue: BTreeMap::new(),
            happened: 0,
            sequence: 0,
            status: Status::default(),
            plans: BTreeMap::new(),
            lives: BTreeMap::new(),
            machines: BTreeMap::new(),
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
            scenario,
        };
        world.begin();
        world
    }

    /// Lets everything happen, until all jobs have ended and nothing is left.
    pub(crate) fn run(&mut self) -> Result<Report, Objection> {
        for accumulator in (0..ACCUMULATORS).map(AccumulatorId) {
            self.inform(Event::AccumulatorRegistered { accumulator }, None)?;
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
        if !self.scheduler.is_empty() {
            return Err("the scheduler remembers something after everything was released".into());
        }
        self.run_until(self.now + DRAIN_MS)?;
        self.check_nothing_left()?;
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
            Happening::ToMachine { to, life, order } => {
                if self.is_awake(to, || Happening::ToMachine { to, life, order: order.clone() }) {
                    self.obey(to, life, order)?;
                }
            }
            Happening::ToDriver { from, life, message } => self.on_message(from, life, message)?,
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
                if self.is_awake(on, || Happening::HeartbeatDue { on }) {
                    self.beat(on);
                }
            }
            Happening::Tick => {
                self.tick_at = None;
                self.inform(Event::Tick, None)?;
            }
            Happening::Submit { job } => self.submit(job)?,
            Happening::Cancel { job } => self.cancel(job)?,
            Happening::TooLarge { job } => self.too_large(job)?,
            Happening::Release { shuffle } => {
                self.inform(Event::ShuffleReleased { shuffle }, None)?;
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
                self.inform(Event::RddReleased { rdd }, None)?;
                self.checker.oracle.rdd_gone(rdd);
            }
            Happening::Reset { accumulator } => {
                self.settled[accumulator.0 as usize] = 0;
                self.checker.oracle.reset(accumulator, self.checker.last_task);
                self.inform(Event::AccumulatorReset { accumulator }, None)?;
            }
            Happening::Moves { from, rounds } => self.moves(from, rounds)?,
            Happening::Fault(fault) => self.befall(fault)?,
        }
        Ok(())
    }

    /// Whether an executor moves. What happens to a frozen one happens when it thaws; to a dead one, nothing happens.
    fn is_awake(&mut self, id: ExecutorId, again: impl FnOnce() -> Happening) -> bool {
        let machine = &self.machines[&id];
        let thaws_at = machine.frozen_until;
        if !machine.alive && !machine.moved && !self.scenario.host_service {
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

    /// The driver sends an order over the network.
    pub(crate) fn order(&mut self, to: ExecutorId, order: Order) {
        let life = self.lives.get(&to).copied().unwrap_or(0);
        let can_be_lost = match &order {
            Order::Launch(..)
            | Order::Kill(_)
            | Order::CommitDecision { .. }
            | Order::BarrierRelease { .. }
            | Order::BarrierRefused { .. } => true,
            Order::Drop(_) | Order::DropCached(_) | Order::RegisterAgain => false,
        };
        self.transmit(to, can_be_lost, Happening::ToMachine { to, life, order });
    }

    /// An executor sends a word over the network.
    pub(crate) fn send(&mut self, from: ExecutorId, message: Message) {
        let life = self.machines[&from].life;
        let can_be_lost = match &message {
            Message::Heartbeat(_)
            | Message::Finished { .. }
            | Message::CommitRequest(_)
            | Message::BarrierSync { .. }
            | Message::Stored(_)
            | Message::Dropped(_) => true,
            Message::Register | Message::Ended { .. } | Message::Migrated(_) | Message::Gone => false,
        };
        self.transmit(from, can_be_lost, Happening::ToDriver { from, life, message });
    }

    /// A message between an executor and the driver. What is repeated until it arrives, arrives when a cut has healed.
    fn transmit(&mut self, executor: ExecutorId, can_be_lost: bool, message: Happening) {
        let faults = self.scenario.faults.clone();
        let quiet = self.is_quiet();
        let heals_at = self.machines.get(&executor).map_or(0, |machine| machine.cut_until);
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

    /// Whether faults have ended.
    pub(crate) fn is_quiet(&self) -> bool {
        self.draining || self.now >= self.scenario.quiet_from_ms
    }

    /// The scheduler wants to be called at some time.
    pub(crate) fn plan_tick(&mut self) {
        let Some(due) = self.scheduler.next_deadline() else { return };
        let due = due.0.saturating_sub(self.skew_ms);
        if self.tick_at.is_none_or(|planned| due < planned) {
            self.tick_at = Some(due);
            self.at(due, Happening::Tick);
        }
    }

    /// Adds to the story, if somebody listens.
    pub(crate) fn trace(&mut self, line: impl Into<String>) {
        if let Some(story) = &mut self.story {
            let mut line = format!("{:>8} {}", self.now, line.into());
            if line.len() > 400 {
                line = line.chars().take(400).chain("...".chars()).collect();
            }
            story.push_back(line);
            if story.len() > LINES_TOLD {
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
        if !self.scheduler.is_idle() {
            return Err("all jobs have ended, but the scheduler is not idle".into());
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
            let updates = self.scheduler.accumulator_updates(AccumulatorId(id as u64));
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
        for machine in self.machines.values() {
            let left = machine.blocks.keys().find(|(_, _, task)| self.reported.contains(task));
            if let Some((shuffle, map, task)) = left {
                return Err(format!("executor {} still has shuffle_{shuffle}_{map}_{task}", machine.id));
            }
        }
        self.check_nothing_cached()
    }
}

/// What happens all the time and is told only by its effects.
fn is_routine(happening: &Happening) -> bool {
    matches!(
        happening,
        Happening::HeartbeatDue { .. }
            | Happening::Tick
            | Happening::ToDriver { message: Message::Heartbeat(_), .. }
    )
}
