//! What a program can ask about its own jobs and stages while they run, and for a while after.

use crate::Context;
use firesteel_driver::{JobInfo, StageInfo};

/// # What runs and what ran
///
/// The last 1000 jobs and the last 1000 attempts at stages that ended are remembered, as many as Spark does; of
/// older ones there is nothing to be told.
///
/// ```
/// # fn main() -> firesteel::Result<()> {
/// # let sc = firesteel::Context::builder().master("local[2]").create()?;
/// sc.set_job_group("nightly");
/// sc.range(0..100).map(|n| (n % 3, n)).reduce_by_key(|a, b| a + b).count()?;
/// for job in sc.job_ids_for_group(Some("nightly")) {
///     let info = sc.job_info(job).unwrap();
///     println!("job {job}: {} is {:?}", info.name, info.state);
///     for stage in info.stages.into_iter().filter_map(|stage| sc.stage_info(stage)) {
///         println!("  {}: {} of {} tasks, {} running", stage.name, stage.completed_tasks, stage.tasks, stage.active_tasks);
///     }
/// }
/// # assert_eq!(sc.job_info(0).unwrap().state, firesteel::JobState::Succeeded);
/// # Ok(())
/// # }
/// ```
impl Context {
    /// The jobs of a group that run or are remembered, by id; with `None`, those that belong to no group.
    pub fn job_ids_for_group(&self, group: Option<&str>) -> Vec<u32> {
        self.driver().job_ids_for_group(group)
    }

    /// The jobs that have not ended, by id.
    pub fn active_job_ids(&self) -> Vec<u32> {
        self.driver().active_job_ids()
    }

    /// The stages that launch tasks, or wait for those that they launched, by id.
    pub fn active_stage_ids(&self) -> Vec<u32> {
        self.driver().active_stage_ids()
    }

    /// What is known of a job; nothing if there is none with this id, or none that is remembered.
    pub fn job_info(&self, job: u32) -> Option<JobInfo> {
        self.driver().job_info(job)
    }

    /// What is known of a stage; nothing if there is none with this id, or none that is remembered. A stage that has not
    /// begun, or was skipped, has its tasks and none that did anything.
    pub fn stage_info(&self, stage: u32) -> Option<StageInfo> {
        self.driver().stage_info(stage)
    }

    /// Cancels a job, which then fails with a sentence that gives the reason: `Job 3 cancelled because {reason}`. A job that has ended, or is not known, is let
    /// be.
    pub fn cancel_job(&self, job: u32, reason: &str) {
        self.driver().cancel_job(job, reason);
    }
}
