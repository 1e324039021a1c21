//! Caching of partitions: the operator that `persist` puts behind an RDD.
//!
//! The first task that needs a partition computes it whole and caches it; later ones read the cached one.
//! Records in memory are handed on by reference, a vector at a time. If they do not fit, they are written to
//! disk, or handed on without being cached, as the storage level says.

use crate::accumulate::{self, Gathering};
use crate::code::{self, OperatorRef};
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased};
use firesteel_data::block::{take_records, write_records};
use firesteel_data::compression::{Compression, unpack};
use firesteel_data::frames::{FrameReader, FramedFile};
use firesteel_data::{Batch, Data, DataError, batch_len, memory_size};
use firesteel_storage::cached::{CacheReservation, CachedBlock, Found};
use firesteel_types::{BlockKey, Partition, StorageLevel, TaskFailure};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

/// The form in which partitions are cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistAs {
    /// The storage level: memory or disk, as records or encoded.
    pub level: StorageLevel,
    /// The compression of encoded records, in memory and on disk.
    pub compression: Compression,
}

/// Caches the partitions of its input.
pub struct Persist<T> {
    input: Op<T>,
    persist_as: PersistAs,
    origin: Origin,
}

impl<T: Data> Persist<T> {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// Never, in practice: a level can be encoded.
    pub fn code(persist_as: &PersistAs) -> Result<OperatorRef, DataError> {
        OperatorRef::new(Self::DESCRIPTOR, persist_as)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (input, persist_as, origin) =
            (code::input(&args, 0)?, code::environment(&args)?, code::origin(&args));
        Ok(Arc::new(Op::<T>::new(Self { input, persist_as, origin })))
    }

    /// Computes a partition and caches it, together with what its functions add to accumulators.
    fn compute(&self, key: BlockKey, task: &Task) -> Outcome<Stream<T>> {
        task.meter().computed_persisted.add(1);
        if task.services().cached.is_shared() {
            return self.compute_shared(key, task);
        }
        let added = Gathering::begin(task.spec().task);
        let mut input = self.input.open(key.partition, task)?;
        let cached = &task.services().cached;
        let StorageLevel { use_disk, use_memory, deserialized, .. } = self.persist_as.level;
        let mut gathered = Gathered::new(deserialized, self.persist_as.compression);
        let mut reservation = cached.reserve(key.rdd);
        let is_whole = use_memory && self.gather(&mut gathered, &mut input, &mut reservation)?;
        let block = gathered.into_block().map_err(|e| self.origin.data_failure(e))?;
        if is_whole && reservation.cover(block.bytes()) {
            cached.put_memory(key, block.clone(), added.updates()?, reservation, use_disk);
            return Ok(self.read_memory(block, key, task));
        }
        if !use_disk {
            // The records that fit are handed on with the rest, and not cached: the next task that needs the
            // partition computes it again.
            let gathered = self.read_memory(block, key, task);
            return Ok(Stream::new(task, GatheredThenRest { gathered, input, _held: reservation }));
        }
        let file = self.write(&*block, &mut input, task).map_err(|failure| match failure {
            Failure::Data(error) => self.origin.data_failure(error),
            Failure::Task(failure) => failure,
        })?;
        drop(reservation);
        let reader = file.read().map_err(|e| self.origin.data_failure(e))?;
        cached.put_disk(key, file, added.updates()?);
        Ok(self.read_frames(FrameSource::Disk(reader), key, task))
    }

