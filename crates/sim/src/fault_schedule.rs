//! How a world begins, and what befalls its executors.

use crate::checker::Objection;
use crate::machine::Machine;
use crate::world::{Happening, Message, World};
use firesteel_types::{ExecutorId, JobId, ShuffleId};
use std::collections::BTreeMap;

/// Something that befalls an executor, whichever it hits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Its process ends, and somebody says so.
    Death,
    /// Its process ends, and nobody says so.
    SilentDeath,
    /// It stands still for a while.
    Freeze,
    /// It is sent away.
    Decommission,
    /// It is sent away, and others take over what it has before it goes.
    Leave,
    /// Nothing passes between it and the driver for a while.
    DriverCut,
    /// Nothing passes between its host and another one for a while.
    HostCut,
    /// The service of its host ends, and comes back without what it had.
    ServiceDeath,
    /// The driver's clock jumps forward.
    ClockJump,
    /// A new one is there.
    Birth,
    /// Faults end; new ones come if few are left.
    Peace,
}

impl World {
    /// Puts the beginning and all that is fated into the queue.
    pub(crate) fn begin(&mut self) {
        for _ in 0..self.scenario.executors {
            self.start_life();
        }
        let window = self.scenario.quiet_from_ms;
        let faults = self.scenario.faults.clone();
        let fault_schedule = [
            (Fault::Death, faults.deaths),
            (Fault::SilentDeath, faults.silent_deaths),
            (Fault::Freeze, faults.freezes),
            (Fault::Decommission, faults.decommissions),
            (Fault::Leave, faults.leaves),
            (Fault::DriverCut, faults.driver_cuts),
            (Fault::HostCut, faults.host_cuts),
            (Fault::ServiceDeath, faults.service_deaths),
            (Fault::ClockJump, faults.clock_jumps),
        ];
        for (fault, times) in fault_schedule {
            for _ in 0..times {
                // Early fates hit while there is work: most jobs of a small world take seconds.
                let at =
                    if self.rng.per_mille(700) { self.rng.below(window / 3) } else { self.rng.below(window) };
                self.at(at, Happening::Fault(fault));
            }
        }
        self.at(window, Happening::Fault(Fault::Peace));
        self.plan_jobs(window / 3, faults.cancellations);
        self.plan_caching(window / 3);
    }

    fn plan_jobs(&mut self, window: u64, cancellations: u64) {
        let rdds = self.program.rdds();
        let mut times: Vec<u64> = (0..self.scenario.jobs).map(|_| self.rng.below(window)).collect();
        times.sort_unstable();
        let mut last_use: BTreeMap<ShuffleId, u64> = BTreeMap::new();
        for (job, &time) in times.iter().enumerate() {
            let job = JobId(job as u32);
            let young = rdds.len().saturating_sub(4);
            let rdd = *self.rng.pick(&rdds[young..]);
            self.programme.insert(job, rdd);
            self.at(time, Happening::Submit { job });
            let shuffles = self.program.lineage.cut(rdd).stages.into_iter().filter_map(|stage| stage.output);
            last_use.extend(shuffles.map(|shuffle| (shuffle, time)));
        }
        for _ in 0..cancellations {
            let job = self.rng.below(times.len() as u64);
            let delay = self.rng.below(10_000);
            self.at(times[job as usize] + delay, Happening::Cancel { job: JobId(job as u32) });
        }
        for (shuffle, time) in last_use {
            if self.rng.per_mille(300) {
                let delay = self.rng.between(1, 20_000);
                self.at(time + delay, Happening::Release { shuffle });
            }
        }
    }

