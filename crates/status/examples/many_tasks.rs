//! Fills a store with one stage of many tasks, and measures what questions cost: `cargo run --release -p firesteel-status
//! --example many_tasks 1000000`. The number of tasks is a million if none is given.

use firesteel_events::{
    ExecutorAdded, ListenerEvent, StageInfo, StageSubmitted, TaskEnd, TaskInfo, TaskMetrics, TaskStart,
};
use firesteel_status::explain;
use firesteel_status::store::{Retained, StageAsk, Store, TaskAsk, TaskSort, TaskStatus};
use std::time::Instant;

/// Each question is asked so often, and the shortest time counts: others may want the machine, too.
const TIMES: usize = 10;

/// Returns the milliseconds for which this process had a processor: what others have does not count.
fn processor_ms() -> f64 {
    let told = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|nanos| nanos.parse().ok()).map_or(0.0, |nanos: f64| nanos / 1e6)
}

fn main() {
    let tasks: i64 = std::env::args().nth(1).and_then(|tasks| tasks.parse().ok()).unwrap_or(1_000_000);
    let mut store = Store::new(Retained { tasks: tasks as usize, ..Retained::default() });
    let begun = Instant::now();
    fill(&mut store, tasks);
    let seconds = begun.elapsed().as_secs_f64();
    let events = tasks as f64 * 2.0;
    report("filling, per event", seconds * 1e9 / events, "ns");
    report("memory of a task", store.task_bytes() as f64 / tasks as f64, "bytes");
    let view = store.at(tasks * 10);
    let ms = |about: &str, ask: &dyn Fn() -> usize| {
        let mut least = f64::MAX;
        let mut found = 0;
        for _ in 0..TIMES {
            let begun = processor_ms();
            found = ask();
            least = least.min(processor_ms() - begun);
        }
        report(&format!("{about} ({found} found)"), least, "ms");
    };
    let quantiles = [0.05, 0.25, 0.5, 0.75, 0.95];
    ms("quantiles", &|| view.task_summary(0, 0, &quantiles).map_or(0, |told| told.duration.len()));
    let page = |sort, descending, offset, status: Vec<TaskStatus>| {
        let ask = TaskAsk { offset, length: 100, sort, descending, status };
        view.tasks(0, 0, &ask).map_or(0, |tasks| tasks.len())
    };
    ms("first page", &|| page(TaskSort::Id, false, 0, vec![]));
    ms("page in the middle", &|| page(TaskSort::Id, false, tasks as usize / 2, vec![]));
    ms("the slowest", &|| page(TaskSort::RunTime, true, 0, vec![]));
    ms("the slowest, in the middle", &|| page(TaskSort::RunTime, true, tasks as usize / 2, vec![]));
    ms("by executor", &|| page(TaskSort::Executor, false, 1000, vec![]));
    ms("those that failed", &|| page(TaskSort::Id, false, 0, vec![TaskStatus::Failed]));
    ms("the stage", &|| view.stages(&[], &StageAsk::default()).len());
    ms("explanations", &|| explain::stage(&store, 0, 0).len());
    ms("executors", &|| view.executors(true).len());
}

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn report(about: &str, figure: f64, unit: &str) {
    println!("{about:<45}{figure:>12.2} {unit}");
}

fn fill(store: &mut Store, tasks: i64) {
    for executor in 0..100 {
        let added = ExecutorAdded { executor_id: executor.to_string(), ..ExecutorAdded::default() };
        store.apply(&ListenerEvent::ExecutorAdded(added));
    }
    let stage_info = StageInfo { num_tasks: tasks, submission_time: Some(1), ..StageInfo::default() };
    store.apply(&ListenerEvent::StageSubmitted(StageSubmitted { stage_info, ..StageSubmitted::default() }));
    let mut state = 1_u64;
    let mut random = |most: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % most
    };
    for id in 0..tasks {
        let executor = random(100).to_string();
        let mut info = TaskInfo {
            task_id: id,
            index: id,
            partition_id: id,
            launch_time: 1 + id,
            executor_id: executor.as_str().into(),
            host: "host".into(),
            ..TaskInfo::default()
        };
        store.apply(&ListenerEvent::TaskStart(TaskStart { task_info: info.clone(), ..TaskStart::default() }));
        info.finish_time = info.launch_time + 100 + random(10_000);
        let mut metrics = TaskMetrics {
            executor_deserialize_time: random(50),
            executor_deserialize_cpu_time: random(50_000_000),
            executor_run_time: random(10_000),
            executor_cpu_time: random(2_000_000_000) * 5,
            result_size: 1000 + random(3000),
            result_serialization_time: random(3),
            peak_execution_memory: random(1 << 26),
            memory_bytes_spilled: random(1 << 20),
            disk_bytes_spilled: random(1 << 18),
            ..TaskMetrics::default()
        };
        metrics.input.bytes_read = random(1 << 27);
        metrics.input.records_read = random(1 << 20);
        metrics.shuffle_read.remote_bytes_read = random(1 << 27);
        metrics.shuffle_read.local_bytes_read = random(1 << 25);
        metrics.shuffle_read.remote_blocks_fetched = random(200);
        metrics.shuffle_read.local_blocks_fetched = random(20);
        metrics.shuffle_read.fetch_wait_time = random(300);
        metrics.shuffle_read.total_records_read = random(1 << 20);
        metrics.shuffle_write.bytes_written = random(1 << 27);
        metrics.shuffle_write.write_time = random(2_000_000_000) * 4;
        metrics.shuffle_write.records_written = random(1 << 20);
        let mut end = TaskEnd { task_info: info, metrics: Some(Box::new(metrics)), ..TaskEnd::default() };
        if id % 1000 == 7 {
            end.task_info.failed = true;
            end.reason.reason = "ExceptionFailure".into();
            end.reason.full_stack_trace = Some(format!("java.lang.Exception: {id}"));
        }
        store.apply(&ListenerEvent::TaskEnd(end));
    }
}
