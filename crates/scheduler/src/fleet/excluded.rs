//! The agents from which the application is kept, as its cluster is told of them: no other is to be started where they are.

use firesteel_types::ExecutorId;
use std::collections::{BTreeMap, BTreeSet};

/// The agents of excluded executors and hosts, by their names: those that are gone among them, since they still say where no
/// other should be started.
#[derive(Debug, Default)]
pub(crate) struct ExcludedAgents {
    /// The agent and the host of each excluded executor.
    executors: BTreeMap<ExecutorId, (String, String)>,
    /// The excluded hosts, and the agents that were known there.
    hosts: BTreeMap<String, BTreeSet<String>>,
    /// The agents of executors and of hosts that the cluster was told of last.
    told: (BTreeSet<String>, BTreeSet<String>),
}

impl ExcludedAgents {
    /// Notes that an executor is excluded, with its agent's name and host.
    pub(crate) fn executor(&mut self, executor: ExecutorId, name: String, host: String) {
        self.executors.insert(executor, (name, host));
    }

    /// Notes that a host is excluded, with the names of the agents there.
    pub(crate) fn host(&mut self, host: &str, names: impl Iterator<Item = String>) {
        let gone = self.executors.values().filter(|(_, on)| on == host).map(|(name, _)| name.clone());
        self.hosts.insert(host.into(), names.chain(gone).collect());
    }

    /// Notes that an executor gets tasks again.
    pub(crate) fn executor_back(&mut self, executor: ExecutorId) {
        self.executors.remove(&executor);
    }

    /// Notes that a host gets tasks again.
    pub(crate) fn host_back(&mut self, host: &str) {
        self.hosts.remove(host);
    }

    /// Returns the agents of excluded executors and those of excluded hosts, if they are others than before.
    pub(crate) fn news(&mut self) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
        let agents: BTreeSet<String> = self.executors.values().map(|(name, _)| name.clone()).collect();
        let excluded = (agents, self.hosts.values().flatten().cloned().collect());
        (self.told != excluded).then(|| {
            self.told.clone_from(&excluded);
            excluded
        })
    }
}
