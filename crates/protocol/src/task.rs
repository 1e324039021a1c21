//! A task as an executor is told of it, and the answers to its calls at a barrier.

use firesteel_types::{JobId, Partition, RddId, ShuffleOutputs, StageAttempt, StageId, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which task to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The attempt's own id.
    pub task: TaskId,
    /// The stage.
    pub stage: StageId,
    /// The stage's attempt.
    pub stage_attempt: StageAttempt,
    /// The job that the stage answers; of several that share it, one.
    pub job: JobId,
    /// The partition.
    pub partition: Partition,
    /// How often this partition was tried before.
    pub attempt: u32,
    /// The map outputs that the task may read.
    pub inputs: Arc<[Arc<ShuffleOutputs>]>,
    /// The version under which it may read and keep partitions of each persisted RDD.
    pub cached: Arc<[(RddId, u64)]>,
    /// If it belongs to a barrier stage: the host of each task of the stage attempt, in the order of partitions.
    pub barrier_hosts: Option<Arc<[String]>>,
    /// The local properties that the program's thread had set for the job.
    pub properties: Arc<BTreeMap<String, String>>,
}

/// The messages of all tasks of a barrier stage, in the order of partitions, or the reason why they will not all call.
pub type BarrierOutcome = Result<Arc<[String]>, BarrierRefusal>;

/// The reason why a task does not meet the others of its barrier stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarrierRefusal {
    /// Why, as a sentence.
    pub reason: String,
    /// True if another attempt could end differently.
    pub retryable: bool,
}

impl BarrierRefusal {
    /// There is nobody any more to bring the tasks together.
    pub fn driver_is_gone() -> Self {
        BarrierRefusal { reason: "the driver is gone".into(), retryable: true }
    }
}
