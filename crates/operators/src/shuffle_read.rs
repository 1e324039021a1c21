//! The reading side of a shuffle: the records for one reducer, from the outputs of all map tasks.
//!
//! Outputs are read in the order of their map tasks, and each in the order in which it was written, never in the order in
//! which they arrive: a task that runs again reads the same sequence.

use crate::code::{self, OperatorRef};
use crate::meter::Timed;
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task, data_failure};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased};
use firesteel_data::block::Pairs;
use firesteel_data::{Batch, Data, DataError};
use firesteel_shuffle::{BlockBytes, RemoteReadFailure, RemoteShuffleReader};
use firesteel_types::{ExecutorId, KillReason, MapOutput, Partition, ShuffleId, ShuffleOutputs, TaskFailure};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::Arc;

/// The blocks for one reducer.
pub(crate) struct Blocks {
    outputs: Arc<ShuffleOutputs>,
    reducer: Partition,
    next_map: usize,
    ready: VecDeque<BlockBytes>,
    /// The fetcher for blocks of other hosts, if the executor has a way to them.
    remote: Option<Box<dyn RemoteShuffleReader>>,
    task: Task,
}

impl Blocks {
    pub(crate) fn new(shuffle: ShuffleId, reducer: Partition, task: &Task) -> Outcome<Self> {
        let outputs = task.outputs(shuffle)?;
        let remote = task.services().remote.clone().map(|remote| remote.open(outputs.clone(), reducer));
        Ok(Blocks { outputs, reducer, next_map: 0, ready: VecDeque::new(), remote, task: task.clone() })
    }

    /// Returns the next segment of blocks, from the next map task that has any.
    pub(crate) fn next(&mut self) -> Outcome<Option<BlockBytes>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Ok(Some(bytes));
            }
            let Some(&map) = self.outputs.maps.get(self.next_map) else { return Ok(None) };
            self.task.check_cancelled()?;
            self.next_map += 1;
            // An empty output is stored nowhere: there is nothing to fetch.
            if map.bytes > 0 {
                self.fetch(map)?;
            }
        }
    }

    fn fetch(&mut self, map: MapOutput) -> Outcome<()> {
        if let Some(remote) = &mut self.remote {
            let read = {
                let _timed = Timed::begin(&self.task.meter().fetch_wait_us);
                remote.read(map, &|| self.task.is_cancelled())
            };
            self.task.meter().remote_requests.add(remote.take_requests());
            match read {
                Ok(Some(bytes)) if bytes.is_empty() => return Ok(()),
                Ok(Some(bytes)) => {
                    self.task.meter().remote_blocks.add(1);
                    self.task.meter().remote_bytes.add(bytes.len() as u64);
                    self.ready.push_back(BlockBytes::Owned(bytes));
                    return Ok(());
                }
                // The output lies in this host's files.
                Ok(None) => {}
                Err(RemoteReadFailure::Cancelled) => {
                    return Err(Box::new(TaskFailure::Killed(KillReason::JobEnded)));
                }
                Err(RemoteReadFailure::Gone { message, unreachable }) => {
                    return Err(self.failed(map, message, unreachable));
                }
                Err(RemoteReadFailure::Here { message }) => {
                    return Err(data_failure(DataError::Remote { address: "this host".into(), message }));
                }
            }
        }
        self.fetch_here(map).map_err(|error| match error.is_lost() {
            true => self.failed(map, error.to_string(), vec![]),
            // The output is there: another try at this task reads it, and its map task has nothing to do with it.
            false => data_failure(error),
        })
    }

    fn fetch_here(&mut self, map: MapOutput) -> Result<(), DataError> {
        let store = &self.task.services().shuffles;
        let output =
            store.get(self.outputs.shuffle, map.map, map.task)?.ok_or_else(|| DataError::Corrupt {
                source_name: format!("the output of map task {}", map.map.0),
                message: "the executor does not have it any more".into(),
            })?;
        let before = self.ready.len();
        for bytes in output.read(self.reducer.0) {
            let bytes = bytes?;
            self.task.meter().local_bytes.add(bytes.len() as u64);
            self.ready.push_back(bytes);
        }
        self.task.meter().local_blocks.add(u64::from(self.ready.len() > before));
        Ok(())
    }

    fn failed(&self, map: MapOutput, message: String, unreachable: Vec<ExecutorId>) -> Box<TaskFailure> {
        Box::new(TaskFailure::FetchFailed {
            shuffle: self.outputs.shuffle,
            map: map.map,
            map_task: map.task,
            executor: map.executor,
            unreachable,
            message,
        })
    }
}

