//! Lines of the log, at the level `info`, in the words that people and their tools know from Spark's log.

use firesteel_status::Status;
use firesteel_types::AppEvent;
use tracing::{Level, enabled, info};

/// Tells the log of an event that `status` has taken in.
pub(crate) fn log(event: &AppEvent, status: &Status) {
    if !enabled!(Level::INFO) {
        return;
    }
    match event {
        AppEvent::JobStarted { job, site, stages, .. } => {
            info!("Starting job: {site}");
            let tasks = stages.last().map_or(0, |stage| stage.tasks);
            info!("Got job {job} ({site}) with {tasks} output partitions");
            if let Some(last) = stages.last() {
                info!("Final stage: ResultStage {} ({})", last.stage, last.site);
                let parents: Vec<String> =
                    last.parents.iter().map(|parent| format!("ShuffleMapStage {parent}")).collect();
                info!("Parents of final stage: List({})", parents.join(", "));
            }
        }
        AppEvent::JobEnded { at, job, failure } => {
            let Some(ended) = status.job(*job) else { return };
            let (site, took) = (&ended.site, seconds(*at - ended.started));
            match failure {
                None => info!("Job {job} finished: {site}, took {took} s"),
                Some(failure) => info!("Job {job} failed: {site}, took {took} s: {failure}"),
            }
        }
        AppEvent::StageSubmitted { stage, tasks, .. } => {
            let kind = if stage.output.is_some() { "ShuffleMapStage" } else { "ResultStage" };
            info!("Submitting {tasks} missing tasks from {kind} {} ({})", stage.stage, stage.site);
        }
        AppEvent::StageCompleted { at, stage, submitted, failure, .. } => {
            let kind = if stage.output.is_some() { "ShuffleMapStage" } else { "ResultStage" };
            let took = seconds(*at - *submitted);
            match failure {
                None => info!("{kind} {} ({}) finished in {took} s", stage.stage, stage.site),
                Some(why) => info!("{kind} {} ({}) failed in {took} s due to {why}", stage.stage, stage.site),
            }
        }
        AppEvent::ExecutorAdded { executor, host, slots, .. } => {
            info!("Registered executor {} on {host} with {slots} cores", executor.name());
        }
        AppEvent::TaskEnded { task, failure: Some(failure), .. } => {
            info!(
                "Lost task {}.{} in stage {}.{} (TID {}) ({} executor {}): {failure}",
                task.index,
                task.attempt,
                task.stage,
                task.stage_attempt,
                task.task,
                task.host,
                task.executor.name()
            );
        }
        // Lost executors have lines of their own, at a higher level.
        AppEvent::ExecutorRemoved { .. }
        | AppEvent::TaskStarted { .. }
        | AppEvent::TaskEnded { .. }
        | AppEvent::BlockStored { .. }
        | AppEvent::BlockDropped { .. }
        | AppEvent::ExecutorMemory { .. }
        | AppEvent::Unpersisted { .. } => {}
    }
}

/// Milliseconds as seconds, with three places.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}
