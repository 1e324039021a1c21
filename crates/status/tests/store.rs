//! The store: given these events, it shows this.

use firesteel_events::*;
use firesteel_status::store::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const BEGAN: i64 = 1_795_916_472_627;

fn applied(retained: Retained, events: impl IntoIterator<Item = ListenerEvent>) -> Store {
    let mut store = Store::new(retained);
    events.into_iter().for_each(|event| store.apply(&event));
    store
}

fn stage_info(stage_id: i64, num_tasks: i64) -> StageInfo {
    StageInfo { stage_id, num_tasks, name: format!("count at app.py:{stage_id}"), ..StageInfo::default() }
}

fn job_start(job_id: i64, stages: &[(i64, i64)]) -> ListenerEvent {
    let properties = [("spark.jobGroup.id", "g"), ("spark.job.tags", "b,a"), ("spark.job.description", "d")];
    ListenerEvent::JobStart(JobStart {
        job_id,
        submission_time: BEGAN,
        stage_infos: stages.iter().map(|(stage, tasks)| stage_info(*stage, *tasks)).collect(),
        stage_ids: stages.iter().map(|(stage, _)| *stage).collect(),
        properties: properties.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
    })
}

fn job_end(job_id: i64, job_result: JobResult) -> ListenerEvent {
    ListenerEvent::JobEnd(JobEnd { job_id, completion_time: BEGAN + 1000, job_result })
}

fn submitted(stage: i64, tasks: i64) -> ListenerEvent {
    let stage_info = StageInfo { submission_time: Some(BEGAN), ..stage_info(stage, tasks) };
    ListenerEvent::StageSubmitted(StageSubmitted { stage_info, properties: BTreeMap::new() })
}

fn completed(stage: i64, tasks: i64, failure: Option<&str>) -> ListenerEvent {
    ListenerEvent::StageCompleted(StageCompleted {
        stage_info: StageInfo {
            submission_time: Some(BEGAN),
            completion_time: Some(BEGAN + 900),
            failure_reason: failure.map(str::to_owned),
            ..stage_info(stage, tasks)
        },
    })
}

fn task(id: i64, finish: i64) -> TaskInfo {
    TaskInfo {
        task_id: id,
        index: id,
        partition_id: id,
        launch_time: BEGAN + id,
        finish_time: finish,
        executor_id: "1".into(),
        host: "host".into(),
        ..TaskInfo::default()
    }
}

fn task_start(stage_id: i64, id: i64) -> ListenerEvent {
    ListenerEvent::TaskStart(TaskStart { stage_id, task_info: task(id, 0), ..TaskStart::default() })
}

fn task_end(stage_id: i64, id: i64, run_time: i64, reason: EndReason) -> ListenerEvent {
    let mut task_info = task(id, BEGAN + id + run_time + 10);
    task_info.failed = !matches!(&*reason.reason, "Success" | "TaskKilled");
    task_info.killed = reason.reason == "TaskKilled";
    let mut metrics = TaskMetrics { executor_run_time: run_time, ..TaskMetrics::default() };
    metrics.input.bytes_read = 1000;
    let metrics = Some(Box::new(metrics));
    ListenerEvent::TaskEnd(TaskEnd { stage_id, reason, task_info, metrics, ..TaskEnd::default() })
}

