//! [`Persistence`]: whether and how one RDD is persisted and checkpointed, by the program's `persist` and
//! `checkpoint`.

use crate::context::DriverContext;
use crate::error::Result;
use crate::event_sender::{EventSender, Released};
use firesteel_operators::OperatorRef;
use firesteel_types::{CallSite, Generation, RddId, StorageLevel};
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The state of an RDD's persistence. It changes while the program runs.
#[derive(Default)]
pub(crate) struct Persistence(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) persisted: Option<Arc<Persisted>>,
    /// The reason why the RDD cannot be persisted as was asked for; each action fails with it.
    pub(crate) conflict: Option<String>,
    pub(crate) checkpoint: Checkpoint,
}

/// Makes the checkpoint of the RDD to whose persistence it belongs.
pub(crate) type MakeCheckpoint = dyn Fn(&DriverContext) -> Result<()> + Send + Sync;

/// The progress of an RDD's checkpoint.
#[derive(Default)]
pub(crate) enum Checkpoint {
    /// No checkpoint was asked for.
    #[default]
    Unwanted,
    /// A checkpoint was asked for: the next action that needs the RDD makes it.
    Marked(Arc<MakeCheckpoint>),
    /// An action that needs the RDD has taken the checkpoint, and makes it when it has its answer.
    UnderWay(Arc<MakeCheckpoint>),
    /// The checkpoint was made.
    Made,
}

/// A persisted RDD.
pub(crate) struct Persisted {
    pub(crate) level: StorageLevel,
    pub(crate) site: CallSite,
    /// The operator that caches the partitions.
    pub(crate) code: OperatorRef,
    /// True once the RDD was cut off from its parents: the cached partitions are then the only copy.
    pub(crate) is_truncated: AtomicBool,
    pub(crate) claim: Arc<Claim>,
}

/// The program's claim on the partitions of an RDD that are cached in one generation. When the last handle is dropped, they
/// are released.
pub(crate) struct Claim {
    pub(crate) rdd: RddId,
    pub(crate) generation: Generation,
    pub(crate) events: EventSender,
}

impl Persistence {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    pub(crate) fn persisted(&self) -> Option<Arc<Persisted>> {
        self.state().persisted.clone()
    }

    /// Asks for a checkpoint, unless one was asked for before.
    pub(crate) fn mark(&self, make: Arc<MakeCheckpoint>) {
        let mut state = self.state();
        if matches!(state.checkpoint, Checkpoint::Unwanted) {
            state.checkpoint = Checkpoint::Marked(make);
        }
    }

    /// Takes the checkpoint, if it was asked for and no other action has taken it. Returns whether it did.
    pub(crate) fn take_mark(&self) -> bool {
        let mut state = self.state();
        let Checkpoint::Marked(make) = &state.checkpoint else { return false };
        state.checkpoint = Checkpoint::UnderWay(make.clone());
        true
    }

    /// Returns a checkpoint that was taken, so that the next action makes it.
    pub(crate) fn return_mark(&self) {
        let mut state = self.state();
        if let Checkpoint::UnderWay(make) = &state.checkpoint {
            state.checkpoint = Checkpoint::Marked(make.clone());
        }
    }

    /// Makes the checkpoint that was taken.
    pub(crate) fn make_checkpoint(&self, context: &DriverContext) -> Result<()> {
        let make = match &self.state().checkpoint {
            Checkpoint::UnderWay(make) => make.clone(),
            Checkpoint::Unwanted | Checkpoint::Marked(_) | Checkpoint::Made => return Ok(()),
        };
        // Runs outside the lock: it runs a job, which asks how the RDD is persisted.
        make(context)?;
        self.state().checkpoint = Checkpoint::Made;
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.events.send(Released::Persisted(self.rdd, self.generation));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_taken_on_by_one_action_and_left_to_the_next() {
        let persistence = Persistence::default();
        persistence.return_mark();
        assert!(!persistence.take_mark(), "nobody has asked for one");
        persistence.mark(Arc::new(|_| Ok(())));
        assert!(persistence.take_mark());
        assert!(!persistence.take_mark(), "another action is at it");
        persistence.mark(Arc::new(|_| Ok(())));
        assert!(!persistence.take_mark(), "asking again changes nothing");
        persistence.return_mark();
        assert!(persistence.take_mark());
    }
}
