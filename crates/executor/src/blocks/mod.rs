//! Blocks on their way between hosts: what is asked for ([`BlockRequest`](firesteel_protocol::BlockRequest)), who answers from a host's files ([`HostBlocks`]), and who
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

use firesteel_types::TaskId;

/// An entry of a host's files for a result that waits to be fetched.
pub(crate) fn result_name(task: TaskId) -> String {
    format!("result-{task}")
}
