//! The driver's shell, as small as a shell can be: messages become events, effects become orders.

use crate::checker::JobRecord;
use crate::data::Data;
use crate::happening::{Happening, Message, Order};
use crate::machine::Plan;
use crate::objection::Objection;
use crate::oracle::sum_in;
use crate::program::{ACCUMULATORS, ALL};
use crate::work::SLOW_MS;
use crate::world::World;
use firesteel_lending::{Excluded, PoolEvent};
use firesteel_plan::CachedAs;
use firesteel_scheduler::{
    AgentId, AgentMessage, ApplicationEffect, ApplicationEvent, Effect, Event, JobSpec, ReportedOutcome,
    StageSpec, TaskLaunch, TaskOutcome,
};
use firesteel_types::{
    AccumulatorId, AccumulatorUpdate, AppEvent, ExecutorId, ExecutorLossReason, Generation, JobFailure,
    JobId, Millis, Partition, RddId, ShuffleId, ShuffleReadMetrics, StageId, TaskFailure, TaskId,
    TaskLocation, TaskMetrics, TaskSummary,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// With so many executors, not all of their outputs are looked at with each answer about copies.
const MANY_EXECUTORS: u64 = 100;

/// The contents of the message that is being handled.
#[derive(Debug)]
pub(crate) struct AtHand {
    task: TaskId,
    data: Option<Box<Data>>,
    /// The map task and its digest, if the message tells of an output.
    wrote: Option<((ShuffleId, Partition), u64)>,
    updates: Vec<AccumulatorUpdate>,
}

/// Returns the figures that an attempt reports. No two attempts have the same, so that none can stand for another.
fn measured(task: TaskId) -> TaskMetrics {
    let shuffle_read = ShuffleReadMetrics { records: task.0 % 7, ..ShuffleReadMetrics::default() };
    TaskMetrics { run_us: 1 + task.0, input_records: task.0 * task.0, shuffle_read, ..TaskMetrics::default() }
}

impl World {
    /// A message of an agent, or news of it, arrives at the driver.
    pub(crate) fn on_message(&mut self, from: AgentId, message: Message) -> Result<(), Objection> {
        if !self.application.agents().contains_key(&from) {
            self.report.count_message_of_the_lost(&message);
        }
        match message {
            Message::Register(registration) => {
                let registration = *registration;
                self.note_registration(from);
                self.inform(ApplicationEvent::AgentRegistered { agent: from, registration }, None)
            }
            Message::Finished { executor, task, outcome, data, updates } => {
                let mut wrote = None;
                match &outcome {
                    ReportedOutcome::Complete(TaskOutcome::MapOutput { shuffle, map, checksum, .. }) => {
                        self.reported.insert(task);
                        wrote = Some(((*shuffle, *map), *checksum));
                    }
                    ReportedOutcome::Waiting { .. } => drop(self.reported.insert(task)),
                    ReportedOutcome::Complete(_) => {}
                }
                let at_hand = AtHand { task, data, wrote, updates: updates.clone() };
                let metrics = Some(Box::new(measured(task)));
                let message = AgentMessage::TaskFinished { executor, task, outcome, updates, metrics };
                self.inform(ApplicationEvent::Agent { agent: from, message }, Some(at_hand))
            }
            Message::Agent(message) => self.on_agent_message(from, message),
            Message::Disconnected => {
                self.note_disconnect(from);
                self.inform(ApplicationEvent::AgentDisconnected { agent: from }, None)
            }
            Message::Ended(reason) => {
                let name = self.machines[&from].name();
                self.note_end(from);
                self.inform(ApplicationEvent::AgentEnded { name, reason }, None)
            }
        }
    }

    fn on_agent_message(&mut self, from: AgentId, message: AgentMessage) -> Result<(), Objection> {
        let mut migrated = None;
        match &message {
            AgentMessage::BarrierSync { task, epoch, .. } => self.checker.barriers.called(*task, *epoch),
            AgentMessage::BlockStored { executor, key, .. } => {
                self.note_stored(*executor, (key.rdd, key.partition, key.version));
            }
            AgentMessage::BlockDropped { executor, key } => {
                self.caching.note_dropped(*executor, (key.rdd, key.partition, key.version));
            }
            AgentMessage::Migrated { report } => {
                for (key, _) in &report.cached {
                    self.note_stored(report.executor, (key.rdd, key.partition, key.version));
                }
                self.note_migrated(report.number);
                migrated = Some((report.executor, report.outputs.clone()));
            }
            AgentMessage::OutputsStored { stored } => self.note_stored_outputs(stored),
            AgentMessage::StoreDone { number, .. } => self.note_migrated(*number),
            _ => {}
        }
        self.inform(ApplicationEvent::Agent { agent: from, message }, None)?;
        for (shuffle, map, task) in migrated.iter().flat_map(|(_, outputs)| outputs) {
            let to = migrated.as_ref().map(|(to, _)| *to);
            if self.application.scheduler().holder_of_output(*shuffle, *map, *task) == to {
                self.check_holder((*shuffle, *map, *task), to.expect("there is one"))?;
                self.report.outputs_taken_over += 1;
                self.checker.taken_over(*task, to.expect("there is one"));
            }
        }
        // An answer about an output that was written anew meanwhile must change nothing.
        if migrated.is_some() && self.scenario.executors < MANY_EXECUTORS {
            self.check_outputs()?;
        }
        Ok(())
    }

    /// The driver asks for a large result, and gets it or does not.
    pub(crate) fn fetched(
        &mut self,
        (agent, executor): (AgentId, ExecutorId),
        task: TaskId,
        address: &str,
    ) -> Result<(), Objection> {
        self.membership.fetching.remove(&task);
        // A service of the host would still have the result, and be told to remove it.
        let is_gone = !self.scenario.host_service && !self.application.agents().contains_key(&agent);
        if is_gone && !self.is_quiet() && self.rng.per_mille(self.scenario.faults.fetches_forgotten) {
            return Ok(());
        }
        let machine = &self.machines[&agent];
        let is_reached = machine.cut_until <= self.now && self.is_served(agent);
        let found =
            self.stores.get(address).and_then(|store| store.results.get(&task)).filter(|_| is_reached);
        let (result, at_hand) = match found.cloned() {
            Some((data, updates)) => {
                let bytes = data.bytes();
                (Ok(bytes), Some(AtHand { task, data: Some(data), wrote: None, updates }))
            }
            None => (Err("no answer".to_string()), None),
        };
        self.report.results_fetched += u64::from(result.is_ok());
        self.inform(ApplicationEvent::ResultFetched { agent, executor, task, result }, at_hand)
    }

    /// Tells the scheduler what happened, and does what the application says.
    pub(crate) fn schedule(&mut self, event: Event) -> Result<(), Objection> {
        self.inform(ApplicationEvent::Scheduler(event), None)
    }

    /// Tells the application what happened, and does what it says.
    pub(crate) fn inform(
        &mut self,
        event: ApplicationEvent,
        at_hand: Option<AtHand>,
    ) -> Result<(), Objection> {
        let mut effects = vec![];
        let stored = self.stored_before(&event);
        self.application.handle(Millis(self.now + self.skew_ms), event, &mut effects);
        self.check_kept(&stored, &effects)?;
        self.check_effects(&effects)?;
        self.check_departed()?;
        self.note_given_back();
        let is_end = |effect: &ApplicationEffect| {
            matches!(effect, ApplicationEffect::Scheduler(Effect::JobEnded { .. }))
        };
        let reads = effects.iter().any(is_end);
        for effect in effects {
            // Heartbeats are answered all the time.
            if self.is_traced() && !matches!(effect, ApplicationEffect::Acknowledge { .. }) {
                self.trace(format!("    -> {effect:?}"));
            }
            match effect {
                ApplicationEffect::Scheduler(effect) => self.act(effect, at_hand.as_ref())?,
                effect => self.act_on_agents(effect)?,
            }
        }
        self.checker.barriers.all_or_nothing()?;
        self.checker.exclusion.check_told(self.now + self.skew_ms)?;
        if reads || self.happened.is_multiple_of(64) {
            self.check_accumulators()?;
        }
        if reads || self.happened.is_multiple_of(8192) {
            self.check_outputs()?;
            self.check_storage()?;
        }
        self.plan_tick();
        Ok(())
    }

    /// Acts on the effects that concern agents.
    fn act_on_agents(&mut self, effect: ApplicationEffect) -> Result<(), Objection> {
        match effect {
            ApplicationEffect::Welcome { agent, executors, setting, .. } => {
                self.check_welcome(agent, setting.is_some())?;
                self.name_executors(agent, &executors)?;
                self.order(agent, Order::Welcome(executors));
            }
            ApplicationEffect::Refuse { agent, .. } => {
                self.report.refused_agents += 1;
                self.close(agent);
            }
            ApplicationEffect::Close { agent } => self.close(agent),
            ApplicationEffect::NextExecutor { agent, executor } => {
                self.name_executors(agent, &[executor])?;
                self.order(agent, Order::Next(executor));
            }
            ApplicationEffect::Acknowledge { agent } => self.order(agent, Order::Alive),
            ApplicationEffect::Migrate { agent, order } => {
                self.note_migration(agent, &order);
                self.order(agent, Order::Migrate(order));
            }
            // The driver waits for the answer for a part of the time, and has what is not stored then copied to others: an agent
            // may be told to end while it still writes.
            ApplicationEffect::Store { agent, order } => self.order(agent, Order::Store(order)),
            ApplicationEffect::Leave { agent } => {
                self.check_leave(agent)?;
                self.order(agent, Order::Leave);
            }
            ApplicationEffect::FetchResult { agent, executor, task, address } => {
                self.check_fetch(task, &address)?;
                self.membership.fetching.insert(task, agent);
                let is_slow = !self.is_quiet() && self.rng.per_mille(self.scenario.faults.slow_fetches);
                let delay = self.rng.between(1, if is_slow { SLOW_MS } else { 2_000 });
                self.after(delay, Happening::Fetched { agent, executor, task, address });
            }
            ApplicationEffect::RemoveResult { agent, task } => self.order(agent, Order::DropResult(task)),
            ApplicationEffect::AddressGone { address } => self.address_gone(&address),
            ApplicationEffect::ResultRefused { task } => {
                // The task has succeeded, so what it added counts, although its job will not see its result.
                if let Some((_, updates)) = self.held.remove(&task) {
                    self.checker.oracle.accepted(&self.program, None, &updates);
                }
                self.checker.attempt_over(task);
            }
            ApplicationEffect::RemoveOutput { shuffle, map, task, executor, is_copy } => {
                self.report.outputs_dropped += 1;
                if !is_copy {
                    self.checker.dropped(task);
                }
                self.order_executor(executor, Order::Drop((shuffle, map, task)));
            }
            ApplicationEffect::WantExecutors { executors } => {
                self.wanted = Some(u64::from(executors));
                self.start_wanted();
            }
            ApplicationEffect::ExcludedAgents { agents: alone, with_host: with_machine } => {
                self.tell_pool(0, PoolEvent::Excluded(Excluded { alone, with_machine }));
            }
            ApplicationEffect::AgentReady { name } => {
                self.tell_pool(0, PoolEvent::Registered(name));
            }
            ApplicationEffect::AgentGone { name } => {
                self.tell_pool(0, PoolEvent::Disconnected(name));
            }
            ApplicationEffect::WorkerSetting { .. } => {}
            ApplicationEffect::Scheduler(_) => {
                unreachable!("the scheduler's effects are acted on by themselves")
            }
        }
        Ok(())
    }

    /// The driver closes a connection: it sees the end at once, the agent when it can.
    fn close(&mut self, agent: AgentId) {
        let delay = self.rng.between(1, 20);
        self.after(delay, Happening::ToDriver { from: agent, message: Message::Disconnected });
        self.order(agent, Order::Close);
    }

    /// No file is served at an address any more.
    fn address_gone(&mut self, address: &str) {
        let there = self.membership.addresses.iter().filter(|(_, at)| *at == address);
        let executors: Vec<ExecutorId> = there.map(|(executor, _)| *executor).collect();
        self.membership.gone.extend(&executors);
        executors.into_iter().for_each(|executor| self.outputs_gone(executor));
        self.forget_files(address);
    }

    /// The files of an executor are gone.
    fn outputs_gone(&mut self, executor: ExecutorId) {
        let outlive = self.outlive(self.checker.launched_on(executor));
        outlive.into_iter().for_each(|task| self.checker.taken_over(task, ExecutorId::STORAGE));
        self.checker.executor_gone(executor);
    }

    fn act(&mut self, effect: Effect, at_hand: Option<&AtHand>) -> Result<(), Objection> {
        match effect {
            Effect::Launch(launch) => self.launch(launch)?,
            Effect::Kill { task, executor, .. } => {
                self.checker.told_to_stop(task);
                self.checker.attempt_over(task);
                self.order_executor(executor, Order::Kill(task));
            }
            Effect::ResultAccepted { job, output, task } => {
                let held = self.held.remove(&task);
                let size = held.as_ref().map(|(data, _)| data.bytes());
                let at_hand_size = || at_hand.and_then(|message| Some(message.data.as_ref()?.bytes()));
                self.deliver(job, size.or_else(at_hand_size).unwrap_or(0))?;
                let at_hand = match &held {
                    Some((data, _)) => Some((task, Some(&**data))),
                    None => at_hand.map(|message| (message.task, message.data.as_deref())),
                };
                self.checker.result_accepted(job, output, task, at_hand)?;
                if let Some((_, updates)) = held {
                    self.checker.oracle.accepted(&self.program, None, &updates);
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
                self.order_executor(executor, Order::BarrierRelease { task, epoch, messages });
            }
            Effect::BarrierRefused { task, executor, epoch, reason, retryable } => {
                self.checker.barriers.refused(task, executor, retryable)?;
                self.order_executor(executor, Order::BarrierRefused { task, epoch, reason, retryable });
            }
            Effect::JobEnded { job, failure } => {
                self.report.count_end(failure.as_ref());
                if let Some(failure) = &failure {
                    self.check_excluded(failure)?;
                }
                self.check_no_executors(job, failure.as_ref())?;
                self.check_failure(job, failure.as_ref())?;
                let program = Arc::clone(&self.program);
                self.checker.job_ended(&program, job, failure, self.scenario.is_calm())?;
                self.release_some();
            }
            Effect::StageForgotten { stage } => {
                if self.plans.remove(&stage).is_none() {
                    return Err(format!("stage {stage} is forgotten, but was not known"));
                }
            }
            Effect::MapOutputDropped { task, .. } => {
                return Err(format!(
                    "the output of task {task} is dropped without a look at who else has it"
                ));
            }
            Effect::StoredShuffleDropped { shuffle } => self.empty_storage(shuffle)?,
            // Agents here write what they are told to, whether they have written it or not.
            Effect::StoredShuffleForgotten { .. } => {}
            Effect::DropCached { rdd, until, executor } => {
                self.caching.uncount(executor, rdd, until);
                self.order_executor(executor, Order::DropCached(rdd, until, executor));
            }
            Effect::CommitDecision { task, executor, allowed } => {
                self.checker.commit_decided(task, allowed)?;
                self.order_executor(executor, Order::CommitDecision { task, allowed });
            }
            Effect::UpdateSettled { accumulator, bytes } => {
                let value = &mut self.settled[accumulator.0 as usize];
                *value = value.wrapping_add(sum_in(&bytes));
                self.report.updates_settled += 1;
            }
            Effect::Journal(_) => return Err("something is written down, and nobody has asked for it".into()),
            Effect::Event(event) => {
                self.check_given_up(&event)?;
                self.checker.exclusion.note(&event)?;
                self.note(&event, at_hand);
                self.check_measured(&event)?;
            }
        }
        Ok(())
    }

    /// Checks that a task which is said to have no place has none.
    fn check_excluded(&mut self, failure: &JobFailure) -> Result<(), Objection> {
        let takes_tasks = |executor: &ExecutorId| {
            self.application.agent_of(*executor).is_some_and(|agent| {
                !self.application.is_decommissioned(agent)
                    && self.application.scheduler().knows_executor(*executor)
            })
        };
        let staying: Vec<ExecutorId> = self.owners.keys().copied().filter(takes_tasks).collect();
        self.checker.exclusion.failed(self.now + self.skew_ms, failure, staying.into_iter())
    }

    /// Checks that a job fails for want of executors when it should, and only then.
    fn check_no_executors(&self, job: JobId, failure: Option<&JobFailure>) -> Result<(), Objection> {
        let fails_so = matches!(failure, Some(JobFailure::NoExecutors { .. }));
        if fails_so && self.owners.keys().any(|id| self.application.scheduler().knows_executor(*id)) {
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
    fn release_some(&mut self) {
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

    /// Checks that the totals of a stage attempt are the sums of what the attempts at its tasks measured that counted,
    /// and of no others.
    fn check_measured(&mut self, event: &AppEvent) -> Result<(), Objection> {
        let AppEvent::TaskEnded { task, failure: None, metrics, .. } = event else { return Ok(()) };
        if metrics.as_deref() != Some(&measured(task.task)) {
            return Err(format!("task {} ended with figures that it did not report: {metrics:?}", task.task));
        }
        let expected = self.checker.measured.entry((task.stage, task.stage_attempt)).or_default();
        expected.add(&measured(task.task));
        match self.status.stage(task.stage, task.stage_attempt) {
            Some(stage) if stage.measured != *expected => Err(format!(
                "stage {}.{} has measured {:?}, and its tasks {expected:?}",
                task.stage, task.stage_attempt, stage.measured
            )),
            // Stages that ended long ago are forgotten.
            Some(_) | None => Ok(()),
        }
    }

    fn note(&mut self, event: &AppEvent, at_hand: Option<&AtHand>) {
        self.status.apply(event);
        match event {
            AppEvent::TaskEnded { task: TaskSummary { task, stage, .. }, failure: None, .. } => {
                let message = at_hand
                    .filter(|message| message.task == *task)
                    .expect("a task succeeds by its own message");
                self.checker.barriers.over(*task);
                self.checker.ended(*task);
                // What a barrier stage answers counts when all of it is there.
                let waits = self.plans.get(stage).is_some_and(|plan| plan.barrier && plan.output.is_none());
                if !waits {
                    self.checker.oracle.accepted(&self.program, message.wrote, &message.updates);
                }
            }
            AppEvent::TaskEnded { task: TaskSummary { task, .. }, failure: Some(failure), .. } => {
                self.checker.ended(*task);
                self.checker.attempt_over(*task);
                if let TaskFailure::FetchFailed { shuffle, map, map_task, .. } = failure
                    && self.application.scheduler().holder_of_output(*shuffle, *map, *map_task).is_none()
                {
                    self.checker.dropped(*map_task);
                }
                if let TaskFailure::FetchFailed { shuffle, .. } = failure {
                    self.storage_may_be_forgotten(*shuffle);
                }
            }
            AppEvent::StageSubmitted { attempt, .. } => self.report.stage_retries += u64::from(attempt.0 > 0),
            AppEvent::StageCompleted { failure: Some(why), .. } if why.contains("rolled back") => {
                self.report.rollbacks += 1;
            }
            AppEvent::ExecutorRemoved { executor, reason, .. } => {
                self.report.executors_lost += 1;
                // Of one that fell silent, the files may lie with the service of its host, which is not silent.
                let is_silent = matches!(reason, ExecutorLossReason::Unheard { .. });
                if is_silent && !self.scenario.host_service {
                    self.outputs_gone(*executor);
                }
            }
            AppEvent::JobStarted { .. }
            | AppEvent::JobEnded { .. }
            | AppEvent::StageCompleted { .. }
            | AppEvent::TaskStarted { .. }
            | AppEvent::BlockStored { .. }
            | AppEvent::BlockDropped { .. }
            | AppEvent::ExecutorMemory { .. }
            | AppEvent::ExecutorExcluded { .. }
            | AppEvent::ExecutorUnexcluded { .. }
            | AppEvent::HostExcluded { .. }
            | AppEvent::HostUnexcluded { .. }
            | AppEvent::Unpersisted { .. }
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
        self.check_launch(launch.task, launch.executor)?;
        self.checker.exclusion.launched(self.now + self.skew_ms, &launch)?;
        if !self.application.scheduler().knows_executor(launch.executor) {
            return Err(format!(
                "task {} goes to executor {}, which is not there",
                launch.task, launch.executor
            ));
        }
        self.order_executor(launch.executor, Order::Launch(Box::new(launch), plan));
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
            cancelled: self.checker.jobs.get(&job).is_some_and(|early| early.cancelled),
        };
        self.checker.jobs.insert(job, record);
        let stages: Vec<StageSpec> = stages.into_iter().map(|cut| self.stage(cut, commits, limit)).collect();
        let pool = self.rng.per_mille(500).then(|| self.rng.pick(&["a", "b"]).to_string());
        let site = stages.last().expect("an action has a stage").site.clone();
        let group = Some(format!("group{}", job.0 % 2));
        let tags = vec![format!("tag{}", job.0)];
        self.schedule(Event::SubmitJob(JobSpec {
            job,
            site,
            stages,
            partitions,
            pool,
            group,
            tags,
            properties: Default::default(),
        }))
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
        let persisted = self.caching.persisted().clone();
        let copies = self.scenario.copies;
        let cached_as =
            |generation: &Generation| CachedAs { generation: *generation, is_truncated: false, copies };
        let cached = lineage.cached(&cut, |rdd| persisted.get(&rdd).map(cached_as));
        let plan = Plan { rdd: cut.rdd, output: cut.output, limit, barrier, commits, persisted };
        self.plans.insert(stage, Arc::new(plan));

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
            rdds: [].into(),
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
        self.schedule(event)
    }
}
