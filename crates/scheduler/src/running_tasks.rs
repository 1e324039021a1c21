//! The attempts at tasks that take a slot.
//!
//! An attempt stays in the table until its outcome arrives or its executor is lost, even if it was told to
//! stop. An attempt that was told to stop may end in any way, without any consequence. So the rule for late
//! and doubled messages is simple: the scheduler ignores an attempt that is not in the table, or was told to
//! stop.

use firesteel_types::{
    ExecutorId, KillReason, Locality, Millis, Partition, StageAttempt, StageId, TaskId, TaskSummary,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One attempt that takes a slot.
#[derive(Clone, Debug)]
pub(crate) struct RunningTask {
    pub(crate) stage: StageId,
    pub(crate) stage_attempt: StageAttempt,
    /// Its position among the stage's outputs.
    pub(crate) index: u32,
    pub(crate) partition: Partition,
    pub(crate) executor: ExecutorId,
    /// The number of earlier attempts at the partition in the stage attempt.
    pub(crate) attempt: u32,
    pub(crate) locality: Locality,
    pub(crate) speculative: bool,
    pub(crate) has_result: bool,
    pub(crate) started: Millis,
    pub(crate) pool: Arc<str>,
    /// The reason why it was told to stop, if it was.
    pub(crate) killed: Option<KillReason>,
}

impl RunningTask {
    /// Describes the attempt for listeners.
    pub(crate) fn summary(&self, task: TaskId) -> TaskSummary {
        TaskSummary {
            task,
            stage: self.stage,
            stage_attempt: self.stage_attempt,
            index: self.index,
            partition: self.partition,
            attempt: self.attempt,
            executor: self.executor,
            locality: self.locality,
            speculative: self.speculative,
            launched: self.started,
            has_result: self.has_result,
        }
    }
}

/// All attempts that take a slot.
#[derive(Debug, Default)]
pub(crate) struct RunningTasks {
    next: u64,
    table: BTreeMap<TaskId, RunningTask>,
}

impl RunningTasks {
    /// Adds an attempt, and gives it an id that is higher than all before it.
    pub(crate) fn insert(&mut self, task: RunningTask) -> TaskId {
        let id = TaskId(self.next);
        self.next += 1;
        self.table.insert(id, task);
        id
    }

    /// Returns the attempt that will be launched next.
    pub(crate) fn next(&self) -> TaskId {
        TaskId(self.next)
    }

    /// Launches no attempt by the id of one that an earlier driver has launched.
    pub(crate) fn skip(&mut self, id: TaskId) {
        self.next = self.next.max(id.0 + 1);
    }

    pub(crate) fn get(&self, id: TaskId) -> Option<&RunningTask> {
        self.table.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: TaskId) -> Option<&mut RunningTask> {
        self.table.get_mut(&id)
    }

    pub(crate) fn remove(&mut self, id: TaskId) -> Option<RunningTask> {
        self.table.remove(&id)
    }

    /// Returns the number of attempts that take a slot.
    pub(crate) fn len(&self) -> u32 {
        self.table.len() as u32
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}
