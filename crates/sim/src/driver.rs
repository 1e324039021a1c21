//! The driver's shell, as small as a shell can be: words become events, effects become orders.

use crate::checker::{JobRecord, Objection};
use crate::data::Data;
use crate::machine::Plan;
use crate::oracle::sum_in;
use crate::program::{ACCUMULATORS, ALL};
use crate::world::{Happening, Message, Order, World};
use firesteel_plan::IsTruncated;
use firesteel_scheduler::{Effect, Event, JobSpec, StageSpec, TaskLaunch, TaskOutcome};
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, AppEvent, ExecutorId, ExecutorLossReason, JobFailure, JobId, Millis,
    Partition, RddId, ShuffleId, StageId, TaskFailure, TaskId, TaskLocation,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What came with the word being heard: who sent it, and what.
#[derive(Debug)]
pub(crate) struct AtHand {
    task: TaskId,
    data: Option<Box<Data>>,
    /// The map task and its digest, if the word tells of an output.
    wrote: Option<((ShuffleId, Partition), u64)>,
    updates: Vec<AccumulatorUpdate>,
}

impl World {
    /// An executor's word arrives at the driver.
    pub(crate) fn on_message(
        &mut self,
        from: ExecutorId,
        life: u32,
        message: Message,
    ) -> Result<(), Objection> {
        if !self.scheduler.knows_executor(from) {
            self.report.count_message_of_the_lost(&message);
        }
        let is_new = match &message {
            Message::Register => self.register(from, life)?,
            Message::Heartbeat(running) => {
                self.inform(Event::Heartbeat { executor: from, running: running.clone() }, None)?;
                true
            }
            Message::Finished { task, outcome, data, updates } => {
                let mut wrote = None;
                if let TaskOutcome::MapOutput { shuffle, map, checksum, .. } = outcome {
                    self.reported.insert(*task);
                    wrote = Some(((*shuffle, *map), *checksum));
                }
                let at_hand = AtHand { task: *task, data: data.clone(), wrote, updates: updates.clone() };
                let (outcome, updates) = (outcome.clone(), updates.clone());
                let event = Event::TaskFinished { task: *task, executor: from, outcome, updates };
                self.inform(event, Some(at_hand))?;
                true
            }
            Message::CommitRequest(task) => {
                self.inform(Event::CommitRequest { task: *task, executor: from }, None)?;
                true
            }
            Message::BarrierSync { task, epoch, message } => {
                self.checker.barriers.called(*task, *epoch);
                let (task, epoch, message) = (*task, *epoch, message.clone());
                self.inform(Event::BarrierSync { task, executor: from, epoch, message }, None)?;
                true
            }
            Message::Stored(cached) => {
                self.on_stored(from, life, *cached)?;
                true
            }
            Message::Dropped((rdd, partition, version)) => {
                let (rdd, partition, version) = (*rdd, *partition, *version);
                self.inform(Event::BlockDropped { executor: from, rdd, partition, version }, None)?;
                true
            }
            Message::Migrated(outputs) => {
                self.on_migrated(from, life, outputs)?;
                true
            }
            Message::Gone => {
                self.on_gone(from)?;
                false
            }
            Message::Ended { decommissioned, moved } => {
                let reason = match decommissioned {
                    true => ExecutorLossReason::Decommissioned,
                    false => ExecutorLossReason::Exited { code: None },
                };
                let outputs_survive = self.scenario.host_service || *moved;
                if *moved && !self.scheduler.knows_executor(from) {
                    // It was given up before, and does not know: whoever took what it wrote is told to drop it.
                    let machine = self.machines.get_mut(&from).expect("an executor is remembered for ever");
                    machine.blocks.clear();
                }
                self.inform(Event::ExecutorLost { executor: from, reason, outputs_survive }, None)?;
                false
            }
        };
        if is_new && !self.scheduler.knows_executor(from) {
            self.after(5, Happening::ToMachine { to: from, life, order: Order::RegisterAgain });
        }
        Ok(())
    }

    /// A life registers once; a doubled word does not bring the dead back.
    fn register(&mut self, from: ExecutorId, life: u32) -> Result<bool, Objection> {
        if self.lives.get(&from).is_some_and(|known| *known >= life) {
            return Ok(false);
        }
        self.lives.insert(from, life);
        let Self { machines, .. } = self;
        let machine = &machines[&from];
        let event = Event::ExecutorAdded { executor: from, host: machine.host.clone(), slots: machine.slots };
        self.inform(event, None)?;
        Ok(true)
    }

