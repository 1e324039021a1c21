//! Map outputs that other hosts have, as a reducer reads them.
//!
//! On one machine there are none. Where executors are on several, the crate that knows the way puts it into the services of tasks.

use firesteel_types::{ExecutorId, MapOutput, Partition, ShuffleOutputs};
use std::sync::Arc;

/// The way to map outputs on other hosts.
pub trait RemoteShuffle: Send + Sync {
    /// Opens what other hosts have of a shuffle for one reducer.
    fn open(
        self: Arc<Self>,
        outputs: Arc<ShuffleOutputs>,
        reducer: Partition,
    ) -> Box<dyn RemoteShuffleReader>;
}

/// What other hosts have for one reducer.
pub trait RemoteShuffleReader: Send {
    /// Returns what a map task wrote for the reducer; `None` when it lies in this host's files. Map tasks are to be asked for in the
    /// order of partitions. Waits for hosts that cannot be reached, until `is_cancelled` says that nobody wants the answer any more.
    ///
    /// # Errors
    /// When the output cannot be had.
    fn read(
        &mut self,
        map: MapOutput,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<u8>>, RemoteReadFailure>;
}

/// Why a map output cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteReadFailure {
    /// It is gone, or broken, or with executors that cannot be reached.
    Gone {
        /// Why, as a sentence.
        message: String,
        /// The executors that cannot be reached.
        unreachable: Vec<ExecutorId>,
    },
    /// The task was told to stop.
    Cancelled,
}
