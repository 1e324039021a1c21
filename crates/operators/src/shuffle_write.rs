//! The writing side of a shuffle: partitions records by their keys, and combines them first where that is
//! possible.

use crate::code::{self, OperatorRef};
use crate::combine::{Combining, fan_out};
use crate::result::{FinalOperator, RunTaskOutput, TaskOutput};
use crate::stream::Op;
use crate::task::{Origin, Outcome, Task};
use crate::watch;
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased, Plain, ZeroSized};
use firesteel_data::block::KeyRef;
use firesteel_data::column::digest;
use firesteel_data::combine::Combiner;
use firesteel_data::hash::{hash_key, partition_of};
use firesteel_data::{Batch, Data, DataError, Environment};
use firesteel_shuffle::MapOutputWriter;
use firesteel_types::{Partition, ShuffleId, UpdateScope};
use serde::{Deserialize, Serialize};
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

/// The operator's environment: the shuffle, its number of reducers, and the function's own environment.
#[derive(Serialize, Deserialize)]
struct Sent<E> {
    shuffle: ShuffleId,
    reducers: u32,
    environment: E,
}

/// Partitions records by a function of the key.
pub struct ShuffleWrite<K, V, E, F> {
    input: Op<(K, V)>,
    sent: Sent<E>,
    scope: ZeroSized<F>,
    origin: Origin,
}

impl<K, V, E, F> ShuffleWrite<K, V, E, F>
where
    K: Data,
    V: Data,
    E: Environment,
    F: Fn(&E, &K) -> u32 + Plain,
{
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code. `partition_by` returns the reducer of a key, less than `reducers`.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(
        shuffle: ShuffleId,
        reducers: u32,
        environment: &E,
        scope: F,
    ) -> Result<OperatorRef, DataError> {
        ZeroSized::new(scope);
        OperatorRef::new(Self::DESCRIPTOR, &Sent { shuffle, reducers, environment })
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (input, sent, origin) = (code::input(&args, 0)?, code::environment(&args)?, code::origin(&args));
        let scope = code::instantiate();
        let write = Self { input, sent, scope, origin };
        Ok(RunTaskOutput::erase(write))
    }

    fn write(&self, batch: Batch<(K, V)>, out: &mut MapOutputWriter<K, V>) -> Result<(), DataError> {
        let (scope, reducers, mut scratch) = (self.scope.get(), self.sent.reducers, vec![]);
        for (key, value) in batch.into_vec() {
            let reducer = scope(&self.sent.environment, &key);
            if reducer >= reducers {
                watch::note_record(&key);
                panic!(
                    "the partitioner gave partition {reducer} for a key, but there are only {reducers} partitions"
                );
            }
            out.push(reducer, digest(&key, &mut scratch)?, KeyRef::Owned(key), value)?;
        }
        out.check_memory()
    }
}

impl<K, V, E, F> FinalOperator for ShuffleWrite<K, V, E, F>
where
    K: Data,
    V: Data,
    E: Environment,
    F: Fn(&E, &K) -> u32 + Plain,
{
    fn run(&self, partition: Partition, task: &Task) -> Outcome<TaskOutput> {
        let _scope = watch::enter(&self.origin.scope_in(UpdateScope::MapSide(self.sent.shuffle), partition));
        let mut out = writer(self.sent.reducers, task);
        let input = self.input.open(partition, task)?;
        input.for_each(|batch| self.write(batch, &mut out).map_err(|e| self.origin.data_failure(e)))?;
        finish(out, self.sent.shuffle, &self.origin)
    }
}

/// Combines what it can, then partitions the combinations by the hash of the key, into the finer partitions
/// that [`Combine`](crate::Combine) reads.
pub struct CombineWrite<K, V, C, E, Create, Merge, Unite> {
    input: Op<(K, V)>,
    shuffle: ShuffleId,
    /// Reducers times their fan-out.
    chunks: u32,
    combining: Combining<E, Create, Merge, Unite>,
    origin: Origin,
    types: PhantomData<fn() -> C>,
}

