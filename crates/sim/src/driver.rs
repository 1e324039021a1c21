//! The driver's shell, as small as a shell can be: words become events, effects become orders.

use crate::checker::{JobRecord, Objection};
use crate::machine::Plan;
use crate::program::Data;
use crate::world::{Happening, Order, Word, World};
use firesteel_scheduler::{Effect, Event, JobSpec, StageSpec, TaskLaunch, TaskOutcome};
use firesteel_types::{
    AppEvent, ExecutorId, ExecutorLossReason, JobFailure, JobId, Millis, Partition, RddId, StageId,
    TaskFailure, TaskId, TaskLocation,
};
use std::sync::Arc;

/// The result that came with the word being heard: who sent it, and what.
type AtHand = (TaskId, Option<Data>);

impl World {
    /// An executor's word arrives at the driver.
    pub(crate) fn hear(&mut self, from: ExecutorId, life: u32, word: Word) -> Result<(), Objection> {
        let is_new = match &word {
            Word::Register => self.register(from, life)?,
            Word::Heartbeat(running) => {
                self.inform(Event::Heartbeat { executor: from, running: running.clone() }, None)?;
                true
            }
            Word::Finished { task, outcome, data } => {
                if let TaskOutcome::MapOutput { .. } = outcome {
                    self.reported.insert(*task);
                }
                let (outcome, updates) = (outcome.clone(), vec![]);
                let event = Event::TaskFinished { task: *task, executor: from, outcome, updates };
                self.inform(event, Some((*task, data.clone())))?;
                true
            }
            Word::CommitRequest(task) => {
                self.inform(Event::CommitRequest { task: *task, executor: from }, None)?;
                true
            }
            Word::Ended { decommissioned } => {
                let reason = match decommissioned {
                    true => ExecutorLossReason::Decommissioned,
                    false => ExecutorLossReason::Exited { code: None },
                };
                let outputs_survive = self.plot.host_service;
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
        self.scheduler.handle(Millis(self.now), event, &mut effects);
        for effect in effects {
            if self.is_told() {
                self.tell(format!("    -> {effect:?}"));
            }
            self.act(effect, at_hand.as_ref())?;
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
                self.checker.result_accepted(job, output, task, at_hand)?;
                if self.chance.per_mille(self.plot.faults.too_large) {
                    let delay = self.chance.below(3_000);
                    self.after(delay, Happening::TooLarge { job });
                }
            }
            Effect::JobEnded { job, failure } => {
                self.report.count_end(failure.as_ref());
                let program = Arc::clone(&self.program);
                self.checker.job_ended(&program, job, failure, self.plot.is_calm())?;
            }
            Effect::StageForgotten { stage } => {
                if self.plans.remove(&stage).is_none() {
                    return Err(format!("stage {stage} is forgotten, but was not known"));
                }
            }
            Effect::MapOutputDropped { shuffle, map, task, executor } => {
                self.report.outputs_dropped += 1;
                self.checker.dropped(task);
                self.order(executor, Order::Drop((shuffle, map, task)));
            }
            // Simulated executors keep no partitions.
            Effect::DropKept { .. } => {}
            Effect::CommitDecision { task, executor, allowed } => {
                self.checker.commit_decided(task, allowed)?;
                self.order(executor, Order::CommitDecision { task, allowed });
            }
            Effect::UpdateSettled { .. } => {}
            Effect::Event(event) => self.note(&event),
        }
        Ok(())
    }

    fn note(&mut self, event: &AppEvent) {
        self.status.apply(event);
        match event {
            AppEvent::TaskEnded { task, failure: Some(failure), .. } => {
                self.checker.attempt_over(*task);
                if let TaskFailure::FetchFailed { map_task, .. } = failure {
                    self.checker.dropped(*map_task);
                }
            }
            AppEvent::StageSubmitted { attempt, .. } => self.report.stage_retries += u64::from(attempt.0 > 0),
            AppEvent::StageCompleted { failure: Some(why), .. } if why.contains("rolled back") => {
                self.report.rollbacks += 1;
            }
            AppEvent::ExecutorRemoved { executor, .. } => {
                self.report.executors_lost += 1;
                if !self.plot.host_service {
                    self.checker.executor_gone(*executor);
                }
            }
            AppEvent::JobStarted { .. }
            | AppEvent::JobEnded { .. }
            | AppEvent::StageCompleted { .. }
            | AppEvent::TaskStarted { .. }
            | AppEvent::TaskEnded { .. }
            | AppEvent::ExecutorAdded { .. } => {}
        }
    }

    fn launch(&mut self, launch: TaskLaunch) -> Result<(), Objection> {
        self.report.launches += 1;
        self.report.copies += u64::from(launch.speculative);
        self.checker.launched(&launch)?;
        let Some(plan) = self.plans.get(&launch.stage).cloned() else {
            return Err(format!(
                "task {} belongs to stage {}, which is forgotten",
                launch.task, launch.stage
            ));
        };
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
        let commits = self.chance.per_mille(300);
        let partitions = self.choose_partitions(rdd);
        let record = JobRecord {
            rdd,
            partitions: partitions.clone(),
            commits,
            results: vec![None; partitions.len()],
            ended: None,
            too_large: false,
            cancelled: self.checker.jobs.get(&job).is_some_and(|early| early.cancelled),
        };
        self.checker.jobs.insert(job, record);
        let stages = self.program.lineage.cut(rdd).stages;
        let stages: Vec<StageSpec> = stages.into_iter().map(|cut| self.stage(cut, commits)).collect();
        let pool = self.chance.per_mille(500).then(|| self.chance.pick(&["a", "b"]).to_string());
        let site = stages.last().expect("an action has a stage").site.clone();
        let group = Some(format!("group{}", job.0 % 2));
        let tags = vec![format!("tag{}", job.0)];
        self.inform(Event::SubmitJob(JobSpec { job, site, stages, partitions, pool, group, tags }), None)
    }

    fn choose_partitions(&mut self, rdd: RddId) -> Vec<Partition> {
        let all = (0..self.program.partitions(rdd)).map(Partition);
        match self.chance.below(10) {
            0 => vec![],
            1 | 2 => all.rev().collect(),
            3 => all.take(1).collect(),
            4 => all.filter(|_| self.chance.per_mille(500)).collect(),
            _ => all.collect(),
        }
    }

    fn stage(&mut self, cut: firesteel_plan::StageCut, commits: bool) -> StageSpec {
        let stage = StageId(self.next_stage);
        self.next_stage += 1;
        let partitions = self.program.partitions(cut.rdd);
        let commits = commits && cut.output.is_none();
        self.plans.insert(stage, Arc::new(Plan { rdd: cut.rdd, output: cut.output, commits }));
        let lineage = &self.program.lineage;
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
            kept: Default::default(),
        }
    }

    /// A user cancels: a job, or all of its group, or all with its tag.
    pub(crate) fn cancel(&mut self, job: JobId) -> Result<(), Objection> {
        let reason = "the user said so".to_string();
        let group = format!("group{}", job.0 % 2);
        let whole_group = self.chance.per_mille(300);
        for (id, record) in &mut self.checker.jobs {
            record.cancelled |= *id == job || (whole_group && id.0 % 2 == job.0 % 2);
        }
        let event = match (whole_group, self.chance.per_mille(300)) {
            (true, _) => Event::CancelGroup { group, reason },
            (false, true) => Event::CancelTag { tag: format!("tag{}", job.0), reason },
            (false, false) => Event::CancelJob { job, reason },
        };
        self.inform(event, None)
    }

    /// The shell finds that the results are too large; perhaps the job has ended since.
    pub(crate) fn too_large(&mut self, job: JobId) -> Result<(), Objection> {
        self.checker.found_too_large(job);
        self.inform(Event::FailJob { job, failure: JobFailure::ResultTooLarge { bytes: 2, limit: 1 } }, None)
    }
}
