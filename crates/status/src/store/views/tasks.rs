//! Tasks.

use crate::store::dates::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// The state of an attempt at a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum TaskStatus {
    /// It runs.
    #[default]
    #[serde(rename = "RUNNING")]
    Running,
    /// The driver fetches its result.
    #[serde(rename = "GET RESULT")]
    GetResult,
    /// It succeeded.
    #[serde(rename = "SUCCESS")]
    Success,
    /// It failed.
    #[serde(rename = "FAILED")]
    Failed,
    /// It was told to stop.
    #[serde(rename = "KILLED")]
    Killed,
}

impl TaskStatus {
    /// Returns its name, as the REST interface has it.
    pub fn name(self) -> &'static str {
        match self {
            TaskStatus::Running => "RUNNING",
            TaskStatus::GetResult => "GET RESULT",
            TaskStatus::Success => "SUCCESS",
            TaskStatus::Failed => "FAILED",
            TaskStatus::Killed => "KILLED",
        }
    }

    /// Returns the status that a request names: one of Spark's `TaskStatus`, which has `UNKNOWN`, too, and none for
    /// results that are fetched.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "RUNNING" => Some(TaskStatus::Running),
            "SUCCESS" => Some(TaskStatus::Success),
            "FAILED" => Some(TaskStatus::Failed),
            "KILLED" => Some(TaskStatus::Killed),
            _ => None,
        }
    }
}

/// An accumulator of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccumulableInfo {
    /// Its id.
    pub id: i64,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// All that the task added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<String>,
    /// All that it is by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// One attempt at a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskData {
    /// The attempt's own id.
    pub task_id: i64,
    /// The task's position in its stage attempt.
    pub index: i64,
    /// The number of earlier attempts at the task.
    pub attempt: i64,
    /// The partition that it computes.
    pub partition_id: i64,
    /// The time at which it was sent to its executor.
    pub launch_time: Date,
    /// The time at which the driver began to fetch the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_fetch_start: Option<Date>,
    /// Milliseconds from its launch to its end, or to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// The executor.
    pub executor_id: String,
    /// The executor's host.
    pub host: String,
    /// Its state.
    pub status: TaskStatus,
    /// How near the task is to its data.
    pub task_locality: String,
    /// True if it runs beside another attempt that seems slow.
    pub speculative: bool,
    /// All that it added to accumulators of the program.
    pub accumulator_updates: Vec<AccumulableInfo>,
    /// The reason why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// All that it measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_metrics: Option<TaskMetricsView>,
    /// The addresses of the executor's logs, by name.
    pub executor_logs: BTreeMap<String, String>,
    /// Milliseconds that are not in any other figure.
    pub scheduler_delay: i64,
    /// Milliseconds in which the driver fetched the result.
    pub getting_result_time: i64,
}

/// All that one attempt at a task has measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskMetricsView {
    /// Milliseconds in which the executor made the task ready.
    pub executor_deserialize_time: i64,
    /// The CPU time of that, in nanoseconds.
    pub executor_deserialize_cpu_time: i64,
    /// Milliseconds in which the task ran.
    pub executor_run_time: i64,
    /// The CPU time of that, in nanoseconds.
    pub executor_cpu_time: i64,
    /// The bytes of the result.
    pub result_size: i64,
    /// Milliseconds in which a JVM collected garbage.
    pub jvm_gc_time: i64,
    /// Milliseconds in which the result was encoded.
    pub result_serialization_time: i64,
    /// Bytes that were spilled, as they were in memory.
    pub memory_bytes_spilled: i64,
    /// Bytes that were spilled, as they are on disk.
    pub disk_bytes_spilled: i64,
    /// The most memory that the task had from the executor's budget.
    pub peak_execution_memory: i64,
    /// All that it read.
    pub input_metrics: InputView,
    /// All that it wrote.
    pub output_metrics: OutputView,
    /// All that it read from shuffles.
    pub shuffle_read_metrics: ShuffleReadView,
    /// All that it wrote to a shuffle.
    pub shuffle_write_metrics: ShuffleWriteView,
}

/// All that a task read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputView {
    /// Bytes.
    pub bytes_read: i64,
    /// Records.
    pub records_read: i64,
}

/// All that a task wrote to files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputView {
    /// Bytes.
    pub bytes_written: i64,
    /// Records.
    pub records_written: i64,
}

/// All that a task read from shuffles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShuffleReadView {
    /// Blocks from other hosts.
    pub remote_blocks_fetched: i64,
    /// Blocks of this host.
    pub local_blocks_fetched: i64,
    /// Milliseconds in which the task waited for blocks.
    pub fetch_wait_time: i64,
    /// Bytes from other hosts.
    pub remote_bytes_read: i64,
    /// Bytes from other hosts that went to disk first.
    pub remote_bytes_read_to_disk: i64,
    /// Bytes of this host.
    pub local_bytes_read: i64,
    /// Records.
    pub records_read: i64,
    /// Milliseconds of all requests to other hosts.
    pub remote_reqs_duration: i64,
    /// Of push-based shuffles.
    pub shuffle_push_read_metrics: ShufflePushReadView,
}

