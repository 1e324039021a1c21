//! What a task reads: map outputs where its launch says that they are, and partitions that its own executor keeps.

use crate::chance::Chance;
use crate::data::Data;
use crate::machine::{KeptName, Machine};
use crate::program::{Found, Source};
use crate::world::World;
use firesteel_scheduler::TaskLaunch;
use firesteel_types::{ExecutorId, Partition, RddId, ShuffleId, TaskFailure};
use std::collections::BTreeMap;

/// What became of kept partitions while a task computed.
#[derive(Debug, Default)]
pub(crate) struct KeptChanges {
    pub(crate) stored: Vec<KeptName>,
    pub(crate) dropped: Vec<KeptName>,
    pub(crate) read: u64,
    /// Whether a function was called that waits for other tasks.
    pub(crate) met_barrier: bool,
}

/// Reads for one attempt at a task.
pub(crate) struct Fetcher<'a> {
    on: ExecutorId,
    launch: &'a TaskLaunch,
    machines: &'a mut BTreeMap<ExecutorId, Machine>,
    chance: &'a mut Chance,
    now: u64,
    host_service: bool,
    broken: u64,
    changes: KeptChanges,
}

impl World {
    /// Lets an attempt read.
    pub(crate) fn fetch<T>(
        &mut self,
        on: ExecutorId,
        launch: &TaskLaunch,
        read: impl FnOnce(&mut Fetcher<'_>) -> T,
    ) -> (T, KeptChanges) {
        let broken = if self.is_quiet() { 0 } else { self.plot.faults.output_broken };
        let mut fetcher = Fetcher {
            on,
            launch,
            machines: &mut self.machines,
            chance: &mut self.chance,
            now: self.now,
            host_service: self.plot.host_service,
            broken,
            changes: KeptChanges::default(),
        };
        (read(&mut fetcher), fetcher.changes)
    }
}

impl Fetcher<'_> {
    fn own_kept(&mut self) -> &mut BTreeMap<KeptName, Data> {
        &mut self.machines.get_mut(&self.on).expect("an executor is remembered for ever").kept
    }

    /// Under which version a task may read and keep a partition.
    fn name(&self, rdd: RddId, partition: Partition) -> Option<KeptName> {
        let (_, version) = self.launch.kept.iter().find(|(kept, _)| *kept == rdd)?;
        Some((rdd, partition, *version))
    }
}

impl Source for Fetcher<'_> {
    type Failure = TaskFailure;

    fn read(&mut self, shuffle: ShuffleId, reducer: Partition) -> Result<Data, TaskFailure> {
        let Some(outputs) = self.launch.inputs.iter().find(|input| input.shuffle == shuffle) else {
            assert!(!self.launch.kept.is_empty(), "a stage that keeps nothing is told where to read");
            return Err(TaskFailure::KeptBlockGone { shuffle });
        };
        let mut data = Data::default();
        for output in &outputs.maps {
            let machine =
                self.machines.get_mut(&output.executor).expect("an executor is remembered for ever");
            let name = (shuffle, output.map, output.task);
            if self.chance.per_mille(self.broken) {
                machine.blocks.remove(&name);
            }
            let served = machine.serves(self.now, self.host_service);
            let Some(block) = machine.blocks.get(&name).filter(|_| served) else {
                return Err(TaskFailure::FetchFailed {
                    shuffle,
                    map: output.map,
                    map_task: output.task,
                    executor: output.executor,
                    unreachable: vec![],
                    message: if served { "no such block".into() } else { "no answer".into() },
                });
            };
            data.absorb(&block.whims, block.mixed);
            data.records.extend(&block.buckets[reducer.index()]);
        }
        Ok(data)
    }

    fn find(&mut self, rdd: RddId, partition: Partition) -> Found {
        let Some(name) = self.name(rdd, partition) else { return Found::NotKept };
        match self.own_kept().get(&name).cloned() {
            Some(data) => {
                self.changes.read += 1;
                Found::Kept(data)
            }
            None => Found::ToKeep,
        }
    }

    fn meet_barrier(&mut self) {
        self.changes.met_barrier = true;
    }

    /// Keeps a partition, with what its functions added: and nothing of older versions.
    fn keep(&mut self, rdd: RddId, partition: Partition, data: &Data) {
        let Some(name) = self.name(rdd, partition) else { return };
        let task = self.launch.task;
        let mut data = data.clone();
        data.added.values_mut().for_each(|added| {
            added.kept_by.get_or_insert(task);
        });
        let kept = self.own_kept();
        let older: Vec<KeptName> = kept
            .range((rdd, Partition(0), 0)..)
            .map(|(other, _)| *other)
            .take_while(|(of, ..)| *of == rdd)
            .collect();
        let older: Vec<KeptName> = older.into_iter().filter(|(.., version)| *version < name.2).collect();
        older.iter().for_each(|other| {
            kept.remove(other);
        });
        kept.insert(name, data);
        self.changes.dropped.extend(older);
        self.changes.stored.push(name);
    }
}
