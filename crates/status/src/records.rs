//! The records of one job, one stage attempt, one executor.

use firesteel_types::{
    CallSite, ExecutorId, ExecutorLossReason, JobFailure, JobId, Millis, StageAttempt, StageId, StageSummary,
    TaskMetrics,
};
use std::sync::Arc;

/// The state of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It has not ended.
    Running,
    /// It has its answer.
    Succeeded,
    /// It has failed.
    Failed(JobFailure),
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobStatus {
    /// Its id.
    pub job: JobId,
    /// The action that it answers.
    pub site: CallSite,
    /// The group it belongs to.
    pub group: Option<String>,
    /// Its stages, parents before children, those that were skipped among them.
    pub stages: Vec<Arc<StageSummary>>,
    /// The time at which it was accepted.
    pub started: Millis,
    /// The time at which it ended.
    pub ended: Option<Millis>,
    /// Its state.
    pub state: JobState,
}

/// One attempt at one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageStatus {
    /// The stage.
    pub stage: StageId,
    /// The attempt.
    pub attempt: StageAttempt,
    /// The stage's own operation.
    pub site: CallSite,
    /// The time at which it began.
    pub submitted: Millis,
    /// The time at which it ended.
    pub completed: Option<Millis>,
    /// The reason why it failed, if it did.
    pub failure: Option<String>,
    /// The number of its tasks.
    pub tasks: u32,
    /// The number of task attempts that run.
    pub running: u32,
    /// The number of attempts that succeeded.
    pub done: u32,
    /// The number of attempts that failed, apart from those that were killed.
    pub failed: u32,
    /// The number of attempts that were told to stop.
    pub killed: u32,
    /// The figures of the attempts that succeeded, together.
    pub measured: TaskMetrics,
}

/// One executor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorStatus {
    /// Its id.
    pub executor: ExecutorId,
    /// Its host.
    pub host: String,
    /// The number of tasks that it runs at a time.
    pub slots: u32,
    /// The time at which it registered.
    pub added: Millis,
    /// The time at which it was removed, and the reason.
    pub removed: Option<(Millis, ExecutorLossReason)>,
    /// The number of task attempts that run there.
    pub running: u32,
    /// The number of attempts that succeeded there.
    pub done: u32,
    /// The number of attempts that ended there without success.
    pub failed: u32,
}

impl JobStatus {
    pub(crate) fn started(
        started: Millis,
        job: JobId,
        site: CallSite,
        stages: Vec<Arc<StageSummary>>,
        group: Option<String>,
    ) -> Self {
        JobStatus { job, site, group, stages, started, ended: None, state: JobState::Running }
    }
}

impl StageStatus {
    pub(crate) fn submitted(
        submitted: Millis,
        stage: StageId,
        attempt: StageAttempt,
        site: CallSite,
        tasks: u32,
    ) -> Self {
        StageStatus {
            stage,
            attempt,
            site,
            submitted,
            completed: None,
            failure: None,
            tasks,
            running: 0,
            done: 0,
            failed: 0,
            killed: 0,
            measured: TaskMetrics::default(),
        }
    }
}

impl ExecutorStatus {
    pub(crate) fn added(added: Millis, executor: ExecutorId, host: String, slots: u32) -> Self {
        ExecutorStatus { executor, host, slots, added, removed: None, running: 0, done: 0, failed: 0 }
    }
}
