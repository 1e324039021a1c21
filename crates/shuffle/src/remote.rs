//! Remote map outputs: the interface through which reducers read outputs of other hosts.
//!
//! On one machine there are none. Where executors are on several, the crate `transfer` implements it.

use firesteel_data::DataError;
use firesteel_types::{ExecutorId, MapOutput, Partition, ShuffleId, ShuffleOutputs, StoredObject, TaskId};
use std::sync::Arc;

/// The way to map outputs on other hosts.
pub trait RemoteShuffle: Send + Sync {
    /// Opens the blocks that other hosts have of a shuffle for one reducer.
    fn open(
        self: Arc<Self>,
        outputs: Arc<ShuffleOutputs>,
        reducer: Partition,
    ) -> Box<dyn RemoteShuffleReader>;
}

/// The blocks of other hosts for one reducer.
pub trait RemoteShuffleReader: Send {
    /// Returns the bytes that a map task wrote for the reducer; `None` when they lie in this host's files. Map
    /// tasks must be asked for in order. Waits for hosts that cannot be reached, unless `is_cancelled` says that
    /// the task was told to stop.
    ///
    /// # Errors
    /// When the output cannot be read.
    fn read(
        &mut self,
        map: MapOutput,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<u8>>, RemoteReadFailure>;

    /// Returns the number of requests that were sent to other hosts since the last call.
    fn take_requests(&mut self) -> u64;
}

/// The way to the map outputs in the shuffle storage.
pub trait StoredShuffle: Send + Sync {
    /// Returns the blocks that an attempt at a map task wrote for a reducer, from the object that has its output.
    ///
    /// # Errors
    /// When the storage cannot be reached, does not have the object, or what it has is broken; errors that are not
    /// [lost](DataError::is_lost) are this host's own.
    fn read(
        &self,
        shuffle: ShuffleId,
        object: StoredObject,
        written: (Partition, TaskId),
        reducer: Partition,
    ) -> Result<Vec<u8>, DataError>;
}

/// The reason why a map output cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteReadFailure {
    /// It is gone, or broken, or on executors that cannot be reached.
    Gone {
        /// Why, as a sentence.
        message: String,
        /// The executors that cannot be reached; [`ExecutorId::STORAGE`] if the shuffle storage failed, too.
        unreachable: Vec<ExecutorId>,
    },
    /// It may be where it was: this host could not read it, and another try may.
    Here {
        /// Why, as a sentence.
        message: String,
    },
    /// The task was told to stop.
    Cancelled,
}
