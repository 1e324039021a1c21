//! Events of applications that never ran: to look at pages, and to test them.
//!
//! Names of the hostile kind are everywhere where a program can put one, since a page must show them as text.

use firesteel_events::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A text that would be a script if a page forgot to escape it, in several ways.
pub(crate) const HOSTILE: &str = "</title></script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

/// Events in the order in which they come, with the time at which each comes.
#[derive(Default)]
pub(crate) struct Events {
    /// The events.
    pub(crate) all: Vec<(i64, ListenerEvent)>,
    now: i64,
    next_task: i64,
    seed: u64,
}

/// A stage to be run.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Its id.
    pub(crate) id: i64,
    /// Its name.
    pub(crate) name: String,
    /// The number of its tasks.
    pub(crate) tasks: i64,
    /// The stages that it reads.
    pub(crate) parents: Vec<i64>,
    /// Its RDDs.
    pub(crate) rdds: Arc<Vec<RddInfo>>,
    /// Milliseconds of a task.
    pub(crate) task_ms: i64,
    /// The share of a task's time in pickling, in percent.
    pub(crate) pickling: i64,
    /// The position of a task that takes twelve times as long.
    pub(crate) skewed: Option<i64>,
}

impl Events {
    /// Begins at a time.
    pub(crate) fn at(now: i64) -> Self {
        Events { now, seed: 7, ..Events::default() }
    }