/// Reads the records for one reducer, in the order of map tasks: what `partition_by` and `repartition` return.
pub struct ShuffleRead<K, V> {
    shuffle: ShuffleId,
    origin: Origin,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Data, V: Data> ShuffleRead<K, V> {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// Never, in practice: an id can be encoded.
    pub fn code(shuffle: ShuffleId) -> Result<OperatorRef, DataError> {
        OperatorRef::new(Self::DESCRIPTOR, &shuffle)
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (shuffle, origin) = (code::environment(&args)?, code::origin(&args));
        Ok(Arc::new(Op::<(K, V)>::new(Self { shuffle, origin, types: PhantomData })))
    }
}

impl<K: Data, V: Data> Operator<(K, V)> for ShuffleRead<K, V> {
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<(K, V)>> {
        let blocks = Blocks::new(self.shuffle, partition, task)?;
        Ok(Stream::new(task, ReadStream { blocks, origin: self.origin.clone(), types: PhantomData }))
    }
}

struct ReadStream<K, V> {
    blocks: Blocks,
    origin: Origin,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Data, V: Data> Batches<(K, V)> for ReadStream<K, V> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<(K, V)>>> {
        let Some(bytes) = self.blocks.next()? else { return Ok(None) };
        let pairs = read_pairs(&bytes).map_err(|e| self.origin.data_failure(e))?;
        self.blocks.task.meter().shuffle_records_read.add(pairs.len() as u64);
        Ok(Some(Batch::Owned(pairs)))
    }
}

fn read_pairs<K: Data, V: Data>(bytes: &[u8]) -> Result<Vec<(K, V)>, DataError> {
    let (mut rest, mut pairs) = (bytes, vec![]);
    while let Some(mut block) = Pairs::take(&mut rest)? {
        pairs.reserve(block.left());
        while let Some(pair) = block.next_pair()? {
            pairs.push(pair);
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Executor, origin, records};
    use firesteel_data::block::{KeyRef, PairsBuilder};
    use firesteel_shuffle::{MapOutputWriter, RemoteShuffle};
    use firesteel_types::{RddId, TaskId};
    use parking_lot::Mutex;
    use std::collections::BTreeMap;

    const SHUFFLE: ShuffleId = ShuffleId(5);

    /// The output of map task `map`, whose attempt has a number that is lower for later maps.
    fn output(map: u32) -> MapOutput {
        let task = TaskId(100 - u64::from(map));
        MapOutput { map: Partition(map), task, executor: ExecutorId(map), bytes: 1 }
    }

    fn outputs(maps: Vec<MapOutput>) -> ShuffleOutputs {
        ShuffleOutputs { shuffle: SHUFFLE, generation: 0, maps }
    }

    /// Stores the output of an attempt: the map's number as key, and a value.
    fn store(executor: &Executor, map: MapOutput, value: &str) {
        let (task, services) = (executor.task(), &executor.services);
        let (memory, dirs) = (services.memory.clone(), services.dirs.clone());
        let mut writer = MapOutputWriter::<u32, String>::new(2, task.workspace(), memory, dirs);
        writer.push(1, 0, KeyRef::Owned(map.map.0), value.into()).unwrap();
        let written = writer.finish().unwrap().output;
        services.shuffles.put(SHUFFLE, map.map, map.task, written).unwrap();
    }

    fn read(executor: &Executor, maps: Vec<MapOutput>) -> Outcome<Vec<(u32, String)>> {
        let read = Op::new(ShuffleRead { shuffle: SHUFFLE, origin: origin(1), types: PhantomData });
        records(&read, 1, &executor.task_with(&[outputs(maps)], &[]))
    }

    fn pairs(maps: &[u32]) -> Vec<(u32, String)> {
        maps.iter().map(|map| (*map, "right".into())).collect()
    }

    /// Another host: what it answers for each map, and what it was asked for. It has nothing of other maps.
    struct Elsewhere {
        answers: BTreeMap<u32, Result<Vec<u8>, RemoteReadFailure>>,
        asked: Arc<Mutex<Vec<u32>>>,
    }

    impl Elsewhere {
        fn with<const N: usize>(
            answers: [(u32, Result<Vec<u8>, RemoteReadFailure>); N],
        ) -> (Arc<Self>, Arc<Mutex<Vec<u32>>>) {
            let asked = Arc::<Mutex<_>>::default();
            (Arc::new(Elsewhere { answers: answers.into(), asked: asked.clone() }), asked)
        }
    }

    impl RemoteShuffle for Elsewhere {
        fn open(self: Arc<Self>, _: Arc<ShuffleOutputs>, reducer: Partition) -> Box<dyn RemoteShuffleReader> {
            assert_eq!(reducer, Partition(1));
            Box::new(Reader(self))
        }
    }

    struct Reader(Arc<Elsewhere>);

    impl RemoteShuffleReader for Reader {
        fn read(
            &mut self,
            map: MapOutput,
            _: &dyn Fn() -> bool,
        ) -> Result<Option<Vec<u8>>, RemoteReadFailure> {
            self.0.asked.lock().push(map.map.0);
            self.0.answers.get(&map.map.0).cloned().transpose()
        }

        fn take_requests(&mut self) -> u64 {
            1
        }
    }

    fn encoded(map: u32) -> Vec<u8> {
        let (mut builder, mut bytes) = (PairsBuilder::default(), vec![]);
        builder.push(0, KeyRef::Owned(map), String::from("right")).unwrap();
        builder.write(&mut bytes);
        bytes
    }

    #[test]
    fn outputs_are_read_in_the_order_of_map_tasks_not_of_arrival() {
        for executor in [Executor::with_memory(1 << 20), Executor::with_memory(0), Executor::sharing(1 << 20)]
        {
            [3, 0, 4, 1, 2].into_iter().for_each(|map| store(&executor, output(map), "right"));
            assert_eq!(read(&executor, (0..5).map(output).collect()).unwrap(), pairs(&[0, 1, 2, 3, 4]));
        }
    }

    #[test]
    fn outputs_of_other_hosts_take_their_places_among_those_of_this_one() {
        let (elsewhere, asked) = Elsewhere::with([(0, Ok(encoded(0))), (2, Ok(encoded(2))), (3, Ok(vec![]))]);
        let executor = Executor::with_memory(1 << 20).reach(elsewhere);
        [4, 1].into_iter().for_each(|map| store(&executor, output(map), "right"));
        assert_eq!(read(&executor, (0..5).map(output).collect()).unwrap(), pairs(&[0, 1, 2, 4]));
        assert_eq!(*asked.lock(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn an_empty_output_is_asked_for_nowhere() {
        let (elsewhere, asked) = Elsewhere::with([]);
        let executor = Executor::with_memory(1 << 20).reach(elsewhere);
        let maps = (0..3).map(|map| MapOutput { bytes: 0, ..output(map) }).collect();
        assert_eq!(read(&executor, maps).unwrap(), []);
        assert_eq!(*asked.lock(), [0; 0]);
    }

    #[test]
    fn another_attempts_output_is_not_read_in_place_of_a_lost_one() {
        for executor in [Executor::with_memory(1 << 20), Executor::sharing(1 << 20)] {
            store(&executor, output(0), "right");
            store(&executor, MapOutput { task: TaskId(7), ..output(1) }, "wrong");
            let failure = *read(&executor, vec![output(0), output(1)]).unwrap_err();
            let TaskFailure::FetchFailed { shuffle, map, map_task, executor, unreachable, .. } = failure
            else {
                panic!("{failure:?}")
            };
            let lost = output(1);
            assert_eq!((shuffle, map, map_task, executor), (SHUFFLE, lost.map, lost.task, lost.executor));
            assert_eq!(unreachable, []);
        }
    }

    #[test]
    fn the_failure_to_fetch_names_who_cannot_be_reached() {
        let gone = RemoteReadFailure::Gone { message: "no answer".into(), unreachable: vec![ExecutorId(8)] };
        let executor = Executor::with_memory(1 << 20).reach(Elsewhere::with([(1, Err(gone))]).0);
        store(&executor, output(0), "right");
        let failure = *read(&executor, vec![output(0), output(1)]).unwrap_err();
        let TaskFailure::FetchFailed { map, unreachable, message, .. } = failure else {
            panic!("{failure:?}")
        };
        assert_eq!((map, unreachable, &*message), (Partition(1), vec![ExecutorId(8)], "no answer"));
    }

    #[test]
    fn trouble_of_this_host_is_no_failure_to_fetch() {
        let here = RemoteReadFailure::Here { message: "no space left".into() };
        let executor = Executor::with_memory(1 << 20).reach(Elsewhere::with([(0, Err(here))]).0);
        let failure = *read(&executor, vec![output(0)]).unwrap_err();
        let TaskFailure::Operation { message, retryable, .. } = failure else { panic!("{failure:?}") };
        assert_eq!((&*message, retryable), ("no space left (this host)", true));
    }

    #[test]
    fn a_task_that_is_told_to_stop_fails_as_killed_and_asks_for_no_further_output() {
        let killed = Box::new(TaskFailure::Killed(KillReason::JobEnded));
        let (elsewhere, _) = Elsewhere::with([(0, Err(RemoteReadFailure::Cancelled))]);
        let executor = Executor::with_memory(1 << 20).reach(elsewhere);
        assert_eq!(read(&executor, vec![output(0)]).unwrap_err(), killed);

        let (elsewhere, asked) = Elsewhere::with([(0, Ok(encoded(0))), (1, Ok(encoded(1)))]);
        let executor = Executor::with_memory(1 << 20).reach(elsewhere);
        let task = executor.task_with(&[outputs(vec![output(0), output(1)])], &[]);
        let mut blocks = Blocks::new(SHUFFLE, Partition(1), &task).unwrap();
        assert!(blocks.next().unwrap().is_some());
        executor.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(blocks.next().err(), Some(killed));
        assert_eq!(*asked.lock(), [0]);
    }

    #[test]
    fn a_shuffle_that_was_not_sent_along_means_that_a_cached_partition_is_gone() {
        let executor = Executor::with_memory(1 << 20);
        let refusal = |task| Blocks::new(SHUFFLE, Partition(0), &task).err().map(|failure| *failure);
        let with_cached = executor.task_with(&[], &[(RddId(1), 0)]);
        assert_eq!(refusal(with_cached), Some(TaskFailure::CachedBlockLost { shuffle: SHUFFLE }));
        assert!(matches!(refusal(executor.task()), Some(TaskFailure::BadPlan(_))));
    }
}
