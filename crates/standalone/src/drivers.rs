//! The table of drivers that the cluster runs, and what happens when a run ends.

use crate::settings::MasterSettings;
use crate::snapshot::DriverRecord;
use firesteel_protocol::standalone::{
    DriverId, DriverRun, DriverState, Payload, ProcessOutcome, RequestKey, WorkerId,
};
use firesteel_types::Millis;
use std::collections::{BTreeMap, VecDeque};

/// All drivers, and some that ended.
#[derive(Debug, Default)]
pub(crate) struct Drivers {
    /// By number, which is the order in which they were submitted.
    table: BTreeMap<u32, DriverRecord>,
    numbers: BTreeMap<DriverId, u32>,
    /// The reason for which each waiting driver is not launched.
    pub(crate) waiting: BTreeMap<DriverId, String>,
    pub(crate) ended: VecDeque<DriverRecord>,
}

/// The end of a run of a driver.
#[derive(Clone, Debug)]
pub(crate) enum RunEnd {
    /// Its worker said so.
    Told(ProcessOutcome),
    /// Its worker was lost; why.
    WorkerLost(String),
}

impl DriverRecord {
    /// Returns the run that its worker was told to begin last.
    pub(crate) fn run(&self) -> DriverRun {
        assert!(self.launches > 0, "a driver that was never launched has no run");
        DriverRun { driver: self.driver.clone(), attempt: self.launches - 1 }
    }

    /// Returns the worker that runs it.
    pub(crate) fn worker(&self) -> Option<&WorkerId> {
        match &self.state {
            DriverState::Running { worker, .. } => Some(worker),
            DriverState::Queued { .. }
            | DriverState::Finished
            | DriverState::Failed { .. }
            | DriverState::Killed
            | DriverState::Error { .. } => None,
        }
    }

    /// Returns the state after a run has ended; `killed` says whether a client asked for that.
    fn after(
        &mut self,
        (now, ran_for_ms): (Millis, u64),
        killed: bool,
        end: RunEnd,
        settings: &MasterSettings,
    ) -> DriverState {
        let failed = match end {
            RunEnd::Told(ProcessOutcome::Exited { code: 0 }) => return DriverState::Finished,
            _ if killed => return DriverState::Killed,
            RunEnd::Told(ProcessOutcome::NeverStarted) => return DriverState::Queued { not_before: now },
            RunEnd::Told(outcome @ (ProcessOutcome::Exited { .. } | ProcessOutcome::Signalled { .. })) => {
                DriverState::Failed { outcome }
            }
            RunEnd::Told(ProcessOutcome::FailedToStart { reason }) => DriverState::Error { reason },
            RunEnd::Told(ProcessOutcome::Killed) => {
                DriverState::Error { reason: "its worker ended it, since it was thought to be lost".into() }
            }
            RunEnd::WorkerLost(why) => DriverState::Error { reason: format!("its worker was lost: {why}") },
        };
        if self.spec.supervise { self.again(now, ran_for_ms, settings) } else { failed }
    }

    /// Queues the driver again after a wait, which is twice as long after each failure in a row.
    fn again(&mut self, now: Millis, ran_for_ms: u64, settings: &MasterSettings) -> DriverState {
        if ran_for_ms > settings.supervise_backoff_max_ms {
            self.failures_in_a_row = 0;
        }
        let doublings = self.failures_in_a_row.min(30);
        self.failures_in_a_row += 1;
        let delay = settings.supervise_backoff_ms.saturating_mul(1 << doublings);
        DriverState::Queued { not_before: now + delay.min(settings.supervise_backoff_max_ms) }
    }
}

impl Drivers {
    pub(crate) fn insert(&mut self, driver: DriverRecord) {
        self.numbers.insert(driver.driver.clone(), driver.number);
        let before = self.table.insert(driver.number, driver);
        assert!(before.is_none(), "a driver's number is used once");
    }

    pub(crate) fn get_mut(&mut self, id: &DriverId) -> Option<&mut DriverRecord> {
        self.table.get_mut(self.numbers.get(id)?)
    }

    /// Finds a driver that has not ended, or is remembered.
    pub(crate) fn find(&self, id: &DriverId) -> Option<&DriverRecord> {
        self.all().find(|driver| driver.driver == *id)
    }

    /// Finds a driver that has not ended, or is remembered, by the key of its submission.
    pub(crate) fn with_key(&self, key: &RequestKey) -> Option<&DriverRecord> {
        self.all().find(|driver| driver.key == *key)
    }

    fn all(&self) -> impl Iterator<Item = &DriverRecord> {
        self.iter().chain(&self.ended)
    }

    /// Iterates in the order in which they were submitted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &DriverRecord> {
        self.table.values()
    }

    /// Returns the drivers that may be launched now, in the order in which they were submitted.
    pub(crate) fn due(&self, now: Millis) -> Vec<DriverId> {
        let is_due = |driver: &&DriverRecord| match driver.state {
            DriverState::Queued { not_before } => not_before <= now,
            DriverState::Running { .. }
            | DriverState::Finished
            | DriverState::Failed { .. }
            | DriverState::Killed
            | DriverState::Error { .. } => false,
        };
        self.iter().filter(is_due).map(|driver| driver.driver.clone()).collect()
    }

    /// Returns the time at which the next waiting driver may be launched.
    pub(crate) fn next_due(&self, now: Millis) -> Option<Millis> {
        let waits_until = |driver: &DriverRecord| match driver.state {
            DriverState::Queued { not_before } => Some(not_before).filter(|due| *due > now),
            DriverState::Running { .. }
            | DriverState::Finished
            | DriverState::Failed { .. }
            | DriverState::Killed
            | DriverState::Error { .. } => None,
        };
        self.iter().filter_map(waits_until).min()
    }

    /// Ends a run. Returns the driver's new state, unless it was not the driver's last run.
    pub(crate) fn run_ended(
        &mut self,
        now: Millis,
        run: &DriverRun,
        end: RunEnd,
        settings: &MasterSettings,
    ) -> Option<DriverState> {
        let driver = self.get_mut(&run.driver)?;
        let DriverState::Running { since, killed, .. } = driver.state else { return None };
        if driver.run() != *run {
            return None;
        }
        driver.state = driver.after((now, now - since), killed, end, settings);
        let state = driver.state.clone();
        self.expire(&run.driver, settings.retained_drivers);
        Some(state)
    }

    /// Moves a driver to the ended ones, if it has ended.
    pub(crate) fn expire(&mut self, id: &DriverId, retained: usize) {
        let Some(&number) = self.numbers.get(id) else { return };
        if !self.table[&number].state.is_final() {
            return;
        }
        self.numbers.remove(id);
        self.waiting.remove(id);
        let ended = self.table.remove(&number).map(|mut driver| {
            // Its variables may be secrets, and it will not be launched again.
            driver.spec.launch = Payload::default();
            driver
        });
        self.ended.extend(ended);
        while self.ended.len() > retained {
            self.ended.pop_front();
        }
    }
}
