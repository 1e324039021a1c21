//! How a task ended: as its executor reports it, and as the scheduler hears it.
//!
//! The two differ in one case. A result that is too large for a message waits on its executor's host, and the driver decides whether to
//! fetch it. The scheduler hears of the task only after that.

use firesteel_types::{Partition, ShuffleId, TaskFailure};
use serde::{Deserialize, Serialize};

/// How a task ended, as its executor reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskReport {
    /// Its end is complete: nothing has to be fetched.
    Outcome {
        /// How it ended.
        outcome: TaskOutcome,
    },
    /// A task of a result stage has a result that is too large for a message.
    ResultOnExecutor {
        /// Where it waits.
        result: ResultOnExecutor,
    },
}

/// A result that waits to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultOnExecutor {
    /// How many bytes it has.
    pub bytes: u64,
    /// The address at which its host serves it.
    pub address: String,
}

/// How a task ended, as the scheduler hears it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskOutcome {
    /// A task of a result stage has a result.
    Result {
        /// The encoded result. Written as a whole: there may be many bytes.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// A map task wrote its output, and the executor keeps it.
    MapOutput {
        /// The shuffle that was written.
        shuffle: ShuffleId,
        /// The map task's partition.
        map: Partition,
        /// The size of the output.
        bytes: u64,
        /// A digest of the records for all reducers that does not depend on their order.
        checksum: u64,
    },
    /// It has neither.
    Failed {
        /// Why.
        failure: Box<TaskFailure>,
    },
}

impl TaskOutcome {
    /// Returns the outcome of a task that failed.
    pub fn failed(failure: TaskFailure) -> Self {
        TaskOutcome::Failed { failure: Box::new(failure) }
    }
}

impl From<TaskOutcome> for TaskReport {
    fn from(outcome: TaskOutcome) -> Self {
        TaskReport::Outcome { outcome }
    }
}
