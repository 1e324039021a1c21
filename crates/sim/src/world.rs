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
use crate::checker::Checker;
use crate::data::Data;
use crate::exclusion::ExclusionChecker;
use crate::happening::{Happening, Message, Order};
use crate::loans::Loans;
use crate::machine::{Machine, Plan, Store};
use crate::membership::Membership;
use crate::network_partitions::NetworkPartitions;
use crate::program::{ACCUMULATORS, Program};
use crate::report::Report;
use crate::rng::{Rng, mix2};
use crate::scenario::Scenario;
use crate::storing::Storage;
use firesteel_scheduler::{AgentId, AgentMessage, Application, ApplicationSettings, FleetSettings};
use firesteel_status::Status;
use firesteel_types::{AccumulatorUpdate, ExecutorId, JobId, RddId, StageId, TaskId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The hash of the program that everybody should run.
pub(crate) const PROGRAM: [u8; 32] = [7; 32];
/// How much of the story is told when it ends badly, unless the variable `FIRESTEEL_SIM_LINES` says otherwise.
const LINES_TOLD: usize = 60;

/// Everything there is.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) scenario: Scenario,
    pub(crate) program: Arc<Program>,
    pub(crate) now: u64,
    pub(crate) queue: BTreeMap<(u64, u64), Happening>,
    pub(crate) happened: u64,
    sequence: u64,
    pub(crate) application: Application,
    pub(crate) status: Status,
    pub(crate) plans: BTreeMap<StageId, Arc<Plan>>,
    pub(crate) machines: BTreeMap<AgentId, Machine>,
    /// The agent of each executor that there ever was.
    pub(crate) owners: BTreeMap<ExecutorId, AgentId>,
    /// The files at each address.
    pub(crate) stores: BTreeMap<String, Store>,
    pub(crate) storage: Storage,
    pub(crate) membership: Membership,
    /// How many agents the application wants, where it says so.
    pub(crate) wanted: Option<u64>,
    /// The pool that lends them, where there is one.
    pub(crate) loans: Option<Loans>,
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
    pub(crate) tick_at: Option<u64>,
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
        World {
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
            storage: Storage::default(),
            membership: Membership::default(),
            wanted: None,
            loans: scenario.is_on_loan.then(|| Loans::new(&mut Rng::new(mix2(seed, 0x6c6f_616e)))),
            starting: 0,
            held: BTreeMap::new(),
            reported: BTreeSet::new(),
            checker: Checker::new(ExclusionChecker::new(scenario.settings.exclusion, scenario.host_service)),
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
        }
    }

    /// Returns whether the agent of an executor moves.
    pub(crate) fn is_awake(&mut self, id: ExecutorId, again: impl FnOnce() -> Happening) -> bool {
        self.moves(self.owners[&id], again)
    }

    /// Returns whether an agent moves. To a frozen one, things happen when it thaws; to a dead one, nothing happens.
    pub(crate) fn moves(&mut self, id: AgentId, again: impl FnOnce() -> Happening) -> bool {
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
            | Order::Store(_)
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
                | AgentMessage::OutputsStored { .. }
                | AgentMessage::StoreDone { .. }
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
        repairs_copies: scenario.repairs_copies,
        stores_outputs: scenario.storage.is_some(),
    });
    if let Some(settings) = &scenario.allocation {
        application.allocate_dynamically(settings.clone());
    }
    application
}
