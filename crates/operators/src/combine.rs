//! Combining by key on the reading side of a shuffle: `reduce_by_key`, `group_by_key` and everything else that
//! combines.
//!
//! A shuffle that is read here has more partitions than reducers: each reducer's keys are divided, by their
//! hashes, into [`fan_out`] parts, and these are combined one after the other. So the table is small enough for
//! the processor's caches, and only a fraction of a partition's keys is in memory at a time.

use crate::code::{self, OperatorRef};
use crate::hot_keys::{HotKey, HotKeys, STRIDE};
use crate::shuffle_read::Blocks;
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch::{self, TaskScope};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::block::{KeyRef, Pairs};
use firesteel_data::combine::{Combined, Combiner};
use firesteel_data::hash::{hash_key, hash_text};
use firesteel_data::{Batch, Data, DataError, Environment, batch_len};
use firesteel_types::{Partition, ShuffleId};
use serde::{Deserialize, Serialize};
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

/// The functions that make one value of all values of a key: Spark's three, with an environment for all of
/// them.
///
/// `create` makes a combination of a first value, `merge` adds a value to one, `unite` makes one of two (the
/// earlier first).
pub struct Combining<E, Create, Merge, Unite> {
    /// The environment that the functions are given.
    pub environment: Arc<E>,
    /// `Fn(&E, V) -> C`
    pub create: ZeroSized<Create>,
    /// `Fn(&E, C, V) -> C`
    pub merge: ZeroSized<Merge>,
    /// `Fn(&E, C, C) -> C`
    pub unite: ZeroSized<Unite>,
    /// True if a merged value stays in memory, as in a list.
    pub accumulates: bool,
}

impl<E, A, B, C> Clone for Combining<E, A, B, C> {
    fn clone(&self) -> Self {
        Combining {
            environment: self.environment.clone(),
            create: self.create,
            merge: self.merge,
            unite: self.unite,
            accumulates: self.accumulates,
        }
    }
}

/// Returns the number of parts into which each reducer's keys are divided, if there are `reducers` of them.
pub fn fan_out(reducers: u32) -> u32 {
    /// The number of parts of all reducers together, roughly: more would make blocks too small to be worth
    /// their headers.
    const PIECES: u32 = 256;
    const AT_MOST: u32 = 16;
    (PIECES / reducers.max(1)).clamp(1, AT_MOST)
}

/// Combines the pairs of a shuffle, or of an input whose equal keys already lie in one partition.
pub struct Combine<K, V, C, E, Create, Merge, Unite> {
    source: Source<K, V>,
    combining: Combining<E, Create, Merge, Unite>,
    origin: Origin,
    types: PhantomData<fn() -> C>,
}

enum Source<K, V> {
    Shuffle { shuffle: ShuffleId, fan_out: u32 },
    Narrow(Op<(K, V)>),
}

#[derive(Serialize, Deserialize)]
struct Sent<E> {
    environment: E,
    /// The shuffle and its fan-out, unless the input is narrow.
    shuffle: Option<(ShuffleId, u32)>,
    accumulates: bool,
}

impl<K, V, C, E, Create, Merge, Unite> Combine<K, V, C, E, Create, Merge, Unite>
where
    K: Data + Hash + Eq,
    V: Data,
    C: Data,
    E: Environment,
    Create: Fn(&E, V) -> C + Plain,
    Merge: Fn(&E, C, V) -> C + Plain,
    Unite: Fn(&E, C, C) -> C + Plain,
{
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code: it reads a shuffle with the given fan-out, or else its only input.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(
        shuffle: Option<(ShuffleId, u32)>,
        combining: &Combining<E, Create, Merge, Unite>,
    ) -> Result<OperatorRef, DataError> {
        let (environment, accumulates) = (&*combining.environment, combining.accumulates);
        OperatorRef::new(Self::DESCRIPTOR, &Sent { environment, shuffle, accumulates })
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let sent: Sent<E> = code::environment(&args)?;
        let source = match sent.shuffle {
            Some((shuffle, fan_out)) => Source::Shuffle { shuffle, fan_out },
            None => Source::Narrow(code::input(&args, 0)?),
        };
        let (create, merge, unite) = (code::instantiate(), code::instantiate(), code::instantiate());
        let environment = Arc::new(sent.environment);
        let combining = Combining { environment, create, merge, unite, accumulates: sent.accumulates };
        Ok(Arc::new(Op::new(Self { source, combining, origin: code::origin(&args), types: PhantomData })))
    }

    fn combiner(&self, task: &Task) -> Combiner<K, C> {
        Combiner::new(task.dyn_workspace(), self.combining.accumulates)
    }

    fn finish(&self, combiner: Combiner<K, C>) -> Outcome<Combined<K, C>> {
        let (environment, unite) = (self.combining.environment.clone(), self.combining.unite.get());
        combiner.finish(move |a, b| unite(&environment, a, b)).map_err(|e| self.origin.data_failure(e))
    }

    fn combine_input(
        &self,
        input: &Op<(K, V)>,
        partition: Partition,
        task: &Task,
        scope: &Arc<TaskScope>,
    ) -> Outcome<Combined<K, C>> {
        let _scope = watch::enter(scope);
        let mut combiner = self.combiner(task);
        input.open(partition, task)?.for_each(|batch| {
            batch.for_each(|(key, value)| {
                self.insert(hash_key(&key), KeyRef::Owned(key), value, &mut combiner);
            });
            combiner.check_memory().map_err(|e| self.origin.data_failure(e))
        })?;
        self.finish(combiner)
    }

    fn combine_chunk(
        &self,
        shuffle: ShuffleId,
        chunk: Partition,
        task: &Task,
        scope: &Arc<TaskScope>,
    ) -> Outcome<CombinedStream<K, C>> {
        let _scope = watch::enter(scope);
        let mut combiner = self.combiner(task);
        let (mut blocks, mut hot_keys) = (Blocks::new(shuffle, chunk, task)?, HotKeys::default());
        while let Some(bytes) = blocks.next()? {
            let combined = self.combine_blocks(&bytes, &mut combiner, &mut hot_keys);
            task.meter().shuffle_records_read.add(combined.map_err(|e| self.origin.data_failure(e))?);
        }
        let combined = self.finish(combiner)?;
        // Values that are absorbed were so before the shuffle, and a hot key came as few records.
        let hot_key = hot_keys.hottest().filter(|_| self.combining.accumulates);
        Ok(CombinedStream { combined, hot_key, task: task.clone(), scope: scope.clone() })
    }

    /// Combines the pairs of some blocks, and returns their number.
    fn combine_blocks(
        &self,
        mut bytes: &[u8],
        combiner: &mut Combiner<K, C>,
        hot_keys: &mut HotKeys,
    ) -> Result<u64, DataError> {
        let mut pairs = 0;
        while let Some(mut block) = Pairs::<K, V>::take(&mut bytes)? {
            pairs += block.left() as u64;
            while block.left() > 0 {
                let (stride, mut last) = (STRIDE.min(block.left()), 0);
                for _ in 0..stride {
                    let Some((key, value)) = block.next_ref()? else { break };
                    let hash = match &key {
                        KeyRef::Owned(key) => hash_key(key),
                        KeyRef::Text(text) => hash_text(text),
                    };
                    self.insert(hash, key, value, combiner);
                    last = hash;
                }
                hot_keys.note(last, stride);
                combiner.check_memory()?;
            }
        }
        Ok(pairs)
    }

    #[inline(always)]
    fn insert(&self, hash: u64, key: KeyRef<'_, K>, value: V, combiner: &mut Combiner<K, C>) {
        let (environment, create, merge) =
            (&*self.combining.environment, self.combining.create.get(), self.combining.merge.get());
        combiner.insert(hash, key, value, |v| create(environment, v), |c, v| merge(environment, c, v));
    }
}

