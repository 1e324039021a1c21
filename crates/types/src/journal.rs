//! [`JournalEntry`]: what the scheduler has written down, so that a driver that restarts need not do it again.

use crate::accumulator::AccumulatorUpdate;
use crate::ids::{JobId, Partition, ShuffleId, TaskId};
use crate::shuffle_outputs::StoredObject;
use serde::{Deserialize, Serialize};

/// An update of an accumulator that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedUpdate {
    /// The update.
    pub update: AccumulatorUpdate,
    /// The number of times that the program had reset the accumulator. A driver that restarts resets it again at the same places
    /// of the program, and an update counts between the same two.
    pub resets: u32,
    /// The map task that brought it: it counts no more if that task writes other records. None if nothing can undo it.
    pub from: Option<(ShuffleId, Partition)>,
}

/// A map output that counts and that the shuffle storage has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOutput {
    /// The map partition.
    pub map: Partition,
    /// The attempt that wrote it.
    pub task: TaskId,
    /// The number of its bytes, for all reducers together.
    pub bytes: u64,
    /// The digest of its records.
    pub checksum: u64,
}

/// One thing that was done. Entries have the updates of accumulators that counted since the entry before, whichever job
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
    /// All map outputs of a shuffle are there, wherever they are.
    ShuffleWritten {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The digests of the records of each map task, in their order.
        checksums: Vec<u64>,
        /// The updates.
        updates: Vec<CountedUpdate>,
    },
    /// The shuffle storage has map outputs that count.
    OutputsStored {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The object that has them.
        object: StoredObject,
        /// The outputs.
        outputs: Vec<StoredOutput>,
        /// The updates.
        updates: Vec<CountedUpdate>,
    },
    /// A map task has run again and has written other records: nothing that was computed from those before counts, nor do
    /// the updates that came with it.
    OutputChanged {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map task.
        map: Partition,
    },
    /// All outputs of a shuffle are given up, and are written again: those of a barrier stage, which come from one attempt.
    OutputsGivenUp {
        /// The shuffle.
        shuffle: ShuffleId,
    },
}
