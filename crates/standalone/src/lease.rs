//! The lease of the leading master: a record on shared storage, renewed while its holder lives, and taken by
//! another master when it has expired.
//!
//! The storage has one record for each epoch; the record with the highest epoch is the lease. The storage must
//! guarantee: a record of a new epoch can be created by one process only (a file made exclusively,
//! `lease-<epoch>`), a record can be replaced whole by its holder (a rename), and a read sees what was written
//! before. A master's snapshots belong to an epoch in the same way, so that a master that was replaced and does
//! not know it yet overwrites nothing.
//!
//! **Why at most one leads.** Let the clocks of all masters differ by less than `clock_bound_ms` at any moment.
//! A holder acts only while its own clock is before `expires`. Others take the lease only when their clocks are
//! at `expires + clock_bound_ms`, when the holder's is past `expires`. A renewal counts only if it was written,
//! and read again, before the old record expired: until then no other master could take the lease, and after it
//! all masters read the new record. A master that stops leading does so for good: to lead again it takes the
//! lease like any other, with a new epoch, and begins with what was persisted.
//!
//! If the clocks differ by more, two masters may write; workers obey only the one with the higher epoch
//! ([`Fence`](crate::Fence)).

use firesteel_protocol::standalone::Epoch;
use firesteel_types::Millis;
use serde::{Deserialize, Serialize};

/// The record on the shared storage for one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The name of the master that leads; no two processes have the same.
    pub holder: String,
    /// The address on which it listens, for workers and applications that ask a standby.
    pub address: String,
    /// Its epoch.
    pub epoch: Epoch,
    /// The time until which it leads, by its own clock, in milliseconds since 1970.
    pub expires: Millis,
}

/// The times of leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseSettings {
    /// The time for which a record is valid. A master that dies is replaced after this and the bound at the
    /// latest.
    pub duration_ms: u64,
    /// The interval at which the holder renews it, and at which others read it.
    pub renew_interval_ms: u64,
    /// The most by which the clocks of two masters may differ.
    pub clock_bound_ms: u64,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        LeaseSettings { duration_ms: 15_000, renew_interval_ms: 3_000, clock_bound_ms: 5_000 }
    }
}

/// The next action on the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseAction {
    /// Create this record, unless there is one of its epoch; then read and call [`Lease::wrote`].
    Acquire(LeaseRecord),
    /// Replace the record of this epoch; then read and call [`Lease::wrote`].
    Renew(LeaseRecord),
    /// Stop leading at once: drop the master and all its connections.
    StepDown,
    /// Wait until this time by this master's clock.
    Wait {
        /// The time at which to read and decide again.
        until: Millis,
    },
}

/// The result of writing a lease record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The master leads, with this epoch.
    Leads(Epoch),
    /// The master does not lead. If it led before, it stops.
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
    /// The epoch that it is about to take. A late report of a renewal does not match it, and so begins nothing.
    acquiring: Option<Epoch>,
}

impl Lease {
    /// Makes the view of a master that does not lead yet.
    pub fn new(holder: impl Into<String>, address: impl Into<String>, settings: LeaseSettings) -> Self {
        assert!(settings.renew_interval_ms < settings.duration_ms, "a lease is renewed before it runs out");
        Lease { holder: holder.into(), address: address.into(), settings, held: None, acquiring: None }
    }

    /// Returns whether it leads now. To be asked before each event that the master handles, and after each
    /// snapshot that it wrote.
    pub fn holds(&self, now: Millis) -> bool {
        self.held.as_ref().is_some_and(|held| now < held.expires)
    }

    /// Decides the next action, from the record of the highest epoch as it was just read; none if there is
    /// none.
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

    /// Notes that a record was written, or that another master was faster: `read` is the record of the highest
    /// epoch as it was read afterwards, and `written` the one that [`Lease::decide`] had returned.
    pub fn wrote(&mut self, now: Millis, written: &LeaseRecord, read: Option<&LeaseRecord>) -> Standing {
        let is_there = read == Some(written);
        let was_in_time = match &self.held {
            // The old record must still be valid: else another master may have read it, and found it expired.
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
