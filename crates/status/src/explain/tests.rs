//! Each rule with a store that has the fault, and one that has not.

use crate::explain::{self, Finding, Rule};
use crate::store::{Retained, Store};
use firesteel_events::{
    EndReason, ExecutorAdded, ExecutorInfo, FunctionTime, JobEnd, JobResult, JobStart, ListenerEvent,
    LogStart, OwnMetrics, RddInfo, StageCompleted, StageInfo, StageSubmitted, StorageLevel, TaskEnd,
    TaskInfo, TaskMetrics, TaskStart,
};
use std::sync::Arc;

/// A task as tests say it: where it runs, for how many milliseconds, and what it measures.
#[derive(Clone)]
struct Task {
    executor: usize,
    ms: i64,
    metrics: TaskMetrics,
    error: Option<&'static str>,
}

fn task(ms: i64) -> Task {
    let own = OwnMetrics { run_time: ms * 1_000, ..OwnMetrics::default() };
    let metrics = TaskMetrics { executor_run_time: ms, own: Some(Box::new(own)), ..TaskMetrics::default() };
    Task { executor: 0, ms, metrics, error: None }
}

impl Task {
    fn with(mut self, change: impl FnOnce(&mut TaskMetrics, &mut OwnMetrics)) -> Self {
        let mut own = self.metrics.own.take().unwrap_or_default();
        change(&mut self.metrics, &mut own);
        self.metrics.own = Some(own);
        self
    }

    fn on(self, executor: usize) -> Self {
        Task { executor, ..self }
    }

    fn reading(self, records: i64) -> Self {
        self.with(|metrics, _| metrics.shuffle_read.total_records_read = records)
    }
}

/// An application of some executors, as events.
struct Application {
    store: Store,
    now: i64,
    next_task: i64,
}

impl Application {
    /// Executors of this many slots each, on hosts `h0`, `h1` and so on.
    fn new(slots: &[i64]) -> Self {
        let mut application =
            Application { store: Store::new(Retained::default()), now: 1_000, next_task: 0 };
        application.apply(ListenerEvent::LogStart(LogStart {
            spark_version: "4.3.0".into(),
            firesteel_version: Some("1".into()),
        }));
        for (at, slots) in slots.iter().enumerate() {
            application.apply(ListenerEvent::ExecutorAdded(ExecutorAdded {
                timestamp: 1_000,
                executor_id: at.to_string(),
                executor_info: ExecutorInfo {
                    host: format!("h{at}"),
                    total_cores: *slots,
                    ..ExecutorInfo::default()
                },
            }));
        }
        application
    }

    fn apply(&mut self, event: ListenerEvent) {
        self.store.apply(&event);
    }

    /// Runs a job of one stage, which takes `wall` milliseconds; its number is that of the stage.
    fn run(&mut self, id: i64, wall: i64, rdds: &[RddInfo], tasks: &[Task], failure: Option<&str>) {
        let begin = self.now;
        let info = StageInfo {
            stage_id: id,
            name: format!("count at app.py:{id}"),
            num_tasks: tasks.iter().filter(|task| task.error.is_none()).count() as i64,
            rdd_info: Arc::new(rdds.to_vec()),
            submission_time: Some(begin),
            ..StageInfo::default()
        };
        self.apply(ListenerEvent::JobStart(JobStart {
            job_id: id,
            submission_time: begin,
            stage_ids: vec![id],
            stage_infos: vec![StageInfo { submission_time: None, ..info.clone() }],
            ..JobStart::default()
        }));
        self.apply(ListenerEvent::StageSubmitted(StageSubmitted {
            stage_info: info.clone(),
            ..StageSubmitted::default()
        }));
        tasks.iter().enumerate().for_each(|(at, task)| self.run_task(id, at as i64, task));
        self.now = begin + wall;
        self.apply(ListenerEvent::StageCompleted(StageCompleted {
            stage_info: StageInfo {
                completion_time: Some(self.now),
                failure_reason: failure.map(Into::into),
                ..info
            },
        }));
        let job_result = failure.map_or_else(JobResult::default, |failure| JobResult::failed(failure.into()));
        self.apply(ListenerEvent::JobEnd(JobEnd { job_id: id, completion_time: self.now, job_result }));
    }

