//! What the driver and an *agent* say to each other.
//!
//! An agent is a process on some host that runs executors for a driver elsewhere: itself, with threads for slots, or worker
//! processes, each an executor with one slot. It holds one connection to the driver. Messages are small: what is large travels as
//! [`blocks`](crate::blocks). The connection is encrypted and both ends have shown that they have the application's secret before
//! the first byte of a message is looked at.

use crate::messages::OutputsName;
use crate::runner::TaskEnd;
use firesteel_operators::{BarrierOutcome, TaskSpec};
use firesteel_storage::lru::BlockKey;
use firesteel_types::{
    AccumulatorUpdate, BroadcastId, ExecutorId, ExecutorLossReason, Partition, RddId, ShuffleId,
    ShuffleOutputs, StageId, TaskId,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How an agent introduces itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Register {
    /// The name under which whoever started it knows it; empty when nobody does.
    pub name: String,
    /// The hash of the object file that holds the tasks' code: it must be the driver's.
    pub program: [u8; 32],
    /// Its host, as preferred locations name it.
    pub host: String,
    /// How many cores it has.
    pub cores: u32,
    /// The memory budget of all its executors together, in bytes.
    pub memory: u64,
    /// Whether each slot is an executor of its own, in a process of its own.
    pub has_processes: bool,
    /// Where the files of its executors are served.
    pub blocks: String,
    /// Whether they are served by somebody who outlives it.
    pub outputs_survive: bool,
    /// Its process id.
    pub process: u32,
}

/// What an agent is told when it was accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The application, by a number that no other of the driver's process has.
    pub application: u64,
    /// The executors that it is to run.
    pub executors: Vec<ExecutorId>,
    /// How many tasks they run at a time, together.
    pub slots: u32,
    /// The application's settings.
    pub settings: Vec<(String, String)>,
    /// How often it shall say that it lives, in milliseconds.
    pub heartbeat_ms: u64,
    /// After how long without a word from the driver it ends, in milliseconds.
    pub timeout_ms: u64,
    /// How often a host that cannot be reached is tried again.
    pub retries: u32,
    /// The pause before that, in milliseconds.
    pub retry_wait_ms: u64,
    /// What worker processes are to know; see [`WorkerCommand::setting`](crate::WorkerCommand::setting).
    pub setting: Option<String>,
    /// Whether what tasks write to disk is to be encrypted, with what follows from the application's secret.
    pub encrypted: bool,
}

/// What an agent is to take over before whoever has it goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Migrate {
    /// What the answer is to be known by.
    pub number: u64,
    /// Which of its executors has it from then on.
    pub executor: ExecutorId,
    /// Where it is served now.
    pub from: String,
    /// Map outputs.
    pub outputs: Vec<(ShuffleId, Partition, TaskId)>,
    /// Kept partitions.
    pub cached: Vec<BlockKey>,
}

/// What an agent has taken over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Migrated {
    /// The number of the order.
    pub number: u64,
    /// Who has it now.
    pub executor: ExecutorId,
    /// Map outputs.
    pub outputs: Vec<(ShuffleId, Partition, TaskId)>,
    /// Kept partitions.
    pub cached: Vec<BlockKey>,
}

/// From the driver to an agent.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToAgent {
    /// It was accepted. Always the first, unless it is refused.
    Welcome(Welcome),
    /// It was not accepted, and why.
    Refused(String),
    /// The map outputs that tasks will read; they are named from now on.
    Outputs(Arc<ShuffleOutputs>),
    /// Run a task, which reads these outputs beside those that it brings.
    Launch(ExecutorId, TaskSpec, Vec<OutputsName>),
    /// Stop a task.
    Kill(ExecutorId, TaskId),
    /// The answer to [`FromAgent::AskCommit`].
    Commit(TaskId, bool),
    /// The answer to [`FromAgent::BarrierSync`]: which call it answers, and what all tasks said.
    Barrier(TaskId, u32, BarrierOutcome),
    /// Forget a stage's plan.
    ForgetStage(StageId),
    /// Remove what is kept of an RDD.
    RemoveRdd(RddId),
    /// Remove a broadcast value.
    RemoveBroadcast(BroadcastId),
    /// Remove a map output.
    RemoveOutput(ShuffleId, Partition, TaskId),
    /// Remove a result: it has arrived.
    RemoveResult(TaskId),
    /// A worker process that begins in place of a lost one is this executor.
    Next(ExecutorId),
    /// What worker processes that begin from now on are to know.
    Setting(String),
    /// Take over what another agent has: fetch it and publish it. Answered with [`FromAgent::Migrated`].
    Migrate(Migrate),
    /// The driver lives.
    Alive,
    /// Take no more tasks, and end when those that run have ended.
    Leave,
}

/// From an agent to the driver.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromAgent {
    /// Always the first.
    Register(Register),
    /// An executor is ready: the agent itself, or a worker process.
    Added(ExecutorId),
    /// A worker process is gone.
    Lost(ExecutorId, ExecutorLossReason),
    /// The agent lives, and these are the tasks of its executors.
    Alive(Vec<(ExecutorId, Vec<TaskId>)>),
    /// A task has ended. One whose result is too large for a message says so with [`TaskEnd::Cached`].
    Finished(ExecutorId, TaskId, TaskEnd, Vec<AccumulatorUpdate>),
    /// May this attempt commit?
    AskCommit(ExecutorId, TaskId),
    /// A task waits for the others of its barrier stage: how often it did before, and what it tells them.
    BarrierSync(ExecutorId, TaskId, u32, Option<String>),
    /// A partition is kept.
    Stored(ExecutorId, BlockKey),
    /// A partition is kept no more.
    Dropped(ExecutorId, BlockKey),
    /// It has taken over what it was told to, or a part of that.
    Migrated(Migrated),
    /// Worker processes cannot be started any more, and why.
    OutOfWorkers(String),
    /// It ends, as it was told to: no task is to blame.
    Left,
}
