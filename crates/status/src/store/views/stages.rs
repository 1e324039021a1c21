//! Stages.

use super::executors::PeakMemory;
use super::tasks::{AccumulableInfo, TaskData, TaskMetricDistributions};
use crate::store::dates::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// The state of an attempt at a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StageStatus {
    /// It runs.
    Active,
    /// It succeeded.
    Complete,
    /// It failed.
    Failed,
    /// It has not begun.
    #[default]
    Pending,
    /// It need not run.
    Skipped,
}

impl StageStatus {
    /// Returns the status with this name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "ACTIVE" => Some(StageStatus::Active),
            "COMPLETE" => Some(StageStatus::Complete),
            "FAILED" => Some(StageStatus::Failed),
            "PENDING" => Some(StageStatus::Pending),
            "SKIPPED" => Some(StageStatus::Skipped),
            _ => None,
        }
    }

    /// Returns its name, as the REST interface has it.
    pub fn name(self) -> &'static str {
        match self {
            StageStatus::Active => "ACTIVE",
            StageStatus::Complete => "COMPLETE",
            StageStatus::Failed => "FAILED",
            StageStatus::Pending => "PENDING",
            StageStatus::Skipped => "SKIPPED",
        }
    }
}

/// One attempt at a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageData {
    /// Its state.
    pub status: StageStatus,
    /// The stage.
    pub stage_id: i64,
    /// The attempt, from 0.
    pub attempt_id: i64,
    /// The number of its tasks.
    pub num_tasks: i64,
    /// Attempts that run.
    pub num_active_tasks: i64,
    /// Attempts that succeeded.
    pub num_complete_tasks: i64,
    /// Attempts that failed.
    pub num_failed_tasks: i64,
    /// Attempts that were told to stop.
    pub num_killed_tasks: i64,
    /// Tasks with at least one attempt that succeeded.
    pub num_completed_indices: i64,
    /// The time at which it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_time: Option<Date>,
    /// The time at which its first task was sent to an executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_task_launched_time: Option<Date>,
    /// The time at which it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Date>,
    /// The reason why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// Milliseconds in which executors made tasks ready.
    pub executor_deserialize_time: i64,
    /// The CPU time of that, in nanoseconds.
    pub executor_deserialize_cpu_time: i64,
    /// Milliseconds in which tasks ran.
    pub executor_run_time: i64,
    /// The CPU time of that, in nanoseconds.
    pub executor_cpu_time: i64,
    /// The bytes of the results.
    pub result_size: i64,
    /// Milliseconds in which a JVM collected garbage.
    pub jvm_gc_time: i64,
    /// Milliseconds in which results were encoded.
    pub result_serialization_time: i64,
    /// Bytes that were spilled, as they were in memory.
    pub memory_bytes_spilled: i64,
    /// Bytes that were spilled, as they are on disk.
    pub disk_bytes_spilled: i64,
    /// The sum of the most memory that each task had.
    pub peak_execution_memory: i64,
    /// Bytes read from files, data of the program or cached partitions.
    pub input_bytes: i64,
    /// Records of those.
    pub input_records: i64,
    /// Bytes written to files.
    pub output_bytes: i64,
    /// Records written to files.
    pub output_records: i64,
    /// Blocks from other hosts.
    pub shuffle_remote_blocks_fetched: i64,
    /// Blocks of the same host.
    pub shuffle_local_blocks_fetched: i64,
    /// Milliseconds in which tasks waited for blocks.
    pub shuffle_fetch_wait_time: i64,
    /// Bytes from other hosts.
    pub shuffle_remote_bytes_read: i64,
    /// Bytes from other hosts that went to disk first.
    pub shuffle_remote_bytes_read_to_disk: i64,
    /// Bytes of the same host.
    pub shuffle_local_bytes_read: i64,
    /// Bytes read from shuffles.
    pub shuffle_read_bytes: i64,
    /// Records read from shuffles.
    pub shuffle_read_records: i64,
    /// Of push-based shuffles, which Firesteel has not.
    pub shuffle_corrupt_merged_block_chunks: i64,
    /// Of push-based shuffles.
    pub shuffle_merged_fetch_fallback_count: i64,
    /// Of push-based shuffles.
    pub shuffle_merged_remote_blocks_fetched: i64,
    /// Of push-based shuffles.
    pub shuffle_merged_local_blocks_fetched: i64,
    /// Of push-based shuffles.
    pub shuffle_merged_remote_chunks_fetched: i64,
    /// Of push-based shuffles.
    pub shuffle_merged_local_chunks_fetched: i64,
    /// Of push-based shuffles.
    pub shuffle_merged_remote_bytes_read: i64,
    /// Of push-based shuffles.
    pub shuffle_merged_local_bytes_read: i64,
    /// Milliseconds of all requests to other hosts.
    pub shuffle_remote_reqs_duration: i64,
    /// Of push-based shuffles.
    pub shuffle_merged_remote_reqs_duration: i64,
    /// Bytes written to a shuffle.
    pub shuffle_write_bytes: i64,
    /// Nanoseconds in which they were written.
    pub shuffle_write_time: i64,
    /// Records written to a shuffle.
    pub shuffle_write_records: i64,
    /// Its operation and line: `count at app.py:12`.
    pub name: String,
    /// All that the program says of its job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it was called: lines, the innermost first.
    pub details: String,
    /// The pool that it is scheduled in.
    pub scheduling_pool: String,
    /// The RDDs that it computes.
    pub rdd_ids: Vec<i64>,
    /// The accumulators of the program that it added to.
    pub accumulator_updates: Vec<AccumulableInfo>,
    /// Its tasks, by attempt, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<BTreeMap<i64, TaskData>>,
    /// All that each executor did for it, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_summary: Option<BTreeMap<String, ExecutorStageSummary>>,
    /// Its attempts beside others that seemed slow, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speculation_summary: Option<SpeculationStageSummary>,
    /// The reasons why attempts were told to stop, with their numbers.
    pub killed_tasks_summary: BTreeMap<String, i64>,
    /// The number of its resource profile.
    pub resource_profile_id: i64,
    /// The most that the figures of any executor reached while it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_executor_metrics: Option<PeakMemory>,
    /// The quantiles of its tasks, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_metrics_distributions: Option<TaskMetricDistributions>,
    /// The quantiles of its executors, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_metrics_distributions: Option<ExecutorMetricsDistributions>,
    /// Of push-based shuffles.
    pub is_shuffle_push_enabled: bool,
    /// Of push-based shuffles.
    pub shuffle_mergers_count: i64,
}

