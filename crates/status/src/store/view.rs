//! Questions to the store, each answered in the shapes of Spark's REST interface.

use crate::store::columns::{Figures, Metric};
use crate::store::dates::Date;
use crate::store::fold::{RecentTask, Store};
use crate::store::graph::{GraphStage, JobGraph};
use crate::store::quantiles::quantiles;
use crate::store::records::{
    Executor, ExecutorShare, FunctionTotal, Job, Rdd, Stage, StageKey, accumulators,
};
use crate::store::tasks::TaskAsk;
use crate::store::views::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The store at a time: what runs has run until then.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(crate) store: &'a Store,
    pub(crate) now: i64,
}

/// The most tasks that are told with a stage, which is what Spark remembers of one: the others come by pages.
const MOST_DETAILS: usize = 100_000;

/// How much is told of a stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageAsk {
    /// Its tasks, and what each executor did.
    pub details: bool,
    /// Of the tasks only those in these states; all if there are none.
    pub task_status: Vec<TaskStatus>,
    /// Quantiles of tasks and executors.
    pub summaries: Option<Vec<f64>>,
}

/// All that is known of a stage beside what Spark would tell.
#[derive(Clone, Debug, Default)]
pub struct StageOwn {
    /// The sums of its tasks' figures.
    pub totals: Figures,
    /// The functions of the program that ran, the slowest first.
    pub functions: Vec<FunctionTotal>,
    /// The keys that tasks met most often, with their records, the most first.
    pub hot_keys: Vec<(String, i64)>,
    /// The number of tasks by locality.
    pub localities: Vec<(String, i64)>,
    /// Its jobs.
    pub jobs: Vec<i64>,
    /// A number that grows when it changes.
    pub revision: u64,
    /// The number of tasks that are remembered.
    pub tasks_kept: usize,
}

/// The figures of an executor's memory at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryAt {
    /// The time, in milliseconds since 1970.
    pub at: i64,
    /// The figures.
    pub figures: PeakMemory,
}

impl Store {
    /// Returns the store at a time, for questions.
    pub fn at(&self, now: i64) -> View<'_> {
        View { store: self, now }
    }

    /// Returns the bytes that the tasks of all stages take.
    pub fn task_bytes(&self) -> usize {
        self.stages.values().map(|stage| stage.tasks.bytes()).sum()
    }
}

impl<'a> View<'a> {
    /// Returns the application, with the attempt that the store knows.
    pub fn application(&self) -> ApplicationInfo {
        let application = &self.store.application;
        ApplicationInfo {
            id: application.id.clone(),
            name: application.name.clone(),
            attempts: vec![self.attempt()],
            ..ApplicationInfo::default()
        }
    }

    fn attempt(&self) -> ApplicationAttemptInfo {
        let application = &self.store.application;
        let end = application.ended.unwrap_or(-1);
        let last = application.ended.unwrap_or(application.started);
        ApplicationAttemptInfo {
            attempt_id: application.attempt_id.clone(),
            start_time: Date(application.started),
            end_time: Date(end),
            last_updated: Date(last),
            duration: application.ended.unwrap_or(self.now).saturating_sub(application.started),
            spark_user: application.user.clone(),
            completed: application.ended.is_some(),
            app_spark_version: application.spark_version.clone(),
            exit_code: application.exit_code,
            log_source_name: None,
            log_source_full_path: None,
            start_time_epoch: application.started,
            end_time_epoch: end,
            last_updated_epoch: last,
        }
    }

    /// Returns the version of Spark that the application has, or whose interface it has.
    pub fn version(&self) -> VersionInfo {
        VersionInfo { spark: self.store.application.spark_version.clone() }
    }

