//! Operators on several inputs, or on several partitions of one: union, coalesce, cartesian, zip.

use crate::code::{self, OperatorRef};
use crate::narrow::IteratorStream;
use crate::stream::{Batches, Op, Operator, PartitionIter, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch;
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::{Batch, Data, DataError, Environment, Reservation, batch_len, memory_size};
use firesteel_types::Partition;
use std::marker::PhantomData;
use std::sync::Arc;

/// The partitions of several inputs, one input after the other.
pub struct Union<T> {
    inputs: Vec<Op<T>>,
    /// The number of partitions of each input.
    sizes: Vec<u32>,
}

impl<T: Data> Union<T> {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code, for inputs with the given numbers of partitions.
    ///
    /// # Errors
    /// Never, in practice: sizes can be encoded.
    pub fn code(sizes: &[u32]) -> Result<OperatorRef, DataError> {
        OperatorRef::new(Self::DESCRIPTOR, &sizes)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (inputs, sizes): (_, Vec<u32>) = (code::inputs(&args)?, code::environment(&args)?);
        Ok(Arc::new(Op::new(Self { inputs, sizes })))
    }
}

impl<T: Data> Operator<T> for Union<T> {
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<T>> {
        let mut index = partition.0;
        for (input, &size) in self.inputs.iter().zip(&self.sizes) {
            if index < size {
                return input.open(Partition(index), task);
            }
            index -= size;
        }
        unreachable!("a union of {:?} partitions has no partition {partition}", self.sizes)
    }
}

/// Makes one partition of several partitions of one input, without a shuffle.
pub struct Coalesce<T> {
    input: Op<T>,
    /// The partitions of the input that make up each partition.
    groups: Vec<Vec<u32>>,
}

impl<T: Data> Coalesce<T> {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code, for these groups of partitions.
    ///
    /// # Errors
    /// Never, in practice: groups can be encoded.
    pub fn code(groups: &[Vec<u32>]) -> Result<OperatorRef, DataError> {
        OperatorRef::new(Self::DESCRIPTOR, &groups)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (input, groups) = (code::input(&args, 0)?, code::environment(&args)?);
        Ok(Arc::new(Op::new(Self { input, groups })))
    }
}

impl<T: Data> Operator<T> for Coalesce<T> {
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<T>> {
        let stream = Concatenated { operator: self, partition, next: 0, current: None, task: task.clone() };
        Ok(Stream::new(task, stream))
    }
}

struct Concatenated<T> {
    operator: Arc<Coalesce<T>>,
    partition: Partition,
    next: usize,
    current: Option<Stream<T>>,
    task: Task,
}

impl<T: Data> Batches<T> for Concatenated<T> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        loop {
            if let Some(stream) = &mut self.current
                && let Some(batch) = stream.next_batch()?
            {
                return Ok(Some(batch));
            }
            self.current = None;
            let Some(&parent) = self.operator.groups[self.partition.index()].get(self.next) else {
                return Ok(None);
            };
            self.next += 1;
            self.current = Some(self.operator.input.open(Partition(parent), &self.task)?);
        }
    }
}

/// Pairs every record of one input with every record of another: partition `i * n + j` pairs partition `i` of
/// the left with partition `j` of the `n` of the right.
pub struct Cartesian<A, B> {
    left: Op<A>,
    right: Op<B>,
    right_partitions: u32,
}

impl<A: Data, B: Data> Cartesian<A, B> {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code, for a right side of `right_partitions` partitions.
    ///
    /// # Errors
    /// Never, in practice: a number can be encoded.
    pub fn code(right_partitions: u32) -> Result<OperatorRef, DataError> {
        OperatorRef::new(Self::DESCRIPTOR, &right_partitions)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (left, right) = (code::input(&args, 0)?, code::input(&args, 1)?);
        let right_partitions = code::environment(&args)?;
        Ok(Arc::new(Op::new(Self { left, right, right_partitions })))
    }
}

