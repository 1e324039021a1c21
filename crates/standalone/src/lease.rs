//! Who leads: a lease on shared storage, renewed while its holder lives, taken by another when it has run out.
//!
//! The storage holds one record for each epoch; the record with the highest epoch is the lease. All that is asked of it: a
//! record of a new epoch can be created by one process only (a file made exclusively, `lease-<epoch>`), a record can be replaced
//! whole by its holder (a rename), and a read sees what was written before. A master's snapshots belong to an epoch in the
//! same way, so that one who was replaced and does not know it yet overwrites nothing.
//!
//! **Why at most one leads.** Let the clocks of all masters differ by less than `clock_bound_ms` at any moment. A holder acts
//! only while its own clock is before `expires`. Others take the lease only when their clocks are at `expires + clock_bound_ms`,
//! when the holder's is past `expires`. A renewal counts only if it was written, and read again, before the old record ran
//! out: until then nobody else could want the lease, and after it everybody reads the new record. Whoever stops leading does
//! so for good: to lead again it takes the lease like any other, with a new epoch, and begins with what was persisted.
//!
//! Should the clocks differ by more, two masters may write; workers obey only the one with the higher epoch
//! ([`Fence`](crate::Fence)).

use firesteel_protocol::standalone::Epoch;
use firesteel_types::Millis;
use serde::{Deserialize, Serialize};

/// What stands on the shared storage for one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The name of the master that leads; no two processes have the same.
    pub holder: String,
    /// Where it listens, for workers and applications that ask a standby.
    pub address: String,
    /// Its epoch.
    pub epoch: Epoch,
    /// Until when, by its own clock, in milliseconds since 1970.
    pub expires: Millis,
}

/// How long leases last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseSettings {
    /// For how long a record holds. A master that dies is replaced after this and the bound at the latest.
    pub duration_ms: u64,
    /// How often its holder renews it, and how often others look.
    pub renew_interval_ms: u64,
    /// By how much the clocks of two masters may differ.
    pub clock_bound_ms: u64,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        LeaseSettings { duration_ms: 15_000, renew_interval_ms: 3_000, clock_bound_ms: 5_000 }
    }
}

/// What to do about the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseAction {
    /// Create this record, unless there is one of its epoch; then read and tell [`Lease::wrote`].
    Acquire(LeaseRecord),
    /// Replace the record of this epoch; then read and tell [`Lease::wrote`].
    Renew(LeaseRecord),
    /// Stop leading at once: drop the master and all its connections.
    StepDown,
    /// Nothing until so late by one's own clock.
    Wait {
        /// When to read and decide again.
        until: Millis,
    },
}

/// Whether one leads, after one has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Yes, with this epoch.
    Leads(Epoch),
    /// No. Whoever led stops.
    Follows,
}

/// One master's view of the lease.
#[derive(Clone, Debug)]
pub struct Lease {
    holder: String,
    address: String,
    settings: LeaseSettings,
    /// The record by which it leads.
    held: Option<LeaseRecord>,
    /// The epoch that it was told to take, and has not told to have taken. A renewal that is told late begins nothing anew.
    acquiring: Option<Epoch>,
}

impl Lease {
    /// A master that does not lead yet.
    pub fn new(holder: impl Into<String>, address: impl Into<String>, settings: LeaseSettings) -> Self {
        assert!(settings.renew_interval_ms < settings.duration_ms, "a lease is renewed before it runs out");
        Lease { holder: holder.into(), address: address.into(), settings, held: None, acquiring: None }
    }

    /// Whether it leads now. To be asked before each event that the master handles, and after each snapshot that it wrote.
    pub fn holds(&self, now: Millis) -> bool {
        self.held.as_ref().is_some_and(|held| now < held.expires)
    }

    /// What to do, with the record of the highest epoch as it was just read; none if there is none.
    pub fn decide(&mut self, now: Millis, read: Option<&LeaseRecord>) -> LeaseAction {
        if let Some(held) = &self.held {
            let is_ours = read.is_some_and(|record| self.is_mine(record, held.epoch));
            if !is_ours || now >= held.expires {
                self.step_down();
                return LeaseAction::StepDown;
            }
            let renew_at = Millis(held.expires.0.saturating_sub(self.settings.duration_ms))
                + self.settings.renew_interval_ms;
            if now < renew_at {
                return LeaseAction::Wait { until: renew_at };
            }
            return LeaseAction::Renew(self.record(now, held.epoch));
        }
        match read {
            Some(record) if now < record.expires + self.settings.clock_bound_ms => {
                let free_at = record.expires + self.settings.clock_bound_ms;
                LeaseAction::Wait { until: free_at.min(now + self.settings.renew_interval_ms) }
            }
            read => {
                let next = read.map_or(Epoch(0), |record| record.epoch).next();
                self.acquiring = Some(next);
                LeaseAction::Acquire(self.record(now, next))
            }
        }
    }

    /// A record was written, or another was faster: `read` is the record of the highest epoch as it was read afterwards, and
    /// `written` what [`Lease::decide`] had said.
    pub fn wrote(&mut self, now: Millis, written: &LeaseRecord, read: Option<&LeaseRecord>) -> Standing {
        let is_there = read == Some(written);
        let was_in_time = match &self.held {
            // What was held must hold still: else another may have read the old record, and found that it ran out.
            Some(held) => held.epoch == written.epoch && now < held.expires,
            None => self.acquiring == Some(written.epoch),
        };
        self.step_down();
        if !is_there || !was_in_time || now >= written.expires {
            return Standing::Follows;
        }
        self.held = Some(written.clone());
        Standing::Leads(written.epoch)
    }

    /// Stops leading.
    pub fn step_down(&mut self) {
        (self.held, self.acquiring) = (None, None);
    }

    fn is_mine(&self, record: &LeaseRecord, epoch: Epoch) -> bool {
        record.epoch == epoch && record.holder == self.holder
    }

    fn record(&self, now: Millis, epoch: Epoch) -> LeaseRecord {
        let (holder, address) = (self.holder.clone(), self.address.clone());
        LeaseRecord { holder, address, epoch, expires: now + self.settings.duration_ms }
    }
}
