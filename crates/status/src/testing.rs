//! Events for tests.

use firesteel_types::{
    AppEvent, CallSite, ExecutorId, JobId, Locality, Millis, Partition, StageAttempt, StageId, StageSummary,
    TaskFailure, TaskId, TaskSummary,
};
use std::sync::Arc;

pub(crate) fn stage(stage: u32, tasks: u32) -> Arc<StageSummary> {
    Arc::new(StageSummary {
        stage: StageId(stage),
        site: CallSite { operation: format!("stage of {tasks}"), ..CallSite::default() },
        tasks,
        parents: vec![],
        output: None,
        rdds: [].into(),
    })
}

/// A job without properties that started at 1.
pub(crate) fn job_started(job: u32, group: Option<&str>, stages: &[(u32, u32)]) -> AppEvent {
    AppEvent::JobStarted {
        at: Millis(1),
        job: JobId(job),
        site: CallSite::default(),
        stages: stages.iter().map(|(id, tasks)| stage(*id, *tasks)).collect(),
        group: group.map(Into::into),
        tags: vec![],
        properties: Arc::default(),
    }
}

pub(crate) fn stage_submitted(id: u32, attempt: u32, tasks: u32) -> AppEvent {
    let attempt = StageAttempt(attempt);
    AppEvent::StageSubmitted { at: Millis(2), stage: stage(id, tasks), attempt, tasks }
}

/// A task of the stage's first attempt, on executor 1.
pub(crate) fn task(id: u64, stage: u32) -> TaskSummary {
    TaskSummary {
        task: TaskId(id),
        stage: StageId(stage),
        stage_attempt: StageAttempt(0),
        index: id as u32,
        partition: Partition(id as u32),
        attempt: 0,
        executor: ExecutorId(1),
        locality: Locality::Any,
        speculative: false,
        launched: Millis(3),
        has_result: true,
    }
}

pub(crate) fn task_started(id: u64, stage: u32) -> AppEvent {
    AppEvent::TaskStarted { at: Millis(3), task: task(id, stage) }
}

pub(crate) fn task_ended(id: u64, stage: u32, failure: Option<TaskFailure>) -> AppEvent {
    AppEvent::TaskEnded { at: Millis(4), task: task(id, stage), failure, metrics: None }
}
