//! One driver, from its start until it has done its program or is killed: a shell as small as a shell can be, and executors that work off
//! their tasks in any order.

use super::Stop;
use super::lasting::{Lasting, path};
use super::scenario::Keeps;
use crate::data::{Block, Data, Record, updates};
use crate::machine::{BlockName, Plan};
use crate::oracle::sum_in;
use crate::program::{ACCUMULATORS, ALL, Program, Source};
use crate::rng::Rng;
use firesteel_recovery::{FoundShuffle, Journal, KnownShuffle, Record as Written};
use firesteel_scheduler::{
    Application, ApplicationEffect, ApplicationEvent, ApplicationSettings, Effect, Event, JobSpec,
    JournalSettings, MapOutput, RestoredShuffle, Scheduler, SchedulerSettings, StageSpec, TaskLaunch,
    TaskOutcome,
};
use firesteel_types::{
    AccumulatorId, CallSite, CountedUpdate, ExecutorId, ExecutorLossReason, JobId, JournalEntry, KillReason,
    Millis, Partition, ShuffleId, StageId, StoredOutputs, TaskFailure, TaskId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One driver.
pub(crate) struct Life<'a> {
    pub(crate) lasting: &'a mut Lasting,
    pub(crate) rng: Rng,
    pub(crate) journal: Journal,
    application: Application,
    plans: BTreeMap<StageId, Arc<Plan>>,
    attempts: BTreeMap<TaskId, (TaskLaunch, Arc<Plan>)>,
    next_executor: u32,
    next_stage: u32,
    now: u64,
    settled: Vec<u64>,
    /// The answers of jobs, as far as they are there.
    pub(crate) answers: BTreeMap<JobId, Vec<Option<Vec<Record>>>>,
    pub(crate) ended: BTreeMap<JobId, bool>,
    /// The number of drivers before this one.
    life: u32,
    /// Map outputs that wait to be stored.
    uploads: Vec<BlockName>,
    /// The shuffles that jobs have needed which run.
    taken_up: BTreeSet<ShuffleId>,
    /// The words under which jobs write outputs.
    pub(crate) tokens: BTreeMap<JobId, (u32, String)>,
}

/// The map outputs that a task reads.
struct Reader<'a> {
    lasting: &'a Lasting,
    scheduler: &'a Scheduler,
    launch: &'a TaskLaunch,
}

impl Reader<'_> {
    /// Returns an output, where the task was told that it is.
    fn block(&self, shuffle: ShuffleId, output: &MapOutput) -> Option<&Block> {
        let (map, task) = (output.map, output.task);
        if output.executor == ExecutorId::STORAGE {
            let object = self.scheduler.stored_output(shuffle, map, task)?;
            return self.lasting.storage.get(object, (shuffle, map, task));
        }
        let (on, block) = self.lasting.blocks.get(&(shuffle, map, task))?;
        (*on == output.executor).then_some(block)
    }
}

impl Source for Reader<'_> {
    type Failure = TaskFailure;

    fn read(&mut self, shuffle: ShuffleId, reducer: Partition) -> Result<Data, TaskFailure> {
        let outputs = self.launch.inputs.iter().find(|input| input.shuffle == shuffle);
        let mut data = Data::default();
        for output in &outputs.expect("a task is told where to read").maps {
            let Some(block) = self.block(shuffle, output) else {
                return Err(TaskFailure::FetchFailed {
                    shuffle,
                    map: output.map,
                    map_task: output.task,
                    executor: output.executor,
                    unreachable: vec![],
                    message: "no such block".into(),
                });
            };
            data.records.extend(&block.buckets[reducer.index()]);
        }
        Ok(data)
    }
}

/// The bytes of a result.
fn encoded(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(|(k, v)| [k.to_le_bytes(), v.to_le_bytes()]).flatten().collect()
}

