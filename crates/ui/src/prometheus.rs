//! Metrics in Prometheus' text format, at Spark's addresses and under Spark's names.
//!
//! `/metrics/executors/prometheus` has the figures of executors, `/metrics/prometheus` those of the driver. Names and labels are those
//! that Spark 4.3.0 answers with; label values are escaped as the format asks, which Spark leaves out.

pub(crate) mod cluster;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use firesteel_status::store::{
    Applications, ApplicationsAsk, ExecutorSummary, JobStatus, StageAsk, StageStatus, Store,
};
use std::fmt::Write;
use std::sync::Arc;

/// The media type of the format.
pub(crate) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns the routes of the metrics of the application that a server shows. Of a history server there is nothing to measure.
pub(crate) fn routes(applications: Arc<dyn Applications>) -> Router {
    Router::new()
        .route("/metrics/executors/prometheus", get(executors))
        .route("/metrics/executors/prometheus/", get(executors))
        .route("/metrics/prometheus", get(driver))
        .route("/metrics/prometheus/", get(driver))
        .with_state(applications)
}

async fn executors(State(applications): State<Arc<dyn Applications>>) -> Response {
    answer(&*applications, executors_text)
}

async fn driver(State(applications): State<Arc<dyn Applications>>) -> Response {
    answer(&*applications, driver_text)
}

fn answer(applications: &dyn Applications, text: fn(&Store, i64) -> String) -> Response {
    let one = applications.list(&ApplicationsAsk::default()).into_iter().next();
    let open = one.and_then(|application| applications.open(&application.id, None).ok());
    let mut body = String::new();
    if let Some(open) = open {
        open.look(&mut |store, now| body = text(store, now));
    }
    ([(header::CONTENT_TYPE, TEXT)], body).into_response()
}

/// Returns the figures of the executors that are there.
fn executors_text(store: &Store, now: i64) -> String {
    let view = store.at(now);
    let (application, version) = (view.application(), view.version());
    let mut text = format!("spark_info{{version=\"{}\", revision=\"\"}} 1.0\n", escaped(&version.spark));
    if let Some(own) = view.firesteel_version() {
        let _ = writeln!(text, "firesteel_info{{version=\"{}\"}} 1.0", escaped(own));
    }
    for executor in view.executors(false) {
        let labels = format!(
            "application_id=\"{}\", application_name=\"{}\", executor_id=\"{}\"",
            escaped(&application.id),
            escaped(&application.name),
            escaped(&executor.id)
        );
        for (name, value) in figures(&executor) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "metrics_executor_{name}{{{labels}}} {value}");
        }
    }
    text
}

fn figures(executor: &ExecutorSummary) -> Vec<(String, String)> {
    let memory = executor.memory_metrics.unwrap_or_default();
    let counts = [
        ("rddBlocks", executor.rdd_blocks),
        ("memoryUsed_bytes", executor.memory_used),
        ("diskUsed_bytes", executor.disk_used),
        ("totalCores", executor.total_cores),
        ("maxTasks", executor.max_tasks),
        ("activeTasks", executor.active_tasks),
        ("failedTasks_total", executor.failed_tasks),
        ("completedTasks_total", executor.completed_tasks),
        ("totalTasks_total", executor.total_tasks),
    ];
    let bytes = [
        ("totalInputBytes_bytes_total", executor.total_input_bytes),
        ("totalShuffleRead_bytes_total", executor.total_shuffle_read),
        ("totalShuffleWrite_bytes_total", executor.total_shuffle_write),
        ("maxMemory_bytes", executor.max_memory),
        ("usedOnHeapStorageMemory_bytes", memory.used_on_heap_storage_memory),
        ("usedOffHeapStorageMemory_bytes", memory.used_off_heap_storage_memory),
        ("totalOnHeapStorageMemory_bytes", memory.total_on_heap_storage_memory),
        ("totalOffHeapStorageMemory_bytes", memory.total_off_heap_storage_memory),
    ];
    let number = |(name, value): (&str, i64)| (name.to_string(), value.to_string());
    let mut all: Vec<_> = counts.into_iter().map(number).collect();
    let times = [("totalDuration", executor.total_duration), ("totalGCTime", executor.total_gc_time)];
    all.extend(times.into_iter().map(|(name, ms)| (format!("{name}_seconds_total"), seconds(ms))));
    all.extend(bytes.into_iter().map(number));
    let peaks = executor.peak_memory_metrics.unwrap_or_default();
    all.extend(PEAKS.iter().map(|name| (format!("{name}_bytes"), peaks.get(name).to_string())));
    for kind in ["Minor", "Major", "Concurrent"] {
        all.push((format!("{kind}GCCount_total"), peaks.get(&format!("{kind}GCCount")).to_string()));
        all.push((format!("{kind}GCTime_seconds_total"), seconds(peaks.get(&format!("{kind}GCTime")))));
    }
    all
}

