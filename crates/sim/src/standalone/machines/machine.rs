//! One worker process.

use firesteel_standalone::{Link, WorkerId, WorkerState};

/// One process. Another one at the same host has another name.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) host: usize,
    pub(crate) id: WorkerId,
    pub(crate) worker_state: WorkerState,
    pub(crate) alive: bool,
    pub(crate) frozen_until: u64,
    /// Until when it reaches no master.
    pub(crate) isolated_until: u64,
    /// The connection that it listens to.
    pub(crate) connection: Option<Link>,
    /// When it heard of its master, and when that was sent.
    pub(super) seen_at: u64,
    pub(crate) answer_sent_at: u64,
    pub(crate) decommissioned: bool,
    /// When it was last in touch again after it had been silent for so long that it could be given up.
    pub(crate) was_away_until: Option<u64>,
}
