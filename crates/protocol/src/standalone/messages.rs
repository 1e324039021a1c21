//! The messages between a standalone cluster's master and its workers, applications and clients.
//!
//! All of it is plain data that a shell encodes as it likes. Reports are whole: a worker tells all that it runs each time, so
//! whatever was lost on the way is noticed by the next report. Words and orders may come twice.

use super::names::{ApplicationId, DriverRun, Epoch, ExecutorName, RequestKey, WorkerId};
use super::payload::Payload;
use super::resources::Resources;
use firesteel_types::ExecutorId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The host and the resources of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerOffer {
    /// Its host, as preferred locations name it.
    pub host: String,
    /// All that it lends, taken or not. The same for as long as the worker lives.
    pub resources: Resources,
    /// The address of its pages, if it has any: `http://host:8081`.
    pub pages: Option<String>,
}

/// All that a worker runs, whether or not it was told to end it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// Executors, and what each has.
    pub executors: Vec<(ExecutorName, Resources)>,
    /// Drivers, and what each has.
    pub drivers: Vec<(DriverRun, Resources)>,
    /// The applications of which it has files.
    pub applications: Vec<ApplicationId>,
}

/// How a process ended, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessOutcome {
    /// It ended by itself.
    Exited {
        /// With this code.
        code: i32,
    },
    /// A signal ended it that the worker did not send.
    Signalled {
        /// Which.
        signal: i32,
    },
    /// It could not be started.
    FailedToStart {
        /// Why, as a sentence.
        reason: String,
    },
    /// The worker ended it, as it was told to.
    Killed,
    /// It never ran on this worker, and never will.
    NeverStarted,
}

impl ProcessOutcome {
    /// Returns whether it ended otherwise than it should have.
    pub fn is_failure(&self) -> bool {
        match self {
            ProcessOutcome::Exited { code } => *code != 0,
            ProcessOutcome::Signalled { .. } | ProcessOutcome::FailedToStart { .. } => true,
            ProcessOutcome::Killed | ProcessOutcome::NeverStarted => false,
        }
    }
}

impl fmt::Display for ProcessOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessOutcome::Exited { code } => write!(f, "its process exited with code {code}"),
            ProcessOutcome::Signalled { signal } => write!(f, "its process was killed by signal {signal}"),
            ProcessOutcome::FailedToStart { reason } => write!(f, "it could not be started: {reason}"),
            ProcessOutcome::Killed => f.write_str("it was ended"),
            ProcessOutcome::NeverStarted => f.write_str("it never ran"),
        }
    }
}

/// A message of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerMessage {
    /// It is there: the first word on each connection, and the answer to [`WorkerOrder::RegisterAgain`].
    Register {
        /// Which.
        worker: WorkerId,
        /// Its host and resources.
        offer: WorkerOffer,
        /// The processes that it runs already.
        report: WorkerReport,
    },
    /// It lives. Answered with [`WorkerOrder::Heard`].
    Heartbeat {
        /// The processes that it runs.
        report: WorkerReport,
    },
    /// An executor's process was started.
    ExecutorStarted {
        /// Which.
        executor: ExecutorName,
    },
    /// An executor's process is gone: nothing of it takes cores or memory any more. Also the answer to an order to end one that
    /// is not there.
    ExecutorEnded {
        /// Which.
        executor: ExecutorName,
        /// How.
        outcome: ProcessOutcome,
    },
    /// The same for a driver.
    DriverEnded {
        /// Which.
        run: DriverRun,
        /// How.
        outcome: ProcessOutcome,
    },
    /// It will be gone soon: nothing new for it, and its executors are replaced.
    Decommission,
    /// It is about to end, with all that it runs.
    Leave,
}

/// An order of a master with its epoch. Workers take none from a master that another has replaced: see `Fence` of the crate `standalone`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FencedOrder {
    /// The master's epoch.
    pub epoch: Epoch,
    /// The order itself.
    pub order: WorkerOrder,
}

/// An order to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerOrder {
    /// It is known now.
    Registered {
        /// The address of the master's pages, if it has any.
        pages: Option<String>,
    },
    /// Its heartbeat arrived. A worker that hears nothing for long looks for a master elsewhere.
    Heard,
    /// Nothing is known of it (any more): it has to register again, with what it runs.
    RegisterAgain,
    /// Start an executor.
    LaunchExecutor {
        /// Which.
        executor: ExecutorName,
        /// Its cores and memory.
        resources: Resources,
        /// For whom.
        spec: ApplicationSpec,
    },
    /// End an executor, if it runs, and say that it ended in any case. Never start it afterwards.
    KillExecutor {
        /// Which.
        executor: ExecutorName,
    },
    /// Start a driver.
    LaunchDriver {
        /// Which.
        run: DriverRun,
        /// How.
        spec: DriverSpec,
    },
    /// End a driver, if it runs, and say that it ended in any case. Never start it afterwards.
    KillDriver {
        /// Which.
        run: DriverRun,
    },
    /// An application has ended: end its executors and remove its files.
    CleanApplication {
        /// Which.
        application: ApplicationId,
    },
    /// Nothing new will come; executors should move elsewhere what they keep.
    Decommission,
}