    /// Returns the time of the last event.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    fn chance(&mut self, below: i64) -> i64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.seed >> 33) % below.max(1) as u64) as i64
    }

    fn push(&mut self, event: ListenerEvent) {
        self.all.push((self.now, event));
    }

    /// The application begins, with so many executors of so many cores.
    pub(crate) fn start(&mut self, name: &str, executors: i64, cores: i64) {
        self.push(ListenerEvent::LogStart(LogStart {
            spark_version: "4.3.0".into(),
            firesteel_version: Some("0.1.0".into()),
        }));
        self.push(ListenerEvent::ApplicationStart(ApplicationStart {
            app_name: name.into(),
            app_id: Some(format!("app-{}", self.now)),
            timestamp: self.now,
            user: "ada".into(),
            ..ApplicationStart::default()
        }));
        let setting = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let spark = [
            ("spark.app.name", name),
            ("spark.master", "spark://cluster:7077"),
            ("spark.executor.memory", "4g"),
            ("spark.hadoop.fs.s3a.secret.key", "never-shown-1"),
            ("spark.ssl.keyPassword", "never-shown-2"),
            ("spark.executorEnv.API", "token=never-shown-3"),
            (HOSTILE, HOSTILE),
        ];
        self.push(ListenerEvent::EnvironmentUpdate(EnvironmentUpdate {
            jvm_information: BTreeMap::from([setting(("Java Version", "none: Firesteel 0.1.0"))]),
            spark_properties: spark.into_iter().map(setting).collect(),
            classpath_entries: BTreeMap::from([setting(("/opt/jobs/orders.py", "Added By User"))]),
            ..EnvironmentUpdate::default()
        }));
        self.add_executor("driver", "driver-host", 0, 400 << 20);
        for id in 1..=executors {
            self.add_executor(&id.to_string(), &format!("worker-{id}"), cores, 2400 << 20);
        }
    }

    /// An executor registers.
    pub(crate) fn add_executor(&mut self, id: &str, host: &str, cores: i64, memory: i64) {
        self.push(ListenerEvent::ExecutorAdded(ExecutorAdded {
            timestamp: self.now,
            executor_id: id.into(),
            executor_info: ExecutorInfo { host: host.into(), total_cores: cores, ..ExecutorInfo::default() },
        }));
        self.push(ListenerEvent::BlockManagerAdded(BlockManagerAdded {
            block_manager_id: BlockManagerId { executor_id: id.into(), host: host.into(), port: 7000 },
            maximum_memory: memory,
            timestamp: self.now,
            maximum_on_heap_memory: Some(memory),
            maximum_off_heap_memory: Some(0),
        }));
    }

    /// Executors tell of their memory.
    pub(crate) fn heartbeats(&mut self, executors: i64) {
        for id in 1..=executors {
            let figures = [
                ("OnHeapExecutionMemory", 300 + self.chance(700)),
                ("OnHeapStorageMemory", 500 + self.chance(400)),
                ("ProcessTreePythonRSSMemory", 400 + self.chance(500)),
                ("ProcessTreeOtherRSSMemory", 1900 + self.chance(300)),
            ];
            let executor_metrics =
                figures.into_iter().map(|(name, mib)| (name.to_owned(), mib << 20)).collect();
            self.push(ListenerEvent::ExecutorMetricsUpdate(ExecutorMetricsUpdate {
                executor_id: id.to_string(),
                executor_metrics_updated: vec![StageMetrics {
                    stage_id: -1,
                    stage_attempt_id: -1,
                    executor_metrics,
                }],
                ..ExecutorMetricsUpdate::default()
            }));
        }
    }

    /// A job begins.
    pub(crate) fn job(&mut self, id: i64, description: &str, plans: &[Plan]) {
        let properties = [
            ("spark.job.description", description),
            ("spark.jobGroup.id", "nightly"),
            ("spark.job.tags", "etl,orders"),
        ];
        self.push(ListenerEvent::JobStart(JobStart {
            job_id: id,
            submission_time: self.now,
            stage_infos: plans.iter().map(|plan| plan.info(0)).collect(),
            stage_ids: plans.iter().map(|plan| plan.id).collect(),
            properties: properties
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        }));
    }

    /// A job ends, well if there is no failure.
    pub(crate) fn job_end(&mut self, id: i64, failure: Option<&str>) {
        let job_result = failure.map_or_else(JobResult::default, |failure| JobResult::failed(failure.into()));
        self.push(ListenerEvent::JobEnd(JobEnd { job_id: id, completion_time: self.now, job_result }));
    }

    /// A stage begins.
    pub(crate) fn submit(&mut self, plan: &Plan, attempt: i64) {
        let mut stage_info = plan.info(attempt);
        stage_info.submission_time = Some(self.now);
        self.push(ListenerEvent::StageSubmitted(StageSubmitted { stage_info, ..StageSubmitted::default() }));
    }

    /// A stage ends.
    pub(crate) fn complete(&mut self, plan: &Plan, attempt: i64, began: i64, failure: Option<&str>) {
        let mut stage_info = plan.info(attempt);
        stage_info.submission_time = Some(began);
        stage_info.completion_time = Some(self.now);
        stage_info.failure_reason = failure.map(str::to_owned);
        stage_info.accumulables = vec![Accumulable {
            id: 9,
            name: Some("bad lines".into()),
            value: Some(42.into()),
            ..Accumulable::default()
        }];
        self.push(ListenerEvent::StageCompleted(StageCompleted { stage_info }));
    }

    /// Runs tasks of a stage on executors, and stops when `until` of them have ended. `fails` tells which attempts fail.
    pub(crate) fn run(
        &mut self,
        plan: &Plan,
        attempt: i64,
        slots: &[String],
        until: i64,
        fails: &dyn Fn(i64, i64) -> Option<EndReason>,
    ) {
        let mut waiting: std::collections::VecDeque<(i64, i64)> =
            (0..plan.tasks).map(|index| (index, 0)).collect();
        let mut running: std::collections::BTreeMap<(i64, i64), (TaskInfo, usize)> = BTreeMap::new();
        let mut free: Vec<usize> = (0..slots.len()).rev().collect();
        let mut ended = 0;
        while ended < until {
            while !waiting.is_empty() && !free.is_empty() {
                let (Some((index, number)), Some(slot)) = (waiting.pop_front(), free.pop()) else { break };
                let info = self.task_start(plan, attempt, index, number, &slots[slot]);
                let mut length = plan.task_ms / 2 + self.chance(plan.task_ms);
                if plan.skewed == Some(index) {
                    length *= 12;
                }
                running.insert((info.launch_time + length, info.task_id), (info, slot));
            }
            let Some(((end, _), (info, slot))) = running.pop_first() else { break };
            self.now = end;
            free.push(slot);
            let failure = fails(info.index, info.attempt);
            if failure.is_some() {
                waiting.push_back((info.index, info.attempt + 1));
            }
            self.task_end(plan, attempt, info, failure);
            ended += 1;
        }
        self.pass(3);
        for (info, _) in running.into_values() {
            let mut reason = EndReason::of("TaskKilled");
            reason.kill_reason = Some("Stage cancelled".into());
            self.task_end(plan, attempt, info, Some(reason));
        }
    }

    fn task_start(&mut self, plan: &Plan, attempt: i64, index: i64, number: i64, executor: &str) -> TaskInfo {
        let info = TaskInfo {
            task_id: self.next_task,
            index,
            attempt: number,
            partition_id: index,
            launch_time: self.now,
            executor_id: executor.into(),
            host: format!("worker-{executor}").as_str().into(),
            locality: if index % 5 == 0 { "NODE_LOCAL".into() } else { "PROCESS_LOCAL".into() },
            ..TaskInfo::default()
        };
        self.next_task += 1;
        self.push(ListenerEvent::TaskStart(TaskStart {
            stage_id: plan.id,
            stage_attempt_id: attempt,
            task_info: info.clone(),
        }));
        info
    }

    fn task_end(&mut self, plan: &Plan, attempt: i64, mut info: TaskInfo, failure: Option<EndReason>) {
        info.finish_time = self.now;
        info.killed = failure.as_ref().is_some_and(|failure| failure.reason == "TaskKilled");
        info.failed = failure.is_some() && !info.killed;
        let length = info.finish_time - info.launch_time;
        let metrics = self.metrics(plan, length);
        self.push(ListenerEvent::TaskEnd(TaskEnd {
            stage_id: plan.id,
            stage_attempt_id: attempt,
            task_type: "ShuffleMapTask".into(),
            reason: failure.unwrap_or_default(),
            task_info: info,
            executor_metrics: BTreeMap::new(),
            metrics: Some(Box::new(metrics)),
        }));
    }

    fn metrics(&mut self, plan: &Plan, length: i64) -> TaskMetrics {
        let reads_shuffle = !plan.parents.is_empty();
        let run = length * 92 / 100;
        let size = (length + 1) * 40_000 + self.chance(100_000);
        let pickle = run * plan.pickling / 100;
        let mut metrics = TaskMetrics {
            executor_deserialize_time: length * 2 / 100,
            executor_run_time: run,
            executor_cpu_time: run * 900_000,
            peak_execution_memory: size * 2,
            result_size: 1800,
            result_serialization_time: length / 100,
            ..TaskMetrics::default()
        };
        if reads_shuffle {
            metrics.shuffle_read.fetch_wait_time = run * 18 / 100;
            metrics.shuffle_read.remote_bytes_read = size / 2;
            metrics.shuffle_read.local_bytes_read = size / 4;
            metrics.shuffle_read.total_records_read = size / 90;
        } else {
            (metrics.input.bytes_read, metrics.input.records_read) = (size, size / 120);
        }
        metrics.shuffle_write.bytes_written = size / 3;
        metrics.shuffle_write.records_written = size / 300;
        metrics.shuffle_write.write_time = run * 60_000;
        if length > plan.task_ms * 6 {
            (metrics.memory_bytes_spilled, metrics.disk_bytes_spilled) = (size * 4, size);
        }
        let function = |function: &str, operation: &str, time: i64| FunctionTime {
            function: function.into(),
            operation: operation.into(),
            time,
            records_in: size / 120,
            records_out: size / 130,
            native_in: if operation.starts_with("map") { size / 120 } else { 0 },
            handed_back: size / 90_000,
        };
        metrics.own = Some(Box::new(OwnMetrics {
            slot_wait_time: length * 10,
            run_time: run * 1000,
            python_time: run * 500,
            pickle_time: pickle * 1000,
            functions: vec![
                function("parse at orders.py:12", "map at orders.py:31", run * 350),
                function("<lambda> at orders.py:33", "filter at orders.py:33", run * 150),
            ],
            hot_key: Some(("('DE', 'Berlin')".into(), size / 400)),
            ..OwnMetrics::default()
        }));
        metrics
    }

    /// A partition is cached.
    pub(crate) fn cache(&mut self, rdd: i64, partition: i64, executor: &str, size: i64) {
        let block_manager_id =
            BlockManagerId { executor_id: executor.into(), host: format!("worker-{executor}"), port: 7000 };
        self.push(ListenerEvent::BlockUpdated(BlockUpdated {
            info: BlockUpdatedInfo {
                block_manager_id,
                block_id: format!("rdd_{rdd}_{partition}"),
                storage_level: memory_level(),
                memory_size: size,
                disk_size: 0,
            },
        }));
    }

    /// An executor is lost.
    pub(crate) fn lose_executor(&mut self, id: &str, reason: &str) {
        self.push(ListenerEvent::ExecutorRemoved(ExecutorRemoved {
            timestamp: self.now,
            executor_id: id.into(),
            removed_reason: reason.into(),
        }));
    }

    /// The application ends.
    pub(crate) fn end(&mut self) {
        self.push(ListenerEvent::ApplicationEnd(ApplicationEnd { timestamp: self.now, exit_code: Some(0) }));
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, ms: i64) {
        self.now += ms;
    }
}