/// All that one executor did for a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutorStageSummary {
    /// Milliseconds of all its attempts.
    pub task_time: i64,
    /// Attempts that failed.
    pub failed_tasks: i64,
    /// Attempts that succeeded.
    pub succeeded_tasks: i64,
    /// Attempts that were told to stop.
    pub killed_tasks: i64,
    /// Bytes read.
    pub input_bytes: i64,
    /// Records read.
    pub input_records: i64,
    /// Bytes written.
    pub output_bytes: i64,
    /// Records written.
    pub output_records: i64,
    /// Bytes read from shuffles.
    pub shuffle_read: i64,
    /// Records read from shuffles.
    pub shuffle_read_records: i64,
    /// Bytes written to a shuffle.
    pub shuffle_write: i64,
    /// Records written to a shuffle.
    pub shuffle_write_records: i64,
    /// Bytes that were spilled, as they were in memory.
    pub memory_bytes_spilled: i64,
    /// Bytes that were spilled, as they are on disk.
    pub disk_bytes_spilled: i64,
    /// As [`Self::is_excluded_for_stage`], by its old name.
    pub is_blacklisted_for_stage: bool,
    /// The most that its figures reached while the stage ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_metrics: Option<PeakMemory>,
    /// True if it gets no tasks of the stage.
    pub is_excluded_for_stage: bool,
}

/// Attempts beside others that seemed slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpeculationStageSummary {
    /// All.
    pub num_tasks: i64,
    /// Those that run.
    pub num_active_tasks: i64,
    /// Those that succeeded.
    pub num_completed_tasks: i64,
    /// Those that failed.
    pub num_failed_tasks: i64,
    /// Those that were told to stop.
    pub num_killed_tasks: i64,
}

/// The quantiles of a stage's executors.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutorMetricsDistributions {
    /// The quantiles that were asked for.
    pub quantiles: Vec<f64>,
    /// Milliseconds of all its attempts.
    pub task_time: Vec<f64>,
    /// Attempts that failed.
    pub failed_tasks: Vec<f64>,
    /// Attempts that succeeded.
    pub succeeded_tasks: Vec<f64>,
    /// Attempts that were told to stop.
    pub killed_tasks: Vec<f64>,
    /// Bytes read.
    pub input_bytes: Vec<f64>,
    /// Records read.
    pub input_records: Vec<f64>,
    /// Bytes written.
    pub output_bytes: Vec<f64>,
    /// Records written.
    pub output_records: Vec<f64>,
    /// Bytes read from shuffles.
    pub shuffle_read: Vec<f64>,
    /// Records read from shuffles.
    pub shuffle_read_records: Vec<f64>,
    /// Bytes written to a shuffle.
    pub shuffle_write: Vec<f64>,
    /// Records written to a shuffle.
    pub shuffle_write_records: Vec<f64>,
    /// Bytes that were spilled, as they were in memory.
    pub memory_bytes_spilled: Vec<f64>,
    /// Bytes that were spilled, as they are on disk.
    pub disk_bytes_spilled: Vec<f64>,
    /// The most that their figures reached.
    pub peak_memory_metrics: ExecutorPeakMetricsDistributions,
}

/// The quantiles of the most that executors' figures reached, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExecutorPeakMetricsDistributions {
    /// For each name the figures.
    #[serde(flatten)]
    pub by_name: BTreeMap<String, Vec<f64>>,
}
