//! Receiving messages on connections with a master. Only holders of the cluster's secret have such
//! connections, and a message that is longer than any valid one is refused.

use firesteel_net::receive_at_most;
use serde::de::DeserializeOwned;
use std::io::{self, Read};

/// The most bytes of a message. The longest ones list everything in a cluster, or carry the arguments and
/// variables of a program.
const MESSAGE_AT_MOST: u64 = 64 << 20;

/// Receives a message; `None` when the peer has closed the connection.
///
/// # Errors
/// When the connection breaks, or the bytes are no message, or their announced length is too great.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    receive_at_most(from, MESSAGE_AT_MOST)
}
