//! Log notes of the master: data here, sentences when they are printed.

use firesteel_protocol::standalone::{
    ApplicationEnd, ApplicationId, DriverId, DriverRun, DriverState, ExecutorEnd, ExecutorName, Resources,
    WorkerId,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// A worker registered.
    WorkerRegistered(WorkerId, Resources),
    /// A worker is lost; the reason.
    WorkerLost(WorkerId, String),
    /// A worker gets nothing more.
    WorkerDecommissioned(WorkerId),
    /// An application registered for the first time.
    ApplicationRegistered(ApplicationId),
    /// An application came back.
    ApplicationReturned(ApplicationId),
    /// An application ended.
    ApplicationEnded(ApplicationId, ApplicationEnd),
    /// An application gets nothing at present; the reason.
    ApplicationWaits(ApplicationId, String),
    /// An executor was ordered.
    ExecutorLaunched(ExecutorName, WorkerId, Resources),
    /// An executor is gone.
    ExecutorEnded(ExecutorName, ExecutorEnd),
    /// A driver was submitted.
    DriverSubmitted(DriverId),
    /// A driver was ordered.
    DriverLaunched(DriverRun, WorkerId),
    /// A driver has a new state.
    DriverIs(DriverId, DriverState),
    /// A driver cannot be launched at present; the reason.
    DriverWaits(DriverId, String),
    /// A worker runs something that it should not, and was told to end it.
    Unwanted(WorkerId, String),
    /// A master took over, and waits for these numbers of workers and applications.
    Recovering(usize, usize),
    /// The wait is over; these numbers of workers and applications did not come back.
    Recovered(usize, usize),
}

impl Note {
    /// Returns whether people should look at it: something is lost, waits, or is where it should not be.
    pub fn is_warning(&self) -> bool {
        match self {
            Note::WorkerLost(..)
            | Note::ApplicationWaits(..)
            | Note::DriverWaits(..)
            | Note::Unwanted(..)
            | Note::Recovered(1.., _)
            | Note::Recovered(_, 1..) => true,
            Note::WorkerRegistered(..)
            | Note::WorkerDecommissioned(_)
            | Note::ApplicationRegistered(_)
            | Note::ApplicationReturned(_)
            | Note::ApplicationEnded(..)
            | Note::ExecutorLaunched(..)
            | Note::ExecutorEnded(..)
            | Note::DriverSubmitted(_)
            | Note::DriverLaunched(..)
            | Note::DriverIs(..)
            | Note::Recovering(..)
            | Note::Recovered(0, 0) => false,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::WorkerRegistered(worker, resources) => write!(f, "worker {worker} offers {resources}"),
            Note::WorkerLost(worker, why) => write!(f, "worker {worker} is lost: {why}"),
            Note::WorkerDecommissioned(worker) => write!(f, "worker {worker} is being decommissioned"),
            Note::ApplicationRegistered(application) => write!(f, "{application} is there"),
            Note::ApplicationReturned(application) => write!(f, "{application} came back"),
            Note::ApplicationEnded(application, end) => write!(f, "{application} ended: {end}"),
            Note::ApplicationWaits(application, why) => write!(f, "{application} is {why}"),
            Note::ExecutorLaunched(name, worker, resources) => {
                write!(f, "executor {name} starts on {worker} with {resources}")
            }
            Note::ExecutorEnded(name, end) => write!(f, "executor {name} ended: {end}"),
            Note::DriverSubmitted(driver) => write!(f, "{driver} is to be run"),
            Note::DriverLaunched(run, worker) => write!(f, "{run} starts on {worker}"),
            Note::DriverIs(driver, state) => write!(f, "{driver} is {}", state.name()),
            Note::DriverWaits(driver, why) => write!(f, "{driver} is {why}"),
            Note::Unwanted(worker, what) => write!(f, "worker {worker} is to end {what}"),
            Note::Recovering(workers, applications) => {
                write!(f, "waiting for {workers} workers and {applications} applications to come back")
            }
            Note::Recovered(workers, applications) => {
                write!(f, "{workers} workers and {applications} applications did not come back")
            }
        }
    }
}
