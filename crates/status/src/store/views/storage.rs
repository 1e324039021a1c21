//! Persisted RDDs.

use firesteel_events::StorageLevel;
use serde::Serialize;

/// One persisted RDD.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RddStorageInfo {
    /// The RDD.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The number of its partitions.
    pub num_partitions: i64,
    /// The number of those that are kept somewhere.
    pub num_cached_partitions: i64,
    /// How it is persisted, in words.
    pub storage_level: String,
    /// Bytes in memory.
    pub memory_used: i64,
    /// Bytes on disk.
    pub disk_used: i64,
    /// All that each executor keeps of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_distribution: Option<Vec<RddDataDistribution>>,
    /// Its partitions that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<Vec<RddPartitionInfo>>,
}

/// All that one executor keeps of an RDD.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RddDataDistribution {
    /// Where it serves its blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Bytes in memory.
    pub memory_used: i64,
    /// The bytes of memory that the executor has left.
    pub memory_remaining: i64,
    /// Bytes on disk.
    pub disk_used: i64,
    /// Bytes in memory on the heap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_heap_memory_used: Option<i64>,
    /// Bytes in memory elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_heap_memory_used: Option<i64>,
    /// The bytes that are left on the heap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_heap_memory_remaining: Option<i64>,
    /// The bytes that are left elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_heap_memory_remaining: Option<i64>,
}

/// One partition that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RddPartitionInfo {
    /// The name of its block: `rdd_2_0`.
    pub block_name: String,
    /// How the RDD is persisted, in words.
    pub storage_level: String,
    /// Bytes in memory.
    pub memory_used: i64,
    /// Bytes on disk.
    pub disk_used: i64,
    /// The executors that have it.
    pub executors: Vec<String>,
}

/// Returns a storage level in words: `Disk Memory Deserialized 1x Replicated`.
pub fn level_text(level: &StorageLevel) -> String {
    let disk = if level.use_disk { "Disk " } else { "" };
    let memory = match (level.use_memory, level.use_off_heap) {
        (false, _) => "",
        (true, false) => "Memory ",
        (true, true) => "Memory (off heap) ",
    };
    let form = if level.deserialized { "Deserialized" } else { "Serialized" };
    format!("{disk}{memory}{form} {}x Replicated", level.replication)
}
