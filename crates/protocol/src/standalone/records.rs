//! The records that a master keeps of applications and drivers, and shows to clients.

use super::messages::{ApplicationEnd, ApplicationSpec, ProcessOutcome};
use super::names::{ApplicationId, RequestKey, WorkerId};
use firesteel_types::Millis;
use serde::{Deserialize, Serialize};

/// The record of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationRecord {
    /// Its name.
    pub application: ApplicationId,
    /// How many came before it.
    pub number: u32,
    /// The key that it gave itself.
    pub key: RequestKey,
    /// Its wishes.
    pub spec: ApplicationSpec,
    /// When it came, in milliseconds since 1970.
    pub submitted_at: Millis,
    /// The number of its next executor.
    pub next_executor: u32,
}

/// The record of an application that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedApplication {
    /// Its record while it ran.
    pub record: ApplicationRecord,
    /// When it ended, in milliseconds since 1970.
    pub ended_at: Millis,
    /// How.
    pub end: ApplicationEnd,
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
        /// True if a client wants it to end.
        killed: bool,
    },
    /// It ended well.
    Finished,
    /// It ended otherwise.
    Failed {
        /// How.
        outcome: ProcessOutcome,
    },
    /// It was ended.
    Killed,
    /// It cannot be known how it ended, or it could not be started.
    Error {
        /// Why, as a sentence.
        reason: String,
    },
}

impl DriverState {
    /// Returns whether it has ended for good.
    pub fn is_final(&self) -> bool {
        match self {
            DriverState::Queued { .. } | DriverState::Running { .. } => false,
            DriverState::Finished
            | DriverState::Failed { .. }
            | DriverState::Killed
            | DriverState::Error { .. } => true,
        }
    }

    /// The state's name, as Spark has it.
    pub fn name(&self) -> &'static str {
        match self {
            DriverState::Queued { .. } => "SUBMITTED",
            DriverState::Running { .. } => "RUNNING",
            DriverState::Finished => "FINISHED",
            DriverState::Failed { .. } => "FAILED",
            DriverState::Killed => "KILLED",
            DriverState::Error { .. } => "ERROR",
        }
    }
}
