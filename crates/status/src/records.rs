//! What is known of one job, one stage attempt, one executor.

use firesteel_types::{
    CallSite, ExecutorId, ExecutorLossReason, JobFailure, JobId, Millis, StageAttempt, StageId, StageSummary,
};

/// What became of a job so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It has not ended.
    Running,
    /// It has its answer.
    Succeeded,
    /// It has none.
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
    pub stages: Vec<StageSummary>,
    /// When it was accepted.
    pub started: Millis,
    /// When it ended.
    pub ended: Option<Millis>,
    /// What became of it.
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
    /// When it began.
    pub submitted: Millis,
    /// When it ended.
    pub completed: Option<Millis>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// The tasks that it has to do.
    pub tasks: u32,
    /// Attempts at tasks that run.
    pub running: u32,
    /// Attempts that succeeded.
    pub done: u32,
    /// Attempts that failed, apart from those that were killed.
    pub failed: u32,
    /// Attempts that were told to stop.
    pub killed: u32,
}

/// One executor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorStatus {
    /// Its id.
    pub executor: ExecutorId,
    /// Its host.
    pub host: String,
    /// How many tasks it runs at a time.
    pub slots: u32,
    /// When it came.
    pub added: Millis,
    /// When it went, and why.
    pub removed: Option<(Millis, ExecutorLossReason)>,
    /// Attempts at tasks that run there.
    pub running: u32,
    /// Attempts that succeeded there.
    pub done: u32,
    /// Attempts that ended there without success.
    pub failed: u32,
}
