//! Storage levels: the form in which partitions are cached, by Spark's names.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The place and form of the partitions of a persisted RDD. Use the constants.
///
/// | level | memory | when memory is short | form |
/// | --- | --- | --- | --- |
/// | `MEMORY_ONLY` | as records | computed again | the fastest to read, the largest |
/// | `MEMORY_AND_DISK` | as records | written to disk | |
/// | `MEMORY_ONLY_SER` | encoded | computed again | columns: a half to a tenth of the size; decoded at each pass |
/// | `MEMORY_AND_DISK_SER` | encoded | written to disk | |
/// | `DISK_ONLY` | not at all | | encoded, with checksums |
/// | `OFF_HEAP` | as `MEMORY_AND_DISK_SER` | | there is no garbage-collected heap to be off |
///
/// The levels whose names end in `_2` (and `DISK_ONLY_3`) ask for that many copies, each on another host where
/// there is one. They are made in the background, and made again when one is lost. With one executor there is one
/// copy.
///
/// ```
/// use firesteel_types::StorageLevel;
/// assert_eq!(StorageLevel::MEMORY_AND_DISK.to_string(), "Disk Memory Deserialized 1x Replicated");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StorageLevel {
    /// True if partitions that do not fit in memory, or are evicted, go to disk.
    pub use_disk: bool,
    /// True if partitions are cached in memory.
    pub use_memory: bool,
    /// True if the level was asked for by its name `OFF_HEAP`.
    pub off_heap: bool,
    /// True if memory has records rather than their encoding.
    pub deserialized: bool,
    /// The number of executors on which each partition is wanted.
    pub replication: u8,
}

impl StorageLevel {
    /// On disk.
    pub const DISK_ONLY: Self = Self::of(true, false, false, 1);
    /// On the disks of two executors.
    pub const DISK_ONLY_2: Self = Self::of(true, false, false, 2);
    /// On the disks of three executors.
    pub const DISK_ONLY_3: Self = Self::of(true, false, false, 3);
    /// In memory, as records; partitions that do not fit are computed again each time. The level of `cache`.
    pub const MEMORY_ONLY: Self = Self::of(false, true, true, 1);
    /// The same, on two executors.
    pub const MEMORY_ONLY_2: Self = Self::of(false, true, true, 2);
    /// In memory, encoded.
    pub const MEMORY_ONLY_SER: Self = Self::of(false, true, false, 1);
    /// The same, on two executors.
    pub const MEMORY_ONLY_SER_2: Self = Self::of(false, true, false, 2);
    /// In memory, as records; partitions that do not fit go to disk.
    pub const MEMORY_AND_DISK: Self = Self::of(true, true, true, 1);
    /// The same, on two executors.
    pub const MEMORY_AND_DISK_2: Self = Self::of(true, true, true, 2);
    /// In memory, encoded; partitions that do not fit go to disk.
    pub const MEMORY_AND_DISK_SER: Self = Self::of(true, true, false, 1);
    /// The same, on two executors.
    pub const MEMORY_AND_DISK_SER_2: Self = Self::of(true, true, false, 2);
    /// A synonym of `MEMORY_AND_DISK_SER`: without a garbage-collected heap there is nothing to be off.
    pub const OFF_HEAP: Self = StorageLevel { off_heap: true, ..Self::MEMORY_AND_DISK_SER };

    const fn of(use_disk: bool, use_memory: bool, deserialized: bool, replication: u8) -> Self {
        StorageLevel { use_disk, use_memory, off_heap: false, deserialized, replication }
    }
}

impl fmt::Display for StorageLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = if self.deserialized { "Deserialized" } else { "Serialized" };
        let parts = [(self.use_disk, "Disk "), (self.use_memory, "Memory ")];
        parts.iter().filter(|(on, _)| *on).try_for_each(|(_, name)| f.write_str(name))?;
        write!(f, "{form} {}x Replicated", self.replication)
    }
}
