//! What must survive the master: one value, written down whole whenever it has changed.
//!
//! Executors are not in it, only the numbers that were used: which of them run, the workers know. What is here was here before
//! anybody was told of it.

use crate::names::{ApplicationId, DriverId, Epoch, RequestKey, WorkerId};
use crate::specs::{ApplicationEnd, ApplicationSpec, DriverSpec, Outcome, WorkerOffer};
use firesteel_types::Millis;
use serde::{Deserialize, Serialize};

/// Everything that the next master has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The epoch of the master that wrote it.
    pub epoch: Epoch,
    /// The number of the next application.
    pub next_application: u32,
    /// The number of the next driver.
    pub next_driver: u32,
    /// The workers that were registered, by name.
    pub workers: Vec<WorkerRecord>,
    /// The applications that had not ended, in the order in which they came.
    pub applications: Vec<ApplicationRecord>,
    /// Some of those that had, the last one last.
    pub ended_applications: Vec<EndedApplication>,
    /// The drivers that had not ended, in the order in which they came.
    pub drivers: Vec<DriverRecord>,
    /// Some of those that had, the last one last.
    pub ended_drivers: Vec<DriverRecord>,
}

/// What is remembered of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// Its name.
    pub worker: WorkerId,
    /// What it has.
    pub offer: WorkerOffer,
    /// Whether it gets nothing more.
    pub decommissioned: bool,
}

/// What is remembered of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationRecord {
    /// Its name.
    pub application: ApplicationId,
    /// How many came before it.
    pub number: u32,
    /// What it called itself.
    pub key: RequestKey,
    /// What it wants.
    pub spec: ApplicationSpec,
    /// When it came, in milliseconds since 1970.
    pub submitted_at: Millis,
    /// The number of its next executor.
    pub next_executor: u32,
}

/// What is remembered of an application that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedApplication {
    /// What it was.
    pub record: ApplicationRecord,
    /// When it ended, in milliseconds since 1970.
    pub ended_at: Millis,
    /// How.
    pub end: ApplicationEnd,
}

/// What is remembered of a driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverRecord {
    /// Its name.
    pub driver: DriverId,
    /// How many came before it.
    pub number: u32,
    /// What its submission called itself.
    pub key: RequestKey,
    /// What it is.
    pub spec: DriverSpec,
    /// When it came, in milliseconds since 1970.
    pub submitted_at: Millis,
    /// How often it was launched.
    pub launches: u32,
    /// How often it ended in a row before it had run for long.
    pub failures_in_a_row: u32,
    /// How it is.
    pub state: DriverState,
}

/// How a driver is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriverState {
    /// It waits for a place, or for its time.
    Queued {
        /// When it may be launched.
        not_before: Millis,
    },
    /// A worker was told to run it, or to end it.
    Running {
        /// Which.
        worker: WorkerId,
        /// Since when.
        since: Millis,
        /// Whether somebody wants it to end.
        killed: bool,
    },
    /// It ended well.
    Finished,
    /// It ended otherwise.
    Failed(Outcome),
    /// It was ended.
    Killed,
    /// It cannot be known how it ended, or it could not be started; why, as a sentence.
    Error(String),
}

impl DriverState {
    /// Whether it has ended for good.
    pub fn is_final(&self) -> bool {
        match self {
            DriverState::Queued { .. } | DriverState::Running { .. } => false,
            DriverState::Finished | DriverState::Failed(_) | DriverState::Killed | DriverState::Error(_) => {
                true
            }
        }
    }

    /// The state's name, as Spark has it.
    pub fn name(&self) -> &'static str {
        match self {
            DriverState::Queued { .. } => "SUBMITTED",
            DriverState::Running { .. } => "RUNNING",
            DriverState::Finished => "FINISHED",
            DriverState::Failed(_) => "FAILED",
            DriverState::Killed => "KILLED",
            DriverState::Error(_) => "ERROR",
        }
    }
}
