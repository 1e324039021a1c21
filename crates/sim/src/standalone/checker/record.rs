//! The record of what was seen, and the rules that it suffices for.

use crate::objection::Objection;
use firesteel_standalone::{
    ApplicationId, DriverId, DriverRun, Epoch, ExecutorName, FencedOrder, ProcessOutcome, Resources, Snapshot,
};
use std::collections::{BTreeMap, BTreeSet};

/// All that was seen so far, as far as it matters later.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    pub(super) running: BTreeMap<u32, BTreeMap<ExecutorName, Resources>>,
    pub(super) running_drivers: BTreeMap<u32, BTreeMap<DriverRun, Resources>>,
    /// When each executor was started.
    pub(super) started: BTreeMap<ExecutorName, u64>,
    pub(super) started_runs: BTreeSet<DriverRun>,
    pub(super) started_once: BTreeSet<DriverId>,
    pub(super) applications: BTreeMap<ApplicationId, u32>,
    pub(super) drivers: BTreeMap<DriverId, u32>,
    pub(super) masters: BTreeMap<Epoch, u32>,
    pub(super) last_epoch: Epoch,
    pub(super) numbers: (u32, u32),
    pub(super) failures: BTreeMap<ApplicationId, u32>,
}

impl Checker {
    pub(crate) fn enthroned(&mut self, epoch: Epoch, snapshot: &Snapshot) -> Result<(), Objection> {
        // A master that dies before it has written anything has told nothing either: its epoch is free.
        if epoch < self.last_epoch {
            return Err(format!("epoch {epoch} begins after {}", self.last_epoch));
        }
        self.last_epoch = epoch;
        let numbers = (snapshot.next_application, snapshot.next_driver);
        if numbers.0 < self.numbers.0 || numbers.1 < self.numbers.1 {
            return Err(format!("epoch {epoch} begins with numbers that were used: {numbers:?}"));
        }
        Ok(())
    }

    pub(crate) fn ordered(&mut self, master: u32, order: &FencedOrder) -> Result<(), Objection> {
        let holder = *self.masters.entry(order.epoch).or_insert(master);
        if holder == master { Ok(()) } else { Err(format!("epoch {} is two masters'", order.epoch)) }
    }

    pub(crate) fn executor_started(
        &mut self,
        (now, worker): (u64, u32),
        executor: &ExecutorName,
        resources: Resources,
    ) -> Result<(), Objection> {
        if self.started.insert(executor.clone(), now).is_some() {
            return Err(format!("executor {executor} is started twice"));
        }
        self.running.entry(worker).or_default().insert(executor.clone(), resources);
        Ok(())
    }

    pub(crate) fn driver_started(
        &mut self,
        worker: u32,
        run: &DriverRun,
        resources: Resources,
        supervise: bool,
    ) -> Result<(), Objection> {
        if !self.started_runs.insert(run.clone()) {
            return Err(format!("{run} is started twice"));
        }
        if !self.started_once.insert(run.driver.clone()) && !supervise {
            return Err(format!("{run} is started, and ran before without supervision"));
        }
        self.running_drivers.entry(worker).or_default().insert(run.clone(), resources);
        Ok(())
    }

    pub(crate) fn executor_over(&mut self, worker: u32, executor: &ExecutorName, outcome: &ProcessOutcome) {
        let was_there = self.running.get_mut(&worker).and_then(|all| all.remove(executor)).is_some();
        if was_there && outcome.is_failure() {
            *self.failures.entry(executor.application.clone()).or_default() += 1;
        }
    }

    pub(crate) fn driver_over(&mut self, worker: u32, run: &DriverRun, _outcome: &ProcessOutcome) {
        self.running_drivers.get_mut(&worker).and_then(|all| all.remove(run));
    }

    /// A worker's process has ended; gives the executors that ended with it.
    pub(crate) fn worker_over(&mut self, worker: u32) -> Vec<ExecutorName> {
        self.running_drivers.remove(&worker);
        self.running.remove(&worker).unwrap_or_default().into_keys().collect()
    }

    pub(crate) fn is_running(&self, executor: &ExecutorName) -> bool {
        self.running.values().any(|all| all.contains_key(executor))
    }

    /// Returns the resources of the processes that a worker really runs.
    pub(super) fn used(&self, worker: u32) -> Resources {
        let executors = self.running.get(&worker).into_iter().flat_map(BTreeMap::values);
        let drivers = self.running_drivers.get(&worker).into_iter().flat_map(BTreeMap::values);
        executors.chain(drivers).copied().sum()
    }

    pub(crate) fn files_removed(&self, worker: u32, application: &ApplicationId) -> Result<(), Objection> {
        let all = self.running.get(&worker).into_iter().flat_map(BTreeMap::keys);
        match all.into_iter().find(|name| name.application == *application) {
            None => Ok(()),
            Some(name) => Err(format!("the files of {name} are removed while it runs")),
        }
    }

    pub(crate) fn application_named(&mut self, id: &ApplicationId, program: u32) -> Result<(), Objection> {
        self.numbers.0 = self.numbers.0.max(number_of(id.as_str()) + 1);
        let owner = *self.applications.entry(id.clone()).or_insert(program);
        if owner == program { Ok(()) } else { Err(format!("{id} is program {owner}, and program {program}")) }
    }

    pub(crate) fn driver_named(&mut self, id: &DriverId, submission: u32) -> Result<(), Objection> {
        self.numbers.1 = self.numbers.1.max(number_of(id.as_str()) + 1);
        let owner = *self.drivers.entry(id.clone()).or_insert(submission);
        if owner == submission { Ok(()) } else { Err(format!("{id} was submitted twice")) }
    }

    pub(crate) fn failures_of(&self, id: &ApplicationId) -> u32 {
        self.failures.get(id).copied().unwrap_or(0)
    }
}

fn number_of(id: &str) -> u32 {
    id.rsplit('-').next().and_then(|digits| digits.parse().ok()).expect("names end in a number")
}
