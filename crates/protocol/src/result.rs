//! How a task ended: as its executor reports it, and as the driver hears it.
//!
//! The two differ in one case. A result that is too large for a message waits on its executor's host, and the driver decides whether to
//! fetch it. The driver's scheduler hears of the task only after that, and of a result's size alone: the shell holds the bytes.

use firesteel_types::{CallSite, Partition, ShuffleId, TaskFailure};
use serde::{Deserialize, Serialize};

/// How a task ended, as its executor reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskReport {
    /// The report is complete: nothing has to be fetched.
    Delivered {
        /// How it ended.
        outcome: DeliveredOutcome,
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
    /// Its size, in bytes.
    pub bytes: u64,
    /// The address at which its host serves it.
    pub address: String,
}

/// How a task ended whose result, if it has one, is here.
pub type DeliveredOutcome = TaskOutcome<ResultBytes>;

/// An encoded result. It travels as a whole: encoding it byte by byte would take long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultBytes(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// How a task ended. `R` is what the holder knows of a result: its [bytes](ResultBytes) where they travel, its size where only decisions
/// are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskOutcome<R> {
    /// A task of a result stage has a result.
    Result {
        /// The encoded result, or its size.
        bytes: R,
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

impl<R> TaskOutcome<R> {
    /// Returns the outcome of a task that failed.
    pub fn failed(failure: TaskFailure) -> Self {
        TaskOutcome::Failed { failure: Box::new(failure) }
    }
}

impl DeliveredOutcome {
    /// Returns the outcome of a task that has a result.
    pub fn of_result(bytes: Vec<u8>) -> Self {
        TaskOutcome::Result { bytes: ResultBytes(bytes) }
    }

    /// Returns the number of bytes of the result; 0 without one.
    pub fn result_bytes(&self) -> u64 {
        match self {
            TaskOutcome::Result { bytes: ResultBytes(bytes) } => bytes.len() as u64,
            TaskOutcome::MapOutput { .. } | TaskOutcome::Failed { .. } => 0,
        }
    }

    /// Parts the outcome into that of which the scheduler decides, which knows a result's size, and the result's bytes; there are none
    /// without a result.
    pub fn split(self) -> (TaskOutcome<u64>, Vec<u8>) {
        match self {
            TaskOutcome::Result { bytes: ResultBytes(bytes) } => {
                (TaskOutcome::Result { bytes: bytes.len() as u64 }, bytes)
            }
            TaskOutcome::MapOutput { shuffle, map, bytes, checksum } => {
                (TaskOutcome::MapOutput { shuffle, map, bytes, checksum }, vec![])
            }
            TaskOutcome::Failed { failure } => (TaskOutcome::Failed { failure }, vec![]),
        }
    }
}

impl TaskReport {
    /// Returns the outcome that an executor of the same machine reports. It sends results of any size: a report that leaves the result
    /// elsewhere is from another program, and its task has failed.
    pub fn delivered(self) -> DeliveredOutcome {
        match self {
            TaskReport::Delivered { outcome } => outcome,
            TaskReport::ResultOnExecutor { result } => DeliveredOutcome::failed(TaskFailure::Operation {
                operation: "receive a result of a worker process".into(),
                message: format!("it waits at {}, where workers leave none", result.address),
                site: CallSite::default(),
                retryable: true,
            }),
        }
    }
}

impl From<DeliveredOutcome> for TaskReport {
    fn from(outcome: DeliveredOutcome) -> Self {
        TaskReport::Delivered { outcome }
    }
}
