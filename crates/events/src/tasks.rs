//! Events of tasks.

use crate::executors::BlockManagerId;
use crate::metrics::{ExecutorMetrics, TaskMetrics};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// An attempt at a task was sent to an executor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskStart {
    /// The stage.
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    /// The stage's attempt.
    #[serde(rename = "Stage Attempt ID", default)]
    pub stage_attempt_id: i64,
    /// The attempt at the task.
    #[serde(rename = "Task Info")]
    pub task_info: TaskInfo,
}

/// The driver fetches the result of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskGettingResult {
    /// The attempt at the task.
    #[serde(rename = "Task Info")]
    pub task_info: TaskInfo,
}

/// An attempt at a task has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskEnd {
    /// The stage.
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    /// The stage's attempt.
    #[serde(rename = "Stage Attempt ID", default)]
    pub stage_attempt_id: i64,
    /// `ResultTask` or `ShuffleMapTask`.
    #[serde(rename = "Task Type", default)]
    pub task_type: Cow<'static, str>,
    /// How it ended.
    #[serde(rename = "Task End Reason")]
    pub reason: EndReason,
    /// The attempt at the task.
    #[serde(rename = "Task Info")]
    pub task_info: TaskInfo,
    /// The most that the executor's figures reached while it ran.
    #[serde(rename = "Task Executor Metrics", default)]
    pub executor_metrics: ExecutorMetrics,
    /// The figures that it measured, if it told.
    #[serde(rename = "Task Metrics", default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Box<TaskMetrics>>,
}

/// One attempt at a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskInfo {
    /// The attempt's own id.
    #[serde(rename = "Task ID")]
    pub task_id: i64,
    /// The task's position in its stage attempt.
    #[serde(rename = "Index")]
    pub index: i64,
    /// The number of earlier attempts at the task.
    #[serde(rename = "Attempt", default)]
    pub attempt: i64,
    /// The partition that it computes; -1 where old logs do not tell.
    #[serde(rename = "Partition ID", default = "minus_one")]
    pub partition_id: i64,
    /// The time at which it was sent to its executor, in milliseconds since 1970.
    #[serde(rename = "Launch Time")]
    pub launch_time: i64,
    /// The executor.
    #[serde(rename = "Executor ID")]
    pub executor_id: Arc<str>,
    /// The executor's host.
    #[serde(rename = "Host")]
    pub host: Arc<str>,
    /// How near the task is to its data: `PROCESS_LOCAL`, `NODE_LOCAL`, `RACK_LOCAL`, `NO_PREF`, `ANY`.
    #[serde(rename = "Locality")]
    pub locality: Arc<str>,
    /// True if it runs beside another attempt that seems slow.
    #[serde(rename = "Speculative", default)]
    pub speculative: bool,
    /// The time at which the driver began to fetch the result; 0 if it came with the outcome.
    #[serde(rename = "Getting Result Time", default)]
    pub getting_result_time: i64,
    /// The time at which it ended, in milliseconds since 1970; 0 while it runs.
    #[serde(rename = "Finish Time", default)]
    pub finish_time: i64,
    /// True if it failed.
    #[serde(rename = "Failed", default)]
    pub failed: bool,
    /// True if it was told to stop.
    #[serde(rename = "Killed", default)]
    pub killed: bool,
    /// Its additions to accumulators.
    #[serde(rename = "Accumulables", default)]
    pub accumulables: Vec<Accumulable>,
}

fn minus_one() -> i64 {
    -1
}

impl Default for TaskInfo {
    fn default() -> Self {
        TaskInfo {
            task_id: 0,
            index: 0,
            attempt: 0,
            partition_id: -1,
            launch_time: 0,
            executor_id: "".into(),
            host: "".into(),
            locality: "ANY".into(),
            speculative: false,
            getting_result_time: 0,
            finish_time: 0,
            failed: false,
            killed: false,
            accumulables: vec![],
        }
    }
}

/// An accumulator in a task or a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accumulable {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: i64,
    /// Its name, if it has one.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The addition of the task.
    #[serde(rename = "Update", default, skip_serializing_if = "Option::is_none")]
    pub update: Option<serde_json::Value>,
    /// Its value by now.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
    /// True for those that Spark makes itself.
    #[serde(rename = "Internal", default)]
    pub internal: bool,
    /// True if tasks that failed count, too.
    #[serde(rename = "Count Failed Values", default)]
    pub count_failed_values: bool,
    /// Of Spark's own kinds.
    #[serde(rename = "Metadata", default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
}

