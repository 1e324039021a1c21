//! Executors that are sent away and do not go at once: they get no more tasks, others take over what they have, in rounds and not
//! always all of it, and then they are gone, with the service of their host.
//!
//! What was copied counts when the driver hears of it. Until then anything may happen to either side.

use crate::checker::Objection;
use crate::machine::BlockName;
use crate::world::{Happening, Message, World};
use firesteel_scheduler::Event;
use firesteel_types::{ExecutorId, ExecutorLossReason};
use std::collections::BTreeSet;

/// So often an executor that has tasks is waited for. Then it goes with them.
const ROUNDS: u32 = 20;

impl World {
    /// The driver is told to send an executor away.
    pub(crate) fn begin_leaving(&mut self, id: ExecutorId) -> Result<(), Objection> {
        self.inform(Event::ExecutorDecommissioning { executor: id }, None)?;
        let delay = self.rng.between(1, 3_000);
        self.after(delay, Happening::Moves { from: id, rounds: 0 });
        Ok(())
    }

    /// Somebody takes over a part of what an executor has. When nothing is left, it may go.
    pub(crate) fn moves(&mut self, from: ExecutorId, rounds: u32) -> Result<(), Objection> {
        let held = self.scheduler.sole_copies(&BTreeSet::from([from]));
        let is_busy = !self.machines[&from].attempts.is_empty();
        let is_done = held.outputs.is_empty() && held.cached.is_empty() && !is_busy;
        if is_done || rounds == ROUNDS {
            self.go(from);
            return Ok(());
        }
        let stays = |id: &ExecutorId| *id != from && self.scheduler.knows_executor(*id);
        let awake =
            self.machines.values().filter(|machine| machine.alive && machine.frozen_until <= self.now);
        let there: Vec<ExecutorId> = awake.map(|machine| machine.id).filter(stays).collect();
        if !there.is_empty() && self.machines[&from].serves(self.now, self.scenario.host_service) {
            let to = *self.rng.pick(&there);
            self.copy(from, to, held);
        }
        let delay = self.rng.between(100, 3_000);
        self.after(delay, Happening::Moves { from, rounds: rounds + 1 });
        Ok(())
    }

    fn copy(&mut self, from: ExecutorId, to: ExecutorId, held: firesteel_scheduler::SoleCopies) {
        let mut taken: Vec<BlockName> = vec![];
        for (shuffle, output) in held.outputs {
            let name = (shuffle, output.map, output.task);
            let block = self.machines[&from].blocks.get(&name).cloned();
            let Some(block) = block.filter(|_| self.rng.per_mille(900)) else { continue };
            self.machine_mut(to).blocks.insert(name, block);
            taken.push(name);
        }
        for name in held.cached {
            let Some(data) = self.machines[&from].cached.get(&name).cloned() else { continue };
            self.machine_mut(to).cached.insert(name, data);
            self.report.cached_migrated += 1;
            self.send(to, Message::Stored(name));
        }
        self.send(to, Message::Migrated(taken));
    }

    fn machine_mut(&mut self, id: ExecutorId) -> &mut crate::machine::Machine {
        self.machines.get_mut(&id).expect("an executor is remembered for ever")
    }

    /// An executor has map outputs that another had. What it took in an earlier life it has no more.
    pub(crate) fn on_migrated(
        &mut self,
        to: ExecutorId,
        life: u32,
        outputs: &[BlockName],
    ) -> Result<(), Objection> {
        if self.scheduler.knows_executor(to) && self.lives.get(&to) == Some(&life) {
            self.inform(Event::OutputsMoved { to, outputs: outputs.to_vec() }, None)?;
        }
        for &(shuffle, map, task) in outputs {
            if self.scheduler.holder_of_output(shuffle, map, task) == Some(to) {
                self.report.outputs_taken_over += 1;
                self.checker.taken_over(task, to);
            } else {
                self.machine_mut(to).blocks.remove(&(shuffle, map, task));
            }
        }
        Ok(())
    }

    /// It ends, and its host with it.
    fn go(&mut self, id: ExecutorId) {
        let machine = self.machine_mut(id);
        machine.die(false);
        machine.gone = true;
        let life = machine.life;
        let delay = self.rng.between(1, 3_000);
        self.after(delay, Happening::ToDriver { from: id, life, message: Message::Gone });
    }

    /// The driver hears that it is gone. What nobody took over is lost.
    pub(crate) fn on_gone(&mut self, id: ExecutorId) -> Result<(), Objection> {
        let reason = ExecutorLossReason::Decommissioned;
        self.inform(Event::ExecutorLost { executor: id, reason, outputs_survive: false }, None)
    }
}
