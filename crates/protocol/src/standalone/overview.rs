//! The overview: the state of everything for display, by `--status` and on web pages.

use super::messages::ExecutorEnd;
use super::names::{ApplicationId, DriverId, Epoch, ExecutorName, WorkerId};
use super::records::{DriverState, EndedApplication};
use super::resources::Resources;
use firesteel_types::{ExecutorId, Millis};
use serde::{Deserialize, Serialize};

/// All workers, applications and drivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The master's epoch.
    pub epoch: Epoch,
    /// True while it waits for the workers and applications of an earlier master.
    pub recovering: bool,
    /// The resources of all workers that are there.
    pub total: Resources,
    /// The part of them that is taken.
    pub used: Resources,
    /// The workers, by name.
    pub workers: Vec<WorkerView>,
    /// Some of the workers that were lost, the last one last.
    pub lost_workers: Vec<LostWorker>,
    /// The applications that have not ended, in the order in which they came.
    pub applications: Vec<ApplicationView>,
    /// Some of the ended applications, the last one last.
    pub ended_applications: Vec<EndedApplication>,
    /// Some of the ended executors, of applications that run and that ended; of each the last one last.
    pub ended_executors: Vec<EndedExecutor>,
    /// The drivers that have not ended, in the order in which they came.
    pub drivers: Vec<DriverView>,
    /// Some of the ended drivers, the last one last.
    pub ended_drivers: Vec<DriverView>,
}

/// The condition of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerCondition {
    /// An earlier master knew it, and it has not come back yet.
    Awaited,
    /// It is connected.
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
    /// Its condition.
    pub condition: WorkerCondition,
    /// Its resources.
    pub total: Resources,
    /// The part of them that is taken.
    pub used: Resources,
    /// The number of executors that it runs.
    pub executors: usize,
    /// The number of drivers that it runs.
    pub drivers: usize,
    /// The time of its last message.
    pub last_seen: Millis,
    /// The address of its pages, if it has any.
    pub pages: Option<String>,
}

/// A worker that was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostWorker {
    /// The worker as it was then.
    pub worker: WorkerView,
    /// The time at which it was given up.
    pub lost_at: Millis,
    /// The reason, as a sentence.
    pub reason: String,
}

/// One application that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationView {
    /// Its name.
    pub application: ApplicationId,
    /// Its name, for display.
    pub name: String,
    /// Its user.
    pub user: String,
    /// The time at which it registered.
    pub submitted_at: Millis,
    /// True if it is connected.
    pub connected: bool,
    /// The cores that it may have; none is as many as there are.
    pub cores_max: Option<u32>,
    /// The memory of each executor in MiB.
    pub memory_per_executor_mib: u64,
    /// The address of its pages, if it told one.
    pub pages: Option<String>,
    /// The resources of all its executors.
    pub used: Resources,
    /// Its executors, by number.
    pub executors: Vec<ExecutorView>,
    /// The reason why it has none, if it waits for some.
    pub waiting: Option<String>,
}

/// The condition of an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutorCondition {
    /// Its worker was told to start it.
    Launching,
    /// Its process was started.
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
    /// The worker that runs it.
    pub worker: WorkerId,
    /// Its resources.
    pub resources: Resources,
    /// Its condition.
    pub condition: ExecutorCondition,
}

/// An executor that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedExecutor {
    /// Its name.
    pub executor: ExecutorName,
    /// The worker that ran it.
    pub worker: WorkerId,
    /// The resources that it had.
    pub resources: Resources,
    /// The time at which it ended.
    pub ended_at: Millis,
    /// The reason of its end; none if its application ended before it.
    pub end: Option<ExecutorEnd>,
}

/// One driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverView {
    /// Its name.
    pub driver: DriverId,
    /// The time at which it was submitted.
    pub submitted_at: Millis,
    /// The resources that it takes.
    pub resources: Resources,
    /// True if it is started again until it ends well.
    pub supervise: bool,
    /// The number of its launches.
    pub launches: u32,
    /// The worker that was told to run it last.
    pub worker: Option<WorkerId>,
    /// Its state.
    pub state: DriverState,
    /// The reason why it is not launched, if it waits.
    pub waiting: Option<String>,
}
