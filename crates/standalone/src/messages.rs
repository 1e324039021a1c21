//! Messages: what workers, applications and clients send to the master, and its orders and answers.
//!
//! All messages are plain data that a shell encodes as it likes. Reports are whole: a worker reports all that
//! it runs each time, so that the next report makes up for a lost message. Messages and orders may come twice.

use crate::names::{ApplicationId, DriverId, DriverRun, Epoch, ExecutorName, RequestKey, WorkerId};
use crate::overview::{DriverView, Overview};
use crate::resources::Resources;
pub use crate::specs::{ApplicationEnd, ApplicationSpec, DriverSpec, Outcome, WorkerOffer};
use firesteel_types::ExecutorId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// All that a worker runs, whether or not it was told to end it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// Its executors, and the resources of each.
    pub executors: Vec<(ExecutorName, Resources)>,
    /// Its drivers, and the resources of each.
    pub drivers: Vec<(DriverRun, Resources)>,
    /// The applications that have files on it.
    pub applications: Vec<ApplicationId>,
}

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerMessage {
    /// It registers: the first message on each connection, and the answer to [`WorkerOrder::RegisterAgain`].
    Register {
        /// Its name.
        worker: WorkerId,
        /// Its resources.
        offer: WorkerOffer,
        /// The executors and drivers that it runs already.
        report: WorkerReport,
    },
    /// It lives. Answered with [`WorkerOrder::Heard`].
    Heartbeat {
        /// The executors and drivers that it runs.
        report: WorkerReport,
    },
    /// An executor's process was started.
    ExecutorStarted {
        /// The executor.
        executor: ExecutorName,
    },
    /// An executor's process is gone: nothing of it takes cores or memory any more. Also the answer to an order to end one that
    /// is not there.
    ExecutorEnded {
        /// The executor.
        executor: ExecutorName,
        /// The outcome.
        outcome: Outcome,
    },
    /// A driver's process is gone, likewise.
    DriverEnded {
        /// The run.
        run: DriverRun,
        /// The outcome.
        outcome: Outcome,
    },
    /// It will be gone soon: it gets nothing new, and its executors are replaced.
    Decommission,
    /// It is about to end, with all that it runs.
    Leave,
}

/// An order of a master with its epoch. Workers take none from a master that another has replaced: see [`Fence`](crate::Fence).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FencedOrder {
    /// The master's epoch.
    pub epoch: Epoch,
    /// The order.
    pub order: WorkerOrder,
}

/// An order to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerOrder {
    /// It is registered now.
    Registered,
    /// Its heartbeat arrived. A worker that hears nothing for long looks for a master elsewhere.
    Heard,
    /// The master does not know it (any more): it has to register again, with what it runs.
    RegisterAgain,
    /// Start an executor.
    LaunchExecutor {
        /// The executor.
        executor: ExecutorName,
        /// The resources that it may use.
        resources: Resources,
        /// The application that it is for.
        spec: ApplicationSpec,
    },
    /// End an executor, if it runs, and report that it ended in any case. Never start it afterwards.
    KillExecutor {
        /// The executor.
        executor: ExecutorName,
    },
    /// Start a driver.
    LaunchDriver {
        /// The run.
        run: DriverRun,
        /// The driver.
        spec: DriverSpec,
    },
    /// End a driver, if it runs, and report that it ended in any case. Never start it afterwards.
    KillDriver {
        /// The run.
        run: DriverRun,
    },
    /// An application has ended: end its executors and remove its files.
    CleanApplication {
        /// The application.
        application: ApplicationId,
    },
    /// Nothing new will come; executors should migrate their blocks.
    Decommission,
}

/// What an application says of itself again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationStatus {
    /// The number of executors that it can use just now; none is without limit. Existing executors stay when
    /// the number shrinks.
    pub wanted_executors: Option<u32>,
    /// The executors that are connected with it.
    pub ready: Vec<ExecutorId>,
}

