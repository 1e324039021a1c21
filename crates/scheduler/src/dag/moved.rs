//! The move of map outputs to another executor before theirs ends: nothing is computed again.
//!
//! An output is still named by the attempt that wrote it, so all that was computed from it stands. Stages
//! that have the newest snapshot get the one that follows it, without a new attempt: their next tasks read
//! the outputs in their new place. Tasks that were launched with the older snapshot read them in their old
//! place for as long as they are served there, and fail to fetch after that.

use crate::effect::{Effect, ShuffleOutputs};
use crate::scheduler::Scheduler;
use crate::stages::{Inputs, Phase};
use firesteel_types::{ExecutorId, Partition, ShuffleId, TaskId};
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
