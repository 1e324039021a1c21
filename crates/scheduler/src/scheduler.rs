//! The scheduler as its shell sees it: [`Scheduler::handle`] branches, the other files compute.
//!
//! Each event is digested in three steps: it changes the tables and puts the stages that it may concern on
//! the agenda; `dag::advance` works off the agenda; `tasks::offers` offers the slots that a task may now
//! want.

use crate::accumulators::Accumulators;
use crate::barriers::Barriers;
use crate::block_locations::{BlockLocations, CachedCopies};
use crate::commit::Commits;
use crate::effect::{Effect, MapOutput};
use crate::event::Event;
use crate::exclusion::ApplicationExclusion;
use crate::executors::Executors;
use crate::jobs::Job;
use crate::map_outputs::MapOutputs;
use crate::pools::Pools;
use crate::running_tasks::RunningTasks;
use crate::settings::{JournalSettings, SchedulerSettings};
use crate::stages::Stages;
use crate::task_set::TaskSet;
use crate::unschedulable::Unschedulable;
use firesteel_types::{
    AccumulatorId, BlockKey, CallSite, ExecutorId, JobId, Millis, Partition, RddId, ShuffleId, StageId,
    StoredObject, TaskId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All jobs, stages, tasks, executors and map outputs of one application.
#[derive(Debug)]
pub struct Scheduler {
    pub(crate) settings: SchedulerSettings,
    pub(crate) now: Millis,
    pub(crate) executors: Executors,
    pub(crate) outputs: MapOutputs,
    pub(crate) blocks: BlockLocations,
    pub(crate) commits: Commits,
    pub(crate) accumulators: Accumulators,
    pub(crate) barriers: Barriers,
    pub(crate) pools: Pools,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    pub(crate) stages: Stages,
    pub(crate) tasks: RunningTasks,
    /// The agenda: the stages to reconsider before the event at hand is digested.
    pub(crate) dirty_stages: BTreeSet<StageId>,
    pub(crate) vacancies: Vacancies,
    pub(crate) next_speculation: Millis,
    pub(crate) exclusion: ApplicationExclusion,
    pub(crate) unschedulable: Unschedulable,
}

/// The slots to offer once the agenda is empty.
#[derive(Debug, Default)]
pub(crate) struct Vacancies {
    /// True to offer every free slot.
    pub(crate) all: bool,
    /// The executors whose slots to offer.
    pub(crate) executors: Vec<ExecutorId>,
}

/// The amount of work that there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// The number of tasks that wait for a slot.
    pub waiting: u32,
    /// The number of tasks that have one.
    pub running: u32,
}

/// The blocks that would be lost with executors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoleCopies {
    /// Map outputs.
    pub outputs: Vec<(ShuffleId, MapOutput)>,
    /// Cached partitions.
    pub cached: Vec<BlockKey>,
}

impl Scheduler {
    /// Makes a scheduler without executors and jobs.
    ///
    /// # Panics
    /// If the settings allow a task or a stage no attempt at all.
    pub fn new(settings: SchedulerSettings) -> Self {
        assert!(settings.max_task_failures > 0, "a task has at least one attempt");
        assert!(settings.max_consecutive_stage_attempts > 0, "a stage has at least one attempt");
        Scheduler {
            now: Millis(0),
            executors: Executors::new(settings.network_timeout_ms),
            outputs: MapOutputs::default(),
            blocks: BlockLocations::default(),
            commits: Commits::default(),
            accumulators: Accumulators::new(settings.journal != JournalSettings::Nothing),
            barriers: Barriers::default(),
            pools: Pools::new(&settings),
            jobs: BTreeMap::new(),
            stages: Stages::default(),
            tasks: RunningTasks::default(),
            dirty_stages: BTreeSet::new(),
            vacancies: Vacancies::default(),
            next_speculation: Millis(0),
            exclusion: ApplicationExclusion::new(settings.exclusion.unwrap_or_default()),
            unschedulable: Unschedulable::new(settings.exclusion.is_some()),
            settings,
        }
    }

