//! The faults of a seed: when they strike, and which agents.

use crate::happening::{Fault, Happening, Message};
use crate::machine::Machine;
use crate::objection::Objection;
use crate::scenario::Scenario;
use crate::world::{PROGRAM, World};
use firesteel_lending::PoolEvent;
use firesteel_scheduler::{AgentId, AgentMessage, ApplicationEvent, RegisterAgent};
use firesteel_types::{ExecutorId, ExecutorLossReason, JobId, ShuffleId};
use std::collections::BTreeMap;

impl World {
    /// Puts the beginning and all that is fated into the queue.
    pub(crate) fn begin(&mut self) {
        if self.scenario.allocation.is_some() || self.loans.is_some() {
            self.wanted = Some(self.scenario.executors);
        }
        if self.loans.is_some() {
            self.start_wanted();
        } else {
            (0..self.scenario.executors).for_each(|_| self.start_life());
        }
        if self.scenario.has_processes {
            let delay = self.rng.below(2_000);
            self.at(delay, Happening::Setting);
        }
        let window = self.scenario.quiet_from_ms;
        let faults = self.scenario.faults.clone();
        let fault_schedule = [
            (Fault::Death, faults.deaths),
            (Fault::SilentDeath, faults.silent_deaths),
            (Fault::Freeze, faults.freezes),
            (Fault::WorkerDeath, if self.scenario.has_processes { faults.worker_deaths } else { 0 }),
            (Fault::Decommission, faults.decommissions),
            (Fault::Leave, faults.leaves),
            (Fault::Preemption, faults.preemptions),
            (Fault::GiveUp, faults.give_ups),
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
        self.plan_changes(&times);
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
            // It was taken back in time.
            Fault::Birth if self.loans.is_some() && self.starting == 0 => {}
            Fault::Birth => {
                self.starting = self.starting.saturating_sub(1);
                self.start_life();
            }
            Fault::Kill(id) => self.strike(id, fault)?,
            Fault::Peace => self.end_faults(),
            Fault::ClockJump => {
                let jump = self.rng.between(1_000, 200_000);
                self.trace(format!("the driver's clock jumps by {jump} ms"));
                self.skew_ms += jump;
                self.report.clock_jumps += 1;
                self.plan_tick();
            }
            Fault::GiveUp => {
                if !self.is_quiet() {
                    self.membership.gave_up = true;
                    let reason = "the cluster is full".into();
                    self.inform(ApplicationEvent::NoMoreExecutors { reason }, None)?;
                }
            }
            Fault::Death
            | Fault::SilentDeath
            | Fault::Freeze
            | Fault::WorkerDeath
            | Fault::Decommission
            | Fault::Leave
            | Fault::Preemption
            | Fault::DriverCut
            | Fault::HostCut
            | Fault::ServiceDeath => {
                let living: Vec<AgentId> = self.machines.values().filter(|m| m.alive).map(|m| m.id).collect();
                if !living.is_empty() && !self.is_quiet() {
                    let id = *self.rng.pick(&living);
                    self.strike(id, fault)?;
                }
            }
        }
        Ok(())
    }

