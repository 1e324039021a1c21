//! Persisted RDDs: which they are at the moment, what becomes of partitions that executors keep of them, and what the driver
//! has heard.
//!
//! Users persist RDDs and change their mind while jobs run. A job is told what is persisted when it is submitted. What
//! executors say of cached partitions may never arrive, so the driver knows only a part of what is there, and some that is not.

mod record;

use record::is_of;
pub(crate) use record::{CacheChanges, Caching};

use crate::happening::{Fault, Happening, Message};
use crate::machine::CachedName;
use crate::objection::Objection;
use crate::rng::{Rng, mix2};
use crate::world::World;
use firesteel_scheduler::{Agent, AgentId, AgentMessage, Event};
use firesteel_types::{BlockKey, ExecutorId, Generation, RddId};
use std::collections::BTreeSet;

impl World {
    /// Users persist some RDDs at the beginning or later, and let go of some for a while or for ever. While they are not
    /// persisted, what they are computed from may change.
    pub(crate) fn plan_caching(&mut self, window: u64) {
        for rdd in self.program.rdds() {
            if !self.rng.per_mille(self.scenario.persisted) {
                continue;
            }
            let mut time = if self.rng.per_mille(700) { 0 } else { self.rng.below(window) };
            self.at(time, Happening::Persist { rdd });
            while self.rng.per_mille(400) {
                time += self.rng.between(100, window);
                self.at(time, Happening::Unpersist { rdd });
                time += self.rng.between(1, 5_000);
                self.at(time, Happening::Persist { rdd });
            }
        }
    }

    /// Before some jobs, executors end that leave something behind, and sources change.
    pub(crate) fn plan_changes(&mut self, submitted: &[u64]) {
        let mut rng = Rng::new(mix2(self.report.seed, 0x6368_616e_6765));
        for time in submitted.iter().skip(1) {
            if rng.per_mille(self.scenario.persisted_anew) {
                let most = if self.scenario.is_calm() { 0 } else { self.scenario.executors.min(6) };
                for _ in 0..rng.below(most + 1) {
                    let end = *rng.pick(&[Fault::Decommission, Fault::Death]);
                    self.at(time.saturating_sub(rng.below(4_000)), Happening::Fault(end));
                }
                self.at(*time, Happening::PersistAnew);
            }
        }
    }

    pub(crate) fn persist(&mut self, rdd: RddId) {
        let Generation(number) = self.caching.next;
        self.caching.persisted.entry(rdd).or_insert(Generation(number));
        self.caching.next = Generation(number + 1);
    }

    pub(crate) fn unpersist(&mut self, rdd: RddId) -> Result<(), Objection> {
        let Some(generation) = self.caching.persisted.remove(&rdd) else { return Ok(()) };
        self.caching.forget(rdd);
        // A thread that is about to submit a job may hold on to it for a moment.
        if !self.draining && generation.0.is_multiple_of(3) {
            self.after(u64::from(generation.0 % 7) * 500, Happening::Unpersisted { rdd, generation });
            return Ok(());
        }
        self.schedule(Event::RddUnpersisted { rdd, generation })
    }

    /// Sources change, and the user knows it.
    pub(crate) fn persist_anew(&mut self) -> Result<(), Objection> {
        for rdd in self.caching.persisted().keys().copied().collect::<Vec<_>>() {
            self.unpersist(rdd)?;
            self.persist(rdd);
        }
        Ok(())
    }

    /// Leaves what an agent's executors have cached among the files at its address, if these outlive them.
    pub(crate) fn leave_cached(&mut self, id: AgentId) {
        if self.scenario.host_service {
            let caches = std::mem::take(&mut self.agent(id).caches);
            self.store(id).cached.extend(caches.into_values().flatten());
        }
    }

    /// An agent drops what one of its executors has cached of an RDD, and what lies among its files.
    pub(crate) fn drop_cached(
        &mut self,
        id: AgentId,
        (rdd, until): (RddId, Generation),
        executor: ExecutorId,
    ) {
        self.agent(id).cache(executor).retain(|name, _| !is_of(name, rdd, until));
        self.store(id).cached.retain(|name, _| !is_of(name, rdd, until));
        self.caching.dropped(executor, rdd, until);
    }

