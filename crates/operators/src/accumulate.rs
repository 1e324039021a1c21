//! Accumulators as tasks see them: write-only cells. A task can add to an accumulator and never read it.
//!
//! An [`Adder`] finds a typed cell for (accumulator, [`TaskScope`]) in the table of the task that runs on this thread. No lock, no
//! message: the table goes with the task's outcome, so what a failed attempt added is dropped with it. Two computations of one
//! partition within one task (an RDD zipped with itself, say) have two scopes; of these the one with more `add`s counts.
//!
//! While a task computes a partition that will be cached, [`Gathering`] collects what is added, and the cache
//! stores it with the partition. A task that reads the cached partition brings the additions along
//! ([`add_cached`]): the attempt that computed the partition may fail later, and no task would compute it again.

use crate::task::Outcome;
use crate::watch::{self, TaskScope};
use firesteel_data::DataError;
use firesteel_data::block::{decode_value, encode_value};
use firesteel_types::{AccumulatorId, AccumulatorUpdate, Partition, TaskFailure, TaskId, UpdateScope};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

/// A value that grows by adding, on many machines at once.
///
/// Values of several partitions are merged in the order of RDDs and partitions. An implementation must see to
/// it that `zero()` merged with a value gives the value, and that merging is associative.
///
/// `Context::accumulator` makes an accumulator of such a value; its documentation has an example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of an accumulator",
    label = "does not say how it grows",
    note = "implement `firesteel::Accumulate` for a type of your own that derives `Clone, serde::Serialize, serde::Deserialize`; \
            whole numbers add up in `i128`, others in `f64`; `Vec<T>` collects, `HashMap<K, u64>` counts by key"
)]
pub trait Accumulate: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// The type of one addition.
    type Input;

    /// The value to which nothing was added.
    fn zero() -> Self;

    /// Adds one thing.
    fn add(&mut self, input: Self::Input);

    /// Adds everything that was added to another value, after the additions to this one.
    fn merge(&mut self, other: Self);
}

/// A sum of whole numbers: too wide to overflow.
impl Accumulate for i128 {
    type Input = i64;

    fn zero() -> Self {
        0
    }

    #[inline]
    fn add(&mut self, input: i64) {
        *self += i128::from(input);
    }

    fn merge(&mut self, other: Self) {
        *self += other;
    }
}

/// A sum of floating-point numbers.
impl Accumulate for f64 {
    type Input = f64;

    fn zero() -> Self {
        0.0
    }

    #[inline]
    fn add(&mut self, input: f64) {
        *self += input;
    }

    fn merge(&mut self, other: Self) {
        *self += other;
    }
}

/// A list of all that was added.
impl<T: Serialize + DeserializeOwned + Clone + Send + 'static> Accumulate for Vec<T> {
    type Input = T;

    fn zero() -> Self {
        vec![]
    }

    #[inline]
    fn add(&mut self, input: T) {
        self.push(input);
    }

    fn merge(&mut self, other: Self) {
        self.extend(other);
    }
}

/// Counts how often each key was added.
impl<K> Accumulate for HashMap<K, u64>
where
    K: Hash + Eq + Serialize + DeserializeOwned + Clone + Send + 'static,
{
    type Input = K;

    fn zero() -> Self {
        HashMap::new()
    }

    fn add(&mut self, key: K) {
        *self.entry(key).or_default() += 1;
    }

    fn merge(&mut self, other: Self) {
        other.into_iter().for_each(|(key, count)| *self.entry(key).or_default() += count);
    }
}

/// The tasks' side of an accumulator: it can add, and never read.
///
/// Made by [`Accumulator::adder`](https://docs.rs/firesteel/latest/firesteel/struct.Accumulator.html#method.adder) and sent along
/// in the environment of a closure, alone or in a tuple or struct with other things.
pub struct Adder<A> {
    accumulator: AccumulatorId,
    /// The application that the accumulator belongs to.
    application: u64,
    types: PhantomData<fn(A)>,
}

impl<A> Clone for Adder<A> {
    fn clone(&self) -> Self {
        Adder { accumulator: self.accumulator, application: self.application, types: PhantomData }
    }
}

impl<A> fmt::Debug for Adder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the adder of accumulator {}", self.accumulator)
    }
}

