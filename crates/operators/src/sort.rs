//! Sorting each partition by key, after a shuffle or in place.

use crate::code::{self, OperatorRef};
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch::{self, TaskScope};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::sort::{Sorted, Sorter};
use firesteel_data::{Batch, Data, DataError, Environment, batch_len};
use firesteel_types::Partition;
use std::cmp::Ordering;
use std::sync::Arc;

/// Sorts the pairs of each partition by key. Pairs with equal keys keep their order.
pub struct Sort<K, V, E, F> {
    input: Op<(K, V)>,
    environment: Arc<E>,
    compare: ZeroSized<F>,
    origin: Origin,
}

impl<K, V, E, F> Sort<K, V, E, F>
where
    K: Data,
    V: Data,
    E: Environment,
    F: Fn(&E, &K, &K) -> Ordering + Plain,
{
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(environment: &E, compare: F) -> Result<OperatorRef, DataError> {
        ZeroSized::new(compare);
        OperatorRef::new(Self::DESCRIPTOR, environment)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (input, environment) = (code::input(&args, 0)?, Arc::new(code::environment(&args)?));
        let compare = code::instantiate();
        let sort = Self { input, environment, compare, origin: code::origin(&args) };
        Ok(Arc::new(Op::new(sort)))
    }
}

impl<K, V, E, F> Operator<(K, V)> for Sort<K, V, E, F>
where
    K: Data,
    V: Data,
    E: Environment,
    F: Fn(&E, &K, &K) -> Ordering + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<(K, V)>> {
        let scope = self.origin.scope(partition);
        let _scope = watch::enter(&scope);
        let (environment, compare) = (self.environment.clone(), self.compare.get());
        let mut sorter = Sorter::new(task.dyn_workspace(), move |a: &K, b: &K| compare(&environment, a, b));
        let input = self.input.open(partition, task)?;
        input.for_each(|batch| sorter.extend(batch.into_vec()).map_err(|e| self.origin.data_failure(e)))?;
        let sorted = sorter.finish().map_err(|e| self.origin.data_failure(e))?;
        Ok(Stream::new(task, SortedStream { sorted, scope: scope.clone() }))
    }
}

struct SortedStream<K, V> {
    sorted: Sorted<K, V>,
    scope: Arc<TaskScope>,
}

impl<K: Data, V: Data> Batches<(K, V)> for SortedStream<K, V> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<(K, V)>>> {
        // Spilled records are compared while they are read back, by a function of the user's: a panic must name
        // its line.
        let _scope = watch::enter(&self.scope);
        let batch = self.sorted.next_batch(batch_len::<(K, V)>());
        Ok(batch.map_err(|e| self.scope.data_failure(e))?.map(Batch::Owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Executor, Given, origin, records};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::cell::Cell;

    thread_local! {
        /// The number of comparisons that are left before one panics.
        static COMPARISONS: Cell<u64> = const { Cell::new(u64::MAX) };
    }

    /// Sorts by the key's tens, downwards if the environment says so.
    fn sort<V: Data>(input: Op<(u32, V)>, descending: bool) -> Op<(u32, V)> {
        let compare = ZeroSized::new(|descending: &bool, a: &u32, b: &u32| {
            COMPARISONS.set(COMPARISONS.get() - 1);
            assert!(COMPARISONS.get() > 0, "on purpose");
            let order = (a / 10).cmp(&(b / 10));
            if *descending { order.reverse() } else { order }
        });
        Op::new(Sort { input, environment: Arc::new(descending), compare, origin: origin(1) })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]
        #[test]
        fn pairs_with_equal_keys_keep_their_order(
            batches in vec(vec((0..100u32, any::<u16>()), 0..20), 0..6),
            descending: bool,
        ) {
            let mut expected = batches.concat();
            expected.sort_by_key(|(key, _)| if descending { u32::MAX - key / 10 } else { key / 10 });
            let executor = Executor::with_memory(1 << 30);
            prop_assert_eq!(records(&sort(Given::batches(&[batches]), descending), 0, &executor.task()).unwrap(), expected);
            prop_assert_eq!(executor.used(), 0);
        }
    }

    /// Enough pairs that they outgrow what a task gets in any case.
    fn many() -> Vec<Vec<(u32, u64)>> {
        (0..20u64)
            .map(|batch| (0..5_000).map(|i| (i * 7_919 % 30_011, batch << 32 | u64::from(i))).collect())
            .collect()
    }

    #[test]
    fn a_sort_that_spills_gives_the_same_order() {
        let sorted = [0, 1 << 30].map(|memory| {
            let executor = Executor::with_memory(memory);
            let task = executor.task();
            let mut stream = sort(Given::batches(&[many()]), false).open(Partition(0), &task).unwrap();
            assert_eq!(executor.files() > 0, memory == 0);
            let mut all = vec![];
            while let Some(batch) = stream.next_batch().unwrap() {
                all.extend(batch.into_vec());
            }
            drop(stream);
            assert_eq!((executor.used(), executor.files()), (0, 0), "something is left");
            all
        });
        assert!(sorted[0] == sorted[1]);
        assert_eq!(sorted[0].len(), 100_000);
    }

    #[test]
    fn a_panic_while_spilled_runs_are_merged_names_the_line_of_the_sort() {
        let executor = Executor::with_memory(0);
        let task = executor.task();
        let mut stream = sort(Given::batches(&[many()]), false).open(Partition(0), &task).unwrap();
        drop(watch::take());
        COMPARISONS.set(100);
        let next = std::panic::AssertUnwindSafe(|| stream.next_batch().is_ok());
        assert!(std::panic::catch_unwind(next).is_err());
        assert_eq!(watch::take().0.map(|site| site.line), Some(1));
    }
}
