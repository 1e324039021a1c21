//! The snapshot, the part of the master's state that must survive: one value, written down whole whenever it
//! has changed.
//!
//! Executors are not in it, only the numbers that were used: the workers know which of them run. Everything in
//! a snapshot was written before any message told of it.

use crate::names::{ApplicationId, DriverId, Epoch, RequestKey, WorkerId};
use crate::specs::{ApplicationEnd, ApplicationSpec, DriverSpec, Outcome, WorkerOffer};
use firesteel_types::Millis;
use serde::{Deserialize, Serialize};

/// The state that the next master has to know.
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
    /// Some of the ended applications, the last one last.
    pub ended_applications: Vec<EndedApplication>,
    /// The drivers that had not ended, in the order in which they came.
    pub drivers: Vec<DriverRecord>,
    /// Some of the ended drivers, the last one last.
    pub ended_drivers: Vec<DriverRecord>,
}

/// The record of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// Its name.
    pub worker: WorkerId,
    /// Its resources.
    pub offer: WorkerOffer,
    /// True if it gets nothing more.
    pub decommissioned: bool,
}

/// The record of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationRecord {
    /// Its name.
    pub application: ApplicationId,
    /// The number of applications before it.
    pub number: u32,
    /// The key with which it registered.
    pub key: RequestKey,
    /// Its specification.
    pub spec: ApplicationSpec,
    /// The time at which it registered, in milliseconds since 1970.
    pub submitted_at: Millis,
    /// The number of its next executor.
    pub next_executor: u32,
}

/// The record of an application that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedApplication {
    /// The record that it had.
    pub record: ApplicationRecord,
    /// The time at which it ended, in milliseconds since 1970.
    pub ended_at: Millis,
    /// The reason.
    pub end: ApplicationEnd,
}

/// The record of a driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverRecord {
    /// Its name.
    pub driver: DriverId,
    /// The number of drivers before it.
    pub number: u32,
    /// The key of its submission.
    pub key: RequestKey,
    /// Its specification.
    pub spec: DriverSpec,
    /// The time at which it was submitted, in milliseconds since 1970.
    pub submitted_at: Millis,
    /// The number of its launches.
    pub launches: u32,
    /// The number of times in a row that it ended before it had run for long.
    pub failures_in_a_row: u32,
    /// Its state.
    pub state: DriverState,
}

/// The state of a driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriverState {
    /// It waits for room, or for its time.
    Queued {
        /// The time before which it is not launched.
        not_before: Millis,
    },
    /// A worker was told to run it, or to end it.
    Running {
        /// The worker.
        worker: WorkerId,
        /// The time of the launch.
        since: Millis,
        /// True if it was killed by a client.
        killed: bool,
    },
    /// It ended well.
    Finished,
    /// It ended otherwise.
    Failed(Outcome),
    /// It was killed.
    Killed,
    /// Its outcome is unknown, or it could not be started; the reason, as a sentence.
    Error(String),
}

impl DriverState {
    /// Returns whether it has ended for good.
    pub fn is_final(&self) -> bool {
        match self {
            DriverState::Queued { .. } | DriverState::Running { .. } => false,
            DriverState::Finished | DriverState::Failed(_) | DriverState::Killed | DriverState::Error(_) => {
                true
            }
        }
    }

    /// Returns the state's name in Spark.
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
