//! The consequences of the outcomes of attempts.
//!
//! A success counts if its attempt was not told to stop, its task is not done, and no other attempt was
//! allowed to commit. It may belong to an old attempt at the stage: its task then read outputs that are still
//! valid, since a rollback tells all tasks to stop that read others. A failure of an attempt that counts
//! sends its task back to wait, unless the task has failed too often.

use crate::accumulators::Source;
use crate::barriers::Held;
use crate::effect::{Effect, MapOutput};
use crate::event::TaskOutcome;
use crate::map_outputs::Registered;
use crate::running_tasks::RunningTask;
use crate::scheduler::Scheduler;
use firesteel_types::{
    AccumulatorUpdate, AppEvent, ExecutorId, JobFailure, JobId, KillReason, ShuffleId, StageId, TaskFailure,
    TaskId, TaskMetrics,
};

/// The state of an output that a task failed to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// It is not there, or cannot be reached.
    Missing,
    /// Another executor has it by now.
    Moved,
    /// Its object in the shuffle storage is broken, which happens once for each shuffle before all of its objects are
    /// forgotten.
    ObjectBroken,
}

/// The properties of a stage on which the consequences of a success depend.
struct Succeeded {
    job: JobId,
    output: Option<ShuffleId>,
    is_barrier: bool,
}

impl Scheduler {
    /// Takes in the outcome of an attempt.
    pub(crate) fn task_finished(
        &mut self,
        (id, executor): (TaskId, ExecutorId),
        outcome: TaskOutcome,
        updates: Vec<AccumulatorUpdate>,
        metrics: Option<Box<TaskMetrics>>,
        fx: &mut Vec<Effect>,
    ) {
        if self.tasks.get(id).is_none_or(|task| task.executor != executor) {
            self.refuse_late(id, executor, outcome, fx);
            return;
        }
        let task = self.take_from_slot(id);
        self.vacancies.executors.push(executor);
        // The consequences of its end were drawn when it was told to stop.
        if let Some(reason) = task.killed.clone() {
            self.task_ended(id, &task, (Some(TaskFailure::Killed(reason)), metrics), fx);
            self.refuse_late(id, executor, outcome, fx);
            return;
        }
        match outcome {
            TaskOutcome::Failed { failure } => {
                let host = self.executors.get(executor).map(|executor| executor.host.clone());
                self.note_failure_place(&task, &failure, host, fx);
                self.task_failed(id, task, (*failure, metrics), fx);
            }
            outcome if !self.commits.may_succeed(task.stage, task.index, id) => {
                self.refuse_late(id, executor, outcome, fx);
                self.task_failed(id, task, (TaskFailure::CommitDenied, metrics), fx);
            }
            TaskOutcome::MapOutput { shuffle, map, bytes, checksum } => {
                let stage = self.task_succeeded(id, &task, metrics, fx);
                assert_eq!(
                    (Some(shuffle), map),
                    (stage.output, task.partition),
                    "task {id} wrote what it was told to write"
                );
                let output = MapOutput { map, task: id, executor: task.executor, bytes };
                self.map_output_written(shuffle, output, checksum, updates, fx);
                self.after_success(&task, &stage, fx);
            }
            TaskOutcome::Result { .. } => {
                let stage = self.task_succeeded(id, &task, metrics, fx);
                assert!(stage.output.is_none(), "task {id} belongs to a map stage and has no result");
                let result = Held { index: task.index, task: id, updates };
                self.result_computed(task.stage, &stage, result, fx);
                self.after_success(&task, &stage, fx);
            }
        }
    }

    /// Takes an attempt out of the table and frees its slot.
    pub(crate) fn take_from_slot(&mut self, id: TaskId) -> RunningTask {
        let task = self.tasks.remove(id).expect("only a running attempt ends");
        if self.executors.contains(task.executor) {
            self.executors.vacate(task.executor, id);
        }
        self.pools.ended(&task.pool);
        self.barriers.leave(task.stage, task.partition, id);
        if task.killed.is_none() {
            self.stages.get_mut(task.stage).expect("a task that counts has a stage").running.remove(&id);
        }
        task
    }

    /// Drops the map output of an outcome that does not count. The outcome may be a late copy of one that did
    /// count: then the output stays.
    fn refuse_late(
        &mut self,
        task: TaskId,
        executor: ExecutorId,
        outcome: TaskOutcome,
        fx: &mut Vec<Effect>,
    ) {
        if let TaskOutcome::MapOutput { shuffle, map, .. } = outcome
            && self.outputs.writer(shuffle, map) != Some(task)
        {
            fx.push(Effect::MapOutputDropped { shuffle, map, task, executor });
        }
    }