fn json_of(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn a_job_counts_what_became_of_its_tasks() {
    let kill = EndReason { kill_reason: Some("stage cancelled".into()), ..EndReason::of("TaskKilled") };
    let store = applied(
        Retained::default(),
        [
            job_start(4, &[(6, 2), (7, 3)]),
            submitted(7, 3),
            task_start(7, 0),
            task_start(7, 1),
            task_start(7, 2),
            task_end(7, 0, 50, EndReason::default()),
            task_end(7, 1, 60, EndReason::of("TaskResultLost")),
            task_end(7, 2, 70, kill),
            completed(7, 3, Some("Job aborted")),
            job_end(4, JobResult::failed("Job aborted".into())),
        ],
    );
    let expected = json!({
        "jobId": 4,
        "name": "count at app.py:7",
        "description": "d",
        "submissionTime": "2026-11-29T01:41:12.627GMT",
        "completionTime": "2026-11-29T01:41:13.627GMT",
        "stageIds": [6, 7],
        "jobGroup": "g",
        "jobTags": ["a", "b"],
        "status": "FAILED",
        "numTasks": 5,
        "numActiveTasks": 0,
        "numCompletedTasks": 1,
        "numSkippedTasks": 2,
        "numFailedTasks": 1,
        "numKilledTasks": 1,
        "numCompletedIndices": 1,
        "numActiveStages": 0,
        "numCompletedStages": 0,
        "numSkippedStages": 1,
        "numFailedStages": 1,
        "killedTasksSummary": {"stage cancelled": 1},
    });
    let view = store.at(BEGAN + 2000);
    assert_eq!(json_of(view.job(4)), expected);
    assert_eq!(view.job_failure(4), Some("Job aborted"));
    let states: Vec<_> = view.stages(&[], &StageAsk::default()).iter().map(|stage| stage.status).collect();
    assert_eq!(states, [StageStatus::Failed, StageStatus::Skipped]);
    let graph = view.job_graph(4).unwrap();
    assert_eq!(
        graph.stages.iter().map(|stage| stage.status).collect::<Vec<_>>(),
        [StageStatus::Skipped, StageStatus::Failed]
    );
}

#[test]
fn a_stage_s_totals_are_the_sums_of_its_tasks() {
    let mut events = vec![job_start(0, &[(0, 50)]), submitted(0, 50)];
    for id in 0..50 {
        events.push(task_start(0, id));
        let reason = if id % 7 == 0 { EndReason::of("ExceptionFailure") } else { EndReason::default() };
        events.push(task_end(0, id, id * 10, reason));
    }
    let store = applied(Retained::default(), events);
    let ask = StageAsk { details: true, summaries: Some(vec![0.0, 0.5, 1.0]), ..StageAsk::default() };
    let stage = store.at(BEGAN).stage(0, 0, &ask).unwrap();
    let tasks = stage.tasks.as_ref().unwrap();
    let sum: i64 = tasks.values().map(|task| task.task_metrics.unwrap().executor_run_time).sum();
    assert_eq!((stage.executor_run_time, stage.input_bytes), (sum, 50_000));
    let share = &stage.executor_summary.as_ref().unwrap()["1"];
    assert_eq!((share.succeeded_tasks, share.failed_tasks, share.input_bytes), (42, 8, 50_000));
    // Of those that succeeded: 10, 20, ... 480 without each seventh.
    let told = stage.task_metrics_distributions.unwrap();
    assert_eq!(told.executor_run_time, [10.0, 250.0, 480.0]);
    assert_eq!(tasks[&1].scheduler_delay, 10);
}

#[test]
fn figures_that_a_heartbeat_told_are_not_counted_twice() {
    let told = json!({"Task ID": 0, "Accumulator Updates": [
        {"Name": "internal.metrics.executorRunTime", "Update": 30},
        {"Name": "something of the program", "Update": 99},
    ]});
    let heartbeat = ExecutorMetricsUpdate {
        executor_id: "1".into(),
        metrics_updated: vec![told],
        ..ExecutorMetricsUpdate::default()
    };
    let mut store = applied(
        Retained::default(),
        [submitted(0, 1), task_start(0, 0), ListenerEvent::ExecutorMetricsUpdate(heartbeat)],
    );
    let run_time =
        |store: &Store| store.at(BEGAN).stage(0, 0, &StageAsk::default()).unwrap().executor_run_time;
    assert_eq!(run_time(&store), 30);
    store.apply(&task_end(0, 0, 50, EndReason::default()));
    assert_eq!(run_time(&store), 50);
}

#[test]
fn pages_of_tasks_are_those_of_a_sorted_list() {
    let mut events = vec![submitted(0, 500)];
    for id in 0..500 {
        events.push(task_start(0, id));
        events.push(task_end(0, id, (id * 7919) % 101, EndReason::default()));
    }
    let store = applied(Retained::default(), events);
    let view = store.at(BEGAN);
    let page = |sort, descending, offset, length| {
        let ask = TaskAsk { offset, length, sort, descending, status: vec![] };
        view.tasks(0, 0, &ask).unwrap()
    };
    for sort in [TaskSort::Id, TaskSort::RunTime, TaskSort::Duration, TaskSort::Executor] {
        for descending in [false, true] {
            let all = page(sort, descending, 0, 500);
            for offset in [0, 17, 490, 600] {
                let expected: Vec<_> = all.iter().skip(offset).take(20).cloned().collect();
                assert_eq!(page(sort, descending, offset, 20), expected, "{sort:?} {descending} {offset}");
            }
        }
    }
    let times = page(TaskSort::RunTime, true, 0, 500);
    let times: Vec<i64> = times.iter().map(|task| task.task_metrics.unwrap().executor_run_time).collect();
    assert!(times.is_sorted_by(|one, other| one >= other));
}

#[test]
fn what_ended_first_is_forgotten_first() {
    let retained = Retained { jobs: 10, stages: 20, tasks: 30, ..Retained::default() };
    let mut store = Store::new(retained);
    for job in 0..50 {
        store.apply(&job_start(job, &[(job, 100)]));
        store.apply(&submitted(job, 100));
        for id in job * 100..job * 100 + 100 {
            store.apply(&task_start(job, id));
            // One runs on until the end of its stage.
            if id % 100 != 5 {
                store.apply(&task_end(job, id, 1, EndReason::default()));
            }
        }
        store.apply(&task_end(job, job * 100 + 5, 1, EndReason::default()));
        store.apply(&completed(job, 100, None));
        store.apply(&job_end(job, JobResult::default()));
    }
    let view = store.at(BEGAN);
    let jobs: Vec<i64> = view.jobs(&[]).iter().map(|job| job.job_id).collect();
    assert!(jobs.len() <= 10 && jobs[0] == 49, "{jobs:?}");
    let stages = view.stages(&[], &StageAsk { details: true, ..StageAsk::default() });
    assert!(stages.len() <= 20 && stages[0].stage_id == 49);
    assert!(stages.iter().all(|stage| stage.tasks.as_ref().unwrap().len() <= 30));
    // Totals are of all tasks, whatever is forgotten; and the one that ran all the time was not.
    assert!(stages.iter().all(|stage| (stage.num_complete_tasks, stage.executor_run_time) == (100, 100)));
    assert!(stages[0].tasks.as_ref().unwrap().contains_key(&4905));
}

#[test]
fn the_tasks_of_all_stages_are_bounded_too() {
    let mut store = Store::new(Retained { all_tasks: 250, ..Retained::default() });
    for stage in 0..10 {
        store.apply(&submitted(stage, 100));
        for id in stage * 100..stage * 100 + 100 {
            store.apply(&task_start(stage, id));
            let reason = EndReason { kill_reason: Some("x".repeat(100)), ..EndReason::of("TaskKilled") };
            store.apply(&task_end(stage, id, 1, reason));
        }
        store.apply(&completed(stage, 100, None));
    }
    let kept = |stage| store.at(BEGAN).stage_own(stage, 0).unwrap().tasks_kept;
    assert_eq!((0..10).map(kept).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 0, 100, 100]);
    let stage = store.at(BEGAN).stage(0, 0, &StageAsk::default()).unwrap();
    assert_eq!((stage.num_killed_tasks, stage.executor_run_time), (100, 100));
}

