//! Sources of formats that operators know nothing of: a function opens whatever gives the batches of a partition.

use crate::code::{self, OperatorRef};
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch::{self, TaskScope};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::{Batch, Data, DataError, Environment};
use firesteel_types::Partition;
use std::marker::PhantomData;
use std::sync::Arc;

/// Records that a function opens for each partition, and that come in batches.
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
    F: Fn(&E, Partition) -> Outcome<B> + Plain,
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
    F: Fn(&E, Partition) -> Outcome<B> + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<T>> {
        let scope = self.origin.scope(partition);
        let batches = {
            let _scope = watch::enter(&scope);
            self.function.get()(&self.environment, partition)?
        };
        Ok(Stream::new(task, Scoped { scope, batches }))
    }
}

/// Batches, each made in its place: failures name it, and what is added to accumulators counts for it.
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
