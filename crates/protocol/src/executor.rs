//! The executor protocol: what a driver and a process that hosts executors say to each other once they have shaken hands.
//!
//! Agents and workers speak it alike, and an agent speaks it with its own workers. Messages are small: what is large travels as
//! blocks ([`BlockRequest`](crate::BlockRequest)), except plans and results between a process and its worker, which share a machine.

use crate::result::TaskReport;
use crate::task::{BarrierOutcome, TaskSpec};
use firesteel_types::{
    AccumulatorUpdate, BlockKey, BlockSize, BroadcastId, ExecutorId, ExecutorLossReason, ExecutorMemory,
    Generation, LongTask, Partition, RddId, ShuffleId, ShuffleOutputs, StageId, StoredOutputs, TaskId,
    TaskMetrics, ThreadStack,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An encoded plan, sent as it is: encoding it byte by byte would take long where functions are large.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanBytes(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// Names the map outputs of a shuffle as they were at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputsName {
    /// The shuffle.
    pub shuffle: ShuffleId,
    /// The generation of its outputs.
    pub generation: u64,
}

impl OutputsName {
    pub(crate) fn of(outputs: &ShuffleOutputs) -> Self {
        OutputsName { shuffle: outputs.shuffle, generation: outputs.generation }
    }
}

/// To a process that hosts executors.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToExecutor {
    /// Map outputs that tasks will read; launches name them from now on.
    Outputs {
        /// The outputs.
        outputs: Arc<ShuffleOutputs>,
    },
    /// Run a task.
    Launch {
        /// On which executor.
        executor: ExecutorId,
        /// Which.
        task: TaskSpec,
        /// The outputs that it reads beside those that it brings; all were announced before.
        announced: Vec<OutputsName>,
    },
    /// Stop a task.
    Kill {
        /// Where it runs.
        executor: ExecutorId,
        /// Which.
        task: TaskId,
    },
    /// The answer to [`FromExecutor::AskPlan`].
    Plan {
        /// The stage.
        stage: StageId,
        /// Its encoded plan, or why there is none.
        plan: Result<PlanBytes, String>,
    },
    /// The answer to [`FromExecutor::AskCommit`].
    CommitDecision {
        /// Where it runs.
        executor: ExecutorId,
        /// The attempt that asked.
        task: TaskId,
        /// True if it may make its output visible.
        allowed: bool,
    },
    /// The answer to [`FromExecutor::BarrierSync`].
    BarrierAnswer {
        /// Where it runs.
        executor: ExecutorId,
        /// The attempt that called.
        task: TaskId,
        /// Which of its calls is answered.
        epoch: u32,
        /// The messages of all tasks, or the reason why they will not all call.
        outcome: BarrierOutcome,
    },
    /// Forget a stage's plan.
    ForgetStage {
        /// The stage.
        stage: StageId,
    },
    /// Remove what is cached of an RDD. A worker forgets what it has in memory; the files belong to the process that serves them.
    RemoveRdd {
        /// The RDD.
        rdd: RddId,
        /// The last generation that is to go, with all before it.
        until: Generation,
    },
    /// Remove a broadcast value, as with [`RemoveRdd`](Self::RemoveRdd).
    RemoveBroadcast {
        /// The value.
        broadcast: BroadcastId,
    },
    /// Remove a map output. Only agents are told this, and all that follows.
    RemoveOutput {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map task.
        map: Partition,
        /// The attempt that wrote it.
        task: TaskId,
    },
    /// Remove a result that waited to be fetched: it has arrived, or is not wanted.
    RemoveResult {
        /// The attempt whose result it is.
        task: TaskId,
    },
    /// The worker that begins in place of a lost one is this executor.
    NextExecutor {
        /// Its id.
        executor: ExecutorId,
    },
    /// The setting of workers that begin from now on.
    WorkerSetting {
        /// Any JSON.
        setting: String,
    },
    /// Fetch what another agent has, and publish it. Answered with [`FromExecutor::Migrated`].
    Migrate {
        /// The blocks, and the address that serves them.
        order: MigrateOrder,
    },
    /// Write map outputs to the shuffle storage now. Answered with [`FromExecutor::OutputsStored`] for each object, then
    /// [`FromExecutor::StoreDone`].
    Store {
        /// The outputs.
        order: StoreOrder,
    },
    /// Forget what was read of a shuffle's objects in the shuffle storage, and write no more of it.
    RemoveStored {
        /// The shuffle.
        shuffle: ShuffleId,
    },
    /// Take nothing of a shuffle for stored that was written to the shuffle storage until now: it cannot be read there.
    ForgetStored {
        /// The shuffle.
        shuffle: ShuffleId,
    },
    /// Tell where the code of all slots stands. Answered with [`FromExecutor::Stacks`].
    AskStacks {
        /// The question's number, which its answer carries.
        question: u64,
        /// True for one of many questions in a row: only what answers at once does.
        is_sample: bool,
    },
    /// Tell a part of what the process and its workers have written. Answered with [`FromExecutor::Log`].
    AskLog {
        /// The question's number, which its answer carries.
        question: u64,
        /// The part.
        ask: LogAsk,
    },
    /// The driver lives.
    Alive,
    /// Take no more tasks, and end when those that run have ended.
    Leave,
}