    /// Returns the version of Firesteel that runs it, if Firesteel does.
    pub fn firesteel_version(&self) -> Option<&'a str> {
        self.store.application.firesteel_version.as_deref()
    }

    /// Returns the settings and versions.
    pub fn environment(&self) -> ApplicationEnvironmentInfo {
        let all = &self.store.environment;
        let pairs = |map: &BTreeMap<String, String>| -> Vec<(String, String)> {
            map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let about = |key: &str| all.jvm_information.get(key).cloned().unwrap_or_default();
        ApplicationEnvironmentInfo {
            runtime: RuntimeInfo {
                java_version: about("Java Version"),
                java_home: about("Java Home"),
                scala_version: about("Scala Version"),
            },
            spark_properties: pairs(&all.spark_properties),
            hadoop_properties: pairs(&all.hadoop_properties),
            system_properties: pairs(&all.system_properties),
            metrics_properties: pairs(&all.metrics_properties),
            classpath_entries: pairs(&all.classpath_entries),
            resource_profiles: self.store.profiles.values().cloned().collect(),
        }
    }

    /// Returns the jobs in these states, or all if there are none; the newest first.
    pub fn jobs(&self, status: &[JobStatus]) -> Vec<JobData> {
        let shown = |job: &&Job| status.is_empty() || status.contains(&job.status);
        self.store.jobs.values().rev().filter(shown).map(job_data).collect()
    }

    /// Returns one job.
    pub fn job(&self, id: i64) -> Option<JobData> {
        self.store.jobs.get(&id).map(job_data)
    }

    /// Returns why a job failed: the message that the program was told.
    pub fn job_failure(&self, id: i64) -> Option<&'a str> {
        self.store.jobs.get(&id)?.failure.as_deref()
    }

    /// Returns what the picture of a job is drawn from.
    pub fn job_graph(&self, id: i64) -> Option<JobGraph> {
        let job = self.store.jobs.get(&id)?;
        let stage = |planned| {
            let planned: &crate::store::records::Planned = planned;
            let stage = self.store.stages.get(&(planned.stage_id, planned.attempt));
            let skipped = job.skipped_stages.contains(&planned.stage_id);
            let status = match stage {
                _ if skipped => StageStatus::Skipped,
                Some(stage) => stage.status,
                None if job.completed_stages.contains(&planned.stage_id) => StageStatus::Complete,
                None => StageStatus::Pending,
            };
            GraphStage::of(planned, status)
        };
        let mut stages: Vec<GraphStage> = job.planned.iter().map(stage).collect();
        stages.sort_by_key(|stage| stage.stage_id);
        Some(JobGraph { job_id: id, stages })
    }

    /// Returns the stage attempts in these states, or all if there are none; the newest first.
    pub fn stages(&self, status: &[StageStatus], ask: &StageAsk) -> Vec<StageData> {
        let shown = |stage: &&Stage| status.is_empty() || status.contains(&stage.status);
        let stages = self.store.stages.values().rev().filter(shown).map(|stage| self.stage_data(stage, ask));
        // Who wants to see tasks in some states wants no stages without any.
        let wants_tasks = ask.details && !ask.task_status.is_empty();
        stages
            .filter(|stage| !wants_tasks || stage.tasks.as_ref().is_some_and(|tasks| !tasks.is_empty()))
            .collect()
    }

    /// Returns the attempts at one stage, the first first.
    pub fn stage_attempts(&self, id: i64, ask: &StageAsk) -> Vec<StageData> {
        let attempts = self.store.stages.range((id, i64::MIN)..=(id, i64::MAX));
        attempts.map(|(_, stage)| self.stage_data(stage, ask)).collect()
    }

    /// Returns the numbers of the attempts at one stage.
    pub fn attempt_ids(&self, id: i64) -> Vec<i64> {
        self.store.stages.range((id, i64::MIN)..=(id, i64::MAX)).map(|((_, attempt), _)| *attempt).collect()
    }

    /// Returns one stage attempt.
    pub fn stage(&self, id: i64, attempt: i64, ask: &StageAsk) -> Option<StageData> {
        self.store.stages.get(&(id, attempt)).map(|stage| self.stage_data(stage, ask))
    }

    /// Returns what is known of a stage attempt beside what Spark would tell.
    pub fn stage_own(&self, id: i64, attempt: i64) -> Option<StageOwn> {
        let stage = self.store.stages.get(&(id, attempt))?;
        let mut functions: Vec<FunctionTotal> = stage.functions.values().cloned().collect();
        functions.sort_by_key(|function| Reverse(function.time));
        let mut hot_keys: Vec<(String, i64)> =
            stage.hot_keys.iter().map(|(key, count)| (key.clone(), *count)).collect();
        hot_keys.sort_by_key(|(_, count)| Reverse(*count));
        let name = |number: &u8| self.store.places.locality_name(*number).to_owned();
        Some(StageOwn {
            totals: stage.totals,
            functions,
            hot_keys,
            localities: stage.localities.iter().map(|(number, count)| (name(number), *count)).collect(),
            jobs: stage.jobs.iter().copied().collect(),
            revision: stage.revision,
            tasks_kept: stage.tasks.len(),
        })
    }

    /// Returns the RDDs that a stage attempt computes.
    pub fn stage_graph(&self, id: i64, attempt: i64) -> Option<GraphStage> {
        let stage = self.store.stages.get(&(id, attempt))?;
        let planned = crate::store::records::Planned::of(&stage.info);
        Some(GraphStage::of(&planned, stage.status))
    }

    /// Returns a page of the tasks of a stage attempt.
    pub fn tasks(&self, id: i64, attempt: i64, ask: &TaskAsk) -> Option<Vec<TaskData>> {
        let stage = self.store.stages.get(&(id, attempt))?;
        let rows = stage.page(ask, &self.store.places, self.now);
        Some(rows.into_iter().map(|row| self.task_data(stage, row)).collect())
    }

    /// Calls `each` with figures of every task that is remembered, for pictures of all: launch, end (or now), state,
    /// and a figure.
    pub fn each_task(
        &self,
        (id, attempt): StageKey,
        metric: Metric,
        each: &mut dyn FnMut(i64, i64, TaskStatus, i64),
    ) {
        let Some(stage) = self.store.stages.get(&(id, attempt)) else { return };
        for (at, row) in stage.tasks.rows().iter().enumerate() {
            let end = if row.finish == 0 { self.now } else { row.finish };
            each(row.launch, end, row.status, stage.tasks.figure(at, metric));
        }
    }

    /// Returns the quantiles of the tasks of a stage attempt that succeeded. `None` if there are none.
    pub fn task_summary(&self, id: i64, attempt: i64, asked: &[f64]) -> Option<TaskMetricDistributions> {
        self.store.stages.get(&(id, attempt))?.distributions(asked, self.now)
    }

    /// Returns the executors that are there, and those that are gone, if `all`.
    pub fn executors(&self, all: bool) -> Vec<ExecutorSummary> {
        let there = self.store.executors.values();
        let gone = self.store.dead.iter().filter(|_| all);
        let mut executors: Vec<ExecutorSummary> =
            there.chain(gone).map(|executor| self.executor_summary(executor)).collect();
        // The order is Spark's: those that are there backwards, all forwards.
        executors.sort_by(|one, other| if all { one.id.cmp(&other.id) } else { other.id.cmp(&one.id) });
        executors
    }

    /// Returns one executor, also if it is gone.
    pub fn executor(&self, id: &str) -> Option<ExecutorSummary> {
        self.find_executor(id).map(|executor| self.executor_summary(executor))
    }

    /// Returns the figures of an executor's memory of the last hour, the oldest first.
    pub fn memory_history(&self, id: &str) -> Vec<MemoryAt> {
        let executor = self.find_executor(id);
        let history = executor.into_iter().flat_map(|executor| &executor.memory);
        history.map(|(at, figures)| MemoryAt { at: *at, figures: *figures }).collect()
    }

    /// Returns the tasks that ended last, the oldest first.
    pub fn recent_tasks(&self) -> impl Iterator<Item = &'a RecentTask> {
        self.store.recent.iter()
    }

    /// Returns the persisted RDDs of which something is kept.
    pub fn rdds(&self) -> Vec<RddStorageInfo> {
        let kept = self.store.rdds.values().filter(|rdd| !rdd.partitions.is_empty());
        kept.map(|rdd| self.rdd_info(rdd)).collect()
    }

    /// Returns one persisted RDD.
    pub fn rdd(&self, id: i64) -> Option<RddStorageInfo> {
        self.store.rdds.get(&id).map(|rdd| self.rdd_info(rdd))
    }

    fn find_executor(&self, id: &str) -> Option<&'a Executor> {
        let gone = || self.store.dead.iter().rev().find(|executor| &*executor.id == id);
        self.store.executors.get(id).or_else(gone)
    }

    fn task_data(&self, stage: &Stage, row: usize) -> TaskData {
        let logs = |id: &str| self.find_executor(id).map(|found| found.logs.clone()).unwrap_or_default();
        stage.task(row, &self.store.places, &logs, self.now)
    }

    fn stage_data(&self, stage: &Stage, ask: &StageAsk) -> StageData {
        let mut data = stage_data(stage);
        if ask.details {
            let rows = stage.tasks.rows().iter().enumerate();
            let shown = rows
                .take(MOST_DETAILS)
                .filter(|(_, row)| ask.task_status.is_empty() || ask.task_status.contains(&row.status))
                .map(|(at, row)| (row.id, self.task_data(stage, at)));
            data.tasks = Some(shown.collect());
            let share =
                |(id, share): (&std::sync::Arc<str>, &ExecutorShare)| (id.to_string(), share_data(share));
            data.executor_summary = Some(stage.executors.iter().map(share).collect());
        }
        if let Some(asked) = &ask.summaries {
            data.task_metrics_distributions = stage.distributions(asked, self.now);
            data.executor_metrics_distributions = executor_distributions(stage, asked);
        }
        data
    }

    fn executor_summary(&self, executor: &Executor) -> ExecutorSummary {
        let application = &self.store.application;
        let (total_duration, total_gc_time) = match &*executor.id {
            // Of a driver, Spark tells how long it lives, and all that its JVM has collected.
            "driver" => (
                application.ended.unwrap_or(self.now).saturating_sub(application.started),
                executor.peak.map_or(executor.gc_time, |peak| peak.get("TotalGCTime")),
            ),
            _ => (executor.total_duration, executor.gc_time),
        };
        ExecutorSummary {
            id: executor.id.to_string(),
            host_port: executor.host_port.clone(),
            is_active: executor.active,
            rdd_blocks: executor.rdd_blocks,
            memory_used: executor.memory_used,
            disk_used: executor.disk_used,
            total_cores: executor.cores,
            max_tasks: executor.slots,
            active_tasks: executor.active_tasks,
            failed_tasks: executor.failed_tasks,
            completed_tasks: executor.completed_tasks,
            total_tasks: executor.total_tasks,
            total_duration,
            total_gc_time,
            total_input_bytes: executor.input_bytes,
            total_shuffle_read: executor.shuffle_read,
            total_shuffle_write: executor.shuffle_write,
            is_blacklisted: executor.excluded,
            max_memory: executor.max_memory,
            add_time: Date(executor.added),
            remove_time: executor.removed.as_ref().map(|(at, _)| Date(*at)),
            remove_reason: executor.removed.as_ref().map(|(_, why)| why.clone()),
            executor_logs: executor.logs.clone(),
            memory_metrics: executor.max_on_heap.map(|on_heap| MemoryMetrics {
                used_on_heap_storage_memory: executor.used_on_heap,
                used_off_heap_storage_memory: executor.used_off_heap,
                total_on_heap_storage_memory: on_heap,
                total_off_heap_storage_memory: executor.max_off_heap,
            }),
            blacklisted_in_stages: executor.excluded_in.clone(),
            peak_memory_metrics: executor.peak,
            attributes: executor.attributes.clone(),
            resources: executor.resources.clone(),
            resource_profile_id: executor.profile,
            is_excluded: executor.excluded,
            excluded_in_stages: executor.excluded_in.clone(),
        }
    }

    fn rdd_info(&self, rdd: &Rdd) -> RddStorageInfo {
        let shares = rdd.shares.iter().map(|(id, share)| {
            let executor = self.find_executor(id);
            let heap = executor.filter(|executor| executor.max_on_heap.is_some());
            RddDataDistribution {
                address: executor.and_then(|executor| executor.host_port.clone()),
                memory_used: share.memory_used,
                memory_remaining: share.left.memory,
                disk_used: share.disk_used,
                on_heap_memory_used: heap.map(|_| share.on_heap),
                off_heap_memory_used: heap.map(|_| share.off_heap),
                on_heap_memory_remaining: heap.map(|_| share.left.on_heap),
                off_heap_memory_remaining: heap.map(|_| share.left.off_heap),
            }
        });
        let mut partitions: Vec<_> = rdd.partitions.iter().collect();
        partitions.sort_by_key(|(_, partition)| partition.place);
        let partitions = partitions.into_iter().map(|(number, partition)| RddPartitionInfo {
            block_name: format!("rdd_{}_{number}", rdd.id),
            storage_level: level_text(&partition.level),
            memory_used: partition.memory_used,
            disk_used: partition.disk_used,
            executors: partition.executors.clone(),
        });
        RddStorageInfo {
            id: rdd.id,
            name: rdd.name.clone(),
            num_partitions: rdd.num_partitions,
            num_cached_partitions: rdd.partitions.len() as i64,
            memory_used: rdd.memory_used,
            disk_used: rdd.disk_used,
            data_distribution: Some(shares.collect()),
            partitions: Some(partitions.collect()),
            storage_level: level_text(&rdd.level),
        }
    }
}