    /// Reports the end of an attempt to the listeners.
    pub(crate) fn task_ended(
        &self,
        id: TaskId,
        task: &RunningTask,
        (failure, metrics): (Option<TaskFailure>, Option<Box<TaskMetrics>>),
        fx: &mut Vec<Effect>,
    ) {
        let task = task.summary(id);
        fx.push(Effect::Event(AppEvent::TaskEnded { at: self.now, task, failure, metrics }));
    }

    /// Marks a task as done and stops its copies. Returns properties of its stage, which may be gone when
    /// they are needed.
    fn task_succeeded(
        &mut self,
        id: TaskId,
        task: &RunningTask,
        metrics: Option<Box<TaskMetrics>>,
        fx: &mut Vec<Effect>,
    ) -> Succeeded {
        self.task_ended(id, task, (None, metrics), fx);
        let stage = self.stages.get_mut(task.stage).expect("a task that counts has a stage");
        let job = stage.turn().0;
        let succeeded = Succeeded { job, output: stage.spec.output, is_barrier: stage.spec.barrier };
        let tasks = stage.tasks.as_mut().expect("a task that counts belongs to a set");
        let copies = tasks.copies(task.index);
        tasks.succeeded(task.index, self.now - task.started);
        if copies > 1 {
            self.kill_copies(task.stage, task.index, fx);
        }
        succeeded
    }

    fn result_computed(&mut self, stage: StageId, of: &Succeeded, result: Held, fx: &mut Vec<Effect>) {
        if of.is_barrier {
            fx.push(Effect::ResultHeld { task: result.task });
            self.barriers.hold(stage, result);
        } else {
            self.accumulators.accept(Source::Final, result.updates);
            fx.push(Effect::ResultAccepted { job: of.job, output: result.index as usize, task: result.task });
        }
    }

    fn after_success(&mut self, task: &RunningTask, of: &Succeeded, fx: &mut Vec<Effect>) {
        if of.is_barrier {
            self.barrier_task_ended(task, fx);
        }
        self.finish_if_complete(task.stage, fx);
    }

    fn kill_copies(&mut self, stage: StageId, index: u32, fx: &mut Vec<Effect>) {
        let running = &self.stages.get(stage).expect("the stage was there a moment ago").running;
        let same = |id: &&TaskId| self.tasks.get(**id).is_some_and(|task| task.index == index);
        let copies: Vec<TaskId> = running.iter().filter(same).copied().collect();
        for id in copies {
            self.kill(id, KillReason::AnotherAttemptSucceeded, fx);
        }
    }

    fn map_output_written(
        &mut self,
        shuffle: ShuffleId,
        output: MapOutput,
        checksum: u64,
        updates: Vec<AccumulatorUpdate>,
        fx: &mut Vec<Effect>,
    ) {
        let registered = self.outputs.register(shuffle, output, checksum);
        if registered == Registered::Changed {
            self.accumulators.undo_map(shuffle, output.map);
        }
        // This comes before the rollback, which may fail jobs: a shuffle may be removed with its last job,
        // which makes its updates final.
        self.accumulators.accept(Source::Map(shuffle, output.map), updates);
        if registered == Registered::Changed {
            self.roll_back_downstream(shuffle, output.map, fx);
        }
        // Its object was written before its end was told; a rollback comes first, which undoes what was written down.
        if let Some(object) = self.outputs.stored(shuffle, output.map) {
            let counts = self.outputs.described(shuffle, output.map).into_iter().collect();
            self.write_stored(shuffle, object, counts, fx);
        }
    }

    /// Draws the consequences of the failure of an attempt that counts.
    pub(crate) fn task_failed(
        &mut self,
        id: TaskId,
        task: RunningTask,
        (failure, metrics): (TaskFailure, Option<Box<TaskMetrics>>),
        fx: &mut Vec<Effect>,
    ) {
        self.task_ended(id, &task, (Some(failure.clone()), metrics), fx);
        self.commits.release(task.stage, task.index, id);
        let stage = self.stages.get_mut(task.stage).expect("a task that counts has a stage");
        let tasks = stage.tasks.as_mut().expect("a task that counts belongs to a set");
        let failures = tasks.failed(task.index, failure.counts());
        if failures >= self.settings.max_task_failures || !failure.retryable() {
            let failure = JobFailure::TaskFailed {
                stage: task.stage,
                site: stage.spec.site.clone(),
                partition: task.partition,
                attempts: failures,
                last: Box::new(failure),
            };
            self.fail_jobs_of(task.stage, failure, fx);
            return;
        }
        if stage.spec.barrier {
            self.barrier_task_failed(&task, failure, fx);
            return;
        }
        self.queue_if_unlaunched(task.stage, task.index);
        if let TaskFailure::CachedBlockLost { .. } = &failure {
            self.stages.get_mut(task.stage).expect("the stage was there a moment ago").distrusts_cached =
                true;
        }
        if let TaskFailure::FetchFailed { .. } = &failure {
            let missing = self.input_missing(&failure, fx);
            self.attempt_failed(&task, failure, missing, fx);
        }
    }

