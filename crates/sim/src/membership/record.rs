//! The record of the decisions about agents and results.

use firesteel_scheduler::AgentId;
use firesteel_types::{ExecutorId, JobId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// The decisions about agents so far, as far as they matter later.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    /// The address of each executor that there ever was.
    pub(crate) addresses: BTreeMap<ExecutorId, String>,
    /// The executors whose addresses are gone.
    pub(crate) gone: BTreeSet<ExecutorId>,
    /// When the decommission of an agent began.
    pub(super) decommissioned: BTreeMap<AgentId, u64>,
    /// The agents that are being decommissioned by an order of the cluster or by dynamic allocation, with a time
    /// before which none of it had begun.
    pub(super) given_back: BTreeMap<AgentId, u64>,
    /// The time of the last look for agents that were given back.
    pub(super) looked_at: u64,
    /// Agents that were told to end.
    pub(super) told_to_leave: BTreeSet<AgentId>,
    /// The addresses from which something was to be migrated.
    pub(super) migrated_from: BTreeSet<String>,
    /// The large results that are being fetched, and the agents that have them.
    pub(crate) fetching: BTreeMap<TaskId, AgentId>,
    /// The bytes that each job was given.
    pub(super) delivered: BTreeMap<JobId, u64>,
    pub(crate) gave_up: bool,
    /// The agents whose registration has reached the driver.
    pub(super) introduced: BTreeSet<AgentId>,
    /// The agents that were decommissioned before their registration had come.
    pub(super) unwelcome: BTreeSet<AgentId>,
    /// The executors of agents whose connection has ended, by the time on the driver's clock at which they are lost at the latest.
    pub(super) departed: BTreeMap<u64, Vec<ExecutorId>>,
    /// The orders to copy blocks that were not answered.
    pub(super) orders: BTreeMap<u64, CopyOrder>,
}

/// An order to copy blocks from an address that is being cleared.
#[derive(Clone, Debug)]
pub(crate) struct CopyOrder {
    pub(super) agent: AgentId,
    pub(super) from: String,
    /// The time on the driver's clock until which it is waited for the answer.
    pub(super) until: u64,
}
