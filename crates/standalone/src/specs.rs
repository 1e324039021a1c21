//! What workers offer, what applications and drivers want, and how they end: told in messages, written down and shown alike.

use crate::payload::Payload;
use crate::resources::Resources;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a worker has to offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerOffer {
    /// Its host, as preferred locations name it.
    pub host: String,
    /// All that it lends, taken or not. The same for as long as the worker lives.
    pub resources: Resources,
}

/// How a process ended, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
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

impl Outcome {
    /// Whether it ended otherwise than it should have.
    pub fn is_failure(&self) -> bool {
        match self {
            Outcome::Exited { code } => *code != 0,
            Outcome::Signalled { .. } | Outcome::FailedToStart { .. } => true,
            Outcome::Killed | Outcome::NeverStarted => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Exited { code } => write!(f, "its process exited with code {code}"),
            Outcome::Signalled { signal } => write!(f, "its process was killed by signal {signal}"),
            Outcome::FailedToStart { reason } => write!(f, "it could not be started: {reason}"),
            Outcome::Killed => f.write_str("it was ended"),
            Outcome::NeverStarted => f.write_str("it never ran"),
        }
    }
}

/// What an application wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationSpec {
    /// Its name, for people.
    pub name: String,
    /// Whose it is, for people.
    pub user: String,
    /// The most cores for all its executors together; none is as many as [`default_cores`](crate::MasterSettings::default_cores).
    pub cores_max: Option<u32>,
    /// The cores of each executor; none is as many as a worker has left, with one executor at a time on each.
    pub cores_per_executor: Option<u32>,
    /// The memory of each executor in MiB.
    pub memory_per_executor_mib: u64,
    /// What workers need to know to start one.
    pub launch: Payload,
}

/// How an application ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplicationEnd {
    /// It said so.
    Finished,
    /// It said so and why, or too many of its executors failed.
    Failed(String),
    /// Somebody wanted it to end.
    Killed,
    /// Nothing was heard of it for too long.
    Lost,
}

impl fmt::Display for ApplicationEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplicationEnd::Finished => f.write_str("it has finished"),
            ApplicationEnd::Failed(why) => write!(f, "it has failed: {why}"),
            ApplicationEnd::Killed => f.write_str("it was killed"),
            ApplicationEnd::Lost => f.write_str("nothing was heard of it for too long"),
        }
    }
}

/// A driver to run somewhere in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverSpec {
    /// What it takes.
    pub resources: Resources,
    /// Whether it is to be started again until it ends well.
    pub supervise: bool,
    /// What a worker needs to know to start it.
    pub launch: Payload,
}