    /// Digests one event and appends its effects.
    ///
    /// `now` does not go back. Events about tasks, executors and shuffles that are not known (any more)
    /// change nothing, so the shell may pass on late and doubled messages as they come.
    ///
    /// # Panics
    /// If a [`JobSpec`](crate::JobSpec) breaks a rule that its documentation states.
    pub fn handle(&mut self, now: Millis, event: Event, fx: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        self.include_again(fx);
        match event {
            Event::SubmitJob(spec) => self.submit_job(spec, fx),
            Event::JobRestored { job, updates, stored } => self.restore_job(job, updates, &stored, fx),
            Event::OutputsRestored(restored) => self.restore_outputs(restored),
            Event::CancelJob { job, reason } => self.cancel(&reason, |id, _| id == job, fx),
            Event::CancelGroup { group, reason } => {
                self.cancel(&reason, |_, job| job.group.as_deref() == Some(group.as_str()), fx);
            }
            Event::CancelTag { tag, reason } => self.cancel(&reason, |_, job| job.tags.contains(&tag), fx),
            Event::CancelAll { reason } => self.cancel(&reason, |_, _| true, fx),
            Event::FailJob { job, failure } => self.end_job(job, Some(failure), fx),
            Event::ExecutorAdded { executor, host, slots } => self.executor_added(executor, host, slots, fx),
            Event::ExecutorLost { executor, reason, outputs_survive } => {
                self.executor_lost(executor, reason, outputs_survive, fx);
            }
            Event::ExecutorsDecommissioning { executors } => {
                executors.into_iter().for_each(|executor| self.executor_decommissioning(executor));
            }
            Event::OutputsMoved { to, outputs } => self.outputs_moved(to, outputs, fx),
            Event::OutputsStored(stored) => self.outputs_stored(&stored, fx),
            Event::Heartbeat { executor, running } => self.heartbeat(executor, running, fx),
            Event::TaskFinished { task, executor, outcome, updates, metrics } => {
                self.task_finished((task, executor), outcome, updates, metrics, fx)
            }
            Event::CommitRequest { task, executor } => self.decide_commit(task, executor, fx),
            Event::BarrierSync { task, executor, epoch, message } => {
                self.barrier_sync((task, executor), epoch, message, fx);
            }
            Event::ShuffleReleased { shuffle } => self.shuffle_released(shuffle, fx),
            Event::BlockStored { executor, key, size } => self.block_stored(executor, key, size, fx),
            Event::BlockDropped { executor, key } => self.block_dropped(executor, key, fx),
            Event::RddUnpersisted { rdd, generation } => self.rdd_unpersisted(rdd, generation, fx),
            Event::AccumulatorRegistered { accumulator } => self.accumulators.register(accumulator),
            Event::AccumulatorReset { accumulator } => {
                self.accumulators.reset(accumulator, self.tasks.next());
            }
            Event::AccumulatorReleased { accumulator } => self.accumulators.release(accumulator),
            Event::RddReleased { rdd } => self.accumulators.rdd_released(rdd, fx),
            Event::SettleUpdates => self.accumulators.settle_all(fx),
            Event::Tick => self.tick(fx),
        }
        self.settle(fx);
        // Jobs that end here may leave stages that others share, which are on the agenda then.
        if self.fail_barrier_sets_without_slots(fx) {
            self.settle(fx);
        }
        self.make_offers(fx);
        if self.fail_unschedulable(fx) {
            self.settle(fx);
            self.make_offers(fx);
        }
    }

