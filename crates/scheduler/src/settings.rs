//! The settings of the scheduler. Defaults are Spark's, where Spark has one.

use std::collections::BTreeMap;

/// The limits and waits of the scheduler, and the rules by which jobs compete.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerSettings {
    /// The number of failures of one partition's task with which its jobs fail (`task.maxFailures`).
    pub max_task_failures: u32,
    /// The number of attempts at a stage that fail in a row for want of their input, with which its jobs fail
    /// (`stage.maxConsecutiveAttempts`).
    pub max_consecutive_stage_attempts: u32,
    /// The rule by which jobs compete.
    pub mode: SchedulingMode,
    /// The pools with other than default settings.
    pub pools: BTreeMap<String, PoolSettings>,
    /// The time that a stage waits for a slot nearer to its data, at each level (`locality.wait`).
    pub locality_wait_ms: u64,
    /// The time without a sign of life after which an executor is lost (`network.timeout`).
    pub network_timeout_ms: u64,
    /// The time for which an executor may leave a task out of its heartbeats before the task counts as lost.
    /// It must be longer than any message takes, or tasks run twice without need (though they never count
    /// twice).
    pub unaccounted_task_timeout_ms: u64,
    /// True if the map outputs of an executor that fell silent can still be read, from a service of its host.
    pub outputs_survive_silence: bool,
    /// The rule by which slow tasks get a copy; by default none does.
    pub speculation: Option<SpeculationSettings>,
    /// The time that a job waits while there is no executor at all. A barrier stage that ran before waits as
    /// long for executors in place of those that it lost.
    pub no_executors_timeout_ms: u64,
    /// The time that a barrier stage that has not run yet waits for executors, while those that there are
    /// have fewer slots than it has tasks. 0 fails it at once, which is right where no more executors will
    /// come.
    pub barrier_slots_wait_ms: u64,
    /// The time for which slots that become free are held for a barrier stage that waits for enough of them.
    /// Then they are offered to others for as long; then both last twice as long, and so on. So a barrier
    /// stage gets its slots as soon as tasks of others are shorter than that, and others get half of the time
    /// however long it waits.
    pub barrier_hold_ms: u64,
    /// The time that a task waits for the others of its barrier stage to call (`barrier.sync.timeout`).
    pub barrier_sync_timeout_ms: u64,
    /// The rules by which executors and hosts are excluded; by default none is.
    pub exclusion: Option<ExclusionSettings>,
    /// The steps that are [written down](crate::Effect::Journal), for a driver that restarts; by default none.
    pub journal: JournalSettings,
}

/// The steps that the scheduler has written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JournalSettings {
    /// Nothing.
    #[default]
    Nothing,
    /// The ends of jobs that have their answers.
    Jobs,
    /// These, and the map outputs that the shuffle storage has, since they outlive the driver.
    JobsAndShuffles,
}

/// A year, which is Spark's default for waiting at a barrier.
const YEAR_MS: u64 = 365 * 24 * 3_600_000;

impl Default for SchedulerSettings {
    fn default() -> Self {
        SchedulerSettings {
            max_task_failures: 4,
            max_consecutive_stage_attempts: 4,
            mode: SchedulingMode::Fifo,
            pools: BTreeMap::new(),
            locality_wait_ms: 3_000,
            network_timeout_ms: 120_000,
            unaccounted_task_timeout_ms: 30_000,
            outputs_survive_silence: false,
            speculation: None,
            no_executors_timeout_ms: 120_000,
            barrier_slots_wait_ms: 0,
            barrier_hold_ms: 10_000,
            barrier_sync_timeout_ms: YEAR_MS,
            exclusion: None,
            journal: JournalSettings::Nothing,
        }
    }
}

/// The rule by which jobs compete for slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulingMode {
    /// The first job takes what it can use.
    Fifo,
    /// Pools share; within a pool, the first job takes what it can use.
    Fair,
}

/// The entitlement of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Its share relative to other pools; at least 1.
    pub weight: u32,
    /// The slots it gets before others get more than theirs.
    pub min_share: u32,
}

impl Default for PoolSettings {
    fn default() -> Self {
        PoolSettings { weight: 1, min_share: 0 }
    }
}

/// The rule by which a task is slow enough for a copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeculationSettings {
    /// The least ratio of its time to the median of its stage.
    pub multiplier: f64,
    /// The part of the stage's tasks that must have succeeded before.
    pub quantile: f64,
    /// The interval between two looks for slow tasks.
    pub interval_ms: u64,
    /// The least time that it must have run, however fast the others were.
    pub min_runtime_ms: u64,
}

impl Default for SpeculationSettings {
    fn default() -> Self {
        SpeculationSettings { multiplier: 1.5, quantile: 0.75, interval_ms: 100, min_runtime_ms: 100 }
    }
}

/// The rules by which executors and hosts are excluded at which tasks failed. Defaults are Spark's (`excludeOnFailure`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExclusionSettings {
    /// True if tasks and stage attempts keep away from where they failed.
    pub task_and_stage: bool,
    /// True if the whole application does.
    pub application: bool,
    /// The time after which the application forgets a failure, or an exclusion.
    pub timeout_ms: u64,
    /// The number of failures of a task at an executor that keeps the task from it.
    pub task_attempts_per_executor: u32,
    /// The number of failures of a task at all executors of a host that keeps the task from the host.
    pub task_attempts_per_host: u32,
    /// The number of tasks of a stage attempt that fail at an executor that keeps the stage attempt from it.
    pub stage_tasks_per_executor: u32,
    /// The number of executors of a host from which a stage attempt is kept that keeps it from the host.
    pub stage_executors_per_host: u32,
    /// The number of failed tasks of complete stages that keeps the application from an executor.
    pub application_tasks_per_executor: u32,
    /// The number of executors of a host from which the application is kept that keeps it from the host.
    pub application_executors_per_host: u32,
    /// True if one failed fetch keeps the application from the executor (or host) that has the output.
    pub on_fetch_failure: bool,
    /// The end of executors from which the application is kept; by default they go on without tasks.
    pub removal: Option<Removal>,
    /// The time that a task which may run nowhere waits for other executors, under dynamic allocation.
    pub unschedulable_timeout_ms: u64,
    /// The time after an executor has come or gone for which others may follow, or take its place: no task that may run
    /// nowhere fails its jobs before. Executors of one application do not come at once.
    pub newcomers_ms: u64,
}

impl Default for ExclusionSettings {
    fn default() -> Self {
        ExclusionSettings {
            task_and_stage: true,
            application: true,
            timeout_ms: 3_600_000,
            task_attempts_per_executor: 1,
            task_attempts_per_host: 2,
            stage_tasks_per_executor: 2,
            stage_executors_per_host: 2,
            application_tasks_per_executor: 2,
            application_executors_per_host: 2,
            on_fetch_failure: false,
            removal: None,
            unschedulable_timeout_ms: 120_000,
            newcomers_ms: 10_000,
        }
    }
}

/// The end of an executor from which the application is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Its process is ended at once. Tasks that run there are not to blame.
    Kill,
    /// It ends when its tasks have ended.
    Decommission,
}
