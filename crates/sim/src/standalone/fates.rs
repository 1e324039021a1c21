//! How a world begins, what befalls it, and how it is brought to its end.

use super::wires::Peer;
use super::world::{Happening, World};

/// Something that goes wrong, whomever it hits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// A master's process ends.
    MasterDeath,
    /// A master stands still for a while.
    MasterFreeze,
    /// The clock of a master's host jumps, within the bound.
    ClockJump,
    /// A worker's process ends, with all that it ran.
    WorkerDeath,
    /// A worker stands still for a while.
    WorkerFreeze,
    /// A connection breaks.
    Cut,
    /// A worker reaches no master for a while, and none reaches it.
    Isolation,
    /// An application's process ends without a word.
    ProgramDeath,
    /// A worker is sent away.
    Decommission,
    /// Somebody wants a driver to end.
    Kill,
    /// Faults end.
    Peace,
}

impl World {
    /// Puts the beginning and all that is fated into the queue.
    pub(crate) fn begin(&mut self) {
        let window = self.plot.quiet_from_ms;
        for host in 0..if self.plot.standby { 2 } else { 1 } {
            self.at(host, Happening::MasterBorn { host: host as usize });
        }
        for host in 0..self.plot.hosts.len() {
            let at = self.chance.below(5_000);
            self.at(at, Happening::WorkerBorn { host });
        }
        (0..self.plot.programs as u32).for_each(|program| self.plan_program(program));
        (0..self.plot.drivers as u32).for_each(|submission| self.plan_submission(submission));
        let faults = self.plot.faults.clone();
        let fates = [
            (Fate::MasterDeath, faults.master_deaths),
            (Fate::MasterFreeze, faults.master_freezes),
            (Fate::ClockJump, faults.clock_jumps),
            (Fate::WorkerDeath, faults.worker_deaths),
            (Fate::WorkerFreeze, faults.worker_freezes),
            (Fate::Cut, faults.cuts),
            (Fate::Isolation, faults.isolations),
            (Fate::ProgramDeath, faults.program_deaths),
            (Fate::Decommission, faults.decommissions),
            (Fate::Kill, faults.kills),
        ];
        for (fate, times) in fates {
            for _ in 0..times {
                let at = self.chance.below(window);
                self.at(at, Happening::Fate(fate));
            }
        }
        self.at(window, Happening::Fate(Fate::Peace));
    }

    /// Lets it happen.
    pub(crate) fn befall(&mut self, fate: Fate) {
        match fate {
            Fate::MasterDeath | Fate::MasterFreeze => self.strike_master(fate),
            Fate::ClockJump if self.plot.lease.clock_bound_ms > 0 => {
                let host = self.chance.below(2) as usize;
                self.clocks[host] = self.chance.below(self.plot.lease.clock_bound_ms);
            }
            Fate::ClockJump => {}
            Fate::WorkerDeath | Fate::WorkerFreeze | Fate::Isolation | Fate::Decommission => {
                self.strike_worker(fate);
            }
            Fate::Cut => {
                let open = self.wires.open();
                if !open.is_empty() {
                    self.report.struck += 1;
                    let link = *self.chance.pick(&open);
                    self.cut(link);
                }
            }
            Fate::ProgramDeath => {
                let living: Vec<u32> =
                    self.programs.iter().filter(|(_, program)| program.alive).map(|(id, _)| *id).collect();
                if !living.is_empty() {
                    self.report.struck += 1;
                    let id = *self.chance.pick(&living);
                    self.kill_program(id);
                }
            }
            Fate::Kill if !self.submissions.is_empty() => {
                let submission = self.chance.below(self.submissions.len() as u64) as u32;
                self.kills_driver(submission);
            }
            Fate::Kill => {}
            Fate::Peace => self.make_peace(),
        }
    }

    fn strike_master(&mut self, fate: Fate) {
        let living: Vec<u32> =
            self.masters.iter().filter(|(_, process)| process.alive).map(|(id, _)| *id).collect();
        if living.is_empty() {
            return;
        }
        let id = *self.chance.pick(&living);
        if matches!(fate, Fate::MasterDeath) {
            self.kill_master(id);
            return;
        }
        self.report.struck += 1;
        let freeze = self.chance.between(500, 90_000);
        let process = self.masters.get_mut(&id).expect("it lives");
        process.frozen_until = process.frozen_until.max(self.now + freeze);
    }

    fn strike_worker(&mut self, fate: Fate) {
        let living: Vec<u32> =
            self.machines.iter().filter(|(_, machine)| machine.alive).map(|(id, _)| *id).collect();
        if living.is_empty() {
            return;
        }
        self.report.struck += 1;
        let id = *self.chance.pick(&living);
        let long = self.chance.between(1_000, 150_000);
        let until = self.now + long;
        let machine = self.machines.get_mut(&id).expect("it lives");
        let host = machine.host;
        match fate {
            Fate::WorkerFreeze => machine.frozen_until = machine.frozen_until.max(until),
            Fate::Isolation => {
                machine.isolated_until = until;
                for link in self.wires_of(None, Some(Peer::Worker(id))) {
                    self.cut(link);
                }
            }
            Fate::Decommission => {
                if let Some(link) = machine.wire {
                    let message = firesteel_standalone::WorkerMessage::Decommission;
                    self.send_to_master(link, super::wires::Message::Worker(message));
                }
            }
            _ => {
                self.end_worker(id);
                let delay = self.chance.between(500, 60_000);
                self.after(delay, Happening::WorkerBorn { host });
            }
        }
    }

    /// Nothing new goes wrong. Who stands still thaws in time.
    fn make_peace(&mut self) {
        for machine in self.machines.values_mut() {
            machine.isolated_until = machine.isolated_until.min(self.now);
        }
    }

    /// All applications and drivers are to end.
    pub(crate) fn end_everything(&mut self) {
        let programs: Vec<u32> = self.programs.keys().copied().collect();
        programs.into_iter().for_each(|program| self.program_ends(program));
        let submissions: Vec<u32> = self.submissions.keys().copied().collect();
        submissions.into_iter().for_each(|submission| self.kills_driver(submission));
    }
}
