//! The driver's table of accumulators, without their types: final updates wait here until the value that they
//! belong to is read.

use firesteel_types::AccumulatorId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// Final updates on their way from the driver's loop, which runs no code of users.
#[derive(Default)]
pub(crate) struct Settled(Mutex<Vec<Arc<[u8]>>>);

/// The parts of an accumulator beside its base.
pub(crate) struct Unmerged {
    /// Updates that became final since the accumulator was read last.
    pub(crate) settled: Vec<Arc<[u8]>>,
    /// The scheduler's version of `updates`.
    pub(crate) version: u64,
    /// Updates that are not final. None if nothing has changed since the version that was known.
    pub(crate) updates: Option<Vec<Arc<[u8]>>>,
}

impl Settled {
    pub(crate) fn take(&self) -> Vec<Arc<[u8]>> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// The accumulators of a driver, without their types.
#[derive(Default)]
pub(crate) struct Accumulators {
    table: Mutex<HashMap<AccumulatorId, Registered>>,
    /// True once an accumulator was registered.
    any: AtomicBool,
}

struct Registered {
    settled: Arc<Settled>,
    owner: Weak<dyn MergeSettled>,
}

/// An accumulator without its type: the table can have its final updates merged.
pub(crate) trait MergeSettled: Send + Sync {
    fn merge_settled(&self);
}

impl Accumulators {
    /// Registers a new accumulator.
    pub(crate) fn register(&self, id: AccumulatorId, settled: Arc<Settled>, owner: Weak<dyn MergeSettled>) {
        self.any.store(true, Ordering::Relaxed);
        self.table.lock().insert(id, Registered { settled, owner });
    }

    /// Removes an accumulator that cannot be read any more.
    pub(crate) fn forget(&self, id: AccumulatorId) {
        self.table.lock().remove(&id);
    }

    /// Returns whether there ever was an accumulator. If not, the scheduler need not be told of released
    /// RDDs.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Records a final update. Runs in the driver's loop, so it only moves the bytes.
    pub(crate) fn settle(&self, id: AccumulatorId, bytes: Arc<[u8]>) {
        if let Some(registered) = self.table.lock().get(&id) {
            registered.settled.0.lock().push(bytes);
        }
    }

    /// Merges final updates that pile up because the program does not read the value. Runs user code, so it
    /// must not be called in the driver's loop.
    pub(crate) fn merge_piles(&self) {
        const PILE: usize = 1024;
        if !self.any() {
            return;
        }
        let owners: Vec<_> = self
            .table
            .lock()
            .values()
            .filter(|registered| registered.settled.0.lock().len() > PILE)
            .filter_map(|registered| registered.owner.upgrade())
            .collect();
        for owner in owners {
            // A `merge` that panics will panic again when the program reads the value: the program gets the
            // panic there.
            let _ = catch_unwind(AssertUnwindSafe(|| owner.merge_settled()));
        }
    }
}
