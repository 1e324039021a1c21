//! Remote blocks: the interface through which a store asks other hosts for blocks that neither it nor this
//! host's files have.
//!
//! On one machine there is no implementation, and no question is asked. With executors on several machines, the
//! executor puts an implementation into its stores.

use bytes::Bytes;
use firesteel_data::DataError;
use firesteel_data::frames::{FrameWriter, FramedFile};
use firesteel_types::{AccumulatorUpdate, BlockId, BlockKey, BroadcastId};
use std::sync::Arc;

/// The way to other hosts. `None` means that no host has the block.
pub trait RemoteBlocks: Send + Sync {
    /// Fetches a block of the driver's.
    ///
    /// # Errors
    /// When the driver cannot be reached, or the block arrives broken.
    fn block(&self, id: BlockId) -> Result<Option<Arc<[u8]>>, DataError>;

    /// Fetches an encoded broadcast value: `keep` puts it where this machine's processes find it, and only
    /// after that other hosts are told that it is here. Returns false when no host has it.
    ///
    /// # Errors
    /// When the hosts that have it cannot be reached, it arrives broken, or it cannot be stored.
    fn broadcast(
        &self,
        id: BroadcastId,
        keep: &mut dyn FnMut(Bytes) -> Result<(), DataError>,
    ) -> Result<bool, DataError>;

    /// Fetches a cached partition, with the additions to accumulators that belong to it, from any of the hosts
    /// that have it. Each attempt writes into another file, which `create` makes.
    ///
    /// # Errors
    /// When the hosts that have it cannot be reached, or it arrives broken. Then the partition can be computed
    /// again.
    fn cached(
        &self,
        key: BlockKey,
        create: &dyn Fn() -> Result<FrameWriter, DataError>,
    ) -> Result<Option<(FramedFile, Vec<AccumulatorUpdate>)>, DataError>;
}
