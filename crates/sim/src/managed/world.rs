//! The world: true time, a queue of what will happen, and everybody in it.

use super::checker::Checker;
use super::happening::Happening;
use super::report::ManagedReport;
use super::scenario::Scenario;
use super::state::{Executor, Lender, Program};
use crate::objection::Objection;
use crate::rng::Rng;
use crate::timeline::Timeline;
use firesteel_lending::{Pool, PoolAction, PoolEvent};
use firesteel_types::Millis;
use std::collections::BTreeMap;

/// Everything there is.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) scenario: Scenario,
    pub(crate) time: Timeline<Happening>,
    pool: Pool,
    /// The time of the tick that is due; others that are in the queue have been overtaken.
    tick_at: Option<u64>,
    pub(crate) lender: Lender,
    pub(crate) executors: BTreeMap<String, Executor>,
    pub(crate) program: Program,
    pub(crate) checker: Checker,
    pub(crate) report: ManagedReport,
}

impl World {
    /// The world of a seed, before anything has happened.
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut rng = Rng::new(seed ^ 0x4c4f_414e);
        let scenario = Scenario::new(seed, &mut rng);
        World {
            rng,
            time: Timeline::new(traced),
            pool: Pool::new(scenario.settings.clone()),
            tick_at: None,
            lender: Lender::default(),
            executors: BTreeMap::new(),
            program: Program::default(),
            checker: Checker::new(scenario.settings.clone()),
            report: ManagedReport { runs: 1, ..ManagedReport::default() },
            scenario,
        }
    }

    /// Returns whether faults have ended.
    pub(crate) fn is_quiet(&self) -> bool {
        self.time.now >= self.scenario.quiet_from_ms
    }

    /// Something goes wrong in so many of a thousand cases, until faults have ended.
    pub(crate) fn goes_wrong(&mut self, cases: u64) -> bool {
        !self.is_quiet() && self.rng.per_mille(cases)
    }

    /// The pool handles an event, and what it wants done is done: what its shell does.
    pub(crate) fn handle(&mut self, event: PoolEvent) -> Result<(), Objection> {
        let mut todo = vec![];
        let innocent = self.is_innocent(&event);
        self.checker.hear(self.time.now, &event, innocent)?;
        self.pool.handle(Millis(self.time.now), event, &mut todo);
        if !todo.is_empty() {
            self.time.trace(format!("-> {todo:?}"));
        }
        self.checker.look(self.time.now, &todo)?;
        self.checker.compare(self.pool.ready(), self.pool.outstanding())?;
        self.plan_tick();
        let mut refused = None;
        for action in todo {
            match action {
                PoolAction::Request(count) => refused = (!self.request(count)).then_some(count),
                PoolAction::Avoid(machines) => self.lender.avoids = machines,
                PoolAction::Withdraw(count) => self.withdraw(count),
                PoolAction::Release(name) => self.release(name),
                PoolAction::Decommissioned(name) => self.decommission(&name),
                PoolAction::Over(_) => self.give_up(),
                PoolAction::Ended(..) | PoolAction::Waits(_) => {}
            }
        }
        match refused {
            Some(count) => self.handle(PoolEvent::Refused { count, why: "the quota is used up".into() }),
            None => Ok(()),
        }
    }

    /// The pool is woken when it wants to be, and not before: a deadline that it forgets is missed.
    fn plan_tick(&mut self) {
        let due = self.pool.next_deadline().map(|at| at.0.max(self.time.now));
        if due != self.tick_at {
            self.tick_at = due;
            if let Some(at) = due {
                self.time.at(at, Happening::Tick);
            }
        }
    }

    pub(crate) fn tick(&mut self) -> Result<(), Objection> {
        if self.tick_at != Some(self.time.now) {
            return Ok(());
        }
        self.tick_at = None;
        self.handle(PoolEvent::Tick)
    }
}