fn job_data(job: &Job) -> JobData {
    JobData {
        job_id: job.id,
        name: job.name.clone(),
        description: job.description.clone(),
        submission_time: job.submitted,
        completion_time: job.completed,
        stage_ids: job.stage_ids.clone(),
        job_group: job.group.clone(),
        job_tags: job.tags.clone(),
        status: job.status,
        num_tasks: job.num_tasks,
        num_active_tasks: job.active_tasks,
        num_completed_tasks: job.completed_tasks,
        num_skipped_tasks: job.skipped_tasks,
        num_failed_tasks: job.failed_tasks,
        num_killed_tasks: job.killed_tasks,
        num_completed_indices: job.indices.values().map(|indices| indices.count()).sum(),
        num_active_stages: job.active_stages,
        num_completed_stages: job.completed_stages.len() as i64,
        num_skipped_stages: job.skipped_stages.len() as i64,
        num_failed_stages: job.failed_stages,
        killed_tasks_summary: job.killed_summary.clone(),
    }
}

/// Returns all of a stage but tasks, executors and quantiles.
fn stage_data(stage: &Stage) -> StageData {
    let get = |metric| stage.totals.get(metric);
    let info = &stage.info;
    StageData {
        status: stage.status,
        stage_id: info.stage_id,
        attempt_id: info.attempt_id,
        num_tasks: info.num_tasks,
        num_active_tasks: stage.active,
        num_complete_tasks: stage.completed,
        num_failed_tasks: stage.failed,
        num_killed_tasks: stage.killed,
        num_completed_indices: stage.indices.count(),
        submission_time: info.submission_time.map(Date),
        first_task_launched_time: stage.first_launch.map(Date),
        completion_time: info.completion_time.map(Date),
        failure_reason: info.failure_reason.clone(),
        executor_deserialize_time: get(Metric::DeserializeTime),
        executor_deserialize_cpu_time: get(Metric::DeserializeCpuTime),
        executor_run_time: get(Metric::RunTime),
        executor_cpu_time: get(Metric::CpuTime),
        result_size: get(Metric::ResultSize),
        jvm_gc_time: get(Metric::GcTime),
        result_serialization_time: get(Metric::ResultSerializationTime),
        memory_bytes_spilled: get(Metric::MemorySpilled),
        disk_bytes_spilled: get(Metric::DiskSpilled),
        peak_execution_memory: get(Metric::PeakMemory),
        input_bytes: get(Metric::InputBytes),
        input_records: get(Metric::InputRecords),
        output_bytes: get(Metric::OutputBytes),
        output_records: get(Metric::OutputRecords),
        shuffle_remote_blocks_fetched: get(Metric::RemoteBlocks),
        shuffle_local_blocks_fetched: get(Metric::LocalBlocks),
        shuffle_fetch_wait_time: get(Metric::FetchWait),
        shuffle_remote_bytes_read: get(Metric::RemoteBytes),
        shuffle_remote_bytes_read_to_disk: get(Metric::RemoteBytesToDisk),
        shuffle_local_bytes_read: get(Metric::LocalBytes),
        shuffle_read_bytes: get(Metric::LocalBytes).saturating_add(get(Metric::RemoteBytes)),
        shuffle_read_records: get(Metric::ShuffleRecords),
        shuffle_remote_reqs_duration: get(Metric::RemoteRequestsDuration),
        shuffle_write_bytes: get(Metric::WriteBytes),
        shuffle_write_time: get(Metric::WriteTime),
        shuffle_write_records: get(Metric::WriteRecords),
        name: info.name.clone(),
        description: stage.description.clone(),
        details: info.details.clone(),
        scheduling_pool: stage.pool.clone(),
        rdd_ids: info.rdd_info.iter().map(|rdd| rdd.rdd_id).collect(),
        accumulator_updates: accumulators(&info.accumulables),
        speculation_summary: stage.speculation,
        killed_tasks_summary: stage.killed_summary.clone(),
        resource_profile_id: info.resource_profile_id,
        peak_executor_metrics: stage.peak,
        ..StageData::default()
    }
}

