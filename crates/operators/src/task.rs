//! What operators know of the task that they run in.

use crate::barrier::BarrierGate;
use crate::watch::{self, TaskScope};
use firesteel_data::{DataError, Workspace};
use firesteel_io::IoError;
use firesteel_shuffle::{RemoteOutputs, ShuffleStore};
use firesteel_storage::{BlockStore, Broadcasts, CachedBlocks, LocalDirs, MemoryPool, TaskWorkspace};
use firesteel_types::{
    CallSite, ExecutorId, JobId, KillReason, Partition, RddId, ShuffleId, ShuffleOutputs, StageAttempt,
    StageId, TaskFailure, TaskId, UpdateScope,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What an operator gives, or why it cannot.
pub type Outcome<T> = Result<T, Box<TaskFailure>>;

/// Asks the driver whether an attempt may make its output visible.
pub trait CommitGate: Send + Sync {
    /// Whether `task` may commit. Waits for the driver's answer.
    fn may_commit(&self, task: TaskId) -> bool;
}

/// What an executor lends to all its tasks.
pub struct Services {
    /// The executor's own id.
    pub executor: ExecutorId,
    /// The application that it works for, by a number that no other of the driver's process has.
    pub application: u64,
    /// Its memory budget.
    pub memory: Arc<MemoryPool>,
    /// Its directories.
    pub dirs: Arc<LocalDirs>,
    /// The map outputs that it has.
    pub shuffles: Arc<ShuffleStore>,
    /// The way to map outputs on other hosts, where there are such.
    pub remote: Option<Arc<dyn RemoteOutputs>>,
    /// The blocks that it has.
    pub blocks: Arc<BlockStore>,
    /// The partitions of persisted RDDs that it keeps.
    pub cached: Arc<CachedBlocks>,
    /// The broadcast values that it has.
    pub broadcasts: Arc<Broadcasts>,
    /// The way to ask for commits.
    pub commit: Arc<dyn CommitGate>,
    /// The way to wait for other tasks.
    pub barrier: Arc<dyn BarrierGate>,
}

/// Which task this is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The attempt's own id.
    pub task: TaskId,
    /// The stage.
    pub stage: StageId,
    /// The stage's attempt.
    pub stage_attempt: StageAttempt,
    /// The job that the stage answers; of several that share it, one.
    pub job: JobId,
    /// The partition.
    pub partition: Partition,
    /// How often this partition was tried before.
    pub attempt: u32,
    /// The map outputs that the task may read.
    pub inputs: Arc<[Arc<ShuffleOutputs>]>,
    /// The version under which it may read and keep partitions of each persisted RDD.
    pub cached: Arc<[(RddId, u64)]>,
    /// If it belongs to a barrier stage: the host of each task of the stage attempt, in the order of partitions.
    pub barrier_hosts: Option<Arc<[String]>>,
    /// What the program's thread had said for all of its job's tasks to read.
    pub properties: Arc<BTreeMap<String, String>>,
}

/// A running task, as its operators see it. Cheap to clone.
#[derive(Clone)]
pub struct Task {
    inner: Arc<Inner>,
}

struct Inner {
    spec: TaskSpec,
    services: Arc<Services>,
    workspace: Arc<TaskWorkspace>,
    cancelled: Arc<AtomicBool>,
    /// How often it has waited for the others of its barrier stage.
    calls: AtomicU32,
}

impl Task {
    /// A task that begins.
    pub fn new(spec: TaskSpec, services: Arc<Services>, cancelled: Arc<AtomicBool>) -> Self {
        let workspace = TaskWorkspace::new(spec.task, services.memory.clone(), services.dirs.clone());
        Task {
            inner: Arc::new(Inner {
                spec,
                services,
                workspace: Arc::new(workspace),
                cancelled,
                calls: AtomicU32::new(0),
            }),
        }
    }

    /// Which task this is.
    pub fn spec(&self) -> &TaskSpec {
        &self.inner.spec
    }

    /// What the executor lends.
    pub fn services(&self) -> &Services {
        &self.inner.services
    }

