//! Blocks on their way between hosts: what is asked for ([`BlockRequest`]), who answers from a host's files ([`HostBlocks`]), and who
//! asks ([`RemoteFetcher`]).
//!
//! Everything bulky travels here and not among the driver's and its executors' messages: map outputs, kept partitions, broadcast
//! values, data of `parallelize`, stage plans, large results, files. Whoever asks names what it wants and reads it as it comes.
//!
//! Nobody tells executors where others are. They ask the driver when they need to know, remember the answer, and ask again when it
//! turns out to be wrong.

mod broadcast_tree;
mod host;
mod migrate;
mod remote;

pub use broadcast_tree::BroadcastTree;
pub use host::HostBlocks;
pub(crate) use remote::impatient;
pub use remote::{RemoteFetcher, RemoteSettings};

use firesteel_data::block::{decode_value, encode_value};
use firesteel_storage::lru::BlockKey;
use firesteel_types::{BlockId, BroadcastId, ExecutorId, Partition, ShuffleId, StageId, TaskId};
use serde::{Deserialize, Serialize};
use std::io;

/// What one process asks another for. Those of the first group a host answers, those of the second the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockRequest {
    /// What these map tasks wrote for a reducer: an item each, in this order.
    MapOutputs {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The reducer.
        reducer: u32,
        /// The map tasks, and the attempts that wrote what is wanted.
        maps: Vec<(Partition, TaskId)>,
    },
    /// All that a map task wrote: what is to be known of its runs, then an item for the bytes of each.
    WholeOutput {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map task.
        map: Partition,
        /// The attempt that wrote it.
        task: TaskId,
    },
    /// A kept partition: what was added to accumulators with it, then an item for each of its frames.
    Cached(BlockKey),
    /// The pieces of an encoded broadcast value: its length, then an item for each.
    Broadcast(BroadcastId),
    /// A result that was too large for a message: one item.
    Result(TaskId),

    /// The encoded plan of a stage: one item, or the failure to make it.
    Plan(StageId),
    /// A block of the driver's: one item.
    Block(BlockId),
    /// Where the outputs of an executor are served: the address, missing when nowhere.
    AddressOf(ExecutorId),
    /// Where map outputs are, now that they are not where they were said to be: an item for each, in this order, missing where nobody
    /// has it any more.
    OutputsAt(ShuffleId, Vec<(Partition, TaskId)>),
    /// Where a partition is kept: an item for each address.
    CachedAt(BlockKey),
    /// Where to get a broadcast value, said by whoever will serve it itself at an address: an address, empty for the driver's own.
    BroadcastFrom(BroadcastId, String),
    /// A broadcast value has come from an address and is now served at another: nothing is answered.
    BroadcastHere {
        /// The value.
        id: BroadcastId,
        /// Where it came from; empty is the driver.
        from: String,
        /// Who asked for it.
        to: String,
        /// Whether it came, and is served there now.
        came: bool,
    },
    /// The BLAKE3 hash of the driver's program: one item.
    Program,
    /// A file by the BLAKE3 hash of its contents: one item.
    File([u8; 32]),
}

impl BlockRequest {
    /// As it travels.
    ///
    /// # Errors
    /// Never, in practice: ids can be encoded.
    pub fn encode(&self) -> io::Result<Vec<u8>> {
        encode_value(self).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
    }

    /// What was asked for.
    ///
    /// # Errors
    /// When the bytes are no request.
    pub fn decode(bytes: &[u8]) -> io::Result<Self> {
        decode_value(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
    }
}

/// An entry of a host's files for a result that waits to be fetched.
pub(crate) fn result_name(task: TaskId) -> String {
    format!("result-{task}")
}
