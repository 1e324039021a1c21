//! The cluster manager: it meets requests when it likes, in the order that it likes, and says what it likes.

use super::happening::{Cause, Happening};
use super::state::Executor;
use super::world::World;
use crate::objection::Objection;
use firesteel_lending::PoolEvent;

/// The longest that a word of the manager takes.
const LATE_MS: u64 = 40_000;

impl World {
    /// The manager says something: late, twice, after what it said later.
    pub(crate) fn say(&mut self, event: PoolEvent) {
        let late = self.scenario.faults.late;
        let mut copies = 1;
        if self.goes_wrong(self.scenario.faults.doubled) {
            self.report.doubled += 1;
            copies = 2;
        }
        for _ in 0..copies {
            let most = if self.goes_wrong(late) { LATE_MS } else { 200 };
            let at = (self.time.now + self.rng.below(most)).max(self.lender.silent_until);
            let at = at + if at == self.lender.silent_until { self.rng.below(500) } else { 0 };
            self.time.at(at, Happening::ToPool(event.clone()));
        }
    }

    /// Executors are asked for. Returns false if none of them will come; the first are not refused, since an application whose
    /// first are refused has not begun.
    pub(crate) fn request(&mut self, count: u32) -> bool {
        self.report.requested += u64::from(count);
        let is_full = self.is_full() && self.rng.per_mille(500);
        if self.time.now > 0 && (is_full || self.goes_wrong(self.scenario.faults.refused / 3)) {
            self.report.refusals += 1;
            return false;
        }
        self.lender.pending += count;
        for _ in 0..count {
            let most = if self.goes_wrong(200) { 30_000 } else { 1_500 };
            let delay = self.rng.below(most);
            self.time.after(delay, Happening::Meet);
        }
        true
    }

    pub(crate) fn withdraw(&mut self, count: u32) {
        self.report.withdrawn += u64::from(count);
        self.lender.pending = self.lender.pending.saturating_sub(count);
    }

    fn is_full(&self) -> bool {
        self.time.now < self.lender.quota_until
            && self.executors.values().filter(|executor| executor.alive).count() >= self.lender.quota
    }

    /// Looks at a request: it is met, refused, or waits for room.
    pub(crate) fn meet(&mut self) -> Result<(), Objection> {
        if self.lender.pending == 0 {
            if self.goes_wrong(self.scenario.faults.met_anyway) {
                self.report.unasked += 1;
                return self.lend();
            }
            return Ok(());
        }
        let has_no_machine = self.machines().is_empty();
        if has_no_machine || self.is_full() && self.rng.per_mille(500) {
            let delay = self.rng.between(500, 10_000);
            self.time.after(delay, Happening::Meet);
            return Ok(());
        }
        self.lender.pending -= 1;
        if self.is_full() || self.goes_wrong(self.scenario.faults.refused) {
            self.report.refusals += 1;
            self.say(PoolEvent::Refused { count: 1, why: "the quota is used up".into() });
            if !self.goes_wrong(self.scenario.faults.refused_and_met) {
                return Ok(());
            }
        }
        self.lend()?;
        while self.goes_wrong(self.scenario.faults.more) {
            self.report.unasked += 1;
            self.lend()?;
        }
        Ok(())
    }

    /// Returns the nodes on which it may start executors: none of those that it was told to avoid.
    fn machines(&self) -> Vec<u64> {
        (0..self.scenario.nodes).filter(|node| !self.lender.avoids.contains(&machine(*node))).collect()
    }

    /// Starts an executor where it may, and says so, before or after its process has begun.
    pub(crate) fn lend(&mut self) -> Result<(), Objection> {
        let nodes = self.machines();
        if nodes.is_empty() {
            return Ok(());
        }
        let node = *self.rng.pick(&nodes);
        self.checker.check_place(&machine(node))?;
        self.report.started += 1;
        self.lender.named += 1;
        // Names come in any order.
        let name = format!("e{}-{}", self.rng.below(100), self.lender.named);
        let is_cut_off = self.goes_wrong(self.scenario.faults.cut_off);
        self.report.cut_off += u64::from(is_cut_off);
        let executor = Executor { node, is_cut_off, ..Executor::default() };
        self.executors.insert(name.clone(), executor);
        self.say(PoolEvent::Granted { name: name.clone(), host: machine(node) });
        let most = if self.rng.per_mille(100) { 60_000 } else { 3_000 };
        let delay = self.rng.between(10, most);
        let fate = match self.goes_wrong(self.scenario.faults.fails) {
            true => Happening::Ends(name, Cause::Crash),
            false => Happening::Started(name),
        };
        self.time.after(delay, fate);
        Ok(())
    }

    /// An executor is given back: its process ends, sooner or later.
    pub(crate) fn release(&mut self, name: String) {
        self.report.released += 1;
        let most = if self.goes_wrong(self.scenario.faults.late) { LATE_MS } else { 1_000 };
        let delay = self.rng.below(most);
        self.time.after(delay, Happening::Released(name));
    }

    /// The manager ends a process, unless it believes that it is gone.
    pub(crate) fn released(&mut self, name: &str) {
        if self.executors.get(name).is_some_and(|executor| !executor.said_gone) {
            self.end(name, Cause::Released);
        }
    }
}

/// Returns the name by which the manager calls a node.
fn machine(node: u64) -> String {
    format!("node{node}")
}