    /// The task's share of memory and disk.
    pub fn workspace(&self) -> Arc<TaskWorkspace> {
        self.inner.workspace.clone()
    }

    /// The same, as the data structures want it.
    pub fn dyn_workspace(&self) -> Arc<dyn Workspace> {
        self.inner.workspace.clone()
    }

    /// Whether records are to be remembered one by one, so that a failure can name the one it came from. Slower, so only
    /// when the partition failed before.
    pub fn tracks_records(&self) -> bool {
        self.inner.spec.attempt > 0
    }

    /// Counts its calls at a barrier: how many it has made before.
    pub(crate) fn next_call(&self) -> u32 {
        self.inner.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// Fails when the task was told to stop. Called once per batch.
    pub fn check_cancelled(&self) -> Outcome<()> {
        match self.inner.cancelled.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(Box::new(TaskFailure::Killed(KillReason::JobEnded))),
        }
    }

    /// The map outputs of a shuffle that this task reads.
    pub(crate) fn outputs(&self, shuffle: ShuffleId) -> Outcome<Arc<ShuffleOutputs>> {
        let found = self.inner.spec.inputs.iter().find(|outputs| outputs.shuffle == shuffle);
        found.cloned().ok_or_else(|| {
            // What kept partitions spare is not sent along. One of them is gone, it seems.
            Box::new(match self.inner.spec.cached.is_empty() {
                false => TaskFailure::CachedBlockLost { shuffle },
                true => TaskFailure::BadPlan(format!(
                    "the task was told nothing of shuffle {shuffle}, which it reads"
                )),
            })
        })
    }

    /// The version of a persisted RDD that this task may read and keep.
    pub(crate) fn cached_version(&self, rdd: RddId) -> Option<u64> {
        self.inner.spec.cached.iter().find(|(known, _)| *known == rdd).map(|(_, version)| *version)
    }
}

/// The RDD and line that an operator stands for.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The RDD.
    pub rdd: RddId,
    /// Where the user wrote it.
    pub site: Arc<CallSite>,
}

/// A failure to encode, decode, spill or read back, blamed on the operation that [`watch`] has noted.
pub fn data_failure(error: DataError) -> Box<TaskFailure> {
    data_failure_at(error, watch::site().map_or_else(CallSite::default, |site| (*site).clone()))
}

fn data_failure_at(error: DataError, site: CallSite) -> Box<TaskFailure> {
    let retryable =
        matches!(error, DataError::Io { .. } | DataError::Corrupt { .. } | DataError::Remote { .. });
    Box::new(TaskFailure::Operation {
        operation: "handle records".into(),
        message: error.to_string(),
        site,
        retryable,
    })
}

impl TaskScope {
    /// A failure to encode, decode, spill or read back.
    pub(crate) fn data_failure(&self, error: DataError) -> Box<TaskFailure> {
        data_failure_at(error, (*self.site).clone())
    }
}

impl Origin {
    /// Where the functions of the RDD run while this partition of it is computed once.
    pub(crate) fn scope(&self, partition: Partition) -> Arc<TaskScope> {
        self.scope_in(UpdateScope::Rdd(self.rdd), partition)
    }

    /// Where functions of another scope run that were written on the same line.
    pub(crate) fn scope_in(&self, scope: UpdateScope, partition: Partition) -> Arc<TaskScope> {
        Arc::new(TaskScope { site: self.site.clone(), scope, partition })
    }

    /// A failure to encode, decode, spill or read back.
    pub(crate) fn data_failure(&self, error: DataError) -> Box<TaskFailure> {
        data_failure_at(error, (*self.site).clone())
    }

    /// A failure to read or write a file of the user's.
    pub fn io_failure(&self, error: IoError) -> Box<TaskFailure> {
        Box::new(TaskFailure::Operation {
            operation: format!("{} {}", error.operation, error.path),
            message: error.cause.to_string(),
            site: (*self.site).clone(),
            retryable: error.retryable(),
        })
    }
}
