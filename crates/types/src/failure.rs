//! Failures of tasks, executors and jobs, as data. A failure travels whole from where it happens to the machine
//! that decides about it; text is made from it at the very end, for a person.

use crate::ids::{ExecutorId, JobId, Partition, ShuffleId, StageAttempt, StageId, TaskId};
use crate::site::CallSite;
use crate::worker_end::{Ending, WorkerEnd, signal_name};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The reason why one attempt at a task ended without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskFailure {
    /// A user's function panicked.
    Panic {
        /// The panic's own message.
        message: String,
        /// `file:line:column` of the panic.
        location: String,
        /// The operation whose function was running.
        site: CallSite,
        /// The record it was given, as text and shortened, if it is known.
        record: Option<String>,
    },
    /// A user's function raised an exception, in a language that has them.
    Exception(Box<Exception>),
    /// Something that the engine did for the task failed: reading, writing, decoding.
    Operation {
        /// The operation and its object: `read /data/a.gz`.
        operation: String,
        /// The error that it ended with.
        message: String,
        /// The operation of the user's program that needed it.
        site: CallSite,
        /// True if another attempt could end differently: a missing file is not worth one.
        retryable: bool,
    },
    /// A map output could not be read. The map task that wrote it must run again.
    FetchFailed {
        /// The shuffle that was read.
        shuffle: ShuffleId,
        /// The map task whose output is gone or broken.
        map: Partition,
        /// The attempt that had written it.
        map_task: TaskId,
        /// The executor that should have served it.
        executor: ExecutorId,
        /// The executors of which no output can be read at all, since the host that serves their outputs cannot
        /// be reached. Empty when only this output is gone or broken.
        unreachable: Vec<ExecutorId>,
        /// The error of the fetch.
        message: String,
    },
    /// A cached partition is gone, and the outputs it is computed from were not requested. The task runs again
    /// with all its inputs.
    CachedBlockLost {
        /// The shuffle that the task now needs.
        shuffle: ShuffleId,
    },
    /// The executor that ran the task went away.
    ExecutorLost {
        /// The executor.
        executor: ExecutorId,
        /// The reason.
        reason: ExecutorLossReason,
    },
    /// The task was told to stop.
    Killed(KillReason),
    /// The task was not allowed to commit its output: another attempt at the same partition was.
    CommitDenied,
    /// The stage plan could not be turned into code on the executor.
    BadPlan(String),
}

/// An exception on its way from a task to the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Its type's name and its text: `ValueError: not a number`.
    pub message: String,
    /// The place where it was raised, as the language prints that; the user's own frames.
    pub traceback: String,
    /// The exception itself, as its language encodes it, if that was possible.
    pub encoded: Option<Vec<u8>>,
    /// The operation whose function raised it.
    pub site: CallSite,
    /// The record that was at work, as text and shortened, if it is known.
    pub record: Option<String>,
    /// True if another attempt could end differently: code that cannot even be loaded is not worth one.
    pub retryable: bool,
}

impl TaskFailure {
    /// Returns whether this counts towards `task.maxFailures`. Failures that are not the task's fault do not.
    pub fn counts(&self) -> bool {
        match self {
            TaskFailure::Panic { .. }
            | TaskFailure::Exception(_)
            | TaskFailure::Operation { .. }
            | TaskFailure::BadPlan(_) => true,
            TaskFailure::ExecutorLost { reason, .. } => reason.counts(),
            TaskFailure::FetchFailed { .. }
            | TaskFailure::CachedBlockLost { .. }
            | TaskFailure::Killed(_)
            | TaskFailure::CommitDenied => false,
        }
    }

