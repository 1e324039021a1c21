//! Receiving what is said over connections to a master: from holders of the cluster's secret only, and no more than a message has.

use firesteel_net::receive_at_most;
use serde::de::DeserializeOwned;
use std::io::{self, Read};

/// No message has more bytes: the largest tell of all that a cluster has, or bring the arguments and variables of a program.
const MESSAGE_AT_MOST: u64 = 64 << 20;

/// Receives a message; `None` when the other side has closed.
///
/// # Errors
/// When the connection breaks, or what comes is none, or claims to be longer than any is.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    receive_at_most(from, MESSAGE_AT_MOST)
}