impl Plan {
    fn info(&self, attempt: i64) -> StageInfo {
        StageInfo {
            stage_id: self.id,
            attempt_id: attempt,
            name: self.name.clone(),
            num_tasks: self.tasks,
            rdd_info: Arc::clone(&self.rdds),
            parent_ids: self.parents.clone(),
            details: format!("{}\nmain at orders.py:71\n<module> at orders.py:80", self.name),
            ..StageInfo::default()
        }
    }
}

fn memory_level() -> StorageLevel {
    StorageLevel { use_memory: true, deserialized: true, ..StorageLevel::default() }
}

/// Makes an RDD of an operation.
pub(crate) fn rdd(
    id: i64,
    name: &str,
    operation: &str,
    line: i64,
    parents: &[i64],
    persisted: bool,
) -> RddInfo {
    RddInfo {
        rdd_id: id,
        name: name.into(),
        scope: Some(serde_json::json!({ "id": format!("{operation}{line}"), "name": operation }).to_string()),
        callsite: format!("{operation} at orders.py:{line}"),
        parent_ids: parents.to_vec(),
        storage_level: if persisted { memory_level() } else { StorageLevel::default() },
        barrier: false,
        deterministic_level: "DETERMINATE".into(),
        num_partitions: 64,
        num_cached_partitions: 0,
        memory_size: 0,
        disk_size: 0,
    }
}

