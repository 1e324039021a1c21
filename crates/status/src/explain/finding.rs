//! [`Finding`]: one thing that made a stage or a job slow, or fail.

use crate::store::StageKey;
use serde::Serialize;

/// The time below which nothing is worth a sentence, in milliseconds: nobody notices less than a third of a second, and at
/// that scale the machine's other work makes the same differences.
pub const NOTICED_MS: i64 = 300;

/// The rule that found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// The stage, or the job, failed.
    Failed,
    /// Attempts at tasks failed, and were repeated.
    RepeatedTasks,
    /// One partition has much more than the others.
    SkewedPartition,
    /// One partition has no more than the others, and took much longer.
    SlowPartition,
    /// Tasks are so short that starting them takes longer.
    TooManyPartitions,
    /// Slots stood idle.
    TooFewPartitions,
    /// A filter behind a shuffle drops most of what was shuffled.
    LateFilter,
    /// Records did not fit in memory.
    Spilling,
    /// Objects of Python were pickled.
    Pickling,
    /// One function of the program.
    PythonFunction,
    /// Blocks of other hosts were waited for.
    RemoteBlocks,
    /// An RDD was computed again, and is not persisted.
    Recomputed,
    /// An RDD is persisted, and was computed again.
    LostFromCache,
    /// One host is slower than the others.
    SlowHost,
}

/// One thing that made a stage or a job slow, or fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule that found it.
    pub rule: Rule,
    /// The stage and its attempt; none if it is about a whole job.
    pub stage: Option<StageKey>,
    /// The fault, in one sentence with figures.
    pub sentence: String,
    /// The setting or call that would help.
    pub remedy: String,
    /// An estimate of the milliseconds that it took from the stage's or the job's time.
    pub lost_ms: i64,
}