impl<K, V, C, E, Create, Merge, Unite> CombineWrite<K, V, C, E, Create, Merge, Unite>
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

    /// The operator's code.
    ///
    /// # Errors
    /// When the environment cannot be encoded.
    pub fn code(
        shuffle: ShuffleId,
        reducers: u32,
        combining: &Combining<E, Create, Merge, Unite>,
    ) -> Result<OperatorRef, DataError> {
        let environment = (&*combining.environment, combining.accumulates);
        OperatorRef::new(Self::DESCRIPTOR, &Sent { shuffle, reducers, environment })
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let Sent { shuffle, reducers, environment: (environment, accumulates) }: Sent<(E, bool)> =
            code::environment(&args)?;
        let (input, origin) = (code::input(&args, 0)?, code::origin(&args));
        let (create, merge, unite) = (code::instantiate(), code::instantiate(), code::instantiate());
        let combining = Combining { environment: Arc::new(environment), create, merge, unite, accumulates };
        let write = Self {
            input,
            shuffle,
            chunks: reducers * fan_out(reducers),
            combining,
            origin,
            types: PhantomData,
        };
        Ok(RunTaskOutput::erase(write))
    }

    fn combine(&self, batch: Batch<(K, V)>, hashes: &mut Vec<u64>, combiner: &mut Combiner<K, C>) {
        /// The number of table lookups that are under way at once: the memory of each is prefetched.
        const AHEAD: usize = 8;
        let (environment, create, merge) =
            (&*self.combining.environment, self.combining.create.get(), self.combining.merge.get());
        let pairs = batch.into_vec();
        hashes.clear();
        hashes.extend(pairs.iter().map(|(key, _)| hash_key(key)));
        for (i, (key, value)) in pairs.into_iter().enumerate() {
            if let Some(&soon) = hashes.get(i + AHEAD) {
                combiner.touch(soon);
            }
            let (key, create, merge) =
                (KeyRef::Owned(key), |v| create(environment, v), |c, v| merge(environment, c, v));
            combiner.insert(hashes[i], key, value, create, merge);
        }
    }

    /// Hands what was combined so far to the reducers, which will combine it with the rest.
    fn hand_on(
        &self,
        combiner: &mut Combiner<K, C>,
        out: &mut MapOutputWriter<K, C>,
    ) -> Result<(), DataError> {
        let mut pushed = 0usize;
        combiner.drain(|hash, key, combined| {
            out.push(partition_of(hash, self.chunks), hash, key, combined)?;
            pushed += 1;
            if pushed.is_multiple_of(1 << 12) { out.check_memory() } else { Ok(()) }
        })?;
        out.check_memory()
    }
}

impl<K, V, C, E, Create, Merge, Unite> FinalOperator for CombineWrite<K, V, C, E, Create, Merge, Unite>
where
    K: Data + Hash + Eq,
    V: Data,
    C: Data,
    E: Environment,
    Create: Fn(&E, V) -> C + Plain,
    Merge: Fn(&E, C, V) -> C + Plain,
    Unite: Fn(&E, C, C) -> C + Plain,
{
    fn run(&self, partition: Partition, task: &Task) -> Outcome<TaskOutput> {
        let _scope = watch::enter(&self.origin.scope_in(UpdateScope::MapSide(self.shuffle), partition));
        let mut out = writer(self.chunks, task);
        let mut hashes = vec![];
        let mut combiner = Combiner::recycled(task.dyn_workspace(), self.combining.accumulates);
        self.input.open(partition, task)?.for_each(|batch| {
            self.combine(batch, &mut hashes, &mut combiner);
            // The table is full: it is emptied into the output, not grown.
            if combiner.is_over_budget() {
                self.hand_on(&mut combiner, &mut out).map_err(|e| self.origin.data_failure(e))?;
                combiner.shed_memory();
            }
            Ok(())
        })?;
        self.hand_on(&mut combiner, &mut out).map_err(|e| self.origin.data_failure(e))?;
        combiner.recycle();
        finish(out, self.shuffle, &self.origin)
    }
}

fn writer<K: Data, V: Data>(reducers: u32, task: &Task) -> MapOutputWriter<K, V> {
    let services = task.services();
    MapOutputWriter::new(reducers, task.workspace(), services.memory.clone(), services.dirs.clone())
}

fn finish<K: Data, V: Data>(
    out: MapOutputWriter<K, V>,
    shuffle: ShuffleId,
    origin: &Origin,
) -> Outcome<TaskOutput> {
    let (output, checksum) = out.finish().map_err(|e| origin.data_failure(e))?;
    Ok(TaskOutput::MapOutput { shuffle, output, checksum })
}
