//! Application events, as data: jobs, stages, tasks and executors that begin and end. The scheduler's effects
//! include these; the progress bar, listeners, the event log and the web pages are all made from them and from
//! nothing else.

use crate::failure::{ExecutorLossReason, JobFailure, TaskFailure};
use crate::ids::{
    BlockKey, BlockSize, ExecutorId, JobId, Partition, RddId, ShuffleId, StageAttempt, StageId, TaskId,
};
use crate::locality::Locality;
use crate::metrics::{ExecutorMemory, TaskMetrics};
use crate::site::CallSite;
use crate::storage_level::StorageLevel;
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The description of a stage before it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSummary {
    /// The stage.
    pub stage: StageId,
    /// The stage's own operation.
    pub site: CallSite,
    /// The number of its tasks in all.
    pub tasks: u32,
    /// The stages whose shuffles it reads.
    pub parents: Vec<StageId>,
    /// The shuffle that it writes; none for a stage whose tasks have results.
    pub output: Option<ShuffleId>,
    /// The RDDs that it computes, parents before children.
    pub rdds: Arc<[RddSummary]>,
}

/// The description of an RDD of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RddSummary {
    /// The RDD.
    pub rdd: RddId,
    /// The operation that made it.
    pub site: CallSite,
    /// The name that the program gave it.
    pub name: Option<String>,
    /// The RDDs that it is computed from, also those of other stages.
    pub parents: Vec<RddId>,
    /// The number of its partitions.
    pub partitions: u32,
    /// How it is persisted, if it is.
    pub level: Option<StorageLevel>,
    /// True if its tasks run together.
    pub barrier: bool,
}

/// The description of one attempt at a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSummary {
    /// The attempt's own id.
    pub task: TaskId,
    /// The stage.
    pub stage: StageId,
    /// The stage's attempt.
    pub stage_attempt: StageAttempt,
    /// The task's position among those of its stage.
    pub index: u32,
    /// The partition.
    pub partition: Partition,
    /// The number of earlier attempts at this partition in this stage attempt.
    pub attempt: u32,
    /// The executor that runs it. [`AppEvent::ExecutorAdded`] has told its host.
    pub executor: ExecutorId,
    /// Its distance from its data.
    pub locality: Locality,
    /// True if it runs beside another attempt that seems slow.
    pub speculative: bool,
    /// The time at which it was sent to its executor.
    pub launched: Millis,
    /// True if it has a result, false if it writes to a shuffle.
    pub has_result: bool,
}

/// One event in an application, with the time at which it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppEvent {
    /// A job was accepted.
    JobStarted {
        /// The time.
        at: Millis,
        /// The job.
        job: JobId,
        /// The action that it answers.
        site: CallSite,
        /// Its stages, parents before children; those whose output is there already, and that are skipped, among them.
        stages: Vec<Arc<StageSummary>>,
        /// The job group it belongs to.
        group: Option<String>,
        /// The tags by which it can be cancelled.
        tags: Vec<String>,
        /// The local properties of the thread that submitted it.
        properties: Arc<BTreeMap<String, String>>,
    },
    /// A job ended; exactly once for each that started.
    JobEnded {
        /// The time.
        at: Millis,
        /// The job.
        job: JobId,
        /// Its failure, if it has no answer.
        failure: Option<JobFailure>,
    },
    /// An attempt at a stage began.
    StageSubmitted {
        /// The time.
        at: Millis,
        /// The stage.
        stage: Arc<StageSummary>,
        /// The attempt.
        attempt: StageAttempt,
        /// The number of tasks of this attempt.
        tasks: u32,
    },
    /// An attempt at a stage ended.
    StageCompleted {
        /// The time.
        at: Millis,
        /// The stage.
        stage: Arc<StageSummary>,
        /// The attempt.
        attempt: StageAttempt,
        /// The time at which it began.
        submitted: Millis,
        /// The number of tasks of this attempt.
        tasks: u32,
        /// The reason why it failed, if it did.
        failure: Option<String>,
    },
    /// A task was sent to an executor.
    TaskStarted {
        /// The time.
        at: Millis,
        /// The attempt.
        task: TaskSummary,
    },
    /// A task ended.
    TaskEnded {
        /// The time.
        at: Millis,
        /// The attempt.
        task: TaskSummary,
        /// The reason why it failed, if it did.
        failure: Option<TaskFailure>,
        /// The figures that it measured, if its executor told so.
        metrics: Option<Box<TaskMetrics>>,
    },
    /// An executor has cached a partition.
    BlockStored {
        /// The time.
        at: Millis,
        /// The executor.
        executor: ExecutorId,
        /// The partition.
        key: BlockKey,
        /// Its size.
        size: BlockSize,
    },
    /// An executor has a cached partition no more.
    BlockDropped {
        /// The time.
        at: Millis,
        /// The executor.
        executor: ExecutorId,
        /// The partition.
        key: BlockKey,
    },
    /// An executor has told how much memory it has.
    ExecutorMemory {
        /// The time.
        at: Millis,
        /// The executor.
        executor: ExecutorId,
        /// Its memory.
        memory: ExecutorMemory,
    },
    /// The program does not want an RDD to be persisted any more.
    Unpersisted {
        /// The time.
        at: Millis,
        /// The RDD.
        rdd: RddId,
    },
    /// An executor registered.
    ExecutorAdded {
        /// The time.
        at: Millis,
        /// The executor.
        executor: ExecutorId,
        /// Its host.
        host: String,
        /// The number of tasks that it runs at a time.
        slots: u32,
    },
    /// An executor is gone.
    ExecutorRemoved {
        /// The time.
        at: Millis,
        /// The executor.
        executor: ExecutorId,
        /// The reason.
        reason: ExecutorLossReason,
    },
    /// An executor gets no tasks of one stage attempt any more, or of the application for a time, since too many
    /// tasks failed there.
    ExecutorExcluded {
        /// The time.
        at: Millis,
        /// The executor.
        executor: ExecutorId,
        /// The number of different tasks that failed there.
        failures: u32,
        /// The stage attempt; `None` if it is the whole application.
        stage: Option<(StageId, StageAttempt)>,
    },
    /// An executor that was excluded from the application gets tasks again.
    ExecutorUnexcluded {
        /// The time.
        at: Millis,
        /// The executor.
        executor: ExecutorId,
    },
    /// No executor of a host gets tasks of one stage attempt any more, or of the application for a time, since too
    /// many of them were excluded.
    HostExcluded {
        /// The time.
        at: Millis,
        /// The host.
        host: String,
        /// The number of its executors that were excluded.
        executors: u32,
        /// The stage attempt; `None` if it is the whole application.
        stage: Option<(StageId, StageAttempt)>,
    },
    /// The executors of a host that was excluded from the application get tasks again, but for those that are excluded
    /// themselves.
    HostUnexcluded {
        /// The time.
        at: Millis,
        /// The host.
        host: String,
    },
}
