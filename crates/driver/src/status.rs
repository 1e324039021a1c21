//! Status: answers to a program's questions about its own jobs and stages while they run, and for a while
//! after.

use crate::context::DriverContext;
use firesteel_scheduler::Event;
use firesteel_status::{JobState as Progress, Status};
use firesteel_types::{JobId, StageId};

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// The job has not ended.
    Running,
    /// The job has its answer.
    Succeeded,
    /// The job ended without an answer: it failed, or was cancelled.
    Failed,
}

/// The description of a job that [`DriverContext::job_info`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobInfo {
    /// The job's id: jobs count from 0 within a context.
    pub job: u32,
    /// The action of the job and the line that called it: `count at src/main.rs:12:8`.
    pub name: String,
    /// The group of the job, if it has one.
    pub group: Option<String>,
    /// The stages of the job, parents before children; also those that were skipped because their output was
    /// there already.
    pub stages: Vec<u32>,
    /// The state of the job.
    pub state: JobState,
    /// The reason why the job failed, as a sentence, if it did.
    pub failure: Option<String>,
}

/// The description of a stage that [`DriverContext::stage_info`] returns. Counts are those of its last
/// attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageInfo {
    /// The stage's id: stages count from 0 within a context.
    pub stage: u32,
    /// The last attempt at the stage that began, from 0. There are several attempts if data that the stage
    /// reads was lost.
    pub attempt: u32,
    /// The operation that names the stage and the line that called it: `reduce_by_key at src/main.rs:9:8`.
    pub name: String,
    /// The number of tasks of the attempt. The first has one for each partition, later ones those that were
    /// not done.
    pub tasks: u32,
    /// The number of attempts at tasks that run.
    pub active_tasks: u32,
    /// The number of tasks that succeeded.
    pub completed_tasks: u32,
    /// The number of attempts at tasks that failed, apart from those that were told to stop.
    pub failed_tasks: u32,
}

/// # What runs and what ran
///
/// The last 1000 jobs and the last 1000 attempts at stages that ended are remembered, as many as in Spark;
/// older ones are forgotten.
impl DriverContext {
    /// The jobs of a group that run or are remembered, by id; with `None`, those that belong to no group.
    pub fn job_ids_for_group(&self, group: Option<&str>) -> Vec<u32> {
        self.ask(|status| status.jobs_of_group(group).map(|job| job.job.0).collect())
    }

    /// The jobs that have not ended, by id.
    pub fn active_job_ids(&self) -> Vec<u32> {
        self.ask(|status| status.active_jobs().map(|job| job.job.0).collect())
    }

    /// The stages that launch tasks, or wait for those that they launched, by id.
    pub fn active_stage_ids(&self) -> Vec<u32> {
        // A stage has one open attempt at most.
        self.ask(|status| status.active_stages().map(|stage| stage.stage.0).collect())
    }

    /// Returns the description of a job; `None` if there is none with this id, or it is forgotten.
    pub fn job_info(&self, job: u32) -> Option<JobInfo> {
        self.ask(|status| {
            let job = status.job(JobId(job))?;
            let (state, failure) = match &job.state {
                Progress::Running => (JobState::Running, None),
                Progress::Succeeded => (JobState::Succeeded, None),
                Progress::Failed(failure) => (JobState::Failed, Some(failure.to_string())),
            };
            Some(JobInfo {
                job: job.job.0,
                name: job.site.to_string(),
                group: job.group.clone(),
                stages: job.stages.iter().map(|stage| stage.stage.0).collect(),
                state,
                failure,
            })
        })
    }

    /// Returns the description of a stage; `None` if there is none with this id, or it is forgotten. A stage
    /// that has not begun, or was skipped, has its number of tasks and no running, completed or failed ones.
    pub fn stage_info(&self, stage: u32) -> Option<StageInfo> {
        self.ask(|status| {
            let Some(last) = status.last_attempt(StageId(stage)) else {
                let summary = status.summary(StageId(stage))?;
                return Some(StageInfo {
                    stage,
                    attempt: 0,
                    name: summary.site.to_string(),
                    tasks: summary.tasks,
                    active_tasks: 0,
                    completed_tasks: 0,
                    failed_tasks: 0,
                });
            };
            Some(StageInfo {
                stage,
                attempt: last.attempt.0,
                name: last.site.to_string(),
                tasks: last.tasks,
                active_tasks: last.running,
                completed_tasks: last.done,
                failed_tasks: last.failed,
            })
        })
    }

    /// Cancels a job, which then fails with a sentence that gives the reason: `Job 3 cancelled because
    /// {reason}`. A job that has ended, or is not known, does not change.
    pub fn cancel_job(&self, job: u32, reason: &str) {
        self.driver().post(Event::CancelJob { job: JobId(job), reason: format!("because {reason}") });
    }

    fn ask<R>(&self, question: impl FnOnce(&Status) -> R) -> R {
        question(&self.driver().status.lock())
    }
}