    /// Returns the time at which [`Event::Tick`] is due if nothing happens before. A tick that comes early
    /// does no harm.
    pub fn next_deadline(&self) -> Option<Millis> {
        let due = [
            self.executors.next_review(),
            self.next_relaxation(),
            self.next_speculation(),
            self.next_executor_deadline(),
            self.next_barrier_deadline(),
            self.exclusion.next_deadline(),
            self.unschedulable.next_deadline(),
        ];
        due.into_iter().flatten().min()
    }

    /// Returns whether all outputs of a shuffle are there, so that a job that needs it would skip the stage
    /// that writes it.
    pub fn is_shuffle_available(&self, shuffle: ShuffleId) -> bool {
        self.outputs.is_available(shuffle)
    }

    /// Returns whether an executor is registered. An executor that is not, and sends a message, was declared
    /// lost: it has to drop its tasks and map outputs and register again.
    pub fn knows_executor(&self, executor: ExecutorId) -> bool {
        self.executors.contains(executor)
    }

    /// Returns the executors that have cached a partition in this version, as far as is known: those that
    /// stay come first.
    pub fn holders(&self, rdd: RddId, partition: Partition, version: u64) -> Vec<ExecutorId> {
        let mut holders: Vec<ExecutorId> = self.blocks.holders(rdd, partition, version).collect();
        holders.sort_by_key(|holder| !self.executors.takes_tasks(*holder));
        holders
    }

    /// Returns how much of a persisted RDD executors have cached, as far as is known.
    pub fn cached_copies(&self, rdd: RddId) -> CachedCopies {
        self.blocks.size(rdd)
    }

    /// Returns how many tasks wait for a slot, and how many have one.
    pub fn load(&self) -> Load {
        let unlaunched = |id| self.stages.get(id)?.tasks.as_ref().map(TaskSet::unlaunched);
        let waiting = self.stages.open().filter_map(unlaunched).sum();
        Load { waiting, running: self.tasks.len() }
    }

    /// Returns whether an attempt takes a slot of an executor, even if it was told to stop.
    pub fn runs(&self, task: TaskId, executor: ExecutorId) -> bool {
        self.tasks.get(task).is_some_and(|task| task.executor == executor)
    }

    /// Returns the first of the jobs that want an attempt; `None` if it was told to stop.
    pub fn job_of(&self, task: TaskId) -> Option<JobId> {
        let task = self.tasks.get(task).filter(|task| task.killed.is_none())?;
        self.stages.get(task.stage).map(|stage| stage.turn().0)
    }

    /// Returns the operation after which the stage of an attempt is named; an empty one if the attempt is
    /// unknown, or its stage is gone.
    pub(crate) fn site_of(&self, task: TaskId) -> CallSite {
        let stage = self.tasks.get(task).and_then(|task| self.stages.get(task.stage));
        stage.map(|stage| stage.spec.site.clone()).unwrap_or_default()
    }

    /// Returns whether an executor has attempts, those that were told to stop among them.
    pub fn is_busy(&self, executor: ExecutorId) -> bool {
        self.executors.get(executor).is_some_and(|executor| !executor.running.is_empty())
    }

    /// Returns the number of attempts that an executor has, those that were told to stop among them.
    pub fn running_on(&self, executor: ExecutorId) -> usize {
        self.executors.get(executor).map_or(0, |executor| executor.running.len())
    }

    /// Notes that a cluster brings other executors when it is asked, so that tasks which may run nowhere wait for them.
    pub(crate) fn gets_other_executors(&mut self) {
        self.unschedulable.gets_others = true;
    }

    /// Returns whether any executor is registered.
    pub fn has_executors(&self) -> bool {
        self.executors.without_executors_since().is_none()
    }

    /// Returns whether an executor has a cached partition that counts, as far as is known.
    pub fn caches_any(&self, executor: ExecutorId) -> bool {
        self.blocks.holds_any(executor)
    }

