//! How attempts are told to stop.

use crate::effect::Effect;
use crate::scheduler::Scheduler;
use firesteel_types::{KillReason, StageId, TaskId};

impl Scheduler {
    /// Tells an attempt to stop. From now on its outcome has no consequence. The caller decides about its
    /// task.
    pub(crate) fn kill(&mut self, id: TaskId, reason: KillReason, fx: &mut Vec<Effect>) {
        let task = self.tasks.get_mut(id).expect("only a running attempt is killed");
        assert!(task.killed.is_none(), "task {id} is killed once");
        task.killed = Some(reason.clone());
        let (stage, index, executor) = (task.stage, task.index, task.executor);
        self.refuse_caller(id, &reason, fx);
        self.commits.release(stage, index, id);
        self.stages.get_mut(stage).expect("a task that counts has a stage").running.remove(&id);
        fx.push(Effect::Kill { task: id, executor, reason });
    }

    /// Tells all attempts of a stage to stop.
    pub(crate) fn kill_all(&mut self, stage: StageId, reason: KillReason, fx: &mut Vec<Effect>) {
        let running = std::mem::take(&mut self.stages.get_mut(stage).expect("the stage is known").running);
        for id in running {
            self.kill(id, reason.clone(), fx);
        }
    }
}
