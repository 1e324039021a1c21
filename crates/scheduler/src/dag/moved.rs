//! The move of map outputs to another executor before theirs ends, or to the shuffle storage when theirs has ended:
//! nothing is computed again.
//!
//! An output is still named by the attempt that wrote it, so all that was computed from it stands. Stages
//! that have the newest snapshot get the one that follows it, without a new attempt: their next tasks read
//! the outputs in their new place. Tasks that were launched with the older snapshot read them in their old
//! place for as long as they are served there, and fail to fetch after that.

use crate::effect::{Effect, MapOutput, ShuffleOutputs};
use crate::scheduler::Scheduler;
use crate::stages::{Inputs, Phase};
use firesteel_types::{ExecutorId, Partition, ShuffleId, StoredOutputs, TaskId};
use std::collections::BTreeMap;

impl Scheduler {
    /// Notes that another executor has map outputs. Drops from it the outputs that count no more, and those
    /// that an executor has which stays: two executors may have been asked to take over the same output, one
    /// after the other. If the executor itself is gone, the outputs are still in their old place.
    pub(crate) fn outputs_moved(
        &mut self,
        to: ExecutorId,
        outputs: Vec<(ShuffleId, Partition, TaskId)>,
        fx: &mut Vec<Effect>,
    ) {
        if !self.executors.contains(to) {
            return;
        }
        let mut before: BTreeMap<ShuffleId, u64> = BTreeMap::new();
        for (shuffle, map, task) in outputs {
            let generation = self.outputs.generation(shuffle);
            match self.holder_of_output(shuffle, map, task) {
                Some(holder) if holder == to => {}
                Some(holder) if !self.executors.takes_tasks(holder) => {
                    self.outputs.relocate(shuffle, map, to);
                    before.entry(shuffle).or_insert(generation);
                    if !self.executors.contains(holder) {
                        // A service of the lost executor's host still has the file.
                        fx.push(Effect::MapOutputDropped { shuffle, map, task, executor: holder });
                    }
                }
                Some(_) | None => fx.push(Effect::MapOutputDropped { shuffle, map, task, executor: to }),
            }
        }
        for (shuffle, generation) in before {
            self.renew_inputs(shuffle, generation);
        }
    }

    /// Notes that the shuffle storage has map outputs. Those of a shuffle that is gone are removed there.
    pub(crate) fn outputs_stored(&mut self, stored: &StoredOutputs, fx: &mut Vec<Effect>) {
        match self.outputs.store(stored) {
            Some(counting) => self.write_stored(stored.shuffle, stored.object, counting, fx),
            None => fx.push(Effect::StoredShuffleDropped { shuffle: stored.shuffle }),
        }
    }

    /// Moves the outputs of an executor that the shuffle storage has as well there: its own copies, which are returned,
    /// are lost.
    pub(crate) fn fall_back_to_storage(&mut self, executor: ExecutorId) -> Vec<(ShuffleId, MapOutput)> {
        let mut before: BTreeMap<ShuffleId, u64> = BTreeMap::new();
        let moved = self.outputs.stored_on(executor);
        for (shuffle, output) in &moved {
            before.entry(*shuffle).or_insert(self.outputs.generation(*shuffle));
            self.outputs.relocate(*shuffle, output.map, ExecutorId::STORAGE);
        }
        for (shuffle, generation) in before {
            self.renew_inputs(shuffle, generation);
        }
        moved
    }

    /// Moves an output that the shuffle storage has as well there: its executor's copy cannot be read.
    pub(crate) fn output_falls_back(&mut self, shuffle: ShuffleId, map: Partition) {
        let generation = self.outputs.generation(shuffle);
        self.outputs.relocate(shuffle, map, ExecutorId::STORAGE);
        self.renew_inputs(shuffle, generation);
    }

    /// Forgets the object of the shuffle storage in which a reader did not find an output. If it is not the first of the
    /// shuffle, all that the storage has of that is forgotten. Returns whether it is the first.
    pub(crate) fn object_failed(
        &mut self,
        (shuffle, map, task): (ShuffleId, Partition, TaskId),
        fx: &mut Vec<Effect>,
    ) -> bool {
        // If it is not said to be there any more, another reader has told of it.
        let Some(object) = self.stored_output(shuffle, map, task) else { return false };
        if self.outputs.has_broken_objects(shuffle) {
            self.storage_failed(shuffle, fx);
            return false;
        }
        fx.push(Effect::StoredShuffleForgotten { shuffle });
        for output in self.outputs.forget_object(shuffle, object) {
            self.output_gone(shuffle, &output, fx);
        }
        true
    }

    /// Forgets what the shuffle storage has of a shuffle, since a reader could not read it. Outputs that nobody else
    /// has are lost. Agents are told, or they would take the outputs for stored when they are to write them.
    pub(crate) fn storage_failed(&mut self, shuffle: ShuffleId, fx: &mut Vec<Effect>) {
        if self.outputs.has_objects(shuffle) {
            fx.push(Effect::StoredShuffleForgotten { shuffle });
        }
        for output in self.outputs.forget_stored(shuffle) {
            self.output_gone(shuffle, &output, fx);
        }
    }

    /// Gives the open attempts that read a shuffle of the generation `before` the newest snapshot.
    fn renew_inputs(&mut self, shuffle: ShuffleId, before: u64) {
        for id in self.stages.readers_of(shuffle) {
            let stage = self.stages.get_mut(id).expect("the readers of a shuffle are known");
            let Phase::Running { inputs, .. } = &mut stage.phase else { continue };
            let is_older = |input: &ShuffleOutputs| (input.shuffle, input.generation) == (shuffle, before);
            if inputs.iter().any(|input| is_older(input)) {
                let snapshot = self.outputs.snapshot(shuffle);
                let renewed =
                    inputs.iter().map(|input| if is_older(input) { snapshot.clone() } else { input.clone() });
                *inputs = renewed.collect::<Inputs>();
            }
        }
    }
}
