//! Application events, as data: jobs, stages, tasks and executors that begin and end. The scheduler's effects
//! include these; the progress bar, listeners, the event log and the web pages are all made from them and from
//! nothing else.

use crate::failure::{ExecutorLossReason, JobFailure, TaskFailure};
use crate::ids::{ExecutorId, JobId, Partition, StageAttempt, StageId, TaskId};
use crate::locality::Locality;
use crate::site::CallSite;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// The description of a stage before it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSummary {
    /// The stage.
    pub stage: StageId,
    /// The stage's own operation.
    pub site: CallSite,
    /// The number of its tasks in all.
    pub tasks: u32,
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
        stages: Vec<StageSummary>,
        /// The job group it belongs to.
        group: Option<String>,
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
        stage: StageId,
        /// The attempt.
        attempt: StageAttempt,
        /// The stage's own operation.
        site: CallSite,
        /// The number of tasks of this attempt.
        tasks: u32,
    },
    /// An attempt at a stage ended.
    StageCompleted {
        /// The time.
        at: Millis,
        /// The stage.
        stage: StageId,
        /// The attempt.
        attempt: StageAttempt,
        /// The reason why it failed, if it did.
        failure: Option<String>,
    },
    /// A task was sent to an executor.
    TaskStarted {
        /// The time.
        at: Millis,
        /// The attempt's own id.
        task: TaskId,
        /// The stage.
        stage: StageId,
        /// The stage's attempt.
        stage_attempt: StageAttempt,
        /// The partition.
        partition: Partition,
        /// The number of earlier attempts at this partition in this stage attempt.
        attempt: u32,
        /// The executor that runs it.
        executor: ExecutorId,
        /// Its distance from its data.
        locality: Locality,
        /// True if it runs beside another attempt that seems slow.
        speculative: bool,
    },
    /// A task ended.
    TaskEnded {
        /// The time.
        at: Millis,
        /// The attempt's own id.
        task: TaskId,
        /// The stage.
        stage: StageId,
        /// The stage's attempt.
        stage_attempt: StageAttempt,
        /// The partition.
        partition: Partition,
        /// The executor that ran it.
        executor: ExecutorId,
        /// The reason why it failed, if it did.
        failure: Option<TaskFailure>,
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
}