    /// Returns the blocks that only these executors have, as far as is known.
    pub fn sole_copies(&self, executors: &BTreeSet<ExecutorId>) -> SoleCopies {
        let outputs = executors.iter().flat_map(|executor| self.outputs.on(*executor));
        let outputs = outputs.filter(|(shuffle, output)| self.outputs.stored(*shuffle, output.map).is_none());
        SoleCopies { outputs: outputs.collect(), cached: self.blocks.held_only_by(executors) }
    }

    /// Returns the executor that has the map output that an attempt wrote, if it counts.
    pub fn holder_of_output(&self, shuffle: ShuffleId, map: Partition, task: TaskId) -> Option<ExecutorId> {
        self.outputs.holder(shuffle, map).filter(|_| self.outputs.writer(shuffle, map) == Some(task))
    }

    /// Returns the number of map outputs that the shuffle storage does not have.
    pub fn unstored_outputs(&self) -> usize {
        self.outputs.unstored()
    }

    /// Returns the object of the shuffle storage that has the map output that an attempt wrote, if it counts.
    pub fn stored_output(&self, shuffle: ShuffleId, map: Partition, task: TaskId) -> Option<StoredObject> {
        self.outputs.stored(shuffle, map).filter(|_| self.outputs.writer(shuffle, map) == Some(task))
    }

    /// Returns whether no job runs, no task takes a slot, and no table has an entry but those that outlive
    /// jobs: executors, shuffles, persisted RDDs and accumulators.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty()
            && self.stages.is_empty()
            && self.tasks.is_empty()
            && self.commits.is_empty()
            && self.barriers.is_empty()
            && self.pools.is_empty()
            && self.unschedulable.is_empty()
    }

    /// Returns whether the scheduler is idle and has no shuffle, no persisted RDD and no update of an
    /// accumulator.
    pub fn is_empty(&self) -> bool {
        self.is_idle() && self.outputs.is_empty() && self.blocks.is_empty() && self.accumulators.is_settled()
    }

    /// Returns the updates of an accumulator that count and are not [settled](Effect::UpdateSettled) yet:
    /// encoded values to merge, in the order of scopes and partitions.
    pub fn accumulator_updates(&self, accumulator: AccumulatorId) -> Vec<Arc<[u8]>> {
        self.accumulators.updates(accumulator)
    }

    /// Returns a number that grows whenever [`Scheduler::accumulator_updates`] may have changed.
    pub fn accumulator_version(&self, accumulator: AccumulatorId) -> u64 {
        self.accumulators.version(accumulator)
    }

    fn tick(&mut self, fx: &mut Vec<Effect>) {
        self.expire_silent(fx);
        self.fail_without_executors(fx);
        self.speculate();
        self.time_out_barriers(fx);
        if self.barriers.any_waits() || self.next_relaxation().is_some_and(|due| due <= self.now) {
            self.vacancies.all = true;
        }
    }

    /// Returns the time at which a stage that waits for a slot near its data will take one that is less near;
    /// `None` while no slot is free.
    fn next_relaxation(&self) -> Option<Millis> {
        if self.executors.free_count() == 0 {
            return None;
        }
        let relaxes_at = |id| {
            let stage = self.stages.get(id).filter(|stage| !stage.spec.barrier)?;
            stage.tasks.as_ref()?.relaxes_at(self.settings.locality_wait_ms)
        };
        // Stages behind a barrier stage for which slots are held get none, so waking the scheduler for them
        // would be no use.
        match self.barriers.any_waits() {
            false => self.pools.all_runnable().filter_map(relaxes_at).min(),
            true => self.before_held().into_iter().filter_map(relaxes_at).min(),
        }
    }

    fn decide_commit(&mut self, id: TaskId, executor: ExecutorId, fx: &mut Vec<Effect>) {
        let asking = self.tasks.get(id).filter(|task| task.executor == executor && task.killed.is_none());
        let allowed = match asking {
            Some(task) => self.commits.request(task.stage, task.index, id),
            None => false,
        };
        fx.push(Effect::CommitDecision { task: id, executor, allowed });
    }
}
