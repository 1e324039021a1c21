//! Reports of runs, in numbers: they show that seeds really meet the situations that they are meant to meet.

use crate::happening::Message;
use firesteel_scheduler::AgentMessage;
use firesteel_types::{JobFailure, TaskFailure};
use std::fmt;

/// One run, or the sum of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The seed; in a sum, the last one.
    pub seed: u64,
    /// How many executors it began with; in a sum, the most of any run.
    pub executors: u64,
    /// The number of happenings.
    pub happenings: u64,
    /// When the last job ended, in virtual milliseconds.
    pub ended_at_ms: u64,
    /// Tasks launched.
    pub launches: u64,
    /// Of these, copies of slow ones.
    pub copies: u64,
    /// Messages that never arrived.
    pub messages_lost: u64,
    /// Executors that died, froze or were sent away.
    pub executor_faults: u64,
    /// Executors that the scheduler lost.
    pub executors_lost: u64,
    /// Map outputs that could not be read.
    pub fetch_failures: u64,
    /// Other failures of tasks.
    pub task_failures: u64,
    /// Stage attempts after the first.
    pub stage_retries: u64,
    /// Stage attempts given up because their input changed.
    pub rollbacks: u64,
    /// Map outputs dropped.
    pub outputs_dropped: u64,
    /// Updates of accumulators that were settled.
    pub updates_settled: u64,
    /// Contributions to accumulators that a rollback undid.
    pub updates_undone: u64,
    /// How often the value of an accumulator was looked at.
    pub accumulators_read: u64,
    /// Partitions that executors kept.
    pub cached: u64,
    /// Map outputs that another executor took over.
    pub outputs_taken_over: u64,
    /// Map outputs that were written to the shuffle storage.
    pub outputs_stored: u64,
    /// Of these, the ones that the storage alone has, since their executors are lost.
    pub outputs_outlived: u64,
    /// Map outputs that were read from the shuffle storage.
    pub read_from_storage: u64,
    /// Kept partitions that another executor took over.
    pub cached_migrated: u64,
    /// Partitions of which copies are wanted, and that were cached somewhere at the end.
    pub copies_checked: u64,
    /// Of these, the ones that several agents had.
    pub copies_complete: u64,
    /// How often a kept partition was read.
    pub cached_read: u64,
    /// Of these reads, the ones from other executors.
    pub cached_read_remotely: u64,
    /// Of these reads, the ones of what executors that have ended have left among their host's files.
    pub cached_read_left: u64,
    /// How often nothing but partitions of an older generation was found there.
    pub cached_outdated: u64,
    /// How often another executor was said to keep a partition, and did not.
    pub cached_stale: u64,
    /// How often an executor was cut off from the driver, or a host from another.
    pub network_partitions: u64,
    /// Services of hosts that ended with all outputs.
    pub services_lost: u64,
    /// How often the driver's clock jumped.
    pub clock_jumps: u64,
    /// Outcomes of tasks that executors sent after the driver had given them up.
    pub late_outcomes: u64,
    /// Requests to commit, alike.
    pub late_commits: u64,
    /// Messages about cached partitions, alike.
    pub late_blocks: u64,
    /// Executors that were started and never registered.
    pub never_registered: u64,
    /// Kept partitions that had to make room.
    pub cached_evicted: u64,
    /// Tasks that found a kept partition gone, and what it is computed from not asked for.
    pub cached_gone: u64,
    /// How often cached partitions of an RDD became invalid while jobs needed it.
    pub versions_grown: u64,
    /// Jobs that had their answer.
    pub succeeded: u64,
    /// Jobs whose task failed too often.
    pub task_failed: u64,
    /// Jobs whose stage was tried too often.
    pub stage_failed: u64,
    /// Jobs that would have mixed evaluations.
    pub indeterminate: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// Jobs that had no executor for too long.
    pub no_executors: u64,
    /// Jobs whose results the shell found too large.
    pub too_large: u64,
    /// Jobs with a barrier stage for which there were too few slots.
    pub too_few_slots: u64,
    /// Jobs with a task that might run on no executor, since tasks had failed there.
    pub excluded_everywhere: u64,
    /// How often an executor was excluded from a stage attempt.
    pub excluded_from_stages: u64,
    /// How often an executor or a host was excluded from the application.
    pub excluded_from_application: u64,
    /// Attempts at barrier stages.
    pub barriers: u64,
    /// How often a task was let on by a barrier.
    pub released: u64,
    /// How often one was told that others would not call.
    pub refused: u64,
    /// Results that were held for others of a barrier stage, and dropped.
    pub results_dropped: u64,
    /// Large results that were fetched.
    pub results_fetched: u64,
    /// Agents that were refused.
    pub refused_agents: u64,
    /// Agents that were decommissioned.
    pub decommissions: u64,
    /// Agents that a pool has given back.
    pub agents_released: u64,
    /// Worker processes that were replaced.
    pub workers_replaced: u64,
    /// Jobs that had no executor when the cluster had given up.
    pub no_executor_left: u64,
}

