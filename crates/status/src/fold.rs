//! The status fold: one event changes the records that it names.
//!
//! An event about a job, stage or executor without a record is ignored: a log may begin in the middle, and old
//! records are removed. An executor that comes back under its old id gets a new record.

use crate::records::{ExecutorStatus, JobState, JobStatus, StageStatus};
use firesteel_types::{AppEvent, ExecutorId, JobId, StageAttempt, StageId, TaskFailure};
use std::collections::{BTreeMap, VecDeque};

/// The number of ended jobs, ended stage attempts and removed executors that are remembered, of each kind.
pub const ENDED_KEPT: usize = 1000;

/// The status of an application: its jobs, stages and executors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    jobs: BTreeMap<JobId, JobStatus>,
    stages: BTreeMap<(StageId, StageAttempt), StageStatus>,
    executors: BTreeMap<ExecutorId, ExecutorStatus>,
    ended_jobs: VecDeque<JobId>,
    ended_stages: VecDeque<(StageId, StageAttempt)>,
    gone_executors: VecDeque<ExecutorId>,
}

impl Status {
    /// Applies one event.
    pub fn apply(&mut self, event: &AppEvent) {
        match event {
            AppEvent::JobStarted { at, job, site, stages, group } => {
                let status = JobStatus::started(*at, *job, site.clone(), stages.clone(), group.clone());
                self.jobs.insert(*job, status);
            }
            AppEvent::JobEnded { at, job, failure } => {
                if let Some(status) = self.jobs.get_mut(job) {
                    status.ended = Some(*at);
                    status.state = failure.clone().map_or(JobState::Succeeded, JobState::Failed);
                    keep_last(&mut self.ended_jobs, *job, &mut self.jobs);
                }
            }
            AppEvent::StageSubmitted { at, stage, attempt, site, tasks } => {
                let status = StageStatus::submitted(*at, *stage, *attempt, site.clone(), *tasks);
                self.stages.insert((*stage, *attempt), status);
            }
            AppEvent::StageCompleted { at, stage, attempt, failure } => {
                let key = (*stage, *attempt);
                if let Some(status) = self.stages.get_mut(&key) {
                    status.completed = Some(*at);
                    status.failure = failure.clone();
                    keep_last(&mut self.ended_stages, key, &mut self.stages);
                }
            }
            AppEvent::TaskStarted { stage, stage_attempt, executor, .. } => {
                if let Some(status) = self.stages.get_mut(&(*stage, *stage_attempt)) {
                    status.running += 1;
                }
                if let Some(status) = self.executors.get_mut(executor) {
                    status.running += 1;
                }
            }
            AppEvent::TaskEnded { stage, stage_attempt, executor, failure, .. } => {
                self.task_ended((*stage, *stage_attempt), *executor, failure.as_ref());
            }
            AppEvent::ExecutorAdded { at, executor, host, slots } => {
                self.gone_executors.retain(|gone| gone != executor);
                let status = ExecutorStatus::added(*at, *executor, host.clone(), *slots);
                self.executors.insert(*executor, status);
            }
            AppEvent::ExecutorRemoved { at, executor, reason } => {
                if let Some(status) = self.executors.get_mut(executor) {
                    status.removed = Some((*at, reason.clone()));
                    keep_last(&mut self.gone_executors, *executor, &mut self.executors);
                }
            }
        }
    }

    fn task_ended(
        &mut self,
        stage: (StageId, StageAttempt),
        executor: ExecutorId,
        failure: Option<&TaskFailure>,
    ) {
        if let Some(status) = self.stages.get_mut(&stage) {
            status.running = status.running.saturating_sub(1);
            match failure {
                None => status.done += 1,
                Some(TaskFailure::Killed(_)) => status.killed += 1,
                Some(_) => status.failed += 1,
            }
        }
        if let Some(status) = self.executors.get_mut(&executor) {
            status.running = status.running.saturating_sub(1);
            match failure {
                None => status.done += 1,
                Some(_) => status.failed += 1,
            }
        }
    }

    /// Returns the jobs, by id.
    pub fn jobs(&self) -> impl DoubleEndedIterator<Item = &JobStatus> {
        self.jobs.values()
    }

    /// Returns one job.
    pub fn job(&self, job: JobId) -> Option<&JobStatus> {
        self.jobs.get(&job)
    }

    /// Returns the stage attempts, by stage and attempt.
    pub fn stages(&self) -> impl Iterator<Item = &StageStatus> {
        self.stages.values()
    }

    /// Returns the stage attempts that have not ended.
    pub fn active_stages(&self) -> impl Iterator<Item = &StageStatus> {
        self.stages.values().filter(|stage| stage.completed.is_none())
    }

    /// Returns one stage attempt.
    pub fn stage(&self, stage: StageId, attempt: StageAttempt) -> Option<&StageStatus> {
        self.stages.get(&(stage, attempt))
    }

    /// Returns the attempts at one stage, by attempt.
    pub fn attempts(&self, stage: StageId) -> impl DoubleEndedIterator<Item = &StageStatus> {
        self.stages
            .range((stage, StageAttempt(0))..=(stage, StageAttempt(u32::MAX)))
            .map(|(_, status)| status)
    }

    /// Returns the executors, by id.
    pub fn executors(&self) -> impl Iterator<Item = &ExecutorStatus> {
        self.executors.values()
    }

    /// Returns one executor.
    pub fn executor(&self, executor: ExecutorId) -> Option<&ExecutorStatus> {
        self.executors.get(&executor)
    }
}

