//! How a world begins, and what befalls its executors.

use crate::checker::Objection;
use crate::machine::Machine;
use crate::world::{Happening, Message, World};
use firesteel_types::{ExecutorId, JobId, ShuffleId};
use std::collections::BTreeMap;

/// Something that befalls an executor, whichever it hits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
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
        for _ in 0..self.plot.executors {
            self.bear();
        }
        let window = self.plot.quiet_from_ms;
        let faults = self.plot.faults.clone();
        let fates = [
            (Fate::Death, faults.deaths),
            (Fate::SilentDeath, faults.silent_deaths),
            (Fate::Freeze, faults.freezes),
            (Fate::Decommission, faults.decommissions),
            (Fate::Leave, faults.leaves),
            (Fate::DriverCut, faults.driver_cuts),
            (Fate::HostCut, faults.host_cuts),
            (Fate::ServiceDeath, faults.service_deaths),
            (Fate::ClockJump, faults.clock_jumps),
        ];
        for (fate, times) in fates {
            for _ in 0..times {
                // Early fates hit while there is work: most jobs of a small world take seconds.
                let at = if self.chance.per_mille(700) {
                    self.chance.below(window / 3)
                } else {
                    self.chance.below(window)
                };
                self.at(at, Happening::Fate(fate));
            }
        }
        self.at(window, Happening::Fate(Fate::Peace));
        self.plan_jobs(window / 3, faults.cancellations);
        self.plan_caching(window / 3);
    }

    fn plan_jobs(&mut self, window: u64, cancellations: u64) {
        let rdds = self.program.rdds();
        let mut times: Vec<u64> = (0..self.plot.jobs).map(|_| self.chance.below(window)).collect();
        times.sort_unstable();
        let mut last_use: BTreeMap<ShuffleId, u64> = BTreeMap::new();
        for (job, &time) in times.iter().enumerate() {
            let job = JobId(job as u32);
            let young = rdds.len().saturating_sub(4);
            let rdd = *self.chance.pick(&rdds[young..]);
            self.programme.insert(job, rdd);
            self.at(time, Happening::Submit { job });
            let shuffles = self.program.lineage.cut(rdd).stages.into_iter().filter_map(|stage| stage.output);
            last_use.extend(shuffles.map(|shuffle| (shuffle, time)));
        }
        for _ in 0..cancellations {
            let job = self.chance.below(times.len() as u64);
            let delay = self.chance.below(10_000);
            self.at(times[job as usize] + delay, Happening::Cancel { job: JobId(job as u32) });
        }
        for (shuffle, time) in last_use {
            if self.chance.per_mille(300) {
                let delay = self.chance.between(1, 20_000);
                self.at(time + delay, Happening::Release { shuffle });
            }
        }
    }

    /// Lets it happen.
    pub(crate) fn befall(&mut self, fate: Fate) -> Result<(), Objection> {
        match fate {
            Fate::Birth => self.bear(),
            Fate::Peace => self.make_peace(),
            Fate::ClockJump => {
                let jump = self.chance.between(1_000, 200_000);
                self.trace(format!("the driver's clock jumps by {jump} ms"));
                self.skew_ms += jump;
                self.report.clock_jumps += 1;
                self.plan_tick();
            }
            Fate::Death
            | Fate::SilentDeath
            | Fate::Freeze
            | Fate::Decommission
            | Fate::Leave
            | Fate::DriverCut
            | Fate::HostCut
            | Fate::ServiceDeath => {
                let living: Vec<ExecutorId> =
                    self.machines.values().filter(|m| m.alive).map(|m| m.id).collect();
                if !living.is_empty() && !self.is_quiet() {
                    let id = *self.chance.pick(&living);
                    if matches!(fate, Fate::Leave) {
                        self.leave(id)?;
                    } else {
                        self.strike(id, fate);
                    }
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, id: ExecutorId) -> Result<(), Objection> {
        self.trace(format!("executor {id} is sent away"));
        self.report.executor_faults += 1;
        if self.chance.per_mille(800) {
            let delay = self.chance.between(100, 30_000);
            self.after(delay, Happening::Fate(Fate::Birth));
        }
        self.begin_leaving(id)
    }

    fn strike(&mut self, id: ExecutorId, fate: Fate) {
        self.trace(format!("{fate:?} of executor {id}"));
        self.report.executor_faults += 1;
        let host_service = self.plot.host_service;
        let now = self.now;
        let freeze = self.chance.between(1_000, 150_000);
        let moves =
            matches!(fate, Fate::Decommission) && self.chance.per_mille(self.plot.faults.outputs_moved);
        let machine = self.machines.get_mut(&id).expect("only what lives is struck");
        match fate {
            Fate::DriverCut => {
                machine.cut_until = machine.cut_until.max(now + freeze);
                self.report.cuts += 1;
                return;
            }
            Fate::HostCut => {
                let (host, other) = (machine.host.clone(), self.chance.below(self.plot.size.hosts));
                self.cuts.cut(&host, &format!("host{other}"), now + freeze);
                self.report.cuts += 1;
                return;
            }
            Fate::ServiceDeath => {
                let host = machine.host.clone();
                if host_service {
                    self.end_service(&host, now + freeze / 4);
                }
                return;
            }
            Fate::Freeze => {
                machine.frozen_until = now + freeze;
                return;
            }
            Fate::Decommission if moves => machine.move_away(),
            Fate::Death | Fate::SilentDeath | Fate::Decommission => machine.die(host_service),
            Fate::Birth | Fate::Peace | Fate::ClockJump | Fate::Leave => unreachable!("these strike nobody"),
        }
        if !matches!(fate, Fate::SilentDeath) {
            let delay = self.chance.between(1, 3_000);
            let life = self.machines[&id].life;
            let message = Message::Ended { decommissioned: matches!(fate, Fate::Decommission), moved: moves };
            self.after(delay, Happening::ToDriver { from: id, life, message });
        }
        if self.chance.per_mille(800) {
            let delay = self.chance.between(100, 30_000);
            self.after(delay, Happening::Fate(Fate::Birth));
        }
    }

    /// All outputs that were written on a host are gone.
    fn end_service(&mut self, host: &str, until: u64) {
        self.report.services_lost += 1;
        self.cuts.end_service(host, until);
        for machine in self.machines.values_mut().filter(|machine| machine.host == host) {
            machine.blocks.clear();
        }
    }

    fn bear(&mut self) {
        let id = ExecutorId(self.machines.len() as u32);
        let host = format!("host{}", self.chance.below(self.plot.size.hosts));
        let slow = self.chance.per_mille(self.plot.faults.slow_executor);
        let slots = self.chance.between(1, self.plot.slots) as u32;
        self.machines.insert(id, Machine::new(id, host, slots, if slow { 20 } else { 1 }));
        if !self.is_quiet() && self.chance.per_mille(self.plot.faults.never_registers) {
            self.report.never_registered += 1;
            self.machines.get_mut(&id).expect("it was put there just now").alive = false;
            return;
        }
        self.send(id, Message::Register);
        let first_beat = self.chance.below(self.plot.heartbeat_ms);
        self.after(first_beat, Happening::HeartbeatDue { on: id });
    }

    fn make_peace(&mut self) {
        for machine in self.machines.values_mut() {
            machine.frozen_until = machine.frozen_until.min(self.now + 1_000);
            machine.cut_until = machine.cut_until.min(self.now);
        }
        self.cuts.heal();
        let living = self.machines.values().filter(|machine| machine.alive).count();
        for _ in living..2 {
            self.bear();
        }
    }
}
