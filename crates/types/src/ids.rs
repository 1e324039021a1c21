//! Ids: newtypes, so that a stage is never taken for a shuffle. They print as Spark prints them.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// One RDD of one application. Ids are handed out in the order of creation, from 0.
    RddId(u32)
}
id! {
    /// One shuffle: one wide dependency of one RDD.
    ShuffleId(u32)
}
id! {
    /// One action that ran.
    JobId(u32)
}
id! {
    /// One stage of one or several jobs.
    StageId(u32)
}
id! {
    /// The number of earlier attempts at a stage: 0 for its first run.
    StageAttempt(u32)
}
id! {
    /// One attempt at one task. Never used twice in an application, so it also fences: of two attempts at the
    /// same partition, each has its own.
    TaskId(u64)
}
id! {
    /// One accumulator. Never used twice in a driver's process.
    AccumulatorId(u64)
}
id! {
    /// The index of a partition within its RDD, from 0.
    Partition(u32)
}
id! {
    /// One broadcast variable.
    BroadcastId(u64)
}
id! {
    /// One executor. The driver's own, in local mode, is [`ExecutorId::DRIVER`]; none is [`ExecutorId::STORAGE`].
    ExecutorId(u32)
}

impl Partition {
    /// Returns the partition as an index into a slice.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl ExecutorId {
    /// The executor inside the driver's process, printed as `driver`.
    pub const DRIVER: ExecutorId = ExecutorId(u32::MAX);

    /// No executor: stands, as the holder of a map output, for the shuffle storage, which outlives all executors.
    pub const STORAGE: ExecutorId = ExecutorId(u32::MAX - 1);

    /// Returns the executor's name as users know it: `driver`, `storage`, or its number.
    pub fn name(self) -> String {
        match self {
            Self::DRIVER => "driver".into(),
            Self::STORAGE => "storage".into(),
            ExecutorId(number) => number.to_string(),
        }
    }
}

/// The id of a block: data that an executor stores and serves by name.
///
/// ```
/// use firesteel_types::{BlockId, RddId, Partition};
/// assert_eq!(BlockId::Input(RddId(3), Partition(5)).to_string(), "input_3_5");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BlockId {
    /// A cached partition of a persisted RDD.
    Rdd(RddId, Partition),
    /// The value of a broadcast variable, encoded.
    Broadcast(BroadcastId),
    /// One slice of the data that `parallelize` was given.
    Input(RddId, Partition),
    /// The output of this partition's map task for all its reducers.
    MapOutput(ShuffleId, Partition, TaskId),
}

/// The time from a `persist` of an RDD to its `unpersist`, as a number: later ones are higher, and no two of an application
/// are alike, whichever their RDDs. What was cached in one is never read in another.
///
/// It is the upper half of the version of a cached partition, the version of what that was computed from the lower half.
///
/// ```
/// use firesteel_types::Generation;
/// let version = Generation(3).version(5);
/// assert_eq!(Generation::of(version), Generation(3));
/// assert!(Generation(2).version(u32::MAX) < version && version < Generation(4).first_version());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Generation(pub u32);

impl Generation {
    /// Returns the version of partitions that are cached in this generation, and computed from this version of their
    /// inputs.
    pub fn version(self, inputs: u32) -> u64 {
        u64::from(self.0) << 32 | u64::from(inputs)
    }

    /// Returns the lowest version of this generation.
    pub fn first_version(self) -> u64 {
        self.version(0)
    }

    /// Returns the generation of a version.
    pub fn of(version: u64) -> Self {
        Generation((version >> 32) as u32)
    }
}

/// The name of a cached partition: under each version of what it was computed from, another block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockKey {
    /// The RDD.
    pub rdd: RddId,
    /// The partition.
    pub partition: Partition,
    /// The version, as the task that reads or caches it was told: its generation, and the version of its inputs.
    pub version: u64,
}

impl BlockKey {
    /// Returns the generation in which it was cached.
    pub fn generation(self) -> Generation {
        Generation::of(self.version)
    }

    /// Returns whether it is of an RDD, and was cached in this generation or one before.
    pub fn is_of(self, rdd: RddId, until: Generation) -> bool {
        self.rdd == rdd && self.generation() <= until
    }
}

/// The size of a cached partition, by where it is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockSize {
    /// Bytes in memory.
    pub memory: u64,
    /// Bytes on disk.
    pub disk: u64,
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlockId::Rdd(rdd, part) => write!(f, "rdd_{rdd}_{part}"),
            BlockId::Broadcast(broadcast) => write!(f, "broadcast_{broadcast}"),
            BlockId::Input(rdd, part) => write!(f, "input_{rdd}_{part}"),
            BlockId::MapOutput(shuffle, map, task) => write!(f, "shuffle_{shuffle}_{map}_{task}"),
        }
    }
}
