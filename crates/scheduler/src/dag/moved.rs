//! When map outputs move to another executor before theirs goes: nothing is computed again.
//!
//! The attempt that wrote an output stays its name, so whatever was computed from it stands. Stages that have the newest snapshot are
//! given the one that follows it, without a new attempt: their next tasks read where the outputs are now. Tasks that were launched
//! with the older one find the outputs where they were for as long as somebody serves them there, and ask anew after that.

use crate::effect::{Effect, ShuffleOutputs};
use crate::scheduler::Scheduler;
use crate::stages::{Inputs, Phase};
use firesteel_types::{ExecutorId, Partition, ShuffleId, TaskId};
use std::collections::BTreeMap;

impl Scheduler {
    /// Another executor has map outputs from now on. What counts no more may go there, and what somebody else has who stays: two may
    /// have been asked, one after the other. What came to somebody who is gone is still where it was.
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
                        // What it left with a service of its host.
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

    /// Gives the attempts that read a shuffle as it was the snapshot of how it is.
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
