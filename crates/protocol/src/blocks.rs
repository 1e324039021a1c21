//! Requests for blocks: what one process asks another for, by name.
//!
//! Everything bulky is the answer to such a request and no message: map outputs, cached partitions, broadcast values, data of
//! `parallelize`, stage plans, large results, files. Nobody tells executors where others are: they ask the driver, remember the
//! answer, and ask again when it turns out to be wrong.

use crate::codec::{Malformed, decode, encode};
use firesteel_types::{BlockId, BlockKey, BroadcastId, ExecutorId, Partition, ShuffleId, StageId, TaskId};
use serde::{Deserialize, Serialize};

/// A request of one process to another. A host answers the first group, the driver the second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockRequest {
    /// The blocks that these map tasks wrote for a reducer: an item each, in this order.
    MapOutputs {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The reducer.
        reducer: u32,
        /// The map tasks, and the attempts that wrote what is wanted.
        maps: Vec<(Partition, TaskId)>,
    },
    /// All that a map task wrote: the index of its runs, then an item for the bytes of each.
    WholeOutput {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map task.
        map: Partition,
        /// The attempt that wrote it.
        task: TaskId,
    },
    /// A cached partition: what was added to accumulators with it, then an item for each of its frames.
    Cached {
        /// The partition.
        key: BlockKey,
    },
    /// An encoded broadcast value: its length, then an item for each of its chunks.
    Broadcast {
        /// The value.
        id: BroadcastId,
    },
    /// A result that was too large for a message: one item.
    Result {
        /// The attempt whose result it is.
        task: TaskId,
    },

    /// The encoded plan of a stage: one item, or the failure to make it.
    Plan {
        /// The stage.
        stage: StageId,
    },
    /// A block of the driver's: one item.
    Block {
        /// Which.
        id: BlockId,
    },
    /// Where the outputs of an executor are served: the address, missing when nowhere.
    AddressOf {
        /// The executor.
        executor: ExecutorId,
    },
    /// Where map outputs are, now that they are not where they were said to be: an item for each, in this order, missing where nobody
    /// has it any more.
    OutputsAt {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map tasks, and the attempts that wrote the outputs.
        maps: Vec<(Partition, TaskId)>,
    },
    /// Which objects of the shuffle storage have map outputs: an item for each, in this order, an encoded
    /// [`StoredObject`](firesteel_types::StoredObject); missing where the storage does not have it.
    StoredAt {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map tasks, and the attempts that wrote the outputs.
        maps: Vec<(Partition, TaskId)>,
    },
    /// Where a partition is cached: an item for each address.
    CachedAt {
        /// The partition.
        key: BlockKey,
    },
    /// Where to get a broadcast value: an address, empty for the driver's own. Missing when the asker has to wait its turn.
    BroadcastFrom {
        /// The value.
        id: BroadcastId,
        /// The address at which the asker's host will serve the value itself.
        asker: String,
    },
    /// A broadcast value has come from an address and is now served at another: nothing is answered.
    BroadcastHere {
        /// The value.
        id: BroadcastId,
        /// Where it came from; empty is the driver.
        from: String,
        /// The host that asked for it.
        to: String,
        /// True if it came, and is served there now.
        came: bool,
    },
    /// The BLAKE3 hash of the driver's program: one item.
    Program,
    /// A file: one item.
    File {
        /// The BLAKE3 hash of its contents.
        hash: [u8; 32],
    },
}

impl BlockRequest {
    /// Encodes the request.
    ///
    /// # Errors
    /// Never, in practice: ids and addresses can be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        encode(self)
    }

    /// Decodes a request.
    ///
    /// # Errors
    /// When the bytes are no request.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_its_encoding_and_nothing_longer_is_one() {
        let request = BlockRequest::BroadcastFrom { id: BroadcastId(7), asker: "a:1".into() };
        let mut bytes = request.encode().expect("a request has an encoding");
        assert_eq!(BlockRequest::decode(&bytes), Ok(request));
        bytes.push(0);
        let error = BlockRequest::decode(&bytes).expect_err("a byte is left over");
        assert_eq!(error.to_string(), "1 bytes are left over");
    }
}
