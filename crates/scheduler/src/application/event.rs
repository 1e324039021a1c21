//! Events of an application: requests of the program, messages of agents, news of the cluster that lends them.

use crate::event::{Event, TaskOutcome};
use firesteel_types::{
    AccumulatorUpdate, ExecutorId, ExecutorLossReason, Partition, RddId, ShuffleId, TaskId,
};

/// An agent's connection to the driver: a number that the shell gives in ascending order, and never gives again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub u64);

/// How an agent introduces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The name that the cluster gave it; empty for one that a person started.
    pub name: String,
    /// The hash of the object file that holds the tasks' code.
    pub program: [u8; 32],
    /// Its host, as preferred locations name it.
    pub host: String,
    /// The number of tasks that it runs at a time.
    pub slots: u32,
    /// The memory budget of all its executors together, in bytes.
    pub memory: u64,
    /// Whether each slot is an executor of its own, in a process of its own.
    pub has_processes: bool,
    /// The address at which the files of its executors are served.
    pub address: String,
    /// Whether they are served by a process that outlives the agent.
    pub outputs_survive: bool,
    /// Its process id, for people.
    pub process: u32,
}

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentMessage {
    /// An executor is ready for tasks: the agent itself, or one of its worker processes.
    ExecutorReady {
        /// Which.
        executor: ExecutorId,
    },
    /// A worker process is gone. The agent starts another, and waits for the executor's id that it shall have.
    ExecutorLost {
        /// Which.
        executor: ExecutorId,
        /// Why.
        reason: ExecutorLossReason,
    },
    /// The agent lives, and these are the attempts that its executors run.
    Alive {
        /// By executor.
        running: Vec<(ExecutorId, Vec<TaskId>)>,
    },
    /// An attempt at a task ended.
    TaskFinished {
        /// Where it ran.
        executor: ExecutorId,
        /// The attempt.
        task: TaskId,
        /// How it ended.
        outcome: ReportedOutcome,
        /// The accumulator updates of its functions, if it succeeded.
        updates: Vec<AccumulatorUpdate>,
    },
    /// An attempt asks whether it may make its output visible.
    CommitRequest {
        /// Where it runs.
        executor: ExecutorId,
        /// The attempt.
        task: TaskId,
    },
    /// A task waits for the others of its barrier stage.
    BarrierSync {
        /// Where it runs.
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
        /// Which executor.
        executor: ExecutorId,
        /// The RDD.
        rdd: RddId,
        /// The partition.
        partition: Partition,
        /// The version that its task was told.
        version: u64,
    },
    /// An executor has dropped a cached partition.
    BlockDropped {
        /// Which executor.
        executor: ExecutorId,
        /// The RDD.
        rdd: RddId,
        /// The partition.
        partition: Partition,
        /// Its version.
        version: u64,
    },
    /// The agent has copied what [`Migrate`](super::ApplicationEffect::Migrate) named, or a part of it.
    Migrated {
        /// The number of the request.
        number: u64,
        /// The executor that has it from now on.
        executor: ExecutorId,
        /// Map outputs, by the attempts that wrote them.
        outputs: Vec<(ShuffleId, Partition, TaskId)>,
        /// Cached partitions, by RDD, partition and version.
        cached: Vec<(RddId, Partition, u64)>,
    },
    /// Worker processes cannot be started any more.
    OutOfWorkers {
        /// Why, as a sentence.
        reason: String,
    },
    /// The agent ends as it was told to; its connection ends next.
    Leaving,
}

/// One thing that happened to an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationEvent {
    /// Something that the scheduler alone decides about: jobs, accumulators, RDDs, and executors in the driver's own process.
    Scheduler(Event),
    /// An agent has connected and introduced itself.
    AgentRegistered {
        /// Its connection.
        agent: AgentId,
        /// Its introduction.
        registration: Registration,
    },
    /// An agent sends something.
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
    /// The cluster tells how the process of an agent ended; it may come before or after the end of its connection.
    AgentEnded {
        /// The agent's name.
        name: String,
        /// How it ended.
        reason: ExecutorLossReason,
    },
    /// What [`FetchResult`](super::ApplicationEffect::FetchResult) asked for is here, or will never be.
    ResultFetched {
        /// The agent that was asked.
        agent: AgentId,
        /// The executor that has the result.
        executor: ExecutorId,
        /// The attempt whose result it is.
        task: TaskId,
        /// The size of the result, whose bytes the shell holds; or why there is none.
        result: Result<u64, String>,
    },
    /// The cluster takes an agent away soon.
    Decommission {
        /// The agent's name.
        name: String,
        /// Whether the process that serves its files goes as well.
        with_files: bool,
    },
    /// Worker processes that begin from now on get this setting. Agents with worker processes wait for the first.
    WorkerSetting {
        /// Opaque to everything but the worker processes.
        setting: String,
    },
    /// No executor will come any more: all jobs fail, and so do later ones while there is no executor.
    NoMoreExecutors {
        /// Why, as a sentence.
        reason: String,
    },
    /// The application ends.
    Stop,
}
