//! Queries of programs about their own jobs: which jobs a group has, what runs, how far a stage is.
//!
//! All answers come from the fold's records, so they know ended jobs and stages only as long as it does.

use crate::fold::Status;
use crate::records::{JobState, JobStatus, StageStatus};
use firesteel_types::{StageId, StageSummary};

impl Status {
    /// Returns the jobs of a group, by id; with `None`, the jobs that belong to no group.
    pub fn jobs_of_group<'a>(&'a self, group: Option<&'a str>) -> impl Iterator<Item = &'a JobStatus> {
        self.jobs().filter(move |job| job.group.as_deref() == group)
    }

    /// Returns the jobs that have not ended, by id.
    pub fn active_jobs(&self) -> impl Iterator<Item = &JobStatus> {
        self.jobs().filter(|job| job.state == JobState::Running)
    }

    /// Returns the last attempt at a stage that began.
    pub fn last_attempt(&self, stage: StageId) -> Option<&StageStatus> {
        self.attempts(stage).next_back()
    }

    /// Returns a stage's summary in the latest job that has it: there even when the stage has not begun, or
    /// never will.
    pub fn summary(&self, stage: StageId) -> Option<&StageSummary> {
        let mut found = self.jobs().rev().flat_map(|job| &job.stages);
        found.find(|summary| summary.stage == stage).map(|summary| &**summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{job_started as started, stage_submitted as submitted};
    use firesteel_types::{AppEvent, JobId, Millis, StageAttempt};

    fn after(events: &[AppEvent]) -> Status {
        let mut status = Status::default();
        events.iter().for_each(|event| status.apply(event));
        status
    }

    #[test]
    fn groups_have_their_own_jobs_and_so_has_no_group() {
        let status = after(&[
            started(0, None, &[]),
            started(1, Some("mine"), &[]),
            started(2, Some("yours"), &[]),
            started(3, Some("mine"), &[]),
            AppEvent::JobEnded { at: Millis(2), job: JobId(1), failure: None },
        ]);
        let of = |group: Option<&'static str>| {
            status.jobs_of_group(group).map(|job| job.job.0).collect::<Vec<_>>()
        };
        assert_eq!((of(Some("mine")), of(Some("nobody's")), of(None)), (vec![1, 3], vec![], vec![0]));
        let active: Vec<u32> = status.active_jobs().map(|job| job.job.0).collect();
        assert_eq!(active, [0, 2, 3]);
    }

    #[test]
    fn a_stage_is_known_before_it_begins_and_by_its_last_attempt_after() {
        let mut status = after(&[started(0, None, &[(4, 7), (5, 2)])]);
        assert_eq!(status.last_attempt(StageId(4)), None);
        assert_eq!(status.summary(StageId(4)).unwrap().tasks, 7);
        assert_eq!(status.summary(StageId(6)), None);
        [submitted(4, 0, 7), submitted(5, 0, 2), submitted(4, 1, 3)]
            .iter()
            .for_each(|event| status.apply(event));
        let last = status.last_attempt(StageId(4)).unwrap();
        assert_eq!((last.attempt, last.tasks), (StageAttempt(1), 3));
        assert_eq!(status.attempts(StageId(4)).count(), 2);
    }
}
