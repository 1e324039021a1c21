//! One simulated executor: the tasks it runs, the map outputs and the partitions it keeps. It does as it is told, when the world says so.

use crate::data::{Block, Data};
use firesteel_scheduler::TaskLaunch;
use firesteel_types::{ExecutorId, Partition, RddId, ShuffleId, TaskFailure, TaskId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The name of a map output.
pub(crate) type BlockName = (ShuffleId, Partition, TaskId);

/// The name of a kept partition, with the version of what it was computed from.
pub(crate) type CachedName = (RddId, Partition, u64);

/// What the driver ships of a stage.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) rdd: RddId,
    pub(crate) output: Option<ShuffleId>,
    /// A task of this result stage reads so many records and leaves the rest.
    pub(crate) limit: usize,
    pub(crate) barrier: bool,
    /// Tasks of this result stage write files and ask before they make them visible.
    pub(crate) commits: bool,
}

/// An attempt at a task, on its executor.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) launch: TaskLaunch,
    pub(crate) plan: Arc<Plan>,
    /// What it has computed, if it read its input early or waits for leave to commit.
    pub(crate) computed: Option<Result<Data, TaskFailure>>,
    pub(crate) asks_to_commit: bool,
    /// How often it waits for the other tasks of a barrier stage, once it has computed.
    pub(crate) calls: u32,
    /// How often it has done so.
    pub(crate) called: u32,
    pub(crate) waits: bool,
}

/// One executor.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) id: ExecutorId,
    pub(crate) host: String,
    pub(crate) slots: u32,
    pub(crate) alive: bool,
    /// How often it registered. Messages of earlier lives are told by this.
    pub(crate) life: u32,
    /// Until when nothing moves here.
    pub(crate) frozen_until: u64,
    /// Until when nothing passes between it and the driver.
    pub(crate) cut_until: u64,
    /// It was sent away, and others have what it wrote.
    pub(crate) moved: bool,
    /// It was sent away, and went with its host.
    pub(crate) gone: bool,
    /// How many times longer tasks take.
    pub(crate) slowness: u64,
    pub(crate) attempts: BTreeMap<TaskId, Attempt>,
    /// All attempts that it was ever told to run, so that a doubled message does not run one twice.
    pub(crate) seen: BTreeSet<TaskId>,
    pub(crate) blocks: BTreeMap<BlockName, Arc<Block>>,
    pub(crate) cached: BTreeMap<CachedName, Data>,
}

impl Machine {
    pub(crate) fn new(id: ExecutorId, host: String, slots: u32, slowness: u64) -> Self {
        Machine {
            id,
            host,
            slots,
            alive: true,
            life: 0,
            frozen_until: 0,
            cut_until: 0,
            moved: false,
            gone: false,
            slowness,
            attempts: BTreeMap::new(),
            seen: BTreeSet::new(),
            blocks: BTreeMap::new(),
            cached: BTreeMap::new(),
        }
    }

    /// It is sent away, and others take what it wrote.
    pub(crate) fn move_away(&mut self) {
        self.die(true);
        self.moved = true;
    }

    /// The process ends. Its outputs end with it, unless a service of the host has them.
    pub(crate) fn die(&mut self, host_service: bool) {
        self.alive = false;
        self.attempts.clear();
        self.cached.clear();
        if !host_service {
            self.blocks.clear();
        }
    }

    /// It was declared lost, and begins anew.
    pub(crate) fn begin_anew(&mut self, host_service: bool) {
        self.life += 1;
        self.attempts.clear();
        self.cached.clear();
        if !host_service {
            self.blocks.clear();
        }
    }

    /// Whether its outputs can be read now.
    pub(crate) fn serves(&self, now: u64, host_service: bool) -> bool {
        host_service || self.moved || (self.alive && self.frozen_until <= now)
    }
}
