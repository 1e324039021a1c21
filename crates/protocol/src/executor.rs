//! The executor protocol: what a driver and a process that hosts executors say to each other once they have shaken hands.
//!
//! Agents and workers speak it alike, and an agent speaks it with its own workers. Messages are small: what is large travels as
//! blocks ([`BlockRequest`](crate::BlockRequest)), except plans and results between a process and its worker, which share a machine.

use crate::result::TaskReport;
use crate::task::{BarrierOutcome, TaskSpec};
use firesteel_types::{
    AccumulatorUpdate, BlockKey, BlockSize, BroadcastId, ExecutorId, ExecutorLossReason, ExecutorMemory,
    LongTask, Partition, RddId, ShuffleId, ShuffleOutputs, StageId, TaskId, TaskMetrics, ThreadStack,
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
    /// Tell where the code of all slots stands. Answered with [`FromExecutor::Stacks`].
    AskStacks {
        /// The question's number, which its answer carries.
        question: u64,
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
    /// Workers cannot be started any more.
    OutOfWorkers {
        /// Why, as a sentence.
        reason: String,
    },
    /// The agent ends, as it was told to: no task is to blame.
    Left,
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

/// The blocks that an agent has fetched of a [`MigrateOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrateReport {
    /// The number of the order.
    pub number: u64,
    /// The executor that has it now.
    pub executor: ExecutorId,
    /// Map outputs.
    pub outputs: Vec<(ShuffleId, Partition, TaskId)>,
    /// Cached partitions.
    pub cached: Vec<BlockKey>,
}
