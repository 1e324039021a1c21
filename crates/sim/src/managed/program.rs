//! The application: its driver, to which executors connect, and its wishes.

use super::happening::Happening;
use super::world::World;
use firesteel_lending::{Excluded, PoolEvent};

impl World {
    /// The driver tells the pool something, after all that it has told before.
    pub(crate) fn report_of_driver(&mut self, event: PoolEvent) {
        let delay = self.rng.below(20);
        let at = (self.time.now + delay).max(self.program.last_word_at);
        self.program.last_word_at = at;
        self.time.at(at, Happening::ToPool(event));
    }

    /// The connection of an executor is over, which the driver notices at once or when it has been silent for long.
    pub(crate) fn driver_notices(&mut self, name: &str) {
        let is_silent = self.goes_wrong(150);
        let delay = self.rng.below(if is_silent { 60_000 } else { 500 });
        // It does not hold up what is told of others, and is told after that this one has come.
        let at = (self.time.now + delay).max(self.program.last_word_at);
        self.time.at(at, Happening::ToPool(PoolEvent::Disconnected(name.into())));
    }

    pub(crate) fn wish(&mut self, executors: u32) {
        if self.program.has_ended {
            return;
        }
        self.program.wanted = executors;
        self.report_of_driver(PoolEvent::Want(executors));
        self.look_for_idle();
    }

    /// Tasks fail at some of the executors that have ever come, or on the whole machine of one.
    pub(crate) fn exclude(&mut self) {
        if self.program.met.is_empty() || self.program.has_ended {
            return;
        }
        self.report.excluded += 1;
        for _ in 0..self.rng.between(1, 3) {
            let name = self.rng.pick(&self.program.met).clone();
            let excluded = &mut self.program.excluded;
            let names =
                if self.rng.per_mille(200) { &mut excluded.with_machine } else { &mut excluded.alone };
            names.insert(name);
        }
        self.report_of_driver(PoolEvent::Excluded(self.program.excluded.clone()));
        let timeout = self.rng.between(1_000, 60_000);
        self.time.after(timeout, Happening::Includes);
    }

    /// The time of the exclusions is over.
    pub(crate) fn include(&mut self) {
        self.program.excluded = Excluded::default();
        self.report_of_driver(PoolEvent::Excluded(Excluded::default()));
    }

    /// More executors than wanted have no work after a while.
    pub(crate) fn look_for_idle(&mut self) {
        let delay = self.rng.between(100, 5_000);
        self.time.after(delay, Happening::GivesBack);
    }

    pub(crate) fn give_back(&mut self) {
        let staying =
            self.executors.iter().filter(|(_, executor)| executor.connected && !executor.is_leaving);
        let mut staying: Vec<String> = staying.map(|(name, _)| name.clone()).collect();
        while staying.len() > self.program.wanted as usize && !self.program.has_ended {
            let name = staying.remove(self.rng.below(staying.len() as u64) as usize);
            self.tell_to_leave(&name, 3_000);
        }
    }

    /// The application is told that one will be gone: it moves its blocks away, and tells it to end.
    pub(crate) fn decommission(&mut self, name: &str) {
        self.tell_to_leave(name, 15_000);
    }

    /// The application is told that it gets no executors, and ends.
    pub(crate) fn give_up(&mut self) {
        self.report.given_up += 1;
        let delay = self.rng.between(100, 20_000);
        self.time.after(delay, Happening::Finish);
    }

    pub(crate) fn finish(&mut self) {
        if std::mem::replace(&mut self.program.has_ended, true) {
            return;
        }
        if !self.is_quiet() && !self.checker.is_over() {
            self.report.ended_early += 1;
        }
        self.report_of_driver(PoolEvent::Finish);
        let connected = self.executors.iter().filter(|(_, executor)| executor.connected);
        let connected: Vec<String> = connected.map(|(name, _)| name.clone()).collect();
        connected.iter().for_each(|name| self.tell_to_leave(name, 3_000));
    }
}
