//! The figures of tasks and of executors.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The figures of an executor's memory by name, in bytes, as Spark names them: `JVMHeapMemory`,
/// `OnHeapExecutionMemory`, `OnHeapStorageMemory`, `ProcessTreePythonRSSMemory` and so on. Firesteel has no JVM; its
/// own process counts as `ProcessTreeOtherRSSMemory`.
pub type ExecutorMetrics = BTreeMap<String, i64>;

/// The figures that one attempt at a task has measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskMetrics {
    /// Milliseconds in which the executor made the task ready.
    #[serde(rename = "Executor Deserialize Time")]
    pub executor_deserialize_time: i64,
    /// The CPU time of that, in nanoseconds.
    #[serde(rename = "Executor Deserialize CPU Time")]
    pub executor_deserialize_cpu_time: i64,
    /// Milliseconds in which the task ran.
    #[serde(rename = "Executor Run Time")]
    pub executor_run_time: i64,
    /// The CPU time of that, in nanoseconds.
    #[serde(rename = "Executor CPU Time")]
    pub executor_cpu_time: i64,
    /// The most memory that the task had from the executor's budget, in bytes.
    #[serde(rename = "Peak Execution Memory")]
    pub peak_execution_memory: i64,
    /// The part of it on Spark's heap.
    #[serde(rename = "Peak On Heap Execution Memory")]
    pub peak_on_heap_execution_memory: i64,
    /// The part of it elsewhere.
    #[serde(rename = "Peak Off Heap Execution Memory")]
    pub peak_off_heap_execution_memory: i64,
    /// The bytes of the result.
    #[serde(rename = "Result Size")]
    pub result_size: i64,
    /// Milliseconds in which a JVM collected garbage.
    #[serde(rename = "JVM GC Time")]
    pub jvm_gc_time: i64,
    /// Milliseconds in which the result was encoded.
    #[serde(rename = "Result Serialization Time")]
    pub result_serialization_time: i64,
    /// The bytes that were spilled, as they were in memory.
    #[serde(rename = "Memory Bytes Spilled")]
    pub memory_bytes_spilled: i64,
    /// The bytes that were spilled, as they are on disk.
    #[serde(rename = "Disk Bytes Spilled")]
    pub disk_bytes_spilled: i64,
    /// The data that the task read from shuffles.
    #[serde(rename = "Shuffle Read Metrics")]
    pub shuffle_read: ShuffleReadMetrics,
    /// The data that the task wrote to a shuffle.
    #[serde(rename = "Shuffle Write Metrics")]
    pub shuffle_write: ShuffleWriteMetrics,
    /// The data that the task read from files, data of the program or cached partitions.
    #[serde(rename = "Input Metrics")]
    pub input: InputMetrics,
    /// The data that the task wrote to files.
    #[serde(rename = "Output Metrics")]
    pub output: OutputMetrics,
    /// The figures that Firesteel measures beside Spark's figures. Spark does not read it.
    #[serde(rename = "Firesteel Metrics", skip_serializing_if = "Option::is_none")]
    pub own: Option<Box<OwnMetrics>>,
}

/// The data that a task read from shuffles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShuffleReadMetrics {
    /// Blocks from other hosts.
    #[serde(rename = "Remote Blocks Fetched")]
    pub remote_blocks_fetched: i64,
    /// Blocks of this host.
    #[serde(rename = "Local Blocks Fetched")]
    pub local_blocks_fetched: i64,
    /// Milliseconds in which the task waited for blocks.
    #[serde(rename = "Fetch Wait Time")]
    pub fetch_wait_time: i64,
    /// Bytes from other hosts.
    #[serde(rename = "Remote Bytes Read")]
    pub remote_bytes_read: i64,
    /// Bytes from other hosts that went to disk first.
    #[serde(rename = "Remote Bytes Read To Disk")]
    pub remote_bytes_read_to_disk: i64,
    /// Bytes of this host.
    #[serde(rename = "Local Bytes Read")]
    pub local_bytes_read: i64,
    /// Records.
    #[serde(rename = "Total Records Read")]
    pub total_records_read: i64,
    /// Milliseconds of all requests to other hosts.
    #[serde(rename = "Remote Requests Duration")]
    pub remote_requests_duration: i64,
}

/// The data that a task wrote to a shuffle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShuffleWriteMetrics {
    /// Bytes.
    #[serde(rename = "Shuffle Bytes Written")]
    pub bytes_written: i64,
    /// Nanoseconds in which they were written.
    #[serde(rename = "Shuffle Write Time")]
    pub write_time: i64,
    /// Records.
    #[serde(rename = "Shuffle Records Written")]
    pub records_written: i64,
}

/// The data that a task read from files, data of the program or cached partitions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InputMetrics {
    /// Bytes.
    #[serde(rename = "Bytes Read")]
    pub bytes_read: i64,
    /// Records.
    #[serde(rename = "Records Read")]
    pub records_read: i64,
}

/// The data that a task wrote to files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputMetrics {
    /// Bytes.
    #[serde(rename = "Bytes Written")]
    pub bytes_written: i64,
    /// Records.
    #[serde(rename = "Records Written")]
    pub records_written: i64,
}

/// The figures that Firesteel measures of a task beside Spark's figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnMetrics {
    /// Microseconds between the task's arrival at its executor and its beginning in a slot.
    #[serde(rename = "Slot Wait Time")]
    pub slot_wait_time: i64,
    /// Microseconds in which the task ran: as `Executor Run Time`, for tasks that take less than a millisecond.
    #[serde(rename = "Run Time")]
    pub run_time: i64,
    /// Requests for blocks of other hosts.
    #[serde(rename = "Remote Requests")]
    pub remote_requests: i64,
    /// Microseconds in functions of the program, in Python.
    #[serde(rename = "Python Time")]
    pub python_time: i64,
    /// Microseconds in which objects of Python were pickled and unpickled.
    #[serde(rename = "Pickle Time")]
    pub pickle_time: i64,
    /// The functions of the program that ran, the slowest first.
    #[serde(rename = "Functions")]
    pub functions: Vec<FunctionTime>,
    /// Partitions of persisted RDDs that the task computed, since they were not cached or not any more.
    #[serde(rename = "Computed Persisted Partitions")]
    pub computed_persisted: i64,
    /// The key that the task met most often, as text, where the shuffle knows it, and the number of its records.
    #[serde(rename = "Hot Key", skip_serializing_if = "Option::is_none")]
    pub hot_key: Option<(String, i64)>,
}

/// The time in one function of the program.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FunctionTime {
    /// Its name, with file and line: `parse at app.py:12`.
    #[serde(rename = "Function")]
    pub function: String,
    /// The operation that calls it, as `map at app.py:20`.
    #[serde(rename = "Operation")]
    pub operation: String,
    /// Microseconds.
    #[serde(rename = "Time")]
    pub time: i64,
    /// The records that it was given.
    #[serde(rename = "Records In")]
    pub records_in: i64,
    /// The records that it gave.
    #[serde(rename = "Records Out")]
    pub records_out: i64,
    /// The records that came to native code in its place.
    #[serde(rename = "Native Records In")]
    pub native_in: i64,
    /// Those of them that native code handed back to the interpreter.
    #[serde(rename = "Records Handed Back")]
    pub handed_back: i64,
}
