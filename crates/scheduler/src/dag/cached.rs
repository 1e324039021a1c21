//! Cached partitions: the inputs that a stage does not need because of them, and the versions that tell valid
//! ones from others.
//!
//! A stage need not read a shuffle if every path to it leads through a persisted RDD all of whose partitions
//! are cached: then the stages that write it need not run either. The scheduler decides that anew with each
//! attempt. A task that relied on a partition and finds it gone fails with
//! [`CachedBlockLost`](firesteel_types::TaskFailure::CachedBlockLost), and its stage gets all its inputs from
//! then on.
//!
//! **Versions.** A cached partition was computed from map outputs. When one of those is written again with
//! other records, `dag::rollback` undoes all that was computed from the first; the version of the shuffle
//! grows, and that of all shuffles downstream of it. The version of a persisted RDD is the sum of those of
//! the shuffles behind it; where a barrier stage computes it, it grows with each attempt too, since all tasks
//! of a barrier stage have to compute their partition, or none. A task is told the versions of the RDDs that
//! it may read or cache, and executors cache blocks by version: old and new partitions of one RDD cannot be
//! mixed.
//!
//! **Generations.** What a program has unpersisted must not be read when it persists the RDD again: its source may have
//! changed. But no order to drop it reaches all of it, such as what executors that have ended have left among the files of
//! their host. So each `persist` begins a generation, which is the upper half of the version. A job declares the generation
//! that it found, and keeps to it: one that runs on after `unpersist` caches nothing for those that come later. The
//! newest generation that a job has declared is the one that counts.

use crate::effect::Effect;
use crate::event::StageSpec;
use crate::scheduler::Scheduler;
use crate::stages::{Phase, Stage, Versions};
use firesteel_plan::{Cached, CachedRdd};
use firesteel_types::{
    AppEvent, BlockKey, BlockSize, ExecutorId, Generation, Partition, RddId, ShuffleId, StageId, TaskLocation,
};
use std::collections::BTreeSet;

impl Scheduler {
    /// Returns the inputs that an attempt at a stage needs now, in the order of its spec.
    pub(crate) fn needed_inputs(&self, stage: &Stage) -> Vec<ShuffleId> {
        let Cached { last, rdds } = &stage.spec.cached;
        if rdds.is_empty() || stage.distrusts_cached {
            return stage.spec.inputs.clone();
        }
        let mut needed: BTreeSet<ShuffleId> = last.shuffles.iter().copied().collect();
        let mut seen: BTreeSet<usize> = last.cached.iter().copied().collect();
        let mut pending = last.cached.clone();
        while let Some(at) = pending.pop() {
            let cached = &rdds[at];
            if self.is_all_cached(cached) {
                continue;
            }
            needed.extend(&cached.reads.shuffles);
            pending.extend(cached.reads.cached.iter().copied().filter(|next| seen.insert(*next)));
        }
        stage.spec.inputs.iter().copied().filter(|input| needed.contains(input)).collect()
    }

    /// Returns the version under which tasks read and cache partitions of a persisted RDD.
    fn version(&self, cached: &CachedRdd) -> u64 {
        // The shuffles behind a truncated lineage are not known any more, so the newest version that was
        // cached counts.
        if cached.is_truncated {
            return self.blocks.version(cached.rdd, cached.generation);
        }
        let behind = cached.behind.iter().map(|shuffle| self.outputs.version(*shuffle));
        let restarts = if cached.barrier { self.blocks.restarts(cached.rdd) } else { 0 };
        let inputs = u32::try_from(behind.sum::<u64>() + restarts);
        cached.generation.version(inputs.expect("inputs are not written anew four billion times"))
    }

    /// Returns whether all partitions of a persisted RDD are cached, as far as is known.
    pub(crate) fn is_all_cached(&self, cached: &CachedRdd) -> bool {
        self.blocks.has_all(cached.rdd, cached.partitions, self.version(cached))
    }

