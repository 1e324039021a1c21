//! The reading side of a shuffle: the records for one reducer, from the outputs of all map tasks.
//!
//! Outputs are read in the order of their map tasks, and each in the order in which it was written, never in the order in
//! which they arrive: a task that runs again reads the same sequence.

use crate::code::{self, OperatorRef};
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
            match remote.read(map, &|| self.task.is_cancelled()) {
                Ok(Some(bytes)) if bytes.is_empty() => return Ok(()),
                Ok(Some(bytes)) => {
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
        for bytes in output.read(self.reducer.0) {
            self.ready.push_back(bytes?);
        }
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
        read_pairs(&bytes).map(|pairs| Some(Batch::Owned(pairs))).map_err(|e| self.origin.data_failure(e))
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
