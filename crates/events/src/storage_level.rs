//! Where partitions and blocks are kept.

use serde::{Deserialize, Serialize};

/// Where the partitions of a persisted RDD, or a block, are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageLevel {
    /// On disk.
    #[serde(rename = "Use Disk")]
    pub use_disk: bool,
    /// In memory.
    #[serde(rename = "Use Memory")]
    pub use_memory: bool,
    /// In memory outside of Spark's heap.
    #[serde(rename = "Use Off Heap", default)]
    pub use_off_heap: bool,
    /// As live records rather than as bytes.
    #[serde(rename = "Deserialized")]
    pub deserialized: bool,
    /// The number of copies.
    #[serde(rename = "Replication")]
    pub replication: i64,
}

impl Default for StorageLevel {
    /// Nowhere.
    fn default() -> Self {
        StorageLevel {
            use_disk: false,
            use_memory: false,
            use_off_heap: false,
            deserialized: false,
            replication: 1,
        }
    }
}