    /// Lets it happen.
    pub(crate) fn befall(&mut self, fault: Fault) -> Result<(), Objection> {
        match fault {
            Fault::Birth => self.start_life(),
            Fault::Peace => self.end_faults(),
            Fault::ClockJump => {
                let jump = self.rng.between(1_000, 200_000);
                self.trace(format!("the driver's clock jumps by {jump} ms"));
                self.skew_ms += jump;
                self.report.clock_jumps += 1;
                self.plan_tick();
            }
            Fault::Death
            | Fault::SilentDeath
            | Fault::Freeze
            | Fault::Decommission
            | Fault::Leave
            | Fault::DriverCut
            | Fault::HostCut
            | Fault::ServiceDeath => {
                let living: Vec<ExecutorId> =
                    self.machines.values().filter(|m| m.alive).map(|m| m.id).collect();
                if !living.is_empty() && !self.is_quiet() {
                    let id = *self.rng.pick(&living);
                    if matches!(fault, Fault::Leave) {
                        self.leave(id)?;
                    } else {
                        self.strike(id, fault);
                    }
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, id: ExecutorId) -> Result<(), Objection> {
        self.trace(format!("executor {id} is sent away"));
        self.report.executor_faults += 1;
        if self.rng.per_mille(800) {
            let delay = self.rng.between(100, 30_000);
            self.after(delay, Happening::Fault(Fault::Birth));
        }
        self.begin_leaving(id)
    }

    fn strike(&mut self, id: ExecutorId, fault: Fault) {
        self.trace(format!("{fault:?} of executor {id}"));
        self.report.executor_faults += 1;
        let host_service = self.scenario.host_service;
        let now = self.now;
        let freeze = self.rng.between(1_000, 150_000);
        let moves =
            matches!(fault, Fault::Decommission) && self.rng.per_mille(self.scenario.faults.outputs_moved);
        let machine = self.machines.get_mut(&id).expect("only what lives is struck");
        match fault {
            Fault::DriverCut => {
                machine.cut_until = machine.cut_until.max(now + freeze);
                self.report.network_partitions += 1;
                return;
            }
            Fault::HostCut => {
                let (host, other) = (machine.host.clone(), self.rng.below(self.scenario.size.hosts));
                self.network_partitions.cut(&host, &format!("host{other}"), now + freeze);
                self.report.network_partitions += 1;
                return;
            }
            Fault::ServiceDeath => {
                let host = machine.host.clone();
                if host_service {
                    self.end_service(&host, now + freeze / 4);
                }
                return;
            }
            Fault::Freeze => {
                machine.frozen_until = now + freeze;
                return;
            }
            Fault::Decommission if moves => machine.move_away(),
            Fault::Death | Fault::SilentDeath | Fault::Decommission => machine.die(host_service),
            Fault::Birth | Fault::Peace | Fault::ClockJump | Fault::Leave => {
                unreachable!("these strike nobody")
            }
        }
        if !matches!(fault, Fault::SilentDeath) {
            let delay = self.rng.between(1, 3_000);
            let life = self.machines[&id].life;
            let message =
                Message::Ended { decommissioned: matches!(fault, Fault::Decommission), moved: moves };
            self.after(delay, Happening::ToDriver { from: id, life, message });
        }
        if self.rng.per_mille(800) {
            let delay = self.rng.between(100, 30_000);
            self.after(delay, Happening::Fault(Fault::Birth));
        }
    }

    /// All outputs that were written on a host are gone.
    fn end_service(&mut self, host: &str, until: u64) {
        self.report.services_lost += 1;
        self.network_partitions.end_service(host, until);
        for machine in self.machines.values_mut().filter(|machine| machine.host == host) {
            machine.blocks.clear();
        }
    }

    fn start_life(&mut self) {
        let id = ExecutorId(self.machines.len() as u32);
        let host = format!("host{}", self.rng.below(self.scenario.size.hosts));
        let slow = self.rng.per_mille(self.scenario.faults.slow_executor);
        let slots = self.rng.between(1, self.scenario.slots) as u32;
        self.machines.insert(id, Machine::new(id, host, slots, if slow { 20 } else { 1 }));
        if !self.is_quiet() && self.rng.per_mille(self.scenario.faults.never_registers) {
            self.report.never_registered += 1;
            self.machines.get_mut(&id).expect("it was put there just now").alive = false;
            return;
        }
        self.send(id, Message::Register);
        let first_beat = self.rng.below(self.scenario.heartbeat_ms);
        self.after(first_beat, Happening::HeartbeatDue { on: id });
    }

    fn end_faults(&mut self) {
        for machine in self.machines.values_mut() {
            machine.frozen_until = machine.frozen_until.min(self.now + 1_000);
            machine.cut_until = machine.cut_until.min(self.now);
        }
        self.network_partitions.heal();
        let living = self.machines.values().filter(|machine| machine.alive).count();
        for _ in living..2 {
            self.start_life();
        }
    }
}