/// All that a task read from push-based shuffles, which Firesteel has not: all 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShufflePushReadView {
    /// Always 0.
    pub corrupt_merged_block_chunks: i64,
    /// Always 0.
    pub merged_fetch_fallback_count: i64,
    /// Always 0.
    pub remote_merged_blocks_fetched: i64,
    /// Always 0.
    pub local_merged_blocks_fetched: i64,
    /// Always 0.
    pub remote_merged_chunks_fetched: i64,
    /// Always 0.
    pub local_merged_chunks_fetched: i64,
    /// Always 0.
    pub remote_merged_bytes_read: i64,
    /// Always 0.
    pub local_merged_bytes_read: i64,
    /// Always 0.
    pub remote_merged_reqs_duration: i64,
}

/// All that a task wrote to a shuffle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShuffleWriteView {
    /// Bytes.
    pub bytes_written: i64,
    /// Nanoseconds in which they were written.
    pub write_time: i64,
    /// Records.
    pub records_written: i64,
}

/// The quantiles of the tasks of a stage that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskMetricDistributions {
    /// The quantiles that were asked for.
    pub quantiles: Vec<f64>,
    /// Milliseconds from launch to end.
    pub duration: Vec<f64>,
    /// Milliseconds in which the executor made the task ready.
    pub executor_deserialize_time: Vec<f64>,
    /// The CPU time of that, in nanoseconds.
    pub executor_deserialize_cpu_time: Vec<f64>,
    /// Milliseconds in which the task ran.
    pub executor_run_time: Vec<f64>,
    /// The CPU time of that, in nanoseconds.
    pub executor_cpu_time: Vec<f64>,
    /// The bytes of the result.
    pub result_size: Vec<f64>,
    /// Milliseconds in which a JVM collected garbage.
    pub jvm_gc_time: Vec<f64>,
    /// Milliseconds in which the result was encoded.
    pub result_serialization_time: Vec<f64>,
    /// Milliseconds in which the driver fetched the result.
    pub getting_result_time: Vec<f64>,
    /// Milliseconds that are not in any other figure.
    pub scheduler_delay: Vec<f64>,
    /// The most memory that the task had from the executor's budget.
    pub peak_execution_memory: Vec<f64>,
    /// Bytes that were spilled, as they were in memory.
    pub memory_bytes_spilled: Vec<f64>,
    /// Bytes that were spilled, as they are on disk.
    pub disk_bytes_spilled: Vec<f64>,
    /// All that they read.
    pub input_metrics: InputMetricDistributions,
    /// All that they wrote.
    pub output_metrics: OutputMetricDistributions,
    /// All that they read from shuffles.
    pub shuffle_read_metrics: ShuffleReadMetricDistributions,
    /// All that they wrote to a shuffle.
    pub shuffle_write_metrics: ShuffleWriteMetricDistributions,
}

/// The quantiles of what tasks read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputMetricDistributions {
    /// Bytes.
    pub bytes_read: Vec<f64>,
    /// Records.
    pub records_read: Vec<f64>,
}

/// The quantiles of what tasks wrote to files.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputMetricDistributions {
    /// Bytes.
    pub bytes_written: Vec<f64>,
    /// Records.
    pub records_written: Vec<f64>,
}

/// The quantiles of what tasks read from shuffles.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShuffleReadMetricDistributions {
    /// Bytes.
    pub read_bytes: Vec<f64>,
    /// Records.
    pub read_records: Vec<f64>,
    /// Blocks from other hosts.
    pub remote_blocks_fetched: Vec<f64>,
    /// Blocks of this host.
    pub local_blocks_fetched: Vec<f64>,
    /// Milliseconds in which the task waited for blocks.
    pub fetch_wait_time: Vec<f64>,
    /// Bytes from other hosts.
    pub remote_bytes_read: Vec<f64>,
    /// Bytes from other hosts that went to disk first.
    pub remote_bytes_read_to_disk: Vec<f64>,
    /// Blocks.
    pub total_blocks_fetched: Vec<f64>,
    /// Milliseconds of all requests to other hosts.
    pub remote_reqs_duration: Vec<f64>,
    /// Of push-based shuffles.
    pub shuffle_push_read_metrics_dist: ShufflePushReadDistributions,
}

/// The quantiles of push-based shuffles: all 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShufflePushReadDistributions {
    /// Always 0.
    pub corrupt_merged_block_chunks: Vec<f64>,
    /// Always 0.
    pub merged_fetch_fallback_count: Vec<f64>,
    /// Always 0.
    pub remote_merged_blocks_fetched: Vec<f64>,
    /// Always 0.
    pub local_merged_blocks_fetched: Vec<f64>,
    /// Always 0.
    pub remote_merged_chunks_fetched: Vec<f64>,
    /// Always 0.
    pub local_merged_chunks_fetched: Vec<f64>,
    /// Always 0.
    pub remote_merged_bytes_read: Vec<f64>,
    /// Always 0.
    pub local_merged_bytes_read: Vec<f64>,
    /// Always 0.
    pub remote_merged_reqs_duration: Vec<f64>,
}

/// The quantiles of what tasks wrote to a shuffle.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShuffleWriteMetricDistributions {
    /// Bytes.
    pub write_bytes: Vec<f64>,
    /// Records.
    pub write_records: Vec<f64>,
    /// Nanoseconds in which they were written.
    pub write_time: Vec<f64>,
}
