//! Network partitions: for a while hosts cannot reach one another, or nothing reaches the service of a host, which has ended.

use std::collections::{BTreeMap, BTreeSet};

/// The partitions that there are.
#[derive(Debug, Default)]
pub(crate) struct NetworkPartitions {
    /// Until when nothing passes between two hosts, the lesser name first.
    between: BTreeMap<(String, String), u64>,
    /// Until when a host has no service.
    services: BTreeMap<String, u64>,
    /// Hosts that are being decommissioned with their services.
    leaving: BTreeSet<String>,
}

impl NetworkPartitions {
    pub(crate) fn cut(&mut self, a: &str, b: &str, until: u64) {
        if a != b {
            self.between.insert(pair(a, b), until);
        }
    }

    pub(crate) fn end_service(&mut self, host: &str, until: u64) {
        self.services.insert(host.to_string(), until);
    }

    /// Returns whether a process on host `from` can read the files on host `of`.
    pub(crate) fn reaches(&self, now: u64, from: &str, of: &str) -> bool {
        self.between.get(&pair(from, of)).is_none_or(|until| *until <= now)
    }

    /// Returns whether a host's service runs.
    pub(crate) fn has_service(&self, now: u64, host: &str) -> bool {
        self.services.get(host).is_none_or(|until| *until <= now)
    }

    /// A host goes, with its service.
    pub(crate) fn leave(&mut self, host: &str) {
        self.leaving.insert(host.to_string());
    }

    /// Returns whether a host goes, so that nothing new starts there.
    pub(crate) fn is_leaving(&self, host: &str) -> bool {
        self.leaving.contains(host)
    }

    /// Everything is within reach again.
    pub(crate) fn heal(&mut self) {
        self.between.clear();
        self.services.clear();
    }
}

fn pair(a: &str, b: &str) -> (String, String) {
    (a.min(b).to_string(), a.max(b).to_string())
}
