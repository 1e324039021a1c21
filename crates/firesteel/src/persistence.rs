//! What the program has said about keeping an RDD: `persist`, `checkpoint`.

use crate::checkpoints::Mark;
use crate::driver::Driver;
use firesteel_operators::OperatorRef;
use firesteel_types::{CallSite, RddId, StorageLevel};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Whether and how an RDD is kept. Changes while the program runs.
#[derive(Default)]
pub(crate) struct Persistence(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) persisted: Option<Arc<Persisted>>,
    /// Why what was asked for cannot be; whoever runs an action is told.
    pub(crate) conflict: Option<String>,
    /// What makes the checkpoint that was asked for.
    pub(crate) mark: Option<Arc<Mark>>,
    /// Whether it was made.
    pub(crate) is_checkpointed: bool,
}

/// An RDD that is to be kept. When it is dropped, nobody wants what is kept any more.
pub(crate) struct Persisted {
    pub(crate) rdd: RddId,
    pub(crate) level: StorageLevel,
    pub(crate) site: CallSite,
    /// The operator that keeps the partitions.
    pub(crate) code: OperatorRef,
    /// Whether the RDD was cut off from what it was computed from: what is kept is all that there is.
    pub(crate) is_truncated: AtomicBool,
    pub(crate) driver: Weak<Driver>,
    /// Whether another has taken its place.
    pub(crate) is_replaced: AtomicBool,
}

impl Persisted {
    /// Another takes its place: what is kept stays.
    pub(crate) fn hand_over(&self) {
        self.is_replaced.store(true, Ordering::Relaxed);
    }
}

impl Persistence {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn persisted(&self) -> Option<Arc<Persisted>> {
        self.state().persisted.clone()
    }
}

impl Drop for Persisted {
    fn drop(&mut self) {
        if !self.is_replaced.load(Ordering::Relaxed)
            && let Some(driver) = self.driver.upgrade()
        {
            driver.unpersisted(self.rdd);
        }
    }
}