    /// Tells the scheduler what happened, and does what it says.
    pub(crate) fn inform(&mut self, event: Event, at_hand: Option<AtHand>) -> Result<(), Objection> {
        let mut effects = vec![];
        self.scheduler.handle(Millis(self.now + self.skew_ms), event, &mut effects);
        let reads = effects.iter().any(|effect| matches!(effect, Effect::JobEnded { .. }));
        for effect in effects {
            if self.is_traced() {
                self.trace(format!("    -> {effect:?}"));
            }
            self.act(effect, at_hand.as_ref())?;
        }
        self.checker.barriers.all_or_nothing()?;
        if reads || self.happened().is_multiple_of(64) {
            self.check_accumulators()?;
        }
        self.plan_tick();
        Ok(())
    }

    fn act(&mut self, effect: Effect, at_hand: Option<&AtHand>) -> Result<(), Objection> {
        match effect {
            Effect::Launch(launch) => self.launch(launch)?,
            Effect::Kill { task, executor, .. } => {
                self.checker.attempt_over(task);
                self.order(executor, Order::Kill(task));
            }
            Effect::ResultAccepted { job, output, task } => {
                let held = self.held.remove(&task);
                let at_hand = match &held {
                    Some((data, _)) => Some((task, Some(&**data))),
                    None => at_hand.map(|message| (message.task, message.data.as_deref())),
                };
                self.checker.result_accepted(job, output, task, at_hand)?;
                if let Some((_, updates)) = held {
                    self.checker.oracle.accepted(&self.program, None, &updates);
                }
                if self.rng.per_mille(self.scenario.faults.too_large) {
                    let delay = self.rng.below(3_000);
                    self.after(delay, Happening::TooLarge { job });
                }
            }
            Effect::ResultHeld { task } => {
                let message =
                    at_hand.filter(|message| message.task == task).ok_or("what is held is not at hand")?;
                let data = message.data.clone().ok_or("what is held is no result")?;
                self.held.insert(task, (data, message.updates.clone()));
            }
            Effect::ResultDropped { task } => {
                self.checker.barriers.dropped += 1;
                self.checker.attempt_over(task);
                if self.held.remove(&task).is_none() {
                    return Err(format!("the result of task {task} is dropped, and was not held"));
                }
            }
            Effect::BarrierRelease { task, executor, epoch, messages } => {
                self.checker.barriers.let_on(task, epoch, &messages)?;
                self.order(executor, Order::BarrierRelease { task, epoch, messages });
            }
            Effect::BarrierRefused { task, executor, epoch, reason, retryable } => {
                self.checker.barriers.refused(task, executor, retryable)?;
                self.order(executor, Order::BarrierRefused { task, epoch, reason, retryable });
            }
            Effect::JobEnded { job, failure } => {
                self.report.count_end(failure.as_ref());
                self.check_no_executors(job, failure.as_ref())?;
                let program = Arc::clone(&self.program);
                self.checker.job_ended(&program, job, failure, self.scenario.is_calm())?;
                self.release();
            }
            Effect::StageForgotten { stage } => {
                if self.plans.remove(&stage).is_none() {
                    return Err(format!("stage {stage} is forgotten, but was not known"));
                }
            }
            Effect::MapOutputDropped { shuffle, map, task, executor } => {
                self.report.outputs_dropped += 1;
                // Of two copies, one may go.
                if self.scheduler.holder_of_output(shuffle, map, task).is_none() {
                    self.checker.dropped(task);
                }
                self.order(executor, Order::Drop((shuffle, map, task)));
            }
            Effect::DropCached { rdd, executor } => self.order(executor, Order::DropCached(rdd)),
            Effect::CommitDecision { task, executor, allowed } => {
                self.checker.commit_decided(task, allowed)?;
                self.order(executor, Order::CommitDecision { task, allowed });
            }
            Effect::UpdateSettled { accumulator, bytes } => {
                let value = &mut self.settled[accumulator.0 as usize];
                *value = value.wrapping_add(sum_in(&bytes));
                self.report.updates_settled += 1;
            }
            Effect::Event(event) => self.note(&event, at_hand),
        }
        Ok(())
    }

