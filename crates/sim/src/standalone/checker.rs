//! The rules that hold whatever happens.
//!
//! - Workers run no more than they have, whatever masters think of them.
//! - An executor is started once at most; so is each run of a driver, and a driver without supervision as a whole.
//! - An epoch is one process's. A master begins with nothing less than was written before it.
//! - A name belongs to one application or one driver for ever, and each keeps its own.
//! - An application is given up only after silence, and fails only if its executors did. Where connections keep their order, an
//!   executor is told to end only if its application wished it or ended, or its worker was out of touch for long.
//! - When faults have ended for long enough: what runs is what the master believes to run and what applications were told of;
//!   no application has more than it may have or waits for resources that are free; each driver is on record, and runs, has ended, or finds no room. When all have ended,
//!   nothing runs and no files are left.
//!
//! That snapshots are written before what they promise, and that one master leads at a time, [`super::masters`] checks.

mod record;

pub(crate) use record::Checker;

use super::machines::Machine;
use super::world::World;
use crate::objection::Objection;
use firesteel_standalone::{DriverRun, DriverState, ExecutorName, Overview, Resources};
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// To be looked at after each thing that a worker did.
    pub(crate) fn check_room(&self, worker: u32) -> Result<(), Objection> {
        let (used, has) = (self.checker.used(worker), self.scenario.hosts[self.machines[&worker].host]);
        if used.fits(has) { Ok(()) } else { Err(format!("worker {worker} has {has} and runs {used}")) }
    }

    /// Checks that there is a reason why a worker is told to end an executor.
    pub(crate) fn check_kill(&self, worker: u32, executor: &ExecutorName) -> Result<(), Objection> {
        if !self.scenario.keeps_order() {
            return Ok(());
        }
        let Some(program) =
            self.checker.applications.get(&executor.application).map(|program| &self.programs[program])
        else {
            return Ok(());
        };
        let is_wished = program.unwanted.contains(&executor.executor);
        // Whether it may have ended is looked at when the application hears of it.
        let written =
            self.storage.snapshots.last_key_value().into_iter().flat_map(|(_, last)| &last.applications);
        let has_ended = !written.into_iter().any(|record| record.application == executor.application);
        // A worker that is out of touch hears nothing, so it is told once it is back.
        let machine = &self.machines[&worker];
        let was_away = machine.was_away_until.is_some_and(|until| self.checker.started[executor] <= until);
        if is_wished || was_away || has_ended || program.is_ending() {
            return Ok(());
        }
        Err(format!("{executor} is told to end, and there is no reason"))
    }

    pub(crate) fn check_converged(&self) -> Result<(), Objection> {
        let overview = self.overview()?;
        if overview.recovering {
            return Err("the master still waits for others to come back".into());
        }
        self.check_same(&overview)?;
        self.check_nothing_waits(&overview)?;
        self.check_drivers()
    }

    /// How the one that leads sees everything.
    fn overview(&self) -> Result<Overview, Objection> {
        let leading: Vec<_> = self.masters.values().filter(|process| self.leads(process)).collect();
        match leading.as_slice() {
            [process] => Ok(process.master.as_ref().expect("who leads has a master").overview()),
            others => Err(format!("{} masters lead long after the last fault", others.len())),
        }
    }

    /// Checks that those processes run that the master believes to run, and of which the applications were told.
    fn check_same(&self, overview: &Overview) -> Result<(), Objection> {
        let mut believed: BTreeMap<u32, BTreeSet<ExecutorName>> = BTreeMap::new();
        for application in &overview.applications {
            for executor in &application.executors {
                let name = ExecutorName {
                    application: application.application.clone(),
                    executor: executor.executor,
                };
                believed.entry(self.names[&executor.worker]).or_default().insert(name);
            }
        }
        for (worker, machine) in self.machines.iter().filter(|(_, machine)| machine.alive) {
            let runs: BTreeSet<ExecutorName> =
                self.checker.running.get(worker).into_iter().flat_map(|all| all.keys().cloned()).collect();
            let believed = believed.remove(worker).unwrap_or_default();
            if runs != believed {
                return Err(format!("worker {worker} runs {runs:?}, and is believed to run {believed:?}"));
            }
            let view = overview.workers.iter().find(|view| view.worker == machine.id);
            let Some(view) = view else { return Err(format!("worker {worker} lives and is not known")) };
            let used = self.checker.used(*worker);
            if view.used != used {
                return Err(format!(
                    "worker {worker} has {used} taken, and is believed to have {}",
                    view.used
                ));
            }
        }
        if let Some((worker, _)) = believed.first_key_value() {
            return Err(format!("worker {worker} is dead, and is believed to run something"));
        }
        for (id, program) in self.programs.iter().filter(|(_, program)| program.alive) {
            let view =
                overview.applications.iter().find(|view| Some(&view.application) == program.id.as_ref());
            let Some(view) = view else { return Err(format!("program {id} lives and is not known")) };
            let has: BTreeSet<_> = view.executors.iter().map(|executor| executor.executor).collect();
            if has != program.known {
                return Err(format!("program {id} knows {:?} and has {has:?}", program.known));
            }
        }
        Ok(())
    }

    /// Checks that no application or driver waits for resources that are free.
    fn check_nothing_waits(&self, overview: &Overview) -> Result<(), Objection> {
        for program in self.programs.values().filter(|program| program.alive) {
            let Some(view) =
                overview.applications.iter().find(|view| Some(&view.application) == program.id.as_ref())
            else {
                continue;
            };
            let spec = &program.spec;
            let least = Resources::new(spec.cores_per_executor.unwrap_or(1), spec.memory_per_executor_mib);
            let max = spec.cores_max.or(self.scenario.settings.default_cores).unwrap_or(u32::MAX);
            if view.used.cores > max {
                return Err(format!("{} may have {max} cores and has {}", view.application, view.used));
            }
            let wants = max - view.used.cores >= least.cores
                && program.wanted.is_none_or(|wanted| (view.executors.len() as u32) < wanted);
            if wants && let Some(worker) = self.worker_with(least) {
                return Err(format!(
                    "could have {least} of worker {worker}: {view:?}; {:?}",
                    overview.workers
                ));
            }
            if view.executors.is_empty() && wants && view.waiting.is_none() {
                return Err(format!("{} waits and is not told why", view.application));
            }
        }
        Ok(())
    }

    fn worker_with(&self, least: Resources) -> Option<u32> {
        let has_room = |(id, machine): &(&u32, &Machine)| {
            let free = self.scenario.hosts[machine.host].minus(self.checker.used(**id));
            machine.alive && !machine.decommissioned && least.fits(free)
        };
        self.machines.iter().find(has_room).map(|(id, _)| *id)
    }

    /// Each driver that was promised is on record, and is as it is said to be.
    fn check_drivers(&self) -> Result<(), Objection> {
        let overview = self.overview()?;
        for submission in self.submissions.values() {
            let Some(driver) = &submission.driver else {
                return Err("a submission was never answered".into());
            };
            let mut all = overview.drivers.iter().chain(&overview.ended_drivers);
            let Some(view) = all.find(|view| view.driver == *driver) else {
                return Err(format!("{driver} is lost for good"));
            };
            let runs: Vec<(u32, &DriverRun)> = self
                .checker
                .running_drivers
                .iter()
                .flat_map(|(worker, all)| all.keys().map(|run| (*worker, run)))
                .filter(|(_, run)| run.driver == *driver)
                .collect();
            let is_right = match &view.state {
                DriverState::Running { worker, .. } => {
                    let run = DriverRun { driver: driver.clone(), attempt: view.launches - 1 };
                    runs == [(self.names[worker], &run)]
                }
                DriverState::Queued { .. } => runs.is_empty() && self.worker_with(view.resources).is_none(),
                DriverState::Finished | DriverState::Killed => runs.is_empty(),
                DriverState::Failed { .. } | DriverState::Error { .. } => runs.is_empty() && !view.supervise,
            };
            if !is_right {
                return Err(format!("{driver} is said to be {:?} and runs as {runs:?}", view.state));
            }
            if submission.killed && !view.state.is_final() {
                return Err(format!("{driver} was killed long ago and is {:?}", view.state));
            }
        }
        Ok(())
    }

    /// When everything has ended, nothing is left.
    pub(crate) fn check_empty(&self) -> Result<(), Objection> {
        let overview = self.overview()?;
        let left = overview.applications.first().map(|view| view.application.to_string());
        if let Some(left) = left.or(overview.drivers.first().map(|view| view.driver.to_string())) {
            return Err(format!("{left} has not ended"));
        }
        if overview.used != Resources::default() {
            return Err(format!("{} are taken, and nothing runs there", overview.used));
        }
        for (id, machine) in self.machines.iter().filter(|(_, machine)| machine.alive) {
            let report = machine.worker_state.report();
            if report != Default::default() || self.checker.used(*id) != Resources::default() {
                return Err(format!("worker {id} still has {report:?}"));
            }
        }
        Ok(())
    }
}