    /// Unregisters the output that a task found missing or broken, and all outputs of executors that it could
    /// not reach. A task that looked in the old place of an output that has moved shows nothing about it: it
    /// reads again with a newer snapshot. Failures other than those to fetch say nothing about inputs.
    ///
    /// An output that the shuffle storage has as well moves there. Where the storage could not give it, all
    /// that the storage has of its shuffle is forgotten: a storage that cannot be reached must not cost an attempt at
    /// the stage for each of its objects. Only of the first object that the storage says it has not, or gives wrong, the
    /// others are still believed.
    pub(crate) fn input_missing(&mut self, failure: &TaskFailure, fx: &mut Vec<Effect>) -> Input {
        let TaskFailure::FetchFailed { shuffle, map, map_task, executor, unreachable, .. } = failure else {
            return Input::Missing;
        };
        let is_storage = *executor == ExecutorId::STORAGE;
        if unreachable.contains(&ExecutorId::STORAGE) {
            self.storage_failed(*shuffle, fx);
        } else if is_storage {
            let is_first = self.object_failed((*shuffle, *map, *map_task), fx);
            let is_elsewhere = self.holder_of_output(*shuffle, *map, *map_task).is_some();
            return match (is_first, is_elsewhere) {
                (true, _) => Input::ObjectBroken,
                (false, true) => Input::Moved,
                (false, false) => Input::Missing,
            };
        }
        let is_registered = self.outputs.writer(*shuffle, *map) == Some(*map_task);
        let has_moved = is_registered && self.outputs.holder(*shuffle, *map) != Some(*executor);
        if !has_moved && !is_storage {
            self.exclude_after_fetch(*executor, fx);
        }
        let is_stored = self.outputs.stored(*shuffle, *map).is_some();
        if is_registered && !has_moved && is_stored {
            self.output_falls_back(*shuffle, *map);
            let (shuffle, map, task, executor) = (*shuffle, *map, *map_task, *executor);
            fx.push(Effect::MapOutputDropped { shuffle, map, task, executor });
        } else if is_registered && !has_moved {
            let output = self.outputs.unregister(*shuffle, *map).expect("the output was there a moment ago");
            fx.push(Effect::output_dropped(*shuffle, &output));
            self.output_gone(*shuffle, &output, fx);
        }
        // The outputs of an executor that is gone were said to survive it, with a service of its host, and
        // have not. The service may still have some of them, as may one that the task could not reach, so
        // they are dropped there.
        let is_gone = !self.executors.contains(*executor);
        let gone = unreachable.iter().chain(is_gone.then_some(executor));
        for &executor in gone.filter(|executor| **executor != ExecutorId::STORAGE) {
            let gone = self.outputs_of_executor_gone(executor, fx);
            fx.extend(gone.iter().map(|(shuffle, output)| Effect::output_dropped(*shuffle, output)));
        }
        let is_elsewhere = has_moved || is_stored;
        if is_elsewhere && self.outputs.holder(*shuffle, *map).is_some() {
            Input::Moved
        } else {
            Input::Missing
        }
    }

    /// Ends the stage attempt to which a fetch failure belongs, unless it has ended already.
    fn attempt_failed(
        &mut self,
        task: &RunningTask,
        failure: TaskFailure,
        input: Input,
        fx: &mut Vec<Effect>,
    ) {
        let stage = self.stages.get_mut(task.stage).expect("a task that counts has a stage");
        if stage.open_attempt().is_none_or(|(open, ..)| open != task.stage_attempt) {
            return;
        }
        // Outputs move a finite number of times, so a stage whose input moved is not tried for ever.
        stage.failed_in_a_row += u32::from(input == Input::Missing);
        let too_often = stage.failed_in_a_row >= self.settings.max_consecutive_stage_attempts;
        let site = stage.spec.site.clone();
        self.close_attempt(task.stage, Some(failure.to_string()), fx);
        if too_often {
            let failure = JobFailure::StageFailed {
                stage: task.stage,
                site,
                attempt: task.stage_attempt,
                last: Box::new(failure),
            };
            self.fail_jobs_of(task.stage, failure, fx);
        }
    }
}
