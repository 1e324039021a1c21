//! Jobs.

use crate::store::dates::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// The state of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobStatus {
    /// It has not ended.
    #[default]
    Running,
    /// It has its answer.
    Succeeded,
    /// It has failed, or was cancelled.
    Failed,
    /// It is not known.
    Unknown,
}

impl JobStatus {
    /// Returns the status with this name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "RUNNING" => Some(JobStatus::Running),
            "SUCCEEDED" => Some(JobStatus::Succeeded),
            "FAILED" => Some(JobStatus::Failed),
            "UNKNOWN" => Some(JobStatus::Unknown),
            _ => None,
        }
    }

    /// Returns its name, as the REST interface has it.
    pub fn name(self) -> &'static str {
        match self {
            JobStatus::Running => "RUNNING",
            JobStatus::Succeeded => "SUCCEEDED",
            JobStatus::Failed => "FAILED",
            JobStatus::Unknown => "UNKNOWN",
        }
    }
}

/// One job.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobData {
    /// Its id.
    pub job_id: i64,
    /// The name of its last stage: `count at app.py:12`.
    pub name: String,
    /// All that the program says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The time at which it was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_time: Option<Date>,
    /// The time at which it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Date>,
    /// Its stages.
    pub stage_ids: Vec<i64>,
    /// Its group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_group: Option<String>,
    /// Its tags.
    pub job_tags: Vec<String>,
    /// Its state.
    pub status: JobStatus,
    /// The tasks of all its stages.
    pub num_tasks: i64,
    /// Those that run.
    pub num_active_tasks: i64,
    /// Attempts that succeeded.
    pub num_completed_tasks: i64,
    /// Tasks of stages that need not run.
    pub num_skipped_tasks: i64,
    /// Attempts that failed.
    pub num_failed_tasks: i64,
    /// Attempts that were told to stop.
    pub num_killed_tasks: i64,
    /// Tasks with at least one attempt that succeeded.
    pub num_completed_indices: i64,
    /// Stages that run.
    pub num_active_stages: i64,
    /// Stages that succeeded.
    pub num_completed_stages: i64,
    /// Stages that need not run.
    pub num_skipped_stages: i64,
    /// Stages that failed.
    pub num_failed_stages: i64,
    /// The reasons why attempts were told to stop, with their numbers.
    pub killed_tasks_summary: BTreeMap<String, i64>,
}
