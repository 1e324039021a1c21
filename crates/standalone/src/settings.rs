//! The master's settings. Defaults are Spark's, where Spark has one.

/// The settings of the master's decisions. Every limit and wait of the master has its name here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterSettings {
    /// The time without a message after which a worker is lost (`spark.worker.timeout`).
    pub worker_timeout_ms: u64,
    /// The time without a message after which an application has ended. Longer than a restart of the master
    /// takes.
    pub application_timeout_ms: u64,
    /// The time that a master that takes over waits for workers and applications to come back.
    pub recovery_timeout_ms: u64,
    /// The time for which a worker's reports may omit something that it was told to run, before it is told to
    /// end it. Longer than a message takes; a shorter time costs executors, and nothing else.
    pub unaccounted_timeout_ms: u64,
    /// The time without an event after which the master must have stood still itself: silences are extended by
    /// that time.
    /// [`Master::next_deadline`](crate::Master::next_deadline) asks for a tick at least every half of it.
    pub stall_ms: u64,
    /// True if an application's cores are spread over many workers, false if they are packed onto few
    /// (`spark.deploy.spreadOutApps`).
    pub spread_out: bool,
    /// The cores of an application that names no limit; none is all there are (`spark.deploy.defaultCores`).
    pub default_cores: Option<u32>,
    /// The number of an application's executors that may fail in a row, while none is ready, before the
    /// application fails (`spark.deploy.maxExecutorRetries`). None is without limit.
    pub max_executor_failures: Option<u32>,
    /// The time that an application waits for another executor after two in a row have ended by themselves and
    /// none was ready since; twice as long each time after. So a worker that can start nothing is not asked at
    /// full speed.
    pub executor_backoff_ms: u64,
    /// The longest such wait.
    pub executor_backoff_max_ms: u64,
    /// The number of ended applications that are remembered (`spark.deploy.retainedApplications`).
    pub retained_applications: usize,
    /// The number of ended drivers that are remembered (`spark.deploy.retainedDrivers`).
    pub retained_drivers: usize,
    /// The time that a supervised driver waits before it is launched again the first time; twice as long each
    /// time after.
    pub supervise_backoff_ms: u64,
    /// The longest such wait. A driver that ran for longer than this begins anew with the shortest.
    pub supervise_backoff_max_ms: u64,
    /// The number of lost workers that are remembered (`spark.deploy.deadWorkersRetained`), and of ended executors of each application.
    pub retained_lost: usize,
    /// The address of the master's pages, if it has any: workers are told.
    pub pages: Option<String>,
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
            retained_lost: 50,
            pages: None,
        }
    }
}
