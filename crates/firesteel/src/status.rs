//! Status of a program's own jobs and stages, while they run and for a while after.

use crate::Context;
use firesteel_driver::{JobInfo, StageInfo};

/// # What runs and what ran
///
/// The last 1000 jobs and the last 1000 attempts at stages that ended are remembered, as many as in Spark;
/// older ones are forgotten.
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

    /// Returns the description of a job; `None` if there is none with this id, or it is forgotten.
    pub fn job_info(&self, job: u32) -> Option<JobInfo> {
        self.driver().job_info(job)
    }

    /// Returns the description of a stage; `None` if there is none with this id, or it is forgotten. A stage
    /// that has not begun, or was skipped, has its number of tasks and no running, completed or failed ones.
    pub fn stage_info(&self, stage: u32) -> Option<StageInfo> {
        self.driver().stage_info(stage)
    }

    /// Cancels a job, which then fails with a sentence that gives the reason: `Job 3 cancelled because
    /// {reason}`. A job that has ended, or is not known, does not change.
    pub fn cancel_job(&self, job: u32, reason: &str) {
        self.driver().cancel_job(job, reason);
    }
}
