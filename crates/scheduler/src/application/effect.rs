//! Effects of an application: the messages to agents, the requests to the cluster, and the scheduler's
//! effects that remain for the shell.

use crate::agent_id::AgentId;
use crate::effect::Effect;
use firesteel_protocol::{MigrateOrder, StoreOrder};
use firesteel_types::{ExecutorId, Partition, ShuffleId, TaskId};
use std::collections::BTreeSet;

/// One thing to do. Effects are to be done in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationEffect {
    /// An effect of the scheduler. [`ResultAccepted`](Effect::ResultAccepted) means: deliver the result to
    /// the job. [`MapOutputDropped`](Effect::MapOutputDropped) never comes here;
    /// [`RemoveOutput`](ApplicationEffect::RemoveOutput) takes its place.
    Scheduler(Effect),
    /// A result counts no more, because the results of its job are too large together: the bytes may go.
    ResultRefused {
        /// The attempt whose result it is.
        task: TaskId,
    },
    /// A map output may go.
    RemoveOutput {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map task's partition.
        map: Partition,
        /// The attempt that wrote it.
        task: TaskId,
        /// The executor that has it.
        executor: ExecutorId,
        /// True if another executor has a copy that counts: then only this executor's goes.
        is_copy: bool,
    },
    /// An agent is accepted; always the first message to it.
    Welcome {
        /// The agent.
        agent: AgentId,
        /// The executors that it is to run.
        executors: Vec<ExecutorId>,
        /// The number of tasks that it is to run at a time.
        slots: u32,
        /// The setting of its worker processes.
        setting: Option<String>,
    },
    /// An agent is not accepted; its connection is to be closed after this message.
    Refuse {
        /// The agent.
        agent: AgentId,
        /// The reason, as a sentence.
        reason: String,
    },
    /// The worker process that an agent starts in place of a lost one is this executor.
    NextExecutor {
        /// The agent.
        agent: AgentId,
        /// The executor.
        executor: ExecutorId,
    },
    /// An agent that has sent a heartbeat is told that the driver lives.
    Acknowledge {
        /// The agent.
        agent: AgentId,
    },
    /// Worker processes of an agent that begin from now on get this setting.
    WorkerSetting {
        /// The agent.
        agent: AgentId,
        /// The setting.
        setting: String,
    },
    /// An agent is to copy blocks that their agents will not have for long.
    Migrate {
        /// The agent.
        agent: AgentId,
        /// The blocks, and the address that serves them.
        order: MigrateOrder,
    },
    /// An agent is to write map outputs to the shuffle storage, since its files will not be there for long.
    Store {
        /// The agent.
        agent: AgentId,
        /// The outputs.
        order: StoreOrder,
    },
    /// An agent is to take no more tasks, and to end when those that run have ended.
    Leave {
        /// The agent.
        agent: AgentId,
    },
    /// An agent's connection is to be closed: one of its executors was declared lost, or the application
    /// ends.
    Close {
        /// The agent.
        agent: AgentId,
    },
    /// A large result is to be fetched; the answer is
    /// [`ResultFetched`](super::ApplicationEvent::ResultFetched).
    FetchResult {
        /// The agent that has it.
        agent: AgentId,
        /// The executor that has it.
        executor: ExecutorId,
        /// The attempt whose result it is.
        task: TaskId,
        /// The address at which it is served.
        address: String,
    },
    /// A large result that waits on an agent is not needed any more.
    RemoveResult {
        /// The agent; it may be gone, and the result with a process that outlives it.
        agent: AgentId,
        /// The attempt whose result it is.
        task: TaskId,
    },
    /// No process serves files at an address any more.
    AddressGone {
        /// The address.
        address: String,
    },
    /// The cluster is told that an agent runs.
    AgentReady {
        /// The agent's name.
        name: String,
    },
    /// The cluster is told that an agent's connection has ended.
    AgentGone {
        /// The agent's name.
        name: String,
    },
    /// The cluster is told which agents the application is kept from, in all: no other should be started where they are.
    ExcludedAgents {
        /// The agents of excluded executors, by name.
        agents: BTreeSet<String>,
        /// The agents of excluded hosts.
        with_host: BTreeSet<String>,
    },
    /// The cluster is asked for this many executors in all.
    WantExecutors {
        /// The number.
        executors: u32,
    },
}