impl<A> Serialize for Adder<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.accumulator, self.application).serialize(serializer)
    }
}

impl<'de, A> Deserialize<'de> for Adder<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (accumulator, application) = Deserialize::deserialize(deserializer)?;
        Ok(Adder { accumulator, application, types: PhantomData })
    }
}

impl<A: Accumulate> Adder<A> {
    /// Makes an adder; only the driver does, for an accumulator that it has registered.
    #[doc(hidden)]
    pub fn new(accumulator: AccumulatorId, application: u64) -> Self {
        Adder { accumulator, application, types: PhantomData }
    }

    /// Adds something. It counts once for the partition that is computed, however often that is tried, copied or computed again.
    ///
    /// # Panics
    /// Outside of a task's function, that is on the driver or in a thread that the function started. In a task
    /// the panic becomes the task's failure.
    #[inline]
    pub fn add(&self, input: A::Input) {
        TABLE.with(|table| match table.try_borrow_mut() {
            Ok(mut table) => table.value(self).add(input),
            Err(_) => panic!("the `add` of a type of your own must not itself add to an accumulator"),
        });
    }
}

thread_local! {
    /// The table of the task that this thread runs.
    static TABLE: RefCell<Table> = const { RefCell::new(Table::new(None)) };
}

/// The number of accumulators that can take turns and still be found without a lookup.
const HOT: usize = 4;

struct Table {
    /// The application of the running task; none outside of a task.
    application: Option<u64>,
    cells: Vec<Option<Cell>>,
    /// The cells of one key: one for each computation that is still open, and the largest of those that are
    /// over.
    by_key: BTreeMap<Key, Vec<usize>>,
    /// The additions that came with cached partitions that the task read.
    cached: BTreeMap<Key, AccumulatorUpdate>,
    /// The keys to which something was added while a [`Gathering`] was open.
    touched: Vec<Key>,
    /// The number of open [`Gathering`]s.
    gathering: u32,
    /// The cells that were found last, by the accumulator's id modulo [`HOT`].
    hot: [Option<usize>; HOT],
}

/// The unit that counts once: one accumulator in one partition of one scope.
type Key = (AccumulatorId, UpdateScope, Partition);

/// The additions that functions made in one computation of a partition.
struct Cell {
    accumulator: AccumulatorId,
    /// Shared with the scope's streams, so the address is its own as long as the cell is there.
    scope: Arc<TaskScope>,
    address: usize,
    extent: u64,
    value: Value,
}

/// The value of an accumulator without its type. Sums, of which there are many, are found without an indirect call.
enum Value {
    Long(i128),
    Double(f64),
    Other(Box<dyn ErasedValue>),
}

impl Value {
    fn zero<A: Accumulate>() -> Self {
        let zero = A::zero();
        let any: &dyn Any = &zero;
        match (any.downcast_ref(), any.downcast_ref()) {
            (Some(sum), _) => Value::Long(*sum),
            (_, Some(sum)) => Value::Double(*sum),
            (None, None) => Value::Other(Box::new(zero)),
        }
    }

    #[inline]
    fn of_type<A: Accumulate>(&mut self) -> Option<&mut A> {
        let value: &mut dyn Any = match self {
            Value::Long(sum) => return (sum as &mut dyn Any).downcast_mut(),
            Value::Double(sum) => return (sum as &mut dyn Any).downcast_mut(),
            Value::Other(value) => &mut **value,
        };
        value.downcast_mut()
    }

    fn encode(&self) -> Result<Vec<u8>, DataError> {
        match self {
            Value::Long(sum) => sum.encode(),
            Value::Double(sum) => sum.encode(),
            Value::Other(value) => value.encode(),
        }
    }
}

/// A value of any other type.
trait ErasedValue: Any {
    fn encode(&self) -> Result<Vec<u8>, DataError>;
}

impl<A: Accumulate> ErasedValue for A {
    /// Encodes the value and tries to decode it: if that fails, the task can still report it, while the driver
    /// could not.
    fn encode(&self) -> Result<Vec<u8>, DataError> {
        let bytes = encode_value(self)?;
        decode_value::<A>(&bytes)?;
        Ok(bytes)
    }
}

