//! Events of stages, and the RDDs that they compute.

use crate::storage_level::StorageLevel;
use crate::tasks::Accumulable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An attempt at a stage begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageSubmitted {
    /// The stage.
    #[serde(rename = "Stage Info")]
    pub stage_info: StageInfo,
    /// The local properties of the thread that submitted the job.
    #[serde(rename = "Properties", default)]
    pub properties: BTreeMap<String, String>,
}

/// An attempt at a stage has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageCompleted {
    /// The stage.
    #[serde(rename = "Stage Info")]
    pub stage_info: StageInfo,
}

/// One attempt at a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageInfo {
    /// The stage.
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    /// The attempt, from 0.
    #[serde(rename = "Stage Attempt ID", default)]
    pub attempt_id: i64,
    /// Its operation and line: `count at app.py:12`.
    #[serde(rename = "Stage Name")]
    pub name: String,
    /// The number of its tasks.
    #[serde(rename = "Number of Tasks")]
    pub num_tasks: i64,
    /// The RDDs that it computes.
    #[serde(rename = "RDD Info", default)]
    pub rdd_info: Arc<Vec<RddInfo>>,
    /// The stages whose shuffles it reads.
    #[serde(rename = "Parent IDs", default)]
    pub parent_ids: Vec<i64>,
    /// Where it was called: lines, the innermost first.
    #[serde(rename = "Details", default)]
    pub details: String,
    /// The time at which it began, in milliseconds since 1970.
    #[serde(rename = "Submission Time", default, skip_serializing_if = "Option::is_none")]
    pub submission_time: Option<i64>,
    /// The time at which it ended, in milliseconds since 1970.
    #[serde(rename = "Completion Time", default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<i64>,
    /// Why it failed.
    #[serde(rename = "Failure Reason", default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// Its accumulators.
    #[serde(rename = "Accumulables", default)]
    pub accumulables: Vec<Accumulable>,
    /// The number of its resource profile.
    #[serde(rename = "Resource Profile Id", default)]
    pub resource_profile_id: i64,
    /// The shuffle that it writes. Spark writes it nowhere; Firesteel's own pages draw arrows with it.
    #[serde(rename = "Shuffle ID", default, skip_serializing_if = "Option::is_none")]
    pub shuffle_id: Option<i64>,
}

/// One RDD of a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RddInfo {
    /// The RDD.
    #[serde(rename = "RDD ID")]
    pub rdd_id: i64,
    /// Its name: that of its operation, or the one that the program gave it.
    #[serde(rename = "Name")]
    pub name: String,
    /// The operation to which it belongs, as JSON: `{"id":"3","name":"reduceByKey"}`. The picture of a stage draws a
    /// box around RDDs with equal scopes.
    #[serde(rename = "Scope", default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Its operation and line: `map at app.py:12`.
    #[serde(rename = "Callsite", default)]
    pub callsite: String,
    /// The RDDs that it is computed from.
    #[serde(rename = "Parent IDs", default)]
    pub parent_ids: Vec<i64>,
    /// How it is persisted.
    #[serde(rename = "Storage Level")]
    pub storage_level: StorageLevel,
    /// True if its tasks run together.
    #[serde(rename = "Barrier", default)]
    pub barrier: bool,
    /// `DETERMINATE`, `UNORDERED` or `INDETERMINATE`.
    #[serde(rename = "DeterministicLevel", default, skip_serializing_if = "String::is_empty")]
    pub deterministic_level: String,
    /// The number of its partitions.
    #[serde(rename = "Number of Partitions")]
    pub num_partitions: i64,
    /// The number of partitions that are cached.
    #[serde(rename = "Number of Cached Partitions", default)]
    pub num_cached_partitions: i64,
    /// Bytes in memory.
    #[serde(rename = "Memory Size", default)]
    pub memory_size: i64,
    /// Bytes on disk.
    #[serde(rename = "Disk Size", default)]
    pub disk_size: i64,
}
