//! What the shell tells the scheduler: that somebody wants something, or that something happened.

use firesteel_plan::Cached;
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, BlockKey, CallSite, ExecutorId, ExecutorLossReason, JobFailure, JobId,
    Partition, RddId, ShuffleId, StageId, TaskId, TaskLocation,
};

/// A job: the whole graph of stages that an action needs, whether or not parts of it have run before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// The job's id, never used before.
    pub job: JobId,
    /// The action.
    pub site: CallSite,
    /// Parents before children; the last is the result stage, and the only one without an output.
    pub stages: Vec<StageSpec>,
    /// The partitions of the last stage's RDD that the action wants. Position in this list is the output's index.
    pub partitions: Vec<Partition>,
    /// The pool in which the job competes, in fair mode. None is the pool `default`.
    pub pool: Option<String>,
    /// The group by which the job may be cancelled.
    pub group: Option<String>,
    /// Tags by any of which the job may be cancelled.
    pub tags: Vec<String>,
}

/// One stage of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageSpec {
    /// The stage's id, never used before.
    pub stage: StageId,
    /// The operation after which it is named.
    pub site: CallSite,
    /// The shuffle that it writes; none for the result stage.
    pub output: Option<ShuffleId>,
    /// The shuffles that it reads; each is written by an earlier stage of the job.
    pub inputs: Vec<ShuffleId>,
    /// The number of partitions of its last RDD. A map stage has one task for each.
    pub partitions: u32,
    /// Where each partition would like to run; empty when none has a wish.
    pub preferred: Vec<Vec<TaskLocation>>,
    /// The RDDs of the stage whose partitions are kept, and what they spare it.
    pub cached: Cached,
    /// Whether its tasks may wait for one another: then all are launched together or none, and when one fails, all run again.
    /// A job wants each partition of such a result stage once.
    pub barrier: bool,
}

/// How an attempt at a task ended. Of a result it tells the size; the shell holds the bytes while the event is handled.
pub type TaskOutcome = firesteel_protocol::TaskOutcome<u64>;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An action wants an answer.
    SubmitJob(JobSpec),
    /// Somebody wants a job to end. Unknown jobs have ended already.
    CancelJob {
        /// The job.
        job: JobId,
        /// Why.
        reason: String,
    },
    /// Somebody wants all jobs of a group to end.
    CancelGroup {
        /// The group.
        group: String,
        /// Why.
        reason: String,
    },
    /// Somebody wants all jobs with a tag to end.
    CancelTag {
        /// The tag.
        tag: String,
        /// Why.
        reason: String,
    },
    /// Somebody wants all jobs to end.
    CancelAll {
        /// Why.
        reason: String,
    },
    /// The shell noticed that a job cannot go on, for instance because its results are too large.
    FailJob {
        /// The job.
        job: JobId,
        /// What the user will be told.
        failure: JobFailure,
    },
    /// An executor registered. One that is known already counts as heard, and no more: a process that starts anew takes
    /// a new id. One that was declared lost may come back, without its running tasks and its map outputs.
    ExecutorAdded {
        /// Which.
        executor: ExecutorId,
        /// Its host, as preferred locations name it.
        host: String,
        /// How many tasks it runs at a time.
        slots: u32,
    },
    /// An executor is gone.
    ExecutorLost {
        /// Which.
        executor: ExecutorId,
        /// Why.
        reason: ExecutorLossReason,
        /// Whether its map outputs can still be read, from the host's service or after a decommission.
        outputs_survive: bool,
    },
    /// Executors get no more tasks; those that they have go on, and what they have written can still be read. They do not come
    /// back: what follows is their [loss](Event::ExecutorLost). Those that end together are named together, so that none of them is
    /// given what another one gives up.
    ExecutorsDecommissioning {
        /// Which.
        executors: Vec<ExecutorId>,
    },
    /// Map outputs of executors that are leaving or gone, by the attempts that wrote them, lie with another one from now on. Whoever reads where they lay before
    /// and fails reads again, and nothing is computed again.
    OutputsMoved {
        /// Who has them now.
        to: ExecutorId,
        /// Which.
        outputs: Vec<(ShuffleId, Partition, TaskId)>,
    },
    /// An executor lives and runs these tasks. Those that it should run and does not, for longer than
    /// [`unaccounted_task_timeout_ms`](crate::SchedulerSettings::unaccounted_task_timeout_ms), are tried again: a message
    /// was lost. Those that it should not run are killed once more.
    Heartbeat {
        /// Which.
        executor: ExecutorId,
        /// The attempts that it was told to run and whose outcome it has not yet sent.
        running: Vec<TaskId>,
    },
    /// An attempt at a task ended.
    TaskFinished {
        /// The attempt.
        task: TaskId,
        /// Where it ran.
        executor: ExecutorId,
        /// How it ended.
        outcome: TaskOutcome,
        /// What its functions added to accumulators, if it succeeded: one for each accumulator, scope and partition.
        updates: Vec<AccumulatorUpdate>,
    },
    /// An attempt asks whether it may make its output visible.
    CommitRequest {
        /// The attempt.
        task: TaskId,
        /// Where it runs.
        executor: ExecutorId,
    },
    /// A task of a barrier stage waits until all tasks of its stage attempt have called as often as it has. Asking twice is
    /// answered alike, so whoever gets no answer may ask again.
    BarrierSync {
        /// The attempt that calls.
        task: TaskId,
        /// Where it runs.
        executor: ExecutorId,
        /// How often it has called before.
        epoch: u32,
        /// What it tells the others; none if it only waits. All tasks of one epoch do the one or the other.
        message: Option<String>,
    },
    /// Nobody will ever read a shuffle again. While a job still does, the release waits for its end.
    ShuffleReleased {
        /// The shuffle.
        shuffle: ShuffleId,
    },
    /// An executor keeps a partition of a persisted RDD from now on.
    BlockStored {
        /// The executor.
        executor: ExecutorId,
        /// The partition, with the version that its task was told: [`TaskLaunch::cached`](crate::TaskLaunch::cached).
        key: BlockKey,
    },
    /// An executor keeps a partition no more: it made room, or the block was broken.
    BlockDropped {
        /// The executor.
        executor: ExecutorId,
        /// The partition.
        key: BlockKey,
    },
    /// Nobody wants an RDD to be kept any more.
    RddUnpersisted {
        /// Which.
        rdd: RddId,
    },
    /// There is a new accumulator. Updates of others are not listened to.
    AccumulatorRegistered {
        /// The accumulator.
        accumulator: AccumulatorId,
    },
    /// An accumulator begins anew. What is computed again counts again.
    AccumulatorReset {
        /// The accumulator.
        accumulator: AccumulatorId,
    },
    /// Nobody will read an accumulator again.
    AccumulatorReleased {
        /// The accumulator.
        accumulator: AccumulatorId,
    },
    /// An RDD is gone, and no job will compute it again. Only of interest where there are accumulators.
    RddReleased {
        /// The RDD.
        rdd: RddId,
    },
    /// The application ends: what was added to accumulators so far is all that ever will be.
    SettleUpdates,
    /// The time that [`Scheduler::next_deadline`](crate::Scheduler::next_deadline) named has come.
    Tick,
}
