//! What driver and executors want of each other, wherever they run.

use firesteel_protocol::{DeliveredOutcome, TaskSpec};
use firesteel_types::{
    AccumulatorUpdate, BroadcastId, CallSite, ExecutorId, Partition, RddId, ShuffleId, StageId, TaskFailure,
    TaskId,
};
use std::sync::Arc;

/// Why an executor has no plan of a stage.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PlanError {
    /// The driver cannot make it, or has forgotten the stage: asking again is of no use.
    #[error("{0}")]
    Refused(String),
    /// The driver could not be asked.
    #[error("the driver cannot be asked for the stage's plan: {0}")]
    Unreachable(String),
}

impl PlanError {
    /// What is said of a stage whose jobs are over.
    pub fn forgotten(stage: StageId) -> Self {
        PlanError::Refused(format!("the driver has forgotten stage {stage}"))
    }

    /// What a task dies of that needed the plan.
    pub(crate) fn into_failure(self) -> TaskFailure {
        match self {
            PlanError::Refused(why) => TaskFailure::BadPlan(why),
            PlanError::Unreachable(message) => TaskFailure::Operation {
                operation: "ask the driver for the stage's plan".into(),
                message,
                site: CallSite::default(),
                retryable: true,
            },
        }
    }
}

/// An executor's way to the driver.
pub trait DriverLink: Send + Sync {
    /// The encoded plan of a stage, or why there is none.
    ///
    /// # Errors
    /// When the driver cannot encode it, has forgotten the stage, or cannot be asked.
    fn plan(&self, stage: StageId) -> Result<Arc<[u8]>, PlanError>;

    /// A task has ended. If it succeeded, its functions had added `updates` to accumulators.
    fn finished(
        &self,
        executor: ExecutorId,
        task: TaskId,
        outcome: DeliveredOutcome,
        updates: Vec<AccumulatorUpdate>,
    );
}

/// The driver's way to its executors. What is said to one that is gone is lost.
pub trait Executors: Send + Sync {
    /// Gives an executor a task. It runs as soon as a slot is free.
    fn launch(&self, executor: ExecutorId, task: TaskSpec);

    /// Tells a task to stop. One that is not known has ended.
    fn kill(&self, executor: ExecutorId, task: TaskId);

    /// Forgets the plan of a stage that has no more tasks.
    fn forget_stage(&self, stage: StageId);

    /// Forgets what is in memory of an RDD's partitions; an executor elsewhere removes them.
    fn forget_rdd(&self, rdd: RddId);

    /// Forgets what is in memory of a broadcast value; an executor elsewhere removes it.
    fn forget_broadcast(&self, broadcast: BroadcastId);

    /// An executor elsewhere removes a map output. What lies with the driver, the driver removes itself.
    fn forget_output(&self, _: ExecutorId, _: ShuffleId, _: Partition, _: TaskId) {}

    /// An executor was declared lost: whatever is left of it shall end.
    fn dismiss(&self, _: ExecutorId) {}

    /// The tasks that were launched here and have not ended yet; only asked of executors that an agent runs.
    fn running(&self) -> Vec<(ExecutorId, Vec<TaskId>)> {
        vec![]
    }
}
