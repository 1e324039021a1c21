//! All that events of blocks do to the store: persisted RDDs, and the memory of executors.

use crate::store::fold::Store;
use crate::store::records::{CachedPartition, Rdd, RddShare, add};
use firesteel_events::{BlockUpdatedInfo, RddInfo};

impl Store {
    /// Makes or renews the record of an RDD that a stage may cache.
    pub(crate) fn persist(&mut self, info: &RddInfo) {
        let rdd = self.rdds.entry(info.rdd_id).or_insert_with(|| Rdd { id: info.rdd_id, ..Rdd::default() });
        rdd.name.clone_from(&info.name);
        rdd.level = info.storage_level;
        rdd.num_partitions = info.num_partitions;
    }

    pub(crate) fn block_updated(&mut self, event: &BlockUpdatedInfo) {
        let level = &event.storage_level;
        let signed = |bytes: i64, here: bool| if here { bytes } else { bytes.saturating_neg() };
        let memory = signed(event.memory_size, level.use_memory);
        let disk = signed(event.disk_size, level.use_disk);
        let id = event.block_manager_id.executor_id.as_str();
        match rdd_block(&event.block_id) {
            Some((rdd, partition)) => self.rdd_block_updated(event, rdd, partition, memory, disk),
            None if event.block_id.starts_with("broadcast_") => {
                if let Some(executor) = self.executors.get_mut(id) {
                    executor.book(level.use_off_heap, memory, disk);
                }
            }
            None => {}
        }
    }

    fn rdd_block_updated(
        &mut self,
        event: &BlockUpdatedInfo,
        rdd: i64,
        partition: i64,
        memory: i64,
        disk: i64,
    ) {
        let level = &event.storage_level;
        let id = event.block_manager_id.executor_id.as_str();
        let mut executor = self.executors.get_mut(id);
        if let Some(executor) = &mut executor {
            executor.book(level.use_off_heap, memory, disk);
        }
        let Some(rdd) = self.rdds.get_mut(&rdd) else { return };
        let stays = level.use_memory || level.use_disk;
        let next = rdd.places;
        let cached = rdd
            .partitions
            .entry(partition)
            .or_insert_with(|| CachedPartition { place: next, ..CachedPartition::default() });
        rdd.places += 1;
        let had = cached.executors.iter().position(|known| known == id);
        let blocks = match (stays, had) {
            (true, Some(_)) => 0,
            (true, None) => {
                cached.executors.push(id.to_owned());
                1
            }
            (false, had) => {
                had.map(|at| cached.executors.remove(at));
                -1
            }
        };
        if cached.executors.is_empty() {
            rdd.partitions.remove(&partition);
        } else {
            cached.level = *level;
            add(&mut cached.memory_used, memory);
            add(&mut cached.disk_used, disk);
        }
        if let Some(executor) = executor {
            if executor.rdd_blocks + blocks > 0 {
                let share = rdd.shares.entry(id.to_owned()).or_default();
                add(&mut share.memory_used, memory);
                add(&mut share.disk_used, disk);
                if executor.max_on_heap.is_some() {
                    add(if level.use_off_heap { &mut share.off_heap } else { &mut share.on_heap }, memory);
                }
            } else {
                rdd.shares.remove(id);
            }
            executor.rdd_blocks += blocks;
        }
        add(&mut rdd.memory_used, memory);
        add(&mut rdd.disk_used, disk);
        if let Some(left) = self.executors.get(id).map(|executor| executor.left()) {
            let shares = self.rdds.values_mut().filter_map(|rdd| rdd.shares.get_mut(id));
            shares.for_each(|share| share.left = left);
        }
    }

    pub(crate) fn unpersist(&mut self, id: i64) {
        let Some(rdd) = self.rdds.remove(&id) else { return };
        for (executor, share) in &rdd.shares {
            if let Some(executor) = self.executors.get_mut(executor.as_str()) {
                let heap =
                    |share: &RddShare| if rdd.level.use_off_heap { share.off_heap } else { share.on_heap };
                let used = if rdd.level.use_off_heap {
                    &mut executor.used_off_heap
                } else {
                    &mut executor.used_on_heap
                };
                if executor.max_on_heap.is_some() {
                    add(used, -heap(share));
                }
                add(&mut executor.memory_used, -share.memory_used);
                add(&mut executor.disk_used, -share.disk_used);
            }
        }
        for executor in rdd.partitions.values().flat_map(|partition| &partition.executors) {
            if let Some(executor) = self.executors.get_mut(executor.as_str()) {
                executor.rdd_blocks -= 1;
            }
        }
    }

    /// Removes what an executor that is gone has kept. What others have of a partition stays.
    pub(crate) fn forget_blocks(&mut self, executor: &str) {
        for rdd in self.rdds.values_mut() {
            if let Some(share) = rdd.shares.remove(executor) {
                add(&mut rdd.memory_used, -share.memory_used);
                add(&mut rdd.disk_used, -share.disk_used);
            }
            rdd.partitions.retain(|_, partition| {
                partition.executors.retain(|known| known != executor);
                !partition.executors.is_empty()
            });
        }
    }
}

/// Reads `rdd_2_0`.
fn rdd_block(name: &str) -> Option<(i64, i64)> {
    let (rdd, partition) = name.strip_prefix("rdd_")?.split_once('_')?;
    Some((rdd.parse().ok()?, partition.parse().ok()?))
}
