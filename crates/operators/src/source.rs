//! Sources, the operators without input: data of the driver, generated data, text files.

use crate::code::{self, OperatorRef};
use crate::narrow::IteratorStream;
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch;
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::block::take_records;
use firesteel_data::{Batch, Data, DataError, Environment, batch_len};
use firesteel_io::{FileSplit, Lenient, LineOptions, LineReader, Stores};
use firesteel_types::{BlockId, Partition, TaskFailure};
use std::marker::PhantomData;
use std::sync::Arc;

/// Reads data that the driver had: each partition is a block, fetched by name.
pub struct Slices<T> {
    origin: Origin,
    types: PhantomData<fn() -> T>,
}

impl<T: Data> Slices<T> {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// Never, in practice: there is nothing to encode.
    pub fn code() -> Result<OperatorRef, DataError> {
        OperatorRef::new(Self::DESCRIPTOR, &())
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        Ok(Arc::new(Op::<T>::new(Self { origin: code::origin(&args), types: PhantomData })))
    }
}

impl<T: Data> Operator<T> for Slices<T> {
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<T>> {
        let id = BlockId::Input(self.origin.rdd, partition);
        let block = task.services().blocks.get(id).map_err(|e| self.origin.data_failure(e))?;
        let block = block.ok_or_else(|| {
            Box::new(TaskFailure::Operation {
                operation: format!("find block {id}"),
                message: "it is not there".into(),
                site: (*self.origin.site).clone(),
                retryable: true,
            })
        })?;
        let records = take_records(&mut &block[..]).map_err(|e| self.origin.data_failure(e))?;
        Ok(Stream::new(task, Once(records)))
    }
}

/// One batch, once.
struct Once<T>(Option<Vec<T>>);

impl<T: Data> Batches<T> for Once<T> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        Ok(self.0.take().map(Batch::Owned))
    }
}

/// Makes the data of each partition with a function.
pub struct Generate<I, E, F> {
    environment: E,
    function: ZeroSized<F>,
    origin: Origin,
    types: PhantomData<fn() -> I>,
}

impl<I, E, F> Generate<I, E, F>
where
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, Partition) -> I + Plain,
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
        Ok(Arc::new(Op::new(Self { environment, function, origin, types: PhantomData })))
    }
}

impl<I, E, F> Operator<I::Item> for Generate<I, E, F>
where
    I: IntoIterator<Item: Data> + 'static,
    E: Environment,
    F: Fn(&E, Partition) -> I + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<I::Item>> {
        let scope = self.origin.scope(partition);
        let records = {
            let _scope = watch::enter(&scope);
            self.function.get()(&self.environment, partition).into_iter()
        };
        Ok(Stream::new(task, IteratorStream::new(scope, records)))
    }
}

/// Reads the lines of text files: one split a partition, or several one after the other.
pub struct TextLines {
    splits: Vec<Vec<FileSplit>>,
    delimiter: Option<Vec<u8>>,
    lenient: Lenient,
    origin: Origin,
}

impl TextLines {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code. Without a delimiter, lines end as Hadoop's do.
    ///
    /// # Errors
    /// Never, in practice: splits can be encoded.
    pub fn code(
        splits: &[Vec<FileSplit>],
        delimiter: Option<&[u8]>,
        lenient: Lenient,
    ) -> Result<OperatorRef, DataError> {
        OperatorRef::new(Self::DESCRIPTOR, &(splits, delimiter, lenient))
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (splits, delimiter, lenient) = code::environment(&args)?;
        Ok(Arc::new(Op::new(Self { splits, delimiter, lenient, origin: code::origin(&args) })))
    }
}

impl Operator<String> for TextLines {
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<String>> {
        let stores = task.services().stores.clone();
        let mut stream =
            TextStream { operator: self, partition, stores, next: 0, reader: None, task: task.clone() };
        // A file that cannot be opened shows before anything downstream begins.
        stream.advance()?;
        Ok(Stream::new(task, stream))
    }
}

struct TextStream {
    operator: Arc<TextLines>,
    partition: Partition,
    stores: Stores,
    /// Which of the partition's splits comes next.
    next: usize,
    /// None when its split is at its end.
    reader: Option<LineReader>,
    task: Task,
}

impl TextStream {
    /// Opens the next split; there is no reader when all are read.
    fn advance(&mut self) -> Outcome<()> {
        self.reader = None;
        while let Some(split) = self.operator.splits[self.partition.index()].get(self.next) {
            self.next += 1;
            let delimiter = self.operator.delimiter.clone();
            match LineReader::open(&self.stores, split, LineOptions { delimiter, ..LineOptions::default() }) {
                Ok(reader) => {
                    self.reader = Some(reader);
                    break;
                }
                // The user asked to pass over missing or broken files.
                Err(error) if self.operator.lenient.passes_over(&error) => {}
                Err(error) => return Err(self.operator.origin.io_failure(error)),
            }
        }
        Ok(())
    }
}

impl Batches<String> for TextStream {
    fn next_batch(&mut self) -> Outcome<Option<Batch<String>>> {
        /// The most bytes of a batch: long lines make small batches.
        const BYTES: usize = 256 << 10;
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let mut lines = Vec::with_capacity(batch_len::<String>());
        match reader.read_batch(&mut lines, batch_len::<String>(), BYTES) {
            Ok(true) => {}
            Ok(false) => self.advance()?,
            Err(error) if self.operator.lenient.passes_over(&error) => self.advance()?,
            Err(error) => return Err(self.operator.origin.io_failure(error)),
        }
        self.task.meter().input_records.add(lines.len() as u64);
        Ok(Some(Batch::Owned(lines)))
    }
}
