//! Messages of Hadoop's RPC and of YARN: those that a client and an application master need, with the fields that they use.
//! Field numbers and types are facts of Hadoop's published descriptors; its enums are plain numbers, named below.
#![expect(
    missing_docs,
    reason = "the names are the protocol's own, and Hadoop's documentation has their meanings"
)]

mod calls;
mod envelope;
mod records;

pub use calls::*;
pub use envelope::*;
pub use records::*;

use std::fmt;

/// The states of an application, by their numbers.
pub const APPLICATION_STATES: [&str; 9] =
    ["?", "NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED", "RUNNING", "FINISHED", "FAILED", "KILLED"];

/// How an application ended, as its master says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalStatus {
    /// It did what it was to do.
    Succeeded = 1,
    /// It failed.
    Failed = 2,
    /// It was ended.
    Killed = 3,
}

impl ApplicationReport {
    /// Returns the name of the application's state.
    pub fn state(&self) -> &'static str {
        let number = self.yarn_application_state.unwrap_or(0);
        usize::try_from(number).ok().and_then(|n| APPLICATION_STATES.get(n)).copied().unwrap_or("?")
    }

    /// Returns whether the application is over: finished, failed or killed.
    pub fn is_over(&self) -> bool {
        matches!(self.state(), "FINISHED" | "FAILED" | "KILLED")
    }
}

/// Shows what the token is for, and not its secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("kind", &self.kind)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// Shows the entry's name, and not its secret.
impl fmt::Debug for CredentialEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialEntry").field("alias", &self.alias).finish_non_exhaustive()
    }
}
