//! Events of the scheduler: requests of the program, and reports of executors.

use firesteel_plan::Cached;
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, BlockKey, BlockSize, CallSite, CountedUpdate, ExecutorId,
    ExecutorLossReason, Generation, JobFailure, JobId, Partition, RddId, RddSummary, ShuffleId, StageId,
    StoredObject, StoredOutput, StoredOutputs, TaskId, TaskLocation, TaskMetrics,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A job: the whole graph of stages that an action needs, whether or not parts of it have run before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// The job's id, never used before.
    pub job: JobId,
    /// The action.
    pub site: CallSite,
    /// Its stages, parents before children; the last is the result stage, and the only one without an output.
    pub stages: Vec<StageSpec>,
    /// The partitions of the last stage's RDD that the action wants. An output's index is its position in
    /// this list.
    pub partitions: Vec<Partition>,
    /// The pool in which the job competes, in fair mode. `None` is the pool `default`.
    pub pool: Option<String>,
    /// The group by which the job may be cancelled.
    pub group: Option<String>,
    /// The tags by any of which the job may be cancelled.
    pub tags: Vec<String>,
    /// The local properties of the thread that submits it, for its tasks and for listeners.
    pub properties: Arc<BTreeMap<String, String>>,
}

/// One stage of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageSpec {
    /// The stage's id, never used before.
    pub stage: StageId,
    /// The operation after which it is named.
    pub site: CallSite,
    /// The shuffle that it writes; `None` for the result stage.
    pub output: Option<ShuffleId>,
    /// The shuffles that it reads; an earlier stage of the job writes each.
    pub inputs: Vec<ShuffleId>,
    /// The number of partitions of its last RDD. A map stage has one task for each.
    pub partitions: u32,
    /// The preferred locations of each partition; empty if no partition has any.
    pub preferred: Vec<Vec<TaskLocation>>,
    /// The persisted RDDs of the stage, and the inputs that their cached partitions make unnecessary.
    pub cached: Cached,
    /// The RDDs that it computes, for listeners.
    pub rdds: Arc<[RddSummary]>,
    /// True if its tasks may wait for one another: then all are launched together or none, and when one
    /// fails, all run again. A job wants each partition of such a result stage once.
    pub barrier: bool,
}

/// The knowledge of a shuffle that an earlier driver had. Where a map task of it is known to this one already, that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredShuffle {
    /// The shuffle.
    pub shuffle: ShuffleId,
    /// The number of its map tasks.
    pub maps: u32,
    /// The shuffles that they read.
    pub inputs: Vec<ShuffleId>,
    /// The digests of the records that map tasks have written, wherever their outputs are now: if such a task runs again and
    /// writes others, what was computed from those is not valid.
    pub checksums: Vec<(Partition, u64)>,
    /// The outputs that the shuffle storage has, among them.
    pub outputs: Vec<(StoredOutput, StoredObject)>,
    /// The accumulator updates that came with the outputs of these map tasks.
    pub updates: Vec<CountedUpdate>,
}

