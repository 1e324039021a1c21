//! The rules that hold whatever happens. The world tells the checker what the scheduler said; the checker objects.
//!
//! - A job fails for want of executors only when there is none, and in time when there never was one.
//! - Each job ends exactly once. Each of its outputs is accepted once, from the message at hand, and from no attempt that was told to
//!   stop.
//! - A job that succeeds has the answer of one evaluation of its program. A job that fails has a reason that was given.
//! - No launch names a forgotten stage or an unregistered executor, or reads a map output that was dropped, that a reader
//!   has found broken, or that went with its executor.
//! - The versions under which partitions are kept do not shrink within a generation. When an RDD is not persisted any more, no
//!   living executor keeps what the driver has heard of.
//! - No task reads a partition that was cached in another generation of its RDD than the one that its job found, wherever it lies.
//! - Of one output partition, at most one living attempt may commit at a time, none after its result was accepted, and the
//!   attempt that the result names has committed.
//! - The totals of a stage attempt are the sums of what its attempts at tasks measured that counted.
//! - What barrier stages keep to stands in `barriers`, where tasks may not run in `exclusion`.
//! - Accumulators have what the [`Oracle`] says, always. When a job succeeds whose program gives the same each time, the book says
//!   of all that the job needed what an evaluation without any scheduler says.

use crate::barriers::BarrierChecker;
use crate::data::{Added, Data};
use crate::exclusion::ExclusionChecker;
use crate::objection::Objection;
use crate::oracle::Oracle;
use crate::program::{ALL, Program};
use firesteel_scheduler::{ShuffleOutputs, TaskLaunch};
use firesteel_types::{
    ExecutorId, Generation, JobFailure, JobId, Partition, RddId, ShuffleId, StageAttempt, StageId, TaskId,
    TaskMetrics,
};
use std::collections::{BTreeMap, BTreeSet};

/// One job, as its user sees it.
#[derive(Clone, Debug)]
pub(crate) struct JobRecord {
    pub(crate) rdd: RddId,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) commits: bool,
    /// Only so many records of each partition are wanted.
    pub(crate) limit: usize,
    pub(crate) results: Vec<Option<(TaskId, Data)>>,
    pub(crate) submitted_at: u64,
    /// How it ended.
    pub(crate) ended: Option<Option<JobFailure>>,
    pub(crate) cancelled: bool,
}

/// All that was said so far, as far as it matters later.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    pub(crate) jobs: BTreeMap<JobId, JobRecord>,
    pub(crate) last_task: Option<TaskId>,
    /// The snapshots of which it is known that they name nothing that was dropped before.
    seen_snapshots: BTreeSet<(ShuffleId, u64)>,
    /// The attempts that have ended, as far as the scheduler has said.
    ended: BTreeSet<TaskId>,
    /// Those that were told to stop before they had.
    told_to_stop: BTreeSet<TaskId>,
    /// The attempts whose map outputs are not to be read any more.
    dropped: BTreeSet<TaskId>,
    /// The version of each persisted RDD that a launch named last, within its generation: jobs that began before the RDD was
    /// unpersisted keep to theirs. Attempts at different barrier stages have different ones at the same time: so of each of them.
    cached_versions: BTreeMap<(RddId, Option<StageId>, Generation), u64>,
    pub(crate) versions_grown: u64,
    /// The figures of the tasks of each stage attempt that counted.
    pub(crate) measured: BTreeMap<(StageId, StageAttempt), TaskMetrics>,
    launched_on: BTreeMap<ExecutorId, Vec<TaskId>>,
    /// The job, if it is a result stage, and the output index cannot be told from a launch: the partition stands for it.
    launched: BTreeMap<TaskId, (StageId, Partition)>,
    /// The living attempt that may commit.
    may_commit: BTreeMap<(StageId, Partition), TaskId>,
    settled: BTreeSet<(StageId, Partition)>,
    /// The attempts that have made their output visible.
    pub(crate) committed: BTreeSet<TaskId>,
    pub(crate) fetch_failures: u64,
    pub(crate) oracle: Oracle,
    pub(crate) barriers: BarrierChecker,
    pub(crate) exclusion: ExclusionChecker,
    /// Shuffles that no later job will read: they are gone when the jobs have ended that do.
    released: BTreeSet<ShuffleId>,
}

fn object<T>(messages: impl Into<String>) -> Result<T, Objection> {
    Err(messages.into())
}

impl Checker {
    pub(crate) fn new(exclusion: ExclusionChecker) -> Self {
        Checker { exclusion, ..Checker::default() }
    }

