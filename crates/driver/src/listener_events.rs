//! The engine's events in the words of Spark's listener events, which logs, pages and listeners are made of.

use firesteel_events as events;
use firesteel_events::{EndReason, ListenerEvent};
use firesteel_types::{
    AppEvent, BlockId, BlockSize, CallSite, ExecutorId, ExecutorLossReason, ExecutorMemory, FunctionTime,
    JobFailure, JobId, KillReason, Locality, Millis, Partition, PythonMetrics, RddId, RddSummary,
    StageAttempt, StageId, StageSummary, StorageLevel, TaskFailure, TaskMetrics, TaskSummary,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// The property by which a job's tags are told, separated by commas.
const TAGS: &str = "spark.job.tags";

/// The executors that are gone of which names and hosts are kept.
const GONE_KEPT: usize = 1000;

/// Turns the events of one application into listener events.
///
/// It remembers what later events leave out: the hosts of executors and the levels of persisted RDDs.
pub(crate) struct Translator {
    /// The time that is 0 in the engine's events, in milliseconds since 1970.
    epoch: i64,
    executors: BTreeMap<ExecutorId, Executor>,
    /// Executors that are gone, the last one last. Their tasks may end after them.
    gone: VecDeque<ExecutorId>,
    levels: HashMap<i64, events::StorageLevel>,
    /// The sizes of cached partitions as they were told last: listeners are told of changes.
    sizes: BTreeMap<(ExecutorId, RddId, Partition), BlockSize>,
    /// The local properties of the job that wants each stage.
    properties: HashMap<i64, Arc<BTreeMap<String, String>>>,
    localities: Localities,
}

/// An executor as events name it.
#[derive(Clone)]
struct Executor {
    name: Arc<str>,
    host: Arc<str>,
}

impl Translator {
    /// Makes a translator for an application whose times count from `epoch`, in milliseconds since 1970.
    pub(crate) fn new(epoch: i64) -> Self {
        let (levels, properties) = (HashMap::new(), HashMap::new());
        let (executors, gone) = (BTreeMap::new(), VecDeque::new());
        Translator {
            epoch,
            executors,
            gone,
            levels,
            sizes: BTreeMap::new(),
            properties,
            localities: Localities::new(),
        }
    }

    /// Returns the listener event of an event.
    pub(crate) fn translate(&mut self, event: AppEvent) -> ListenerEvent {
        match event {
            AppEvent::JobStarted { at, job, site, stages, group, tags, properties } => {
                let properties = job_properties(&site, group, &tags, &properties);
                self.job_started(at, job, &stages, properties)
            }
            AppEvent::JobEnded { at, job, failure } => ListenerEvent::JobEnd(events::JobEnd {
                job_id: job.0.into(),
                completion_time: self.time(at),
                job_result: failure.map_or_else(events::JobResult::default, |failure| job_result(&failure)),
            }),
            AppEvent::StageSubmitted { at, stage, attempt, tasks } => {
                let mut stage_info = self.stage(&stage, attempt, tasks);
                stage_info.submission_time = Some(self.time(at));
                let properties = self.properties.get(&stage_info.stage_id);
                let properties = properties.map(|properties| (**properties).clone()).unwrap_or_default();
                ListenerEvent::StageSubmitted(events::StageSubmitted { stage_info, properties })
            }
            AppEvent::StageCompleted { at, stage, attempt, submitted, tasks, failure } => {
                let mut stage_info = self.stage(&stage, attempt, tasks);
                stage_info.submission_time = Some(self.time(submitted));
                stage_info.completion_time = Some(self.time(at));
                // A later attempt gets the properties of the job that then wants the stage, which says so again.
                if failure.is_none() {
                    self.properties.remove(&stage_info.stage_id);
                }
                stage_info.failure_reason = failure;
                ListenerEvent::StageCompleted(events::StageCompleted { stage_info })
            }
            AppEvent::TaskStarted { task, .. } => ListenerEvent::TaskStart(events::TaskStart {
                stage_id: task.stage.0.into(),
                stage_attempt_id: task.stage_attempt.0.into(),
                task_info: self.task(&task),
            }),
            AppEvent::TaskEnded { at, task, failure, metrics } => {
                self.task_ended(at, &task, failure, metrics.as_deref())
            }
            AppEvent::BlockStored { executor, key, size, .. } => {
                let level = self.levels.get(&key.rdd.0.into()).copied().unwrap_or_default();
                let before = self.sizes.insert((executor, key.rdd, key.partition), size).unwrap_or_default();
                self.block_updated(executor, BlockId::Rdd(key.rdd, key.partition), level, (before, size))
            }
            AppEvent::BlockDropped { executor, key, .. } => {
                let gone = events::StorageLevel::default();
                let before = self.sizes.remove(&(executor, key.rdd, key.partition)).unwrap_or_default();
                let size = BlockSize::default();
                self.block_updated(executor, BlockId::Rdd(key.rdd, key.partition), gone, (before, size))
            }
            AppEvent::ExecutorMemory { executor, memory, .. } => executor_memory(executor, memory),
            AppEvent::Unpersisted { rdd, .. } => {
                self.levels.remove(&rdd.0.into());
                self.sizes.retain(|(_, of, _), _| *of != rdd);
                ListenerEvent::UnpersistRdd(events::UnpersistRdd { rdd_id: rdd.0.into() })
            }
            AppEvent::ExecutorAdded { at, executor, host, slots } => {
                let name = self.came(executor, &host);
                ListenerEvent::ExecutorAdded(events::ExecutorAdded {
                    timestamp: self.time(at),
                    executor_id: name.to_string(),
                    executor_info: events::ExecutorInfo {
                        host,
                        total_cores: slots.into(),
                        ..events::ExecutorInfo::default()
                    },
                })
            }
            AppEvent::ExecutorExcluded { at, executor, failures, stage } => {
                executor_excluded(self.time(at), executor, failures, stage)
            }
            AppEvent::ExecutorUnexcluded { at, executor } => {
                let (timestamp, executor_id) = (self.time(at), executor.name());
                ListenerEvent::ExecutorUnexcluded(events::ExecutorUnexcluded { timestamp, executor_id })
            }
            AppEvent::HostExcluded { at, host, executors, stage } => {
                host_excluded(self.time(at), host, executors, stage)
            }
            AppEvent::HostUnexcluded { at, host } => {
                let (timestamp, host_id) = (self.time(at), host);
                ListenerEvent::NodeUnexcluded(events::NodeUnexcluded { timestamp, host_id })
            }
            AppEvent::ExecutorRemoved { at, executor, reason } => {
                self.gone(executor);
                ListenerEvent::ExecutorRemoved(events::ExecutorRemoved {
                    timestamp: self.time(at),
                    executor_id: executor.name(),
                    removed_reason: reason.to_string(),
                })
            }
        }
    }

    fn job_started(
        &mut self,
        at: Millis,
        job: JobId,
        stages: &[Arc<StageSummary>],
        properties: BTreeMap<String, String>,
    ) -> ListenerEvent {
        let stage_infos: Vec<_> =
            stages.iter().map(|stage| self.stage(stage, StageAttempt(0), stage.tasks)).collect();
        let shared = Arc::new(properties.clone());
        for stage in stages {
            self.properties.insert(i64::from(stage.stage.0), shared.clone());
        }
        ListenerEvent::JobStart(events::JobStart {
            job_id: job.0.into(),
            submission_time: self.time(at),
            stage_ids: stage_infos.iter().map(|stage| stage.stage_id).collect(),
            stage_infos,
            properties,
        })
    }

    /// Notes an executor and its host, and returns its name.
    pub(crate) fn came(&mut self, executor: ExecutorId, host: &str) -> Arc<str> {
        self.gone.retain(|gone| *gone != executor);
        let name: Arc<str> = executor.name().into();
        self.executors.insert(executor, Executor { name: name.clone(), host: host.into() });
        name
    }

    /// Notes that an executor is gone. When there are many, the one that went first is forgotten.
    fn gone(&mut self, executor: ExecutorId) {
        self.sizes.retain(|(of, ..), _| *of != executor);
        self.gone.push_back(executor);
        if self.gone.len() > GONE_KEPT
            && let Some(first) = self.gone.pop_front()
        {
            self.executors.remove(&first);
        }
    }

    /// Returns the time of an event, in milliseconds since 1970.
    pub(crate) fn time(&self, at: Millis) -> i64 {
        self.epoch + at.0 as i64
    }

    fn task_ended(
        &mut self,
        at: Millis,
        task: &TaskSummary,
        failure: Option<TaskFailure>,
        metrics: Option<&TaskMetrics>,
    ) -> ListenerEvent {
        let is_killed = matches!(failure, Some(TaskFailure::Killed(_)));
        let task_info = events::TaskInfo {
            finish_time: self.time(at),
            failed: failure.is_some() && !is_killed,
            killed: is_killed,
            ..self.task(task)
        };
        ListenerEvent::TaskEnd(events::TaskEnd {
            stage_id: task.stage.0.into(),
            stage_attempt_id: task.stage_attempt.0.into(),
            task_type: if task.has_result { "ResultTask" } else { "ShuffleMapTask" }.into(),
            reason: failure.map_or_else(EndReason::default, |failure| self.end_reason(&failure, task)),
            task_info,
            executor_metrics: BTreeMap::new(),
            metrics: metrics.map(|metrics| Box::new(task_metrics(metrics))),
        })
    }

    fn task(&mut self, task: &TaskSummary) -> events::TaskInfo {
        let Executor { name, host } = self.executor(task.executor);
        // Each field is named, since the default has texts of its own, which would be made for each event.
        events::TaskInfo {
            task_id: task.task.0 as i64,
            index: task.index.into(),
            attempt: task.attempt.into(),
            partition_id: task.partition.0.into(),
            launch_time: self.time(task.launched),
            executor_id: name,
            host,
            locality: self.localities.name(task.locality),
            speculative: task.speculative,
            getting_result_time: 0,
            finish_time: 0,
            failed: false,
            killed: false,
            accumulables: vec![],
        }
    }

    fn executor(&self, id: ExecutorId) -> Executor {
        let unknown = || Executor { name: id.name().into(), host: "".into() };
        self.executors.get(&id).cloned().unwrap_or_else(unknown)
    }

    fn end_reason(&mut self, failure: &TaskFailure, task: &TaskSummary) -> EndReason {
        let text = failure.to_string();
        match failure {
            TaskFailure::Exception(exception) => {
                let class = exception.message.split(':').next().unwrap_or_default().trim();
                exception_failure(class, &exception.message, text)
            }
            TaskFailure::Panic { message, .. } => exception_failure("panic", message, text),
            TaskFailure::Operation { message, .. } => {
                exception_failure("firesteel.OperationFailed", message, text)
            }
            TaskFailure::BadPlan(message) => exception_failure("firesteel.BadPlan", message, text),
            TaskFailure::CachedBlockLost { .. } => {
                exception_failure("firesteel.CachedBlockLost", &text, text.clone())
            }
            TaskFailure::FetchFailed { shuffle, map, map_task, executor, .. } => {
                let Executor { name, host } = self.executor(*executor);
                let address = events::BlockManagerId {
                    executor_id: name.to_string(),
                    host: host.to_string(),
                    port: events::BlockManagerId::NO_PORT,
                };
                EndReason {
                    block_manager_address: Some(address),
                    shuffle_id: Some(shuffle.0.into()),
                    map_id: Some(map_task.0 as i64),
                    map_index: Some(map.0.into()),
                    reduce_id: Some(task.partition.0.into()),
                    message: Some(text),
                    ..EndReason::of("FetchFailed")
                }
            }
            TaskFailure::ExecutorLost { executor, reason } => EndReason {
                executor_id: Some(executor.name()),
                exit_caused_by_app: Some(is_blamed(reason)),
                loss_reason: Some(reason.to_string()),
                ..EndReason::of("ExecutorLostFailure")
            },
            TaskFailure::Killed(reason) => {
                EndReason { kill_reason: Some(kill_reason(reason)), ..EndReason::of("TaskKilled") }
            }
            TaskFailure::CommitDenied => EndReason {
                job_id: Some(task.stage.0.into()),
                partition_id: Some(task.partition.0.into()),
                attempt_number: Some(task.attempt.into()),
                ..EndReason::of("TaskCommitDenied")
            },
        }
    }

    /// Tells of a block that has another size or place than `before`. As in Spark, sizes are what is added, or what is taken away
    /// where the block lies no more.
    fn block_updated(
        &mut self,
        executor: ExecutorId,
        block: BlockId,
        level: events::StorageLevel,
        (before, size): (BlockSize, BlockSize),
    ) -> ListenerEvent {
        let change = |before: u64, now: u64| if now > 0 { now as i64 - before as i64 } else { before as i64 };
        let Executor { name, host } = self.executor(executor);
        let storage_level = events::StorageLevel {
            use_memory: size.memory > 0,
            use_disk: size.disk > 0,
            deserialized: level.deserialized && size.memory > 0,
            ..level
        };
        ListenerEvent::BlockUpdated(events::BlockUpdated {
            info: events::BlockUpdatedInfo {
                block_manager_id: events::BlockManagerId {
                    executor_id: name.to_string(),
                    host: host.to_string(),
                    port: events::BlockManagerId::NO_PORT,
                },
                block_id: block.to_string(),
                storage_level,
                memory_size: change(before.memory, size.memory),
                disk_size: change(before.disk, size.disk),
            },
        })
    }

    fn stage(&mut self, stage: &StageSummary, attempt: StageAttempt, tasks: u32) -> events::StageInfo {
        for rdd in stage.rdds.iter() {
            if let Some(level) = rdd.level {
                self.levels.insert(rdd.rdd.0.into(), storage_level(level));
            }
        }
        events::StageInfo {
            stage_id: stage.stage.0.into(),
            attempt_id: attempt.0.into(),
            name: stage.site.to_string(),
            num_tasks: tasks.into(),
            rdd_info: Arc::new(stage.rdds.iter().map(rdd_info).collect()),
            parent_ids: stage.parents.iter().map(|parent| parent.0.into()).collect(),
            details: stage.site.to_string(),
            shuffle_id: stage.output.map(|shuffle| shuffle.0.into()),
            ..events::StageInfo::default()
        }
    }
}

/// Returns the event that tells that an executor gets no tasks of a stage attempt, or of the application.
fn executor_excluded(
    timestamp: i64,
    executor: ExecutorId,
    failures: u32,
    stage: Option<(StageId, StageAttempt)>,
) -> ListenerEvent {
    let (executor_id, task_failures) = (executor.name(), failures.into());
    match stage {
        None => ListenerEvent::ExecutorExcluded(events::ExecutorExcluded {
            timestamp,
            executor_id,
            task_failures,
        }),
        Some((stage, attempt)) => {
            let (stage_id, stage_attempt_id) = (stage.0.into(), attempt.0.into());
            ListenerEvent::ExecutorExcludedForStage(events::ExecutorExcludedForStage {
                timestamp,
                executor_id,
                task_failures,
                stage_id,
                stage_attempt_id,
            })
        }
    }
}

/// Returns the event that tells that no executor of a host gets tasks of a stage attempt, or of the application.
fn host_excluded(
    timestamp: i64,
    host_id: String,
    executors: u32,
    stage: Option<(StageId, StageAttempt)>,
) -> ListenerEvent {
    let executor_failures = executors.into();
    match stage {
        None => ListenerEvent::NodeExcluded(events::NodeExcluded { timestamp, host_id, executor_failures }),
        Some((stage, attempt)) => {
            let (stage_id, stage_attempt_id) = (stage.0.into(), attempt.0.into());
            ListenerEvent::NodeExcludedForStage(events::NodeExcludedForStage {
                timestamp,
                host_id,
                executor_failures,
                stage_id,
                stage_attempt_id,
            })
        }
    }
}

/// Returns the event that tells of an executor's memory, under Spark's names: none of it is on a heap of a JVM's.
pub(crate) fn executor_memory(executor: ExecutorId, memory: ExecutorMemory) -> ListenerEvent {
    let resident = match memory.is_python {
        true => "ProcessTreePythonRSSMemory",
        false => "ProcessTreeOtherRSSMemory",
    };
    let figures = [
        ("OffHeapExecutionMemory", memory.execution),
        ("OffHeapStorageMemory", memory.storage),
        ("OffHeapUnifiedMemory", memory.execution + memory.storage),
        (resident, memory.resident),
    ];
    ListenerEvent::ExecutorMetricsUpdate(events::ExecutorMetricsUpdate {
        executor_id: executor.name(),
        metrics_updated: vec![],
        executor_metrics_updated: vec![events::StageMetrics {
            stage_id: -1,
            stage_attempt_id: -1,
            executor_metrics: figures.into_iter().map(|(name, bytes)| (name.into(), bytes as i64)).collect(),
        }],
    })
}

/// The properties of a job, in Spark's names: those of its thread, and what Spark tells among them.
fn job_properties(
    site: &CallSite,
    group: Option<String>,
    tags: &[String],
    properties: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut properties = properties.clone();
    properties.entry("callSite.short".into()).or_insert_with(|| site.to_string());
    if let Some(group) = group {
        properties.entry("spark.jobGroup.id".into()).or_insert(group);
    }
    if !tags.is_empty() {
        properties.entry(TAGS.into()).or_insert_with(|| tags.join(","));
    }
    properties
}

fn job_result(failure: &JobFailure) -> events::JobResult {
    events::JobResult::failed(failure.to_string())
}

fn rdd_info(rdd: &RddSummary) -> events::RddInfo {
    let operation = &rdd.site.operation;
    let scope = serde_json::json!({ "id": rdd.rdd.0.to_string(), "name": operation });
    events::RddInfo {
        rdd_id: rdd.rdd.0.into(),
        name: rdd.name.clone().unwrap_or_else(|| operation.clone()),
        scope: Some(scope.to_string()),
        callsite: rdd.site.to_string(),
        parent_ids: rdd.parents.iter().map(|parent| parent.0.into()).collect(),
        storage_level: rdd.level.map_or_else(events::StorageLevel::default, storage_level),
        barrier: rdd.barrier,
        deterministic_level: "DETERMINATE".into(),
        num_partitions: rdd.partitions.into(),
        ..events::RddInfo::default()
    }
}

fn storage_level(level: StorageLevel) -> events::StorageLevel {
    events::StorageLevel {
        use_disk: level.use_disk,
        use_memory: level.use_memory,
        use_off_heap: level.off_heap,
        deserialized: level.deserialized,
        replication: level.replication.into(),
    }
}

/// Spark's names of localities. They are kept, since each task has one.
struct Localities {
    process: Arc<str>,
    node: Arc<str>,
    no_preference: Arc<str>,
    any: Arc<str>,
}

impl Localities {
    fn new() -> Self {
        Localities {
            process: "PROCESS_LOCAL".into(),
            node: "NODE_LOCAL".into(),
            no_preference: "NO_PREF".into(),
            any: "ANY".into(),
        }
    }

    fn name(&self, locality: Locality) -> Arc<str> {
        match locality {
            Locality::Process => self.process.clone(),
            Locality::Node => self.node.clone(),
            Locality::NoPreference => self.no_preference.clone(),
            Locality::Any => self.any.clone(),
        }
    }
}

fn kill_reason(reason: &KillReason) -> String {
    match reason {
        KillReason::AnotherAttemptSucceeded => "another attempt succeeded".into(),
        KillReason::JobEnded | KillReason::StageAborted => reason.to_string(),
    }
}

fn is_blamed(reason: &ExecutorLossReason) -> bool {
    reason.counts()
}

fn exception_failure(class: &str, description: &str, full: String) -> EndReason {
    EndReason {
        class_name: Some(class.into()),
        description: Some(description.into()),
        stack_trace: Some(vec![]),
        full_stack_trace: Some(full),
        ..EndReason::of("ExceptionFailure")
    }
}

fn task_metrics(metrics: &TaskMetrics) -> events::TaskMetrics {
    let ms = |us: u64| (us / 1_000) as i64;
    let own = events::OwnMetrics {
        slot_wait_time: metrics.slot_wait_us as i64,
        remote_requests: metrics.shuffle_read.remote_requests as i64,
        run_time: metrics.run_us as i64,
        computed_persisted: metrics.computed_persisted as i64,
        hot_key: metrics.hot_key.as_ref().map(|hot| (hot.key.clone(), hot.records as i64)),
        ..metrics.python.as_deref().map_or_else(events::OwnMetrics::default, python_metrics)
    };
    events::TaskMetrics {
        executor_deserialize_time: ms(metrics.deserialize_us),
        executor_deserialize_cpu_time: metrics.deserialize_cpu_us as i64 * 1_000,
        executor_run_time: ms(metrics.run_us),
        executor_cpu_time: metrics.cpu_us as i64 * 1_000,
        peak_execution_memory: metrics.peak_memory_bytes as i64,
        peak_off_heap_execution_memory: metrics.peak_memory_bytes as i64,
        result_size: metrics.result_bytes as i64,
        result_serialization_time: ms(metrics.result_serialization_us),
        memory_bytes_spilled: metrics.memory_spilled_bytes as i64,
        disk_bytes_spilled: metrics.disk_spilled_bytes as i64,
        shuffle_read: events::ShuffleReadMetrics {
            remote_blocks_fetched: metrics.shuffle_read.remote_blocks as i64,
            local_blocks_fetched: metrics.shuffle_read.local_blocks as i64,
            fetch_wait_time: ms(metrics.shuffle_read.wait_us),
            remote_bytes_read: metrics.shuffle_read.remote_bytes as i64,
            local_bytes_read: metrics.shuffle_read.local_bytes as i64,
            total_records_read: metrics.shuffle_read.records as i64,
            remote_requests_duration: ms(metrics.shuffle_read.wait_us),
            ..events::ShuffleReadMetrics::default()
        },
        shuffle_write: events::ShuffleWriteMetrics {
            bytes_written: metrics.shuffle_write.bytes as i64,
            write_time: metrics.shuffle_write.time_us as i64 * 1_000,
            records_written: metrics.shuffle_write.records as i64,
        },
        input: events::InputMetrics {
            bytes_read: metrics.input_bytes as i64,
            records_read: metrics.input_records as i64,
        },
        output: events::OutputMetrics {
            bytes_written: metrics.output_bytes as i64,
            records_written: metrics.output_records as i64,
        },
        own: Some(Box::new(own)),
        ..events::TaskMetrics::default()
    }
}

fn python_metrics(python: &PythonMetrics) -> events::OwnMetrics {
    let mut functions: Vec<_> = python.functions.iter().map(function_time).collect();
    functions.sort_by_key(|function| -function.time);
    events::OwnMetrics {
        python_time: python.function_us as i64,
        pickle_time: python.pickle_us as i64,
        functions,
        ..events::OwnMetrics::default()
    }
}

fn function_time(function: &FunctionTime) -> events::FunctionTime {
    events::FunctionTime {
        function: function.name.clone(),
        operation: function.site.to_string(),
        time: function.time_us as i64,
        records_in: function.records_in as i64,
        records_out: function.records_out as i64,
        native_in: function.native_in as i64,
        handed_back: function.handed_back as i64,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use firesteel_types::{BlockKey, HotKey, Partition, RddId, ShuffleReadMetrics, StageId, TaskId};

    fn site(operation: &str) -> CallSite {
        CallSite { operation: operation.into(), file: "app.py".into(), line: 12, column: 0 }
    }

    fn stage() -> Arc<StageSummary> {
        let rdd = RddSummary {
            rdd: RddId(4),
            site: site("map"),
            name: None,
            parents: vec![RddId(3)],
            partitions: 2,
            level: Some(StorageLevel::MEMORY_ONLY),
            barrier: false,
        };
        let parents = vec![];
        let (stage, tasks, output) = (StageId(7), 2, None);
        Arc::new(StageSummary { stage, site: site("count"), tasks, parents, output, rdds: [rdd].into() })
    }

    pub(crate) fn task() -> TaskSummary {
        TaskSummary {
            task: TaskId(9),
            stage: StageId(7),
            stage_attempt: StageAttempt(0),
            index: 1,
            partition: Partition(1),
            attempt: 0,
            executor: ExecutorId(3),
            locality: Locality::NoPreference,
            speculative: false,
            launched: Millis(5),
            has_result: true,
        }
    }

    /// Each line that is written is read back as the same event.
    fn line(translator: &mut Translator, event: AppEvent) -> String {
        let event = translator.translate(event);
        let line = event.to_line();
        assert_eq!(ListenerEvent::parse(&line).unwrap(), Some(event));
        line
    }

    #[test]
    fn a_job_tells_its_stages_their_rdds_and_the_properties_of_its_thread() {
        let mut translator = Translator::new(1_000);
        let properties = BTreeMap::from([("spark.job.description".to_string(), "counts".to_string())]);
        let started = AppEvent::JobStarted {
            at: Millis(1),
            job: JobId(0),
            site: site("count"),
            stages: vec![stage()],
            group: Some("g".into()),
            tags: vec!["a".into(), "b".into()],
            properties: Arc::new(properties),
        };
        let line = line(&mut translator, started);
        for part in [
            r#"{"Event":"SparkListenerJobStart","Job ID":0,"Submission Time":1001,"#,
            r#""Stage Name":"count at app.py:12""#,
            r#""RDD ID":4,"Name":"map","Scope":"{\"id\":\"4\",\"name\":\"map\"}""#,
            r#""spark.job.description":"counts""#,
            r#""spark.job.tags":"a,b""#,
            r#""spark.jobGroup.id":"g""#,
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }

    #[test]
    fn the_end_of_a_task_has_its_reason_in_sparks_words() {
        let mut translator = Translator::new(0);
        let exception = firesteel_types::Exception {
            message: "ValueError: no".into(),
            traceback: "  File \"app.py\", line 3\n".into(),
            encoded: None,
            site: site("map"),
            record: Some("5".into()),
            retryable: true,
        };
        let lost = TaskFailure::ExecutorLost {
            executor: ExecutorId(3),
            reason: ExecutorLossReason::Exited { code: Some(3) },
        };
        let cases = [
            (
                TaskFailure::Exception(Box::new(exception)),
                r#""ExceptionFailure","Class Name":"ValueError""#,
                true,
            ),
            (lost, r#""ExecutorLostFailure","Executor ID":"3","Exit Caused By App":true"#, true),
            (
                TaskFailure::Killed(KillReason::JobEnded),
                r#""TaskKilled","Kill Reason":"its job had ended""#,
                false,
            ),
            (TaskFailure::CommitDenied, r#""TaskCommitDenied","Job ID":7"#, true),
        ];
        for (failure, expected, is_failed) in cases {
            let ended =
                AppEvent::TaskEnded { at: Millis(8), task: task(), failure: Some(failure), metrics: None };
            let line = line(&mut translator, ended);
            assert!(line.contains(&format!(r#""Task End Reason":{{"Reason":{expected}"#)), "{line}");
            assert!(line.contains(&format!(r#""Failed":{is_failed},"Killed":{}"#, !is_failed)), "{line}");
        }
    }

    #[test]
    fn a_cached_partition_has_its_executor_and_the_level_of_its_rdd() {
        let mut translator = Translator::new(0);
        let (at, executor) = (Millis(0), ExecutorId(3));
        translator.translate(AppEvent::ExecutorAdded { at, executor, host: "h".into(), slots: 2 });
        translator.translate(AppEvent::StageSubmitted {
            at,
            stage: stage(),
            attempt: StageAttempt(0),
            tasks: 2,
        });
        let key = BlockKey { rdd: RddId(4), partition: Partition(1), version: 0 };
        let size = BlockSize { memory: 10, disk: 0 };
        let line = line(&mut translator, AppEvent::BlockStored { at, executor, key, size });
        assert!(line.contains(r#""Executor ID":"3","Host":"h""#), "{line}");
        assert!(
            line.contains(r#""Block ID":"rdd_4_1""#) && line.contains(r#""Deserialized":true"#),
            "{line}"
        );
    }

    #[test]
    fn a_cached_partition_that_moves_or_goes_takes_its_bytes_along() {
        let mut translator = Translator::new(0);
        let (at, executor) = (Millis(0), ExecutorId(3));
        let key = BlockKey { rdd: RddId(4), partition: Partition(1), version: 0 };
        let mut told = |event| {
            let line = line(&mut translator, event);
            let level = ["Use Disk", "Use Memory"].map(|name| line.contains(&format!("\"{name}\":true")));
            let sizes = ["Memory Size", "Disk Size"].map(|name| {
                let (_, rest) = line.split_once(&format!("\"{name}\":")).expect("it is told");
                let end = rest.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(rest.len());
                rest[..end].parse::<i64>().unwrap()
            });
            (level, sizes)
        };
        let stored =
            |memory, disk| AppEvent::BlockStored { at, executor, key, size: BlockSize { memory, disk } };
        assert_eq!(told(stored(10, 0)), ([false, true], [10, 0]));
        assert_eq!(told(stored(10, 0)), ([false, true], [0, 0]), "it was told before");
        assert_eq!(told(stored(0, 4)), ([true, false], [10, 4]), "memory is free again");
        assert_eq!(told(AppEvent::BlockDropped { at, executor, key }), ([false, false], [0, 4]));
        assert_eq!(told(AppEvent::BlockDropped { at, executor, key }), ([false, false], [0, 0]));
    }

    #[test]
    fn figures_that_spark_has_not_are_told_beside_its_own() {
        let measured = TaskMetrics {
            deserialize_cpu_us: 5,
            shuffle_read: ShuffleReadMetrics { remote_requests: 4, ..ShuffleReadMetrics::default() },
            hot_key: Some(Box::new(HotKey { key: "'DE'".into(), records: 9 })),
            computed_persisted: 2,
            ..TaskMetrics::default()
        };
        let told = task_metrics(&measured);
        assert_eq!(told.executor_deserialize_cpu_time, 5_000);
        let own = told.own.unwrap();
        assert_eq!((own.remote_requests, own.computed_persisted), (4, 2));
        assert_eq!(own.hot_key, Some(("'DE'".into(), 9)));
    }
}
