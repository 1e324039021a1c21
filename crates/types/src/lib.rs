//! The vocabulary that all of Firesteel shares: ids, locations, failures, events and time.
//!
//! Nothing here decides or acts. Every other crate depends on this one, and this one on none of them.
//! Read [`ids`] first, then [`failure`] (what can go wrong, as data) and [`event`] (what happens, as data).

pub mod accumulator;
pub mod event;
pub mod failure;
pub mod ids;
pub mod journal;
pub mod locality;
pub mod metrics;
pub mod shuffle_outputs;
pub mod site;
pub mod stack;
pub mod storage_level;
pub mod time;
pub mod worker_end;

pub use accumulator::{AccumulatorUpdate, UpdateScope};
pub use event::{AppEvent, RddSummary, StageSummary, TaskSummary};
pub use failure::{
    Exception, ExcludedPlace, Exclusion, ExecutorLossReason, JobFailure, KillReason, TaskFailure,
};
pub use ids::{
    AccumulatorId, BlockId, BlockKey, BlockSize, BroadcastId, ExecutorId, Generation, JobId, Partition,
    RddId, ShuffleId, StageAttempt, StageId, TaskId,
};
pub use journal::{CountedUpdate, JournalEntry, StoredOutput};
pub use locality::{Locality, TaskLocation};
pub use metrics::{
    ExecutorMemory, FunctionTime, HotKey, PythonMetrics, ShuffleReadMetrics, ShuffleWriteMetrics, TaskMetrics,
};
pub use shuffle_outputs::{MapOutput, ShuffleOutputs, StoredObject, StoredOutputs};
pub use site::CallSite;
pub use stack::{LongTask, RunningTask, SeenStack, ThreadStack};
pub use storage_level::StorageLevel;
pub use time::{Millis, civil_date};
pub use worker_end::{EndKind, Ending, LastMemory, WorkerEnd};
