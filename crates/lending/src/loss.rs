//! How a manager says that an executor is gone.

use firesteel_types::ExecutorLossReason;

/// The end of an executor, as its manager tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// How it ended.
    pub reason: ExecutorLossReason,
    /// True if it may have ended by its own fault. What the manager took away (by preemption, with a node, at the end
    /// of a time limit), or ended since it was asked to, does not count against the application.
    pub is_own_fault: bool,
}

impl Loss {
    /// Makes the loss of an executor that ended by itself.
    pub fn own(reason: ExecutorLossReason) -> Self {
        Loss { reason, is_own_fault: true }
    }

    /// Makes the loss of an executor that the manager took away; its words, as a sentence without a subject.
    pub fn taken(words: impl Into<String>) -> Self {
        Loss { reason: ExecutorLossReason::Taken { words: words.into() }, is_own_fault: false }
    }
}