    fn strike(&mut self, id: AgentId, fault: Fault) -> Result<(), Objection> {
        self.trace(format!("{fault:?} of agent {}", id.0));
        self.report.executor_faults += 1;
        let until = self.now + self.rng.between(1_000, 150_000);
        let host = self.machines[&id].host.clone();
        match fault {
            Fault::DriverCut => {
                let machine = self.agent(id);
                machine.cut_until = machine.cut_until.max(until);
                self.report.network_partitions += 1;
            }
            Fault::HostCut => {
                let other = self.rng.below(self.scenario.size.hosts);
                self.network_partitions.cut(&host, &format!("host{other}"), until);
                self.report.network_partitions += 1;
            }
            Fault::ServiceDeath => {
                if self.scenario.host_service {
                    self.end_service(&host, until);
                }
            }
            Fault::Freeze => self.agent(id).frozen_until = until,
            Fault::WorkerDeath => self.kill_worker(id),
            Fault::Decommission => self.decommission(id, false)?,
            Fault::Leave => self.decommission_host(id)?,
            Fault::Preemption => {
                let notice = PoolEvent::Preempted { name: self.machines[&id].name(), within_ms: 30_000 };
                if !self.tell_pool(2_000, notice) {
                    self.decommission(id, false)?;
                }
                let delay = self.rng.between(1, 30_000);
                self.after(delay, Happening::Fault(Fault::Kill(id)));
            }
            Fault::Kill(id) => {
                if self.machines[&id].alive {
                    self.end(id, ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 }, false);
                }
            }
            Fault::Death => self.end(id, ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 }, false),
            Fault::SilentDeath => self.end(id, ExecutorLossReason::Exited { code: None }, true),
            Fault::Birth | Fault::Peace | Fault::ClockJump | Fault::GiveUp => {
                unreachable!("these strike no agent")
            }
        }
        Ok(())
    }

    fn kill_worker(&mut self, id: AgentId) {
        let executors: Vec<ExecutorId> = self.machines[&id].executors.iter().copied().collect();
        if executors.is_empty() {
            return;
        }
        let executor = *self.rng.pick(&executors);
        self.lose_worker(id, executor);
    }

    /// A worker process ends, and its agent tells the driver.
    pub(crate) fn lose_worker(&mut self, id: AgentId, executor: ExecutorId) {
        if !self.machines[&id].executors.contains(&executor) {
            return;
        }
        let cached = self.agent(id).caches.remove(&executor);
        self.store(id).cached.extend(cached.into_iter().flatten());
        self.agent(id).lose_worker(executor);
        self.report.workers_replaced += 1;
        let reason = ExecutorLossReason::Killed { signal: 11, peak_bytes: 0 };
        self.send(id, Message::Agent(AgentMessage::ExecutorLost { executor, reason }));
    }

    /// The cluster takes an agent away.
    pub(crate) fn decommission(&mut self, id: AgentId, with_files: bool) -> Result<(), Objection> {
        self.report.decommissions += 1;
        self.note_decommission(id);
        let name = self.machines[&id].name();
        self.inform(ApplicationEvent::Decommission { name, with_files }, None)?;
        self.replace();
        Ok(())
    }

    /// The cluster takes a host away, with all its agents and the service that has their files.
    fn decommission_host(&mut self, id: AgentId) -> Result<(), Objection> {
        if !self.scenario.host_service {
            return self.decommission(id, true);
        }
        let host = self.machines[&id].host.clone();
        self.network_partitions.leave(&host);
        let there = self.machines.values().filter(|machine| machine.alive && machine.host == host);
        let there: Vec<AgentId> = there.map(|machine| machine.id).collect();
        there.into_iter().try_for_each(|id| self.decommission(id, true))
    }

    /// An agent's process ends. Unless that is silent, its connection ends, and the cluster tells why: soon, too late, or never.
    pub(crate) fn end(&mut self, id: AgentId, reason: ExecutorLossReason, is_silent: bool) {
        let Scenario { host_service, has_processes, .. } = self.scenario;
        if !self.machines[&id].alive {
            return;
        }
        // Processes leave what they cache among the files at once, threads only when they end in peace.
        if has_processes {
            self.leave_cached(id);
        }
        let machine = self.agent(id);
        machine.die();
        if !host_service {
            let address = machine.address.clone();
            self.lose_files(&address);
        }
        if !is_silent {
            self.send(id, Message::Disconnected);
            if self.rng.per_mille(800) && !self.tell_loss(id, &reason) {
                let delay = self.rng.between(1, 4_000);
                self.after(delay, Happening::ToDriver { from: id, message: Message::Ended(reason) });
            }
        }
        self.replace();
    }

    /// Another agent may start in place of one that is gone.
    fn replace(&mut self) {
        if self.wanted.is_none() && self.rng.per_mille(800) {
            let delay = self.rng.between(100, 30_000);
            self.after(delay, Happening::Fault(Fault::Birth));
        }
        self.start_wanted();
    }

    /// The cluster starts as many agents as the application wants, where it says so.
    pub(crate) fn start_wanted(&mut self) {
        let Some(wanted) = self.wanted else { return };
        if self.tell_pool(0, PoolEvent::Want(wanted as u32)) {
            return;
        }
        let living =
            self.machines.values().filter(|machine| machine.alive && !machine.is_leaving).count() as u64;
        for _ in living + self.starting..wanted {
            self.starting += 1;
            let delay = self.rng.between(100, 10_000);
            self.after(delay, Happening::Fault(Fault::Birth));
        }
    }

    /// All outputs that were written on a host are gone.
    fn end_service(&mut self, host: &str, until: u64) {
        self.report.services_lost += 1;
        self.network_partitions.end_service(host, until);
        self.lose_files(&service_of(host));
    }

    /// Another agent starts, and introduces itself.
    fn start_life(&mut self) {
        let id = AgentId(self.machines.len() as u64);
        let mut host = format!("host{}", self.rng.below(self.scenario.size.hosts));
        if self.network_partitions.is_leaving(&host) {
            host = format!("host{}", self.scenario.size.hosts + id.0);
        }
        let slow = self.rng.per_mille(self.scenario.faults.slow_executor);
        let slots = self.rng.between(1, self.scenario.slots) as u32;
        let address = if self.scenario.host_service { service_of(&host) } else { format!("agent{}", id.0) };
        let mut machine = Machine::new(id, host.clone(), address.clone(), if slow { 20 } else { 1 });
        machine.heard_at = self.now;
        // What threads cache lies in the memory of their agent, and goes with it. Processes leave it to the service.
        if self.scenario.host_service && !self.scenario.has_processes {
            machine.cached_address = format!("agent{}:memory", id.0);
        }
        let cached = machine.cached_address.clone();
        machine.is_impostor = !self.is_quiet() && self.rng.per_mille(self.scenario.faults.impostors);
        let program = if machine.is_impostor { [8; 32] } else { PROGRAM };
        let name = machine.name();
        self.machines.insert(id, machine);
        self.tell_pool(3_000, PoolEvent::Granted { name: name.clone(), host: host.clone() });
        if !self.is_quiet() && self.rng.per_mille(self.scenario.faults.never_registers) {
            self.report.never_registered += 1;
            self.agent(id).alive = false;
            return self.start_wanted();
        }
        let registration = RegisterAgent {
            name,
            program,
            host,
            cores: slots,
            memory: 1 << 30,
            has_processes: self.scenario.has_processes,
            cached,
            blocks: address,
            outputs_survive: self.scenario.host_service,
            process: id.0 as u32,
        };
        self.send(id, Message::Register(Box::new(registration)));
    }

    fn end_faults(&mut self) {
        for machine in self.machines.values_mut() {
            machine.frozen_until = machine.frozen_until.min(self.now + 1_000);
            machine.cut_until = machine.cut_until.min(self.now);
        }
        self.network_partitions.heal();
        let living = self.machines.values().filter(|machine| machine.alive).count();
        if self.loans.is_none() {
            (living..2).for_each(|_| self.start_life());
        }
        self.start_wanted();
    }
}

/// The address at which a host's service has the files of its agents.
fn service_of(host: &str) -> String {
    format!("{host}:service")
}
