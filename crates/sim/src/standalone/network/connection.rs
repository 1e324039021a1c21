//! The connections, and the messages that go through them.

use firesteel_standalone::{
    ApplicationMessage, ApplicationOrder, ClientAnswer, ClientMessage, FencedOrder, Link, WorkerMessage,
};
use std::collections::BTreeMap;

/// The process at the end of a connection that is not the master's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Worker(u32),
    Program(u32),
    Submission(u32),
}

/// A message to a master.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Worker(WorkerMessage),
    Application(ApplicationMessage),
    Client(ClientMessage),
}

/// A message of a master.
#[derive(Clone, Debug)]
pub(crate) enum Sent {
    Order(FencedOrder),
    Application(ApplicationOrder),
    Answer(ClientAnswer),
}

/// One connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) master: u32,
    pub(crate) peer: Peer,
    pub(crate) master_open: bool,
    pub(crate) peer_open: bool,
    pub(super) cut: bool,
    /// When the last message arrives, towards either end.
    pub(super) last_to_master: u64,
    pub(super) last_to_peer: u64,
}

impl Connection {
    /// The worker at its end, if there is one.
    pub(crate) fn machine(&self) -> Option<u32> {
        match self.peer {
            Peer::Worker(worker) => Some(worker),
            Peer::Program(_) | Peer::Submission(_) => None,
        }
    }
}

/// All connections there ever were, by the number that masters know them by.
#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(super) table: BTreeMap<Link, Connection>,
}

impl Network {
    pub(crate) fn get(&self, connection: Link) -> Option<&Connection> {
        self.table.get(&connection)
    }

    /// Returns the connections that a process still holds.
    pub(crate) fn open(&self) -> Vec<Link> {
        let is_open =
            |connection: &Connection| !connection.cut && connection.master_open && connection.peer_open;
        self.table.iter().filter(|(_, connection)| is_open(connection)).map(|(link, _)| *link).collect()
    }
}