fn executor_added(id: &str, host: &str) -> ListenerEvent {
    let executor_info = ExecutorInfo { host: host.into(), total_cores: 2, ..ExecutorInfo::default() };
    ListenerEvent::ExecutorAdded(ExecutorAdded { timestamp: BEGAN, executor_id: id.into(), executor_info })
}

#[test]
fn executors_are_excluded_from_stages_until_these_end_and_from_the_application_until_it_says_so() {
    let (timestamp, executor_id, host_id) = (BEGAN + 5, "1".to_string(), "b".to_string());
    let mut store = applied(
        Retained::default(),
        [
            executor_added("1", "a"),
            executor_added("2", "b"),
            executor_added("3", "b"),
            job_start(0, &[(0, 4)]),
            submitted(0, 4),
            ListenerEvent::ExecutorExcludedForStage(ExecutorExcludedForStage {
                timestamp,
                executor_id: executor_id.clone(),
                task_failures: 2,
                ..ExecutorExcludedForStage::default()
            }),
            ListenerEvent::NodeExcluded(NodeExcluded {
                timestamp,
                host_id: host_id.clone(),
                executor_failures: 2,
            }),
        ],
    );
    // Those from which the application keeps away, and those of the stage.
    let excluded = |store: &Store| {
        let view = store.at(BEGAN + 10);
        let executors = view.executors(true);
        let of_application = executors.iter().filter(|it| it.is_excluded && it.is_blacklisted);
        let of_stage = executors.iter().filter(|it| it.excluded_in_stages.contains(&0));
        let names = |all: Vec<&ExecutorSummary>| all.iter().map(|it| it.id.to_string()).collect::<Vec<_>>();
        (names(of_application.collect()), names(of_stage.collect()))
    };
    assert_eq!(excluded(&store), (vec!["2".into(), "3".into()], vec!["1".into()]));
    let told = json_of(store.at(BEGAN).executor("1").unwrap());
    assert_eq!((&told["excludedInStages"], &told["blacklistedInStages"]), (&json!([0]), &json!([0])));
    store.apply(&completed(0, 4, None));
    store.apply(&ListenerEvent::ExecutorExcluded(ExecutorExcluded {
        timestamp,
        executor_id: executor_id.clone(),
        task_failures: 2,
    }));
    store.apply(&ListenerEvent::NodeUnexcluded(NodeUnexcluded { timestamp, host_id }));
    assert_eq!(excluded(&store), (vec!["1".into()], vec![]));
    store.apply(&ListenerEvent::ExecutorUnexcluded(ExecutorUnexcluded { timestamp, executor_id }));
    assert_eq!(excluded(&store), (vec![], vec![]));
}

