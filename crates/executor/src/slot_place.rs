//! [`SlotPlace`]: what a slot does, as other threads see it. A slot writes a few numbers for each task, without a lock.

use crate::threads;
use firesteel_operators::watch::Shown;
use firesteel_protocol::TaskSpec;
use firesteel_types::{Partition, RunningTask, StageId, TaskId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The number of no task.
const NO_TASK: u64 = u64::MAX;

/// The task of a slot, its thread, and the functions that it runs.
pub(crate) struct SlotPlace {
    /// The thread's number in the system; 0 before it begins.
    thread: AtomicU32,
    task: AtomicU64,
    stage: AtomicU32,
    partition: AtomicU32,
    /// The beginning of the task, in microseconds since `started`.
    began: AtomicU64,
    started: Instant,
    functions: Arc<Shown>,
}

impl SlotPlace {
    /// Makes the place of a slot whose thread begins later.
    pub(crate) fn new() -> Self {
        SlotPlace {
            thread: AtomicU32::new(0),
            task: AtomicU64::new(NO_TASK),
            stage: AtomicU32::new(0),
            partition: AtomicU32::new(0),
            began: AtomicU64::new(0),
            started: Instant::now(),
            functions: Arc::default(),
        }
    }

    /// The slot's thread, which calls this, begins.
    pub(crate) fn thread_begins(&self) {
        self.thread.store(threads::this_thread(), Ordering::Relaxed);
        firesteel_operators::watch::show_in(self.functions.clone());
    }

    /// The slot begins a task.
    pub(crate) fn begin(&self, task: &TaskSpec, began: Instant) {
        let began = began.saturating_duration_since(self.started).as_micros() as u64;
        // In this order, and each a release: who reads a field of this task finds that the task before has ended.
        self.stage.store(task.stage.0, Ordering::Release);
        self.partition.store(task.partition.0, Ordering::Release);
        self.began.store(began, Ordering::Release);
        self.task.store(task.task.0, Ordering::Release);
    }

    /// The slot's task has ended.
    pub(crate) fn end(&self) {
        self.task.store(NO_TASK, Ordering::Relaxed);
    }

    /// Returns the task that runs, and for how long; `None` between tasks.
    pub(crate) fn task(&self) -> Option<(RunningTask, Duration)> {
        // The next task may begin meanwhile: then once more.
        for _ in 0..16 {
            let task = self.task.load(Ordering::Acquire);
            if task == NO_TASK {
                return None;
            }
            let (stage, partition) =
                (self.stage.load(Ordering::Acquire), self.partition.load(Ordering::Acquire));
            let began = Duration::from_micros(self.began.load(Ordering::Acquire));
            if self.task.load(Ordering::Acquire) == task {
                let (stage, partition) = (StageId(stage), Partition(partition));
                let running = RunningTask { task: TaskId(task), stage, partition };
                return Some((running, self.started.elapsed().saturating_sub(began)));
            }
        }
        None
    }

    /// The thread's number in the system; 0 before it begins.
    pub(crate) fn thread(&self) -> u32 {
        self.thread.load(Ordering::Relaxed)
    }

    /// The functions that the thread runs.
    pub(crate) fn functions(&self) -> &Shown {
        &self.functions
    }
}