impl Table {
    const fn new(application: Option<u64>) -> Self {
        Table {
            application,
            cells: vec![],
            by_key: BTreeMap::new(),
            cached: BTreeMap::new(),
            touched: vec![],
            gathering: 0,
            hot: [None; HOT],
        }
    }

    /// Returns the value to add to.
    #[inline]
    fn value<A: Accumulate>(&mut self, adder: &Adder<A>) -> &mut A {
        let hot = adder.accumulator.0 as usize % HOT;
        let index = self.hot[hot].filter(|index| self.is_current(*index, adder.accumulator));
        let index = index.unwrap_or_else(|| {
            let index = self.find(adder);
            self.hot[hot] = Some(index);
            index
        });
        let cell = self.cells[index].as_mut().expect("what was found is there");
        cell.extent += 1;
        // An adder is sent with its type, and ids are never used twice.
        cell.value.of_type().expect("an accumulator has one type")
    }

    /// Returns whether a cell is that of the accumulator in the computation that this thread has entered.
    #[inline]
    fn is_current(&self, index: usize, accumulator: AccumulatorId) -> bool {
        let cell = self.cells.get(index).and_then(Option::as_ref);
        cell.is_some_and(|cell| cell.accumulator == accumulator && cell.address == watch::here())
    }

    #[cold]
    fn find<A: Accumulate>(&mut self, adder: &Adder<A>) -> usize {
        let scope = watch::scope();
        let (Some(application), Some(scope)) = (self.application, scope) else { outside() };
        if application != adder.application {
            watch::refuse(
                "add to an accumulator",
                "it is of another context, to which this task cannot report. Make it with the context that made the RDD",
            );
        }
        let key = (adder.accumulator, scope.scope, scope.partition);
        let known = self.by_key.get(&key).map_or(&[][..], Vec::as_slice);
        let here = |index: &&usize| {
            self.cells[**index].as_ref().is_some_and(|cell| Arc::ptr_eq(&cell.scope, &scope))
        };
        if let Some(index) = known.iter().find(here) {
            return *index;
        }
        self.drop_lesser(key);
        let value = Value::zero::<A>();
        let address = scope.address();
        let cell = Cell { accumulator: adder.accumulator, scope, address, extent: 0, value };
        self.cells.push(Some(cell));
        let index = self.cells.len() - 1;
        self.by_key.entry(key).or_default().push(index);
        self.touch(key);
        index
    }

    /// Keeps, of the computations of one partition that are over, the one that counts: there may be one for each record of a
    /// cartesian product.
    fn drop_lesser(&mut self, key: Key) {
        let Some(indices) = self.by_key.get_mut(&key) else { return };
        let cells = &mut self.cells;
        // A computation's streams share its scope. Where only the cell still holds it, no function will add any
        // more.
        let is_over =
            |index: &usize| cells[*index].as_ref().is_some_and(|cell| Arc::strong_count(&cell.scope) == 1);
        let over: Vec<usize> = indices.iter().copied().filter(is_over).collect();
        let Some(best) = largest(cells, &over) else { return };
        for index in over.into_iter().filter(|index| *index != best) {
            cells[index] = None;
            indices.retain(|one| *one != index);
        }
        while let Some(None) = cells.last() {
            cells.pop();
        }
        self.hot = [None; HOT];
    }

    fn touch(&mut self, key: Key) {
        if self.gathering > 0 {
            self.touched.push(key);
        }
    }

    fn add_cached(&mut self, update: &AccumulatorUpdate) {
        let key = (update.accumulator, update.scope, update.partition);
        let known = self.cached.entry(key).or_insert_with(|| update.clone());
        if known.extent < update.extent {
            *known = update.clone();
        }
        self.touch(key);
    }

    /// Returns all that was added.
    fn updates(&self) -> Outcome<Vec<AccumulatorUpdate>> {
        let keys: BTreeSet<Key> = self.by_key.keys().chain(self.cached.keys()).copied().collect();
        self.updates_of(&keys)
    }

    fn updates_of(&self, keys: &BTreeSet<Key>) -> Outcome<Vec<AccumulatorUpdate>> {
        keys.iter().filter_map(|key| self.update(*key)).collect()
    }

