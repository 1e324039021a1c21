//! The steps by which executors and hosts are excluded, and included again, and the end of jobs with a task that may run
//! nowhere because of that.
//!
//! Failures that count keep their task, and then the tasks of the stage attempt, from executors and hosts
//! ([`StageExclusion`](crate::exclusion::StageExclusion)); `task_set` asks that when a slot is offered. Failures of complete
//! stages keep the application from them: their slots are not offered then, to no stage, as if they were leaving. Barrier
//! stages begin all over when a task fails, so they know only the exclusions of the application.

use crate::effect::Effect;
use crate::exclusion::{Change, Failures};
use crate::running_tasks::RunningTask;
use crate::scheduler::Scheduler;
use crate::stages::Phase;
use firesteel_types::{
    AppEvent, ExcludedPlace, Exclusion, ExecutorId, JobFailure, Millis, StageId, TaskFailure,
};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Scheduler {
    /// Notes where a task failed, if the failure counts and its stage attempt launches tasks.
    pub(crate) fn note_failure_place(
        &mut self,
        task: &RunningTask,
        failure: &TaskFailure,
        host: Option<Arc<str>>,
        fx: &mut Vec<Effect>,
    ) {
        let Some(host) = host.filter(|_| failure.counts()) else { return };
        let Some(stage) = self.stages.get_mut(task.stage) else { return };
        let is_open = matches!(stage.phase, Phase::Running { attempt, .. } if attempt == task.stage_attempt);
        let Some(exclusion) = stage.tasks.as_mut().filter(|_| is_open).and_then(|tasks| tasks.exclusion())
        else {
            return;
        };
        let place = (task.executor, &host);
        let newly = exclusion.failed(self.now, task.index, place, failure.to_string());
        self.unschedulable.look();
        // Where only the application excludes, that stands in no event: nothing is kept from the stage.
        if !self.settings.exclusion.is_some_and(|settings| settings.task_and_stage) {
            return;
        }
        let (at, stage) = (self.now, Some((task.stage, task.stage_attempt)));
        if let Some(failures) = newly.executor {
            let executor = task.executor;
            fx.push(Effect::Event(AppEvent::ExecutorExcluded { at, executor, failures, stage }));
        }
        if let Some(executors) = newly.host {
            fx.push(Effect::Event(AppEvent::HostExcluded { at, host: host.to_string(), executors, stage }));
        }
    }

    /// Counts the failures of a stage that is complete against the executors at which they happened.
    pub(crate) fn exclude_after(&mut self, failures: Failures, fx: &mut Vec<Effect>) {
        if !failures.is_empty() {
            let changes = self.exclusion.stage_completed(self.now, failures);
            self.apply_exclusions(changes, fx);
        }
    }

    /// Excludes an executor from which an output could not be read, or its host, if the settings say so.
    pub(crate) fn exclude_after_fetch(&mut self, executor: ExecutorId, fx: &mut Vec<Effect>) {
        if self.settings.exclusion.is_none() {
            return;
        }
        let Some(host) = self.executors.get(executor).map(|executor| executor.host.clone()) else { return };
        let is_served = self.settings.outputs_survive_silence;
        let changes = self.exclusion.fetch_failed(self.now, executor, host, is_served);
        self.apply_exclusions(changes, fx);
    }

    /// Includes executors and hosts whose time is over.
    pub(crate) fn include_again(&mut self, fx: &mut Vec<Effect>) {
        let changes = self.exclusion.expire(self.now);
        self.apply_exclusions(changes, fx);
    }

    fn apply_exclusions(&mut self, changes: Vec<Change>, fx: &mut Vec<Effect>) {
        if changes.is_empty() {
            return;
        }
        let at = self.now;
        for change in changes {
            let event = match change {
                Change::Executor(executor, failures) => {
                    AppEvent::ExecutorExcluded { at, executor, failures, stage: None }
                }
                Change::Host(host, executors) => {
                    AppEvent::HostExcluded { at, host: host.to_string(), executors, stage: None }
                }
                Change::ExecutorBack(executor) => AppEvent::ExecutorUnexcluded { at, executor },
                Change::HostBack(host) => AppEvent::HostUnexcluded { at, host: host.to_string() },
            };
            fx.push(Effect::Event(event));
        }
        let all: Vec<(ExecutorId, Arc<str>)> =
            self.executors.staying().map(|(id, host)| (id, host.clone())).collect();
        for (id, host) in all {
            self.exclude_or_include(id, &host);
        }
        self.unschedulable.look();
    }

    /// Offers an executor's slots, or offers them no more, as the exclusions of the application say.
    pub(crate) fn exclude_or_include(&mut self, id: ExecutorId, host: &str) {
        if !self.executors.exclude(id, self.exclusion.forbids(id, host)) {
            return;
        }
        self.vacancies.all = true;
        if !self.executors.takes_tasks(id) {
            return self.wait_no_more_for(id, host);
        }
        for stage in self.stages.open().collect::<Vec<_>>() {
            let stage = self.stages.get_mut(stage).expect("an open stage is known");
            stage.tasks.as_mut().expect("an open stage has tasks").executor_added(self.now, id, host);
        }
    }

    /// Looks for tasks that may run on no executor. Fails their jobs, unless other executors may still come. Returns whether
    /// any job failed.
    pub(crate) fn fail_unschedulable(&mut self, fx: &mut Vec<Effect>) -> bool {
        if !self.unschedulable.take_look(self.now) {
            return false;
        }
        let places: Vec<(ExecutorId, Arc<str>)> =
            self.executors.staying().map(|(id, host)| (id, host.clone())).collect();
        let open: BTreeSet<StageId> = self.stages.open().collect();
        let ended: Vec<StageId> = self.unschedulable.stages().filter(|stage| !open.contains(stage)).collect();
        ended.into_iter().for_each(|stage| self.unschedulable.remove(stage));
        let mut failed = vec![];
        for id in open {
            let stage = self.stages.get(id).expect("an open stage is known");
            let tasks = stage.tasks.as_ref().expect("an open stage has tasks");
            let Some(index) = tasks.stuck(&places, |id, host| self.exclusion.forbids(id, host)) else {
                self.unschedulable.remove(id);
                continue;
            };
            // Without any executor there is nothing to find: what waits then has a timeout of its own, unless it has
            // begun to wait for another executor.
            if places.is_empty() && !self.unschedulable.contains(id) {
                continue;
            }
            let fails_at = self.unschedulable.insert(id, self.others_come_until(&places));
            if fails_at <= self.now {
                failed.push((id, index));
            }
        }
        for (id, index) in &failed {
            if let Some(failure) = self.excluded_failure(*id, *index, &places) {
                self.fail_jobs_of(*id, failure, fx);
            }
            self.unschedulable.remove(*id);
        }
        !failed.is_empty()
    }

    /// Returns until when other executors may come, beside those that a task may not run on.
    fn others_come_until(&self, places: &[(ExecutorId, Arc<str>)]) -> Millis {
        let settings = self.settings.exclusion.unwrap_or_default();
        if self.unschedulable.gets_others {
            return self.now + settings.unschedulable_timeout_ms;
        }
        // Threads of the driver's process are all there from the beginning.
        if places.iter().all(|(id, _)| *id == ExecutorId::DRIVER) {
            return self.now;
        }
        self.now.max(self.executors.last_changed() + settings.newcomers_ms)
    }

    fn excluded_failure(
        &mut self,
        id: StageId,
        index: u32,
        places: &[(ExecutorId, Arc<str>)],
    ) -> Option<JobFailure> {
        let stage = self.stages.get_mut(id)?;
        let (site, partition) = (stage.spec.site.clone(), stage.partition(index));
        let exclusion = stage.tasks.as_mut().and_then(|tasks| tasks.exclusion())?;
        let last = exclusion.last().to_string();
        let places = places.iter().map(|(executor, host)| ExcludedPlace {
            executor: *executor,
            host: host.to_string(),
            by: match self.exclusion.forbids(*executor, host) {
                true => Exclusion::Application,
                false => exclusion.why(index, *executor, host).unwrap_or(Exclusion::Task),
            },
        });
        Some(JobFailure::Excluded { stage: id, site, partition, places: places.collect(), last })
    }
}