    /// Returns the versions under which an attempt at a stage reads and caches.
    pub(crate) fn versions(&self, spec: &StageSpec) -> Versions {
        spec.cached.rdds.iter().map(|cached| (cached.rdd, self.version(cached))).collect()
    }

    /// Returns, for each partition of a stage, the executors that have cached it. Of several persisted RDDs
    /// that have the stage's partitions the last one counts: the least is left to compute there. Returns
    /// nothing for a stage without such an RDD.
    pub(crate) fn cached_at(&self, spec: &StageSpec) -> Vec<Vec<TaskLocation>> {
        let aligned = spec.cached.rdds.iter().filter(|cached| cached.aligned);
        let Some(aligned) = aligned.max_by_key(|cached| cached.rdd) else { return vec![] };
        let version = self.version(aligned);
        let place = |executor: ExecutorId| {
            let host = self.executors.get(executor)?.host.to_string();
            Some(TaskLocation { host, executor: Some(executor) })
        };
        let holders = |partition| self.blocks.holders(aligned.rdd, Partition(partition), version);
        (0..spec.partitions).map(|partition| holders(partition).filter_map(place).collect()).collect()
    }

    /// Notes that an executor has cached a partition. It drops it again if the generation is not the one that counts.
    pub(crate) fn block_stored(
        &mut self,
        executor: ExecutorId,
        key: BlockKey,
        size: BlockSize,
        fx: &mut Vec<Effect>,
    ) {
        if !self.executors.contains(executor) {
            return;
        }
        match self.blocks.stored(executor, key, size) {
            true => {
                fx.push(Effect::Event(AppEvent::BlockStored { at: self.now, executor, key, size }));
                self.wake_spared(key.rdd);
            }
            false => fx.push(Effect::DropCached { rdd: key.rdd, until: key.generation(), executor }),
        }
    }

    /// Notes that an executor has a cached partition no more.
    pub(crate) fn block_dropped(&mut self, executor: ExecutorId, key: BlockKey, fx: &mut Vec<Effect>) {
        self.blocks.dropped(executor, key);
        fx.push(Effect::Event(AppEvent::BlockDropped { at: self.now, executor, key }));
    }

    /// Puts the stages on the agenda that wait for inputs which they do not need any more, now that all of an
    /// RDD is cached. Nothing else would: the stages that write those inputs are stopped once no stage needs
    /// them.
    fn wake_spared(&mut self, rdd: RddId) {
        let is_spared = |stage: &Stage| {
            let all = |cached: &CachedRdd| {
                cached.rdd == rdd && self.blocks.has_all(rdd, cached.partitions, self.version(cached))
            };
            matches!(stage.phase, Phase::Waiting) && stage.spec.cached.rdds.iter().any(all)
        };
        let spared: Vec<StageId> =
            self.stages.all().filter(|(_, stage)| is_spared(stage)).map(|(id, _)| id).collect();
        self.dirty_stages.extend(spared);
    }

    /// Makes a job's persisted RDD known. If the program has persisted it anew, what was cached before that goes.
    pub(crate) fn declare_cached(&mut self, cached: &CachedRdd, fx: &mut Vec<Effect>) {
        if let Some(before) = self.blocks.generation(cached.rdd).filter(|before| *before < cached.generation)
        {
            self.rdd_unpersisted(cached.rdd, before, fx);
        }
        self.blocks.declare(cached.rdd, cached.generation, cached.copies);
    }

    /// Has executors drop the partitions of an RDD that were cached in a generation which has ended.
    pub(crate) fn rdd_unpersisted(&mut self, rdd: RddId, until: Generation, fx: &mut Vec<Effect>) {
        // A job that came before this event may have declared the next generation, which has ended this one.
        if self.blocks.generation(rdd).is_some_and(|known| known > until) {
            return;
        }
        fx.push(Effect::Event(AppEvent::Unpersisted { at: self.now, rdd }));
        let holders = self.blocks.forget(rdd);
        fx.extend(holders.into_iter().map(|executor| Effect::DropCached { rdd, until, executor }));
    }
}
