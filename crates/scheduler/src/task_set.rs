//! The tasks of one stage: those that are done, that run and that wait, and how often each failed.
//!
//! A task set lives from the first attempt at a stage until the stage is complete, through all attempts: a
//! partition that still runs for an old attempt is not launched again by the next one unless it fails. Tasks
//! are named by their index, the position among the stage's outputs.

mod median;
mod queues;

use crate::exclusion::{Failures, StageExclusion};
use crate::executors::Executors;
use firesteel_types::{ExecutorId, Locality, Millis, TaskLocation};
use median::Median;
use queues::Queues;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tasks of one stage that is not complete.
#[derive(Debug)]
pub(crate) struct TaskSet {
    tasks: Vec<TaskState>,
    done: u32,
    /// The number of tasks that have an attempt running and are not done.
    active: u32,
    queues: Queues,
    /// Slow tasks that are to get a copy, and the executor that is slow with them.
    slow: BTreeMap<u32, ExecutorId>,
    /// The durations of successful attempts; kept for speculation only.
    durations: Option<Median>,
    /// Where its tasks failed, in this stage attempt; kept where executors may be excluded.
    exclusion: Option<Box<StageExclusion>>,
}

#[derive(Clone, Debug, Default)]
struct TaskState {
    done: bool,
    /// The number of attempts that run.
    copies: u32,
    /// The number of failures that count, since the set was made.
    failures: u32,
    /// The number of launches in this stage attempt.
    launches: u32,
}

/// A task that may go to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    pub(crate) index: u32,
    pub(crate) locality: Locality,
    pub(crate) speculative: bool,
    /// The number of launches of the same task before, in this stage attempt.
    pub(crate) attempt: u32,
}

impl TaskSet {
    /// Makes a set of `total` tasks, of which those are done for which `done` is true.
    pub(crate) fn new(
        total: u32,
        now: Millis,
        done: impl Fn(u32) -> bool,
        keep_durations: bool,
        exclusion: Option<StageExclusion>,
    ) -> Self {
        let tasks: Vec<_> =
            (0..total).map(|index| TaskState { done: done(index), ..TaskState::default() }).collect();
        TaskSet {
            done: tasks.iter().filter(|task| task.done).count() as u32,
            tasks,
            active: 0,
            queues: Queues::new(total, now),
            slow: BTreeMap::new(),
            durations: keep_durations.then(Median::default),
            exclusion: exclusion.map(Box::new),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.done as usize == self.tasks.len()
    }

    pub(crate) fn total(&self) -> u32 {
        self.tasks.len() as u32
    }

    pub(crate) fn done(&self) -> u32 {
        self.done
    }

    pub(crate) fn is_done(&self, index: u32) -> bool {
        self.tasks[index as usize].done
    }

    /// Returns the number of tasks that are neither done nor running.
    pub(crate) fn unlaunched(&self) -> u32 {
        self.total() - self.done - self.active
    }

    /// Returns the number of attempts at a task that run.
    pub(crate) fn copies(&self, index: u32) -> u32 {
        self.tasks[index as usize].copies
    }

    /// Returns whether a task could take a slot, now or later.
    pub(crate) fn wants_slots(&self) -> bool {
        self.queues.len() > 0 || !self.slow.is_empty()
    }

    /// Begins a new attempt at the stage: all unlaunched tasks wait anew.
    pub(crate) fn begin_attempt<'a>(
        &mut self,
        now: Millis,
        preferred: impl Fn(u32) -> &'a [TaskLocation],
        executors: &Executors,
    ) {
        self.queues = Queues::new(self.total(), now);
        self.slow.clear();
        self.take_failures();
        // Queues are taken from their ends, so the first task is the first to go.
        for index in (0..self.total()).rev() {
            let task = &mut self.tasks[index as usize];
            if !task.done && task.copies == 0 {
                task.launches = 0;
                self.queues.push(index, preferred(index), executors);
            }
        }
    }

    /// Makes all tasks unlaunched again; none is done or runs. The set remembers how often each failed.
    pub(crate) fn start_over(&mut self, now: Millis) {
        for task in &mut self.tasks {
            (task.done, task.copies) = (false, 0);
        }
        (self.done, self.active) = (0, 0);
        self.queues = Queues::new(self.total(), now);
        self.slow.clear();
    }

    /// Makes an unlaunched task wait.
    pub(crate) fn queue(&mut self, index: u32, preferred: &[TaskLocation], executors: &Executors) {
        let task = &self.tasks[index as usize];
        assert!(!task.done && task.copies == 0, "only an unlaunched task waits");
        self.queues.push(index, preferred, executors);
    }

