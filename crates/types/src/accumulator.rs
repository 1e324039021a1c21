//! Accumulator updates: the additions of tasks on their way to the driver.
//!
//! An update is the sum of what one computation of one partition added to one accumulator. The scheduler
//! decides which updates count; it never looks into their bytes.

use crate::ids::{AccumulatorId, JobId, Partition, RddId, ShuffleId, TaskId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The scope of the function that added: each partition of each scope counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UpdateScope {
    /// A function of a transformation. The partition is that of this RDD, whichever task computes it.
    Rdd(RddId),
    /// A function that runs while a shuffle is written: map-side combining, a partitioner. The partition is the map task's.
    MapSide(ShuffleId),
    /// A function of an action. Each action counts anew.
    Job(JobId),
}

impl fmt::Display for UpdateScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpdateScope::Rdd(rdd) => write!(f, "rdd {rdd}"),
            UpdateScope::MapSide(shuffle) => write!(f, "map side of shuffle {shuffle}"),
            UpdateScope::Job(job) => write!(f, "job {job}"),
        }
    }
}

/// The additions of one computation of one partition to one accumulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccumulatorUpdate {
    /// The accumulator.
    pub accumulator: AccumulatorId,
    /// The scope of the function that added.
    pub scope: UpdateScope,
    /// The partition of that scope.
    pub partition: Partition,
    /// The number of times that the function added. Functions add the same each time, so of two computations of
    /// one partition the one that added more contains the other, which read only a beginning.
    pub extent: u64,
    /// All additions as one value, encoded.
    pub bytes: Arc<[u8]>,
    /// The attempt that computed the partition, if this one read it from the cache. It counts whether or not
    /// that attempt succeeded.
    pub cached_by: Option<TaskId>,
}
