//! The driver's table of accumulators, without their types: final updates wait here until the value that they belong to is read.

use firesteel_types::AccumulatorId;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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
        std::mem::take(&mut *lock(&self.0))
    }
}

/// The accumulators of a driver, without their types.
#[derive(Default)]
pub(crate) struct Accumulators {
    table: Mutex<HashMap<AccumulatorId, Registered>>,
    /// True once there was one.
    any: AtomicBool,
}

struct Registered {
    settled: Arc<Settled>,
    owner: Weak<dyn MergeSettled>,
}

/// An accumulator, for those who do not know its type.
pub(crate) trait MergeSettled: Send + Sync {
    fn merge_settled(&self);
}

impl Accumulators {
    /// Takes note of a new accumulator.
    pub(crate) fn register(&self, id: AccumulatorId, settled: Arc<Settled>, owner: Weak<dyn MergeSettled>) {
        self.any.store(true, Ordering::Relaxed);
        lock(&self.table).insert(id, Registered { settled, owner });
    }

    /// Forgets an accumulator that nobody will read again.
    pub(crate) fn forget(&self, id: AccumulatorId) {
        lock(&self.table).remove(&id);
    }

    /// Returns whether there ever was an accumulator: where not, the scheduler need not hear of RDDs that go.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// An update is final. Runs in the driver's loop, so it only moves the bytes.
    pub(crate) fn settle(&self, id: AccumulatorId, bytes: Arc<[u8]>) {
        if let Some(registered) = lock(&self.table).get(&id) {
            lock(&registered.settled.0).push(bytes);
        }
    }

    /// Merges what is final where it piles up, since nobody reads. Runs code of users: not in the driver's loop.
    pub(crate) fn merge_piles(&self) {
        const PILE: usize = 1024;
        if !self.any() {
            return;
        }
        let owners: Vec<_> = lock(&self.table)
            .values()
            .filter(|registered| lock(&registered.settled.0).len() > PILE)
            .filter_map(|registered| registered.owner.upgrade())
            .collect();
        for owner in owners {
            // A `merge` that panics will do so again when the program reads the value: that is where it concerns the program.
            let _ = catch_unwind(AssertUnwindSafe(|| owner.merge_settled()));
        }
    }
}
