//! The events of a pool, and its actions.

use crate::loss::Loss;
use firesteel_types::ExecutorLossReason;
use std::collections::BTreeSet;

/// The executors from which the application keeps its tasks, by their names: those that are gone among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excluded {
    /// Those that are excluded by themselves. Several on one machine exclude it.
    pub alone: BTreeSet<String>,
    /// Those that are excluded with all of their machine.
    pub with_machine: BTreeSet<String>,
}

/// An event that a pool handles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolEvent {
    /// The application wants this many executors from now on.
    Want(u32),
    /// The manager has named an executor: its process starts, or has started.
    Granted {
        /// Its name, which no other has or had.
        name: String,
        /// Its machine, if it is known.
        host: String,
    },
    /// The manager refuses executors that were asked for; they count as not asked for.
    Refused {
        /// Their number.
        count: u32,
        /// Why, as a sentence without a subject.
        why: String,
    },
    /// The manager tells that an executor is gone.
    Lost {
        /// Its name.
        name: String,
        /// How it ended.
        loss: Loss,
    },
    /// The manager takes an executor away soon.
    Preempted {
        /// Its name.
        name: String,
        /// The time until then, in milliseconds.
        within_ms: u64,
    },
    /// The application keeps its tasks from these executors from now on, and from no others.
    Excluded(Excluded),
    /// An executor's agent has registered with the driver.
    Registered(String),
    /// The connection of an executor's agent has ended.
    Disconnected(String),
    /// The application ends: nothing is asked for any more.
    Finish,
    /// Time has passed.
    Tick,
}

/// An action for the shell of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolAction {
    /// Tell the manager on which machines, as it calls them, it is to start no executor from now on; on all others it may.
    Avoid(BTreeSet<String>),
    /// Ask the manager for executors.
    Request(u32),
    /// Tell the manager that so many of those that are outstanding are not needed.
    Withdraw(u32),
    /// Give an executor back; its process is ended.
    Release(String),
    /// Tell the application that an executor is gone.
    Ended(String, ExecutorLossReason),
    /// Tell the application that an executor will be gone soon: it was announced, or it should not be there at all.
    Decommissioned(String),
    /// Tell the application, and people, that executors are not to be had at present, and why.
    Waits(String),
    /// Give the application up: it gets no executors any more.
    Over(String),
}
