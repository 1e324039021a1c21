//! What happened, as data. The scheduler's effects include these; the progress bar, listeners, the event log and the
//! web pages are all made from them and from nothing else.

use crate::failure::{ExecutorLossReason, JobFailure, TaskFailure};
use crate::ids::{ExecutorId, JobId, Partition, StageAttempt, StageId, TaskId};
use crate::locality::Locality;
use crate::site::CallSite;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What is known of a stage before it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSummary {
    /// The stage.
    pub stage: StageId,
    /// The stage's own operation.
    pub site: CallSite,
    /// How many tasks it has in all.
    pub tasks: u32,
}

/// One thing that happened in an application, with the time at which it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppEvent {
    /// A job was accepted.
    JobStarted {
        /// When.
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
        /// When.
        at: Millis,
        /// The job.
        job: JobId,
        /// Its failure, if it has no answer.
        failure: Option<JobFailure>,
    },
    /// An attempt at a stage began.
    StageSubmitted {
        /// When.
        at: Millis,
        /// The stage.
        stage: StageId,
        /// Which attempt.
        attempt: StageAttempt,
        /// The stage's own operation.
        site: CallSite,
        /// How many tasks this attempt has.
        tasks: u32,
    },
    /// An attempt at a stage ended.
    StageCompleted {
        /// When.
        at: Millis,
        /// The stage.
        stage: StageId,
        /// Which attempt.
        attempt: StageAttempt,
        /// Why it failed, if it did.
        failure: Option<String>,
    },
    /// A task was sent to an executor.
    TaskStarted {
        /// When.
        at: Millis,
        /// The attempt's own id.
        task: TaskId,
        /// The stage.
        stage: StageId,
        /// The stage's attempt.
        stage_attempt: StageAttempt,
        /// The partition.
        partition: Partition,
        /// How often this partition was tried before in this stage attempt.
        attempt: u32,
        /// Where.
        executor: ExecutorId,
        /// How near to its data.
        locality: Locality,
        /// Whether it runs beside another attempt that seems slow.
        speculative: bool,
    },
    /// A task ended.
    TaskEnded {
        /// When.
        at: Millis,
        /// The attempt's own id.
        task: TaskId,
        /// The stage.
        stage: StageId,
        /// The stage's attempt.
        stage_attempt: StageAttempt,
        /// The partition.
        partition: Partition,
        /// Where.
        executor: ExecutorId,
        /// Why it failed, if it did.
        failure: Option<TaskFailure>,
    },
    /// An executor is there.
    ExecutorAdded {
        /// When.
        at: Millis,
        /// Which.
        executor: ExecutorId,
        /// Its host.
        host: String,
        /// How many tasks it runs at a time.
        slots: u32,
    },
    /// An executor is gone.
    ExecutorRemoved {
        /// When.
        at: Millis,
        /// Which.
        executor: ExecutorId,
        /// Why.
        reason: ExecutorLossReason,
    },
}
