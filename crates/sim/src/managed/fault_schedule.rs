//! How a world begins, and what befalls it.

use super::happening::{Cause, Fault, Happening};
use super::state::CODE_OF_A_LIE;
use super::world::World;
use crate::objection::Objection;
use firesteel_lending::{Loss, PoolEvent};
use firesteel_types::ExecutorLossReason;

impl World {
    /// Puts the beginning and all that is fated into the queue.
    pub(crate) fn begin(&mut self) {
        for (at, executors) in self.scenario.wishes.clone() {
            self.time.at(at, Happening::Wish(executors));
        }
        let window = self.scenario.quiet_from_ms;
        let faults = self.scenario.faults.clone();
        let fault_schedule = [
            (Fault::Crash, faults.crashes),
            (Fault::Preemption, faults.preemptions),
            (Fault::Theft, faults.thefts),
            (Fault::NodeLoss, faults.node_losses),
            (Fault::Silence, faults.silences),
            (Fault::Quota, faults.quotas),
            (Fault::Lie, faults.lies),
            (Fault::Gift, faults.gifts),
        ];
        for (fault, times) in fault_schedule {
            for _ in 0..times {
                let at = self.rng.below(window);
                self.time.at(at, Happening::Fault(fault));
            }
        }
        for _ in 0..faults.exclusions {
            let at = self.rng.below(window);
            self.time.at(at, Happening::Excludes);
        }
        self.time.at(window, Happening::Fault(Fault::Peace));
        if self.scenario.ends_early {
            let at = self.rng.below(window);
            self.time.at(at, Happening::Finish);
        }
    }

    /// Lets it happen.
    pub(crate) fn befall(&mut self, fault: Fault) -> Result<(), Objection> {
        let living: Vec<String> = self
            .executors
            .iter()
            .filter(|(_, executor)| executor.alive)
            .map(|(name, _)| name.clone())
            .collect();
        let victim = (!living.is_empty()).then(|| self.rng.pick(&living).clone());
        let until = self.time.now + self.rng.between(1_000, 90_000);
        match (fault, victim) {
            (Fault::Crash, Some(name)) => self.end(&name, Cause::Crash),
            (Fault::Theft, Some(name)) => self.end(&name, Cause::Preempted),
            (Fault::Preemption, Some(name)) => self.preempt(name),
            (Fault::Lie, Some(name)) => self.lie(name),
            (Fault::NodeLoss, Some(name)) => {
                self.report.nodes_lost += 1;
                let node = self.executors[&name].node;
                let there = living.iter().filter(|name| self.executors[*name].node == node).cloned();
                let there: Vec<String> = there.collect();
                there.iter().for_each(|name| self.end(name, Cause::Node));
            }
            (Fault::Silence, _) => self.lender.silent_until = self.lender.silent_until.max(until),
            (Fault::Quota, _) => {
                self.lender.quota = self.rng.between(0, 4) as usize;
                self.lender.quota_until = until;
            }
            (Fault::Gift, _) => {
                for _ in 0..self.rng.between(1, 3) {
                    self.report.unasked += 1;
                    self.lend()?;
                }
            }
            (Fault::Peace, _) => self.end_faults(),
            (Fault::Crash | Fault::Theft | Fault::Preemption | Fault::Lie | Fault::NodeLoss, None) => {}
        }
        Ok(())
    }

    /// One is told that it will be taken away: by the manager, by its machine, or by both. It may take longer, or never happen.
    fn preempt(&mut self, name: String) {
        self.report.noticed += 1;
        let within_ms = self.rng.between(0, 40_000);
        let notice = PoolEvent::Preempted { name: name.clone(), within_ms };
        self.say(notice.clone());
        if self.executors[&name].connected && self.rng.per_mille(300) {
            self.report_of_driver(notice);
        }
        if self.rng.per_mille(800) {
            let later = if self.rng.per_mille(200) { self.rng.below(20_000) } else { 0 };
            self.time.after(within_ms + later, Happening::Ends(name, Cause::Preempted));
        }
    }

    /// The manager believes, or says, that one is gone which is not.
    fn lie(&mut self, name: String) {
        self.report.lies += 1;
        let reason = ExecutorLossReason::Exited { code: Some(CODE_OF_A_LIE) };
        let loss = if self.rng.per_mille(500) { Loss::own(reason) } else { Loss::taken("its node was lost") };
        let executor = self.executors.get_mut(&name).expect("it lives");
        executor.said_gone = true;
        self.say(PoolEvent::Lost { name, loss });
    }

    /// Nothing new goes wrong. What was cut off comes through.
    fn end_faults(&mut self) {
        self.include();
        self.lender.silent_until = self.lender.silent_until.min(self.time.now);
        self.lender.quota_until = self.lender.quota_until.min(self.time.now);
        let cut_off = self.executors.iter().filter(|(_, executor)| executor.alive && executor.is_cut_off);
        let cut_off: Vec<String> = cut_off.map(|(name, _)| name.clone()).collect();
        for name in cut_off {
            if self.scenario.ends_early {
                // What never comes through has to be given back by the end.
                continue;
            }
            self.executors.get_mut(&name).expect("it lives").is_cut_off = false;
            self.time.after(1_000, Happening::Started(name));
        }
    }
}