impl Report {
    pub(crate) fn count_end(&mut self, failure: Option<&JobFailure>) {
        match failure {
            None => self.succeeded += 1,
            Some(JobFailure::TaskFailed { .. }) => self.task_failed += 1,
            Some(JobFailure::StageFailed { .. }) => self.stage_failed += 1,
            Some(JobFailure::Indeterminate { .. }) => self.indeterminate += 1,
            Some(JobFailure::Cancelled { .. }) => self.cancelled += 1,
            Some(JobFailure::NoExecutors { .. }) => self.no_executors += 1,
            Some(JobFailure::TooFewSlots { .. }) => self.too_few_slots += 1,
            Some(JobFailure::Excluded { .. }) => self.excluded_everywhere += 1,
            Some(JobFailure::ResultTooLarge { .. }) => self.too_large += 1,
            Some(JobFailure::NoExecutorLeft { .. }) => self.no_executor_left += 1,
            Some(JobFailure::ContextStopped { .. }) => {}
        }
    }

    pub(crate) fn count_failure(&mut self, failure: &TaskFailure) {
        match failure {
            TaskFailure::FetchFailed { .. } => self.fetch_failures += 1,
            TaskFailure::CachedBlockLost { .. } => self.cached_gone += 1,
            TaskFailure::Panic { .. }
            | TaskFailure::Exception(_)
            | TaskFailure::Operation { .. }
            | TaskFailure::ExecutorLost { .. }
            | TaskFailure::Killed(_)
            | TaskFailure::CommitDenied
            | TaskFailure::BadPlan(_) => self.task_failures += 1,
        }
    }

    pub(crate) fn count_message_of_the_lost(&mut self, message: &Message) {
        match message {
            Message::Finished { .. } => self.late_outcomes += 1,
            Message::Agent(AgentMessage::CommitRequest { .. }) => self.late_commits += 1,
            Message::Agent(AgentMessage::BlockStored { .. } | AgentMessage::BlockDropped { .. }) => {
                self.late_blocks += 1;
            }
            Message::Agent(_) | Message::Register(_) | Message::Disconnected | Message::Ended(_) => {}
        }
    }