/// How an attempt at a task ended. It has the size of a result; the shell holds the bytes while the scheduler
/// handles the event.
pub type TaskOutcome = firesteel_protocol::TaskOutcome<u64>;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An action submits a job.
    SubmitJob(JobSpec),
    /// A job has its answer from an earlier driver of the application: none of its tasks runs.
    JobRestored {
        /// The job.
        job: JobSpec,
        /// The accumulator updates that counted by its end, of its own functions and of those that it needed.
        updates: Vec<CountedUpdate>,
        /// The shuffles of which the shuffle storage has objects.
        stored: Vec<ShuffleId>,
    },
    /// An earlier driver of the application has run map tasks of a shuffle, and the shuffle storage has outputs of theirs.
    /// Comes before the first job that needs the shuffle, after those of the shuffles that its tasks read.
    OutputsRestored(RestoredShuffle),
    /// The program cancels a job. An unknown job has ended already.
    CancelJob {
        /// The job.
        job: JobId,
        /// The reason that the user is told.
        reason: String,
    },
    /// The program cancels all jobs of a group.
    CancelGroup {
        /// The group.
        group: String,
        /// The reason that the user is told.
        reason: String,
    },
    /// The program cancels all jobs with a tag.
    CancelTag {
        /// The tag.
        tag: String,
        /// The reason that the user is told.
        reason: String,
    },
    /// The program cancels all jobs.
    CancelAll {
        /// The reason that the user is told.
        reason: String,
    },
    /// The shell has found that a job cannot go on, for instance because its results are too large.
    FailJob {
        /// The job.
        job: JobId,
        /// The failure that the user is told.
        failure: JobFailure,
    },
    /// An executor registered. For an executor that is known already, this is a sign of life and no more: a
    /// process that starts anew takes a new id. An executor that was declared lost may come back, without its
    /// running tasks and its map outputs.
    ExecutorAdded {
        /// The executor.
        executor: ExecutorId,
        /// Its host, as preferred locations name it.
        host: String,
        /// The number of tasks that it runs at a time.
        slots: u32,
    },
    /// An executor is gone.
    ExecutorLost {
        /// The executor.
        executor: ExecutorId,
        /// How it was lost.
        reason: ExecutorLossReason,
        /// True if its map outputs can still be read, from the host's service or after a decommission.
        outputs_survive: bool,
    },
    /// Executors get no more tasks; the tasks that they have go on, and their map outputs can still be read.
    /// They do not come back: their [loss](Event::ExecutorLost) follows. Executors that end together are
    /// named together, so that none of them gets tasks that another one gives up.
    ExecutorsDecommissioning {
        /// The executors.
        executors: Vec<ExecutorId>,
    },
    /// Another executor has map outputs of executors that are leaving or gone. A task that looks for them in
    /// their old place and fails reads again, and nothing is computed again.
    OutputsMoved {
        /// The executor that has them now.
        to: ExecutorId,
        /// The outputs, with the attempts that wrote them.
        outputs: Vec<(ShuffleId, Partition, TaskId)>,
    },
    /// The shuffle storage has map outputs: these are not lost with their executors.
    OutputsStored(StoredOutputs),
    /// An executor lives and runs these tasks. The scheduler tries a task again that the executor should run
    /// and does not, for longer than
    /// [`unaccounted_task_timeout_ms`](crate::SchedulerSettings::unaccounted_task_timeout_ms): a message was
    /// lost. It kills a task once more that the executor should not run.
    Heartbeat {
        /// The executor.
        executor: ExecutorId,
        /// The attempts that it was told to run and whose outcomes it has not sent yet.
        running: Vec<TaskId>,
    },
    /// An attempt at a task ended.
    TaskFinished {
        /// The attempt.
        task: TaskId,
        /// The executor that ran it.
        executor: ExecutorId,
        /// How it ended.
        outcome: TaskOutcome,
        /// The accumulator updates of its functions, if it succeeded: one for each accumulator, scope and
        /// partition.
        updates: Vec<AccumulatorUpdate>,
        /// The figures that it measured, if its executor told so.
        metrics: Option<Box<TaskMetrics>>,
    },
    /// An attempt asks for leave to make its output visible.
    CommitRequest {
        /// The attempt.
        task: TaskId,
        /// The executor that runs it.
        executor: ExecutorId,
    },
    /// A task of a barrier stage waits until all tasks of its stage attempt have called as often as it has. A
    /// repeated call gets the same answer, so an executor that gets none may ask again.
    BarrierSync {
        /// The attempt that calls.
        task: TaskId,
        /// The executor that runs it.
        executor: ExecutorId,
        /// The number of its calls before this one.
        epoch: u32,
        /// Its message to the others; `None` if it only waits. All tasks of one epoch do the same.
        message: Option<String>,
    },
    /// No later job will read a shuffle. While a job still reads it, the release waits for the end of that
    /// job.
    ShuffleReleased {
        /// The shuffle.
        shuffle: ShuffleId,
    },
    /// An executor has cached a partition of a persisted RDD.
    BlockStored {
        /// The executor.
        executor: ExecutorId,
        /// The partition, with the version that its task was told:
        /// [`TaskLaunch::cached`](crate::TaskLaunch::cached).
        key: BlockKey,
        /// Its size.
        size: BlockSize,
    },
    /// An executor has dropped a cached partition: it made room, or the block was broken.
    BlockDropped {
        /// The executor.
        executor: ExecutorId,
        /// The partition.
        key: BlockKey,
    },
    /// The program does not want an RDD to be cached any more. It comes after the jobs that declare this generation, and
    /// may come after one that declares a later one.
    RddUnpersisted {
        /// The RDD.
        rdd: RddId,
        /// The generation that has ended.
        generation: Generation,
    },
    /// There is a new accumulator. Updates of accumulators that were not registered are ignored.
    AccumulatorRegistered {
        /// The accumulator.
        accumulator: AccumulatorId,
    },
    /// An accumulator begins anew. Additions that are computed again count again.
    AccumulatorReset {
        /// The accumulator.
        accumulator: AccumulatorId,
    },
    /// The program will not read an accumulator again.
    AccumulatorReleased {
        /// The accumulator.
        accumulator: AccumulatorId,
    },
    /// An RDD is gone, and no job will compute it again. The event matters only where there are accumulators.
    RddReleased {
        /// The RDD.
        rdd: RddId,
    },
    /// The application ends: nothing more will be added to accumulators.
    SettleUpdates,
    /// The time has come that [`Scheduler::next_deadline`](crate::Scheduler::next_deadline) named.
    Tick,
}