    /// Whether a job fails for want of executors when it should, and only then.
    fn check_no_executors(&self, job: JobId, failure: Option<&JobFailure>) -> Result<(), Objection> {
        let fails_so = matches!(failure, Some(JobFailure::NoExecutors { .. }));
        if fails_so && self.machines.keys().any(|id| self.scheduler.knows_executor(*id)) {
            return Err(format!("job {job} is told that there are no executors, and there are"));
        }
        if !self.scenario.has_no_executors {
            return Ok(());
        }
        let record = &self.checker.jobs[&job];
        let waited_ms = self.now.min(self.scenario.quiet_from_ms).saturating_sub(record.submitted_at);
        if waited_ms > self.scenario.settings.no_executors_timeout_ms + 1_000 {
            return Err(format!("job {job} waits for executors for {waited_ms} ms"));
        }
        Ok(())
    }

    /// Users let go of RDDs that no job will need, and begin accumulators anew.
    fn release(&mut self) {
        let running = self.checker.jobs.values().filter(|job| job.ended.is_none()).map(|job| job.rdd);
        let needed: BTreeSet<RddId> = running
            .chain(self.programme.values().copied())
            .flat_map(|rdd| self.program.ancestors(rdd))
            .collect();
        for rdd in self.program.rdds().into_iter().filter(|rdd| !needed.contains(rdd)) {
            if self.rng.per_mille(200) {
                self.after(1, Happening::ReleaseRdd { rdd });
            }
        }
        if self.rng.per_mille(30) {
            let accumulator = AccumulatorId(self.rng.below(ACCUMULATORS));
            self.after(1, Happening::Reset { accumulator });
        }
    }

    fn note(&mut self, event: &AppEvent, at_hand: Option<&AtHand>) {
        self.status.apply(event);
        match event {
            AppEvent::TaskEnded { task, stage, failure: None, .. } => {
                let message =
                    at_hand.filter(|message| message.task == *task).expect("a task succeeds by its own word");
                self.checker.barriers.over(*task);
                // What a barrier stage answers counts when all of it is there.
                let waits = self.plans.get(stage).is_some_and(|plan| plan.barrier && plan.output.is_none());
                if !waits {
                    self.checker.oracle.accepted(&self.program, message.wrote, &message.updates);
                }
            }
            AppEvent::TaskEnded { task, failure: Some(failure), .. } => {
                self.checker.attempt_over(*task);
                if let TaskFailure::FetchFailed { shuffle, map, map_task, .. } = failure
                    && self.scheduler.holder_of_output(*shuffle, *map, *map_task).is_none()
                {
                    self.checker.dropped(*map_task);
                }
            }
            AppEvent::StageSubmitted { attempt, .. } => self.report.stage_retries += u64::from(attempt.0 > 0),
            AppEvent::StageCompleted { failure: Some(why), .. } if why.contains("rolled back") => {
                self.report.rollbacks += 1;
            }
            AppEvent::ExecutorRemoved { executor, reason, .. } => {
                self.report.executors_lost += 1;
                let is_known_to_move = *reason == ExecutorLossReason::Decommissioned;
                let machine = self.machines.get_mut(executor).expect("an executor is remembered for ever");
                let survive =
                    !machine.gone && (self.scenario.host_service || machine.moved && is_known_to_move);
                if !survive {
                    if machine.moved {
                        // The driver gave it up before it heard that others have what it wrote.
                        machine.blocks.clear();
                    }
                    self.checker.executor_gone(*executor);
                }
            }
            AppEvent::JobStarted { .. }
            | AppEvent::JobEnded { .. }
            | AppEvent::StageCompleted { .. }
            | AppEvent::TaskStarted { .. }
            | AppEvent::ExecutorAdded { .. } => {}
        }
    }

    fn launch(&mut self, launch: TaskLaunch) -> Result<(), Objection> {
        self.report.launches += 1;
        self.report.copies += u64::from(launch.speculative);
        let Some(plan) = self.plans.get(&launch.stage).cloned() else {
            return Err(format!(
                "task {} belongs to stage {}, which is forgotten",
                launch.task, launch.stage
            ));
        };
        self.checker.launched(&launch, plan.barrier)?;
        if !self.scheduler.knows_executor(launch.executor) {
            return Err(format!(
                "task {} goes to executor {}, which is not there",
                launch.task, launch.executor
            ));
        }
        self.order(launch.executor, Order::Launch(Box::new(launch), plan));
        Ok(())
    }