    /// Returns the longer of the computed and the cached additions for one key, if there are any, and of two of
    /// equal length the computed ones.
    fn update(&self, key: Key) -> Option<Outcome<AccumulatorUpdate>> {
        let best = self.by_key.get(&key).and_then(|indices| largest(&self.cells, indices));
        let cell = best.and_then(|index| self.cells[index].as_ref());
        let cached = self.cached.get(&key);
        if let Some(cached) = cached.filter(|cached| cell.is_none_or(|cell| cached.extent > cell.extent)) {
            return Some(Ok(cached.clone()));
        }
        cell.map(|cell| cell.update(key))
    }
}

impl Cell {
    fn update(&self, (accumulator, scope, partition): Key) -> Outcome<AccumulatorUpdate> {
        let (extent, bytes) = (self.extent, self.encode()?.into());
        Ok(AccumulatorUpdate { accumulator, scope, partition, extent, bytes, cached_by: None })
    }

    fn encode(&self) -> Outcome<Vec<u8>> {
        self.value.encode().map_err(|error| {
            Box::new(TaskFailure::Operation {
                operation: "send what was added to an accumulator".into(),
                message: error.to_string(),
                site: (*self.scope.site).clone(),
                retryable: false,
            })
        })
    }
}

/// Takes over the additions that are stored with a cached partition.
pub(crate) fn add_cached(updates: &[AccumulatorUpdate]) {
    if !updates.is_empty() {
        TABLE.with_borrow_mut(|table| updates.iter().for_each(|update| table.add_cached(update)));
    }
}

/// Collects the additions from its beginning on, while a partition is computed that will be cached.
pub(crate) struct Gathering {
    task: TaskId,
    /// The number of keys that were touched before it began: they belong to the gatherings around it.
    from: usize,
}

impl Gathering {
    pub(crate) fn begin(task: TaskId) -> Self {
        let from = TABLE.with_borrow_mut(|table| {
            table.gathering += 1;
            table.touched.len()
        });
        Gathering { task, from }
    }

    /// Returns the additions since it began.
    pub(crate) fn updates(&self) -> Outcome<Arc<[AccumulatorUpdate]>> {
        TABLE.with_borrow(|table| {
            let keys = table.touched[self.from..].iter().copied().collect();
            let mut updates = table.updates_of(&keys)?;
            updates.iter_mut().for_each(|update| {
                update.cached_by.get_or_insert(self.task);
            });
            Ok(updates.into())
        })
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        TABLE.with_borrow_mut(|table| {
            table.gathering = table.gathering.saturating_sub(1);
            if table.gathering == 0 {
                table.touched.clear();
            }
        });
    }
}

/// The cell with the most `add`s, of several alike the first.
fn largest(cells: &[Option<Cell>], indices: &[usize]) -> Option<usize> {
    let extent = |index: &usize| cells[*index].as_ref().map_or(0, |cell| cell.extent);
    indices.iter().copied().rev().max_by_key(extent)
}

fn outside() -> ! {
    panic!(
        "`Adder::add` works only where a task runs a function that was given to an RDD. On the driver, call `add` of the \
         accumulator itself; a thread that the function started gives back what is to be added, and the function adds it"
    )
}

/// Collects the additions on this thread, from when it is made until it is finished or dropped: once around
/// each task.
pub struct UpdateTable(());

impl UpdateTable {
    /// Begins to collect for an application.
    pub fn begin(application: u64) -> Self {
        TABLE.set(Table::new(Some(application)));
        UpdateTable(())
    }

    /// Returns all additions.
    ///
    /// # Errors
    /// When a value cannot be encoded, or not decoded again.
    pub fn finish(self) -> Outcome<Vec<AccumulatorUpdate>> {
        TABLE.replace(Table::new(None)).updates()
    }
}