/// The figures of an executor that are bytes, in the order in which Spark tells them.
const PEAKS: &[&str] = &[
    "JVMHeapMemory",
    "JVMOffHeapMemory",
    "OnHeapExecutionMemory",
    "OffHeapExecutionMemory",
    "OnHeapStorageMemory",
    "OffHeapStorageMemory",
    "OnHeapUnifiedMemory",
    "OffHeapUnifiedMemory",
    "DirectPoolMemory",
    "MappedPoolMemory",
    "ProcessTreeJVMVMemory",
    "ProcessTreeJVMRSSMemory",
    "ProcessTreePythonVMemory",
    "ProcessTreePythonRSSMemory",
    "ProcessTreeOtherVMemory",
    "ProcessTreeOtherRSSMemory",
];

/// Returns the figures of the driver, under the names that Spark's Prometheus servlet gives them.
fn driver_text(store: &Store, now: i64) -> String {
    let view = store.at(now);
    let id: String = view
        .application()
        .id
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
        .collect();
    let jobs = |status: &[JobStatus]| view.jobs(status).len();
    let stages = |status: StageStatus| view.stages(&[status], &StageAsk::default()).len();
    let memory: i64 = view.executors(false).iter().map(|executor| executor.memory_used).sum();
    let gauges = [
        ("DAGScheduler_job_activeJobs", jobs(&[JobStatus::Running])),
        ("DAGScheduler_job_allJobs", jobs(&[])),
        ("DAGScheduler_stage_failedStages", stages(StageStatus::Failed)),
        ("DAGScheduler_stage_runningStages", stages(StageStatus::Active)),
        ("DAGScheduler_stage_waitingStages", stages(StageStatus::Pending)),
        ("BlockManager_memory_memUsed_MB", (memory >> 20) as usize),
    ];
    let mut text = String::new();
    for (name, value) in gauges {
        let _ = writeln!(text, "metrics_{id}_driver_{name}_Value{{type=\"gauges\"}} {value}");
    }
    text
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// Returns a label's value as the format has it: backslashes, quotes and line ends are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_events::{ApplicationStart, BlockManagerAdded, BlockManagerId, ListenerEvent};
    use firesteel_status::store::Retained;

    fn store() -> Store {
        let mut store = Store::new(Retained::default());
        store.apply(&ListenerEvent::ApplicationStart(ApplicationStart {
            app_name: "a \"quoted\"\nname".into(),
            app_id: Some("local-1".into()),
            ..ApplicationStart::default()
        }));
        let block_manager_id = BlockManagerId { executor_id: "3".into(), host: "h".into(), port: 1 };
        store.apply(&ListenerEvent::BlockManagerAdded(BlockManagerAdded {
            block_manager_id,
            maximum_memory: 77,
            ..BlockManagerAdded::default()
        }));
        store
    }

    #[test]
    fn executors_have_their_figures_and_hostile_names_stay_labels() {
        let text = executors_text(&store(), 0);
        let label = r#"application_id="local-1", application_name="a \"quoted\"\nname", executor_id="3""#;
        assert!(text.contains(&format!("metrics_executor_maxMemory_bytes{{{label}}} 77\n")), "{text}");
        // Each line is a name, labels and a number.
        for line in text.lines() {
            let (_, value) = line.rsplit_once("} ").unwrap_or_else(|| panic!("{line}"));
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }

    #[test]
    fn the_drivers_figures_have_sparks_names() {
        let text = driver_text(&store(), 0);
        let expected = "metrics_local_1_driver_DAGScheduler_job_activeJobs_Value{type=\"gauges\"} 0\n";
        assert!(text.contains(expected), "{text}");
    }
}