    /// Computes a partition and leaves it in a file that all processes of the machine find. The records stay in
    /// this process's memory, too, if there is room for them.
    fn compute_shared(&self, key: BlockKey, task: &Task) -> Outcome<Stream<T>> {
        let failed = |error| self.origin.data_failure(error);
        let added = Gathering::begin(task.spec().task);
        let mut input = self.input.open(key.partition, task)?;
        let cached = &task.services().cached;
        let mut reservation = cached.reserve(key.rdd);
        let mut file = cached.create_file().map_err(failed)?;
        let compression = self.persist_as.compression;
        let mut in_memory = Some(RecordsBlock { chunks: vec![], bytes: 0, compression });
        let mut encoded = vec![];
        while let Some(batch) = input.next_batch()? {
            encoded.clear();
            write_records(batch.as_slice(), &mut encoded).map_err(failed)?;
            file.push(&compression.pack(&encoded)).map_err(failed)?;
            if let Some(block) = &mut in_memory {
                block.chunks.push(Arc::new(batch.into_vec()));
                block.bytes += LIVE_BYTES * encoded.len();
                if !reservation.cover(block.bytes) {
                    in_memory = None;
                }
            }
        }
        let file = file.finish().map_err(failed)?;
        let (reader, updates) = (file.read().map_err(failed)?, added.updates()?);
        cached.put_shared(key, file, &updates).map_err(failed)?;
        let Some(block) = in_memory else {
            return Ok(self.read_frames(FrameSource::Disk(reader), key, task));
        };
        let block: Arc<dyn CachedBlock> = Arc::new(block);
        cached.put_memory(key, block.clone(), updates, reservation, false);
        Ok(self.read_memory(block, key, task))
    }

