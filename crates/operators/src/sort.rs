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
