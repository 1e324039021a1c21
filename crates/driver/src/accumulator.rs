//! [`Accumulator`]: a value that tasks add to and the driver reads.
//!
//! Tasks have [`Adder`]s, and what they add travels with their outcomes; the scheduler decides which updates
//! count (`crates/scheduler/src/accumulators.rs`). This file is the driver's end: the typed value, made of
//! the final updates (`base`) and of those that the scheduler may still replace, merged when the value is
//! read.

use crate::accumulators::{MergeSettled, Settled, Unmerged};
use crate::context::DriverContext;
use crate::driver::Driver;
use firesteel_data::block::decode_value;
use firesteel_operators::{Accumulate, Adder};
use firesteel_scheduler::Event;
use firesteel_types::AccumulatorId;
use parking_lot::{Mutex, MutexGuard};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, ThreadId};

/// A value that tasks add to and the driver reads. Clones are the same accumulator.
///
/// The accumulator stays on the driver: a closure is given its [`adder`](Accumulator::adder), which can add
/// and never read.
///
/// Each `add` counts exactly once for the partition of the RDD whose function made it: also in
/// transformations, also when tasks fail, are copied or run again, and when a second action computes the same
/// RDD again. Functions of an action count for each action. `docs/shared-variables.md` explains the rules in
/// full.
pub struct Accumulator<A: Accumulate> {
    shared: Arc<Shared<A>>,
}

struct Shared<A> {
    id: AccumulatorId,
    application: u64,
    name: Mutex<Option<String>>,
    driver: Weak<Driver>,
    settled: Arc<Settled>,
    /// A function of the value that panics releases the lock, and leaves the value as far as it had come.
    state: Mutex<State<A>>,
    /// The thread that has locked the state. The functions of the accumulator's value run while the lock is
    /// held.
    at_work: Mutex<Option<ThreadId>>,
}

/// The state, while it is locked.
struct Locked<'a, A> {
    shared: &'a Shared<A>,
    state: MutexGuard<'a, State<A>>,
}

struct State<A> {
    /// The merged final updates.
    base: A,
    /// Updates that are final, and not merged yet.
    waiting: Vec<Arc<[u8]>>,
    /// The value when it was last read, and the scheduler's version of the rest then.
    read: Option<(u64, A)>,
}

impl<A: Accumulate> Clone for Accumulator<A> {
    fn clone(&self) -> Self {
        Accumulator { shared: self.shared.clone() }
    }
}

impl<A: Accumulate> std::fmt::Debug for Accumulator<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "accumulator {}", self.id())?;
        self.name().map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

impl<A: Accumulate> Accumulator<A> {
    /// The accumulator's number, which no other of this process has.
    pub fn id(&self) -> u64 {
        self.shared.id.0
    }

    /// The name that [`Accumulator::named`] gave it.
    pub fn name(&self) -> Option<String> {
        self.shared.name.lock().clone()
    }

    /// Names the accumulator, for people, and returns it.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        *self.shared.name.lock() = Some(name.into());
        self
    }

    /// Returns the end for closures: it can add, and never read.
    pub fn adder(&self) -> Adder<A> {
        Adder::new(self.shared.id, self.shared.application)
    }

    /// The sum of all that was added so far: by the driver, and by tasks that have ended. While a job runs,
    /// the tasks that have not ended are missing; after an action has returned its answer, nothing is
    /// missing.
    pub fn value(&self) -> A {
        self.shared.read(&mut self.shared.locked().state)
    }

    /// Adds an input on the driver. It counts at once.
    pub fn add(&self, input: A::Input) {
        let mut locked = self.shared.locked();
        locked.state.read = None;
        locked.state.base.add(input);
    }

    /// Resets the value to its zero: all that was added so far is forgotten. Updates of tasks that are
    /// computed again after this count again, once.
    pub fn reset(&self) {
        let mut locked = self.shared.locked();
        if let Some(driver) = self.shared.driver.upgrade() {
            driver.post(Event::AccumulatorReset { accumulator: self.shared.id });
            // Updates that settled before the scheduler handles the reset are dropped too.
            drop(driver.unmerged(self.shared.id, &self.shared.settled, None));
        } else {
            drop(self.shared.settled.take());
        }
        *locked.state = State::default();
    }
}

