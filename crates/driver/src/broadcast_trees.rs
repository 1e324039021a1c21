//! Broadcast trees, on the driver: which host gets which broadcast value from which host.

use firesteel_transfer::BroadcastTree;
use firesteel_types::BroadcastId;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

/// The longest time that a host that wants a broadcast value waits for a host that is free to send it. After
/// that, the driver sends it.
const WAIT_AT_MOST: Duration = Duration::from_secs(10);

/// The hosts that have each broadcast value.
#[derive(Default)]
pub(crate) struct BroadcastTrees {
    broadcast_tree: Mutex<BroadcastTree>,
    changed: Condvar,
    /// The number of times that the driver has sent any value.
    pub(crate) sent: AtomicU64,
}

impl BroadcastTrees {
    fn broadcast_tree(&self) -> MutexGuard<'_, BroadcastTree> {
        self.broadcast_tree.lock()
    }

    /// Returns the address to get a value from: waits until a host that has it is free.
    pub(crate) fn take(&self, id: BroadcastId, asker: &str) -> String {
        let deadline = Instant::now() + WAIT_AT_MOST;
        let mut broadcast_tree = self.broadcast_tree();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match broadcast_tree.take(id, asker) {
                Some(from) => return from,
                // An empty address: the driver sends the value.
                None if left.is_zero() => return String::new(),
                None => {
                    self.changed.wait_for(&mut broadcast_tree, left);
                }
            }
        }
    }

    pub(crate) fn came(&self, id: BroadcastId, from: &str, to: &str, came: bool) {
        self.broadcast_tree().came(id, from, to, came);
        self.changed.notify_all();
    }

    pub(crate) fn forget(&self, id: BroadcastId) {
        self.broadcast_tree().forget(id);
    }

    pub(crate) fn gone(&self, at: &str) {
        self.broadcast_tree().gone(at);
        self.changed.notify_all();
    }
}
