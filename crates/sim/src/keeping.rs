//! Persisted RDDs: which they are at the moment, what becomes of partitions that executors keep of them, and what the driver
//! has heard.
//!
//! Users persist RDDs and change their mind while jobs run. A job is told what is persisted when it is submitted. What
//! executors say of kept partitions may never arrive, so the driver knows only a part of what is there, and some that is not.

use crate::checker::Objection;
use crate::fetch::KeptChanges;
use crate::machine::KeptName;
use crate::world::{Happening, Word, World};
use firesteel_scheduler::Event;
use firesteel_types::{ExecutorId, RddId};
use std::collections::{BTreeMap, BTreeSet};

/// What is persisted, and what the driver heard of it.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    persisted: BTreeSet<RddId>,
    /// What was stored, by the life of the executor.
    heard: BTreeSet<(ExecutorId, u32, KeptName)>,
    /// The executors that were heard to keep a partition, whether or not they still do.
    holders: BTreeMap<KeptName, BTreeSet<ExecutorId>>,
}

impl Keeping {
    pub(crate) fn is_persisted(&self, rdd: RddId) -> bool {
        self.persisted.contains(&rdd)
    }

    /// The executors that were heard to keep a partition, whether or not they still do.
    pub(crate) fn holders(&self, name: KeptName) -> impl Iterator<Item = ExecutorId> {
        self.holders.get(&name).into_iter().flatten().copied()
    }

    /// An executor has dropped what it kept of an RDD: what was heard until then tells nothing of what it keeps later.
    pub(crate) fn dropped(&mut self, executor: ExecutorId, rdd: RddId) {
        self.heard.retain(|(on, _, (of, ..))| (*on, *of) != (executor, rdd));
    }
}

impl World {
    /// Users persist some RDDs at the beginning or later, and let go of some for a while or for ever.
    pub(crate) fn plan_keeping(&mut self, window: u64) {
        for rdd in self.program.rdds() {
            if !self.chance.per_mille(self.plot.persisted) {
                continue;
            }
            let mut time = if self.chance.per_mille(700) { 0 } else { self.chance.below(window) };
            self.at(time, Happening::Persist { rdd });
            while self.chance.per_mille(400) {
                time += self.chance.between(100, window);
                self.at(time, Happening::Unpersist { rdd });
                time += self.chance.between(1, 5_000);
                self.at(time, Happening::Persist { rdd });
            }
        }
    }

    pub(crate) fn persist(&mut self, rdd: RddId) {
        self.keeping.persisted.insert(rdd);
    }

    pub(crate) fn unpersist(&mut self, rdd: RddId) -> Result<(), Objection> {
        match self.keeping.persisted.remove(&rdd) {
            true => self.inform(Event::RddUnpersisted { rdd }, None),
            false => Ok(()),
        }
    }

    /// An executor tells of what a task has kept, and of what had to go for it.
    pub(crate) fn tell_kept(&mut self, on: ExecutorId, changes: KeptChanges) {
        let KeptChanges { stored, dropped, read, read_remote, stale, met_barrier: _ } = changes;
        self.report.cached_read_remotely += read_remote;
        self.report.kept_stale += stale;
        self.report.kept += stored.len() as u64;
        self.report.kept_read += read;
        for kept in dropped {
            self.say(on, Word::Dropped(kept));
        }
        for kept in stored {
            self.say(on, Word::Stored(kept));
            if !self.is_quiet() && self.chance.per_mille(self.plot.faults.kept_evicted) {
                let delay = self.chance.below(15_000);
                self.after(delay, Happening::Evict { on, kept });
            }
        }
    }

    /// An executor makes room.
    pub(crate) fn evict(&mut self, on: ExecutorId, kept: KeptName) {
        let machine = self.machines.get_mut(&on).expect("an executor is remembered for ever");
        if machine.alive && machine.kept.remove(&kept).is_some() {
            self.report.kept_evicted += 1;
            self.say(on, Word::Dropped(kept));
        }
    }

    /// The driver hears that a partition is kept.
    pub(crate) fn hear_stored(
        &mut self,
        from: ExecutorId,
        life: u32,
        kept: KeptName,
    ) -> Result<(), Objection> {
        if self.scheduler.knows_executor(from) {
            self.keeping.heard.insert((from, life, kept));
            self.keeping.holders.entry(kept).or_default().insert(from);
        }
        let (rdd, partition, version) = kept;
        self.inform(Event::BlockStored { executor: from, rdd, partition, version }, None)
    }

    /// After all is unpersisted, nothing is kept of which the driver has heard.
    pub(crate) fn check_nothing_kept(&self) -> Result<(), Objection> {
        for machine in self.machines.values().filter(|machine| machine.alive) {
            let is_known =
                |kept: &&KeptName| self.keeping.heard.contains(&(machine.id, machine.life, **kept));
            if let Some((rdd, partition, version)) = machine.kept.keys().find(is_known) {
                let id = machine.id;
                return Err(format!(
                    "executor {id} still keeps rdd {rdd} partition {partition} version {version}"
                ));
            }
        }
        Ok(())
    }
}
