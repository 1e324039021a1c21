//! What can be chosen about the master. Defaults are Spark's, where Spark has one.

/// How the master shall decide. Every limit and wait of the master has its name here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterSettings {
    /// After how long without a sign of life a worker is lost (`spark.worker.timeout`).
    pub worker_timeout_ms: u64,
    /// After how long without a sign of life an application has ended. Longer than a restart of the master takes.
    pub application_timeout_ms: u64,
    /// For how long a master that takes over waits for workers and applications to come back.
    pub recovery_timeout_ms: u64,
    /// For how long a worker may leave something out of its reports that it was told to run, from the first report on that
    /// does, before it is told to end it. Longer than a message is under way; a shorter time costs executors, and nothing else.
    pub unaccounted_timeout_ms: u64,
    /// A master that was told nothing for so long stood still itself: whoever was silent meanwhile is given the time back.
    /// [`Master::next_deadline`](crate::Master::next_deadline) asks for a tick at least every half of it.
    pub stall_ms: u64,
    /// Whether an application's cores lie on many workers or on few (`spark.deploy.spreadOutApps`).
    pub spread_out: bool,
    /// The cores of an application that names no limit; none is all there are (`spark.deploy.defaultCores`).
    pub default_cores: Option<u32>,
    /// How many executors of an application may fail in a row, while none is ready, before the application does
    /// (`spark.deploy.maxExecutorRetries`). None is without limit.
    pub max_executor_failures: Option<u32>,
    /// How long an application waits for another executor after two in a row have ended by themselves and none was ready
    /// since; twice as long each time after. So a worker that can start nothing is not asked at full speed.
    pub executor_backoff_ms: u64,
    /// The longest such wait.
    pub executor_backoff_max_ms: u64,
    /// How many applications that ended are remembered (`spark.deploy.retainedApplications`).
    pub retained_applications: usize,
    /// How many drivers that ended are remembered (`spark.deploy.retainedDrivers`).
    pub retained_drivers: usize,
    /// How long a supervised driver waits before it is launched again the first time; twice as long each time after.
    pub supervise_backoff_ms: u64,
    /// The longest such wait. A driver that ran for longer than this begins anew with the shortest.
    pub supervise_backoff_max_ms: u64,
}

impl Default for MasterSettings {
    fn default() -> Self {
        MasterSettings {
            worker_timeout_ms: 60_000,
            application_timeout_ms: 60_000,
            recovery_timeout_ms: 60_000,
            unaccounted_timeout_ms: 15_000,
            stall_ms: 10_000,
            spread_out: true,
            default_cores: None,
            max_executor_failures: Some(10),
            executor_backoff_ms: 100,
            executor_backoff_max_ms: 10_000,
            retained_applications: 200,
            retained_drivers: 200,
            supervise_backoff_ms: 1_000,
            supervise_backoff_max_ms: 60_000,
        }
    }
}