/// How an attempt at a task ended. Which fields there are depends on [`EndReason::reason`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndReason {
    /// `Success`, `Resubmitted`, `FetchFailed`, `ExceptionFailure`, `TaskResultLost`, `TaskKilled`,
    /// `TaskCommitDenied`, `ExecutorLostFailure` or `UnknownReason`.
    #[serde(rename = "Reason")]
    pub reason: Cow<'static, str>,
    /// Of `ExceptionFailure`: the class of the exception.
    #[serde(rename = "Class Name", default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// Of `ExceptionFailure`: its message.
    #[serde(rename = "Description", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Of `ExceptionFailure`: its stack, by frames.
    #[serde(rename = "Stack Trace", default, skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<Vec<StackFrame>>,
    /// Of `ExceptionFailure`: its stack, as text.
    #[serde(rename = "Full Stack Trace", default, skip_serializing_if = "Option::is_none")]
    pub full_stack_trace: Option<String>,
    /// Of `FetchFailed`: where the block should have been.
    #[serde(rename = "Block Manager Address", default, skip_serializing_if = "Option::is_none")]
    pub block_manager_address: Option<BlockManagerId>,
    /// Of `FetchFailed`: the shuffle.
    #[serde(rename = "Shuffle ID", default, skip_serializing_if = "Option::is_none")]
    pub shuffle_id: Option<i64>,
    /// Of `FetchFailed`: the attempt that wrote the block.
    #[serde(rename = "Map ID", default, skip_serializing_if = "Option::is_none")]
    pub map_id: Option<i64>,
    /// Of `FetchFailed`: the map task.
    #[serde(rename = "Map Index", default, skip_serializing_if = "Option::is_none")]
    pub map_index: Option<i64>,
    /// Of `FetchFailed`: the reducer.
    #[serde(rename = "Reduce ID", default, skip_serializing_if = "Option::is_none")]
    pub reduce_id: Option<i64>,
    /// Of `FetchFailed`: what went wrong.
    #[serde(rename = "Message", default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Of `TaskKilled`: why.
    #[serde(rename = "Kill Reason", default, skip_serializing_if = "Option::is_none")]
    pub kill_reason: Option<String>,
    /// Of `TaskCommitDenied`: the job.
    #[serde(rename = "Job ID", default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<i64>,
    /// Of `TaskCommitDenied`: the partition.
    #[serde(rename = "Partition ID", default, skip_serializing_if = "Option::is_none")]
    pub partition_id: Option<i64>,
    /// Of `TaskCommitDenied`: the attempt.
    #[serde(rename = "Attempt Number", default, skip_serializing_if = "Option::is_none")]
    pub attempt_number: Option<i64>,
    /// Of `ExecutorLostFailure`: the executor.
    #[serde(rename = "Executor ID", default, skip_serializing_if = "Option::is_none")]
    pub executor_id: Option<String>,
    /// Of `ExecutorLostFailure`: true if a task may be to blame.
    #[serde(rename = "Exit Caused By App", default, skip_serializing_if = "Option::is_none")]
    pub exit_caused_by_app: Option<bool>,
    /// Of `ExecutorLostFailure`: why it was lost.
    #[serde(rename = "Loss Reason", default, skip_serializing_if = "Option::is_none")]
    pub loss_reason: Option<String>,
}

impl Default for EndReason {
    /// Success.
    fn default() -> Self {
        EndReason::of("Success")
    }
}

impl EndReason {
    /// Returns a reason with this name and no fields.
    pub fn of(reason: &'static str) -> Self {
        EndReason {
            reason: reason.into(),
            class_name: None,
            description: None,
            stack_trace: None,
            full_stack_trace: None,
            block_manager_address: None,
            shuffle_id: None,
            map_id: None,
            map_index: None,
            reduce_id: None,
            message: None,
            kill_reason: None,
            job_id: None,
            partition_id: None,
            attempt_number: None,
            executor_id: None,
            exit_caused_by_app: None,
            loss_reason: None,
        }
    }
}

/// One frame of a stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StackFrame {
    /// The class, or the module.
    #[serde(rename = "Declaring Class", default)]
    pub declaring_class: String,
    /// The function.
    #[serde(rename = "Method Name", default)]
    pub method_name: String,
    /// The file.
    #[serde(rename = "File Name", default)]
    pub file_name: Option<String>,
    /// The line.
    #[serde(rename = "Line Number", default)]
    pub line_number: i64,
}