    /// A user calls an action.
    pub(crate) fn submit(&mut self, job: JobId) -> Result<(), Objection> {
        let rdd = self.programme.remove(&job).expect("a job is submitted once");
        let commits = self.rng.per_mille(300);
        let stages = self.program.lineage.cut(rdd).stages;
        let waits = self.program.lineage.check_barrier(stages.last().expect("an action has a stage"), None);
        let waits = waits.expect("programs regroup nothing behind barriers");
        let partitions = self.choose_partitions(rdd, waits);
        let limit = if !waits && self.rng.per_mille(250) { self.rng.between(1, 6) as usize } else { ALL };
        let record = JobRecord {
            rdd,
            partitions: partitions.clone(),
            commits,
            limit,
            results: vec![None; partitions.len()],
            submitted_at: self.now,
            ended: None,
            too_large: false,
            cancelled: self.checker.jobs.get(&job).is_some_and(|early| early.cancelled),
        };
        self.checker.jobs.insert(job, record);
        let stages: Vec<StageSpec> = stages.into_iter().map(|cut| self.stage(cut, commits, limit)).collect();
        let pool = self.rng.per_mille(500).then(|| self.rng.pick(&["a", "b"]).to_string());
        let site = stages.last().expect("an action has a stage").site.clone();
        let group = Some(format!("group{}", job.0 % 2));
        let tags = vec![format!("tag{}", job.0)];
        self.inform(Event::SubmitJob(JobSpec { job, site, stages, partitions, pool, group, tags }), None)
    }

    fn choose_partitions(&mut self, rdd: RddId, all_or_none: bool) -> Vec<Partition> {
        let all = (0..self.program.partitions(rdd)).map(Partition);
        match self.rng.below(10) {
            0 => vec![],
            1 | 2 => all.rev().collect(),
            _ if all_or_none => all.collect(),
            3 => all.take(1).collect(),
            4 => all.filter(|_| self.rng.per_mille(500)).collect(),
            _ => all.collect(),
        }
    }

    fn stage(&mut self, cut: firesteel_plan::StageBoundary, commits: bool, limit: usize) -> StageSpec {
        let stage = StageId(self.next_stage);
        self.next_stage += 1;
        let partitions = self.program.partitions(cut.rdd);
        let commits = commits && cut.output.is_none();
        let limit = if cut.output.is_none() { limit } else { ALL };
        let lineage = &self.program.lineage;
        let barrier = lineage.check_barrier(&cut, None).expect("programs regroup nothing behind barriers");
        let plan = Plan { rdd: cut.rdd, output: cut.output, limit, barrier, commits };
        self.plans.insert(stage, Arc::new(plan));
        let cached = lineage.cached(&cut, |rdd| self.caching.is_persisted(rdd).then_some(IsTruncated(false)));
        let mut preferred: Vec<Vec<TaskLocation>> =
            (0..partitions).map(|p| lineage.preferred_locations(cut.rdd, Partition(p))).collect();
        if preferred.iter().all(Vec::is_empty) {
            preferred.clear();
        }
        let site = lineage.get(cut.rdd).site.clone();
        StageSpec {
            stage,
            site,
            output: cut.output,
            inputs: cut.inputs,
            partitions,
            preferred,
            cached,
            barrier,
        }
    }

    /// A user cancels: a job, or all of its group, or all with its tag.
    pub(crate) fn cancel(&mut self, job: JobId) -> Result<(), Objection> {
        let reason = "the user said so".to_string();
        let group = format!("group{}", job.0 % 2);
        let whole_group = self.rng.per_mille(300);
        for (id, record) in &mut self.checker.jobs {
            record.cancelled |= *id == job || (whole_group && id.0 % 2 == job.0 % 2);
        }
        let event = match (whole_group, self.rng.per_mille(300)) {
            (true, _) => Event::CancelGroup { group, reason },
            (false, true) => Event::CancelTag { tag: format!("tag{}", job.0), reason },
            (false, false) => Event::CancelJob { job, reason },
        };
        self.inform(event, None)
    }

    /// The shell finds that the results are too large; perhaps the job has ended since.
    pub(crate) fn too_large(&mut self, job: JobId) -> Result<(), Objection> {
        self.checker.found_too_large(job);
        self.inform(
            Event::FailJob { job, failure: JobFailure::ResultTooLarge { tasks: 1, bytes: 2, limit: 1 } },
            None,
        )
    }
}
