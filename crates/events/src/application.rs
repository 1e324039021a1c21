//! Events of the application and its jobs.

use crate::stages::StageInfo;
use crate::tasks::StackFrame;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A log begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogStart {
    /// The version of Spark whose format the log has.
    #[serde(rename = "Spark Version", default)]
    pub spark_version: String,
    /// The version of Firesteel that wrote it, if Firesteel did. Spark does not read it.
    #[serde(rename = "Firesteel Version", default, skip_serializing_if = "Option::is_none")]
    pub firesteel_version: Option<String>,
}

/// The application has a name and an id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApplicationStart {
    /// The name that the program gave it.
    #[serde(rename = "App Name")]
    pub app_name: String,
    /// Its id.
    #[serde(rename = "App ID", default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The time, in milliseconds since 1970.
    #[serde(rename = "Timestamp")]
    pub timestamp: i64,
    /// The user that runs it.
    #[serde(rename = "User", default)]
    pub user: String,
    /// The attempt, where a cluster manager counts them.
    #[serde(rename = "App Attempt ID", default, skip_serializing_if = "Option::is_none")]
    pub app_attempt_id: Option<String>,
    /// The addresses of the driver's logs, by name.
    #[serde(rename = "Driver Logs", default, skip_serializing_if = "Option::is_none")]
    pub driver_logs: Option<BTreeMap<String, String>>,
}

/// The application has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApplicationEnd {
    /// The time, in milliseconds since 1970.
    #[serde(rename = "Timestamp")]
    pub timestamp: i64,
    /// The exit code of the program, if it is known.
    #[serde(rename = "ExitCode", default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// The settings and versions that the application runs with. Secrets are redacted before they come here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentUpdate {
    /// The runtime of the program. Of Spark: `Java Home`, `Java Version`, `Scala Version`.
    #[serde(rename = "JVM Information", default)]
    pub jvm_information: BTreeMap<String, String>,
    /// The settings, by key.
    #[serde(rename = "Spark Properties", default)]
    pub spark_properties: BTreeMap<String, String>,
    /// Settings of Hadoop's.
    #[serde(rename = "Hadoop Properties", default)]
    pub hadoop_properties: BTreeMap<String, String>,
    /// Properties of the system.
    #[serde(rename = "System Properties", default)]
    pub system_properties: BTreeMap<String, String>,
    /// Settings of metrics.
    #[serde(rename = "Metrics Properties", default)]
    pub metrics_properties: BTreeMap<String, String>,
    /// The files that the program was loaded from, with the way it was added.
    #[serde(rename = "Classpath Entries", default)]
    pub classpath_entries: BTreeMap<String, String>,
}

/// A job was submitted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobStart {
    /// The job.
    #[serde(rename = "Job ID")]
    pub job_id: i64,
    /// The time, in milliseconds since 1970.
    #[serde(rename = "Submission Time", default)]
    pub submission_time: i64,
    /// Its stages, those that will be skipped among them.
    #[serde(rename = "Stage Infos", default)]
    pub stage_infos: Vec<StageInfo>,
    /// The ids of its stages.
    #[serde(rename = "Stage IDs")]
    pub stage_ids: Vec<i64>,
    /// The local properties of the thread that submitted it: `spark.jobGroup.id`, `spark.job.description`,
    /// `spark.job.tags`, `callSite.short` and those of the program.
    #[serde(rename = "Properties", default)]
    pub properties: BTreeMap<String, String>,
}

/// A job has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobEnd {
    /// The job.
    #[serde(rename = "Job ID")]
    pub job_id: i64,
    /// The time, in milliseconds since 1970.
    #[serde(rename = "Completion Time", default)]
    pub completion_time: i64,
    /// How it ended.
    #[serde(rename = "Job Result")]
    pub job_result: JobResult,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobResult {
    /// `JobSucceeded` or `JobFailed`.
    #[serde(rename = "Result")]
    pub result: String,
    /// Why it failed.
    #[serde(rename = "Exception", default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<JobFailed>,
}

/// Why a job failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobFailed {
    /// The message that the user is told.
    #[serde(rename = "Message", default)]
    pub message: String,
    /// The stack, where there is one.
    #[serde(rename = "Stack Trace", default)]
    pub stack_trace: Vec<StackFrame>,
}

impl Default for JobResult {
    /// Success.
    fn default() -> Self {
        JobResult { result: "JobSucceeded".into(), exception: None }
    }
}

impl JobResult {
    /// Failure, with the message that the user is told.
    pub fn failed(message: String) -> Self {
        JobResult { result: "JobFailed".into(), exception: Some(JobFailed { message, stack_trace: vec![] }) }
    }
}