/// From a process that hosts executors.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromExecutor {
    /// Asks for the operators of a stage. Only workers ask: agents fetch plans as blocks.
    AskPlan {
        /// The stage.
        stage: StageId,
    },
    /// Asks whether this attempt may commit.
    AskCommit {
        /// Where it runs.
        executor: ExecutorId,
        /// The attempt.
        task: TaskId,
    },
    /// A task waits for the others of its barrier stage.
    BarrierSync {
        /// Where it runs.
        executor: ExecutorId,
        /// The attempt that calls.
        task: TaskId,
        /// How often it has called before.
        epoch: u32,
        /// Its message to the others; none if it only waits.
        message: Option<String>,
    },
    /// An executor caches a partition from now on.
    Stored {
        /// Which executor.
        executor: ExecutorId,
        /// The partition.
        key: BlockKey,
        /// Its size.
        size: BlockSize,
    },
    /// An executor caches a partition no more.
    Dropped {
        /// Which executor.
        executor: ExecutorId,
        /// The partition.
        key: BlockKey,
    },
    /// A task has ended.
    Finished {
        /// Where it ran.
        executor: ExecutorId,
        /// The attempt.
        task: TaskId,
        /// How it ended.
        report: TaskReport,
        /// The accumulator updates of its functions, if it succeeded.
        updates: Vec<AccumulatorUpdate>,
        /// The figures that it measured, if it ran.
        metrics: Option<Box<TaskMetrics>>,
    },
    /// An executor is ready: the agent itself, or one of its workers. Only agents say this, and all that follows.
    Added {
        /// Which.
        executor: ExecutorId,
    },
    /// One of the agent's workers is gone.
    Lost {
        /// Which executor it was.
        executor: ExecutorId,
        /// Why.
        reason: ExecutorLossReason,
    },
    /// The agent lives, and these are the tasks of its executors.
    Alive {
        /// Each executor's tasks.
        running: Vec<(ExecutorId, Vec<TaskId>)>,
        /// Each executor's memory.
        memory: Vec<(ExecutorId, ExecutorMemory)>,
    },
    /// The agent has fetched what it was told to, or a part of that.
    Migrated {
        /// The blocks that it has now.
        report: MigrateReport,
    },
    /// The agent has written an object to the shuffle storage, whole.
    OutputsStored {
        /// The object, and the outputs that it has.
        stored: StoredOutputs,
    },
    /// The agent has done what [`ToExecutor::Store`] says, as far as it could.
    StoreDone {
        /// The number of the order.
        number: u64,
        /// The number of outputs that the storage has now.
        stored: u32,
    },
    /// A task has run for longer than its watchdog waits, which reports it once.
    RunsLong {
        /// Where it runs.
        executor: ExecutorId,
        /// The task, and where it stands.
        report: LongTask,
    },
    /// The answer to [`ToExecutor::AskStacks`].
    Stacks {
        /// The number of the question.
        question: u64,
        /// The agent's slots.
        stacks: Vec<ThreadStack>,
    },
    /// The answer to [`ToExecutor::AskLog`].
    Log {
        /// The number of the question.
        question: u64,
        /// The part, or why there is none, as a sentence.
        part: Result<LogBytes, String>,
    },
    /// Workers cannot be started any more.
    OutOfWorkers {
        /// Why, as a sentence.
        reason: String,
    },
    /// The agent ends, as it was told to: no task is to blame.
    Left,
    /// A manager takes the agent's process away.
    Notice {
        /// The time until then, in milliseconds.
        within_ms: u64,
    },
}

/// A stream that a process writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogStream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

impl LogStream {
    /// Returns its name, as files and addresses have it: `stdout`, `stderr`.
    pub fn name(self) -> &'static str {
        match self {
            LogStream::Stdout => "stdout",
            LogStream::Stderr => "stderr",
        }
    }
}

/// A question for a part of what a process has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogAsk {
    /// The stream.
    pub stream: LogStream,
    /// The first byte of the part; `None` for the last bytes that were written.
    pub offset: Option<u64>,
    /// The most bytes of the part. The answer may have fewer.
    pub length: u32,
}

/// A part of what a process has written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogBytes {
    /// The bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// The number of bytes before them.
    pub offset: u64,
    /// The number of bytes of all that was written.
    pub length: u64,
}

/// The blocks that an agent is to fetch before the agent that has them goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrateOrder {
    /// The order's number, which its answer carries.
    pub number: u64,
    /// The executor of the agent that has it from then on.
    pub executor: ExecutorId,
    /// The address at which it is served now.
    pub from: String,
    /// Map outputs.
    pub outputs: Vec<(ShuffleId, Partition, TaskId)>,
    /// Cached partitions.
    pub cached: Vec<BlockKey>,
}

/// The map outputs that an agent is to write to the shuffle storage, since its files will not be there for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreOrder {
    /// The order's number, which its answer carries.
    pub number: u64,
    /// Map outputs.
    pub outputs: Vec<(ShuffleId, Partition, TaskId)>,
}

/// The blocks that an agent has fetched of a [`MigrateOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrateReport {
    /// The number of the order.
    pub number: u64,
    /// The executor that has it now.
    pub executor: ExecutorId,
    /// Map outputs.
    pub outputs: Vec<(ShuffleId, Partition, TaskId)>,
    /// Cached partitions, with their sizes there.
    pub cached: Vec<(BlockKey, BlockSize)>,
}
