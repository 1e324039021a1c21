//! Events of executors and of the blocks that they keep.

use crate::metrics::ExecutorMetrics;
use crate::storage_level::StorageLevel;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An executor has registered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutorAdded {
    /// The time, in milliseconds since 1970.
    #[serde(rename = "Timestamp")]
    pub timestamp: i64,
    /// Its id: `driver`, or a number.
    #[serde(rename = "Executor ID")]
    pub executor_id: String,
    /// Where it runs, and how much it can.
    #[serde(rename = "Executor Info")]
    pub executor_info: ExecutorInfo,
}

/// Where an executor runs, and how much it can.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutorInfo {
    /// Its host.
    #[serde(rename = "Host")]
    pub host: String,
    /// The number of tasks that it runs at a time.
    #[serde(rename = "Total Cores")]
    pub total_cores: i64,
    /// The addresses of its logs, by name: `stdout`, `stderr`.
    #[serde(rename = "Log Urls", default)]
    pub log_urls: BTreeMap<String, String>,
    /// All that the cluster manager says of it.
    #[serde(rename = "Attributes", default)]
    pub attributes: BTreeMap<String, String>,
    /// Its other resources.
    #[serde(rename = "Resources", default)]
    pub resources: BTreeMap<String, serde_json::Value>,
    /// The number of its resource profile.
    #[serde(rename = "Resource Profile Id", default)]
    pub resource_profile_id: i64,
}

/// An executor is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutorRemoved {
    /// The time, in milliseconds since 1970.
    #[serde(rename = "Timestamp")]
    pub timestamp: i64,
    /// Its id.
    #[serde(rename = "Executor ID")]
    pub executor_id: String,
    /// Why.
    #[serde(rename = "Removed Reason", default)]
    pub removed_reason: String,
}

/// An executor gets no tasks for a time, since too many failed there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutorExcluded {
    /// The time, in milliseconds since 1970.
    #[serde(rename = "time", alias = "Timestamp", default)]
    pub timestamp: i64,
    /// Its id.
    #[serde(rename = "executorId", alias = "Executor ID", default)]
    pub executor_id: String,
    /// The number of tasks that failed.
    #[serde(rename = "taskFailures", alias = "Task Failures", default)]
    pub task_failures: i64,
}

/// An executor gets tasks again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutorUnexcluded {
    /// The time, in milliseconds since 1970.
    #[serde(rename = "time", alias = "Timestamp", default)]
    pub timestamp: i64,
    /// Its id.
    #[serde(rename = "executorId", alias = "Executor ID", default)]
    pub executor_id: String,
}

/// An executor gets no more tasks of a stage attempt, since too many of them failed there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutorExcludedForStage {
    /// The time, in milliseconds since 1970.
    #[serde(rename = "time")]
    pub timestamp: i64,
    /// Its id.
    #[serde(rename = "executorId")]
    pub executor_id: String,
    /// The number of tasks that failed.
    #[serde(rename = "taskFailures", default)]
    pub task_failures: i64,
    /// The stage.
    #[serde(rename = "stageId")]
    pub stage_id: i64,
    /// The attempt.
    #[serde(rename = "stageAttemptId", default)]
    pub stage_attempt_id: i64,
}

/// No executor of a host gets tasks for a time, since too many of them were excluded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeExcluded {
    /// The time, in milliseconds since 1970.
    #[serde(rename = "time")]
    pub timestamp: i64,
    /// The host.
    #[serde(rename = "hostId")]
    pub host_id: String,
    /// The number of its executors that were excluded.
    #[serde(rename = "executorFailures", default)]
    pub executor_failures: i64,
}

/// No executor of a host gets tasks of a stage attempt any more, since too many of them were excluded from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeExcludedForStage {
    /// The time, in milliseconds since 1970.
    #[serde(rename = "time")]
    pub timestamp: i64,
    /// The host.
    #[serde(rename = "hostId")]
    pub host_id: String,
    /// The number of its executors that were excluded.
    #[serde(rename = "executorFailures", default)]
    pub executor_failures: i64,
    /// The stage.
    #[serde(rename = "stageId")]
    pub stage_id: i64,
    /// The attempt.
    #[serde(rename = "stageAttemptId", default)]
    pub stage_attempt_id: i64,
}

/// The executors of a host get tasks again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeUnexcluded {
    /// The time, in milliseconds since 1970.
    #[serde(rename = "time")]
    pub timestamp: i64,
    /// The host.
    #[serde(rename = "hostId")]
    pub host_id: String,
}

/// The place where an executor serves its blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockManagerId {
    /// The executor.
    #[serde(rename = "Executor ID")]
    pub executor_id: String,
    /// Its host.
    #[serde(rename = "Host")]
    pub host: String,
    /// The port.
    #[serde(rename = "Port")]
    pub port: i64,
}

