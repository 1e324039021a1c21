//! The last operator of a stage: it makes a map output, or a result for the driver.

use crate::code::{self, OperatorRef};
use crate::stream::{Op, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch;
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::{Data, DataError, Environment};
use firesteel_shuffle::MapOutput;
use firesteel_types::{Partition, ShuffleId, UpdateScope};
use std::sync::Arc;

/// The output of a task.
pub enum TaskOutput {
    /// Bytes for the driver.
    Result(Vec<u8>),
    /// Records for the reducers of a shuffle.
    MapOutput {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The records.
        output: MapOutput,
        /// A digest of them that does not depend on their order.
        checksum: u64,
    },
}

/// The last operator of a stage: computes a partition to its end.
pub trait FinalOperator: Send + Sync {
    /// Runs the task.
    ///
    /// # Errors
    /// When the partition cannot be computed.
    fn run(&self, partition: Partition, task: &Task) -> Outcome<TaskOutput>;
}

/// The erased form of a stage plan's last operator.
pub struct RunTaskOutput(pub Arc<dyn FinalOperator>);

impl RunTaskOutput {
    pub(crate) fn erase(terminal: impl FinalOperator + 'static) -> Erased {
        Arc::new(RunTaskOutput(Arc::new(terminal)))
    }
}

/// Computes bytes from the records of each partition.
pub struct ResultTask<T, E, F> {
    input: Op<T>,
    environment: E,
    function: ZeroSized<F>,
    origin: Origin,
}

impl<T, E, F> ResultTask<T, E, F>
where
    T: Data,
    E: Environment,
    F: Fn(&E, Partition, Stream<T>) -> Outcome<Vec<u8>> + Plain,
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
        Ok(RunTaskOutput::erase(Self { input, environment, function, origin }))
    }
}

impl<T, E, F> FinalOperator for ResultTask<T, E, F>
where
    T: Data,
    E: Environment,
    F: Fn(&E, Partition, Stream<T>) -> Outcome<Vec<u8>> + Plain,
{
    fn run(&self, partition: Partition, task: &Task) -> Outcome<TaskOutput> {
        let _scope = watch::enter(&self.origin.scope_in(UpdateScope::Job(task.spec().job), partition));
        let stream = self.input.open(partition, task)?;
        self.function.get()(&self.environment, partition, stream).map(TaskOutput::Result)
    }
}
