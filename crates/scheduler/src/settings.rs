//! What can be chosen about scheduling. Defaults are Spark's, where Spark has one.

use std::collections::BTreeMap;

/// How the scheduler shall decide. Every limit and wait of this crate has its name here.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerSettings {
    /// How often one partition's task may fail before its jobs do (`task.maxFailures`).
    pub max_task_failures: u32,
    /// How many attempts at a stage may fail in a row for want of their input (`stage.maxConsecutiveAttempts`).
    pub max_consecutive_stage_attempts: u32,
    /// How jobs compete.
    pub mode: SchedulingMode,
    /// The pools with other than default settings.
    pub pools: BTreeMap<String, PoolSettings>,
    /// How long a stage waits for a slot nearer to its data, at each level (`locality.wait`).
    pub locality_wait_ms: u64,
    /// After how long without a sign of life an executor is lost (`network.timeout`).
    pub network_timeout_ms: u64,
    /// For how long an executor may leave a task out of its heartbeats before the task counts as lost. Longer than a
    /// message can be under way, or tasks run twice without need (though never count twice).
    pub unaccounted_task_timeout_ms: u64,
    /// Whether the map outputs of an executor that fell silent can still be read, from a service of its host.
    pub outputs_survive_silence: bool,
    /// Whether and when slow tasks get a copy; not by default.
    pub speculation: Option<SpeculationSettings>,
    /// For how long a job waits while there is no executor at all. A barrier stage that ran before waits as long for executors in
    /// place of those that it lost.
    pub no_executors_timeout_ms: u64,
    /// For how long a barrier stage that has not run yet waits for executors, while those that there are have fewer slots than
    /// it has tasks. 0 fails it at once: right where no more executors will come.
    pub barrier_slots_wait_ms: u64,
    /// For how long slots that become free are held for a barrier stage that waits for enough of them. Then they are offered to
    /// others for as long; then both last twice as long, and so on. So a barrier stage gets its slots as soon as tasks of others
    /// are shorter than that, and others get half of the time however long it waits.
    pub barrier_hold_ms: u64,
    /// For how long a task waits for the others of its barrier stage to call (`barrier.sync.timeout`).
    pub barrier_sync_timeout_ms: u64,
}

/// A year: a barrier waits for as long as anybody has patience.
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

/// How jobs compete for slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulingMode {
    /// The first job takes what it can use.
    Fifo,
    /// Pools share; within a pool, the first job takes what it can use.
    Fair,
}

/// What a pool is entitled to.
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

/// When a task is slow enough for a copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeculationSettings {
    /// How many times slower than the median of its stage.
    pub multiplier: f64,
    /// Which part of the stage's tasks must have succeeded before.
    pub quantile: f64,
    /// How often to look.
    pub interval_ms: u64,
    /// How long it must have run, however fast the others were.
    pub min_runtime_ms: u64,
}

impl Default for SpeculationSettings {
    fn default() -> Self {
        SpeculationSettings { multiplier: 1.5, quantile: 0.75, interval_ms: 100, min_runtime_ms: 100 }
    }
}
