//! [`JournalEntry`]: what the scheduler has written down, so that a driver that restarts need not do it again.

use crate::accumulator::AccumulatorUpdate;
use crate::ids::{JobId, ShuffleId};
use crate::shuffle_outputs::MapOutput;
use serde::{Deserialize, Serialize};

/// An update of an accumulator that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedUpdate {
    /// The update.
    pub update: AccumulatorUpdate,
    /// The number of times that the program had reset the accumulator. A driver that restarts resets it again at the same places
    /// of the program, and an update counts between the same two.
    pub resets: u32,
}

/// One thing that was done. Each entry has the updates of accumulators that counted since the entry before, whichever job
/// they belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JournalEntry {
    /// A job has its answer.
    JobEnded {
        /// The job.
        job: JobId,
        /// The updates.
        updates: Vec<CountedUpdate>,
    },
    /// All map outputs of a shuffle are there.
    ShuffleWritten {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The outputs, in the order of map tasks, with the digest of the records of each.
        outputs: Vec<(MapOutput, u64)>,
        /// The updates.
        updates: Vec<CountedUpdate>,
    },
}
