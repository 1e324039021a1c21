//! Operators whose function turns one or two streams of batches into another. The Python binding uses them,
//! since it makes its batches itself.

use crate::code::{self, OperatorRef};
use crate::open::Scoped;
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch;
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::{Data, DataError, Environment};
use firesteel_types::Partition;
use std::marker::PhantomData;
use std::sync::Arc;

/// Applies a function to the batches of one partition.
pub struct MapStream<T, U, B, E, F> {
    input: Op<T>,
    environment: E,
    function: ZeroSized<F>,
    origin: Origin,
    types: PhantomData<fn() -> (U, B)>,
}

impl<T, U, B, E, F> MapStream<T, U, B, E, F>
where
    T: Data,
    U: Data,
    B: Batches<U> + 'static,
    E: Environment,
    F: Fn(&E, Partition, Stream<T>) -> Outcome<B> + Plain,
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
        Ok(Arc::new(Op::<U>::new(Self { input, environment, function, origin, types: PhantomData })))
    }
}

impl<T, U, B, E, F> Operator<U> for MapStream<T, U, B, E, F>
where
    T: Data,
    U: Data,
    B: Batches<U> + 'static,
    E: Environment,
    F: Fn(&E, Partition, Stream<T>) -> Outcome<B> + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<U>> {
        let input = self.input.open(partition, task)?;
        let scope = self.origin.scope(partition);
        let batches = {
            let _scope = watch::enter(&scope);
            self.function.get()(&self.environment, partition, input)?
        };
        Ok(Stream::new(task, Scoped { scope, batches }))
    }
}

/// Applies a function to the batches of two partitions: those of equal index, or each pair of partitions.
pub struct MapStreams<T, V, U, B, E, F> {
    inputs: (Op<T>, Op<V>),
    environment: E,
    /// The number of the right side's partitions, if each is paired with each.
    each_with: Option<u32>,
    function: ZeroSized<F>,
    origin: Origin,
    types: PhantomData<fn() -> (U, B)>,
}

impl<T, V, U, B, E, F> MapStreams<T, V, U, B, E, F>
where
    T: Data,
    V: Data,
    U: Data,
    B: Batches<U> + 'static,
    E: Environment,
    F: Fn(&E, Partition, Stream<T>, Stream<V>) -> Outcome<B> + Plain,
{
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code. With `each_with`, partition `i * n + j` is made of partition `i` of the left and partition `j` of the
    /// `n` of the right.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(environment: &E, each_with: Option<u32>, function: F) -> Result<OperatorRef, DataError> {
        ZeroSized::new(function);
        OperatorRef::new(Self::DESCRIPTOR, &(environment, each_with))
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let inputs = (code::input(&args, 0)?, code::input(&args, 1)?);
        let ((environment, each_with), origin) = (code::environment(&args)?, code::origin(&args));
        let function = code::instantiate();
        let operator = Self { inputs, environment, each_with, function, origin, types: PhantomData };
        Ok(Arc::new(Op::<U>::new(operator)))
    }
}

impl<T, V, U, B, E, F> Operator<U> for MapStreams<T, V, U, B, E, F>
where
    T: Data,
    V: Data,
    U: Data,
    B: Batches<U> + 'static,
    E: Environment,
    F: Fn(&E, Partition, Stream<T>, Stream<V>) -> Outcome<B> + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<U>> {
        let (left, right) = match self.each_with {
            None => (partition, partition),
            Some(n) => (Partition(partition.0 / n), Partition(partition.0 % n)),
        };
        let (left, right) = (self.inputs.0.open(left, task)?, self.inputs.1.open(right, task)?);
        let scope = self.origin.scope(partition);
        let batches = {
            let _scope = watch::enter(&scope);
            self.function.get()(&self.environment, partition, left, right)?
        };
        Ok(Stream::new(task, Scoped { scope, batches }))
    }
}
