//! The state of everybody in the world but the pool.

use super::happening::Cause;
use firesteel_lending::Excluded;
use std::collections::BTreeSet;

/// The exit code that the manager tells of processes that have not ended.
pub(crate) const CODE_OF_A_LIE: i32 = 77;

/// A process, as it is in truth.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    pub(crate) node: u64,
    pub(crate) alive: bool,
    /// Its driver has welcomed it, and the connection lasts.
    pub(crate) connected: bool,
    /// It does not reach the driver.
    pub(crate) is_cut_off: bool,
    /// Its driver has told it to end, or will when it comes.
    pub(crate) is_leaving: bool,
    /// The manager has said, or is about to say, that it is gone, though it lives.
    pub(crate) said_gone: bool,
    pub(crate) cause: Option<Cause>,
}

impl Default for Executor {
    fn default() -> Self {
        Executor {
            node: 0,
            alive: true,
            connected: false,
            is_cut_off: false,
            is_leaving: false,
            said_gone: false,
            cause: None,
        }
    }
}

/// The manager's knowledge.
#[derive(Debug, Default)]
pub(crate) struct Lender {
    /// Requests that were not met.
    pub(super) pending: u32,
    /// Its words are heard after this time.
    pub(crate) silent_until: u64,
    /// It has no more than so many executors, until then.
    pub(crate) quota: usize,
    pub(crate) quota_until: u64,
    pub(super) named: u64,
    /// The machines on which it is to start none.
    pub(super) avoids: BTreeSet<String>,
}

/// The application's knowledge and wishes.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) wanted: u32,
    pub(crate) has_ended: bool,
    pub(super) excluded: Excluded,
    /// The executors that have come at any time.
    pub(super) met: Vec<String>,
    /// The time at which its last word reaches the pool: they stay in order.
    pub(super) last_word_at: u64,
}