    pub(crate) fn launched(&mut self, launch: &TaskLaunch, barrier: bool) -> Result<(), Objection> {
        self.barriers.launched(launch, barrier)?;
        if self.last_task.is_some_and(|last| last >= launch.task) {
            return object(format!("task ids do not grow: {}", launch.task));
        }
        self.last_task = Some(launch.task);
        self.launched.insert(launch.task, (launch.stage, launch.partition));
        self.launched_on.entry(launch.executor).or_default().push(launch.task);
        let by = barrier.then_some(launch.stage);
        launch.cached.iter().try_for_each(|(rdd, version)| self.may_cache(*rdd, by, *version))?;
        launch.inputs.iter().try_for_each(|input| self.reads(input))
    }

    fn may_cache(&mut self, rdd: RddId, by: Option<StageId>, version: u64) -> Result<(), Objection> {
        let known = self.cached_versions.entry((rdd, by, Generation::of(version))).or_insert(version);
        if version < *known {
            return object(format!("rdd {rdd} is to be kept as version {version}, after version {known}"));
        }
        self.versions_grown += u64::from(version > *known);
        *known = version;
        Ok(())
    }

    fn reads(&mut self, input: &ShuffleOutputs) -> Result<(), Objection> {
        if !self.seen_snapshots.insert((input.shuffle, input.generation)) {
            return Ok(());
        }
        self.barriers.reads(input)?;
        match input.maps.iter().find(|map| self.dropped.contains(&map.task)) {
            None => Ok(()),
            Some(map) => {
                object(format!("shuffle {} is to be read from dropped task {}", input.shuffle, map.task))
            }
        }
    }

    /// Outputs may be dropped more than once, but not while a later launch reads them.
    pub(crate) fn dropped(&mut self, task: TaskId) {
        if self.dropped.insert(task) {
            self.seen_snapshots.clear();
        }
    }

    /// Returns the attempts that were launched on an executor, but those whose outputs others have.
    pub(crate) fn launched_on(&self, executor: ExecutorId) -> &[TaskId] {
        self.launched_on.get(&executor).map_or(&[], Vec::as_slice)
    }

    /// An executor is gone, and all that it had written.
    pub(crate) fn executor_gone(&mut self, executor: ExecutorId) {
        for task in self.launched_on.remove(&executor).into_iter().flatten() {
            self.dropped(task);
        }
    }

    /// Another executor has an attempt's output.
    pub(crate) fn taken_over(&mut self, task: TaskId, by: ExecutorId) {
        self.launched_on.values_mut().for_each(|tasks| tasks.retain(|other| *other != task));
        self.launched_on.entry(by).or_default().push(task);
    }

    /// An attempt is told to stop. One that has ended may be, too, by an answer to an old heartbeat.
    pub(crate) fn told_to_stop(&mut self, task: TaskId) {
        if !self.ended.contains(&task) {
            self.told_to_stop.insert(task);
        }
    }

    /// The scheduler says that an attempt has ended.
    pub(crate) fn ended(&mut self, task: TaskId) {
        self.ended.insert(task);
    }

    /// Returns whether an attempt was told to stop before it ended.
    pub(crate) fn was_told_to_stop(&self, task: TaskId) -> bool {
        self.told_to_stop.contains(&task)
    }

    /// An attempt failed, was killed, or its executor was lost.
    pub(crate) fn attempt_over(&mut self, task: TaskId) {
        self.barriers.over(task);
        if let Some(place) = self.launched.get(&task)
            && self.may_commit.get(place) == Some(&task)
        {
            self.may_commit.remove(place);
        }
    }

    pub(crate) fn commit_decided(&mut self, task: TaskId, allowed: bool) -> Result<(), Objection> {
        if !allowed {
            return Ok(());
        }
        let Some(&place) = self.launched.get(&task) else {
            return object(format!("task {task} may commit, but was never launched"));
        };
        if self.settled.contains(&place) {
            return object(format!("task {task} may commit a partition whose result was accepted"));
        }
        match *self.may_commit.entry(place).or_insert(task) {
            winner if winner == task => Ok(()),
            winner => object(format!("task {task} may commit, and so may task {winner}")),
        }
    }

    pub(crate) fn result_accepted(
        &mut self,
        job: JobId,
        output: usize,
        task: TaskId,
        at_hand: Option<(TaskId, Option<&Data>)>,
    ) -> Result<(), Objection> {
        let Some((sent_by, Some(data))) = at_hand else {
            return object(format!("job {job} accepts output {output}, but no result is at hand"));
        };
        if sent_by != task {
            return object(format!("job {job} accepts a result of task {task}, but task {sent_by} sent it"));
        }
        if self.was_told_to_stop(task) {
            return object(format!("job {job} accepts a result of task {task}, which was told to stop"));
        }
        self.barriers.answers(job, task)?;
        let Some(record) = self.jobs.get_mut(&job) else { return object(format!("job {job} is unknown")) };
        if record.ended.is_some() {
            return object(format!("job {job} accepts a result after its end"));
        }
        if let Some((before, _)) = &record.results[output] {
            return object(format!(
                "job {job} accepts output {output} from task {task}, and had it from task {before}"
            ));
        }
        if record.commits && !self.committed.contains(&task) {
            return object(format!(
                "job {job} accepts output {output} from task {task}, which has not committed"
            ));
        }
        record.results[output] = Some((task, data.clone()));
        self.settled.extend(self.launched.get(&task).copied());
        Ok(())
    }