impl<'a> Life<'a> {
    /// Starts a driver with what is on the disk.
    pub(crate) fn start(lasting: &'a mut Lasting, rng: Rng) -> Result<Life<'a>, Stop> {
        let journal = lasting.open();
        let journaled = match lasting.scenario.keeps {
            Keeps::Nothing => JournalSettings::Jobs,
            Keeps::Some | Keeps::All => JournalSettings::JobsAndShuffles,
        };
        let scheduler = SchedulerSettings {
            max_task_failures: 1_000,
            max_consecutive_stage_attempts: 1_000,
            locality_wait_ms: 0,
            network_timeout_ms: u64::MAX / 4,
            unaccounted_task_timeout_ms: u64::MAX / 4,
            journal: journaled,
            ..SchedulerSettings::default()
        };
        let mut life = Life {
            lasting,
            rng,
            life: journal.lives(),
            uploads: vec![],
            taken_up: BTreeSet::new(),
            journal,
            application: Application::new(ApplicationSettings { scheduler, max_result_size: 0 }),
            plans: BTreeMap::new(),
            attempts: BTreeMap::new(),
            next_executor: 0,
            next_stage: 0,
            now: 0,
            settled: vec![0; ACCUMULATORS as usize],
            answers: BTreeMap::new(),
            ended: BTreeMap::new(),
            tokens: BTreeMap::new(),
        };
        for accumulator in (0..ACCUMULATORS).map(AccumulatorId) {
            life.schedule(Event::AccumulatorRegistered { accumulator }, None)?;
        }
        for _ in 0..life.rng.between(1, 3) {
            life.add_executor()?;
        }
        Ok(life)
    }

    fn add_executor(&mut self) -> Result<(), Stop> {
        let executor = ExecutorId(self.next_executor);
        self.next_executor += 1;
        self.schedule(Event::ExecutorAdded { executor, host: format!("host{executor}"), slots: 2 }, None)
    }

    /// The application handles an event, and what it wants done is done: the driver may be killed before each of its effects.
    pub(crate) fn schedule(&mut self, event: Event, at_hand: Option<&Data>) -> Result<(), Stop> {
        self.now += 1;
        let mut effects = vec![];
        self.application.handle(Millis(self.now), ApplicationEvent::Scheduler(event), &mut effects);
        for effect in effects {
            self.lasting.may_die()?;
            self.act(effect, at_hand)?;
        }
        Ok(())
    }

    fn act(&mut self, effect: ApplicationEffect, at_hand: Option<&Data>) -> Result<(), Stop> {
        match effect {
            ApplicationEffect::Scheduler(Effect::Launch(launch)) => self.launch(launch),
            ApplicationEffect::Scheduler(Effect::ResultAccepted { job, output, task }) => {
                let data =
                    at_hand.ok_or_else(|| format!("the result of task {task} counts, and is not at hand"))?;
                let bytes = encoded(&data.records);
                self.lasting.append(&Written::Result { job, output: output as u32, bytes });
                self.answers.get_mut(&job).expect("it was submitted")[output] = Some(data.records.clone());
                Ok(())
            }
            ApplicationEffect::Scheduler(Effect::Journal(entry)) => {
                match &entry {
                    JournalEntry::OutputsStored { shuffle, object, outputs, .. } => {
                        self.lasting.storage.note_written(*shuffle, *object, outputs);
                    }
                    JournalEntry::OutputChanged { shuffle, map } => {
                        return Err(
                            format!("map task {map} of shuffle {shuffle} is said to have changed").into()
                        );
                    }
                    JournalEntry::JobEnded { .. }
                    | JournalEntry::ShuffleWritten { .. }
                    | JournalEntry::OutputsGivenUp { .. } => {}
                }
                self.lasting.append(&Written::Done(entry));
                Ok(())
            }
            ApplicationEffect::Scheduler(Effect::StoredShuffleDropped { shuffle }) => {
                self.uploads.retain(|(of, ..)| *of != shuffle);
                self.lasting.storage.remove(shuffle);
                Ok(())
            }
            ApplicationEffect::Scheduler(Effect::JobEnded { job, failure: None }) => {
                self.ended.insert(job, true);
                Ok(())
            }
            ApplicationEffect::Scheduler(Effect::JobEnded { job, failure: Some(failure) }) => {
                Err(format!("job {job} fails: {failure}").into())
            }
            ApplicationEffect::Scheduler(Effect::StageForgotten { stage }) => {
                self.plans.remove(&stage);
                Ok(())
            }
            ApplicationEffect::Scheduler(Effect::UpdateSettled { accumulator, bytes }) => {
                let value = &mut self.settled[accumulator.0 as usize];
                *value = value.wrapping_add(sum_in(&bytes));
                Ok(())
            }
            ApplicationEffect::RemoveOutput { shuffle, map, task, is_copy: false, .. } => {
                self.lasting.blocks.remove(&(shuffle, map, task));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn launch(&mut self, launch: TaskLaunch) -> Result<(), Stop> {
        let plan = self.plans.get(&launch.stage).cloned();
        let plan = plan.ok_or_else(|| format!("task {} belongs to a forgotten stage", launch.task))?;
        self.lasting.report.launches += 1;
        if self.lasting.must_be_restored(launch.job) {
            return Err(
                format!("a task of job {} runs, which an earlier driver has seen ended", launch.job).into()
            );
        }
        let map = launch.partition;
        if let Some(shuffle) = plan.output.filter(|of| self.lasting.storage.must_be_there(*of, map)) {
            return Err(
                format!("map task {map} of shuffle {shuffle} runs again, and its output is there").into()
            );
        }
        self.attempts.insert(launch.task, (launch, plan));
        Ok(())
    }

    /// Submits a job that is to run. The map outputs that can be had are taken up before.
    pub(crate) fn submit(&mut self, job: JobId) -> Result<(), Stop> {
        self.lasting.report.ran += 1;
        let spec = self.spec(job);
        if self.lasting.scenario.keeps != Keeps::Nothing {
            self.take_up(&spec)?;
        }
        self.answers.insert(job, vec![None; spec.partitions.len()]);
        self.ended.insert(job, false);
        self.schedule(Event::SubmitJob(spec), None)
    }

    /// Takes up the map outputs of earlier drivers.
    fn take_up(&mut self, spec: &JobSpec) -> Result<(), Stop> {
        for stage in &spec.stages {
            let Some(shuffle) = stage.output.filter(|shuffle| self.taken_up.insert(*shuffle)) else {
                continue;
            };
            let known = match self.journal.shuffle(shuffle, print_of(shuffle)) {
                FoundShuffle::Known(known) => known,
                FoundShuffle::Unknown => KnownShuffle::default(),
                FoundShuffle::Other => return Err(format!("shuffle {shuffle} is another one").into()),
            };
            let (fingerprint, inputs) = (print_of(shuffle), stage.inputs.clone());
            self.lasting.append(&Written::Shuffle { shuffle, fingerprint, inputs });
            let mut outputs = known.outputs;
            outputs.retain(|(_, object)| self.lasting.storage.lists(*object));
            self.lasting.report.outputs += outputs.len() as u64;
            let restored = RestoredShuffle {
                shuffle,
                maps: stage.partitions,
                inputs: stage.inputs.clone(),
                checksums: known.checksums,
                outputs,
                updates: known.updates,
            };
            self.schedule(Event::OutputsRestored(restored), None)?;
        }
        Ok(())
    }

    /// Ends a job whose answer is known.
    pub(crate) fn restore(
        &mut self,
        job: JobId,
        updates: Vec<CountedUpdate>,
        results: Vec<Vec<Record>>,
    ) -> Result<(), Stop> {
        self.lasting.report.restored += 1;
        let spec = self.spec(job);
        spec.stages.iter().for_each(|stage| drop(self.plans.remove(&stage.stage)));
        self.answers.insert(job, results.into_iter().map(Some).collect());
        self.ended.insert(job, true);
        let shuffles: Vec<ShuffleId> = spec.stages.iter().filter_map(|stage| stage.output).collect();
        let stored = self.journal.stored(&shuffles);
        self.schedule(Event::JobRestored { job: spec, updates, stored }, None)
    }

    fn spec(&mut self, job: JobId) -> JobSpec {
        let plan = self.lasting.job(job).clone();
        let program = self.lasting.program.clone();
        let mut stages = vec![];
        for cut in program.lineage.cut(plan.rdd).stages {
            let stage = StageId(self.next_stage);
            self.next_stage += 1;
            let limit = if cut.output.is_none() { plan.limit } else { ALL };
            let commits = cut.output.is_none() && plan.output.is_some();
            let persisted = Default::default();
            let made = Plan { rdd: cut.rdd, output: cut.output, limit, barrier: false, commits, persisted };
            self.plans.insert(stage, Arc::new(made));
            stages.push(StageSpec {
                stage,
                site: CallSite::default(),
                output: cut.output,
                partitions: program.partitions(cut.rdd),
                inputs: cut.inputs,
                preferred: vec![],
                cached: Default::default(),
                rdds: [].into(),
                barrier: false,
            });
        }
        let (pool, group, tags, properties) = (None, None, vec![], Default::default());
        JobSpec {
            job,
            site: CallSite::default(),
            stages,
            partitions: plan.partitions,
            pool,
            group,
            tags,
            properties,
        }
    }

    /// Something happens: a task ends in some way, or an executor goes.
    pub(crate) fn proceed(&mut self) -> Result<(), Stop> {
        let tasks: Vec<TaskId> = self.attempts.keys().copied().collect();
        if tasks.is_empty() {
            return Err("jobs run, and no task does".to_string().into());
        }
        if self.rng.per_mille(self.lasting.scenario.executor_dies) {
            return self.lose_executor();
        }
        if !self.uploads.is_empty() && self.rng.per_mille(300) {
            return self.upload();
        }
        let task = *self.rng.pick(&tasks);
        let (launch, plan) = self.attempts.remove(&task).expect("it was picked from these");
        let executor = launch.executor;
        let is_wanted = self.application.scheduler().job_of(task).is_some();
        let failed = |failure| TaskOutcome::Failed { failure: Box::new(failure) };
        let finished =
            |outcome, updates| Event::TaskFinished { task, executor, outcome, updates, metrics: None };
        if !is_wanted {
            return self.schedule(finished(failed(TaskFailure::Killed(KillReason::JobEnded)), vec![]), None);
        }
        if self.rng.per_mille(self.lasting.scenario.task_fails) {
            let failure = TaskFailure::Operation {
                operation: "be lucky".into(),
                message: "the dice said no".into(),
                site: CallSite::default(),
                retryable: true,
            };
            return self.schedule(finished(failed(failure), vec![]), None);
        }
        let program: Arc<Program> = self.lasting.program.clone();
        let scheduler = self.application.scheduler();
        let mut reader = Reader { lasting: self.lasting, scheduler, launch: &launch };
        let data = match program.compute(plan.rdd, launch.partition, plan.limit, &mut reader) {
            Ok(data) => data,
            Err(failure) => {
                if let TaskFailure::FetchFailed { shuffle, executor: ExecutorId::STORAGE, .. } = &failure {
                    self.lasting.storage.excuse(*shuffle);
                }
                return self.schedule(finished(failed(failure), vec![]), None);
            }
        };
        match plan.output {
            Some(shuffle) => {
                let block = program.write(shuffle, launch.partition, data, 0);
                let (checksum, updates) = (block.checksum, updates(&block.added));
                let outcome = TaskOutcome::MapOutput { shuffle, map: launch.partition, bytes: 1, checksum };
                let name = (shuffle, launch.partition, task);
                self.lasting.blocks.insert(name, (executor, block));
                match self.lasting.scenario.keeps {
                    Keeps::Nothing => {}
                    Keeps::All => self.store(&[name])?,
                    Keeps::Some if self.rng.per_mille(300) => self.store(&[name])?,
                    Keeps::Some => self.uploads.push(name),
                }
                self.schedule(finished(outcome, updates), None)
            }
            None => {
                let mut data = data;
                program.act(launch.job, launch.partition, &mut data);
                if plan.commits {
                    let (number, token) = self.tokens[&launch.job].clone();
                    self.lasting.directories.stage(
                        &path(number),
                        &token,
                        launch.partition,
                        data.records.clone(),
                    );
                }
                let outcome = TaskOutcome::Result { bytes: data.bytes() };
                let event = finished(outcome, updates(&data.added));
                self.schedule(event, Some(&data))
            }
        }
    }

    /// Some of what waits for it is stored, or is not: its agent fails, or is killed.
    fn upload(&mut self) -> Result<(), Stop> {
        let shuffle = self.rng.pick(&self.uploads).0;
        let at_most = self.rng.between(1, 3) as usize;
        let mut names: Vec<BlockName> =
            self.uploads.iter().filter(|(of, ..)| *of == shuffle).copied().collect();
        names.truncate(at_most);
        self.uploads.retain(|name| !names.contains(name));
        if self.rng.per_mille(200) { Ok(()) } else { self.store(&names) }
    }

    /// Outputs of a shuffle are stored, those that are there, and the scheduler is told.
    fn store(&mut self, names: &[BlockName]) -> Result<(), Stop> {
        let there = names.iter().filter_map(|name| Some((*name, self.lasting.blocks.get(name)?.1.clone())));
        let blocks: BTreeMap<BlockName, Block> = there.collect();
        let Some((shuffle, ..)) = blocks.keys().next().copied() else { return Ok(()) };
        let outputs = blocks.keys().map(|(_, map, task)| (*map, *task)).collect();
        let object = self.lasting.storage.put(self.life, ExecutorId(0), (shuffle, blocks));
        self.lasting.may_die()?;
        self.schedule(Event::OutputsStored(StoredOutputs { shuffle, object, outputs }), None)
    }

    fn lose_executor(&mut self) -> Result<(), Stop> {
        let executors: Vec<ExecutorId> = (0..self.next_executor)
            .map(ExecutorId)
            .filter(|executor| self.application.scheduler().knows_executor(*executor))
            .collect();
        let executor = *self.rng.pick(&executors);
        self.add_executor()?;
        self.attempts.retain(|_, (launch, _)| launch.executor != executor);
        self.lasting.blocks.retain(|_, (on, _)| *on != executor);
        let reason = ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 };
        self.schedule(Event::ExecutorLost { executor, reason, outputs_survive: false }, None)
    }

    /// Returns the value of each accumulator.
    pub(crate) fn values(&self) -> Vec<u64> {
        let updates = |id: u64| self.application.scheduler().accumulator_updates(AccumulatorId(id));
        let sum = |id: u64| {
            let settled = self.settled[id as usize];
            updates(id).iter().map(|bytes| sum_in(bytes)).fold(settled, u64::wrapping_add)
        };
        (0..ACCUMULATORS).map(sum).collect()
    }

    /// An accumulator begins anew.
    pub(crate) fn reset(&mut self, accumulator: AccumulatorId) -> Result<(), Stop> {
        self.settled[accumulator.0 as usize] = 0;
        self.schedule(Event::AccumulatorReset { accumulator }, None)
    }

    /// The program has let go of everything: nothing may be remembered.
    pub(crate) fn check_empty(&self) -> Result<(), Stop> {
        if !self.application.scheduler().is_empty() || !self.plans.is_empty() {
            return Err("something is remembered after everything was released".to_string().into());
        }
        for shuffle in self.lasting.program.shuffles.keys() {
            let FoundShuffle::Known(known) = self.journal.shuffle(*shuffle, print_of(*shuffle)) else {
                continue;
            };
            if known.outputs.iter().any(|(_, object)| self.lasting.storage.lists(*object)) {
                return Err(
                    format!("the storage has an object of shuffle {shuffle}, which was released").into()
                );
            }
        }
        Ok(())
    }
}

/// The fingerprint of a shuffle's outputs: programs change only in their actions here.
fn print_of(shuffle: ShuffleId) -> [u8; 32] {
    [shuffle.0 as u8; 32]
}
