//! The reads of a task: map outputs where its launch says that they are, and partitions that its own executor caches.

use crate::caching::{CacheChanges, Caching};
use crate::data::{Block, Data};
use crate::machine::{Attempt, BlockName, CachedName, Kept, Machine, Plan, Store};
use crate::network_partitions::NetworkPartitions;
use crate::program::{Found, Source};
use crate::rng::Rng;
use crate::storing::Storage;
use crate::world::World;
use firesteel_scheduler::{AgentId, MapOutput, Scheduler, TaskLaunch};
use firesteel_types::{ExecutorId, Generation, Partition, RddId, ShuffleId, TaskFailure};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads for one attempt at a task.
pub(crate) struct Fetcher<'a> {
    on: ExecutorId,
    launch: &'a TaskLaunch,
    plan: &'a Plan,
    machines: &'a mut BTreeMap<AgentId, Machine>,
    owners: &'a BTreeMap<ExecutorId, AgentId>,
    stores: &'a mut BTreeMap<String, Store>,
    storage: &'a mut Storage,
    scheduler: &'a Scheduler,
    network_partitions: &'a NetworkPartitions,
    /// The executors that are said to cache each partition, if cached partitions are read from other executors.
    caching: Option<&'a Caching>,
    /// The driver, which knows where copies are, if there are any.
    copies: Option<&'a Scheduler>,
    rng: &'a mut Rng,
    now: u64,
    host_service: bool,
    broken: u64,
    storage_broken: u64,
    storage_reads: u64,
    unreachable_named: u64,
    changes: CacheChanges,
}

