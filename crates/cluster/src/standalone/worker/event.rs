//! The events that the threads of connections and processes report to the worker's thread.

use firesteel_net::Outbox;
use firesteel_standalone::{DriverRun, ExecutorName, FencedOrder, ProcessOutcome};
use std::fmt;

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
    /// The worker is to be decommissioned.
    Decommission,
    /// Nothing happened. Whether it can be sent tells the sender whether the worker's thread is still there.
    Idle,
    /// The worker is to stop.
    Stop,
}

/// The name of a process that a worker runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ProcessName {
    Executor(ExecutorName),
    Driver(DriverRun),
}

impl fmt::Display for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessName::Executor(executor) => write!(f, "executor {executor}"),
            ProcessName::Driver(run) => write!(f, "{run}"),
        }
    }
}