    fn run_task(&mut self, stage_id: i64, index: i64, task: &Task) {
        self.next_task += 1;
        let task_info = TaskInfo {
            task_id: self.next_task,
            index,
            launch_time: self.now,
            executor_id: task.executor.to_string().into(),
            host: format!("h{}", task.executor).into(),
            ..TaskInfo::default()
        };
        self.apply(ListenerEvent::TaskStart(TaskStart {
            stage_id,
            stage_attempt_id: 0,
            task_info: task_info.clone(),
        }));
        let reason = task.error.map_or_else(EndReason::default, |error| EndReason {
            full_stack_trace: Some(error.into()),
            ..EndReason::of("ExceptionFailure")
        });
        self.apply(ListenerEvent::TaskEnd(TaskEnd {
            stage_id,
            stage_attempt_id: 0,
            task_type: "ResultTask".into(),
            reason,
            task_info: TaskInfo {
                finish_time: self.now + task.ms.max(1),
                failed: task.error.is_some(),
                ..task_info
            },
            executor_metrics: Default::default(),
            metrics: task.error.is_none().then(|| Box::new(task.metrics.clone())),
        }));
    }
}

/// Explains a stage of these tasks, on one executor of four slots.
fn explained(wall: i64, tasks: &[Task]) -> Vec<Finding> {
    let mut application = Application::new(&[4]);
    application.run(0, wall, &[], tasks, None);
    explain::stage(&application.store, 0, 0)
}

#[track_caller]
fn only(findings: &[Finding], rule: Rule) -> Finding {
    assert_eq!(findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), [rule], "{findings:#?}");
    findings[0].clone()
}

#[test]
fn a_partition_with_most_records_and_its_hot_key() {
    let mut tasks = vec![task(100).reading(100); 7];
    let hot = |_: &mut TaskMetrics, own: &mut OwnMetrics| own.hot_key = Some(("'DE'".into(), 8_000));
    tasks.push(task(6_000).reading(9_000).with(hot));
    let finding = only(&explained(6_100, &tasks), Rule::SkewedPartition);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0): task 7 ran 6.0 s, 60 times the median of 100 ms: its partition has 9,000 records, 93 % of \
         the stage's and 90 times the median; the key 'DE' alone has about 8,000."
    );
    assert!(
        finding.remedy.starts_with("Spread that key: append a number from 0 to 7 to it"),
        "{}",
        finding.remedy
    );
    assert_eq!(finding.lost_ms, 6_000 - 6_700 / 4);
    tasks[7] = task(6_000).reading(9_000);
    let finding = only(&explained(6_100, &tasks), Rule::SkewedPartition);
    assert!(finding.remedy.contains("`reduceByKey`") && !finding.sentence.contains("key "), "{finding:?}");
    // Batches of records: as many, and more in them.
    let sized = |bytes| {
        move |metrics: &mut TaskMetrics, _: &mut OwnMetrics| metrics.shuffle_read.local_bytes_read = bytes
    };
    let mut tasks = vec![task(100).reading(8).with(sized(2 << 10)); 7];
    tasks.push(task(6_000).reading(8).with(sized(1 << 20)));
    let finding = only(&explained(6_100, &tasks), Rule::SkewedPartition);
    let size = "its partition has 1.0 MiB in 8 records, 512 times the median.";
    assert!(finding.sentence.ends_with(size), "{}", finding.sentence);
}

#[test]
fn a_partition_that_is_slow_without_having_more() {
    let mut tasks = vec![task(100).reading(100); 7];
    tasks.push(task(6_000).reading(110));
    let finding = only(&explained(6_100, &tasks), Rule::SlowPartition);
    assert!(
        finding.sentence.ends_with("though it has no more records than others (110)."),
        "{}",
        finding.sentence
    );
}

#[test]
fn even_partitions_are_not_skewed_nor_are_uneven_ones_that_cost_nobody_anything() {
    assert_eq!(explained(2_100, &vec![task(1_000).reading(100); 8]), []);
    // Three times the median, but the slots were busy all the time.
    let mut tasks = vec![task(1_000).reading(10); 36];
    tasks.extend(vec![task(3_000).reading(30); 4]);
    assert_eq!(explained(12_000, &tasks), []);
    // A hundred times the median, and over in no time.
    let mut tasks = vec![task(1).reading(1); 7];
    tasks.push(task(100).reading(100));
    assert_eq!(explained(110, &tasks), []);
}

#[test]
fn too_many_partitions() {
    let finding = only(&explained(10_000, &vec![task(1); 5_000]), Rule::TooManyPartitions);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0): its 5,000 tasks ran 1.0 ms in the median, and only 12 % of the time that 4 slots had; the \
         rest went into starting them."
    );
    assert!(finding.remedy.contains("`coalesce(51)`"), "{}", finding.remedy);
    // Short tasks that keep the slots busy, and long ones.
    assert_eq!(explained(1_500, &vec![task(1); 5_000]), []);
    assert_eq!(explained(2_000_000, &vec![task(1_000); 5_000]), []);
}