/// The stages of a job that joins two files, and counts.
pub(crate) fn join_job(first: i64, tasks: i64, task_ms: i64) -> Vec<Plan> {
    let r = first * 10;
    let plan = |at: i64, name: &str, parents: &[i64], rdds: Vec<RddInfo>| Plan {
        id: first + at,
        name: name.into(),
        tasks: if at == 3 { tasks / 4 } else { tasks },
        parents: parents.iter().map(|parent| first + parent).collect(),
        rdds: Arc::new(rdds),
        task_ms,
        pickling: if at == 0 { 20 } else { 5 },
        skewed: (at == 2).then_some(3),
    };
    vec![
        plan(
            0,
            "map at orders.py:31",
            &[],
            vec![
                rdd(r, "orders.csv", "textFile", 28, &[], false),
                rdd(r + 1, "orders.csv", "textFile", 28, &[r], false),
                rdd(r + 2, "PythonRDD", "map", 31, &[r + 1], false),
            ],
        ),
        plan(
            1,
            "keyBy at orders.py:36",
            &[],
            vec![
                rdd(r + 3, "customers.parquet", "textFile", 35, &[], false),
                rdd(r + 4, "customers", "keyBy", 36, &[r + 3], true),
            ],
        ),
        plan(
            2,
            "join at orders.py:40",
            &[0, 1],
            vec![
                rdd(r + 5, "CoGroupedRDD", "join", 40, &[r + 2, r + 4], false),
                rdd(r + 6, "MapPartitionsRDD", "join", 40, &[r + 5], false),
                rdd(r + 7, "MapPartitionsRDD", "join", 40, &[r + 6], false),
                rdd(r + 8, "PythonRDD", "mapValues", 44, &[r + 7], false),
                rdd(r + 9, "PythonRDD", "filter", 45, &[r + 8], false),
            ],
        ),
        plan(
            3,
            "reduceByKey at orders.py:47",
            &[2],
            vec![
                rdd(r + 10, "ShuffledRDD", "reduceByKey", 47, &[r + 9], false),
                rdd(r + 11, "MapPartitionsRDD", "reduceByKey", 47, &[r + 10], false),
                rdd(r + 12, "PythonRDD", "collect", 52, &[r + 11], false),
            ],
        ),
    ]
}

/// The names of slots: each executor as often as it has cores.
pub(crate) fn slots(executors: i64, cores: i64) -> Vec<String> {
    (0..executors * cores).map(|slot| (slot % executors + 1).to_string()).collect()
}

fn never(_: i64, _: i64) -> Option<EndReason> {
    None
}

/// A function of the program that fails, with hostile records.
pub(crate) fn failure(index: i64) -> EndReason {
    let traceback = format!(
        "Traceback (most recent call last):\n  File \"/opt/jobs/orders.py\", line 31, in <lambda>\n    \
         rows.map(lambda line: parse(line))\n  File \"/opt/jobs/orders.py\", line 14, in parse\n    return \
         float(fields[2])\nValueError: could not convert string to float: 'n/a'\nThe record was: \
         '2026-11-28;order {index};{HOSTILE}'"
    );
    let mut reason = EndReason::of("ExceptionFailure");
    reason.class_name = Some("ValueError".into());
    reason.description = Some(HOSTILE.into());
    reason.full_stack_trace = Some(traceback);
    reason
}

