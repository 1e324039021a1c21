//! Sources of formats that operators know nothing of: a function opens a partition and returns its batches.

use crate::code::{self, OperatorRef};
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch::{self, TaskScope};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::{Batch, Data, DataError, Environment};
use firesteel_io::Stores;
use firesteel_types::Partition;
use std::marker::PhantomData;
use std::sync::Arc;

/// Reads the batches of a partition that a function opens.
pub struct Open<T, B, E, F> {
    environment: E,
    function: ZeroSized<F>,
    origin: Origin,
    types: PhantomData<fn() -> (T, B)>,
}

impl<T, B, E, F> Open<T, B, E, F>
where
    T: Data,
    B: Batches<T> + 'static,
    E: Environment,
    F: Fn(&Stores, &E, Partition) -> Outcome<B> + Plain,
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
        let (environment, origin) = (code::environment(&args)?, code::origin(&args));
        let function = code::instantiate();
        Ok(Arc::new(Op::<T>::new(Self { environment, function, origin, types: PhantomData })))
    }
}

impl<T, B, E, F> Operator<T> for Open<T, B, E, F>
where
    T: Data,
    B: Batches<T> + 'static,
    E: Environment,
    F: Fn(&Stores, &E, Partition) -> Outcome<B> + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<T>> {
        let scope = self.origin.scope(partition);
        let batches = {
            let _scope = watch::enter(&scope);
            self.function.get()(&task.services().stores, &self.environment, partition)?
        };
        Ok(Stream::new(task, Scoped { scope, batches }))
    }
}

/// Batches that are computed inside their scope: failures name it, and additions to accumulators count for it.
pub(crate) struct Scoped<B> {
    pub(crate) scope: Arc<TaskScope>,
    pub(crate) batches: B,
}

impl<T: Data, B: Batches<T>> Batches<T> for Scoped<B> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        let _scope = watch::enter(&self.scope);
        self.batches.next_batch()
    }
}