#[test]
fn too_few_partitions() {
    let finding = only(&explained(9_000, &[task(9_000).reading(50)]), Rule::TooFewPartitions);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0): it took 9.0 s with 1 task, so that 3 of 4 slots stood idle."
    );
    assert!(finding.remedy.contains("`numPartitions=12`"), "{}", finding.remedy);
    assert_eq!(finding.lost_ms, 6_750);
    assert_eq!(explained(900, &[task(900).reading(50)]), [], "a short stage");
    assert_eq!(explained(9_000, &[task(9_000).reading(1)]), [], "one record cannot be cut");
    let mut application = Application::new(&[4]);
    application.run(0, 9_000, &[rdd(3, &[], 100)], &[task(9_000)], None);
    assert_eq!(explain::stage(&application.store, 0, 0), [], "a job that wants one partition of many");
}

fn filtering(operation: &str, records_in: i64, records_out: i64) -> Vec<Task> {
    let function = FunctionTime {
        function: "filter is_german at app.py:3, parse at app.py:5".into(),
        operation: operation.into(),
        time: 1_000,
        records_in: records_in / 4,
        records_out: records_out / 4,
        ..FunctionTime::default()
    };
    let read = |metrics: &mut TaskMetrics, own: &mut OwnMetrics| {
        metrics.shuffle_read.local_bytes_read = 10 << 20;
        own.functions.push(function);
    };
    vec![task(2_000).reading(100_000).with(read); 4]
}

#[test]
fn a_filter_behind_a_shuffle() {
    let finding = only(&explained(2_000, &filtering("filter at app.py:9", 400_000, 4_000)), Rule::LateFilter);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0): `filter is_german at app.py:3, parse at app.py:5` behind the shuffle (filter at app.py:9) drops 396,000 of 400,000 \
         records, 99 %, after 40 MiB were shuffled."
    );
    only(&explained(2_000, &filtering("map at app.py:9", 400_000, 4_000)), Rule::LateFilter);
    assert_eq!(
        explained(2_000, &filtering("sum at app.py:9", 400_000, 4)),
        [],
        "it may be the sum that gives few"
    );
    assert_eq!(explained(2_000, &filtering("filter at app.py:9", 400_000, 200_000)), [], "keeps half");
    assert_eq!(explained(2_000, &filtering("filter at app.py:9", 4_000, 40)), [], "hardly any records");
    assert_eq!(
        explained(2_000, &filtering("mapPartitions at app.py:9", 400_000, 4)),
        [],
        "sums, not a filter"
    );
    let first = filtering("filter at app.py:9", 400_000, 4_000).into_iter().map(|task| task.reading(0));
    assert_eq!(explained(2_000, &first.collect::<Vec<_>>()), [], "nothing was shuffled before");
}

#[test]
fn records_that_did_not_fit() {
    let spill = |metrics: &mut TaskMetrics, _: &mut OwnMetrics| {
        metrics.memory_bytes_spilled = 300 << 20;
        metrics.disk_bytes_spilled = 100 << 20;
        metrics.peak_execution_memory = 100 << 20;
    };
    let finding = only(&explained(2_000, &vec![task(2_000).with(spill); 4]), Rule::Spilling);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0): 4 tasks of 4 did not find room for their records and spilled 1.2 GiB (400 MiB on disk); the \
         largest wanted 400 MiB and had 100 MiB."
    );
    assert_eq!(
        finding.remedy,
        "1.6 GiB for records would spare it (4 such tasks at a time): `spark.executor.memory=2667m`; or cut the data finer, into 20 \
         partitions."
    );
    let little = |metrics: &mut TaskMetrics, _: &mut OwnMetrics| metrics.memory_bytes_spilled = 1 << 20;
    assert_eq!(explained(2_000, &vec![task(2_000).with(little); 4]), []);
    // On a machine that is ten times slower the disk's share of the time is small, and the task's work at spilling is not.
    let finding = only(&explained(20_000, &vec![task(20_000).with(spill); 4]), Rule::Spilling);
    assert_eq!(finding.lost_ms, 20_000 * 3 / 4 * 20 / 100);
}

