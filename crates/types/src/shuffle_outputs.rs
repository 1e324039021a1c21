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