    pub(crate) fn job_ended(
        &mut self,
        program: &Program,
        job: JobId,
        failure: Option<JobFailure>,
        calm: bool,
    ) -> Result<(), Objection> {
        let Some(record) = self.jobs.get_mut(&job) else { return object(format!("job {job} is unknown")) };
        if record.ended.is_some() {
            return object(format!("job {job} ends twice"));
        }
        record.ended = Some(failure.clone());
        let record = record.clone();
        self.drop_released(program);
        match failure {
            None => {
                let added = check_answer(program, job, &record)?;
                let is_traced = program.is_careful() && self.oracle.resets == 0 && record.limit == ALL;
                match self.oracle.differs_from(&added).filter(|_| is_traced) {
                    Some(difference) => object(format!("after job {job} {difference}")),
                    None => Ok(()),
                }
            }
            Some(failure) if calm => object(format!("job {job} fails though nothing went wrong: {failure}")),
            Some(failure) => self.check_reason(program, job, &failure),
        }
    }

    /// Notes that no later job will read a shuffle: only those that run do.
    pub(crate) fn release_shuffle(&mut self, program: &Program, shuffle: ShuffleId) {
        self.released.insert(shuffle);
        self.drop_released(program);
    }

    /// Notes the shuffles that are gone: released, and of no job that runs.
    fn drop_released(&mut self, program: &Program) {
        let running = self.jobs.values().filter(|job| job.ended.is_none());
        let used: BTreeSet<ShuffleId> = running.flat_map(|job| program.used_by(job.rdd)).collect();
        let gone: Vec<ShuffleId> = self.released.difference(&used).copied().collect();
        for shuffle in gone {
            self.released.remove(&shuffle);
            self.oracle.shuffle_gone(shuffle);
        }
    }

    /// A failure must have a cause that was there.
    fn check_reason(&self, program: &Program, job: JobId, failure: &JobFailure) -> Result<(), Objection> {
        let justified = match failure {
            JobFailure::TaskFailed { .. } | JobFailure::NoExecutors { .. } => true,
            JobFailure::StageFailed { .. } => self.fetch_failures > 0 || program.has_barriers(),
            JobFailure::TooFewSlots { tasks, slots, .. } => program.has_barriers() && tasks > slots,
            JobFailure::Indeterminate { shuffle, .. } => program.shuffles[shuffle].careless,
            JobFailure::Cancelled { .. } => self.jobs[&job].cancelled,
            // What these say is checked in `membership`.
            JobFailure::ResultTooLarge { .. } | JobFailure::NoExecutorLeft { .. } => true,
            // What this says is checked in `exclusion`.
            JobFailure::Excluded { .. } => true,
            JobFailure::ContextStopped { .. } => false,
        };
        if justified { Ok(()) } else { object(format!("job {job} fails without cause: {failure}")) }
    }
}

/// Compares an answer with that of one evaluation: the one whose whims it names.
/// Gives what the functions add that the job needs.
fn check_answer(program: &Program, job: JobId, record: &JobRecord) -> Result<Added, Objection> {
    let mut all = Data::default();
    for result in &record.results {
        let Some((_, data)) = result else {
            return object(format!("job {job} ends well without all its results"));
        };
        all.absorb(&data.whims, data.mixed);
    }
    if all.mixed {
        return object(format!("the answer of job {job} mixes two evaluations"));
    }
    let mut evaluation = program.evaluation(all.whims);
    for (partition, result) in record.partitions.iter().zip(&record.results) {
        let mut found = result.as_ref().map(|(_, data)| data.records.clone()).unwrap_or_default();
        let mut expected = program.expected(&mut evaluation, record.rdd, *partition);
        expected.truncate(record.limit);
        let mut given = Data { records: expected.clone(), ..Data::default() };
        program.act(job, *partition, &mut given);
        evaluation.added.extend(given.added);
        found.sort_unstable();
        expected.sort_unstable();
        if found != expected {
            return object(format!(
                "job {job} has a wrong answer in partition {partition}: {found:?}, expected {expected:?}"
            ));
        }
    }
    Ok(evaluation.added)
}
