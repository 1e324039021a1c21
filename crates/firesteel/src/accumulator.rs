//! Accumulators: values that tasks add to and the driver reads.
//!
//! Tasks have [`Adder`]s, and what they add travels with their outcomes; the scheduler decides which of it counts
//! (`crates/scheduler/src/accumulators.rs`). Here is the driver's end: the typed value, made of what is final (`base`) and of
//! what the scheduler may still replace, merged when somebody reads.

use crate::Context;
use crate::driver::Driver;
use crate::error::{Error, Result};
use firesteel_data::block::decode_value;
use firesteel_operators::{Accumulate, Adder, UpdateTable, watch};
use firesteel_scheduler::Event;
use firesteel_types::{AccumulatorId, CallSite, JobId, Partition, RddId, UpdateScope};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A value that tasks add to and the driver reads. Clones are the same accumulator.
///
/// It stays on the driver: what a closure is given is its [`adder`](Accumulator::adder), which can add and never read.
///
/// Each `add` counts exactly once for the partition of the RDD whose function made it: also in transformations, also when tasks
/// fail, are copied or run again, and when a second action computes the same RDD again. Functions of an action count for each
/// action. `docs/shared-variables.md` has the whole story.
///
/// ```
/// # fn main() -> firesteel::Result<()> {
/// # let sc = firesteel::Context::builder().master("local[2]").create()?;
/// let odd = sc.long_accumulator().named("odd numbers");
/// let halves = sc.range(0..10).map_with(odd.adder(), |odd, x| {
///     odd.add(x % 2);
///     x / 2
/// });
/// assert_eq!(odd.value(), 0); // nothing was computed yet
/// halves.count()?;
/// halves.collect()?;
/// assert_eq!(odd.value(), 5);
/// # Ok(())
/// # }
/// ```
pub struct Accumulator<A: Accumulate> {
    shared: Arc<Shared<A>>,
}

struct Shared<A> {
    id: AccumulatorId,
    application: u64,
    name: Mutex<Option<String>>,
    driver: Weak<Driver>,
    settled: Arc<Settled>,
    state: Mutex<State<A>>,
    /// The thread that has locked the state: its value's own functions run meanwhile.
    at_work: Mutex<Option<ThreadId>>,
}

/// The state, while it is locked.
struct Locked<'a, A> {
    shared: &'a Shared<A>,
    state: MutexGuard<'a, State<A>>,
}

struct State<A> {
    /// All that is final and was merged.
    base: A,
    /// What is final, and not merged yet.
    waiting: Vec<Arc<[u8]>>,
    /// The value when it was last read, and the scheduler's version of the rest then.
    read: Option<(u64, A)>,
}

/// Final updates on their way from the driver's loop, which runs no code of users.
#[derive(Default)]
pub(crate) struct Settled(Mutex<Vec<Arc<[u8]>>>);

/// What an accumulator consists of beside its base.
pub(crate) struct Unmerged {
    /// What became final since somebody asked last.
    pub(crate) settled: Vec<Arc<[u8]>>,
    /// The scheduler's version of `updates`.
    pub(crate) version: u64,
    /// What is not final. None if nothing has changed since the version that was known.
    pub(crate) updates: Option<Vec<Arc<[u8]>>>,
}

impl Settled {
    pub(crate) fn take(&self) -> Vec<Arc<[u8]>> {
        std::mem::take(&mut *lock(&self.0))
    }
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
        lock(&self.shared.name).clone()
    }

    /// The same accumulator, with a name for people.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        *lock(&self.shared.name) = Some(name.into());
        self
    }

    /// What a closure is given: it can add, and never read.
    pub fn adder(&self) -> Adder<A> {
        Adder::new(self.shared.id, self.shared.application)
    }

    /// All that was added so far: by the driver, and by tasks that have ended. While a job runs, the tasks that have not ended
    /// are missing; when an action has given its answer, nothing is.
    pub fn value(&self) -> A {
        self.shared.read(&mut self.shared.locked().state)
    }

    /// Adds something on the driver. It counts at once.
    pub fn add(&self, input: A::Input) {
        let mut locked = self.shared.locked();
        locked.state.read = None;
        locked.state.base.add(input);
    }

    /// Begins anew: what was added so far is forgotten. What is computed again after this counts again, once.
    pub fn reset(&self) {
        let mut locked = self.shared.locked();
        if let Some(driver) = self.shared.driver.upgrade() {
            driver.post(Event::AccumulatorReset { accumulator: self.shared.id });
            // Whatever settled before the scheduler heard of it goes too.
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
    /// Merges what is final. Whole or not at all, should the user's `merge` panic.
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
        *lock(&self.shared.at_work) = None;
    }
}

impl<A: Accumulate> Shared<A> {
    /// Locks the state: only those who read or change this accumulator wait for it.
    ///
    /// # Panics
    /// When the value's own `add` or `merge` asks for it, which would wait for ever.
    fn locked(&self) -> Locked<'_, A> {
        let me = thread::current().id();
        if *lock(&self.at_work) == Some(me) {
            panic!("the `add` and `merge` of an accumulator's value must not use the accumulator themselves");
        }
        let state = lock(&self.state);
        *lock(&self.at_work) = Some(me);
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
        // Adders that are still about cannot read, so nobody will.
        if let Some(driver) = self.driver.upgrade() {
            lock(&driver.accumulators.table).remove(&self.id);
            driver.post(Event::AccumulatorReleased { accumulator: self.id });
        }
    }
}

