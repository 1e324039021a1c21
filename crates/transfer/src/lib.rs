//! The exchange of blocks between hosts: map outputs, cached partitions, broadcast values, stage plans, large results, files.
//!
//! Everything bulky travels here and not among messages. A process names what it wants in a
//! [`BlockRequest`](firesteel_protocol::BlockRequest) and reads it as it comes. [`BlockServer`] answers from a host's files, whether the
//! executors that wrote them are still there or not; [`RemoteFetcher`] asks other hosts, and the driver. `ShuffleBlockFetcher` is its
//! reducer's side, with the [`RetryPolicy`] for hosts that cannot be reached; `migrate` copies what another host is about to lose;
//! [`BroadcastTree`] says from which host each host gets a broadcast value.
//!
//! Executors are not told where others are. They ask the driver when they need to know, remember the answer, and ask again when it
//! turns out to be wrong.
//!
//! **Architecture Invariant.** This crate does not know tasks, plans or the scheduler: it moves bytes that others have written.

mod block_server;
mod broadcast_tree;
mod migrate;
mod remote_fetcher;
mod retry;
mod shuffle_block_fetcher;

pub use block_server::BlockServer;
pub use broadcast_tree::BroadcastTree;
pub use migrate::MigrationTarget;
pub use remote_fetcher::{PlanFetchError, RemoteFetcher, impatient};
pub use retry::{Retries, RetryPolicy};

use firesteel_types::TaskId;

/// Returns the name, among a host's files, of a result that waits to be fetched.
pub fn result_name(task: TaskId) -> String {
    format!("result-{task}")
}
