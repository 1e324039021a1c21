//! What kept partitions spare a stage, and when they are no longer valid.
//!
//! A stage need not read a shuffle if every path to it leads through a persisted RDD all of whose partitions are kept: then
//! the stages that write it need not run either. That is decided anew with each attempt. Should a task find a partition
//! gone on which it relied, it fails with [`CachedBlockLost`](firesteel_types::TaskFailure::CachedBlockLost), and its stage is
//! given all its inputs from then on.
//!
//! **Versions.** A kept partition was computed from map outputs. When one of those is written again with other records,
//! `dag::rollback` undoes what was computed from the first; the version of the shuffle grows, and of all that is downstream
//! of it. The version of a persisted RDD is the sum of those of the shuffles behind it; where a barrier stage computes it, it grows
//! with each attempt too, since all tasks of a barrier stage have to compute their partition, or none. A task is told the versions of the
//! RDDs that it may read or keep, and executors keep blocks by version: old and new partitions of one RDD cannot be mixed.

use crate::effect::Effect;
use crate::event::StageSpec;
use crate::scheduler::Scheduler;
use crate::stages::{Phase, Stage, Versions};
use firesteel_plan::{Cached, CachedRdd};
use firesteel_types::{BlockKey, ExecutorId, Partition, RddId, ShuffleId, StageId, TaskLocation};
use std::collections::BTreeSet;

impl Scheduler {
    /// The inputs that an attempt at a stage needs now, in the order of its spec.
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

    /// The version under which partitions of a persisted RDD are read and kept.
    fn version(&self, cached: &CachedRdd) -> u64 {
        match cached.is_truncated {
            true => self.blocks.version(cached.rdd),
            false => {
                let behind = cached.behind.iter().map(|shuffle| self.outputs.version(*shuffle));
                behind.sum::<u64>() + if cached.barrier { self.blocks.restarts(cached.rdd) } else { 0 }
            }
        }
    }

    /// Whether all partitions of a persisted RDD are kept, as far as is known.
    pub(crate) fn is_all_cached(&self, cached: &CachedRdd) -> bool {
        self.blocks.has_all(cached.rdd, cached.partitions, self.version(cached))
    }

    /// The versions that an attempt at a stage reads and keeps.
    pub(crate) fn versions(&self, spec: &StageSpec) -> Versions {
        spec.cached.rdds.iter().map(|cached| (cached.rdd, self.version(cached))).collect()
    }

    /// Where the partitions of a stage would like to run: with the nearest kept partition, else where its spec says.
    pub(crate) fn places(&self, spec: &StageSpec) -> Option<Vec<Vec<TaskLocation>>> {
        let aligned =
            spec.cached.rdds.iter().filter(|cached| cached.aligned).max_by_key(|cached| cached.rdd)?;
        let version = self.version(aligned);
        let place = |executor: ExecutorId| {
            let host = self.executors.get(executor)?.host.to_string();
            Some(TaskLocation { host, executor: Some(executor) })
        };
        let of = |partition: u32| -> Vec<TaskLocation> {
            let cached: Vec<_> =
                self.blocks.holders(aligned.rdd, Partition(partition), version).filter_map(place).collect();
            match cached.is_empty() {
                true => spec.preferred.get(partition as usize).cloned().unwrap_or_default(),
                false => cached,
            }
        };
        Some((0..spec.partitions).map(of).collect())
    }

    /// An executor keeps a partition.
    pub(crate) fn block_stored(&mut self, executor: ExecutorId, key: BlockKey, fx: &mut Vec<Effect>) {
        if !self.executors.contains(executor) {
            return;
        }
        match self.blocks.stored(executor, key) {
            true => self.wake_spared(key.rdd),
            false => fx.push(Effect::DropCached { rdd: key.rdd, executor }),
        }
    }

    /// A stage may wait for inputs that it does not need any more, now that an RDD is all kept. Nobody else would tell it: those
    /// who write them run only while somebody needs what they write.
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

    /// Nobody wants an RDD to be kept any more.
    pub(crate) fn rdd_unpersisted(&mut self, rdd: RddId, fx: &mut Vec<Effect>) {
        let holders = self.blocks.forget(rdd);
        fx.extend(holders.into_iter().map(|executor| Effect::DropCached { rdd, executor }));
    }
}
