//! The end of jobs: with their answer, by failure, or because the program cancels them. Each job ends exactly
//! once, since a job that ended is no longer in the table.

use crate::effect::Effect;
use crate::jobs::Job;
use crate::scheduler::Scheduler;
use crate::stages::Phase;
use firesteel_types::{AppEvent, JobFailure, JobId, KillReason, ShuffleId, StageId};
use std::collections::BTreeSet;

impl Scheduler {
    /// Ends a job, and the stages that only it needed.
    pub(crate) fn end_job(&mut self, id: JobId, failure: Option<JobFailure>, fx: &mut Vec<Effect>) {
        let Some(job) = self.jobs.remove(&id) else { return };
        for &stage in job.stages.iter().rev() {
            self.leave_stage(stage, id, failure.as_ref(), fx);
        }
        self.pools.leave(&job.pool);
        self.write_end(id, failure.as_ref(), fx);
        self.accumulators.job_ended(id, fx);
        fx.push(Effect::Event(AppEvent::JobEnded { at: self.now, job: id, failure: failure.clone() }));
        fx.push(Effect::JobEnded { job: id, failure });
    }

    /// Ends all jobs that need a stage.
    pub(crate) fn fail_jobs_of(&mut self, stage: StageId, failure: JobFailure, fx: &mut Vec<Effect>) {
        let jobs = self.stages.get(stage).map(|stage| stage.jobs.clone()).unwrap_or_default();
        for job in jobs {
            self.end_job(job, Some(failure.clone()), fx);
        }
    }

    /// Cancels all jobs for which `which` is true.
    pub(crate) fn cancel(&mut self, reason: &str, which: impl Fn(JobId, &Job) -> bool, fx: &mut Vec<Effect>) {
        let unwanted: Vec<JobId> =
            self.jobs.iter().filter(|(id, job)| which(**id, job)).map(|(id, _)| *id).collect();
        for job in unwanted {
            self.end_job(job, Some(JobFailure::Cancelled { job, reason: reason.into() }), fx);
        }
    }

    /// Takes a job off a stage. A job leaves children before parents, so by now it has left the stages that
    /// wait for this one.
    fn leave_stage(&mut self, id: StageId, job: JobId, failure: Option<&JobFailure>, fx: &mut Vec<Effect>) {
        let stage = self.stages.get(id).expect("a running job's stages are known");
        if stage.jobs.len() == 1 {
            self.forget_stage(id, failure, fx);
            return;
        }
        self.change_jobs(id, |jobs| jobs.remove(&job));
        let output = self.stages.get(id).and_then(|stage| stage.spec.output);
        self.stop_unwanted(output.into_iter().collect(), fx);
    }

    /// Changes the set of jobs that need a stage. The first of them determines its place in the pools.
    pub(crate) fn change_jobs(&mut self, id: StageId, change: impl FnOnce(&mut BTreeSet<JobId>) -> bool) {
        let stage = self.stages.get_mut(id).expect("only a known stage is shared");
        self.pools.remove(&stage.pool, stage.turn());
        assert!(change(&mut stage.jobs), "a job joins and leaves a stage once");
        // A job that is just entering is not in the table yet: the stage stays in its pool until jobs change
        // again.
        if let Some(first) = self.jobs.get(&stage.turn().0) {
            stage.pool = first.pool.clone();
        }
        let running = matches!(stage.phase, Phase::Running { .. });
        if running && stage.tasks.as_ref().is_some_and(|tasks| tasks.wants_slots()) {
            self.pools.add(&stage.pool, stage.turn());
        }
    }

    fn forget_stage(&mut self, id: StageId, failure: Option<&JobFailure>, fx: &mut Vec<Effect>) {
        let why = failure.map_or_else(|| "its job ended".into(), ToString::to_string);
        self.close_attempt(id, Some(why), fx);
        self.kill_all(id, KillReason::JobEnded, fx);
        self.disband(id, fx);
        self.commits.forget(id);
        self.dirty_stages.remove(&id);
        let stage = self.stages.remove(id);
        fx.push(Effect::StageForgotten { stage: id });
        for shuffle in stage.spec.output.into_iter().chain(stage.spec.inputs) {
            self.release_if_asked(shuffle, fx);
        }
    }

    /// Forgets a shuffle as soon as no stage writes or reads it: no later job will.
    pub(crate) fn shuffle_released(&mut self, shuffle: ShuffleId, fx: &mut Vec<Effect>) {
        self.outputs.ask_release(shuffle);
        self.release_if_asked(shuffle, fx);
    }

    fn release_if_asked(&mut self, shuffle: ShuffleId, fx: &mut Vec<Effect>) {
        let in_use = self.stages.writer_of(shuffle).is_some() || !self.stages.readers_of(shuffle).is_empty();
        if in_use || !self.outputs.release_asked(shuffle) {
            return;
        }
        if self.outputs.has_objects(shuffle) {
            fx.push(Effect::StoredShuffleDropped { shuffle });
        }
        fx.extend(self.outputs.remove(shuffle).iter().map(|output| Effect::output_dropped(shuffle, output)));
        self.accumulators.shuffle_removed(shuffle, fx);
    }
}
