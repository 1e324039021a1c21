//! The file source: an operator for records of files of any format, given a function that opens a partition.

use crate::code::{self, OperatorRef};
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::{Batch, Data, DataError, Environment};
use firesteel_io::{IoError, Stores};
use firesteel_types::Partition;
use std::marker::PhantomData;
use std::sync::Arc;

/// Reads the files of a partition with a function, whose iterator returns batches of records and ends with the
/// first error.
pub struct FileSource<T, I, E, F> {
    environment: E,
    open: ZeroSized<F>,
    origin: Origin,
    types: PhantomData<fn() -> (T, I)>,
}

impl<T, I, E, F> FileSource<T, I, E, F>
where
    T: Data,
    I: Iterator<Item = Result<Vec<T>, IoError>> + 'static,
    E: Environment,
    F: Fn(&Stores, &E, Partition) -> Result<I, IoError> + Plain,
{
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code. The environment holds the partitions' splits.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(environment: &E, open: F) -> Result<OperatorRef, DataError> {
        ZeroSized::new(open);
        OperatorRef::new(Self::DESCRIPTOR, environment)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (environment, origin) = (code::environment(&args)?, code::origin(&args));
        let open = code::instantiate();
        Ok(Arc::new(Op::<T>::new(Self { environment, open, origin, types: PhantomData })))
    }
}

impl<T, I, E, F> Operator<T> for FileSource<T, I, E, F>
where
    T: Data,
    I: Iterator<Item = Result<Vec<T>, IoError>> + 'static,
    E: Environment,
    F: Fn(&Stores, &E, Partition) -> Result<I, IoError> + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<T>> {
        let batches = self.open.get()(&task.services().stores, &self.environment, partition);
        let batches = batches.map_err(|e| self.origin.io_failure(e))?;
        Ok(Stream::new(task, FileStream { batches, origin: self.origin.clone(), task: task.clone() }))
    }
}

struct FileStream<I> {
    batches: I,
    origin: Origin,
    task: Task,
}

impl<T: Data, I: Iterator<Item = Result<Vec<T>, IoError>>> Batches<T> for FileStream<I> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        let batch = self.batches.next().transpose().map_err(|e| self.origin.io_failure(e))?;
        self.task.meter().input_records.add(batch.as_ref().map_or(0, Vec::len) as u64);
        Ok(batch.map(Batch::Owned))
    }
}
