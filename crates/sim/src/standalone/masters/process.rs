//! One master process, and the storage that outlives it.

use firesteel_standalone::{Effect, Epoch, Lease, LeaseRecord, Master, Snapshot};
use firesteel_types::Millis;
use std::collections::BTreeMap;

/// The storage that outlives masters. Each read sees all earlier writes.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    pub(crate) snapshots: BTreeMap<Epoch, Snapshot>,
    pub(crate) leases: BTreeMap<Epoch, LeaseRecord>,
}

impl Storage {
    pub(super) fn lease(&self) -> Option<&LeaseRecord> {
        self.leases.last_key_value().map(|(_, record)| record)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.snapshots.last_key_value().map(|(_, snapshot)| snapshot.clone()).unwrap_or_default()
    }
}

/// One process.
#[derive(Debug)]
pub(crate) struct MasterProcess {
    pub(crate) host: usize,
    pub(crate) alive: bool,
    pub(crate) frozen_until: u64,
    pub(crate) lease: Lease,
    pub(crate) master: Option<Master>,
    /// The date at its start, and the true time then: its clock for everything but the lease.
    pub(super) started: (u64, u64),
    pub(super) tick_at: Option<u64>,
    /// Where it stood still between writing and telling: what it has yet to write, if it has, and to tell.
    pub(super) interrupted: Option<(Option<Box<Snapshot>>, Vec<Effect>)>,
}

impl MasterProcess {
    pub(super) fn now(&self, world_now: u64) -> Millis {
        Millis(self.started.0 + world_now - self.started.1)
    }
}