#[test]
fn pickling() {
    let pickles = |us| vec![task(2_000).reading(500).with(move |_, own| own.pickle_time = us); 4];
    let finding = only(&explained(2_000, &pickles(1_500_000)), Rule::Pickling);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0): tasks pickled and unpickled Python objects for 6.0 s of the 8.0 s that they ran (75 %), 3.0 ms \
         for each of 2,000 records."
    );
    assert_eq!(finding.lost_ms, 1_500);
    assert_eq!(explained(2_000, &pickles(100_000)), []);
}

#[test]
fn one_function_of_python() {
    let called = |us| {
        let function = FunctionTime {
            function: "parse at app.py:3".into(),
            operation: "map at app.py:7".into(),
            time: us,
            records_in: 500,
            records_out: 500,
            ..FunctionTime::default()
        };
        vec![task(2_000).with(move |_, own| own.functions.push(function)); 4]
    };
    let finding = only(&explained(2_000, &called(1_900_000)), Rule::PythonFunction);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0): the function `parse at app.py:3`, called by map at app.py:7, took 7.6 s of the 8.0 s that tasks \
         ran (95 %), 3.8 ms for each of 2,000 records."
    );
    assert_eq!(explained(2_000, &called(400_000)), []);
}

#[test]
fn blocks_of_other_hosts() {
    let waits = |ms, bytes| {
        let read = move |metrics: &mut TaskMetrics, _: &mut OwnMetrics| {
            metrics.shuffle_read.fetch_wait_time = ms;
            metrics.shuffle_read.remote_bytes_read = bytes;
            metrics.shuffle_read.remote_blocks_fetched = 100;
        };
        vec![task(2_000).with(read); 4]
    };
    let finding = only(&explained(2_000, &waits(1_500, 100 << 20)), Rule::RemoteBlocks);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0): tasks waited 6.0 s of the 8.0 s that they ran (75 %) for 400 MiB in 400 blocks of other hosts."
    );
    assert!(finding.remedy.starts_with("Send less"));
    assert!(only(&explained(2_000, &waits(1_500, 1_000)), Rule::RemoteBlocks).remedy.contains("`coalesce`"));
    assert_eq!(explained(2_000, &waits(100, 100 << 20)), []);
}

/// An RDD that is computed from others.
fn rdd(id: i64, parents: &[i64], partitions: i64) -> RddInfo {
    RddInfo {
        rdd_id: id,
        name: "map".into(),
        callsite: format!("map at app.py:{id}"),
        parent_ids: parents.to_vec(),
        num_partitions: partitions,
        ..RddInfo::default()
    }
}

fn persisted(rdd: RddInfo) -> RddInfo {
    RddInfo { storage_level: StorageLevel { use_memory: true, ..StorageLevel::default() }, ..rdd }
}

fn two_jobs(first: &[RddInfo], second: &[RddInfo], tasks: &[Task]) -> Vec<Finding> {
    let mut application = Application::new(&[4]);
    application.run(0, 5_000, first, &vec![task(5_000); 4], None);
    application.run(1, 5_000, second, tasks, None);
    assert_eq!(explain::job(&application.store, 0), []);
    explain::job(&application.store, 1)
}

#[test]
fn an_rdd_that_two_jobs_compute() {
    let source = RddInfo { name: "textFile".into(), ..rdd(0, &[], 4) };
    let (shared, tasks) = (rdd(1, &[0], 4), vec![task(5_000); 4]);
    let first = [source.clone(), shared.clone(), rdd(2, &[1], 4)];
    let second = [source.clone(), shared.clone(), rdd(3, &[1], 4)];
    let finding = only(&two_jobs(&first, &second, &tasks), Rule::Recomputed);
    assert_eq!(
        finding.sentence,
        "Stage 1 (count at app.py:1) computed `map at app.py:1` again in its 5.0 s, as 1 job had done before (job 0 last), since it \
         is not persisted."
    );
    assert!(finding.remedy.contains("(id 1)"), "{}", finding.remedy);
    let kept = persisted(shared);
    let first = [source.clone(), kept.clone(), rdd(2, &[1], 4)];
    assert_eq!(two_jobs(&first, &[source.clone(), kept, rdd(3, &[1], 4)], &tasks), [], "it is persisted");
    assert_eq!(two_jobs(&first, &[rdd(10, &[], 4), rdd(11, &[10], 4)], &tasks), [], "another RDD");
    let data = RddInfo { name: "parallelize".into(), ..rdd(0, &[], 4) };
    assert_eq!(
        two_jobs(&[data.clone(), rdd(2, &[0], 4)], &[data, rdd(3, &[0], 4)], &tasks),
        [],
        "data of the program"
    );
}