    /// Returns whether another attempt could end differently.
    pub fn retryable(&self) -> bool {
        match self {
            TaskFailure::Operation { retryable, .. } => *retryable,
            TaskFailure::Exception(exception) => exception.retryable,
            TaskFailure::BadPlan(_) => false,
            TaskFailure::Panic { .. }
            | TaskFailure::ExecutorLost { .. }
            | TaskFailure::FetchFailed { .. }
            | TaskFailure::CachedBlockLost { .. }
            | TaskFailure::Killed(_)
            | TaskFailure::CommitDenied => true,
        }
    }
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskFailure::Panic { message, location, site, record } => {
                write!(f, "the function given to {site} panicked at {location}: {message}")?;
                match record {
                    Some(record) => write!(f, "\n  the record was: {record}"),
                    None => Ok(()),
                }
            }
            TaskFailure::Exception(exception) => {
                let Exception { message, traceback, site, record, .. } = &**exception;
                write!(f, "{}\n{message}\n  in the function given to {site}", traceback.trim_end())?;
                match record {
                    Some(record) => write!(f, "\n  the record was: {record}"),
                    None => Ok(()),
                }
            }
            TaskFailure::Operation { operation, message, site, .. } => {
                write!(f, "could not {operation}: {message} (needed by {site})")
            }
            TaskFailure::FetchFailed { shuffle, map, executor, message, .. } => write!(
                f,
                "could not fetch the output of map task {map} of shuffle {shuffle} from executor {}: {message}",
                executor.name()
            ),
            TaskFailure::CachedBlockLost { shuffle } => {
                write!(f, "a cached partition is gone; shuffle {shuffle} is needed to compute it again")
            }
            TaskFailure::ExecutorLost { executor, reason } => {
                write!(f, "executor {} was lost: {reason}", executor.name())
            }
            TaskFailure::Killed(reason) => write!(f, "killed: {reason}"),
            TaskFailure::CommitDenied => {
                f.write_str("another attempt had already committed this partition's output")
            }
            TaskFailure::BadPlan(why) => write!(f, "the executor could not decode the stage: {why}"),
        }
    }
}

/// The reason why a task was told to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KillReason {
    /// Another attempt at the same partition finished first.
    AnotherAttemptSucceeded,
    /// The job was cancelled, or failed.
    JobEnded,
    /// The stage's attempt was given up, for instance after a fetch failure.
    StageAborted,
}

impl fmt::Display for KillReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KillReason::AnotherAttemptSucceeded => "another attempt succeeded",
            KillReason::JobEnded => "its job had ended",
            KillReason::StageAborted => "its stage was given up",
        })
    }
}

/// The reason why an executor is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutorLossReason {
    /// Its process ended.
    Exited {
        /// The exit code, if it is known.
        code: Option<i32>,
    },
    /// Its process was ended by a signal: from the kernel, which was out of memory, from a user, or from a
    /// fault of its own.
    Killed {
        /// The signal's number.
        signal: i32,
        /// The most memory that it had, in bytes.
        peak_bytes: u64,
    },
    /// It sent nothing within the network timeout.
    Unheard {
        /// The length of the silence, in milliseconds.
        silence_ms: u64,
    },
    /// It was a worker process, which ended.
    Worker(Box<WorkerEnd>),
    /// It is gone, as the cluster manager says.
    Reported {
        /// The manager's words, as a sentence without its subject's name.
        words: String,
    },
    /// The cluster manager has taken it away: by preemption, with its node, at the end of a time limit; no task is to
    /// blame.
    Taken {
        /// The manager's words, as a sentence without its subject's name.
        words: String,
    },
    /// It was decommissioned on purpose; no task is to blame.
    Decommissioned,
}

impl ExecutorLossReason {
    /// Returns whether the tasks that ran there count the loss as a failure of theirs.
    pub fn counts(&self) -> bool {
        match self {
            ExecutorLossReason::Exited { .. }
            | ExecutorLossReason::Killed { .. }
            | ExecutorLossReason::Reported { .. }
            | ExecutorLossReason::Unheard { .. } => true,
            ExecutorLossReason::Worker(end) => end.ending != Ending::DidNotStop,
            ExecutorLossReason::Decommissioned | ExecutorLossReason::Taken { .. } => false,
        }
    }
}

