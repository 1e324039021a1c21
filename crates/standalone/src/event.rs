//! What the shell tells the master, and what it is told to do.

use crate::messages::{
    ApplicationMessage, ApplicationOrder, ClientAnswer, ClientMessage, FencedOrder, WorkerMessage,
};
use crate::names::Link;
use crate::note::Note;
use crate::snapshot::Snapshot;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A worker says something.
    Worker {
        /// On which connection.
        link: Link,
        /// What.
        message: WorkerMessage,
    },
    /// An application says something.
    Application {
        /// On which connection.
        link: Link,
        /// What.
        message: ApplicationMessage,
    },
    /// Somebody asks something.
    Client {
        /// On which connection.
        link: Link,
        /// What.
        message: ClientMessage,
    },
    /// A connection is gone. Whoever was there has time to come back on another one.
    LinkClosed {
        /// Which.
        link: Link,
    },
    /// The time that [`Master::next_deadline`](crate::Master::next_deadline) named has come.
    Tick,
}

/// One thing to do. Effects are to be done in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write this down where the next master will find it, before anything that follows: what follows promises it. At most
    /// once for each event, and then first.
    ///
    /// Write it whole or not at all, by a rename, into a place that belongs to this epoch. When it is written, and this master
    /// leads no more ([`Lease::holds`](crate::Lease::holds)), what follows must not be done, and nothing after it.
    Persist(Box<Snapshot>),
    /// Tell a worker.
    ToWorker {
        /// On which connection. If it is gone, the message is too.
        link: Link,
        /// What.
        order: FencedOrder,
    },
    /// Tell an application.
    ToApplication {
        /// On which connection. If it is gone, the message is too.
        link: Link,
        /// What.
        order: ApplicationOrder,
    },
    /// Answer somebody.
    ToClient {
        /// On which connection.
        link: Link,
        /// What.
        answer: ClientAnswer,
    },
    /// Something that whoever reads the log wants to know.
    Note(Note),
}