    /// Takes a task for a slot: one that waits, or else a copy of a slow one that runs elsewhere. It counts
    /// as launched.
    pub(crate) fn pick(
        &mut self,
        now: Millis,
        executor: ExecutorId,
        host: &str,
        wait_ms: u64,
    ) -> Option<Pick> {
        let exclusion = self.exclusion.as_deref();
        if exclusion.is_some_and(|exclusion| exclusion.forbids_all(executor, host)) {
            self.queues.refuse(now, wait_ms);
            return None;
        }
        let may_run = |index| exclusion.is_none_or(|exclusion| exclusion.may_run(index, executor, host));
        if let Some((index, locality)) = self.queues.take(now, executor, host, wait_ms, may_run) {
            self.active += 1;
            return Some(self.launched(index, locality, false));
        }
        let may_copy = |(index, slow_on): &(&u32, &ExecutorId)| **slow_on != executor && may_run(**index);
        let (&index, _) = self.slow.iter().find(may_copy)?;
        self.slow.remove(&index);
        Some(self.launched(index, Locality::Any, true))
    }

    fn launched(&mut self, index: u32, locality: Locality, speculative: bool) -> Pick {
        let task = &mut self.tasks[index as usize];
        assert!(!task.done && (task.copies > 0) == speculative, "a task runs once, apart from its copies");
        task.copies += 1;
        task.launches += 1;
        Pick { index, locality, speculative, attempt: task.launches - 1 }
    }

    /// Notes the first success of a task. The set does not count its other attempts any more.
    pub(crate) fn succeeded(&mut self, index: u32, took_ms: u64) {
        let task = &mut self.tasks[index as usize];
        assert!(!task.done && task.copies > 0, "a task succeeds once, while it runs");
        task.done = true;
        task.copies = 0;
        self.active -= 1;
        self.done += 1;
        self.slow.remove(&index);
        if let Some(durations) = &mut self.durations {
            durations.insert(took_ms);
        }
    }

    /// Notes that an attempt failed. Returns the number of the task's failures that count.
    pub(crate) fn failed(&mut self, index: u32, counts: bool) -> u32 {
        let task = &mut self.tasks[index as usize];
        assert!(!task.done && task.copies > 0, "a task fails while it runs");
        task.copies -= 1;
        task.failures += u32::from(counts);
        if task.copies == 0 {
            self.active -= 1;
        }
        self.slow.remove(&index);
        task.failures
    }

    /// Notes that the output of a task that was done is gone.
    pub(crate) fn undone(&mut self, index: u32) {
        let task = &mut self.tasks[index as usize];
        assert!(task.done, "only the output of a task that is done can be lost");
        task.done = false;
        self.done -= 1;
    }

    /// Returns the median duration of successful attempts, once `quantile` of the tasks are done.
    pub(crate) fn typical_ms(&self, quantile: f64) -> Option<u64> {
        let enough = (quantile * f64::from(self.total())).ceil().max(1.0);
        if f64::from(self.done) < enough { None } else { self.durations.as_ref()?.get() }
    }

    /// Marks a running task to get a copy on another executor, unless it has one.
    pub(crate) fn mark_slow(&mut self, index: u32, on: ExecutorId) {
        if self.copies(index) == 1 {
            self.slow.insert(index, on);
        }
    }

    /// Unmarks all slow tasks, so that none gets a copy for now.
    pub(crate) fn forget_slow(&mut self) {
        self.slow.clear();
    }

    /// Returns where its tasks failed, in this stage attempt.
    pub(crate) fn exclusion(&mut self) -> Option<&mut StageExclusion> {
        self.exclusion.as_deref_mut()
    }

    /// Returns all failures of this stage attempt, and forgets them.
    pub(crate) fn take_failures(&mut self) -> Failures {
        self.exclusion().map(StageExclusion::take).unwrap_or_default()
    }

    /// Returns a task that waits and may run at none of the places, if there is one. `is_excluded` says from which of them the
    /// application is kept.
    pub(crate) fn stuck(
        &self,
        places: &[(ExecutorId, Arc<str>)],
        is_excluded: impl Fn(ExecutorId, &str) -> bool,
    ) -> Option<u32> {
        let exclusion = self.exclusion.as_deref()?;
        let open: Vec<_> = places
            .iter()
            .filter(|(id, host)| !is_excluded(*id, host) && !exclusion.forbids_all(*id, host))
            .collect();
        if open.is_empty() {
            return self.queues.first();
        }
        let may_run = |index: u32| open.iter().any(|(id, host)| exclusion.may_run(index, *id, host));
        exclusion.failed_tasks().into_iter().find(|index| self.queues.is_waiting(*index) && !may_run(*index))
    }

    /// Returns the time at which a task would take a slot that is less near, if tasks wait for that.
    pub(crate) fn relaxes_at(&self, wait_ms: u64) -> Option<Millis> {
        self.queues.relaxes_at(wait_ms)
    }

    /// Notes that an executor came.
    pub(crate) fn executor_added(&mut self, now: Millis, executor: ExecutorId, host: &str) {
        self.queues.executor_added(now, executor, host);
    }

    /// Notes that an executor went.
    pub(crate) fn executor_removed(&mut self, executor: ExecutorId, host: &str, executors: &Executors) {
        self.queues.executor_removed(executor, host, executors);
    }
}