impl<A: Data, B: Data> Operator<(A, B)> for Cartesian<A, B> {
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<(A, B)>> {
        let right = Partition(partition.0 % self.right_partitions);
        let left = self.left.open(Partition(partition.0 / self.right_partitions), task)?;
        // The right partition is read once for each left record: from memory if it fits, else it is computed
        // again each time.
        let (cached, reservation) = cache_if_it_fits(&self.right, right, task)?;
        let (left, records) = (PartitionIter::new(left), None);
        let stream = CartesianStream {
            operator: self,
            left,
            records,
            cached,
            right,
            task: task.clone(),
            _reservation: reservation,
        };
        Ok(Stream::new(task, stream))
    }
}

/// Reads a whole partition into memory; `None` when the budget has no room for it.
#[allow(clippy::type_complexity)]
fn cache_if_it_fits<B: Data>(
    input: &Op<B>,
    partition: Partition,
    task: &Task,
) -> Outcome<(Option<Arc<Vec<B>>>, Reservation)> {
    let mut reservation = Reservation::new(task.dyn_workspace());
    let (mut cached, mut bytes) = (vec![], 0);
    let mut stream = input.open(partition, task)?;
    while let Some(batch) = stream.next_batch()? {
        bytes += batch.as_slice().iter().map(memory_size).sum::<usize>();
        cached.extend(batch.into_vec());
        if !reservation.cover(bytes) {
            reservation.clear();
            return Ok((None, reservation));
        }
    }
    Ok((Some(Arc::new(cached)), reservation))
}

struct CartesianStream<A, B> {
    operator: Arc<Cartesian<A, B>>,
    left: PartitionIter<A>,
    /// The left record at work, with the right records that are still to be paired with it.
    records: Option<(A, Stream<B>)>,
    /// The right partition, if it fits in memory. Else it is computed again for each left record.
    cached: Option<Arc<Vec<B>>>,
    right: Partition,
    task: Task,
    _reservation: Reservation,
}

/// The batches of a vector in memory.
struct Cached<T> {
    records: Arc<Vec<T>>,
    next: usize,
}

impl<T: Data> Batches<T> for Cached<T> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        let range = self.next..(self.next + batch_len::<T>()).min(self.records.len());
        self.next = range.end;
        Ok(if range.is_empty() { None } else { Some(Batch::Shared(self.records.clone(), range)) })
    }
}

impl<A: Data, B: Data> Batches<(A, B)> for CartesianStream<A, B> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<(A, B)>>> {
        loop {
            if let Some((left, right)) = &mut self.records
                && let Some(batch) = right.next_batch()?
            {
                return Ok(Some(Batch::Owned(batch.map(|right| (left.clone(), right)))));
            }
            let Some(left) = self.left.next() else { return Ok(None) };
            let right = match &self.cached {
                Some(cached) => Stream::new(&self.task, Cached { records: cached.clone(), next: 0 }),
                None => self.operator.right.open(self.right, &self.task)?,
            };
            self.records = Some((left, right));
        }
    }
}

/// Applies a function to partition `i` of one input and partition `i` of another.
pub struct ZipPartitions<A, B, I, E, F> {
    left: Op<A>,
    right: Op<B>,
    environment: E,
    function: ZeroSized<F>,
    origin: Origin,
    types: PhantomData<fn() -> I>,
}

impl<A, B, I, E, F> ZipPartitions<A, B, I, E, F>
where
    A: Data,
    B: Data,
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, PartitionIter<A>, PartitionIter<B>) -> I + Plain,
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
        let (left, right) = (code::input(&args, 0)?, code::input(&args, 1)?);
        let (environment, origin) = (code::environment(&args)?, code::origin(&args));
        let function = code::instantiate();
        Ok(Arc::new(Op::new(Self { left, right, environment, function, origin, types: PhantomData })))
    }
}

impl<A, B, I, E, F> Operator<I::Item> for ZipPartitions<A, B, I, E, F>
where
    A: Data,
    B: Data,
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, PartitionIter<A>, PartitionIter<B>) -> I + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<I::Item>> {
        let left = PartitionIter::new(self.left.open(partition, task)?);
        let right = PartitionIter::new(self.right.open(partition, task)?);
        let scope = self.origin.scope(partition);
        let records = {
            let _scope = watch::enter(&scope);
            self.function.get()(&self.environment, left, right).into_iter()
        };
        Ok(Stream::new(task, IteratorStream::new(scope, records)))
    }
}