/// Notes that a job, stage or executor ended, and removes the record of the one that ended longest ago.
fn keep_last<K: Ord + Copy, V>(ended: &mut VecDeque<K>, key: K, table: &mut BTreeMap<K, V>) {
    ended.push_back(key);
    if ended.len() > ENDED_KEPT
        && let Some(oldest) = ended.pop_front()
    {
        table.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::{
        CallSite, ExecutorLossReason, JobFailure, KillReason, Locality, Millis, Partition, TaskId,
    };

    fn job_started(job: u32) -> AppEvent {
        AppEvent::JobStarted {
            at: Millis(1),
            job: JobId(job),
            site: CallSite::default(),
            stages: vec![],
            group: None,
        }
    }

    fn job_ended(job: u32, failure: Option<JobFailure>) -> AppEvent {
        AppEvent::JobEnded { at: Millis(9), job: JobId(job), failure }
    }

    fn stage_submitted(stage: u32, tasks: u32) -> AppEvent {
        let attempt = StageAttempt(0);
        AppEvent::StageSubmitted {
            at: Millis(2),
            stage: StageId(stage),
            attempt,
            site: CallSite::default(),
            tasks,
        }
    }

    fn task_started(task: u64) -> AppEvent {
        AppEvent::TaskStarted {
            at: Millis(3),
            task: TaskId(task),
            stage: StageId(0),
            stage_attempt: StageAttempt(0),
            partition: Partition(0),
            attempt: 0,
            executor: ExecutorId(1),
            locality: Locality::Any,
            speculative: false,
        }
    }

    fn task_ended(task: u64, failure: Option<TaskFailure>) -> AppEvent {
        AppEvent::TaskEnded {
            at: Millis(4),
            task: TaskId(task),
            stage: StageId(0),
            stage_attempt: StageAttempt(0),
            partition: Partition(0),
            executor: ExecutorId(1),
            failure,
        }
    }

    fn executor_added() -> AppEvent {
        AppEvent::ExecutorAdded { at: Millis(0), executor: ExecutorId(1), host: "a".into(), slots: 4 }
    }

    #[test]
    fn tasks_are_counted_where_they_belong() {
        let mut status = Status::default();
        let events = [
            executor_added(),
            stage_submitted(0, 3),
            task_started(0),
            task_started(1),
            task_started(2),
            task_started(3),
            task_ended(0, None),
            task_ended(1, Some(TaskFailure::BadPlan("garbled".into()))),
            task_ended(2, Some(TaskFailure::Killed(KillReason::AnotherAttemptSucceeded))),
        ];
        events.iter().for_each(|event| status.apply(event));
        let stage = status.stage(StageId(0), StageAttempt(0)).unwrap();
        assert_eq!((stage.running, stage.done, stage.failed, stage.killed), (1, 1, 1, 1));
        let executor = status.executor(ExecutorId(1)).unwrap();
        assert_eq!((executor.running, executor.done, executor.failed), (1, 1, 2));
    }

    #[test]
    fn a_job_ends_well_or_with_its_failure() {
        let mut status = Status::default();
        let failure = JobFailure::Cancelled { job: JobId(1), reason: "because it was enough".into() };
        let events = [job_started(0), job_started(1), job_started(2), job_ended(0, None)];
        events.iter().for_each(|event| status.apply(event));
        status.apply(&job_ended(1, Some(failure.clone())));
        let states: Vec<_> = status.jobs().map(|job| job.state.clone()).collect();
        assert_eq!(states, vec![JobState::Succeeded, JobState::Failed(failure), JobState::Running]);
    }

    #[test]
    fn what_ended_longest_ago_is_let_go_of_and_what_runs_is_not() {
        let mut status = Status::default();
        status.apply(&job_started(0));
        for job in 1..=3 * ENDED_KEPT as u32 {
            status.apply(&job_started(job));
            status.apply(&job_ended(job, None));
        }
        assert_eq!(status.jobs().count(), ENDED_KEPT + 1);
        assert_eq!(status.job(JobId(0)).unwrap().state, JobState::Running);
        assert!(status.job(JobId(1)).is_none());
        assert!(status.job(JobId(3 * ENDED_KEPT as u32)).is_some());
    }

    #[test]
    fn an_executor_that_comes_back_is_there_again_and_stays() {
        let mut status = Status::default();
        let removed = |executor| AppEvent::ExecutorRemoved {
            at: Millis(5),
            executor: ExecutorId(executor),
            reason: ExecutorLossReason::Decommissioned,
        };
        status.apply(&executor_added());
        status.apply(&removed(1));
        assert!(status.executor(ExecutorId(1)).unwrap().removed.is_some());
        status.apply(&executor_added());
        for other in 2..3 + ENDED_KEPT as u32 {
            let host = String::new();
            let executor = ExecutorId(other);
            status.apply(&AppEvent::ExecutorAdded { at: Millis(6), executor, host, slots: 1 });
            status.apply(&removed(other));
        }
        assert_eq!(status.executor(ExecutorId(1)).unwrap().removed, None);
        assert_eq!(status.executors().count(), ENDED_KEPT + 1);
    }

    #[test]
    fn events_about_the_unknown_are_passed_over() {
        let mut status = Status::default();
        status.apply(&task_started(0));
        status.apply(&task_ended(0, None));
        status.apply(&job_ended(7, None));
        assert_eq!(status, Status::default());
    }
}
