//! How a world begins, what befalls it, and how it is brought to its end.

use super::happening::{Fault, Happening};
use super::network::{Message, Peer};
use super::world::World;

impl World {
    /// Puts the beginning and all that is fated into the queue.
    pub(crate) fn begin(&mut self) {
        let window = self.scenario.quiet_from_ms;
        for host in 0..if self.scenario.standby { 2 } else { 1 } {
            self.time.at(host, Happening::MasterBorn { host: host as usize });
        }
        for host in 0..self.scenario.hosts.len() {
            let at = self.rng.below(5_000);
            self.time.at(at, Happening::WorkerBorn { host });
        }
        (0..self.scenario.programs as u32).for_each(|program| self.plan_program(program));
        (0..self.scenario.drivers as u32).for_each(|submission| self.plan_submission(submission));
        let faults = self.scenario.faults.clone();
        let fault_schedule = [
            (Fault::MasterDeath, faults.master_deaths),
            (Fault::MasterFreeze, faults.master_freezes),
            (Fault::ClockJump, faults.clock_jumps),
            (Fault::WorkerDeath, faults.worker_deaths),
            (Fault::WorkerFreeze, faults.worker_freezes),
            (Fault::Cut, faults.network_partitions),
            (Fault::Isolation, faults.isolations),
            (Fault::ProgramDeath, faults.program_deaths),
            (Fault::Decommission, faults.decommissions),
            (Fault::Kill, faults.kills),
        ];
        for (fault, times) in fault_schedule {
            for _ in 0..times {
                let at = self.rng.below(window);
                self.time.at(at, Happening::Fault(fault));
            }
        }
        self.time.at(window, Happening::Fault(Fault::Peace));
    }

    /// Lets it happen.
    pub(crate) fn befall(&mut self, fault: Fault) {
        match fault {
            Fault::MasterDeath | Fault::MasterFreeze => self.strike_master(fault),
            Fault::ClockJump if self.scenario.lease.clock_bound_ms > 0 => {
                let host = self.rng.below(2) as usize;
                self.clocks[host] = self.rng.below(self.scenario.lease.clock_bound_ms);
            }
            Fault::ClockJump => {}
            Fault::WorkerDeath | Fault::WorkerFreeze | Fault::Isolation | Fault::Decommission => {
                self.strike_worker(fault);
            }
            Fault::Cut => {
                let open = self.network.open();
                if !open.is_empty() {
                    self.report.struck += 1;
                    let link = *self.rng.pick(&open);
                    self.cut(link);
                }
            }
            Fault::ProgramDeath => {
                let living: Vec<u32> =
                    self.programs.iter().filter(|(_, program)| program.alive).map(|(id, _)| *id).collect();
                if !living.is_empty() {
                    self.report.struck += 1;
                    let id = *self.rng.pick(&living);
                    self.kill_program(id);
                }
            }
            Fault::Kill if !self.submissions.is_empty() => {
                let submission = self.rng.below(self.submissions.len() as u64) as u32;
                self.kills_driver(submission);
            }
            Fault::Kill => {}
            Fault::Peace => self.end_faults(),
        }
    }

    fn strike_master(&mut self, fault: Fault) {
        let living: Vec<u32> =
            self.masters.iter().filter(|(_, process)| process.alive).map(|(id, _)| *id).collect();
        if living.is_empty() {
            return;
        }
        let id = *self.rng.pick(&living);
        if matches!(fault, Fault::MasterDeath) {
            self.kill_master(id);
            return;
        }
        self.report.struck += 1;
        let freeze = self.rng.between(500, 90_000);
        let process = self.masters.get_mut(&id).expect("it lives");
        process.frozen_until = process.frozen_until.max(self.time.now + freeze);
    }

    fn strike_worker(&mut self, fault: Fault) {
        let living: Vec<u32> =
            self.machines.iter().filter(|(_, machine)| machine.alive).map(|(id, _)| *id).collect();
        if living.is_empty() {
            return;
        }
        self.report.struck += 1;
        let id = *self.rng.pick(&living);
        let long = self.rng.between(1_000, 150_000);
        let until = self.time.now + long;
        let machine = self.machines.get_mut(&id).expect("it lives");
        let host = machine.host;
        match fault {
            Fault::WorkerFreeze => machine.frozen_until = machine.frozen_until.max(until),
            Fault::Isolation => {
                machine.isolated_until = until;
                for link in self.connections_of(None, Some(Peer::Worker(id))) {
                    self.cut(link);
                }
            }
            Fault::Decommission => {
                if let Some(link) = machine.connection {
                    let message = firesteel_standalone::WorkerMessage::Decommission;
                    self.send_to_master(link, Message::Worker(message));
                }
            }
            _ => {
                self.end_worker(id);
                let delay = self.rng.between(500, 60_000);
                self.time.after(delay, Happening::WorkerBorn { host });
            }
        }
    }

    /// Nothing new goes wrong. Who stands still thaws in time.
    fn end_faults(&mut self) {
        for machine in self.machines.values_mut() {
            machine.isolated_until = machine.isolated_until.min(self.time.now);
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