    /// An executor tells of what a task has kept, and of what had to go for it.
    pub(crate) fn report_cached(&mut self, on: ExecutorId, changes: CacheChanges) {
        let CacheChanges { stored, dropped, read, read_remote, read_left, stale, outdated_near, .. } =
            changes;
        self.report.cached_read_left += read_left;
        self.report.cached_outdated += outdated_near;
        self.report.cached_read_remotely += read_remote;
        self.report.cached_stale += stale;
        self.report.cached += stored.len() as u64;
        self.report.cached_read += read;
        for cached in dropped {
            self.report_block(on, cached, false);
        }
        for cached in stored {
            self.report_block(on, cached, true);
            if !self.is_quiet() && self.rng.per_mille(self.scenario.faults.cached_evicted) {
                let delay = self.rng.below(15_000);
                self.after(delay, Happening::Evict { on, cached });
            }
        }
    }

    /// An executor makes room.
    pub(crate) fn evict(&mut self, on: ExecutorId, cached: CachedName) {
        if self.machine_of(on).cache(on).remove(&cached).is_some() {
            self.report.cached_evicted += 1;
            self.caching.evicted.insert(cached);
            self.report_block(on, cached, false);
        }
    }

    /// An executor tells that it has cached a partition, or dropped it.
    pub(crate) fn report_block(&mut self, on: ExecutorId, cached: CachedName, is_there: bool) {
        let (executor, (rdd, partition, version)) = (on, cached);
        let key = BlockKey { rdd, partition, version };
        let message = match is_there {
            true => AgentMessage::BlockStored { executor, key, size: Default::default() },
            false => AgentMessage::BlockDropped { executor, key },
        };
        self.send(self.owners[&on], Message::Agent(message));
    }

    /// The driver hears that a partition is cached.
    pub(crate) fn note_stored(&mut self, on: ExecutorId, cached: CachedName) {
        if self.application.scheduler().knows_executor(on) {
            self.caching.heard.insert((on, cached));
            self.caching.holders.entry(cached).or_default().insert(on);
            self.caching.count(on, cached);
        }
    }

    /// Agents come or go: for a while, there may be fewer copies than are wanted.
    pub(crate) fn unsettle_copies(&mut self) {
        // The longest pause before another try, and the time that a taker has which does not answer.
        self.caching.unsettled_until = self.now + 64_000 + 60_000 + 30_000;
    }

    /// Long after the last fault, each partition has as many copies as it should, if there are as many addresses.
    pub(crate) fn check_copies(&mut self) -> Result<(), Objection> {
        if !self.scenario.repairs_copies || self.now < self.caching.unsettled_until {
            return Ok(());
        }
        let scheduler = self.application.scheduler();
        let stays = |id: &AgentId| !self.application.is_decommissioned(*id) && self.machines[id].alive;
        let is_home = |(id, agent): &(&AgentId, &Agent)| {
            let is_known = |executor: &ExecutorId| scheduler.knows_executor(*executor);
            stays(id) && agent.ready.iter().any(is_known)
        };
        let homes = self.application.agents().iter().filter(is_home);
        let homes: BTreeSet<&str> = homes.map(|(_, agent)| agent.registration.cached.as_str()).collect();
        let wanted = homes.len().min(self.scenario.copies.into());
        let (mut complete, mut checked) = (0, 0);
        for (name, holders) in &self.caching.counted {
            let (rdd, partition, version) = *name;
            if self.caching.evicted.contains(name) || !self.caching.is_wanted(rdd, version) {
                continue;
            }
            let known = holders.iter().filter(|holder| scheduler.knows_executor(**holder));
            let known = known.map(|holder| self.owners[holder]).filter(stays);
            let places: BTreeSet<&str> = known.map(|id| self.machines[&id].cached_address.as_str()).collect();
            if !places.is_empty() && places.len() < wanted {
                return Err(format!(
                    "rdd {rdd} partition {partition} version {version} is cached at {places:?} alone, of {homes:?}"
                ));
            }
            checked += u64::from(!places.is_empty());
            complete += u64::from(places.len() > 1);
        }
        (self.report.copies_checked, self.report.copies_complete) = (checked, complete);
        Ok(())
    }

    /// After all is unpersisted, nothing is kept of which the driver has heard.
    pub(crate) fn check_nothing_cached(&self) -> Result<(), Objection> {
        let caches = self.machines.values().flat_map(|machine| &machine.caches);
        for (executor, cache) in caches {
            let is_known = |cached: &&CachedName| self.caching.heard.contains(&(*executor, **cached));
            if let Some((rdd, partition, version)) = cache.keys().find(is_known) {
                return Err(format!(
                    "executor {executor} still caches rdd {rdd} partition {partition} version {version}"
                ));
            }
        }
        Ok(())
    }
}
