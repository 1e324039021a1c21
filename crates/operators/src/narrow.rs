//! Narrow operators: one input, partition by partition.

use crate::code::{self, OperatorRef};
use crate::stream::{Batches, Op, Operator, PartitionIter, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch::{self, TaskScope};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::{Batch, Data, DataError, Environment, batch_len};
use firesteel_types::Partition;
use std::marker::PhantomData;
use std::sync::Arc;

/// Applies a function to each batch: `map`, `filter`, `map_values` and the like.
pub struct MapBatches<T, U, E, F> {
    input: Op<T>,
    environment: E,
    function: ZeroSized<F>,
    origin: Origin,
    types: PhantomData<fn() -> U>,
}

impl<T, U, E, F> MapBatches<T, U, E, F>
where
    T: Data,
    U: Data,
    E: Environment,
    F: Fn(&E, Batch<T>, &Records) -> Vec<U> + Plain,
{
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(environment: &E, function: F) -> Result<OperatorRef, DataError> {
        ZeroSized::new(function);
        OperatorRef::new(Self::DESCRIPTOR, environment)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (input, environment, origin) =
            (code::input(&args, 0)?, code::environment(&args)?, code::origin(&args));
        let function = code::instantiate();
        Ok(Arc::new(Op::new(Self { input, environment, function, origin, types: PhantomData })))
    }
}

/// The loop over the records of a batch: plain, or one that notes each record so that a panic can name it.
pub struct Records {
    tracks_records: bool,
}

impl Records {
    /// The loop for a task: it notes records if the task is a retry.
    pub fn of(task: &Task) -> Self {
        Records { tracks_records: task.tracks_records() }
    }

    /// Applies `f` to each record.
    #[inline]
    pub fn map<T: Data, U>(&self, batch: Batch<T>, f: impl Fn(T) -> U) -> Vec<U> {
        if !self.tracks_records {
            return batch.map(f);
        }
        let noting = |record: T| {
            watch::note_record(&record);
            let made = f(record);
            watch::forget_record();
            made
        };
        batch.map(noting)
    }

    /// Hands each record to `f`.
    #[inline]
    pub fn for_each<T: Data>(&self, batch: Batch<T>, mut f: impl FnMut(T)) {
        if !self.tracks_records {
            return batch.for_each(f);
        }
        batch.for_each(|record| {
            watch::note_record(&record);
            f(record);
            watch::forget_record();
        });
    }

    /// Returns the records for which `keep` holds.
    #[inline]
    pub fn filter<T: Data>(&self, batch: Batch<T>, keep: impl Fn(&T) -> bool) -> Vec<T> {
        if !self.tracks_records {
            return batch.filter(keep);
        }
        let noting = |record: &T| {
            watch::note_record(record);
            let cached = keep(record);
            watch::forget_record();
            cached
        };
        batch.filter(noting)
    }
}

impl<T, U, E, F> Operator<U> for MapBatches<T, U, E, F>
where
    T: Data,
    U: Data,
    E: Environment,
    F: Fn(&E, Batch<T>, &Records) -> Vec<U> + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<U>> {
        let (input, scope) = (self.input.open(partition, task)?, self.origin.scope(partition));
        Ok(Stream::new(task, MapBatchesStream { operator: self, input, records: Records::of(task), scope }))
    }
}

struct MapBatchesStream<T, U, E, F> {
    operator: Arc<MapBatches<T, U, E, F>>,
    input: Stream<T>,
    records: Records,
    scope: Arc<TaskScope>,
}

impl<T, U, E, F> Batches<U> for MapBatchesStream<T, U, E, F>
where
    T: Data,
    U: Data,
    E: Environment,
    F: Fn(&E, Batch<T>, &Records) -> Vec<U> + Plain,
{
    fn next_batch(&mut self) -> Outcome<Option<Batch<U>>> {
        let Some(batch) = self.input.next_batch()? else { return Ok(None) };
        let _scope = watch::enter(&self.scope);
        let function = self.operator.function.get();
        Ok(Some(Batch::Owned(function(&self.operator.environment, batch, &self.records))))
    }
}

/// Applies a function to each record that returns any number of records.
pub struct FlatMap<T, I, E, F> {
    input: Op<T>,
    environment: E,
    function: ZeroSized<F>,
    origin: Origin,
    types: PhantomData<fn() -> I>,
}

impl<T, I, E, F> FlatMap<T, I, E, F>
where
    T: Data,
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, T) -> I + Plain,
{
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(environment: &E, function: F) -> Result<OperatorRef, DataError> {
        ZeroSized::new(function);
        OperatorRef::new(Self::DESCRIPTOR, environment)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (input, environment, origin) =
            (code::input(&args, 0)?, code::environment(&args)?, code::origin(&args));
        let function = code::instantiate();
        Ok(Arc::new(Op::new(Self { input, environment, function, origin, types: PhantomData })))
    }
}

impl<T, I, E, F> Operator<I::Item> for FlatMap<T, I, E, F>
where
    T: Data,
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, T) -> I + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<I::Item>> {
        let (input, scope) = (self.input.open(partition, task)?, self.origin.scope(partition));
        let tracks_records = task.tracks_records();
        let (batch, inner) = (vec![].into_iter(), None);
        Ok(Stream::new(task, FlatMapStream { operator: self, input, batch, inner, tracks_records, scope }))
    }
}

