//! Executors.

use crate::store::dates::Date;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// The names of an executor's figures, in Spark's order.
pub const PEAK_NAMES: [&str; 23] = [
    "JVMHeapMemory",
    "JVMOffHeapMemory",
    "OnHeapExecutionMemory",
    "OffHeapExecutionMemory",
    "OnHeapStorageMemory",
    "OffHeapStorageMemory",
    "OnHeapUnifiedMemory",
    "OffHeapUnifiedMemory",
    "DirectPoolMemory",
    "MappedPoolMemory",
    "ProcessTreeJVMVMemory",
    "ProcessTreeJVMRSSMemory",
    "ProcessTreePythonVMemory",
    "ProcessTreePythonRSSMemory",
    "ProcessTreeOtherVMemory",
    "ProcessTreeOtherRSSMemory",
    "MinorGCCount",
    "MinorGCTime",
    "MajorGCCount",
    "MajorGCTime",
    "TotalGCTime",
    "ConcurrentGCCount",
    "ConcurrentGCTime",
];

/// The most that each of an executor's figures reached, in the order of [`PEAK_NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeakMemory(pub [i64; PEAK_NAMES.len()]);

impl PeakMemory {
    /// Reads figures by name; 0 for those that are not told.
    pub fn of(figures: &BTreeMap<String, i64>) -> Self {
        PeakMemory(PEAK_NAMES.map(|name| figures.get(name).copied().unwrap_or(0)))
    }

    /// Raises each figure to that of `other`, where that is higher.
    pub fn raise(&mut self, other: &PeakMemory) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = theirs.max(*mine);
        }
    }

    /// Returns the figure with this name; 0 if there is none.
    pub fn get(&self, name: &str) -> i64 {
        PEAK_NAMES.iter().position(|known| *known == name).map_or(0, |at| self.0[at])
    }
}

impl Serialize for PeakMemory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(PEAK_NAMES.len()))?;
        for (name, figure) in PEAK_NAMES.iter().zip(self.0) {
            map.serialize_entry(name, &figure)?;
        }
        map.end()
    }
}

/// One executor.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutorSummary {
    /// Its id: `driver`, or a number.
    pub id: String,
    /// Where it serves its blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_port: Option<String>,
    /// True until it is removed.
    pub is_active: bool,
    /// The partitions that it caches.
    pub rdd_blocks: i64,
    /// The bytes in memory of its blocks.
    pub memory_used: i64,
    /// The bytes on disk of its blocks.
    pub disk_used: i64,
    /// The number of its cores.
    pub total_cores: i64,
    /// The number of tasks that it runs at a time.
    pub max_tasks: i64,
    /// The tasks that run there.
    pub active_tasks: i64,
    /// Attempts that failed there.
    pub failed_tasks: i64,
    /// Attempts that succeeded there.
    pub completed_tasks: i64,
    /// All attempts there.
    pub total_tasks: i64,
    /// Milliseconds of all attempts there; of a driver, of its life.
    pub total_duration: i64,
    /// Milliseconds in which a JVM collected garbage.
    #[serde(rename = "totalGCTime")]
    pub total_gc_time: i64,
    /// Bytes read from files, data of the program or cached partitions.
    pub total_input_bytes: i64,
    /// Bytes read from shuffles.
    pub total_shuffle_read: i64,
    /// Bytes written to shuffles.
    pub total_shuffle_write: i64,
    /// As [`Self::is_excluded`], by its old name.
    pub is_blacklisted: bool,
    /// The most memory for blocks, in bytes.
    pub max_memory: i64,
    /// The time at which it registered.
    pub add_time: Date,
    /// The time at which it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove_time: Option<Date>,
    /// The reason why it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove_reason: Option<String>,
    /// The addresses of its logs, by name.
    pub executor_logs: BTreeMap<String, String>,
    /// Its memory for blocks, by kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_metrics: Option<MemoryMetrics>,
    /// As [`Self::excluded_in_stages`], by its old name.
    pub blacklisted_in_stages: BTreeSet<i64>,
    /// The most that its figures reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_metrics: Option<PeakMemory>,
    /// All that the cluster manager says of it.
    pub attributes: BTreeMap<String, String>,
    /// Its other resources.
    pub resources: BTreeMap<String, serde_json::Value>,
    /// The number of its resource profile.
    pub resource_profile_id: i64,
    /// True if it gets no tasks, since too many failed there.
    pub is_excluded: bool,
    /// The stages of which it gets no tasks.
    pub excluded_in_stages: BTreeSet<i64>,
}

/// Memory for blocks, by kind, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryMetrics {
    /// Used on the heap.
    pub used_on_heap_storage_memory: i64,
    /// Used elsewhere.
    pub used_off_heap_storage_memory: i64,
    /// The most on the heap.
    pub total_on_heap_storage_memory: i64,
    /// The most elsewhere.
    pub total_off_heap_storage_memory: i64,
}