impl World {
    /// Lets an attempt read.
    pub(crate) fn fetch<T>(
        &mut self,
        on: ExecutorId,
        attempt: &Attempt,
        read: impl FnOnce(&mut Fetcher<'_>) -> T,
    ) -> (T, CacheChanges) {
        let broken = if self.is_quiet() { 0 } else { self.scenario.faults.output_broken };
        let storage_broken = if self.is_quiet() { 0 } else { self.scenario.faults.storage_broken };
        let mut fetcher = Fetcher {
            on,
            launch: &attempt.launch,
            plan: &attempt.plan,
            machines: &mut self.machines,
            owners: &self.owners,
            stores: &mut self.stores,
            storage: &mut self.storage,
            scheduler: self.application.scheduler(),
            network_partitions: &self.network_partitions,
            caching: self.scenario.reads_cached_remotely.then_some(&self.caching),
            copies: (self.scenario.copies > 1).then_some(self.application.scheduler()),
            rng: &mut self.rng,
            now: self.now,
            host_service: self.scenario.host_service,
            broken,
            storage_broken,
            storage_reads: 0,
            unreachable_named: self.scenario.faults.unreachable_named,
            changes: CacheChanges::default(),
        };
        let found = read(&mut fetcher);
        let Fetcher { changes, storage_reads, .. } = fetcher;
        self.report.read_from_storage += storage_reads;
        (found, changes)
    }
}

impl Fetcher<'_> {
    fn own_cached(&mut self) -> &mut BTreeMap<CachedName, Kept> {
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

    fn is_in_storage(&self, (shuffle, map, task): BlockName) -> bool {
        self.scheduler.stored_output(shuffle, map, task).is_some()
    }

    /// Reads an output from the storage, if the driver says that it is there.
    fn stored(&mut self, name: BlockName) -> Option<Arc<Block>> {
        if self.rng.per_mille(self.storage_broken) {
            self.storage.lose(name);
        }
        let block = self.storage.blocks.get(&name).cloned();
        self.storage_reads += u64::from(block.is_some());
        block.filter(|_| self.is_in_storage(name))
    }

    /// Reads a cached partition from one of the executors that are said to have it. A copy is cached here or not.
    fn find_remote(&mut self, name: CachedName) -> Option<Data> {
        let caching = self.caching?;
        let Some(scheduler) = self.copies else {
            let holder = caching.holders(name).find(|holder| *holder != self.on)?;
            return self.find_at(name, holder);
        };
        let (rdd, partition, version) = name;
        let said = scheduler.holders(rdd, partition, version).into_iter().filter(|holder| *holder != self.on);
        let found = said.collect::<Vec<_>>().into_iter().find_map(|holder| self.find_at(name, holder));
        if found.is_none() {
            let mut counted = caching.counted(name).filter(|holder| scheduler.knows_executor(*holder));
            let living = counted.find(|holder| self.read_at(name, *holder).is_some());
            if let Some(holder) = living {
                self.changes.needless = Some(format!(
                    "rdd {rdd} partition {partition} version {version} is computed again, and executor {holder} has it"
                ));
            }
        }
        found
    }

    /// Reads a cached partition from an executor, if it can be reached and has it.
    fn read_at(&self, name: CachedName, holder: ExecutorId) -> Option<Kept> {
        let reached = self.machine(holder).runs(self.now)
            && self.network_partitions.reaches(self.now, self.host(self.on), self.host(holder));
        let cache = self.machine(holder).caches.get(&holder);
        cache.and_then(|cache| cache.get(&name)).filter(|_| reached).cloned()
    }

    fn find_at(&mut self, name: CachedName, holder: ExecutorId) -> Option<Data> {
        let Some(kept) = self.read_at(name, holder) else {
            self.changes.stale += 1;
            return None;
        };
        self.changes.read_remote += 1;
        if self.rng.per_mille(500) {
            self.own_cached().insert(name, kept.clone());
            self.changes.stored.push(name);
        }
        Some(self.take_kept(name, kept))
    }

    /// Reads what an executor that has ended has left among the files of this host.
    fn find_left(&mut self, name: CachedName) -> Option<Kept> {
        let (rdd, partition, version) = name;
        let left = &self.stores.get(&self.machine(self.on).address)?.cached;
        let kept = left.get(&name).cloned();
        let older =
            left.range((rdd, partition, 0)..(rdd, partition, Generation::of(version).first_version()));
        self.changes.outdated_near += u64::from(kept.is_none()) * older.count() as u64;
        self.changes.read_left += u64::from(kept.is_some());
        kept
    }

    /// A cached partition is read: it must be of the generation that the job has found.
    fn take_kept(&mut self, name: CachedName, kept: Kept) -> Data {
        let (rdd, partition, version) = name;
        self.changes.read += 1;
        let (task, own) = (self.launch.task, self.plan.persisted.get(&rdd));
        if own != Some(&kept.generation) {
            self.changes.outdated = Some(format!(
                "task {task} reads rdd {rdd} partition {partition} version {version}, which was cached in generation {:?}, and its \
                 own is {own:?}",
                kept.generation
            ));
        }
        kept.data
    }

    /// Under which version a task may read and keep a partition.
    fn name(&self, rdd: RddId, partition: Partition) -> Option<CachedName> {
        let (_, version) = self.launch.cached.iter().find(|(cached, _)| *cached == rdd)?;
        Some((rdd, partition, *version))
    }
}

fn not_stored(shuffle: ShuffleId, output: &MapOutput, unreachable: Vec<ExecutorId>) -> TaskFailure {
    TaskFailure::FetchFailed {
        shuffle,
        map: output.map,
        map_task: output.task,
        executor: output.executor,
        unreachable,
        message: "the storage does not have it".into(),
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
            let name = (shuffle, output.map, output.task);
            if output.executor == ExecutorId::STORAGE {
                // The storage says that it has not, or does not say anything.
                let says = self.rng.per_mille(700);
                let failed =
                    || not_stored(shuffle, output, if says { vec![] } else { vec![ExecutorId::STORAGE] });
                let block = self.stored(name).ok_or_else(failed)?;
                data.absorb(&block.whims, block.mixed);
                data.records.extend(&block.buckets[reducer.index()]);
                continue;
            }
            let address = self.machine(output.executor).address.clone();
            if self.rng.per_mille(self.broken)
                && let Some(store) = self.stores.get_mut(&address)
            {
                store.lose(name);
            }
            let served = self.is_served(output.executor);
            let block = self.stores.get(&address).and_then(|store| store.blocks.get(&name));
            let Some(block) = block.filter(|_| served) else {
                // Most readers look into the storage, and some find out too late that they could.
                if self.is_in_storage(name) && self.rng.per_mille(700) {
                    let failed = || not_stored(shuffle, output, vec![ExecutorId::STORAGE]);
                    let block = self.stored(name).ok_or_else(failed)?;
                    data.absorb(&block.whims, block.mixed);
                    data.records.extend(&block.buckets[reducer.index()]);
                    continue;
                }
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
        match self.own_cached().get(&name).cloned().or_else(|| self.find_left(name)) {
            Some(kept) => Found::Cached(self.take_kept(name, kept)),
            None => self.find_remote(name).map_or(Found::ToCache, Found::Cached),
        }
    }

    fn meet_barrier(&mut self) {
        self.changes.met_barrier = true;
    }

    /// Keeps a partition, with what its functions added: and nothing of older versions.
    fn keep(&mut self, rdd: RddId, partition: Partition, data: &Data) {
        let Some(name) = self.name(rdd, partition) else { return };
        let (task, generation) = (self.launch.task, self.plan.persisted[&rdd]);
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
        cached.insert(name, Kept { data, generation });
        self.changes.dropped.extend(older);
        self.changes.stored.push(name);
    }
}