#[test]
fn blocks_come_and_go() {
    let level = StorageLevel { use_memory: true, deserialized: true, ..StorageLevel::default() };
    let rdd = RddInfo {
        rdd_id: 3,
        name: "words".into(),
        storage_level: level,
        num_partitions: 2,
        ..RddInfo::default()
    };
    let mut info = StageInfo { submission_time: Some(BEGAN), ..stage_info(0, 2) };
    info.rdd_info = Arc::new(vec![rdd]);
    let block = |executor: &str, block_id: &str, storage_level, memory_size| {
        let block_manager_id = BlockManagerId { executor_id: executor.into(), host: "h".into(), port: 7 };
        let info = BlockUpdatedInfo {
            block_manager_id,
            block_id: block_id.into(),
            storage_level,
            memory_size,
            disk_size: 0,
        };
        ListenerEvent::BlockUpdated(BlockUpdated { info })
    };
    let added = |executor: &str| {
        ListenerEvent::BlockManagerAdded(BlockManagerAdded {
            block_manager_id: BlockManagerId { executor_id: executor.into(), host: "h".into(), port: 7 },
            maximum_memory: 1000,
            maximum_on_heap_memory: Some(1000),
            ..BlockManagerAdded::default()
        })
    };
    let mut store = applied(
        Retained::default(),
        [
            added("1"),
            added("2"),
            ListenerEvent::StageSubmitted(StageSubmitted { stage_info: info, ..StageSubmitted::default() }),
            block("1", "rdd_3_0", level, 100),
            block("2", "rdd_3_1", level, 50),
            block("2", "broadcast_0_piece0", level, 5),
            block("2", "rdd_9_0", level, 1),
        ],
    );
    let kept = |store: &Store| {
        let rdd = store.at(BEGAN).rdds();
        rdd.first().map(|rdd| {
            (rdd.num_cached_partitions, rdd.memory_used, rdd.data_distribution.as_ref().unwrap().len())
        })
    };
    let used = |store: &Store, id: &str| store.at(BEGAN).executor(id).unwrap().memory_used;
    assert_eq!(kept(&store), Some((2, 150, 2)));
    assert_eq!(store.at(BEGAN).rdds()[0].storage_level, "Memory Deserialized 1x Replicated");
    assert_eq!((used(&store, "1"), used(&store, "2")), (100, 56));
    store.apply(&block("1", "rdd_3_0", StorageLevel::default(), 100));
    assert_eq!((kept(&store), used(&store, "1")), (Some((1, 50, 1)), 0));
    let removed =
        ExecutorRemoved { executor_id: "2".into(), removed_reason: "killed".into(), timestamp: BEGAN };
    store.apply(&ListenerEvent::ExecutorRemoved(removed));
    assert_eq!(kept(&store), None);
    let gone = store.at(BEGAN).executor("2").unwrap();
    assert_eq!((gone.is_active, gone.remove_reason.as_deref()), (false, Some("killed")));
    assert_eq!(store.at(BEGAN).executors(false).len(), 1);
    store.apply(&ListenerEvent::UnpersistRdd(UnpersistRdd { rdd_id: 3 }));
    assert_eq!(store.at(BEGAN).rdd(3), None);
}

#[test]
fn the_same_events_again_or_in_any_order_do_no_harm() {
    let events = [
        job_start(0, &[(0, 2)]),
        submitted(0, 2),
        task_start(0, 0),
        task_end(0, 0, 5, EndReason::default()),
        completed(0, 2, None),
        job_end(0, JobResult::default()),
        ListenerEvent::UnpersistRdd(UnpersistRdd { rdd_id: 3 }),
    ];
    for first in 0..events.len() {
        for second in 0..events.len() {
            let mut store = Store::new(Retained {
                jobs: 0,
                stages: 0,
                tasks: 0,
                dead_executors: 0,
                ..Retained::default()
            });
            for event in [&events[first], &events[second], &events[first]].into_iter().chain(&events) {
                store.apply(event);
            }
            let view = store.at(i64::MIN);
            let ask = StageAsk { details: true, summaries: Some(vec![f64::NAN, 2.0]), ..StageAsk::default() };
            let shown = (view.jobs(&[]), view.stages(&[], &ask), view.executors(true), view.application());
            assert!(serde_json::to_string(&shown).is_ok());
        }
    }
}
