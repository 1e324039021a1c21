//! What the scheduler tells the shell to do.

use firesteel_types::{
    AccumulatorId, AppEvent, ExecutorId, JobFailure, JobId, KillReason, Locality, Partition, RddId,
    ShuffleId, StageAttempt, StageId, TaskId,
};
use std::sync::Arc;

pub use firesteel_types::{MapOutput, ShuffleOutputs};

/// One thing to do. Effects are to be done in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Run a task.
    Launch(TaskLaunch),
    /// Stop a task. Its executor answers with an outcome, whatever it is; one that does not know the task ignores it.
    Kill {
        /// The attempt.
        task: TaskId,
        /// Where it runs.
        executor: ExecutorId,
        /// Why.
        reason: KillReason,
    },
    /// A result counts: the one that came with the event being handled, unless it was [held](Effect::ResultHeld) before. Said
    /// once for each output of a job.
    ResultAccepted {
        /// The job.
        job: JobId,
        /// The position within [`JobSpec::partitions`](crate::JobSpec::partitions).
        output: usize,
        /// The attempt whose result it is.
        task: TaskId,
    },
    /// The result that came with the event being handled may count later: keep it until it is accepted or dropped. Said for
    /// results of barrier stages, which count together or not at all.
    ResultHeld {
        /// The attempt whose result it is.
        task: TaskId,
    },
    /// A result that was held will not count.
    ResultDropped {
        /// The attempt whose result it is.
        task: TaskId,
    },
    /// All tasks of a barrier stage have called: the answer to a [`BarrierSync`](crate::Event::BarrierSync).
    BarrierRelease {
        /// The attempt that called.
        task: TaskId,
        /// Where it runs.
        executor: ExecutorId,
        /// Which call is answered.
        epoch: u32,
        /// What the tasks said, in the order of partitions; empty when they only waited.
        messages: Arc<[String]>,
    },
    /// The tasks of a barrier stage will not all call: the other answer to a [`BarrierSync`](crate::Event::BarrierSync). The
    /// task cannot go on, and fails unless it is told to stop.
    BarrierRefused {
        /// The attempt that called.
        task: TaskId,
        /// Where it runs.
        executor: ExecutorId,
        /// Which call is answered.
        epoch: u32,
        /// Why, as a sentence.
        reason: String,
        /// Whether another attempt could end differently.
        retryable: bool,
    },
    /// A job ended; exactly once for each.
    JobEnded {
        /// The job.
        job: JobId,
        /// Why it has no answer, if it has none.
        failure: Option<JobFailure>,
    },
    /// No later launch will name this stage; its plan may go.
    StageForgotten {
        /// The stage.
        stage: StageId,
    },
    /// Nobody will be told to read this map output there again; its data may go. Said at least once for each output that was
    /// reported and is not registered, except where it was lost together with its executor. The executor may be gone, and
    /// the output with a service of its host. Also said of a copy, where another is to be read.
    MapOutputDropped {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map task's partition.
        map: Partition,
        /// The attempt that wrote it.
        task: TaskId,
        /// Where it lies.
        executor: ExecutorId,
    },
    /// The partitions of an RDD that an executor keeps may go: nobody wants them to be kept any more.
    DropCached {
        /// The RDD.
        rdd: RddId,
        /// Where they lie.
        executor: ExecutorId,
    },
    /// The answer to a [`CommitRequest`](crate::Event::CommitRequest).
    CommitDecision {
        /// The attempt that asked.
        task: TaskId,
        /// Where it runs.
        executor: ExecutorId,
        /// Whether it may make its output visible.
        allowed: bool,
    },
    /// What one partition added to an accumulator is final, and the scheduler forgets it: add it up. Said once for each partition
    /// of each scope.
    UpdateSettled {
        /// The accumulator.
        accumulator: AccumulatorId,
        /// The value to merge, as the task encoded it.
        bytes: Arc<[u8]>,
    },
    /// Tell whoever listens.
    Event(AppEvent),
}

/// One task to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskLaunch {
    /// The attempt's own id: higher than all before it.
    pub task: TaskId,
    /// Where to run it.
    pub executor: ExecutorId,
    /// Its stage.
    pub stage: StageId,
    /// The stage's attempt.
    pub stage_attempt: StageAttempt,
    /// The partition to compute.
    pub partition: Partition,
    /// How often this partition was launched before in this stage attempt.
    pub attempt: u32,
    /// The first of the jobs that want the stage.
    pub job: JobId,
    /// What to read, in the order of [`StageSpec::inputs`](crate::StageSpec::inputs), without what kept partitions make
    /// unnecessary. A task that needs one of those after all fails with
    /// [`CachedBlockLost`](firesteel_types::TaskFailure::CachedBlockLost).
    pub inputs: Arc<[Arc<ShuffleOutputs>]>,
    /// The version of each persisted RDD of the stage: partitions kept under another one were computed from records that are
    /// no longer valid.
    pub cached: Arc<[(RddId, u64)]>,
    /// If it belongs to a barrier stage: the host of each task of the stage attempt, in the order of partitions.
    pub barrier_hosts: Option<Arc<[String]>>,
    /// How near the task is to its data.
    pub locality: Locality,
    /// Whether it runs beside another attempt that seems slow.
    pub speculative: bool,
}

impl Effect {
    /// The word that an output of `shuffle` may go.
    pub(crate) fn output_dropped(shuffle: ShuffleId, output: &MapOutput) -> Effect {
        Effect::MapOutputDropped { shuffle, map: output.map, task: output.task, executor: output.executor }
    }
}
