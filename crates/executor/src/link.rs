//! What driver and executors want of each other, wherever they run.

use crate::runner::TaskEnd;
use firesteel_operators::TaskSpec;
use firesteel_types::{
    AccumulatorUpdate, BroadcastId, ExecutorId, Partition, RddId, ShuffleId, StageId, TaskId,
};
use std::sync::Arc;

/// An executor's way to the driver.
pub trait DriverLink: Send + Sync {
    /// The encoded plan of a stage, or why there is none.
    ///
    /// # Errors
    /// When the driver cannot encode it, or has forgotten the stage.
    fn plan(&self, stage: StageId) -> Result<Arc<[u8]>, String>;

    /// A task has ended. If it succeeded, its functions had added `updates` to accumulators.
    fn finished(&self, executor: ExecutorId, task: TaskId, end: TaskEnd, updates: Vec<AccumulatorUpdate>);
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
