//! The rules of a pool, and the size of its executors.

/// The size of an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its cores: the tasks that it runs at a time, where each takes one.
    pub cores: u32,
    /// Its memory, in bytes, without what its manager adds for the process itself.
    pub memory: u64,
}

/// The rules of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// The size of each executor.
    pub shape: Shape,
    /// The most executors that are outstanding at a time: large requests go to the manager in batches.
    pub batch: u32,
    /// The time that an executor may take from its grant to its registration, in milliseconds; 0 is for ever.
    pub register_within_ms: u64,
    /// The time that a manager may take to tell the end of an executor whose connection has ended, in milliseconds.
    /// Afterwards it is released.
    pub end_within_ms: u64,
    /// The number of executors in a row that may end before they were ready, with none ready, until the application is
    /// given up: they all would.
    pub failed_starts_at_most: u32,
    /// The number of executors that may end by their own fault before the application is given up; `None` is without
    /// limit. One that was ready and exits with code 0 was told to, and does not count.
    pub failures_at_most: Option<u32>,
    /// The time after which such an end is forgotten, in milliseconds; `None` is never.
    pub failures_valid_ms: Option<u64>,
    /// The number of excluded executors on one machine from which on no other is started there.
    pub excluded_per_machine: u32,
    /// The first pause after a failed start or a refusal, in milliseconds. It doubles from one in a row to the next. A pause
    /// that lasts longer is not cut short.
    pub pause_ms: u64,
    /// The longest such pause.
    pub pause_at_most_ms: u64,
    /// The driver's address, for messages about executors that do not reach it.
    pub driver: String,
    /// Advice for people whose executors end before they are ready: a sentence.
    pub look_at: String,
}

/// One executor with one core and 1 GiB; no limit to failures.
impl Default for PoolSettings {
    fn default() -> Self {
        PoolSettings {
            shape: Shape { cores: 1, memory: 1 << 30 },
            batch: u32::MAX,
            register_within_ms: 120_000,
            end_within_ms: 2_000,
            failed_starts_at_most: 3,
            failures_at_most: None,
            failures_valid_ms: None,
            excluded_per_machine: 2,
            pause_ms: 1_000,
            pause_at_most_ms: 60_000,
            driver: String::new(),
            look_at: "What they wrote to standard error says why".into(),
        }
    }
}