impl<K, V, C, E, Create, Merge, Unite> Operator<(K, C)> for Combine<K, V, C, E, Create, Merge, Unite>
where
    K: Data + Hash + Eq,
    V: Data,
    C: Data,
    E: Environment,
    Create: Fn(&E, V) -> C + Plain,
    Merge: Fn(&E, C, V) -> C + Plain,
    Unite: Fn(&E, C, C) -> C + Plain,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<(K, C)>> {
        let scope = self.origin.scope(partition);
        match &self.source {
            Source::Narrow(input) => {
                let combined = self.combine_input(input, partition, task, &scope)?;
                let task = task.clone();
                Ok(Stream::new(&task.clone(), CombinedStream { combined, hot_key: None, task, scope }))
            }
            &Source::Shuffle { shuffle, fan_out } => {
                let chunks = partition.0 * fan_out..(partition.0 + 1) * fan_out;
                let stream = ChunksStream {
                    operator: self,
                    shuffle,
                    chunks,
                    current: None,
                    task: task.clone(),
                    scope,
                };
                Ok(Stream::new(task, stream))
            }
        }
    }
}

/// The batches of one reducer's parts, one part after the other.
struct ChunksStream<K, V, C, E, Create, Merge, Unite> {
    operator: Arc<Combine<K, V, C, E, Create, Merge, Unite>>,
    shuffle: ShuffleId,
    chunks: std::ops::Range<u32>,
    current: Option<CombinedStream<K, C>>,
    task: Task,
    scope: Arc<TaskScope>,
}

impl<K, V, C, E, Create, Merge, Unite> Batches<(K, C)> for ChunksStream<K, V, C, E, Create, Merge, Unite>
where
    K: Data + Hash + Eq,
    V: Data,
    C: Data,
    E: Environment,
    Create: Fn(&E, V) -> C + Plain,
    Merge: Fn(&E, C, V) -> C + Plain,
    Unite: Fn(&E, C, C) -> C + Plain,
{
    fn next_batch(&mut self) -> Outcome<Option<Batch<(K, C)>>> {
        loop {
            if let Some(current) = &mut self.current
                && let Some(batch) = current.next_batch()?
            {
                return Ok(Some(batch));
            }
            self.current = None;
            let Some(chunk) = self.chunks.next() else { return Ok(None) };
            let (operator, chunk) = (&self.operator, Partition(chunk));
            self.current = Some(operator.combine_chunk(self.shuffle, chunk, &self.task, &self.scope)?);
        }
    }
}

/// The combinations that a [`Combiner`] gave, in batches.
pub(crate) struct CombinedStream<K, C> {
    pub(crate) combined: Combined<K, C>,
    /// A hot key that was not met yet.
    pub(crate) hot_key: Option<HotKey>,
    pub(crate) task: Task,
    pub(crate) scope: Arc<TaskScope>,
}

impl<K: Data + Hash, C: Data> Batches<(K, C)> for CombinedStream<K, C> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<(K, C)>>> {
        let _scope = watch::enter(&self.scope);
        let batch: Result<Vec<_>, _> = self.combined.by_ref().take(batch_len::<(K, C)>()).collect();
        let batch = batch.map_err(|e| self.scope.data_failure(e))?;
        if self.hot_key.is_some_and(|hot| hot.tell(&batch, self.task.meter())) {
            self.hot_key = None;
        }
        Ok(if batch.is_empty() { None } else { Some(Batch::Owned(batch)) })
    }
}

#[cfg(test)]
mod tests;
