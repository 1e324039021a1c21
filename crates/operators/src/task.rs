//! The task as its operators see it: its spec, its workspace and the executor's services.

use crate::barrier_gate::BarrierGate;
use crate::meter::Meter;
use crate::watch::{self, TaskScope};
use firesteel_data::{DataError, Workspace};
use firesteel_io::{IoError, Stores};
use firesteel_protocol::TaskSpec;
use firesteel_shuffle::{RemoteShuffle, ShuffleStore};
use firesteel_storage::{BlockStore, Broadcasts, CachedBlocks, LocalDirs, MemoryPool, TaskWorkspace};
use firesteel_types::{
    CallSite, ExecutorId, KillReason, Partition, RddId, ShuffleId, ShuffleOutputs, TaskFailure, TaskId,
    TaskMetrics, UpdateScope,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The result of an operator, or its failure.
pub type Outcome<T> = Result<T, Box<TaskFailure>>;

/// Asks the driver whether an attempt may make its output visible.
pub trait CommitGate: Send + Sync {
    /// Returns whether `task` may commit. Waits for the driver's answer.
    fn may_commit(&self, task: TaskId) -> bool;
}

/// The services that an executor lends to all its tasks.
pub struct Services {
    /// The executor's own id.
    pub executor: ExecutorId,
    /// The application that the executor works for, by a number that is unique in the driver's process.
    pub application: u64,
    /// Its memory budget.
    pub memory: Arc<MemoryPool>,
    /// Its directories.
    pub dirs: Arc<LocalDirs>,
    /// The map outputs that it has.
    pub shuffles: Arc<ShuffleStore>,
    /// The way to map outputs on other hosts, if there are other hosts.
    pub remote: Option<Arc<dyn RemoteShuffle>>,
    /// The blocks that it has.
    pub blocks: Arc<BlockStore>,
    /// The cached partitions of persisted RDDs.
    pub cached: Arc<CachedBlocks>,
    /// The broadcast values that it has.
    pub broadcasts: Arc<Broadcasts>,
    /// The stores that files are in, as the application's settings reach them.
    pub stores: Stores,
    /// The way to ask for commits.
    pub commit: Arc<dyn CommitGate>,
    /// The way to wait for other tasks.
    pub barrier: Arc<dyn BarrierGate>,
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
    meter: Meter,
    /// The number of barrier calls that the task has made.
    calls: AtomicU32,
}

impl Task {
    /// Makes a task that is about to run.
    pub fn new(spec: TaskSpec, services: Arc<Services>, cancelled: Arc<AtomicBool>) -> Self {
        let workspace = TaskWorkspace::new(spec.task, services.memory.clone(), services.dirs.clone());
        Task {
            inner: Arc::new(Inner {
                spec,
                services,
                workspace: Arc::new(workspace),
                cancelled,
                meter: Meter::default(),
                calls: AtomicU32::new(0),
            }),
        }
    }

    /// The description of the task.
    pub fn spec(&self) -> &TaskSpec {
        &self.inner.spec
    }

    /// The services that the executor lends.
    pub fn services(&self) -> &Services {
        &self.inner.services
    }

    /// The counts of the task while it runs.
    pub fn meter(&self) -> &Meter {
        &self.inner.meter
    }

    /// Returns what the task has measured, but for what only its executor knows: times, results, bytes of files.
    pub fn measured(&self) -> TaskMetrics {
        let (memory_spilled_bytes, disk_spilled_bytes) = self.inner.workspace.spilled_bytes();
        TaskMetrics {
            memory_spilled_bytes,
            disk_spilled_bytes,
            peak_memory_bytes: self.inner.workspace.peak_bytes(),
            ..self.inner.meter.read()
        }
    }

    /// The task's share of memory and disk.
    pub fn workspace(&self) -> Arc<TaskWorkspace> {
        self.inner.workspace.clone()
    }

    /// The same workspace, as the trait object that the data structures take.
    pub fn dyn_workspace(&self) -> Arc<dyn Workspace> {
        self.inner.workspace.clone()
    }

    /// Returns whether records are noted one by one, so that a failure can name the record it came from. That
    /// is slow, so only retries do it.
    pub fn tracks_records(&self) -> bool {
        self.inner.spec.attempt > 0
    }

    /// Counts a barrier call, and returns how many the task has made before.
    pub(crate) fn next_call(&self) -> u32 {
        self.inner.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns whether the task was told to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::Relaxed)
    }

    /// Fails when the task was told to stop. Called once per batch.
    pub fn check_cancelled(&self) -> Outcome<()> {
        match self.is_cancelled() {
            false => Ok(()),
            true => Err(Box::new(TaskFailure::Killed(KillReason::JobEnded))),
        }
    }

    /// The map outputs of a shuffle that this task reads.
    pub(crate) fn outputs(&self, shuffle: ShuffleId) -> Outcome<Arc<ShuffleOutputs>> {
        let found = self.inner.spec.inputs.iter().find(|outputs| outputs.shuffle == shuffle);
        found.cloned().ok_or_else(|| {
            // Shuffles that cached partitions make unnecessary are not sent along: probably one of those
            // partitions is gone.
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
    /// The place in the user's program.
    pub site: Arc<CallSite>,
}

/// Makes the failure to read or write a file, blamed on the operation whose function runs here.
pub fn io_failure(error: IoError) -> Box<TaskFailure> {
    let site = watch::site().unwrap_or_else(|| Arc::new(CallSite::default()));
    Origin { rdd: RddId(0), site }.io_failure(error)
}

/// Makes the failure to encode, decode, spill or read back, blamed on the operation that [`watch`] has noted.
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
    /// Makes the failure to encode, decode, spill or read back.
    pub(crate) fn data_failure(&self, error: DataError) -> Box<TaskFailure> {
        data_failure_at(error, (*self.site).clone())
    }
}

impl Origin {
    /// Returns the scope in which the functions of the RDD run while this partition of it is computed once.
    pub(crate) fn scope(&self, partition: Partition) -> Arc<TaskScope> {
        self.scope_in(UpdateScope::Rdd(self.rdd), partition)
    }

    /// Returns the scope of functions that count for another accumulator scope and were written on the same line.
    pub(crate) fn scope_in(&self, scope: UpdateScope, partition: Partition) -> Arc<TaskScope> {
        Arc::new(TaskScope { site: self.site.clone(), scope, partition })
    }

    /// Makes the failure to encode, decode, spill or read back.
    pub(crate) fn data_failure(&self, error: DataError) -> Box<TaskFailure> {
        data_failure_at(error, (*self.site).clone())
    }

    /// Makes the failure to read or write a file of the user's.
    pub fn io_failure(&self, error: IoError) -> Box<TaskFailure> {
        Box::new(TaskFailure::Operation {
            operation: format!("{} {}", error.operation, error.path),
            message: error.cause.to_string(),
            site: (*self.site).clone(),
            retryable: error.retryable(),
        })
    }
}
