//! The tasks of an executor: those that wait for a slot, those that run, and which of them are to stop. A plain value: its
//! owner locks it and wakes slots.

use firesteel_protocol::TaskSpec;
use firesteel_types::TaskId;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Tells a task to stop, once it is true.
pub(crate) type CancelFlag = Arc<AtomicBool>;

/// The tasks of an executor.
#[derive(Default)]
pub(crate) struct TaskQueue {
    /// With the time at which each came.
    waiting: VecDeque<(TaskSpec, Instant)>,
    /// Tasks that were accepted and have not ended.
    accepted: HashMap<TaskId, CancelFlag>,
}

impl TaskQueue {
    pub(crate) fn accept(&mut self, task: TaskSpec) {
        self.accepted.insert(task.task, CancelFlag::default());
        self.waiting.push_back((task, Instant::now()));
    }

    /// Takes the task that waits longest, with the time at which it came. One that was told to stop comes, too: its end is to be reported.
    pub(crate) fn next(&mut self) -> Option<(TaskSpec, Instant)> {
        self.waiting.pop_front()
    }

    /// Returns the flag of a task; a new one for a task that was never accepted.
    pub(crate) fn flag(&self, task: TaskId) -> CancelFlag {
        self.accepted.get(&task).cloned().unwrap_or_default()
    }

    /// Tells a task to stop. One that is not known has ended.
    pub(crate) fn kill(&self, task: TaskId) {
        if let Some(flag) = self.accepted.get(&task) {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// Tells all tasks to stop.
    pub(crate) fn kill_all(&self) {
        self.accepted.values().for_each(|flag| flag.store(true, Ordering::Relaxed));
    }

    /// A task has ended, and its end was reported.
    pub(crate) fn ended(&mut self, task: TaskId) {
        self.accepted.remove(&task);
    }

    /// Returns the tasks that were accepted and have not ended, in order.
    pub(crate) fn accepted(&self) -> Vec<TaskId> {
        let mut accepted: Vec<TaskId> = self.accepted.keys().copied().collect();
        accepted.sort_unstable();
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::{JobId, Partition, StageAttempt, StageId};

    fn task(id: u64) -> TaskSpec {
        TaskSpec {
            task: TaskId(id),
            stage: StageId(0),
            stage_attempt: StageAttempt(0),
            job: JobId(0),
            partition: Partition(0),
            attempt: 0,
            inputs: Arc::from([]),
            cached: Arc::from([]),
            barrier_hosts: None,
            properties: Arc::default(),
        }
    }

    fn stops(queue: &TaskQueue, id: u64) -> bool {
        queue.flag(TaskId(id)).load(Ordering::Relaxed)
    }

    #[test]
    fn tasks_come_in_order_and_count_until_their_end_was_reported() {
        let mut queue = TaskQueue::default();
        queue.accept(task(2));
        queue.accept(task(1));
        assert_eq!(queue.next().map(|(task, _)| task.task), Some(TaskId(2)));
        assert_eq!(queue.accepted(), [TaskId(1), TaskId(2)]);
        queue.ended(TaskId(2));
        assert_eq!(queue.accepted(), [TaskId(1)]);
        assert_eq!(queue.next().map(|(task, _)| task.task), Some(TaskId(1)));
        assert!(queue.next().is_none());
    }

    #[test]
    fn a_task_may_be_told_to_stop_before_it_starts_while_it_runs_and_too_late() {
        let mut queue = TaskQueue::default();
        queue.kill(TaskId(1));
        queue.accept(task(1));
        assert!(!stops(&queue, 1), "what came before the task was for another one");
        queue.kill(TaskId(1));
        assert!(queue.next().is_some(), "its end is to be reported all the same");
        assert!(stops(&queue, 1));
        queue.ended(TaskId(1));
        queue.kill(TaskId(1));
        assert!(!stops(&queue, 1));
    }

    #[test]
    fn all_tasks_stop_together() {
        let mut queue = TaskQueue::default();
        queue.accept(task(1));
        let running = queue.next().map(|(task, _)| queue.flag(task.task)).expect("it was accepted");
        queue.accept(task(2));
        queue.kill_all();
        assert!(running.load(Ordering::Relaxed) && stops(&queue, 2));
    }
}