impl BlockManagerId {
    /// The port of an executor that has none. Spark's History Server shows nothing of an application in whose log there
    /// is a port below this.
    pub const NO_PORT: i64 = 1;
}

/// An executor's memory for blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockManagerAdded {
    /// Where its blocks are served.
    #[serde(rename = "Block Manager ID")]
    pub block_manager_id: BlockManagerId,
    /// The most memory for blocks, in bytes.
    #[serde(rename = "Maximum Memory")]
    pub maximum_memory: i64,
    /// The time, in milliseconds since 1970.
    #[serde(rename = "Timestamp", default)]
    pub timestamp: i64,
    /// The part of the memory that Spark keeps on its heap, in bytes.
    #[serde(rename = "Maximum Onheap Memory", default, skip_serializing_if = "Option::is_none")]
    pub maximum_on_heap_memory: Option<i64>,
    /// The part of the memory that Spark keeps elsewhere, in bytes.
    #[serde(rename = "Maximum Offheap Memory", default, skip_serializing_if = "Option::is_none")]
    pub maximum_off_heap_memory: Option<i64>,
}

/// An executor's memory for blocks is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockManagerRemoved {
    /// Where its blocks were served.
    #[serde(rename = "Block Manager ID")]
    pub block_manager_id: BlockManagerId,
    /// The time, in milliseconds since 1970.
    #[serde(rename = "Timestamp", default)]
    pub timestamp: i64,
}

/// All that executors and tasks have of each resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResourceProfileAdded {
    /// The number of the profile.
    #[serde(rename = "Resource Profile Id")]
    pub id: i64,
    /// All that an executor has.
    #[serde(rename = "Executor Resource Requests", default)]
    pub executor_requests: BTreeMap<String, ExecutorRequest>,
    /// All that a task has.
    #[serde(rename = "Task Resource Requests", default)]
    pub task_requests: BTreeMap<String, TaskRequest>,
}

/// All that an executor has of one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutorRequest {
    /// The name of the resource.
    #[serde(rename = "Resource Name")]
    pub resource_name: String,
    /// How much.
    #[serde(rename = "Amount")]
    pub amount: i64,
    /// The script that finds it.
    #[serde(rename = "Discovery Script", default)]
    pub discovery_script: String,
    /// Its maker.
    #[serde(rename = "Vendor", default)]
    pub vendor: String,
}

/// All that a task has of one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskRequest {
    /// The name of the resource.
    #[serde(rename = "Resource Name")]
    pub resource_name: String,
    /// How much.
    #[serde(rename = "Amount")]
    pub amount: f64,
}

/// A block of an executor came, went, or changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockUpdated {
    /// The block.
    #[serde(rename = "Block Updated Info")]
    pub info: BlockUpdatedInfo,
}

/// A block of an executor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockUpdatedInfo {
    /// Where it is served.
    #[serde(rename = "Block Manager ID")]
    pub block_manager_id: BlockManagerId,
    /// Its name, such as `rdd_2_0`.
    #[serde(rename = "Block ID")]
    pub block_id: String,
    /// Where it is kept; without memory and disk the block is gone.
    #[serde(rename = "Storage Level")]
    pub storage_level: StorageLevel,
    /// Its bytes in memory.
    #[serde(rename = "Memory Size", default)]
    pub memory_size: i64,
    /// Its bytes on disk.
    #[serde(rename = "Disk Size", default)]
    pub disk_size: i64,
}

/// The program does not want an RDD to be persisted any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnpersistRdd {
    /// The RDD.
    #[serde(rename = "RDD ID")]
    pub rdd_id: i64,
}

/// The figures of an executor, as its heartbeat brings them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutorMetricsUpdate {
    /// The executor.
    #[serde(rename = "Executor ID")]
    pub executor_id: String,
    /// All that the accumulators of running tasks have; Firesteel sends none.
    #[serde(rename = "Metrics Updated", default)]
    pub metrics_updated: Vec<serde_json::Value>,
    /// The figures, for each stage that runs there; those of the executor itself have the stage -1.
    #[serde(rename = "Executor Metrics Updated", default)]
    pub executor_metrics_updated: Vec<StageMetrics>,
}

/// The figures of an executor while a stage ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageMetrics {
    /// The stage; -1 for none.
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    /// The attempt; -1 for none.
    #[serde(rename = "Stage Attempt ID")]
    pub stage_attempt_id: i64,
    /// The figures.
    #[serde(rename = "Executor Metrics")]
    pub executor_metrics: ExecutorMetrics,
}

/// The most that the figures of an executor reached while a stage ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageExecutorMetrics {
    /// The executor.
    #[serde(rename = "Executor ID")]
    pub executor_id: String,
    /// The stage.
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    /// The attempt.
    #[serde(rename = "Stage Attempt ID")]
    pub stage_attempt_id: i64,
    /// The figures.
    #[serde(rename = "Executor Metrics")]
    pub executor_metrics: ExecutorMetrics,
}