#[test]
fn a_persisted_rdd_that_memory_did_not_keep() {
    let kept = persisted(rdd(1, &[], 4));
    let (first, second) = ([kept.clone(), rdd(2, &[1], 4)], [kept, rdd(3, &[1], 4)]);
    let computing = task(5_000).with(|_, own| own.computed_persisted = 1);
    let finding = only(
        &two_jobs(&first, &second, &[computing.clone(), task(5_000), task(5_000), task(5_000)]),
        Rule::LostFromCache,
    );
    assert_eq!(
        finding.sentence,
        "Stage 1 (count at app.py:1) computed 1 partition of the persisted RDD `map at app.py:1` again, since memory had not kept \
         them."
    );
    assert_eq!(two_jobs(&first, &second, &vec![task(5_000); 4]), [], "all was kept");
    assert_eq!(
        two_jobs(&[rdd(7, &[], 4)], &second, &vec![computing; 4]),
        [],
        "it was computed for the first time"
    );
}

#[test]
fn a_slow_host() {
    let mut application = Application::new(&[2, 2, 2]);
    let tasks: Vec<Task> =
        (0..12).map(|at| task(if at % 3 == 1 { 3_000 } else { 500 }).reading(100).on(at % 3)).collect();
    application.run(0, 6_000, &[], &tasks, None);
    let finding = only(&explain::stage(&application.store, 0, 0), Rule::SlowHost);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0): on host h1, 4 tasks took 3.0 s each, 6.0 times the 500 ms of those elsewhere, with no more \
         records."
    );
    assert_eq!(finding.lost_ms, 5_000);
    let mut application = Application::new(&[2, 2, 2]);
    let even: Vec<Task> = (0..12).map(|at| task(1_000).reading(100).on(at % 3)).collect();
    application.run(0, 2_000, &[], &even, None);
    assert_eq!(explain::stage(&application.store, 0, 0), []);
}

const TRACEBACK: &str = "Traceback (most recent call last):\n  File \"app.py\", line 4, in parse\n    int(x)\nValueError: no number: \
                         'x'\n\nat map at app.py:4";

#[test]
fn a_stage_that_failed() {
    let failed = Task { error: Some(TRACEBACK), ..task(10) };
    let mut application = Application::new(&[4]);
    application.run(0, 100, &[], &[task(10), failed.clone()], Some("task 1 failed"));
    let finding = only(&explain::job(&application.store, 0), Rule::Failed);
    assert_eq!(
        finding.sentence,
        "Stage 0 (count at app.py:0) failed after 1 failed attempt of task 1: ValueError: no number: 'x'."
    );
    assert!(finding.remedy.contains("`sc.debug_last_failure()`"), "{}", finding.remedy);
    let text = explain::job_text(&application.store, 0);
    assert!(text.starts_with("Job 0 (count at app.py:0) failed after 100 ms:\n- Stage 0"), "{text}");
    application.run(1, 100, &[], &[], Some("Job 1 cancelled part of cancelled job group x"));
    let finding = only(&explain::job(&application.store, 1), Rule::Failed);
    assert!(finding.remedy.starts_with("It was cancelled on purpose"), "{}", finding.remedy);
    let lost = Task { error: Some("FetchFailed(BlockManagerId(1, h, 0, None))"), ..task(900) };
    application.run(2, 2_000, &[], &[lost, task(1_000), task(1_000), task(1_000), task(1_000)], None);
    let finding = only(&explain::job(&application.store, 2), Rule::RepeatedTasks);
    assert!(finding.sentence.contains("1 attempt failed after 900 ms together"), "{}", finding.sentence);
    assert!(finding.remedy.contains("`spark.shuffle.service.enabled=true`"), "{}", finding.remedy);
}

#[test]
fn what_cost_most_comes_first_and_a_good_job_has_nothing_to_tell() {
    let slow = task(9_000).reading(50).with(|metrics, own| {
        own.pickle_time = 3_000_000;
        metrics.memory_bytes_spilled = 100 << 20;
    });
    let rules: Vec<Rule> = explained(9_000, &[slow]).iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::TooFewPartitions, Rule::Pickling, Rule::Spilling]);
    let mut application = Application::new(&[4]);
    application.run(0, 1_000, &[], &vec![task(1_000); 4], None);
    assert_eq!(explain::last_job(&application.store), Some(0));
    assert_eq!(
        explain::job_text(&application.store, 0),
        "Job 0 (count at app.py:0) took 1.0 s. Nothing in it stands out as slow.\n"
    );
}