/// The wishes of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationSpec {
    /// Its name, for people.
    pub name: String,
    /// Its user, for people.
    pub user: String,
    /// The most cores for all its executors together; none is as many as the master's setting says.
    pub cores_max: Option<u32>,
    /// The cores of each executor; none is as many as a worker has left, with one executor at a time on each.
    pub cores_per_executor: Option<u32>,
    /// The memory of each executor in MiB.
    pub memory_per_executor_mib: u64,
    /// The address of its pages, if it has any. It is the application's word: what shows it as a link has to look at it.
    pub pages: Option<String>,
    /// The command that starts one: see [`LaunchExecutor`](super::LaunchExecutor).
    pub launch: Payload,
}

/// The state of an application, which it repeats again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationStatus {
    /// How many executors it can use just now; none is without limit. Those that there are stay when the number shrinks.
    pub wanted_executors: Option<u32>,
    /// The executors that are connected with it.
    pub ready: Vec<ExecutorId>,
}

/// A message of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplicationMessage {
    /// It is there, for the first time or again: the first word on each connection.
    Register {
        /// How it calls itself.
        key: RequestKey,
        /// Its name, if it was registered before.
        known_as: Option<ApplicationId>,
        /// Its wishes. Only the first time counts.
        spec: ApplicationSpec,
        /// How it is.
        status: ApplicationStatus,
    },
    /// It lives, and this has changed or not. Answered with [`ApplicationOrder::Heard`].
    Heartbeat {
        /// How it is.
        status: ApplicationStatus,
    },
    /// It wants to be rid of executors. Their places are filled again, unless it wants fewer.
    KillExecutors {
        /// Which.
        executors: Vec<ExecutorId>,
    },
    /// It has ended. Answered with [`ApplicationOrder::Ended`].
    Finished {
        /// Why it did not end well, if it did not.
        failure: Option<String>,
    },
}

/// Why an application has an executor no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutorEnd {
    /// Its process ended.
    Ended {
        /// How.
        outcome: ProcessOutcome,
    },
    /// It was told to end, as the application wished.
    KillRequested,
    /// Its worker was lost.
    WorkerLost {
        /// Why, as a sentence.
        reason: String,
    },
}

impl fmt::Display for ExecutorEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExecutorEnd::Ended { outcome } => outcome.fmt(f),
            ExecutorEnd::KillRequested => f.write_str("its application wished it"),
            ExecutorEnd::WorkerLost { reason } => write!(f, "its worker was lost: {reason}"),
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
    /// Its cores and memory.
    pub resources: Resources,
}

/// A message to an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplicationOrder {
    /// It is known by this name now.
    Registered {
        /// The name.
        application: ApplicationId,
    },
    /// All executors that it has: what it thinks to have beyond these, it has lost. Said after a registration, but by a master
    /// that took over only when all workers have had time to come back.
    Executors {
        /// Which.
        executors: Vec<ExecutorAddress>,
    },
    /// It cannot be registered, and asking again is vain; why, as a sentence.
    Refused {
        /// Why.
        reason: String,
    },
    /// Its heartbeat arrived. An application that hears nothing for long looks for a master elsewhere.
    Heard,
    /// The connection belongs to no application: it has to register again.
    RegisterAgain,
    /// An executor is being started.
    ExecutorAdded {
        /// Which.
        executor: ExecutorAddress,
    },
    /// An executor will be gone soon: its worker is being decommissioned. It is replaced.
    ExecutorDecommissioned {
        /// Which.
        executor: ExecutorId,
    },
    /// An executor is gone.
    ExecutorEnded {
        /// Which.
        executor: ExecutorId,
        /// Why.
        end: ExecutorEnd,
    },
    /// It has no executor, and gets none at present; why, as a sentence.
    Waiting {
        /// Why.
        reason: String,
    },
    /// It has ended.
    Ended {
        /// How.
        end: ApplicationEnd,
    },
}

/// How an application ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplicationEnd {
    /// It said so.
    Finished,
    /// It said so, or too many of its executors failed.
    Failed {
        /// Why, as a sentence.
        reason: String,
    },
    /// A client wanted it to end.
    Killed,
    /// Nothing was heard of it for too long.
    Lost,
}

impl fmt::Display for ApplicationEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplicationEnd::Finished => f.write_str("it has finished"),
            ApplicationEnd::Failed { reason } => write!(f, "it has failed: {reason}"),
            ApplicationEnd::Killed => f.write_str("it was killed"),
            ApplicationEnd::Lost => f.write_str("nothing was heard of it for too long"),
        }
    }
}

/// A driver to run somewhere in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverSpec {
    /// Its cores and memory.
    pub resources: Resources,
    /// True if it is started again until it ends well.
    pub supervise: bool,
    /// The command that starts it: see [`LaunchDriver`](super::LaunchDriver).
    pub launch: Payload,
}
