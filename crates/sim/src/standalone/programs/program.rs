//! One application's process, and one user who submits a driver.

use firesteel_standalone::{ApplicationEnd, ApplicationId, ApplicationSpec, DriverId, DriverSpec, Link};
use firesteel_types::ExecutorId;
use std::collections::BTreeSet;

/// One application's process.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) spec: ApplicationSpec,
    pub(crate) id: Option<ApplicationId>,
    pub(crate) alive: bool,
    pub(crate) connection: Option<Link>,
    pub(super) seen_at: u64,
    pub(crate) answer_sent_at: u64,
    pub(crate) wanted: Option<u32>,
    /// The executors that are connected with it.
    pub(super) ready: BTreeSet<ExecutorId>,
    /// Those that it was told of.
    pub(crate) known: BTreeSet<ExecutorId>,
    /// Those that it wants to be rid of.
    pub(crate) unwanted: BTreeSet<ExecutorId>,
    /// Its executors never come to anything.
    pub(super) doomed: bool,
    pub(super) finishing: bool,
    pub(crate) end: Option<ApplicationEnd>,
}

impl Program {
    /// Returns whether it has ended, or is about to.
    pub(crate) fn is_ending(&self) -> bool {
        self.finishing || self.end.is_some()
    }
}

/// A user who submits a driver.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) spec: DriverSpec,
    pub(crate) driver: Option<DriverId>,
    /// Wants the driver to end, and was told that it will.
    pub(super) kills: bool,
    pub(crate) killed: bool,
}
