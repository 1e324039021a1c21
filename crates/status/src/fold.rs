//! The status fold: one event changes the records that it names.
//!
//! An event about a job, stage or executor without a record is ignored: a log may begin in the middle, and old
//! records are removed. An executor that comes back under its old id gets a new record.

use crate::records::{ExecutorStatus, JobState, JobStatus, StageStatus};
use firesteel_types::{
    AppEvent, ExecutorId, JobId, StageAttempt, StageId, TaskFailure, TaskMetrics, TaskSummary,
};
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
            AppEvent::JobStarted { at, job, site, stages, group, .. } => {
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
            AppEvent::StageSubmitted { at, stage, attempt, tasks } => {
                let status = StageStatus::submitted(*at, stage.stage, *attempt, stage.site.clone(), *tasks);
                self.stages.insert((stage.stage, *attempt), status);
            }
            AppEvent::StageCompleted { at, stage, attempt, failure, .. } => {
                let key = (stage.stage, *attempt);
                if let Some(status) = self.stages.get_mut(&key) {
                    status.completed = Some(*at);
                    status.failure = failure.clone();
                    keep_last(&mut self.ended_stages, key, &mut self.stages);
                }
            }
            AppEvent::TaskStarted { task, .. } => {
                if let Some(status) = self.stages.get_mut(&(task.stage, task.stage_attempt)) {
                    status.running += 1;
                }
                if let Some(status) = self.executors.get_mut(&task.executor) {
                    status.running += 1;
                }
            }
            AppEvent::TaskEnded { task, failure, metrics, .. } => {
                self.task_ended(task, failure.as_ref(), metrics.as_deref());
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
            // Progress and queries know nothing of blocks, memory and exclusions.
            AppEvent::BlockStored { .. }
            | AppEvent::BlockDropped { .. }
            | AppEvent::ExecutorMemory { .. }
            | AppEvent::Unpersisted { .. }
            | AppEvent::ExecutorExcluded { .. }
            | AppEvent::ExecutorUnexcluded { .. }
            | AppEvent::HostExcluded { .. }
            | AppEvent::HostUnexcluded { .. } => {}
        }
    }

    fn task_ended(
        &mut self,
        task: &TaskSummary,
        failure: Option<&TaskFailure>,
        metrics: Option<&TaskMetrics>,
    ) {
        if let Some(status) = self.stages.get_mut(&(task.stage, task.stage_attempt)) {
            status.running = status.running.saturating_sub(1);
            match failure {
                None => {
                    status.done += 1;
                    metrics.into_iter().for_each(|metrics| status.measured.add(metrics));
                }
                Some(TaskFailure::Killed(_)) => status.killed += 1,
                Some(_) => status.failed += 1,
            }
        }
        if let Some(status) = self.executors.get_mut(&task.executor) {
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
    use crate::testing::{self, stage_submitted as submitted, task_ended as ended, task_started as started};
    use firesteel_types::{ExecutorLossReason, JobFailure, KillReason, Millis};

    fn job_started(job: u32) -> AppEvent {
        testing::job_started(job, None, &[])
    }

    fn job_ended(job: u32, failure: Option<JobFailure>) -> AppEvent {
        AppEvent::JobEnded { at: Millis(9), job: JobId(job), failure }
    }

    fn executor_added() -> AppEvent {
        AppEvent::ExecutorAdded { at: Millis(0), executor: ExecutorId(1), host: "a".into(), slots: 4 }
    }

    #[test]
    fn tasks_are_counted_where_they_belong() {
        let mut status = Status::default();
        let events = [
            executor_added(),
            submitted(0, 0, 3),
            started(0, 0),
            started(1, 0),
            started(2, 0),
            started(3, 0),
            ended(0, 0, None),
            ended(1, 0, Some(TaskFailure::BadPlan("garbled".into()))),
            ended(2, 0, Some(TaskFailure::Killed(KillReason::AnotherAttemptSucceeded))),
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
        status.apply(&started(0, 0));
        status.apply(&ended(0, 0, None));
        status.apply(&job_ended(7, None));
        assert_eq!(status, Status::default());
    }
}
