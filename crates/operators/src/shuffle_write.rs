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
use firesteel_shuffle::{MapOutputWriter, Written};
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
        finish(out, self.sent.shuffle, task, &self.origin)
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
        finish(out, self.shuffle, task, &self.origin)
    }
}

fn writer<K: Data, V: Data>(reducers: u32, task: &Task) -> MapOutputWriter<K, V> {
    let services = task.services();
    MapOutputWriter::new(reducers, task.workspace(), services.memory.clone(), services.dirs.clone())
}

fn finish<K: Data, V: Data>(
    out: MapOutputWriter<K, V>,
    shuffle: ShuffleId,
    task: &Task,
    origin: &Origin,
) -> Outcome<TaskOutput> {
    let Written { output, checksum, records, writing } = out.finish().map_err(|e| origin.data_failure(e))?;
    let meter = task.meter();
    meter.shuffle_records_written.add(records);
    meter.shuffle_bytes_written.add(output.bytes());
    meter.shuffle_write_us.add_time(writing);
    Ok(TaskOutput::MapOutput { shuffle, output, checksum })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Executor, Given, origin};
    use firesteel_data::block::Pairs;
    use firesteel_shuffle::MapOutput;
    use firesteel_types::TaskFailure;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const SHUFFLE: ShuffleId = ShuffleId(2);

    /// Runs a map task whose reducer is the key modulo `reducers`; for the largest key it leaves the range.
    fn write(executor: &Executor, batches: &[Vec<(u32, String)>], reducers: u32) -> Outcome<TaskOutput> {
        let write = ShuffleWrite {
            input: Given::batches(&[batches.to_vec()]),
            sent: Sent { shuffle: SHUFFLE, reducers, environment: reducers },
            scope: ZeroSized::new(
                |reducers: &u32, key: &u32| if *key == u32::MAX { *key } else { key % reducers },
            ),
            origin: origin(1),
        };
        write.run(Partition(0), &executor.task())
    }

    /// Runs a map task that sums up numbers by key.
    fn combine(executor: &Executor, batches: &[Vec<(u32, u64)>], reducers: u32) -> Outcome<TaskOutput> {
        let combining = Combining {
            environment: Arc::new(()),
            create: ZeroSized::new(|(): &(), value: u64| value),
            merge: ZeroSized::new(|(): &(), sum: u64, value: u64| sum + value),
            unite: ZeroSized::new(|(): &(), a: u64, b: u64| a + b),
            accumulates: false,
        };
        let write = CombineWrite {
            input: Given::batches(&[batches.to_vec()]),
            shuffle: SHUFFLE,
            chunks: reducers * fan_out(reducers),
            combining,
            origin: origin(1),
            types: PhantomData,
        };
        write.run(Partition(0), &executor.task())
    }

    fn unwrap(output: Outcome<TaskOutput>) -> (MapOutput, u64) {
        match output {
            Ok(TaskOutput::MapOutput { shuffle: SHUFFLE, output, checksum }) => (output, checksum),
            Ok(_) => panic!("not a map output of this shuffle"),
            Err(failure) => panic!("{failure:?}"),
        }
    }

    /// Returns the pairs of each segment of one reducer.
    fn segments<K: Data, V: Data>(output: &MapOutput, reducer: u32) -> Vec<Vec<(K, V)>> {
        let segment = |bytes: firesteel_shuffle::BlockBytes| {
            let (mut rest, mut pairs) = (&bytes[..], vec![]);
            while let Some(mut block) = Pairs::take(&mut rest).unwrap() {
                while let Some(pair) = block.next_pair().unwrap() {
                    pairs.push(pair);
                }
            }
            pairs
        };
        output.read(reducer).map(|bytes| segment(bytes.unwrap())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]
        #[test]
        fn each_reducer_gets_its_records_in_their_order(
            batches in vec(vec((0..100u32, "[a-z]{0,9}"), 0..20), 0..6),
            reducers in 1..9u32,
        ) {
            let executor = Executor::with_memory(1 << 30);
            let (output, _) = unwrap(write(&executor, &batches, reducers));
            for reducer in 0..reducers {
                let mut own = batches.concat();
                own.retain(|(key, _)| key % reducers == reducer);
                prop_assert_eq!(segments(&output, reducer).concat(), own);
            }
        }
    }

    #[test]
    fn a_task_short_of_memory_writes_several_segments_in_order_and_the_same_checksum() {
        let text = |batch, i| format!("record {i} of batch {batch}, {}", "x".repeat(400));
        let batch = |batch: u32| (0..500).map(|i| (i, text(batch, i))).collect();
        let batches: Vec<Vec<(u32, String)>> = (0..12).map(batch).collect();
        let (small, large) = (Executor::with_memory(0), Executor::with_memory(1 << 30));
        let (in_runs, sum_in_runs) = unwrap(write(&small, &batches, 3));
        let (in_one, sum_in_one) = unwrap(write(&large, &batches, 3));
        assert!(in_runs.disk_bytes() > 0 && in_one.disk_bytes() == 0);
        assert_eq!(sum_in_runs, sum_in_one);
        for reducer in 0..3 {
            let runs = segments::<u32, String>(&in_runs, reducer);
            assert!(runs.len() > 1, "no second run");
            assert!(runs.concat() == segments(&in_one, reducer).concat());
        }
    }

    #[test]
    fn the_checksum_tells_contents_and_reducers_apart_but_not_orders() {
        let executor = Executor::with_memory(1 << 30);
        let sum = |pairs: &[(u32, &str)], reducers| {
            let pairs = pairs.iter().map(|(key, value)| (*key, value.to_string())).collect();
            unwrap(write(&executor, &[pairs], reducers)).1
        };
        let one = sum(&[(1, "a"), (2, "b")], 2);
        assert_eq!(sum(&[(2, "b"), (1, "a")], 2), one);
        assert_ne!(sum(&[(1, "b"), (2, "a")], 2), one);
        assert_ne!(sum(&[(1, "a"), (2, "b")], 1), one);
        assert_ne!(sum(&[(3, "a"), (2, "b")], 2), one, "another key for the same reducer");
    }

    #[test]
    fn a_partitioner_that_leaves_its_range_is_blamed_with_the_key() {
        let executor = Executor::with_memory(1 << 30);
        let batches = [vec![(1, "a".to_string()), (u32::MAX, "b".to_string())]];
        let run = std::panic::AssertUnwindSafe(|| write(&executor, &batches, 2).is_ok());
        assert!(std::panic::catch_unwind(run).is_err());
        let (site, record) = watch::take();
        assert_eq!((site.map(|site| site.line), record), (Some(1), Some(u32::MAX.to_string())));
    }

    #[test]
    fn a_failing_input_gives_no_output() {
        let executor = Executor::with_memory(0);
        let steps = vec![Ok(vec![(1, "a".to_string())]), Err(crate::testing::broken_input())];
        let write = ShuffleWrite {
            input: Given::steps(vec![steps]).0,
            sent: Sent { shuffle: SHUFFLE, reducers: 1, environment: () },
            scope: ZeroSized::new(|(): &(), _: &u32| 0),
            origin: origin(1),
        };
        let failure: Box<TaskFailure> = write.run(Partition(0), &executor.task()).err().unwrap();
        assert_eq!(failure, crate::testing::broken_input());
        assert_eq!((executor.files(), executor.used()), (0, 0));
    }

    #[test]
    fn combinations_go_to_the_chunk_of_their_hash_and_add_up_however_often_the_table_was_full() {
        let batches: Vec<Vec<(u32, u64)>> =
            (0..40).map(|batch| (0..2_500).map(|i| ((batch * 1_000 + i) % 30_000, 1)).collect()).collect();
        let mut model = BTreeMap::<u32, u64>::new();
        batches.iter().flatten().for_each(|(key, value)| *model.entry(*key).or_default() += value);
        let reducers = 3;
        let pushed = [0, 1 << 30].map(|memory| {
            let executor = Executor::with_memory(memory);
            let (output, _) = unwrap(combine(&executor, &batches, reducers));
            let (mut sums, mut pushed) = (BTreeMap::<u32, u64>::new(), 0);
            let chunks = reducers * fan_out(reducers);
            for chunk in 0..chunks {
                for (key, sum) in segments::<u32, u64>(&output, chunk).concat() {
                    assert_eq!(partition_of(hash_key(&key), chunks), chunk);
                    *sums.entry(key).or_default() += sum;
                    pushed += 1;
                }
            }
            assert!(sums == model);
            pushed
        });
        assert_eq!(pushed[1], model.len(), "with much memory each key comes once");
        assert!(pushed[0] > model.len(), "the table was never full");
    }
}