impl<A: Accumulate> Default for State<A> {
    fn default() -> Self {
        State { base: A::zero(), waiting: vec![], read: None }
    }
}

impl<A: Accumulate> State<A> {
    /// Merges final updates. If the user's `merge` panics, the base is unchanged and the updates stay
    /// waiting.
    fn fold(&mut self, settled: Vec<Arc<[u8]>>) {
        self.waiting.extend(settled);
        if !self.waiting.is_empty() {
            self.read = None;
            self.base = merged(self.base.clone(), &self.waiting);
            self.waiting.clear();
        }
    }
}

fn merged<A: Accumulate>(base: A, updates: &[Arc<[u8]>]) -> A {
    updates.iter().fold(base, |mut value, bytes| {
        value.merge(decode_value(bytes).expect("the task that encoded it has decoded it, too"));
        value
    })
}

impl<A> Drop for Locked<'_, A> {
    fn drop(&mut self) {
        *self.shared.at_work.lock() = None;
    }
}

impl<A: Accumulate> Shared<A> {
    /// Locks the state: only threads that read or change this accumulator wait for the lock.
    ///
    /// # Panics
    /// When the value's own `add` or `merge` locks the state again, which would deadlock.
    fn locked(&self) -> Locked<'_, A> {
        let me = thread::current().id();
        if *self.at_work.lock() == Some(me) {
            panic!("the `add` and `merge` of an accumulator's value must not use the accumulator themselves");
        }
        let state = self.state.lock();
        *self.at_work.lock() = Some(me);
        Locked { shared: self, state }
    }

    fn read(&self, state: &mut State<A>) -> A {
        let Some(driver) = self.driver.upgrade() else {
            state.fold(self.settled.take());
            return state.base.clone();
        };
        let known = state.read.as_ref().map(|(version, _)| *version);
        let Unmerged { settled, version, updates } = driver.unmerged(self.id, &self.settled, known);
        state.fold(settled);
        if let (Some((_, value)), None) = (&state.read, &updates) {
            return value.clone();
        }
        let value = merged(state.base.clone(), &updates.unwrap_or_default());
        state.read = Some((version, value.clone()));
        value
    }
}

impl<A> Drop for Shared<A> {
    fn drop(&mut self) {
        // Remaining adders cannot read, so no thread reads this value any more.
        if let Some(driver) = self.driver.upgrade() {
            driver.accumulators.forget(self.id);
            driver.post(Event::AccumulatorReleased { accumulator: self.id });
        }
    }
}

impl<A: Accumulate> MergeSettled for Shared<A> {
    fn merge_settled(&self) {
        self.locked().state.fold(self.settled.take());
    }
}

impl DriverContext {
    /// Makes an accumulator of a type that defines its zero, how it adds and how it merges: see
    /// [`Accumulate`].
    pub fn accumulator<A: Accumulate>(&self) -> Accumulator<A> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = AccumulatorId(NEXT.fetch_add(1, Ordering::Relaxed));
        let settled = Arc::<Settled>::default();
        let shared = Arc::new(Shared {
            id,
            application: self.serial(),
            name: Mutex::default(),
            driver: Arc::downgrade(self.driver()),
            settled: settled.clone(),
            state: Mutex::new(State::<A>::default()),
            at_work: Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        let owner: Weak<dyn MergeSettled> = weak;
        self.driver().accumulators.register(id, settled, owner);
        self.driver().post(Event::AccumulatorRegistered { accumulator: id });
        Accumulator { shared }
    }
}
