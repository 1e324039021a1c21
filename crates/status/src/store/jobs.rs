//! All that events of jobs do to the store.

use crate::store::dates::Date;
use crate::store::fold::Store;
use crate::store::records::{Job, Planned, Stage};
use crate::store::views::{JobStatus, StageStatus};
use firesteel_events::{JobEnd, JobStart, StageInfo};

impl Store {
    pub(crate) fn job_start(&mut self, event: &JobStart) {
        self.tick(event.submission_time);
        let named = |key: &str| event.properties.get(key).cloned();
        let last = event.stage_infos.iter().max_by_key(|info| info.stage_id);
        let missing = event.stage_infos.iter().filter(|info| info.completion_time.is_none());
        let mut job = Job {
            id: event.job_id,
            name: last.map(|info| info.name.clone()).unwrap_or_default(),
            description: named("spark.job.description"),
            group: named("spark.jobGroup.id"),
            tags: tags(event.properties.get("spark.job.tags")),
            submitted: Date::given(event.submission_time),
            stage_ids: event.stage_ids.clone(),
            planned: event.stage_infos.iter().map(Planned::of).collect(),
            num_tasks: missing.map(|info| info.num_tasks).fold(0, i64::saturating_add),
            ..Job::default()
        };
        for info in &event.stage_infos {
            if !self.plan(info, event.job_id) {
                job.reused.push((info.stage_id, info.num_tasks));
            }
        }
        self.jobs.insert(event.job_id, job);
    }

    /// Makes a record of a stage that a job may need. False if it was computed before.
    fn plan(&mut self, info: &StageInfo, job: i64) -> bool {
        let key = (info.stage_id, info.attempt_id);
        let stage = self.stages.entry(key).or_insert_with(|| Stage::of(info));
        stage.jobs.insert(job);
        if stage.live && stage.status == StageStatus::Pending {
            stage.info = info.clone();
        } else if stage.status == StageStatus::Skipped {
            // It was not computed then, but may be now.
            let jobs = std::mem::take(&mut stage.jobs);
            *stage = Stage { jobs, ..Stage::of(info) };
        }
        stage.live
    }

    pub(crate) fn job_end(&mut self, event: &JobEnd) {
        self.tick(event.completion_time);
        let Some(mut job) = self.jobs.remove(&event.job_id) else { return };
        for stage_id in &job.stage_ids {
            for (_, stage) in self.stages.range_mut((*stage_id, i64::MIN)..=(*stage_id, i64::MAX)) {
                if stage.live && stage.status == StageStatus::Pending {
                    stage.status = StageStatus::Skipped;
                    stage.live = false;
                    self.revision += 1;
                    stage.revision = self.revision;
                    job.skipped_stages.insert(*stage_id);
                    job.skipped_tasks = job.skipped_tasks.saturating_add(stage.info.num_tasks);
                }
            }
        }
        for (stage_id, tasks) in &job.reused {
            if job.skipped_stages.insert(*stage_id) {
                job.skipped_tasks = job.skipped_tasks.saturating_add(*tasks);
            }
        }
        job.status = match event.job_result.result.as_str() {
            "JobSucceeded" => JobStatus::Succeeded,
            _ => JobStatus::Failed,
        };
        job.failure = event.job_result.exception.as_ref().map(|failed| failed.message.clone());
        job.completed = Date::given(event.completion_time);
        if job.active_tasks == 0 {
            job.forget_indices();
        }
        self.jobs.insert(event.job_id, job);
        self.forget_jobs();
        self.forget_stages();
    }

    /// Removes the jobs that ended first, when there are too many.
    fn forget_jobs(&mut self) {
        let surplus = Store::surplus(self.jobs.len(), self.retained.jobs);
        if surplus == 0 {
            return;
        }
        let mut ended: Vec<(Option<Date>, i64)> = self
            .jobs
            .values()
            .filter(|job| matches!(job.status, JobStatus::Succeeded | JobStatus::Failed))
            .map(|job| (job.completed, job.id))
            .collect();
        ended.sort_unstable();
        for (_, id) in ended.into_iter().take(surplus) {
            self.jobs.remove(&id);
        }
    }
}

/// Reads tags, which come in one property with commas between them.
fn tags(property: Option<&String>) -> Vec<String> {
    let mut tags: Vec<String> = property
        .map(|tags| tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect())
        .unwrap_or_default();
    tags.sort_unstable();
    tags.dedup();
    tags
}