    /// Takes batches until the input ends or memory is full. Returns whether it took all of them.
    fn gather(
        &self,
        gathered: &mut Gathered<T>,
        input: &mut Stream<T>,
        reservation: &mut CacheReservation,
    ) -> Outcome<bool> {
        while let Some(batch) = input.next_batch()? {
            gathered.add(batch).map_err(|e| self.origin.data_failure(e))?;
            if !reservation.cover(gathered.bytes()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes the records that were taken, and the rest of the input.
    fn write(
        &self,
        taken: &dyn CachedBlock,
        input: &mut Stream<T>,
        task: &Task,
    ) -> Result<FramedFile, Failure> {
        let mut file = task.services().cached.create_file()?;
        taken.encode(&mut |frame| file.push(frame))?;
        let mut encoder = Encoder::new(self.persist_as.compression);
        while let Some(batch) = input.next_batch().map_err(Failure::Task)? {
            if let Some(frame) = encoder.add(batch)? {
                file.push(&frame)?;
            }
        }
        if let Some(frame) = encoder.finish()? {
            file.push(&frame)?;
        }
        Ok(file.finish()?)
    }

    fn read_memory(&self, block: Arc<dyn CachedBlock>, key: BlockKey, task: &Task) -> Stream<T> {
        let block: Arc<dyn Any + Send + Sync> = block;
        match block.downcast::<RecordsBlock<T>>() {
            Ok(block) => Stream::new(task, RecordsStream { block, next: 0 }),
            Err(block) => {
                let block =
                    block.downcast::<EncodedBlock>().expect("a cached partition is of its RDD's own type");
                self.read_frames(FrameSource::Memory(block, 0), key, task)
            }
        }
    }

    fn read_frames(&self, source: FrameSource, key: BlockKey, task: &Task) -> Stream<T> {
        let stream =
            FramesStream { source, key, frame: vec![], origin: self.origin.clone(), task: task.clone() };
        Stream::new(task, stream)
    }
}

/// The bytes of memory that are assumed for each encoded byte, where records are not measured one by one.
const LIVE_BYTES: usize = 4;

/// The reason why a partition could not be written: the data, or the computation.
enum Failure {
    Data(DataError),
    Task(Box<TaskFailure>),
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Failure::Data(error)
    }
}

impl<T: Data> Operator<T> for Persist<T> {
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<T>> {
        let Some(version) = task.cached_version(self.origin.rdd) else {
            return self.input.open(partition, task);
        };
        let key = BlockKey { rdd: self.origin.rdd, partition, version };
        match task.services().cached.get(key) {
            Some((Found::Memory(block), updates)) => {
                accumulate::add_cached(&updates);
                task.meter().cached_bytes.add(block.bytes() as u64);
                Ok(self.read_memory(block, key, task))
            }
            Some((Found::Disk(file), updates)) => match file.read() {
                Ok(reader) => {
                    accumulate::add_cached(&updates);
                    task.meter().cached_bytes.add(file.bytes());
                    Ok(self.read_frames(FrameSource::Disk(reader), key, task))
                }
                Err(_) => {
                    // The file was removed behind the executor's back: the partition is computed again.
                    task.services().cached.remove(key);
                    self.compute(key, task)
                }
            },
            None => self.compute(key, task),
        }
    }
}

/// The end of a truncated lineage: the operator behind the cached partitions of a locally checkpointed RDD. It
/// only fails.
pub struct TruncatedLineage<T> {
    origin: Origin,
    types: PhantomData<fn() -> T>,
}

impl<T: Data> TruncatedLineage<T> {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// Never, in practice: nothing is encoded.
    pub fn code() -> Result<OperatorRef, DataError> {
        OperatorRef::new(Self::DESCRIPTOR, &())
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        Ok(Arc::new(Op::<T>::new(Self { origin: code::origin(&args), types: PhantomData })))
    }
}

impl<T: Data> Operator<T> for TruncatedLineage<T> {
    fn open(self: Arc<Self>, partition: Partition, _: &Task) -> Outcome<Stream<T>> {
        Err(Box::new(TaskFailure::Operation {
            operation: format!("find partition {partition} of RDD {}", self.origin.rdd),
            message: "it was checkpointed locally, its cached copy is gone or broken, and nothing is left to compute it from. \
                      Use `checkpoint` where that must not happen"
                .into(),
            site: (*self.origin.site).clone(),
            retryable: false,
        }))
    }
}

/// The records of a partition while they are computed, before it is known whether they will be cached.
enum Gathered<T> {
    Records(RecordsBlock<T>),
    Encoded { block: EncodedBlock, encoder: Encoder<T> },
}

impl<T: Data> Gathered<T> {
    fn new(deserialized: bool, compression: Compression) -> Self {
        match deserialized {
            true => Gathered::Records(RecordsBlock { chunks: vec![], bytes: 0, compression }),
            false => {
                let block = EncodedBlock { frames: vec![], bytes: 0 };
                Gathered::Encoded { block, encoder: Encoder::new(compression) }
            }
        }
    }

    fn add(&mut self, batch: Batch<T>) -> Result<(), DataError> {
        match self {
            Gathered::Records(block) => block.add(batch),
            Gathered::Encoded { block, encoder } => {
                if let Some(frame) = encoder.add(batch)? {
                    block.add(frame);
                }
            }
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        match self {
            Gathered::Records(block) => block.bytes,
            Gathered::Encoded { block, .. } => block.bytes,
        }
    }

    fn into_block(self) -> Result<Arc<dyn CachedBlock>, DataError> {
        Ok(match self {
            Gathered::Records(block) => Arc::new(block),
            Gathered::Encoded { mut block, mut encoder } => {
                if let Some(frame) = encoder.finish()? {
                    block.add(frame);
                }
                Arc::new(block)
            }
        })
    }
}

/// A partition as records.
struct RecordsBlock<T> {
    chunks: Vec<Arc<Vec<T>>>,
    bytes: usize,
    /// The compression to use if the block has to go to disk.
    compression: Compression,
}

impl<T: Data> RecordsBlock<T> {
    fn add(&mut self, batch: Batch<T>) {
        let mut records = match batch {
            // A vector that is cached elsewhere already is shared, not copied.
            Batch::Shared(chunk, range) if range == (0..chunk.len()) => {
                self.bytes += records_size(&chunk);
                self.chunks.push(chunk);
                return;
            }
            batch => batch.into_vec(),
        };
        self.bytes += records_size(&records);
        // Filters leave small batches: they are put together.
        if let Some(last) = self.chunks.last_mut()
            && last.len() + records.len() <= batch_len::<T>()
            && let Some(last) = Arc::get_mut(last)
        {
            last.append(&mut records);
            return;
        }
        if records.capacity() > records.len() + records.len() / 8 {
            records.shrink_to_fit();
        }
        self.chunks.push(Arc::new(records));
    }
}

/// Estimates the memory that records take, themselves and on the heap. Of many, a sample is measured.
fn records_size<T: Data>(records: &[T]) -> usize {
    const LOOK_AT: usize = 32;
    if !std::mem::needs_drop::<T>() {
        return size_of_val(records);
    }
    let step = records.len().div_ceil(LOOK_AT).max(1);
    let looked_at: usize = records.iter().step_by(step).map(memory_size).sum();
    let count = records.len().div_ceil(step).max(1);
    looked_at * records.len() / count
}

impl<T: Data> CachedBlock for RecordsBlock<T> {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn encode(&self, sink: &mut dyn FnMut(&[u8]) -> Result<(), DataError>) -> Result<(), DataError> {
        let mut encoded = vec![];
        for chunk in &self.chunks {
            encoded.clear();
            write_records(chunk, &mut encoded)?;
            sink(&self.compression.pack(&encoded))?;
        }
        Ok(())
    }
}

struct RecordsStream<T> {
    block: Arc<RecordsBlock<T>>,
    next: usize,
}

impl<T: Data> Batches<T> for RecordsStream<T> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        let chunk = self.block.chunks.get(self.next);
        self.next += 1;
        Ok(chunk.map(|chunk| Batch::Shared(chunk.clone(), 0..chunk.len())))
    }
}

/// A partition as encoded and packed frames.
struct EncodedBlock {
    frames: Vec<Vec<u8>>,
    bytes: usize,
}

impl EncodedBlock {
    fn add(&mut self, frame: Vec<u8>) {
        self.bytes += frame.len() + size_of::<Vec<u8>>();
        self.frames.push(frame);
    }
}

impl CachedBlock for EncodedBlock {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn encode(&self, sink: &mut dyn FnMut(&[u8]) -> Result<(), DataError>) -> Result<(), DataError> {
        self.frames.iter().try_for_each(|frame| sink(frame))
    }
}

/// Makes frames of records, with enough records in each for the column encoding to pay off.
struct Encoder<T> {
    records: Vec<T>,
    compression: Compression,
}

impl<T: Data> Encoder<T> {
    const BATCHES: usize = 8;

