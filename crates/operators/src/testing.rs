//! An executor without slots for unit tests of operators: services over a small budget and a directory of its
//! own, tasks, and inputs whose batches and failures are written down.

use crate::barrier_gate::BarrierGate;
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{CommitGate, Origin, Outcome, Services, Task};
use firesteel_data::{Batch, Data};
use firesteel_io::Stores;
use firesteel_protocol::{BarrierOutcome, BarrierRefusal, TaskSpec};
use firesteel_shuffle::{RemoteShuffle, ShuffleStore};
use firesteel_storage::{Broadcasts, CachedBlocks, LocalDirs, MemoryPool, SharedFiles};
use firesteel_types::{
    CallSite, ExecutorId, JobId, Partition, RddId, ShuffleOutputs, StageAttempt, StageId, TaskFailure, TaskId,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tempfile::TempDir;

/// The application of all tasks.
pub(crate) const APPLICATION: u64 = 7;

/// The services for tasks, and their directory.
pub(crate) struct Executor {
    pub(crate) services: Arc<Services>,
    /// Set when tasks are told to stop.
    pub(crate) cancelled: Arc<AtomicBool>,
    next_task: AtomicU32,
    _dir: TempDir,
}

impl Executor {
    /// Makes an executor whose cached partitions and map outputs are its own.
    pub(crate) fn with_memory(bytes: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Arc::new(LocalDirs::create(dir.path()).unwrap());
        let memory = Arc::new(MemoryPool::new(bytes));
        let cached = CachedBlocks::new(memory.clone(), dirs.clone());
        Self::of(dir, services(memory, dirs, cached, ShuffleStore::default()))
    }

    /// Makes an executor that shares cached partitions and map outputs with other processes, by files.
    pub(crate) fn sharing(bytes: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Arc::new(LocalDirs::within(dir.path().join("own")).unwrap());
        let files = Arc::new(SharedFiles::open(dir.path().join("shared")).unwrap());
        let memory = Arc::new(MemoryPool::new(bytes));
        let cached = CachedBlocks::sharing(memory.clone(), dirs.clone(), files.clone());
        let shuffles = ShuffleStore::sharing(files, dirs.clone());
        Self::of(dir, services(memory, dirs, cached, shuffles))
    }

    fn of(dir: TempDir, services: Services) -> Self {
        let (services, cancelled) = (Arc::new(services), Arc::default());
        Executor { services, cancelled, next_task: AtomicU32::new(0), _dir: dir }
    }

    /// Gives the executor a way to map outputs on other hosts.
    pub(crate) fn reach(mut self, remote: Arc<dyn RemoteShuffle>) -> Self {
        Arc::get_mut(&mut self.services).expect("no task was made yet").remote = Some(remote);
        self
    }

    /// Makes a task that reads no shuffle and no cached partition.
    pub(crate) fn task(&self) -> Task {
        self.task_with(&[], &[])
    }

    /// Makes a task that may read these map outputs, and these versions of cached RDDs.
    pub(crate) fn task_with(&self, inputs: &[ShuffleOutputs], cached: &[(RddId, u64)]) -> Task {
        let spec = TaskSpec {
            task: TaskId(self.next_task.fetch_add(1, Ordering::Relaxed).into()),
            stage: StageId(0),
            stage_attempt: StageAttempt(0),
            job: JobId(0),
            partition: Partition(0),
            attempt: 0,
            inputs: inputs.iter().cloned().map(Arc::new).collect(),
            cached: cached.into(),
            barrier_hosts: None,
            properties: Arc::new(BTreeMap::new()),
        };
        Task::new(spec, self.services.clone(), self.cancelled.clone())
    }

    /// Returns the number of files in the executor's own directory.
    pub(crate) fn files(&self) -> usize {
        let names =
            std::fs::read_dir(self.services.dirs.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name != "lock").count()
    }

    /// Returns the number of reserved bytes.
    pub(crate) fn used(&self) -> usize {
        self.services.memory.arbiter().used()
    }
}

fn services(
    memory: Arc<MemoryPool>,
    dirs: Arc<LocalDirs>,
    cached: Arc<CachedBlocks>,
    shuffles: ShuffleStore,
) -> Services {
    Services {
        executor: ExecutorId(1),
        application: APPLICATION,
        broadcasts: Arc::new(Broadcasts::new(memory.clone(), dirs.clone())),
        memory,
        dirs,
        shuffles: Arc::new(shuffles),
        remote: None,
        blocks: Arc::default(),
        cached,
        stores: Stores::by_settings(&[]),
        commit: Arc::new(Alone),
        barrier: Arc::new(Alone),
    }
}

/// The gates of tasks that no driver knows.
struct Alone;

impl CommitGate for Alone {
    fn may_commit(&self, _: TaskId) -> bool {
        false
    }
}

impl BarrierGate for Alone {
    fn sync(&self, _: TaskId, _: u32, _: Option<String>) -> BarrierOutcome {
        Err(BarrierRefusal::driver_is_gone())
    }
}

/// An origin whose line can be recognised.
pub(crate) fn origin(line: u32) -> Origin {
    let site = CallSite { operation: "test".into(), file: "program.rs".into(), line, column: 1 };
    Origin { rdd: RddId(1), site: Arc::new(site) }
}

/// A failure that can be recognised.
pub(crate) fn broken_input() -> Box<TaskFailure> {
    Box::new(TaskFailure::BadPlan("the input is broken on purpose".into()))
}

/// One step of an input: its batch, or its failure.
pub(crate) type Step<T> = Outcome<Vec<T>>;

/// An input whose partitions are written down, and which counts how often they are opened.
pub(crate) struct Given<T> {
    partitions: Vec<Vec<Step<T>>>,
    opened: Arc<AtomicU32>,
}

impl<T: Data> Given<T> {
    /// Makes an input; also returns the number of times that partitions of it were opened.
    pub(crate) fn steps(partitions: Vec<Vec<Step<T>>>) -> (Op<T>, Arc<AtomicU32>) {
        let opened = Arc::<AtomicU32>::default();
        (Op::new(Given { partitions, opened: opened.clone() }), opened)
    }

    /// Makes an input that does not fail, of one vector for each batch of each partition.
    pub(crate) fn batches(partitions: &[Vec<Vec<T>>]) -> Op<T> {
        let steps = |batches: &Vec<Vec<T>>| batches.iter().cloned().map(Ok).collect();
        Self::steps(partitions.iter().map(steps).collect()).0
    }
}

impl<T: Data> Operator<T> for Given<T> {
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<T>> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let steps = self.partitions[partition.index()].iter().cloned().collect();
        Ok(Stream::new(task, Steps(steps)))
    }
}

struct Steps<T>(VecDeque<Step<T>>);

impl<T: Data> Batches<T> for Steps<T> {
    fn next_batch(&mut self) -> Outcome<Option<Batch<T>>> {
        self.0.pop_front().transpose().map(|records| records.map(Batch::Owned))
    }
}

/// Returns all records of a partition.
pub(crate) fn records<T: Data>(operator: &Op<T>, partition: u32, task: &Task) -> Outcome<Vec<T>> {
    let mut all = vec![];
    operator.open(Partition(partition), task)?.for_each(|batch| {
        all.extend(batch.into_vec());
        Ok(())
    })?;
    Ok(all)
}
