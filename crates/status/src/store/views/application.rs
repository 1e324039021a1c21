//! The application itself: its attempts, and its settings.

use crate::store::dates::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// An application, with its attempts, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationInfo {
    /// Its id.
    pub id: String,
    /// The name that the program gave it.
    pub name: String,
    /// The cores that it has, where a master tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores_granted: Option<i64>,
    /// The most cores that it wants, where a master tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cores: Option<i64>,
    /// The cores of each executor, where a master tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores_per_executor: Option<i64>,
    /// The memory of each executor, where a master tells.
    #[serde(rename = "memoryPerExecutorMB", skip_serializing_if = "Option::is_none")]
    pub memory_per_executor_mb: Option<i64>,
    /// Its attempts.
    pub attempts: Vec<ApplicationAttemptInfo>,
}

/// One attempt at an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationAttemptInfo {
    /// The attempt, where a cluster manager counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_id: Option<String>,
    /// The time at which it began.
    pub start_time: Date,
    /// The time at which it ended; -1 while it runs.
    pub end_time: Date,
    /// The time of its last sign of life.
    pub last_updated: Date,
    /// Milliseconds from its begin to its end.
    pub duration: i64,
    /// The user that runs it.
    pub spark_user: String,
    /// True if it has ended.
    pub completed: bool,
    /// The version of Spark that it has, or whose interface it has.
    pub app_spark_version: String,
    /// The exit code of the program, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The place of its log, at a history server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source_name: Option<String>,
    /// The full path of that place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source_full_path: Option<String>,
    /// As [`Self::start_time`], in milliseconds.
    pub start_time_epoch: i64,
    /// As [`Self::end_time`], in milliseconds.
    pub end_time_epoch: i64,
    /// As [`Self::last_updated`], in milliseconds.
    pub last_updated_epoch: i64,
}

/// The settings and versions of an application.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationEnvironmentInfo {
    /// All that runs the program.
    pub runtime: RuntimeInfo,
    /// The settings, by key. Secrets are redacted before they come here, and once more here.
    pub spark_properties: Vec<(String, String)>,
    /// Settings of Hadoop's.
    pub hadoop_properties: Vec<(String, String)>,
    /// Properties of the system.
    pub system_properties: Vec<(String, String)>,
    /// Settings of metrics.
    pub metrics_properties: Vec<(String, String)>,
    /// All that the program was loaded from, with the way it was added.
    pub classpath_entries: Vec<(String, String)>,
    /// All that executors and tasks have of each resource.
    pub resource_profiles: Vec<ResourceProfileInfo>,
}

/// All that runs the program.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeInfo {
    /// The version of Java; of Firesteel's own applications, what they run on instead.
    pub java_version: String,
    /// Where Java is.
    pub java_home: String,
    /// The version of Scala.
    pub scala_version: String,
}

/// All that executors and tasks have of each resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceProfileInfo {
    /// Its number.
    pub id: i64,
    /// All that an executor has.
    pub executor_resources: BTreeMap<String, ExecutorResource>,
    /// All that a task has.
    pub task_resources: BTreeMap<String, TaskResource>,
}

/// All that an executor has of one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutorResource {
    /// The name of the resource.
    pub resource_name: String,
    /// How much.
    pub amount: i64,
    /// The script that finds it.
    pub discovery_script: String,
    /// Its maker.
    pub vendor: String,
}

/// All that a task has of one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskResource {
    /// The name of the resource.
    pub resource_name: String,
    /// How much.
    pub amount: f64,
}

/// The version whose interface this is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VersionInfo {
    /// The version of Spark.
    pub spark: String,
}