/// What the driver knows of accumulators, without their types.
#[derive(Default)]
pub(crate) struct Accumulators {
    table: Mutex<HashMap<AccumulatorId, Registered>>,
    /// Whether there ever was one.
    any: AtomicBool,
}

struct Registered {
    settled: Arc<Settled>,
    owner: Weak<dyn MergeSettled>,
}

/// An accumulator, for those who do not know its type.
trait MergeSettled: Send + Sync {
    fn merge_settled(&self);
}

impl<A: Accumulate> MergeSettled for Shared<A> {
    fn merge_settled(&self) {
        self.locked().state.fold(self.settled.take());
    }
}

impl Accumulators {
    /// Whether there ever was an accumulator: where not, nobody needs to hear of RDDs that go.
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
            // A `merge` that panics will do so again for whoever reads the value: that is where it concerns somebody.
            let _ = catch_unwind(AssertUnwindSafe(|| owner.merge_settled()));
        }
    }
}

impl Driver {
    /// An RDD is gone.
    pub(crate) fn release_rdd(&self, rdd: RddId) {
        if self.accumulators.any() {
            self.post(Event::RddReleased { rdd });
        }
    }
}

/// # Accumulators
impl Context {
    /// An accumulator for a value of your own, which says how it begins, grows and merges: see [`Accumulate`].
    ///
    /// ```
    /// use firesteel::Accumulate;
    /// use serde::{Deserialize, Serialize};
    ///
    /// /// The longest word, and how many there were.
    /// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    /// struct Words {
    ///     longest: String,
    ///     count: u64,
    /// }
    ///
    /// impl Accumulate for Words {
    ///     type Input = String;
    ///
    ///     fn zero() -> Self {
    ///         Words { longest: String::new(), count: 0 }
    ///     }
    ///
    ///     fn add(&mut self, word: String) {
    ///         self.merge(Words { longest: word, count: 1 });
    ///     }
    ///
    ///     fn merge(&mut self, other: Self) {
    ///         self.count += other.count;
    ///         if other.longest.len() > self.longest.len() {
    ///             self.longest = other.longest;
    ///         }
    ///     }
    /// }
    ///
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let words = sc.accumulator::<Words>();
    /// let lines = sc.parallelize(["to be or".to_string(), "nevertheless".to_string()], 2);
    /// lines.foreach_with(words.adder(), |words, line| line.split(' ').for_each(|word| words.add(word.into())))?;
    /// assert_eq!(words.value(), Words { longest: "nevertheless".into(), count: 4 });
    /// # Ok(())
    /// # }
    /// ```
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
        let accumulators = &self.driver().accumulators;
        accumulators.any.store(true, Ordering::Relaxed);
        lock(&accumulators.table).insert(id, Registered { settled, owner });
        self.driver().post(Event::AccumulatorRegistered { accumulator: id });
        Accumulator { shared }
    }

    /// An accumulator that sums whole numbers, in 128 bits.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let bad = sc.long_accumulator();
    /// let lines = sc.parallelize(["1", "two", "3"].map(String::from), 2);
    /// let numbers = lines.flat_map_with(bad.adder(), |bad, line: String| {
    ///     line.parse::<i64>().inspect_err(|_| bad.add(1))
    /// });
    /// assert_eq!(numbers.sum()?, 4);
    /// assert_eq!(bad.value(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn long_accumulator(&self) -> Accumulator<i128> {
        self.accumulator()
    }

    /// An accumulator that sums floating-point numbers: within a partition in the order of `add`s, then by RDD and partition.
    pub fn double_accumulator(&self) -> Accumulator<f64> {
        self.accumulator()
    }

    /// An accumulator that collects what is added: for few things, since the driver holds them all.
    pub fn collection_accumulator<T>(&self) -> Accumulator<Vec<T>>
    where
        T: Serialize + DeserializeOwned + Clone + Send + 'static,
    {
        self.accumulator()
    }

    /// An accumulator that counts how often each key is added.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// let by_length = sc.map_counter::<usize>();
    /// let words = sc.parallelize(["to", "be", "not"].map(String::from), 2);
    /// words.foreach_with(by_length.adder(), |by_length, word| by_length.add(word.len()))?;
    /// assert_eq!(by_length.value()[&2], 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn map_counter<K>(&self) -> Accumulator<HashMap<K, u64>>
    where
        K: Hash + Eq + Serialize + DeserializeOwned + Clone + Send + 'static,
    {
        self.accumulator()
    }

    /// Runs the part of an action that puts the partitions' results together. Functions of users may run in it, and what they
    /// add counts: once, since this is not tried again.
    pub(crate) fn put_together<R>(&self, site: &CallSite, f: impl FnOnce() -> R) -> Result<R> {
        let accumulators = &self.driver().accumulators;
        if !accumulators.any() {
            return Ok(f());
        }
        let scope = UpdateScope::Job(JobId(u32::MAX));
        let place =
            Arc::new(watch::TaskScope { site: Arc::new(site.clone()), scope, partition: Partition(0) });
        let table = UpdateTable::begin(self.serial());
        let made = {
            let _place = watch::enter(&place);
            f()
        };
        let unusable = |failure: Box<firesteel_types::TaskFailure>| Error::InvalidArgument {
            site: site.clone(),
            message: failure.to_string(),
        };
        for update in table.finish().map_err(unusable)? {
            accumulators.settle(update.accumulator, update.bytes);
        }
        Ok(made)
    }
}
