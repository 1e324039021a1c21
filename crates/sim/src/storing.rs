//! The shuffle storage: map outputs that are written there, and outlive their executors.
//!
//! Agents write outputs soon after their tasks have ended, before that, or when they are told to; a write may fail, and
//! so may a read, for ever. The rules:
//!
//! - An output that counts and is said to be in the storage was written there, by its name, before that was said.
//! - When executors are lost, no output that counts and is in the storage is lost with them.
//! - Nothing is left there of a shuffle that is gone.

mod record;

pub(crate) use record::Storage;

use crate::happening::{Happening, Message};
use crate::machine::BlockName;
use crate::objection::Objection;
use crate::scenario::Write;
use crate::world::World;
use firesteel_scheduler::{
    AgentId, AgentMessage, ApplicationEffect, ApplicationEvent, Effect, Event, StoreOrder,
};
use firesteel_types::{ExecutorId, ShuffleId, StoredObject, StoredOutputs, TaskId};
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// An attempt has written its output: it goes to the storage, too, now or later.
    pub(crate) fn store_output(&mut self, agent: AgentId, name: BlockName) {
        match self.scenario.storage {
            Some(Write::Through) => drop(self.upload(agent, &[name])),
            Some(Write::Background) => {
                let delay = self.rng.between(1, 6_000);
                self.after(delay, Happening::Uploads { on: agent, name });
            }
            Some(Write::Notice) | None => {}
        }
    }

    /// An agent writes outputs to the storage, those that it has, and tells the driver. Returns their number.
    pub(crate) fn upload(&mut self, agent: AgentId, names: &[BlockName]) -> u32 {
        let address = self.machines[&agent].address.clone();
        let fails = !self.is_quiet() && self.rng.per_mille(self.scenario.faults.storage_fails);
        let mut by_shuffle: BTreeMap<ShuffleId, Vec<BlockName>> = BTreeMap::new();
        for name in names.iter().filter(|_| !fails) {
            let block = self.stores.get(&address).and_then(|store| store.blocks.get(name)).cloned();
            let Some(block) = block else { continue };
            self.storage.blocks.insert(*name, block);
            self.storage.lost.remove(name);
            by_shuffle.entry(name.0).or_default().push(*name);
        }
        let stored = by_shuffle.values().map(Vec::len).sum::<usize>() as u32;
        for (shuffle, names) in by_shuffle {
            self.storage.next_number += 1;
            let by = self.machines[&agent].executors.first().copied().unwrap_or(ExecutorId(0));
            let object =
                StoredObject { life: 0, by, number: self.storage.next_number, index_at: 0, length: 1 };
            let outputs = names.iter().map(|(_, map, task)| (*map, *task)).collect();
            let stored = StoredOutputs { shuffle, object, outputs };
            self.send(agent, Message::Agent(AgentMessage::OutputsStored { stored }));
        }
        stored
    }

    /// An agent has done what the driver has ordered.
    pub(crate) fn stored(&mut self, agent: AgentId, order: &StoreOrder) {
        let stored = self.upload(agent, &order.outputs);
        let message = AgentMessage::StoreDone { number: order.number, stored };
        self.send(agent, Message::Agent(message));
    }

    /// The driver is told of outputs in the storage.
    pub(crate) fn note_stored_outputs(&mut self, stored: &StoredOutputs) {
        let names = stored.outputs.iter().map(|(map, task)| (*task, (stored.shuffle, *map, *task)));
        self.storage.told.extend(names);
        self.report.outputs_stored += stored.outputs.len() as u64;
    }

    /// Returns the outputs that count and are in the storage, before executors may be lost by an event,
    /// with their holders.
    pub(crate) fn stored_before(&self, event: &ApplicationEvent) -> Vec<(BlockName, Option<ExecutorId>)> {
        match event {
            ApplicationEvent::AgentDisconnected { .. }
            | ApplicationEvent::AgentEnded { .. }
            | ApplicationEvent::Scheduler(Event::Tick) => {
                let counts = |name: &BlockName| self.counts_in_storage(*name);
                let counting = self.storage.told.values().copied().filter(counts);
                counting.map(|name| (name, self.holder_of(name))).collect()
            }
            _ => vec![],
        }
    }

    fn holder_of(&self, (shuffle, map, task): BlockName) -> Option<ExecutorId> {
        self.application.scheduler().holder_of_output(shuffle, map, task)
    }

    fn counts_in_storage(&self, (shuffle, map, task): BlockName) -> bool {
        self.application.scheduler().stored_output(shuffle, map, task).is_some()
    }

    /// Checks that none of these outputs was lost with executors.
    pub(crate) fn check_kept(
        &mut self,
        before: &[(BlockName, Option<ExecutorId>)],
        effects: &[ApplicationEffect],
    ) -> Result<(), Objection> {
        for &((shuffle, map, task), held_before) in before {
            let holder = self.holder_of((shuffle, map, task));
            let has_moved = held_before != holder && holder == Some(ExecutorId::STORAGE);
            self.report.outputs_outlived += u64::from(has_moved);
            let is_gone = |effect: &ApplicationEffect| matches!(effect, ApplicationEffect::Scheduler(Effect::StoredShuffleDropped { shuffle: gone }) if *gone == shuffle);
            // The outputs of a barrier stage go together, and a job that fails takes its shuffles along.
            let is_barrier = self.plans.values().any(|plan| plan.barrier && plan.output == Some(shuffle));
            if holder.is_none() && !is_barrier && !effects.iter().any(is_gone) {
                return Err(format!(
                    "shuffle_{shuffle}_{map}_{task} is in the storage, and is lost with its executor"
                ));
            }
        }
        Ok(())
    }

    /// Returns the attempts of an executor whose outputs do not go with it.
    pub(crate) fn outlive(&self, tasks: &[TaskId]) -> Vec<TaskId> {
        let holder = |task: &TaskId| self.holder_of(*self.storage.told.get(task)?);
        let is_stored = |task: &&TaskId| holder(task) == Some(ExecutorId::STORAGE);
        tasks.iter().filter(is_stored).copied().collect()
    }

    /// A reader could not read an output of a shuffle: all that the storage has of it may be forgotten.
    pub(crate) fn storage_may_be_forgotten(&mut self, shuffle: ShuffleId) {
        let told = self.storage.told.values().filter(|name| name.0 == shuffle);
        let lost = told.filter(|name| self.holder_of(**name).is_none());
        let gone: Vec<TaskId> = lost.map(|(.., task)| *task).collect();
        gone.into_iter().for_each(|task| self.checker.dropped(task));
    }

    /// All objects of a shuffle are removed.
    pub(crate) fn empty_storage(&mut self, shuffle: ShuffleId) -> Result<(), Objection> {
        let told = self.storage.told.values().filter(|name| name.0 == shuffle);
        let counts = told.copied().find(|name| self.counts_in_storage(*name));
        if let Some((_, map, task)) = counts {
            return Err(format!("shuffle_{shuffle}_{map}_{task} counts, and is removed from the storage"));
        }
        self.storage.blocks.retain(|(of, ..), _| *of != shuffle);
        self.storage.told.retain(|_, (of, ..)| *of != shuffle);
        Ok(())
    }

    /// Checks that all outputs that are said to be in the storage are there.
    pub(crate) fn check_storage(&self) -> Result<(), Objection> {
        let in_storage = BTreeSet::from([ExecutorId::STORAGE]);
        if let Some((shuffle, output)) = self.application.scheduler().sole_copies(&in_storage).outputs.first()
        {
            return Err(format!("shuffle_{shuffle}_{} is in the storage, in no object", output.map));
        }
        let is_there =
            |name: &BlockName| self.storage.blocks.contains_key(name) || self.storage.lost.contains(name);
        match self.storage.told.values().find(|name| self.counts_in_storage(**name) && !is_there(name)) {
            Some((shuffle, map, task)) => {
                Err(format!("shuffle_{shuffle}_{map}_{task} is said to be in the storage, and is not"))
            }
            None => Ok(()),
        }
    }

    /// Checks that nothing is left in the storage that the driver was told of.
    pub(crate) fn check_storage_empty(&self) -> Result<(), Objection> {
        match self.storage.blocks.keys().find(|(.., task)| self.storage.told.contains_key(task)) {
            Some((shuffle, map, task)) => {
                Err(format!("in the storage there still is shuffle_{shuffle}_{map}_{task}"))
            }
            None => Ok(()),
        }
    }
}