struct FlatMapStream<T, I: IntoIterator, E, F> {
    operator: Arc<FlatMap<T, I, E, F>>,
    input: Stream<T>,
    /// Records that the function was not given yet.
    batch: std::vec::IntoIter<T>,
    /// The rest of what the function made of the last record.
    inner: Option<I::IntoIter>,
    tracks_records: bool,
    scope: Arc<TaskScope>,
}

impl<T, I, E, F> FlatMapStream<T, I, E, F>
where
    T: Data,
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, T) -> I + Plain,
{
    fn fill(&mut self, out: &mut Vec<I::Item>, wanted: usize) {
        let _scope = watch::enter(&self.scope);
        self.spread(out, wanted);
        if self.tracks_records {
            watch::forget_record();
        }
    }

    /// Puts records into `out` until it has `wanted`, or the batch is used up.
    fn spread(&mut self, out: &mut Vec<I::Item>, wanted: usize) {
        let function = self.operator.function.get();
        loop {
            if let Some(mut inner) = self.inner.take() {
                // Counting costs time: a small iterator is taken whole, only one that may be large is counted.
                if inner.size_hint().1.is_some_and(|most| most <= wanted) {
                    out.extend(inner);
                } else {
                    out.extend(inner.by_ref().take(wanted.saturating_sub(out.len()).max(1)));
                    if out.len() >= wanted {
                        self.inner = Some(inner);
                    }
                }
            }
            if out.len() >= wanted {
                return;
            }
            let Some(record) = self.batch.next() else { return };
            if self.tracks_records {
                watch::note_record(&record);
            }
            self.inner = Some(function(&self.operator.environment, record).into_iter());
        }
    }
}

impl<T, I, E, F> Batches<I::Item> for FlatMapStream<T, I, E, F>
where
    T: Data,
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, T) -> I + Plain,
{
    fn next_batch(&mut self) -> Outcome<Option<Batch<I::Item>>> {
        let wanted = batch_len::<I::Item>();
        let mut out = Vec::with_capacity(wanted);
        loop {
            self.fill(&mut out, wanted);
            // The record was handled: a failure of the input, which runs next, must not be blamed on it.
            watch::forget_record();
            if out.len() >= wanted {
                return Ok(Some(Batch::Owned(out)));
            }
            match self.input.next_batch()? {
                Some(batch) => self.batch = batch.into_vec().into_iter(),
                None if out.is_empty() => return Ok(None),
                None => return Ok(Some(Batch::Owned(out))),
            }
        }
    }
}

/// Applies a function to a whole partition: `map_partitions` and all that needs to see more than one record.
pub struct MapPartitions<T, I, E, F> {
    input: Op<T>,
    environment: E,
    function: ZeroSized<F>,
    origin: Origin,
    types: PhantomData<fn() -> I>,
}

impl<T, I, E, F> MapPartitions<T, I, E, F>
where
    T: Data,
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, Partition, PartitionIter<T>) -> I + Plain,
{
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(environment: &E, function: F) -> Result<OperatorRef, DataError> {
        ZeroSized::new(function);
        OperatorRef::new(Self::DESCRIPTOR, environment)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (input, environment, origin) =
            (code::input(&args, 0)?, code::environment(&args)?, code::origin(&args));
        let function = code::instantiate();
        Ok(Arc::new(Op::new(Self { input, environment, function, origin, types: PhantomData })))
    }
}

impl<T, I, E, F> Operator<I::Item> for MapPartitions<T, I, E, F>
where
    T: Data,
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, Partition, PartitionIter<T>) -> I + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<I::Item>> {
        let records = PartitionIter::new(self.input.open(partition, task)?);
        let scope = self.origin.scope(partition);
        let made = {
            let _scope = watch::enter(&scope);
            self.function.get()(&self.environment, partition, records).into_iter()
        };
        Ok(Stream::new(task, IteratorStream::new(scope, made)))
    }
}

/// The batches of an iterator that a user's function gave.
pub(crate) struct IteratorStream<I> {
    scope: Arc<TaskScope>,
    /// None at its end: some iterators begin again when they are asked once more.
    records: Option<I>,
}

impl<I> IteratorStream<I> {
    pub(crate) fn new(scope: Arc<TaskScope>, records: I) -> Self {
        // The function has returned, though it may not have read its input to the end: what it read last is not
        // to blame any more.
        watch::forget_record();
        IteratorStream { scope, records: Some(records) }
    }
}

impl<I: Iterator<Item: Data>> Batches<I::Item> for IteratorStream<I> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<I::Item>>> {
        let _scope = watch::enter(&self.scope);
        let Some(left) = &mut self.records else { return Ok(None) };
        let records: Vec<I::Item> = left.by_ref().take(batch_len::<I::Item>()).collect();
        watch::forget_record();
        if records.len() < batch_len::<I::Item>() {
            self.records = None;
        }
        Ok(if records.is_empty() { None } else { Some(Batch::Owned(records)) })
    }
}
