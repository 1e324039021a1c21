//! Effects of the scheduler: the work that it leaves to the shell.

use firesteel_types::{
    AccumulatorId, AppEvent, ExecutorId, Generation, JobFailure, JobId, JournalEntry, KillReason, Locality,
    Partition, RddId, ShuffleId, StageAttempt, StageId, TaskId,
};
use std::sync::Arc;

pub use firesteel_types::{MapOutput, ShuffleOutputs};

/// One thing to do. Effects are to be done in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Run a task.
    Launch(TaskLaunch),
    /// Stop a task. Its executor answers with any outcome; an executor that does not know the task ignores
    /// the order.
    Kill {
        /// The attempt.
        task: TaskId,
        /// The executor that runs it.
        executor: ExecutorId,
        /// The reason.
        reason: KillReason,
    },
    /// Deliver a result, which counts: the one that came with the event being handled, unless it was
    /// [held](Effect::ResultHeld) before. Comes once for each output of a job.
    ResultAccepted {
        /// The job.
        job: JobId,
        /// The position within [`JobSpec::partitions`](crate::JobSpec::partitions).
        output: usize,
        /// The attempt whose result it is.
        task: TaskId,
    },
    /// Keep the result that came with the event being handled until it is accepted or dropped: it may count
    /// later. Comes for results of barrier stages, which count together or not at all.
    ResultHeld {
        /// The attempt whose result it is.
        task: TaskId,
    },
    /// Drop a result that was held: it will not count.
    ResultDropped {
        /// The attempt whose result it is.
        task: TaskId,
    },
    /// All tasks of a barrier stage have called: the answer to a [`BarrierSync`](crate::Event::BarrierSync).
    BarrierRelease {
        /// The attempt that called.
        task: TaskId,
        /// The executor that runs it.
        executor: ExecutorId,
        /// The number of the call that is answered.
        epoch: u32,
        /// The messages of the tasks, in the order of partitions; empty if they only waited.
        messages: Arc<[String]>,
    },
    /// The tasks of a barrier stage will not all call: the other answer to a
    /// [`BarrierSync`](crate::Event::BarrierSync). The task cannot go on, and fails unless it is told to
    /// stop.
    BarrierRefused {
        /// The attempt that called.
        task: TaskId,
        /// The executor that runs it.
        executor: ExecutorId,
        /// The number of the call that is answered.
        epoch: u32,
        /// The reason, as a sentence.
        reason: String,
        /// True if another attempt could end differently.
        retryable: bool,
    },
    /// A job ended; exactly once for each.
    JobEnded {
        /// The job.
        job: JobId,
        /// The reason why it failed, if it did.
        failure: Option<JobFailure>,
    },
    /// Forget a stage's plan: no later launch will name the stage.
    StageForgotten {
        /// The stage.
        stage: StageId,
    },
    /// Remove a map output from an executor: no later launch tells a task to read it there. Comes at least
    /// once for each output that was reported and is not registered, except for one that was lost together
    /// with its executor. The executor may be gone, and a service of its host may have the output. Comes also
    /// for a copy, where tasks are to read another one.
    MapOutputDropped {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map task's partition.
        map: Partition,
        /// The attempt that wrote it.
        task: TaskId,
        /// The executor that has it, or had it.
        executor: ExecutorId,
    },
    /// Remove all objects of a shuffle from the shuffle storage: nothing will read them.
    StoredShuffleDropped {
        /// The shuffle.
        shuffle: ShuffleId,
    },
    /// Tell agents that what the shuffle storage has of a shuffle counts no more, since a reader could not read it: what
    /// they are told to write is written again.
    StoredShuffleForgotten {
        /// The shuffle.
        shuffle: ShuffleId,
    },
    /// Drop the cached partitions of an RDD from an executor: the program does not want them any more.
    DropCached {
        /// The RDD.
        rdd: RddId,
        /// The last generation that is to go, with all before it. The program may have persisted the RDD again, and what
        /// was cached since then stays.
        until: Generation,
        /// The executor that has them.
        executor: ExecutorId,
    },
    /// The answer to a [`CommitRequest`](crate::Event::CommitRequest).
    CommitDecision {
        /// The attempt that asked.
        task: TaskId,
        /// The executor that runs it.
        executor: ExecutorId,
        /// True if it may make its output visible.
        allowed: bool,
    },
    /// Add up the update of one partition, which is final and which the scheduler forgets. Comes once for
    /// each partition of each scope.
    UpdateSettled {
        /// The accumulator.
        accumulator: AccumulatorId,
        /// The value to merge, as the task encoded it.
        bytes: Arc<[u8]>,
    },
    /// Write an entry of the journal. The end of a job is told to the program after that.
    Journal(JournalEntry),
    /// Pass an event on to the listeners of the application.
    Event(AppEvent),
}

/// One task to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskLaunch {
    /// The attempt's own id: higher than all before it.
    pub task: TaskId,
    /// The executor that is to run it.
    pub executor: ExecutorId,
    /// Its stage.
    pub stage: StageId,
    /// The stage's attempt.
    pub stage_attempt: StageAttempt,
    /// The partition to compute.
    pub partition: Partition,
    /// The number of launches of this partition before, in this stage attempt.
    pub attempt: u32,
    /// The first of the jobs that want the stage.
    pub job: JobId,
    /// The map outputs that it may read, in the order of [`StageSpec::inputs`](crate::StageSpec::inputs),
    /// without those that cached partitions make unnecessary. A task that needs one of those after all fails
    /// with [`CachedBlockLost`](firesteel_types::TaskFailure::CachedBlockLost).
    pub inputs: Arc<[Arc<ShuffleOutputs>]>,
    /// The version of each persisted RDD of the stage: partitions that were cached under another version were
    /// computed from records that are no longer valid.
    pub cached: Arc<[(RddId, u64)]>,
    /// If it belongs to a barrier stage: the host of each task of the stage attempt, in the order of
    /// partitions.
    pub barrier_hosts: Option<Arc<[String]>>,
    /// How near the task is to its data.
    pub locality: Locality,
    /// True if it runs beside another attempt that seems slow.
    pub speculative: bool,
}

impl Effect {
    /// Returns the effect that removes an output of `shuffle`.
    pub(crate) fn output_dropped(shuffle: ShuffleId, output: &MapOutput) -> Effect {
        Effect::MapOutputDropped { shuffle, map: output.map, task: output.task, executor: output.executor }
    }
}
