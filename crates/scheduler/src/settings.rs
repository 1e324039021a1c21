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