/// Runs a whole job of [`join_job`].
pub(crate) fn run_job(events: &mut Events, id: i64, description: &str, plans: &[Plan], slots: &[String]) {
    events.job(id, description, plans);
    for plan in plans {
        events.pass(20);
        let began = events.now();
        events.submit(plan, 0);
        events.run(plan, 0, slots, plan.tasks, &never);
        events.complete(plan, 0, began, None);
    }
    events.job_end(id, None);
    events.pass(300);
}

/// An application that ended well.
pub(crate) fn finished(start: i64) -> Events {
    let mut events = Events::at(start);
    events.start("Orders of the week", 4, 4);
    let slots = slots(4, 4);
    events.pass(900);
    for job in 0..6 {
        let plans = join_job(job * 4, 64, 120 + 40 * job);
        run_job(&mut events, job, if job == 0 { "warm the caches" } else { "" }, &plans, &slots);
        events.heartbeats(4);
        for partition in 0..40 {
            events.cache(job * 40 + 4, partition, &(partition % 4 + 1).to_string(), 3 << 20);
        }
    }
    events.end();
    events
}

/// An application whose last job fails, with an executor lost on the way, and hostile names everywhere.
pub(crate) fn failing(start: i64) -> Events {
    let mut events = Events::at(start);
    events.start(&format!("Orders {HOSTILE}"), 3, 4);
    let slots = slots(3, 4);
    events.pass(500);
    run_job(&mut events, 0, HOSTILE, &join_job(0, 48, 150), &slots);
    events.heartbeats(3);
    let lost = format!(
        "Killed by the kernel (out of memory) while stage 4 ran: its Python worker grew to 3.1 GiB {HOSTILE}"
    );
    events.lose_executor("3", &lost);
    let mut plans = join_job(4, 48, 200);
    plans[0].name = format!("map {HOSTILE} at orders.py:31");
    events.job(1, HOSTILE, &plans);
    let began = events.now();
    events.submit(&plans[0], 0);
    let fails =
        |index: i64, attempt: i64| (index == 17 || index == 9 && attempt == 0).then(|| failure(index));
    events.run(&plans[0], 0, &slots[..8], 40, &fails);
    let reason = format!(
        "Job aborted due to stage failure: Task 17 in stage 4.0 failed 4 times, most recent failure:\n{}",
        failure(17).full_stack_trace.unwrap_or_default()
    );
    events.complete(&plans[0], 0, began, Some(&reason));
    events.job_end(1, Some(&reason));
    events.pass(200);
    events.end();
    events
}

/// An application that runs: its events go on for a long time. A job ends about every minute.
pub(crate) fn running(start: i64, jobs: i64) -> Events {
    let mut events = Events::at(start);
    events.start("Orders of today", 4, 4);
    let slots = slots(4, 4);
    let fails = |index: i64, attempt: i64| (index % 29 == 5 && attempt == 0).then(|| failure(index));
    for job in 0..jobs {
        let plans = join_job(job * 4, 96, 700);
        events.job(job, if job % 2 == 0 { "orders by town" } else { "" }, &plans);
        for plan in &plans {
            events.heartbeats(4);
            let began = events.now();
            events.submit(plan, 0);
            events.run(
                plan,
                0,
                &slots,
                plan.tasks + if plan.id % 4 == 2 { 4 } else { 0 },
                &|index, attempt| fails(index, attempt).filter(|_| plan.id % 4 == 2),
            );
            events.complete(plan, 0, began, None);
            for partition in 0..20 {
                events.cache(job * 40 + 4, partition, &(partition % 4 + 1).to_string(), 3 << 20);
            }
        }
        events.job_end(job, None);
        events.pass(1500);
    }
    events
}

/// An application with one giant stage, and thousands of small ones.
pub(crate) fn giant(start: i64, tasks: i64, stages: i64) -> Events {
    let mut events = Events::at(start);
    events.start("Giant", 20, 8);
    let slots = slots(20, 8);
    let mut big = join_job(0, 64, 40);
    big[0].tasks = tasks;
    big.truncate(1);
    run_job(&mut events, 0, "one giant stage", &big, &slots);
    for job in 1..=stages / 4 {
        run_job(&mut events, job, "", &join_job(job * 4, 8, 10), &slots);
    }
    events.end();
    events
}