    /// Adds another run.
    pub fn add(&mut self, other: &Report) {
        self.seed = other.seed;
        self.executors = self.executors.max(other.executors);
        self.happenings += other.happenings;
        self.ended_at_ms += other.ended_at_ms;
        self.launches += other.launches;
        self.copies += other.copies;
        self.messages_lost += other.messages_lost;
        self.executor_faults += other.executor_faults;
        self.executors_lost += other.executors_lost;
        self.fetch_failures += other.fetch_failures;
        self.task_failures += other.task_failures;
        self.stage_retries += other.stage_retries;
        self.rollbacks += other.rollbacks;
        self.outputs_dropped += other.outputs_dropped;
        self.updates_settled += other.updates_settled;
        self.updates_undone += other.updates_undone;
        self.accumulators_read += other.accumulators_read;
        self.cached += other.cached;
        self.outputs_taken_over += other.outputs_taken_over;
        self.outputs_stored += other.outputs_stored;
        self.outputs_outlived += other.outputs_outlived;
        self.read_from_storage += other.read_from_storage;
        self.cached_migrated += other.cached_migrated;
        self.copies_checked += other.copies_checked;
        self.copies_complete += other.copies_complete;
        self.cached_read += other.cached_read;
        self.cached_evicted += other.cached_evicted;
        self.cached_read_remotely += other.cached_read_remotely;
        self.cached_read_left += other.cached_read_left;
        self.cached_outdated += other.cached_outdated;
        self.cached_stale += other.cached_stale;
        self.network_partitions += other.network_partitions;
        self.services_lost += other.services_lost;
        self.clock_jumps += other.clock_jumps;
        self.late_outcomes += other.late_outcomes;
        self.late_commits += other.late_commits;
        self.late_blocks += other.late_blocks;
        self.never_registered += other.never_registered;
        self.cached_gone += other.cached_gone;
        self.versions_grown += other.versions_grown;
        self.succeeded += other.succeeded;
        self.task_failed += other.task_failed;
        self.stage_failed += other.stage_failed;
        self.indeterminate += other.indeterminate;
        self.cancelled += other.cancelled;
        self.no_executors += other.no_executors;
        self.too_large += other.too_large;
        self.too_few_slots += other.too_few_slots;
        self.barriers += other.barriers;
        self.released += other.released;
        self.refused += other.refused;
        self.excluded_everywhere += other.excluded_everywhere;
        self.excluded_from_stages += other.excluded_from_stages;
        self.excluded_from_application += other.excluded_from_application;
        self.results_dropped += other.results_dropped;
        self.results_fetched += other.results_fetched;
        self.refused_agents += other.refused_agents;
        self.decommissions += other.decommissions;
        self.agents_released += other.agents_released;
        self.workers_replaced += other.workers_replaced;
        self.no_executor_left += other.no_executor_left;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "jobs: {} answered, {} task failed, {} stage failed, {} indeterminate, {} cancelled, {} without executors",
            self.succeeded,
            self.task_failed,
            self.stage_failed,
            self.indeterminate,
            self.cancelled,
            self.no_executors
        )?;
        writeln!(
            f,
            "tasks: {} launched, {} of them copies, {} fetch failures, {} other failures, {} stage retries, {} rollbacks",
            self.launches,
            self.copies,
            self.fetch_failures,
            self.task_failures,
            self.stage_retries,
            self.rollbacks
        )?;
        writeln!(
            f,
            "accumulators: {} updates settled, {} undone, {} values read",
            self.updates_settled, self.updates_undone, self.accumulators_read
        )?;
        writeln!(
            f,
            "persisted RDDs: {} partitions kept, {} reads of these, {} afar, {} of what was left by executors that have ended, {} found only older generations, {} found nothing afar, {} evicted, {} tasks found theirs gone, {} versions grown",
            self.cached,
            self.cached_read,
            self.cached_read_remotely,
            self.cached_read_left,
            self.cached_outdated,
            self.cached_stale,
            self.cached_evicted,
            self.cached_gone,
            self.versions_grown
        )?;
        writeln!(
            f,
            "agents: {} decommissioned, {} refused, {} released by a pool, {} worker processes replaced; {} map outputs and {} cached partitions copied or migrated; {} with copies at the end, of {}",
            self.decommissions,
            self.refused_agents,
            self.agents_released,
            self.workers_replaced,
            self.outputs_taken_over,
            self.cached_migrated,
            self.copies_complete,
            self.copies_checked
        )?;
        writeln!(
            f,
            "shuffle storage: {} map outputs written, {} of them outlived their executors, {} reads",
            self.outputs_stored, self.outputs_outlived, self.read_from_storage
        )?;
        writeln!(
            f,
            "results: {} large ones fetched, {} jobs with too many bytes, {} jobs that would never run",
            self.results_fetched, self.too_large, self.no_executor_left
        )?;
        writeln!(
            f,
            "barriers: {} attempts, {} calls answered, {} refused, {} results dropped, {} jobs without slots",
            self.barriers, self.released, self.refused, self.results_dropped, self.too_few_slots
        )?;
        writeln!(
            f,
            "exclusion: {} times from a stage, {} times from the application, {} jobs with a task that might run nowhere",
            self.excluded_from_stages, self.excluded_from_application, self.excluded_everywhere
        )?;
        writeln!(
            f,
            "faults: {} cuts, {} services of hosts lost, {} jumps of the driver's clock, {} executors never registered",
            self.network_partitions, self.services_lost, self.clock_jumps, self.never_registered
        )?;
        writeln!(
            f,
            "messages of executors that were given up: {} outcomes, {} requests to commit, {} about cached partitions",
            self.late_outcomes, self.late_commits, self.late_blocks
        )?;
        write!(
            f,
            "world: {} happenings in {} virtual s, up to {} executors, {} of them struck, {} lost, {} messages lost",
            self.happenings,
            self.ended_at_ms / 1000,
            self.executors,
            self.executor_faults,
            self.executors_lost,
            self.messages_lost
        )
    }
}
