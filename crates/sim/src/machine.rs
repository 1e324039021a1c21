//! One simulated agent: a process with executors (itself, or worker processes), the tasks they run and the partitions they cache. It does
//! as it is told, when the world says so.

use crate::data::{Block, Data};
use firesteel_scheduler::{AgentId, TaskLaunch};
use firesteel_types::{
    AccumulatorUpdate, ExecutorId, Generation, Partition, RddId, ShuffleId, TaskFailure, TaskId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The name of a map output.
pub(crate) type BlockName = (ShuffleId, Partition, TaskId);

/// The name of a cached partition, with the version under which it was cached.
pub(crate) type CachedName = (RddId, Partition, u64);

/// A cached partition.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) data: Data,
    /// The generation of the RDD, as the job found it whose task computed the partition.
    pub(crate) generation: Generation,
}

/// The part of a stage that the driver ships.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) rdd: RddId,
    pub(crate) output: Option<ShuffleId>,
    /// A task of this result stage reads this many records and leaves the rest.
    pub(crate) limit: usize,
    pub(crate) barrier: bool,
    /// Tasks of this result stage write files and ask before they make them visible.
    pub(crate) commits: bool,
    /// The RDDs that were persisted when the job was submitted. Between two generations, sources may have changed.
    pub(crate) persisted: BTreeMap<RddId, Generation>,
}

/// An attempt at a task, on its executor.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) launch: TaskLaunch,
    pub(crate) plan: Arc<Plan>,
    /// Its result, if it read its input early or waits for leave to commit.
    pub(crate) computed: Option<Result<Data, TaskFailure>>,
    pub(crate) asks_to_commit: bool,
    /// How often it waits for the other tasks of a barrier stage, once it has computed.
    pub(crate) calls: u32,
    /// How often it has done so.
    pub(crate) called: u32,
    pub(crate) waits: bool,
}

/// A result with the updates that come with it.
pub(crate) type TaskResult = (Box<Data>, Vec<AccumulatorUpdate>);

/// The files at one address: those of an agent, or of all agents of a host that leave them to a service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) blocks: BTreeMap<BlockName, Arc<Block>>,
    /// The partitions that executors had cached which have ended.
    pub(crate) cached: BTreeMap<CachedName, Kept>,
    /// Results that are too large for a message.
    pub(crate) results: BTreeMap<TaskId, TaskResult>,
    /// The map outputs that a fault has removed.
    pub(crate) lost: BTreeSet<BlockName>,
}

impl Store {
    /// A fault removes a map output.
    pub(crate) fn lose(&mut self, name: BlockName) {
        if self.blocks.remove(&name).is_some() {
            self.lost.insert(name);
        }
    }

    /// A fault removes everything.
    pub(crate) fn lose_all(&mut self) {
        self.lost.extend(std::mem::take(&mut self.blocks).into_keys());
        self.results.clear();
        self.cached.clear();
    }
}

/// One agent.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) id: AgentId,
    pub(crate) host: String,
    pub(crate) address: String,
    /// The address at which the partitions are served that its executors cache.
    pub(crate) cached_address: String,
    pub(crate) alive: bool,
    /// Until when nothing moves here.
    pub(crate) frozen_until: u64,
    /// Until when nothing passes between it and the driver.
    pub(crate) cut_until: u64,
    /// When it last had a message of the driver.
    pub(crate) heard_at: u64,
    /// It runs another program than the driver.
    pub(crate) is_impostor: bool,
    /// It was told to end when its tasks have.
    pub(crate) is_leaving: bool,
    /// How many times longer tasks take.
    pub(crate) slowness: u64,
    /// The executors that it runs now.
    pub(crate) executors: BTreeSet<ExecutorId>,
    /// Worker processes that wait to be told which executor they are.
    pub(crate) nameless: u32,
    pub(crate) attempts: BTreeMap<TaskId, Attempt>,
    /// All attempts that it was ever told to run, so that a doubled message does not run one twice.
    pub(crate) seen: BTreeSet<TaskId>,
    pub(crate) caches: BTreeMap<ExecutorId, BTreeMap<CachedName, Kept>>,
}

impl Machine {
    pub(crate) fn new(id: AgentId, host: String, address: String, slowness: u64) -> Self {
        Machine {
            id,
            host,
            cached_address: address.clone(),
            address,
            alive: true,
            frozen_until: 0,
            cut_until: 0,
            heard_at: 0,
            is_impostor: false,
            is_leaving: false,
            slowness,
            executors: BTreeSet::new(),
            nameless: 0,
            attempts: BTreeMap::new(),
            seen: BTreeSet::new(),
            caches: BTreeMap::new(),
        }
    }

    /// The name by which the cluster knows it.
    pub(crate) fn name(&self) -> String {
        format!("agent{}", self.id.0)
    }

    /// The process ends, and its worker processes with it.
    pub(crate) fn die(&mut self) {
        self.alive = false;
        self.attempts.clear();
        self.caches.clear();
    }

    /// One of its worker processes ends.
    pub(crate) fn lose_worker(&mut self, executor: ExecutorId) {
        self.executors.remove(&executor);
        self.attempts.retain(|_, attempt| attempt.launch.executor != executor);
        self.caches.remove(&executor);
        self.nameless += 1;
    }

    pub(crate) fn cache(&mut self, executor: ExecutorId) -> &mut BTreeMap<CachedName, Kept> {
        self.caches.entry(executor).or_default()
    }

    /// Returns whether it answers now.
    pub(crate) fn runs(&self, now: u64) -> bool {
        self.alive && self.frozen_until <= now
    }

    /// Returns whether it was told to end, and has nothing left to do.
    pub(crate) fn is_done(&self) -> bool {
        self.alive && self.is_leaving && self.attempts.is_empty()
    }
}
