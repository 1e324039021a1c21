//! Shuffle outputs: the location of each map task's output, as a stage that reads the shuffle is told.

use crate::ids::{ExecutorId, Partition, ShuffleId, TaskId};
use serde::{Deserialize, Serialize};

/// One map task's output, named by the attempt that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapOutput {
    /// The map partition.
    pub map: Partition,
    /// The attempt that wrote it. A reader asks for the output of this very attempt, so it cannot mix two.
    pub task: TaskId,
    /// The executor that has it.
    pub executor: ExecutorId,
    /// The number of its bytes, for all reducers together.
    pub bytes: u64,
}

/// All map outputs of one shuffle, as one attempt at a stage reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShuffleOutputs {
    /// The shuffle.
    pub shuffle: ShuffleId,
    /// Grows with every change of the set.
    pub generation: u64,
    /// One for each map partition, in order.
    pub maps: Vec<MapOutput>,
}

/// An object of the shuffle storage, which has outputs of several map tasks of one shuffle. It is named only after it
/// was written, whole; a reader needs no other request to find what it looks for in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoredObject {
    /// The number of drivers of the application before the one for which it was written.
    pub life: u32,
    /// An executor of the agent that wrote it.
    pub by: ExecutorId,
    /// The number that the agent gave it.
    pub number: u32,
    /// The position of its index.
    pub index_at: u64,
    /// The number of its bytes; 0 if all its outputs are empty, and there is no object.
    pub length: u64,
}

impl StoredObject {
    /// Returns its name among the objects of its shuffle, which no other one has, whichever driver it was written for.
    pub fn name(&self) -> String {
        format!("{}-{}-{}", self.life, self.by.0, self.number)
    }
}

/// Map outputs that were written to the shuffle storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOutputs {
    /// The shuffle.
    pub shuffle: ShuffleId,
    /// The object that has them.
    pub object: StoredObject,
    /// The map tasks, and the attempts that wrote the outputs.
    pub outputs: Vec<(Partition, TaskId)>,
}