impl Drop for UpdateTable {
    fn drop(&mut self) {
        // The table is taken out before it is dropped: destructors of users' values must not find it borrowed.
        drop(TABLE.replace(Table::new(None)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::{CallSite, RddId};

    fn scope(rdd: u32, partition: u32) -> Arc<TaskScope> {
        let scope = UpdateScope::Rdd(RddId(rdd));
        Arc::new(TaskScope { site: Arc::new(CallSite::default()), scope, partition: Partition(partition) })
    }

    fn sums(table: UpdateTable) -> Vec<(u64, u32, u64, i128)> {
        let updates = table.finish().unwrap();
        let tell = |one: AccumulatorUpdate| {
            (one.accumulator.0, one.partition.0, one.extent, decode_value(&one.bytes).unwrap())
        };
        updates.into_iter().map(tell).collect()
    }

    #[test]
    fn partitions_add_up_apart_and_of_two_computations_the_longer_counts() {
        let (a, b) = (Adder::<i128>::new(AccumulatorId(0), 7), Adder::<i128>::new(AccumulatorId(4), 7));
        let (first, again, other) = (scope(1, 0), scope(1, 0), scope(1, 1));
        let table = UpdateTable::begin(7);
        for _ in 0..3 {
            let _first = watch::enter(&first);
            a.add(1);
            b.add(10);
            let _again = watch::enter(&again);
            a.add(1);
            a.add(1);
            let _other = watch::enter(&other);
            a.add(5);
        }
        assert_eq!(sums(table), [(0, 0, 6, 6), (0, 1, 3, 15), (4, 0, 3, 30)]);
    }

    #[test]
    fn computations_that_are_over_do_not_pile_up() {
        let adder = Adder::<i128>::new(AccumulatorId(1), 7);
        let table = UpdateTable::begin(7);
        for times in [2, 5, 5, 3].repeat(1000) {
            let scope = scope(1, 0);
            let _entered = watch::enter(&scope);
            (0..times).for_each(|_| adder.add(1));
        }
        assert!(TABLE.with_borrow(|table| table.cells.len() <= 3), "cells pile up");
        assert_eq!(sums(table), [(1, 0, 5, 5)]);
    }

    /// Additions that come with a cached partition: `extent` times 100, computed by task 3.
    fn cached(rdd: u32, extent: u64) -> AccumulatorUpdate {
        AccumulatorUpdate {
            accumulator: AccumulatorId(1),
            scope: UpdateScope::Rdd(RddId(rdd)),
            partition: Partition(0),
            extent,
            bytes: encode_value(&(100 * i128::from(extent))).unwrap().into(),
            cached_by: Some(TaskId(3)),
        }
    }

    #[test]
    fn of_cached_and_computed_additions_the_longer_count_and_of_equal_ones_the_computed() {
        let adder = Adder::<i128>::new(AccumulatorId(1), 7);
        let counted = [1, 2, 3].map(|extent| {
            let (table, scope) = (UpdateTable::begin(7), scope(1, 0));
            let _entered = watch::enter(&scope);
            add_cached(&[cached(1, extent)]);
            (0..2).for_each(|_| adder.add(1));
            sums(table)
        });
        assert_eq!(counted, [[(1, 0, 2, 2)], [(1, 0, 2, 2)], [(1, 0, 3, 300)]]);
    }

    #[test]
    fn a_gathering_has_what_was_added_since_it_began_and_says_who_computed_it_first() {
        let adder = Adder::<i128>::new(AccumulatorId(1), 7);
        let (table, scopes) = (UpdateTable::begin(7), [1, 2, 3].map(|rdd| scope(rdd, 0)));
        let add_in = |scope: &Arc<TaskScope>| {
            let _entered = watch::enter(scope);
            adder.add(1);
        };
        let gathered = |gathering: &Gathering| {
            let tell = |one: &AccumulatorUpdate| (one.scope, one.cached_by.map(|task| task.0));
            gathering.updates().unwrap().iter().map(tell).collect::<Vec<_>>()
        };
        let of = |rdd| UpdateScope::Rdd(RddId(rdd));
        add_in(&scopes[0]);
        let outer = Gathering::begin(TaskId(8));
        add_in(&scopes[1]);
        let inner = Gathering::begin(TaskId(9));
        add_in(&scopes[2]);
        add_cached(&[cached(4, 1)]);
        assert_eq!(gathered(&inner), [(of(3), Some(9)), (of(4), Some(3))]);
        drop(inner);
        assert_eq!(gathered(&outer), [(of(2), Some(8)), (of(3), Some(8)), (of(4), Some(3))]);
        assert_eq!(table.finish().unwrap().len(), 4);
    }

    #[test]
    #[should_panic(expected = "On the driver, call `add` of the accumulator itself")]
    fn outside_of_a_task_nothing_can_be_added() {
        Adder::<i128>::new(AccumulatorId(1), 7).add(1);
    }
}