pub(crate) fn share_data(share: &ExecutorShare) -> ExecutorStageSummary {
    let get = |metric| share.figures.get(metric);
    ExecutorStageSummary {
        task_time: share.task_time,
        failed_tasks: share.failed,
        succeeded_tasks: share.succeeded,
        killed_tasks: share.killed,
        input_bytes: get(Metric::InputBytes),
        input_records: get(Metric::InputRecords),
        output_bytes: get(Metric::OutputBytes),
        output_records: get(Metric::OutputRecords),
        shuffle_read: get(Metric::LocalBytes).saturating_add(get(Metric::RemoteBytes)),
        shuffle_read_records: get(Metric::ShuffleRecords),
        shuffle_write: get(Metric::WriteBytes),
        shuffle_write_records: get(Metric::WriteRecords),
        memory_bytes_spilled: get(Metric::MemorySpilled),
        disk_bytes_spilled: get(Metric::DiskSpilled),
        is_blacklisted_for_stage: share.excluded,
        peak_memory_metrics: share.peak,
        is_excluded_for_stage: share.excluded,
    }
}

/// Returns the quantiles of a stage's executors.
fn executor_distributions(stage: &Stage, asked: &[f64]) -> Option<ExecutorMetricsDistributions> {
    let shares: Vec<ExecutorStageSummary> = stage.executors.values().map(share_data).collect();
    if shares.is_empty() {
        return None;
    }
    let of = |figure: &dyn Fn(&ExecutorStageSummary) -> i64| {
        quantiles(&shares.iter().map(figure).collect::<Vec<i64>>(), asked)
    };
    let peak = |at: usize| {
        move |share: &ExecutorStageSummary| share.peak_memory_metrics.map_or(0, |peak| peak.0[at])
    };
    let peaks = PEAK_NAMES.iter().enumerate().map(|(at, name)| ((*name).to_owned(), of(&peak(at))));
    Some(ExecutorMetricsDistributions {
        quantiles: asked.to_vec(),
        task_time: of(&|share| share.task_time),
        failed_tasks: of(&|share| share.failed_tasks),
        succeeded_tasks: of(&|share| share.succeeded_tasks),
        killed_tasks: of(&|share| share.killed_tasks),
        input_bytes: of(&|share| share.input_bytes),
        input_records: of(&|share| share.input_records),
        output_bytes: of(&|share| share.output_bytes),
        output_records: of(&|share| share.output_records),
        shuffle_read: of(&|share| share.shuffle_read),
        shuffle_read_records: of(&|share| share.shuffle_read_records),
        shuffle_write: of(&|share| share.shuffle_write),
        shuffle_write_records: of(&|share| share.shuffle_write_records),
        memory_bytes_spilled: of(&|share| share.memory_bytes_spilled),
        disk_bytes_spilled: of(&|share| share.disk_bytes_spilled),
        peak_memory_metrics: ExecutorPeakMetricsDistributions { by_name: peaks.collect() },
    })
}
