//! The fence: a worker's check of epochs. It does not obey orders of a master that another has replaced.

use firesteel_protocol::standalone::Epoch;

/// The highest epoch that the worker has seen. One for each worker process, for as long as it lives.
///
/// ```
/// use firesteel_standalone::{Epoch, Fence};
/// let mut fence = Fence::default();
/// assert!(fence.admits(Epoch(4)) && fence.admits(Epoch(4)) && fence.admits(Epoch(6)));
/// assert!(!fence.admits(Epoch(5)), "a master of epoch 6 leads");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fence {
    highest: Epoch,
}

impl Fence {
    /// Returns whether an order of this epoch is to be obeyed. From then on, none of an older epoch is.
    pub fn admits(&mut self, epoch: Epoch) -> bool {
        let admits = epoch >= self.highest;
        self.highest = self.highest.max(epoch);
        admits
    }

    /// Returns the epoch of the master that is obeyed.
    pub fn epoch(self) -> Epoch {
        self.highest
    }
}
