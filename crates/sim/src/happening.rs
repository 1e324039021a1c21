//! The happenings of the world: orders and messages on their way, what users do, faults.

use crate::data::Data;
use crate::machine::{BlockName, CachedName, Plan};
use firesteel_lending::PoolEvent;
use firesteel_scheduler::{
    AgentId, AgentMessage, MigrateOrder, RegisterAgent, ReportedOutcome, StoreOrder, TaskLaunch,
};
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, ExecutorId, ExecutorLossReason, Generation, JobId, RddId, ShuffleId,
    TaskId,
};
use std::sync::Arc;

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// The driver's order arrives at an agent.
    ToMachine {
        to: AgentId,
        order: Order,
    },
    /// An agent's message, or news of it, arrives at the driver.
    ToDriver {
        from: AgentId,
        message: Message,
    },
    /// An attempt has worked long enough.
    Worked {
        on: ExecutorId,
        task: TaskId,
    },
    /// An attempt has waited long enough for leave to commit, and asks again.
    AsksAgain {
        on: ExecutorId,
        task: TaskId,
    },
    /// An attempt has waited long enough for the others of its barrier stage, and asks again.
    CallsAgain {
        on: ExecutorId,
        task: TaskId,
        epoch: u32,
    },
    HeartbeatDue {
        on: AgentId,
    },
    Tick,
    Submit {
        job: JobId,
    },
    Cancel {
        job: JobId,
    },
    Release {
        shuffle: ShuffleId,
    },
    Persist {
        rdd: RddId,
    },
    Unpersist {
        rdd: RddId,
    },
    /// All RDDs that are persisted are unpersisted, their sources change, and they are persisted again.
    PersistAnew,
    /// The driver hears late that an RDD is not persisted any more.
    Unpersisted {
        rdd: RddId,
        generation: Generation,
    },
    /// An executor makes room where a cached partition is.
    Evict {
        on: ExecutorId,
        cached: CachedName,
    },
    /// The user lets go of an RDD.
    ReleaseRdd {
        rdd: RddId,
    },
    /// The user begins an accumulator anew.
    Reset {
        accumulator: AccumulatorId,
    },
    /// Something is told to the pool that lends agents.
    ToPool(PoolEvent),
    /// The driver has the setting of worker processes.
    Setting,
    /// The driver has fetched a large result, or could not.
    Fetched {
        agent: AgentId,
        executor: ExecutorId,
        task: TaskId,
        address: String,
    },
    /// An agent has copied what the driver asked for.
    Copied {
        on: AgentId,
        request: MigrateOrder,
    },
    /// An agent writes an output to the shuffle storage.
    Uploads {
        on: AgentId,
        name: BlockName,
    },
    /// An agent writes to the shuffle storage what the driver has named.
    Stores {
        on: AgentId,
        order: StoreOrder,
    },
    Fault(Fault),
}

/// An order of the driver to an agent.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Welcome(Vec<ExecutorId>),
    /// The worker process that waits for it is this executor.
    Next(ExecutorId),
    Launch(Box<TaskLaunch>, Arc<Plan>),
    Kill(TaskId),
    CommitDecision {
        task: TaskId,
        allowed: bool,
    },
    BarrierRelease {
        task: TaskId,
        epoch: u32,
        messages: Arc<[String]>,
    },
    BarrierRefused {
        task: TaskId,
        epoch: u32,
        reason: String,
        retryable: bool,
    },
    Drop(BlockName),
    DropResult(TaskId),
    /// The RDD is not persisted any more, in this generation and those before it.
    DropCached(RddId, Generation, ExecutorId),
    Migrate(MigrateOrder),
    Store(StoreOrder),
    /// Take no more tasks, and end when those that run have ended.
    Leave,
    /// The driver lives.
    Alive,
    /// The connection is closed: the agent ends.
    Close,
}

/// A message of an agent to the driver, or news about an agent.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Register(Box<RegisterAgent>),
    Finished {
        executor: ExecutorId,
        task: TaskId,
        outcome: ReportedOutcome,
        data: Option<Box<Data>>,
        updates: Vec<AccumulatorUpdate>,
    },
    Agent(AgentMessage),
    /// Its connection has ended.
    Disconnected,
    /// The cluster tells how its process ended.
    Ended(ExecutorLossReason),
}

/// A fault of an agent that is picked when it strikes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Its process ends, and its connection with it.
    Death,
    /// Its process ends, and its connection does not.
    SilentDeath,
    /// It stands still for a while.
    Freeze,
    /// One of its worker processes ends.
    WorkerDeath,
    /// It is decommissioned; where a service of its host has its files, they stay.
    Decommission,
    /// It is decommissioned, with its host.
    Leave,
    /// It is decommissioned, and ends before it may.
    Preemption,
    /// The process of this one ends.
    Kill(AgentId),
    /// The cluster gives the application up.
    GiveUp,
    /// Nothing passes between it and the driver for a while.
    DriverCut,
    /// Nothing passes between its host and another one for a while.
    HostCut,
    /// The service of its host ends, and comes back without what it had.
    ServiceDeath,
    /// The driver's clock jumps forward.
    ClockJump,
    /// A new one is there.
    Birth,
    /// Faults end; new ones come if few are left.
    Peace,
}

impl Happening {
    /// Returns whether it happens all the time; the story then tells only its effects.
    pub(crate) fn is_routine(&self) -> bool {
        matches!(
            self,
            Happening::HeartbeatDue { .. }
                | Happening::Tick
                | Happening::ToMachine { order: Order::Alive, .. }
                | Happening::ToDriver { message: Message::Agent(AgentMessage::Alive { .. }), .. }
        )
    }
}
