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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Executor, Given, broken_input, origin, records};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::sync::atomic::Ordering::Relaxed;

    /// Makes an input whose partitions have one batch for each record.
    fn one_by_one(partitions: &[Vec<u16>]) -> Op<u16> {
        let batches: Vec<Vec<Vec<u16>>> =
            partitions.iter().map(|records| records.iter().map(|record| vec![*record]).collect()).collect();
        Given::batches(&batches)
    }

    fn all<T: Data>(operator: &Op<T>, partitions: u32) -> Vec<Vec<T>> {
        let executor = Executor::with_memory(1 << 30);
        (0..partitions).map(|partition| records(operator, partition, &executor.task()).unwrap()).collect()
    }

    /// Partitions with some records each.
    fn partitions(at_least: usize) -> impl Strategy<Value = Vec<Vec<u16>>> {
        vec(vec(any::<u16>(), 0..5), at_least..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn a_union_has_the_partitions_of_all_inputs_in_order(inputs in vec(partitions(0), 1..4)) {
            let sizes = inputs.iter().map(|input| input.len() as u32).collect();
            let union = Op::new(Union { inputs: inputs.iter().map(|input| one_by_one(input)).collect(), sizes });
            let expected = inputs.concat();
            prop_assert_eq!(all(&union, expected.len() as u32), expected);
        }

        #[test]
        fn coalesced_partitions_have_the_records_of_their_group_in_its_order(
            input in partitions(1),
            groups in vec(vec(any::<prop::sample::Index>(), 0..4), 1..4),
        ) {
            let groups: Vec<Vec<u32>> =
                groups.iter().map(|group| group.iter().map(|i| i.index(input.len()) as u32).collect()).collect();
            let expected: Vec<Vec<u16>> =
                groups.iter().map(|group| group.iter().flat_map(|i| input[*i as usize].clone()).collect()).collect();
            let coalesced = Op::new(Coalesce { input: one_by_one(&input), groups });
            prop_assert_eq!(all(&coalesced, expected.len() as u32), expected);
        }

        #[test]
        fn a_cartesian_product_pairs_each_left_record_with_all_right_ones_in_order(
            left in partitions(1),
            right in partitions(1),
        ) {
            let right_partitions = right.len() as u32;
            let product =
                Op::new(Cartesian { left: one_by_one(&left), right: one_by_one(&right), right_partitions });
            let pairs = |left: &[u16], right: &[u16]| -> Vec<(u16, u16)> {
                left.iter().flat_map(|a| right.iter().map(|b| (*a, *b))).collect()
            };
            let expected: Vec<_> = left.iter().flat_map(|l| right.iter().map(|r| pairs(l, r))).collect();
            prop_assert_eq!(all(&product, expected.len() as u32), expected);
        }
    }

    #[test]
    fn the_partitions_of_a_group_are_opened_one_after_the_other() {
        let (input, opened) = Given::steps(vec![vec![Ok(vec![1]), Ok(vec![2])], vec![Ok(vec![3])]]);
        let coalesced = Op::new(Coalesce { input, groups: vec![vec![0, 1]] });
        let executor = Executor::with_memory(1 << 30);
        let mut stream = coalesced.open(Partition(0), &executor.task()).unwrap();
        let mut seen = vec![opened.load(Relaxed)];
        while let Some(batch) = stream.next_batch().unwrap() {
            assert_eq!(batch.len(), 1);
            seen.push(opened.load(Relaxed));
        }
        assert_eq!(seen, [0, 1, 1, 2]);
    }

    #[test]
    fn one_failing_partition_fails_its_group() {
        let (input, _) = Given::steps(vec![vec![Ok(vec![1])], vec![Ok(vec![2]), Err(broken_input())]]);
        let coalesced = Op::new(Coalesce { input, groups: vec![vec![0, 1], vec![0]] });
        let executor = Executor::with_memory(1 << 30);
        assert_eq!(records(&coalesced, 0, &executor.task()), Err(broken_input()));
        assert_eq!(records(&coalesced, 1, &executor.task()), Ok(vec![1]));
    }

    #[test]
    fn the_right_side_of_a_product_is_computed_once_if_it_fits_and_else_for_each_left_record() {
        let right: Vec<u64> = (0..200_000).collect();
        let computed = [1 << 30, 0].map(|memory| {
            let executor = Executor::with_memory(memory);
            let (input, opened) = Given::steps(vec![vec![Ok(right.clone())]]);
            let left = Given::batches(&[vec![vec![1u64, 2, 3]]]);
            let product = Op::new(Cartesian { left, right: input, right_partitions: 1 });
            let pairs = records(&product, 0, &executor.task()).unwrap();
            let expected = [1, 2, 3].into_iter().flat_map(|a| right.iter().map(move |b| (a, *b)));
            assert!(pairs.into_iter().eq(expected));
            assert_eq!(executor.used(), 0);
            opened.load(Relaxed)
        });
        // The first computation is the one that did not fit.
        assert_eq!(computed, [1, 4]);
    }

    #[test]
    fn zipped_partitions_are_those_of_the_same_number_and_the_function_runs_in_their_scope() {
        let zipped = Op::new(ZipPartitions {
            left: one_by_one(&[vec![1, 2], vec![3]]),
            right: one_by_one(&[vec![10, 20], vec![30]]),
            environment: 100u16,
            function: ZeroSized::new(|more: &u16, left: PartitionIter<u16>, right: PartitionIter<u16>| {
                assert_eq!(watch::site().map(|site| site.line), Some(1));
                left.zip(right).map(|(a, b)| a + b + more).collect::<Vec<_>>()
            }),
            origin: origin(1),
            types: PhantomData,
        });
        assert_eq!(all(&zipped, 2), [vec![111, 122], vec![133]]);
    }
}
