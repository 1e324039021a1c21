//! The consequences for tasks and map outputs when executors come, go and fall silent.
//!
//! Messages can be lost where a connection breaks. A heartbeat therefore names the attempts that its executor
//! runs. The scheduler tells an attempt to stop (again) that it gave up or does not know. An attempt that the
//! scheduler waits for and the executor leaves out for long enough has failed: its launch was lost on the way
//! there, or its outcome on the way back.

use crate::effect::{Effect, MapOutput};
use crate::scheduler::Scheduler;
use firesteel_types::{
    AppEvent, ExecutorId, ExecutorLossReason, JobFailure, KillReason, Millis, ShuffleId, TaskFailure, TaskId,
};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Scheduler {
    /// Takes in an executor that registered.
    pub(crate) fn executor_added(&mut self, id: ExecutorId, host: String, slots: u32, fx: &mut Vec<Effect>) {
        let shared: Arc<str> = host.as_str().into();
        if !self.executors.add(self.now, id, shared, slots) {
            return;
        }
        self.unschedulable.look();
        for stage in self.stages.open().collect::<Vec<_>>() {
            let stage = self.stages.get_mut(stage).expect("an open stage is known");
            stage.tasks.as_mut().expect("an open stage has tasks").executor_added(self.now, id, &host);
        }
        self.exclude_or_include(id, &host);
        fx.push(Effect::Event(AppEvent::ExecutorAdded { at: self.now, executor: id, host, slots }));
        self.vacancies.all = true;
    }

    /// Launches no more tasks on an executor. Tasks that wait for one of its slots take others.
    pub(crate) fn executor_decommissioning(&mut self, id: ExecutorId) {
        if !self.executors.leave(id) {
            return;
        }
        self.blocks.executor_leaves(id);
        let host = self.executors.get(id).expect("a leaving executor is registered").host.clone();
        self.wait_no_more_for(id, &host);
        // Tasks that waited for its slots may take those of others.
        self.vacancies.all = true;
        self.unschedulable.look();
    }

    /// Tells all open stages that no slot of an executor will become free.
    pub(crate) fn wait_no_more_for(&mut self, id: ExecutorId, host: &str) {
        for stage in self.stages.open().collect::<Vec<_>>() {
            let stage = self.stages.get_mut(stage).expect("an open stage is known");
            let tasks = stage.tasks.as_mut().expect("an open stage has tasks");
            tasks.executor_removed(id, host, &self.executors);
        }
    }

    /// Fails the tasks of an executor that is gone, and unregisters its map outputs unless they survive.
    pub(crate) fn executor_lost(
        &mut self,
        id: ExecutorId,
        reason: ExecutorLossReason,
        outputs_survive: bool,
        fx: &mut Vec<Effect>,
    ) {
        if let Some(gone) = self.executors.remove(self.now, id) {
            fx.push(Effect::Event(AppEvent::ExecutorRemoved {
                at: self.now,
                executor: id,
                reason: reason.clone(),
            }));
            self.wait_no_more_for(id, &gone.host);
            for task in gone.running {
                let failure = TaskFailure::ExecutorLost { executor: id, reason: reason.clone() };
                self.task_lost(task, failure, Some(gone.host.clone()), fx);
            }
            self.exclusion.executor_gone(id);
            self.unschedulable.look();
        }
        self.blocks.executor_gone(id);
        // An executor that was lost before may be reported again when the service that has its outputs is
        // gone, too.
        if !outputs_survive {
            self.outputs_of_executor_gone(id, fx);
        }
    }

    /// Ends an attempt of which no outcome will come.
    fn task_lost(&mut self, id: TaskId, failure: TaskFailure, host: Option<Arc<str>>, fx: &mut Vec<Effect>) {
        let task = self.take_from_slot(id);
        match task.killed.clone() {
            Some(reason) => self.task_ended(id, &task, (Some(TaskFailure::Killed(reason)), None), fx),
            None => {
                self.note_failure_place(&task, &failure, host, fx);
                self.task_failed(id, task, (failure, None), fx);
            }
        }
    }

    /// Unregisters all map outputs of an executor; but those that the shuffle storage has move there. Returns all that the
    /// executor had.
    pub(crate) fn outputs_of_executor_gone(
        &mut self,
        executor: ExecutorId,
        fx: &mut Vec<Effect>,
    ) -> Vec<(ShuffleId, MapOutput)> {
        let mut moved = self.fall_back_to_storage(executor);
        let gone = self.outputs.unregister_executor(executor);
        for (shuffle, output) in &gone {
            self.output_gone(*shuffle, output, fx);
        }
        moved.extend(gone);
        moved
    }

    /// Has a map output computed again, if a stage wants it, after it was unregistered. Puts the stages that
    /// write and read its shuffle on the agenda.
    pub(crate) fn output_gone(&mut self, shuffle: ShuffleId, output: &MapOutput, fx: &mut Vec<Effect>) {
        let MapOutput { map, task, .. } = *output;
        if let Some(writer) = self.stages.writer_of(shuffle) {
            self.commits.release(writer, map.0, task);
            let stage = self.stages.get_mut(writer).expect("the writer of a shuffle is known");
            if stage.spec.barrier {
                self.barrier_output_gone(writer, map, fx);
            } else if let Some(tasks) = &mut stage.tasks {
                tasks.undone(map.0);
                self.queue_if_unlaunched(writer, map.0);
            }
        }
        self.dirty_stages.extend(self.stages.readers_of(shuffle));
    }

    /// Notes that an executor lives, and compares the attempts that it runs with those that it should run.
    pub(crate) fn heartbeat(&mut self, id: ExecutorId, running: Vec<TaskId>, fx: &mut Vec<Effect>) {
        if !self.executors.heard(self.now, id) {
            return;
        }
        let reported: BTreeSet<TaskId> = running.into_iter().collect();
        for &task in &reported {
            let reason = match self.tasks.get(task) {
                Some(known) if known.executor == id => match &known.killed {
                    Some(reason) => reason.clone(),
                    None => continue,
                },
                Some(_) | None => KillReason::StageAborted,
            };
            fx.push(Effect::Kill { task, executor: id, reason });
        }
        let grace_ms = self.settings.unaccounted_task_timeout_ms;
        for task in self.executors.reconcile(self.now, id, &reported, grace_ms) {
            let site = self.site_of(task);
            let failure = TaskFailure::Operation {
                operation: "learn how the task ended".into(),
                message: format!("executor {} runs it no longer, and sent no outcome", id.name()),
                site,
                retryable: true,
            };
            self.vacancies.executors.push(id);
            let host = self.executors.get(id).map(|executor| executor.host.clone());
            self.task_lost(task, failure, host, fx);
        }
    }

    /// Declares executors lost that have been silent for too long.
    pub(crate) fn expire_silent(&mut self, fx: &mut Vec<Effect>) {
        for (id, silence_ms) in self.executors.silent(self.now) {
            let survive = self.settings.outputs_survive_silence;
            self.executor_lost(id, ExecutorLossReason::Unheard { silence_ms }, survive, fx);
        }
    }

    /// Fails the jobs that have waited for too long without any executor.
    pub(crate) fn fail_without_executors(&mut self, fx: &mut Vec<Effect>) {
        let Some(without_since) = self.executors.without_executors_since() else { return };
        let waited = |submitted: Millis| self.now - submitted.max(without_since);
        let limit = self.settings.no_executors_timeout_ms;
        let overdue: Vec<_> = self
            .jobs
            .iter()
            .map(|(id, job)| (*id, waited(job.submitted)))
            .filter(|(_, waited_ms)| *waited_ms >= limit)
            .collect();
        for (job, waited_ms) in overdue {
            self.end_job(job, Some(JobFailure::NoExecutors { waited_ms }), fx);
        }
    }

    /// Returns the time at which the first job will have waited for an executor for too long.
    pub(crate) fn next_executor_deadline(&self) -> Option<Millis> {
        let without_since = self.executors.without_executors_since()?;
        let first = self.jobs.values().map(|job| job.submitted).min()?;
        Some(first.max(without_since) + self.settings.no_executors_timeout_ms)
    }
}