/// A message of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplicationMessage {
    /// It registers, for the first time or again: the first message on each connection.
    Register {
        /// The key that it chose.
        key: RequestKey,
        /// The id that it had before, if it had one.
        known_as: Option<ApplicationId>,
        /// Its specification. Only the first one counts.
        spec: ApplicationSpec,
        /// Its status.
        status: ApplicationStatus,
    },
    /// It lives; its status, which may have changed. Answered with [`ApplicationOrder::Heard`].
    Heartbeat(ApplicationStatus),
    /// It gives up executors. They are replaced, unless it wants fewer.
    KillExecutors {
        /// The executors.
        executors: Vec<ExecutorId>,
    },
    /// It has ended. Answered with [`ApplicationOrder::Ended`].
    Finished {
        /// The reason why it did not end well, if it did not.
        failure: Option<String>,
    },
}

/// The reason why an application has lost an executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutorEnd {
    /// Its process ended.
    Ended(Outcome),
    /// It was told to end, as the application wished.
    KillRequested,
    /// Its worker was lost; the reason, as a sentence.
    WorkerLost(String),
}

impl fmt::Display for ExecutorEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExecutorEnd::Ended(outcome) => outcome.fmt(f),
            ExecutorEnd::KillRequested => f.write_str("its application wished it"),
            ExecutorEnd::WorkerLost(why) => write!(f, "its worker was lost: {why}"),
        }
    }
}

/// One executor, as its application is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorAddress {
    /// Its number.
    pub executor: ExecutorId,
    /// The worker that runs it.
    pub worker: WorkerId,
    /// The worker's host.
    pub host: String,
    /// Its resources.
    pub resources: Resources,
}

/// An order or notice to an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplicationOrder {
    /// It is registered by this id now.
    Registered {
        /// The id.
        application: ApplicationId,
    },
    /// All executors that it has: any beyond these it has lost. Sent after a registration; a master that took
    /// over sends it only when all workers have had time to come back.
    Executors(Vec<ExecutorAddress>),
    /// It cannot be registered, and asking again does not help.
    Refused {
        /// The reason, as a sentence.
        reason: String,
    },
    /// Its heartbeat arrived. An application that hears nothing for long looks for a master elsewhere.
    Heard,
    /// The connection belongs to no application: it has to register again.
    RegisterAgain,
    /// An executor is being started.
    ExecutorAdded(ExecutorAddress),
    /// An executor will be gone soon: its worker is being decommissioned. It is replaced.
    ExecutorDecommissioned {
        /// The executor.
        executor: ExecutorId,
    },
    /// An executor is gone.
    ExecutorEnded {
        /// The executor.
        executor: ExecutorId,
        /// The reason.
        end: ExecutorEnd,
    },
    /// It has no executor, and gets none at present.
    Waiting {
        /// The reason, as a sentence.
        reason: String,
    },
    /// It has ended.
    Ended(ApplicationEnd),
}

/// What somebody asks who is neither worker nor application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// Run a driver. Answered with [`ClientAnswer::DriverSubmitted`].
    SubmitDriver {
        /// The key of the submission.
        key: RequestKey,
        /// The driver.
        spec: DriverSpec,
    },
    /// End a driver. Answered with [`ClientAnswer::Driver`] or [`ClientAnswer::Unknown`].
    KillDriver {
        /// The driver.
        driver: DriverId,
    },
    /// Asks for a driver's state. Answered alike.
    DriverStatus {
        /// The driver.
        driver: DriverId,
    },
    /// End an application. Answered with [`ClientAnswer::Done`] or [`ClientAnswer::Unknown`].
    KillApplication {
        /// The application.
        application: ApplicationId,
    },
    /// Decommission a worker. Answered with [`ClientAnswer::Done`] or [`ClientAnswer::Unknown`].
    DecommissionWorker {
        /// The worker.
        worker: WorkerId,
    },
    /// Asks for everything. Answered with [`ClientAnswer::Overview`].
    Overview,
}

/// An answer to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientAnswer {
    /// The driver is on record, and will be run.
    DriverSubmitted {
        /// Its id.
        driver: DriverId,
    },
    /// The state of a driver.
    Driver(DriverView),
    /// The request is being carried out.
    Done,
    /// Nothing has this name (any more).
    Unknown,
    /// The state of everything.
    Overview(Overview),
}
