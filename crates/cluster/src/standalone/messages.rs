//! What is said over connections to a master.
//!
//! They are opened by workers, applications and clients, each with a first word that says which it is. A master that does not lead
//! answers with the address of the one that does, and closes. What is decoded here comes from holders of the cluster's secret only, and
//! is plain data: what workers are to start lies in it as bytes that the master does not look at.

use firesteel_executor::messages::receive_at_most;
use firesteel_standalone::{
    ApplicationMessage, ApplicationOrder, ClientAnswer, ClientMessage, FencedOrder, WorkerMessage,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};

/// No word has more bytes: the largest tell of all that a cluster has, or bring the arguments and variables of a program.
const WORD_AT_MOST: u64 = 64 << 20;

/// Receives a word; `None` when the other side has closed.
///
/// # Errors
/// When the connection breaks, or what comes is none, or claims to be longer than any is.
pub(crate) fn on_message<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    receive_at_most(from, WORD_AT_MOST)
}

/// To a master.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToMaster {
    /// From a worker.
    Worker(WorkerMessage),
    /// From an application.
    Application(ApplicationMessage),
    /// From a client.
    Client(ClientMessage),
}

/// From a master.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromMaster {
    /// To a worker.
    Worker(FencedOrder),
    /// To an application.
    Application(ApplicationOrder),
    /// To a client.
    Client(ClientAnswer),
    /// It does not lead; this one does, as far as it knows.
    Standby {
        /// The leader's address, `host:port`.
        leader: Option<String>,
    },
}
