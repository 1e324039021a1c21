//! The events that the threads of connections and processes report to the worker's thread.

use super::process_name::ProcessName;
use super::status::WorkerStatus;
use firesteel_net::Outbox;
use firesteel_standalone::{FencedOrder, ProcessOutcome};
use std::sync::mpsc::Sender;

/// An event for the worker's thread.
pub(super) enum Event {
    /// A connection to a leader was made: its number, and the leader's address.
    Connected(u64, Outbox, String),
    /// The master sent an order on the connection of this number, which may have been replaced by now.
    Order(u64, FencedOrder),
    /// The connection of this number has ended.
    Disconnected(u64),
    /// A process was started.
    Started(ProcessName),
    /// A process has ended, or could not be started.
    Ended(ProcessName, ProcessOutcome),
    /// A thread of this process wants to know how it is.
    Look(Sender<WorkerStatus>),
    /// The worker is to be decommissioned.
    Decommission,
    /// Nothing happened. Whether it can be sent tells the sender whether the worker's thread is still there.
    Idle,
    /// The worker is to stop.
    Stop,
}