impl fmt::Display for ExecutorLossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExecutorLossReason::Exited { code: Some(code) } => {
                write!(f, "its process exited with code {code}")
            }
            ExecutorLossReason::Exited { code: None } => f.write_str("its process ended"),
            ExecutorLossReason::Killed { signal, peak_bytes } => {
                write!(f, "its process was killed by signal {signal}{}", signal_name(*signal))?;
                match peak_bytes {
                    // Not every way to start a process tells it.
                    0 => Ok(()),
                    peak => write!(f, "; it held {} MiB at most", peak.div_ceil(1 << 20)),
                }
            }
            ExecutorLossReason::Worker(end) => end.fmt(f),
            ExecutorLossReason::Reported { words } => write!(f, "the cluster manager says: {words}"),
            ExecutorLossReason::Taken { words } => {
                write!(f, "the cluster manager has taken it away: {words}")
            }
            ExecutorLossReason::Unheard { silence_ms } => write!(f, "no heartbeat for {silence_ms} ms"),
            ExecutorLossReason::Decommissioned => f.write_str("decommissioned"),
        }
    }
}

/// The reason why a job ended without its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobFailure {
    /// One task failed too often, or in a way that another attempt cannot mend.
    TaskFailed {
        /// The stage.
        stage: StageId,
        /// The stage's own operation.
        site: CallSite,
        /// The partition whose task failed.
        partition: Partition,
        /// The number of attempts that were made.
        attempts: u32,
        /// The failure of the last one.
        last: Box<TaskFailure>,
    },
    /// A stage was tried too often in a row: its input kept vanishing, or it is a barrier stage, whose tasks all run again when
    /// one of them fails.
    StageFailed {
        /// The stage.
        stage: StageId,
        /// The stage's own operation.
        site: CallSite,
        /// The attempt that was the last.
        attempt: StageAttempt,
        /// The failure of the last task.
        last: Box<TaskFailure>,
    },
    /// A map task that ran again wrote other records than the first time, after its first output had been used.
    /// Going on could give a wrong answer.
    Indeterminate {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The map task.
        map: Partition,
    },
    /// The job was cancelled.
    Cancelled {
        /// The job.
        job: JobId,
        /// The reason that the caller gave, as the end of a sentence that begins with the job.
        reason: String,
    },
    /// Executors are gone, and no others will come.
    NoExecutorLeft {
        /// The reason.
        reason: String,
    },
    /// A barrier stage, whose tasks run at the same time, has more of them than there are slots.
    TooFewSlots {
        /// The stage.
        stage: StageId,
        /// The stage's own operation.
        site: CallSite,
        /// The number of its tasks.
        tasks: u32,
        /// The number of slots of all executors together.
        slots: u32,
    },
    /// A task may not run on any executor, since tasks failed there again and again.
    Excluded {
        /// The stage.
        stage: StageId,
        /// The stage's own operation.
        site: CallSite,
        /// The partition of the task.
        partition: Partition,
        /// The executors that there are, and why the task may not run on each.
        places: Vec<ExcludedPlace>,
        /// The last failure of a task of the stage, as text; empty if the failures were those of other stages.
        last: String,
    },
    /// There was no executor to run on for too long.
    NoExecutors {
        /// The time that the job waited, in milliseconds.
        waited_ms: u64,
    },
    /// The result was larger than the driver accepts.
    ResultTooLarge {
        /// The number of tasks whose results are there so far.
        tasks: u32,
        /// Their bytes.
        bytes: u64,
        /// The limit, `firesteel.driver.max_result_size`.
        limit: u64,
    },
    /// The context was stopped while the job ran.
    ContextStopped {
        /// The job that was ended.
        job: JobId,
    },
}

/// An executor on which a task may not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcludedPlace {
    /// The executor.
    pub executor: ExecutorId,
    /// Its host.
    pub host: String,
    /// The widest of the exclusions that keep the task away.
    pub by: Exclusion,
}

/// The reach of an exclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Exclusion {
    /// The task failed there, or on the host, too often.
    Task,
    /// Too many tasks of the stage failed there.
    Stage,
    /// Too many tasks of the application failed there.
    Application,
}

/// The most executors that are named in the text of a failure.
const PLACES_TOLD: usize = 10;

