//! Lines of the log, at the level `info` (exclusions: `warn`), in the words that people and their tools know from Spark's log.

use firesteel_status::Status;
use firesteel_types::AppEvent;
use tracing::{Level, enabled, info, warn};

/// Tells the log of an event that `status` has taken in.
pub(crate) fn log(event: &AppEvent, status: &Status) {
    // Of tasks that go well there are no lines, and the loop is not to ask for each whether anybody reads them.
    if matches!(event, AppEvent::TaskStarted { .. } | AppEvent::TaskEnded { failure: None, .. })
        || !enabled!(Level::INFO) && !is_exclusion(event)
    {
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
            let host = status.executor(task.executor).map_or("", |executor| &executor.host);
            info!(
                "Lost task {}.{} in stage {}.{} (TID {}) ({} executor {}): {failure}",
                task.index,
                task.attempt,
                task.stage,
                task.stage_attempt,
                task.task,
                host,
                task.executor.name()
            );
        }
        AppEvent::ExecutorExcluded { executor, failures, stage, .. } => match stage {
            None => warn!(
                "Excluding executor {} from the application: {failures} tasks failed there",
                executor.name()
            ),
            Some((stage, attempt)) => {
                let executor = executor.name();
                warn!(
                    "Excluding executor {executor} from stage {stage}.{attempt}: {failures} of its tasks failed there"
                );
            }
        },
        AppEvent::HostExcluded { host, executors, stage, .. } => match stage {
            None => {
                warn!("Excluding host {host} from the application: {executors} executors there are excluded")
            }
            Some((stage, attempt)) => {
                warn!(
                    "Excluding host {host} from stage {stage}.{attempt}: {executors} executors there are excluded"
                );
            }
        },
        AppEvent::ExecutorUnexcluded { executor, .. } => {
            info!("Executor {} is not excluded any more", executor.name());
        }
        AppEvent::HostUnexcluded { host, .. } => info!("Host {host} is not excluded any more"),
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

/// Returns whether an event is told to those who want warnings alone.
fn is_exclusion(event: &AppEvent) -> bool {
    matches!(event, AppEvent::ExecutorExcluded { .. } | AppEvent::HostExcluded { .. })
}

/// Milliseconds as seconds, with three places.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}
