//! What must survive the master: one value, written down whole whenever it has changed.
//!
//! Executors are not in it, only the numbers that were used: which of them run, the workers know. What is here was here before
//! anybody was told of it.

use firesteel_protocol::standalone::{
    ApplicationRecord, DriverId, DriverSpec, DriverState, EndedApplication, Epoch, RequestKey, WorkerId,
    WorkerOffer,
};
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
