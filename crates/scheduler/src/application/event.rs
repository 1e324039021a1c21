//! Events of an application: requests of the program, messages of agents, news of the cluster that lends
//! them.

use crate::agent_id::AgentId;
use crate::event::{Event, TaskOutcome};
use firesteel_protocol::MigrateReport;
use firesteel_protocol::handshake::RegisterAgent;
use firesteel_types::{
    AccumulatorUpdate, BlockKey, BlockSize, ExecutorId, ExecutorLossReason, ExecutorMemory, StoredOutputs,
    TaskId, TaskMetrics,
};

/// How an attempt at a task ended, as its executor reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedOutcome {
    /// Everything that the scheduler needs is in the report. Of a result, the shell holds the bytes.
    Complete(TaskOutcome),
    /// The result is too large for a message: it waits on the executor to be fetched.
    Waiting {
        /// Its size, in bytes.
        bytes: u64,
    },
}

/// A message of an agent that was welcomed.
///
/// Unlike the protocol's [`FromExecutor`](firesteel_protocol::FromExecutor), it never carries the bytes of a
/// result, which the shell keeps, and never asks for a plan, which agents fetch as a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentMessage {
    /// An executor is ready for tasks: the agent itself, or one of its worker processes.
    ExecutorReady {
        /// The executor.
        executor: ExecutorId,
    },
    /// A worker process is gone. The agent starts another, and waits for the id of the executor that it will
    /// be.
    ExecutorLost {
        /// The executor that it was.
        executor: ExecutorId,
        /// How it ended.
        reason: ExecutorLossReason,
    },
    /// The agent lives, and these are the attempts that its executors run.
    Alive {
        /// The attempts of each executor.
        running: Vec<(ExecutorId, Vec<TaskId>)>,
        /// The memory of each executor.
        memory: Vec<(ExecutorId, ExecutorMemory)>,
    },
    /// An attempt at a task ended.
    TaskFinished {
        /// The executor that ran it.
        executor: ExecutorId,
        /// The attempt.
        task: TaskId,
        /// How it ended.
        outcome: ReportedOutcome,
        /// The accumulator updates of its functions, if it succeeded.
        updates: Vec<AccumulatorUpdate>,
        /// The figures that it measured, if it ran.
        metrics: Option<Box<TaskMetrics>>,
    },
    /// An attempt asks for leave to make its output visible.
    CommitRequest {
        /// The executor that runs it.
        executor: ExecutorId,
        /// The attempt.
        task: TaskId,
    },
    /// A task waits for the others of its barrier stage.
    BarrierSync {
        /// The executor that runs it.
        executor: ExecutorId,
        /// The attempt.
        task: TaskId,
        /// The number of its calls before this one.
        epoch: u32,
        /// Its message to the others, if it sends one.
        message: Option<String>,
    },
    /// An executor has cached a partition.
    BlockStored {
        /// The executor.
        executor: ExecutorId,
        /// The partition, with the version that its task was told.
        key: BlockKey,
        /// Its size.
        size: BlockSize,
    },
    /// An executor has dropped a cached partition.
    BlockDropped {
        /// The executor.
        executor: ExecutorId,
        /// The partition.
        key: BlockKey,
    },
    /// The agent has copied the blocks that [`Migrate`](super::ApplicationEffect::Migrate) named, or a part
    /// of them.
    Migrated {
        /// The blocks that its executor has from now on.
        report: MigrateReport,
    },
    /// The agent has written map outputs to the shuffle storage.
    OutputsStored {
        /// The outputs, and the object that has them.
        stored: StoredOutputs,
    },
    /// The agent has done what [`Store`](super::ApplicationEffect::Store) named, as far as it could: all that it has
    /// written was told before.
    StoreDone {
        /// The number of the order.
        number: u64,
        /// The number of outputs that the storage has now; 0 if nothing can be written there.
        stored: u32,
    },
    /// Worker processes cannot be started any more.
    OutOfWorkers {
        /// The reason, as a sentence.
        reason: String,
    },
    /// The agent ends as it was told to; its connection ends next.
    Leaving,
}

/// One thing that happened to an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationEvent {
    /// An event that concerns the scheduler alone: jobs, accumulators, RDDs, and executors in the driver's
    /// own process.
    Scheduler(Event),
    /// An agent has connected and introduced itself.
    AgentRegistered {
        /// Its connection.
        agent: AgentId,
        /// Its introduction.
        registration: RegisterAgent,
    },
    /// An agent sends a message.
    Agent {
        /// Its connection.
        agent: AgentId,
        /// The message.
        message: AgentMessage,
    },
    /// An agent's connection has ended, for whatever reason.
    AgentDisconnected {
        /// The connection.
        agent: AgentId,
    },
    /// The cluster tells how the process of an agent ended; it may come before or after the end of its
    /// connection.
    AgentEnded {
        /// The agent's name.
        name: String,
        /// How it ended.
        reason: ExecutorLossReason,
    },
    /// The result that [`FetchResult`](super::ApplicationEffect::FetchResult) asked for has arrived, or will
    /// never arrive.
    ResultFetched {
        /// The agent that was asked.
        agent: AgentId,
        /// The executor that has the result.
        executor: ExecutorId,
        /// The attempt whose result it is.
        task: TaskId,
        /// The size of the result, whose bytes the shell holds; or the reason why there is none.
        result: Result<u64, String>,
    },
    /// The cluster takes an agent away soon.
    Decommission {
        /// The agent's name.
        name: String,
        /// True if the process that serves its files goes as well.
        with_files: bool,
    },
    /// Worker processes that begin from now on get this setting. Agents with worker processes wait for the
    /// first.
    WorkerSetting {
        /// The setting, which only worker processes read.
        setting: String,
    },
    /// No executor will come any more: all jobs fail, and so do later ones while there is no executor.
    NoMoreExecutors {
        /// The reason, as a sentence.
        reason: String,
    },
    /// The application ends.
    Stop,
}
