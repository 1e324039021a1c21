//! Blocks that another host has: what a store asks for when neither it nor this host's files have something.
//!
//! On one machine nobody is asked. Where executors are on several, whoever knows the way there puts it into the stores.

use crate::lru::BlockKey;
use bytes::Bytes;
use firesteel_data::DataError;
use firesteel_data::frames::{FrameWriter, FramedFile};
use firesteel_types::{AccumulatorUpdate, BlockId, BroadcastId};
use std::sync::Arc;

/// A way to other hosts. `None` everywhere means that nobody has it.
pub trait RemoteBlocks: Send + Sync {
    /// A block of the driver's.
    ///
    /// # Errors
    /// When the driver cannot be reached, or what came is broken.
    fn block(&self, id: BlockId) -> Result<Option<Arc<[u8]>>, DataError>;

    /// Brings an encoded broadcast value here: `keep` puts it where others find it, which they are told after that. False when nobody
    /// has it.
    ///
    /// # Errors
    /// When those who have it cannot be reached, what came is broken, or it cannot be kept.
    fn broadcast(
        &self,
        id: BroadcastId,
        keep: &mut dyn FnMut(Bytes) -> Result<(), DataError>,
    ) -> Result<bool, DataError>;

    /// A kept partition, written to `file`, with what was added to accumulators while it was computed.
    ///
    /// # Errors
    /// When those who have it cannot be reached, or what came is broken. Then the partition can be computed again.
    fn cached(
        &self,
        key: BlockKey,
        file: FrameWriter,
    ) -> Result<Option<(FramedFile, Vec<AccumulatorUpdate>)>, DataError>;
}
