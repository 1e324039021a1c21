//! The steps that concern single tasks: which task takes which slot ([`offers`]), what its outcome means ([`outcomes`]),
//! when it gets a copy ([`speculation`]), what the coming and going of executors does to it ([`liveness`]).
//!
//! This file has the table of attempts that take a slot. An attempt stays in it until its outcome arrives or its executor
//! is lost, even if it was told to stop; what was told to stop can end in any way without any consequence. So the rule for
//! late and doubled messages is simple: whoever is not in the table, or was told to stop, is not listened to.

pub(crate) mod barrier_sets;
pub(crate) mod liveness;
pub(crate) mod median;
pub(crate) mod offers;
pub(crate) mod outcomes;
pub(crate) mod queues;
pub(crate) mod speculation;
pub(crate) mod task_set;

use crate::effect::Effect;
use crate::scheduler::Scheduler;
use firesteel_types::{ExecutorId, KillReason, Millis, Partition, StageAttempt, StageId, TaskId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One attempt that takes a slot.
#[derive(Clone, Debug)]
pub(crate) struct RunningTask {
    pub(crate) stage: StageId,
    pub(crate) stage_attempt: StageAttempt,
    /// The position among the stage's outputs.
    pub(crate) index: u32,
    pub(crate) partition: Partition,
    pub(crate) executor: ExecutorId,
    pub(crate) started: Millis,
    pub(crate) pool: Arc<str>,
    /// Why it was told to stop, if it was.
    pub(crate) killed: Option<KillReason>,
}

/// All attempts that take a slot.
#[derive(Debug, Default)]
pub(crate) struct RunningTasks {
    next: u64,
    table: BTreeMap<TaskId, RunningTask>,
}

impl RunningTasks {
    pub(crate) fn insert(&mut self, task: RunningTask) -> TaskId {
        let id = TaskId(self.next);
        self.next += 1;
        self.table.insert(id, task);
        id
    }

    /// The attempt that will be launched next.
    pub(crate) fn next(&self) -> TaskId {
        TaskId(self.next)
    }

    pub(crate) fn get(&self, id: TaskId) -> Option<&RunningTask> {
        self.table.get(&id)
    }

    fn get_mut(&mut self, id: TaskId) -> Option<&mut RunningTask> {
        self.table.get_mut(&id)
    }

    fn remove(&mut self, id: TaskId) -> Option<RunningTask> {
        self.table.remove(&id)
    }

    /// How many attempts take a slot.
    pub(crate) fn len(&self) -> u32 {
        self.table.len() as u32
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

impl Scheduler {
    /// Tells an attempt to stop. From now on its outcome has no consequence. What becomes of its task is the caller's
    /// concern.
    pub(crate) fn kill(&mut self, id: TaskId, reason: KillReason, fx: &mut Vec<Effect>) {
        let task = self.tasks.get_mut(id).expect("only what runs is killed");
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
