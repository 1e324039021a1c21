//! Sources of formats that operators know nothing of: a function opens a partition and returns its batches.

use crate::code::{self, Code};
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch::{self, Place};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::{Batch, Data, DataError, Environment};
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
    F: Fn(&E, Partition) -> Outcome<B> + Plain,
{
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(environment: &E, function: F) -> Result<Code, DataError> {
        ZeroSized::new(function);
        Code::new(Self::DESCRIPTOR, environment)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (environment, origin) = (code::environment(&args)?, code::origin(&args));
        let function = code::revive();
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
        let place = self.origin.place(partition);
        let batches = {
            let _place = watch::enter(&place);
            self.function.get()(&self.environment, partition)?
        };
        Ok(Stream::new(task, Placed { place, batches }))
    }
}

/// Batches that are computed inside their place: failures name it, and additions to accumulators count for it.
pub(crate) struct Placed<B> {
    pub(crate) place: Arc<Place>,
    pub(crate) batches: B,
}

impl<T: Data, B: Batches<T>> Batches<T> for Placed<B> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        let _place = watch::enter(&self.place);
        self.batches.next_batch()
    }
}
