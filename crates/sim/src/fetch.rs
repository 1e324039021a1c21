//! The reads of a task: map outputs where its launch says that they are, and partitions that its own executor caches.

use crate::caching::{CacheChanges, Caching};
use crate::data::Data;
use crate::machine::{CachedName, Machine, Store};
use crate::network_partitions::NetworkPartitions;
use crate::program::{Found, Source};
use crate::rng::Rng;
use crate::world::World;
use firesteel_scheduler::{AgentId, TaskLaunch};
use firesteel_types::{ExecutorId, Partition, RddId, ShuffleId, TaskFailure};
use std::collections::BTreeMap;

/// Reads for one attempt at a task.
pub(crate) struct Fetcher<'a> {
    on: ExecutorId,
    launch: &'a TaskLaunch,
    machines: &'a mut BTreeMap<AgentId, Machine>,
    owners: &'a BTreeMap<ExecutorId, AgentId>,
    stores: &'a mut BTreeMap<String, Store>,
    network_partitions: &'a NetworkPartitions,
    /// The executors that are said to cache each partition, if cached partitions are read from other executors.
    caching: Option<&'a Caching>,
    rng: &'a mut Rng,
    now: u64,
    host_service: bool,
    broken: u64,
    unreachable_named: u64,
    changes: CacheChanges,
}

impl World {
    /// Lets an attempt read.
    pub(crate) fn fetch<T>(
        &mut self,
        on: ExecutorId,
        launch: &TaskLaunch,
        read: impl FnOnce(&mut Fetcher<'_>) -> T,
    ) -> (T, CacheChanges) {
        let broken = if self.is_quiet() { 0 } else { self.scenario.faults.output_broken };
        let mut fetcher = Fetcher {
            on,
            launch,
            machines: &mut self.machines,
            owners: &self.owners,
            stores: &mut self.stores,
            network_partitions: &self.network_partitions,
            caching: self.scenario.reads_cached_remotely.then_some(&self.caching),
            rng: &mut self.rng,
            now: self.now,
            host_service: self.scenario.host_service,
            broken,
            unreachable_named: self.scenario.faults.unreachable_named,
            changes: CacheChanges::default(),
        };
        (read(&mut fetcher), fetcher.changes)
    }
}

impl Fetcher<'_> {
    fn own_cached(&mut self) -> &mut BTreeMap<CachedName, Data> {
        let owner = &self.owners[&self.on];
        self.machines.get_mut(owner).expect("an agent is remembered for ever").cache(self.on)
    }

    fn machine(&self, of: ExecutorId) -> &Machine {
        &self.machines[&self.owners[&of]]
    }

    fn host(&self, of: ExecutorId) -> &str {
        &self.machine(of).host
    }

    /// Returns whether this executor can read the files of another one now.
    fn is_served(&self, of: ExecutorId) -> bool {
        let (here, there) = (self.host(self.on), self.host(of));
        let runs = self.host_service || self.machine(of).runs(self.now);
        runs && self.network_partitions.reaches(self.now, here, there)
            && self.network_partitions.has_service(self.now, there)
    }

    /// The executors of which nothing can be read, as a reader finds it out: all of a host, or only the one that it asked.
    fn unreachable(&mut self, of: ExecutorId) -> Vec<ExecutorId> {
        if !self.rng.per_mille(self.unreachable_named) {
            return vec![];
        }
        let host = self.host(of).to_string();
        let there: Vec<ExecutorId> =
            self.owners.keys().filter(|id| self.host(**id) == host).copied().collect();
        there.into_iter().filter(|id| !self.is_served(*id)).collect()
    }

    /// Reads a cached partition from one of the executors that are said to have it. A copy is cached here or not.
    fn find_remote(&mut self, name: CachedName) -> Option<Data> {
        let holder = self.caching?.holders(name).find(|holder| *holder != self.on)?;
        let reached = self.machine(holder).runs(self.now)
            && self.network_partitions.reaches(self.now, self.host(self.on), self.host(holder));
        let cache = self.machine(holder).caches.get(&holder);
        let data = cache.and_then(|cache| cache.get(&name)).filter(|_| reached).cloned();
        let Some(data) = data else {
            self.changes.stale += 1;
            return None;
        };
        self.changes.read += 1;
        self.changes.read_remote += 1;
        if self.rng.per_mille(500) {
            self.own_cached().insert(name, data.clone());
            self.changes.stored.push(name);
        }
        Some(data)
    }

    /// Under which version a task may read and keep a partition.
    fn name(&self, rdd: RddId, partition: Partition) -> Option<CachedName> {
        let (_, version) = self.launch.cached.iter().find(|(cached, _)| *cached == rdd)?;
        Some((rdd, partition, *version))
    }
}

impl Source for Fetcher<'_> {
    type Failure = TaskFailure;

    fn read(&mut self, shuffle: ShuffleId, reducer: Partition) -> Result<Data, TaskFailure> {
        let Some(outputs) = self.launch.inputs.iter().find(|input| input.shuffle == shuffle) else {
            assert!(!self.launch.cached.is_empty(), "a stage that keeps nothing is told where to read");
            return Err(TaskFailure::CachedBlockLost { shuffle });
        };
        let mut data = Data::default();
        for output in &outputs.maps {
            let address = self.machine(output.executor).address.clone();
            let name = (shuffle, output.map, output.task);
            if self.rng.per_mille(self.broken)
                && let Some(store) = self.stores.get_mut(&address)
            {
                store.lose(name);
            }
            let served = self.is_served(output.executor);
            let block = self.stores.get(&address).and_then(|store| store.blocks.get(&name));
            let Some(block) = block.filter(|_| served) else {
                let unreachable = if served { vec![] } else { self.unreachable(output.executor) };
                return Err(TaskFailure::FetchFailed {
                    shuffle,
                    map: output.map,
                    map_task: output.task,
                    executor: output.executor,
                    unreachable,
                    message: if served { "no such block".into() } else { "no answer".into() },
                });
            };
            data.absorb(&block.whims, block.mixed);
            data.records.extend(&block.buckets[reducer.index()]);
        }
        Ok(data)
    }

    fn find(&mut self, rdd: RddId, partition: Partition) -> Found {
        let Some(name) = self.name(rdd, partition) else { return Found::NotCached };
        match self.own_cached().get(&name).cloned() {
            Some(data) => {
                self.changes.read += 1;
                Found::Cached(data)
            }
            None => self.find_remote(name).map_or(Found::ToCache, Found::Cached),
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
            added.cached_by.get_or_insert(task);
        });
        let cached = self.own_cached();
        let older: Vec<CachedName> = cached
            .range((rdd, Partition(0), 0)..)
            .map(|(other, _)| *other)
            .take_while(|(of, ..)| *of == rdd)
            .collect();
        let older: Vec<CachedName> = older.into_iter().filter(|(.., version)| *version < name.2).collect();
        older.iter().for_each(|other| {
            cached.remove(other);
        });
        cached.insert(name, data);
        self.changes.dropped.extend(older);
        self.changes.stored.push(name);
    }
}
