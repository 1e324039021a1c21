//! The record of the decisions about agents and results.

use firesteel_scheduler::AgentId;
use firesteel_types::{ExecutorId, JobId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// The decisions about agents so far, as far as they matter later.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    /// The address of each executor that there ever was.
    pub(crate) addresses: BTreeMap<ExecutorId, String>,
    /// When the decommission of an agent began.
    pub(super) decommissioned: BTreeMap<AgentId, u64>,
    /// Agents that were told to end.
    pub(super) told_to_leave: BTreeSet<AgentId>,
    /// The addresses from which something was to be migrated.
    pub(super) migrated_from: BTreeSet<String>,
    /// The large results that are being fetched, and the agents that have them.
    pub(crate) fetching: BTreeMap<TaskId, AgentId>,
    /// The bytes that each job was given.
    pub(super) delivered: BTreeMap<JobId, u64>,
    pub(crate) gave_up: bool,
}
