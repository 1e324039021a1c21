//! The master's interface: the events that the shell reports, and the effects that it has to carry out.

use crate::link::Link;
use crate::note::Note;
use crate::snapshot::Snapshot;
use firesteel_protocol::standalone::{
    ApplicationMessage, ApplicationOrder, ClientAnswer, ClientMessage, FencedOrder, WorkerMessage,
};

/// An event for the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A worker sent a message.
    Worker {
        /// The connection.
        link: Link,
        /// The message.
        message: WorkerMessage,
    },
    /// An application sent a message.
    Application {
        /// The connection.
        link: Link,
        /// The message.
        message: ApplicationMessage,
    },
    /// A client sent a request.
    Client {
        /// The connection.
        link: Link,
        /// The request.
        message: ClientMessage,
    },
    /// A connection is gone. Its worker or application has time to come back on another one.
    LinkClosed {
        /// The connection.
        link: Link,
    },
    /// The time that [`Master::next_deadline`](crate::Master::next_deadline) named has come.
    Tick,
}

/// An action for the shell. Effects are to be carried out in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write this down where the next master will find it, before anything that follows: what follows promises
    /// it. At most once for each event, and then first.
    ///
    /// Write it whole or not at all, by a rename, into a place that belongs to this epoch. When it is written, and this master
    /// leads no more ([`Lease::holds`](crate::Lease::holds)), what follows must not be done, and nothing after it.
    Persist(Box<Snapshot>),
    /// Send an order to a worker.
    ToWorker {
        /// The connection. If it is gone, the message is too.
        link: Link,
        /// The order.
        order: FencedOrder,
    },
    /// Send an order to an application.
    ToApplication {
        /// The connection. If it is gone, the message is too.
        link: Link,
        /// The order.
        order: ApplicationOrder,
    },
    /// Answer a client.
    ToClient {
        /// The connection.
        link: Link,
        /// The answer.
        answer: ClientAnswer,
    },
    /// Write a line to the log.
    Note(Note),
}