/// Tells where a task may not run, and why.
fn tell_places(places: &[ExcludedPlace], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (number, ExcludedPlace { executor, host, by }) in places.iter().take(PLACES_TOLD).enumerate() {
        let separator = if number == 0 { "" } else { ", " };
        let why = match by {
            Exclusion::Task => "the task failed there or on its host",
            Exclusion::Stage => "excluded from the stage",
            Exclusion::Application => "excluded from the application",
        };
        write!(f, "{separator}executor {} on {host} ({why})", executor.name())?;
    }
    match places.len().saturating_sub(PLACES_TOLD) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobFailure::TaskFailed { stage, site, partition, attempts, last } => write!(
                f,
                "{last}\n  in partition {partition} of stage {stage} ({site}), attempt {attempts} of {attempts}"
            ),
            JobFailure::StageFailed { stage, site, attempt, last } => {
                let why = match **last {
                    TaskFailure::FetchFailed { .. } => "its input kept vanishing",
                    TaskFailure::Panic { .. }
                    | TaskFailure::Exception(_)
                    | TaskFailure::Operation { .. }
                    | TaskFailure::CachedBlockLost { .. }
                    | TaskFailure::ExecutorLost { .. }
                    | TaskFailure::Killed(_)
                    | TaskFailure::CommitDenied
                    | TaskFailure::BadPlan(_) => {
                        "one of its tasks, which run together or not at all, kept failing"
                    }
                };
                let attempts = attempt.0 + 1;
                write!(
                    f,
                    "stage {stage} ({site}) was given up after {attempts} attempts: {why}\n  last: {last}"
                )
            }
            JobFailure::TooFewSlots { stage, site, tasks, slots } => write!(
                f,
                "stage {stage} ({site}) is a barrier stage: its {tasks} tasks run at the same time, and the executors have slots \
                 for {slots}. Make fewer partitions before `barrier` (`coalesce({slots})`), or start with more slots \
                 (`local[{tasks}]`)"
            ),
            JobFailure::Excluded { stage, site, partition, places, last } => {
                write!(
                    f,
                    "the task of partition {partition} of stage {stage} ({site}) may not run on any executor, since tasks failed there: "
                )?;
                if places.is_empty() {
                    f.write_str("none is left, and no other has come")?;
                }
                tell_places(places, f)?;
                f.write_str(
                    ". Start more executors, raise the limits (`firesteel.exclude_on_failure.*`), or set \
                     `firesteel.exclude_on_failure.enabled` to `false`",
                )?;
                match last.is_empty() {
                    true => Ok(()),
                    false => write!(f, "\n  the last failure: {last}"),
                }
            }
            JobFailure::Indeterminate { shuffle, map } => write!(
                f,
                "map task {map} of shuffle {shuffle} wrote other records when it ran again, and its first output had \
                 already been used. Make the functions before this shuffle give the same records each time (no clock, \
                 no unseeded random numbers, no outside state), or save their output first"
            ),
            // Programs tell a cancelled job from one that failed by the name in brackets, which is Spark's.
            JobFailure::Cancelled { job, reason } => {
                write!(f, "[SPARK_JOB_CANCELLED] Job {job} cancelled {reason}")
            }
            JobFailure::NoExecutorLeft { reason } => {
                write!(f, "no executor is left to run the job: {reason}")
            }
            JobFailure::NoExecutors { waited_ms } => {
                write!(
                    f,
                    "no executor was there to run the job within {waited_ms} ms. Check that executors can reach the driver, and \
                     read the output of those that ended. (`firesteel.scheduler.no_executors_timeout` is how long a job waits)"
                )
            }
            JobFailure::ResultTooLarge { tasks, bytes, limit } => write!(
                f,
                "total size of serialized results of {tasks} tasks ({bytes} bytes) is bigger than \
                 `firesteel.driver.max_result_size` ({limit} bytes). Save them with `save_as_text_file`, walk through them with `to_local_iterator`, or raise the \
                 setting (0 is no limit)"
            ),
            JobFailure::ContextStopped { job } => {
                write!(f, "Job {job} cancelled because the context was stopped")
            }
        }
    }
}

impl std::error::Error for TaskFailure {}
impl std::error::Error for JobFailure {}
