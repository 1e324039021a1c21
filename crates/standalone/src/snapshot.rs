//! The snapshot, the part of the master's state that must survive: one value, written down whole whenever it
//! has changed.
//!
//! Executors are not in it, only the numbers that were used: the workers know which of them run. Everything in
//! a snapshot was written before any message told of it.

use firesteel_protocol::standalone::{
    ApplicationRecord, DriverId, DriverSpec, DriverState, EndedApplication, Epoch, RequestKey, WorkerId,
    WorkerOffer,
};
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
    /// The worker that was told to run it last.
    pub last_worker: Option<WorkerId>,
    /// The number of times in a row that it ended before it had run for long.
    pub failures_in_a_row: u32,
    /// Its state.
    pub state: DriverState,
}
