//! How everything is, for people: `--status`, and pages that a browser shows.

use crate::names::{ApplicationId, DriverId, Epoch, WorkerId};
use crate::resources::Resources;
use crate::snapshot::{DriverState, EndedApplication};
use firesteel_types::{ExecutorId, Millis};
use serde::{Deserialize, Serialize};

/// All workers, applications and drivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The master's epoch.
    pub epoch: Epoch,
    /// Whether it still waits for those whom an earlier master knew.
    pub recovering: bool,
    /// What the workers that are there have together.
    pub total: Resources,
    /// What of it is taken.
    pub used: Resources,
    /// The workers, by name.
    pub workers: Vec<WorkerView>,
    /// The applications that have not ended, in the order in which they came.
    pub applications: Vec<ApplicationView>,
    /// Some of those that have, the last one last.
    pub ended_applications: Vec<EndedApplication>,
    /// The drivers that have not ended, in the order in which they came.
    pub drivers: Vec<DriverView>,
    /// Some of those that have, the last one last.
    pub ended_drivers: Vec<DriverView>,
}

/// How a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerCondition {
    /// An earlier master knew it, and it has not come back yet.
    Awaited,
    /// It is there.
    Alive,
    /// Its connection is gone, and it may come back.
    Disconnected,
    /// It gets nothing more.
    Decommissioned,
}

/// One worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerView {
    /// Its name.
    pub worker: WorkerId,
    /// Its host.
    pub host: String,
    /// How it is.
    pub condition: WorkerCondition,
    /// What it has.
    pub total: Resources,
    /// What of it is taken.
    pub used: Resources,
    /// How many executors it runs.
    pub executors: usize,
    /// How many drivers it runs.
    pub drivers: usize,
    /// When it was heard last.
    pub last_seen: Millis,
}

/// One application that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationView {
    /// Its name.
    pub application: ApplicationId,
    /// Its name, for people.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// When it came.
    pub submitted_at: Millis,
    /// Whether it is connected.
    pub connected: bool,
    /// The cores that it may have; none is as many as there are.
    pub cores_max: Option<u32>,
    /// What its executors have together.
    pub used: Resources,
    /// Its executors, by number.
    pub executors: Vec<ExecutorView>,
    /// Why it has none, if it waits for some.
    pub waiting: Option<String>,
}

/// How an executor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutorCondition {
    /// Its worker was told to start it.
    Launching,
    /// Its process is there.
    Running,
    /// It is connected with its application.
    Ready,
    /// Its worker gets nothing more.
    Decommissioned,
}

/// One executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorView {
    /// Its number.
    pub executor: ExecutorId,
    /// Where it is.
    pub worker: WorkerId,
    /// What it has.
    pub resources: Resources,
    /// How it is.
    pub condition: ExecutorCondition,
}

/// One driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverView {
    /// Its name.
    pub driver: DriverId,
    /// When it came.
    pub submitted_at: Millis,
    /// What it takes.
    pub resources: Resources,
    /// Whether it is started again until it ends well.
    pub supervise: bool,
    /// How often it was launched.
    pub launches: u32,
    /// How it is.
    pub state: DriverState,
    /// Why it has no place, if it waits for one.
    pub waiting: Option<String>,
}