    fn new(compression: Compression) -> Self {
        Encoder { records: vec![], compression }
    }

    fn add(&mut self, batch: Batch<T>) -> Result<Option<Vec<u8>>, DataError> {
        if self.records.is_empty() {
            self.records = batch.into_vec();
        } else {
            batch.for_each(|record| self.records.push(record));
        }
        if self.records.len() >= Self::BATCHES * batch_len::<T>() { self.finish() } else { Ok(None) }
    }

    fn finish(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        if self.records.is_empty() {
            return Ok(None);
        }
        let mut encoded = vec![];
        write_records(&self.records, &mut encoded)?;
        self.records.clear();
        Ok(Some(self.compression.pack(&encoded)))
    }
}

enum FrameSource {
    Memory(Arc<EncodedBlock>, usize),
    Disk(FrameReader),
}

struct FramesStream {
    source: FrameSource,
    key: BlockKey,
    frame: Vec<u8>,
    origin: Origin,
    task: Task,
}

impl FramesStream {
    fn next<T: Data>(&mut self) -> Result<Option<Vec<T>>, DataError> {
        let frame = match &mut self.source {
            FrameSource::Memory(block, next) => {
                let Some(frame) = block.frames.get(*next) else { return Ok(None) };
                *next += 1;
                frame
            }
            FrameSource::Disk(reader) => {
                if !reader.next(&mut self.frame)? {
                    return Ok(None);
                }
                &self.frame
            }
        };
        let unpacked = unpack(frame)?;
        take_records(&mut &unpacked[..])
    }
}

impl<T: Data> Batches<T> for FramesStream {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        match self.next() {
            Ok(records) => Ok(records.map(Batch::Owned)),
            Err(error) => {
                // A broken block is removed: the next attempt computes the partition again.
                self.task.services().cached.remove(self.key);
                Err(self.origin.data_failure(error))
            }
        }
    }
}

/// The part of a partition that was computed before it turned out too large, then the rest of it.
struct GatheredThenRest<T> {
    gathered: Stream<T>,
    input: Stream<T>,
    _held: CacheReservation,
}

impl<T: Data> Batches<T> for GatheredThenRest<T> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        match self.gathered.next_batch()? {
            Some(batch) => Ok(Some(batch)),
            None => self.input.next_batch(),
        }
    }
}

#[cfg(test)]
mod tests;
