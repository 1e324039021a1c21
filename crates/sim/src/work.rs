//! Agents at work: obey orders, compute, read map outputs of one another, ask before they commit, give signs of life.

use crate::barriers::message_of;
use crate::data::{Data, updates};
use crate::happening::{Happening, Message, Order};
use crate::machine::{Attempt, Machine, Store};
use crate::objection::Objection;
use crate::rng::mix2;
use crate::world::World;
use firesteel_scheduler::{AgentId, AgentMessage, MigrateOrder, MigrateReport, ReportedOutcome, TaskOutcome};
use firesteel_types::{
    AccumulatorUpdate, BlockSize, CallSite, ExecutorId, ExecutorLossReason, KillReason, ShuffleId,
    TaskFailure, TaskId,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long an attempt waits for leave to commit before it asks again.
const ASK_AGAIN_MS: u64 = 3_000;
/// How long copying and fetching may take when they are slow: longer than the driver waits for either.
pub(crate) const SLOW_MS: u64 = 90_000;

/// The operations in which tasks fail.
pub(crate) const TASK_OPERATIONS: [&str; 3] = ["be lucky", "wait at a barrier", "go on after a barrier"];

fn failure_of(operation: &str, message: String, retryable: bool) -> TaskFailure {
    TaskFailure::Operation { operation: operation.into(), message, site: CallSite::default(), retryable }
}

impl World {
    /// The agent of an executor.
    pub(crate) fn machine_of(&mut self, executor: ExecutorId) -> &mut Machine {
        let agent = self.owners[&executor];
        self.agent(agent)
    }

    pub(crate) fn agent(&mut self, id: AgentId) -> &mut Machine {
        self.machines.get_mut(&id).expect("an agent is remembered for ever")
    }

    /// The files of an agent.
    pub(crate) fn store(&mut self, id: AgentId) -> &mut Store {
        let address = self.machines[&id].address.clone();
        self.stores.entry(address).or_default()
    }

    /// Returns whether the driver can read the files of an agent now.
    pub(crate) fn is_served(&self, id: AgentId) -> bool {
        let machine = &self.machines[&id];
        match self.scenario.host_service {
            true => self.network_partitions.has_service(self.now, &machine.host),
            false => machine.runs(self.now),
        }
    }

    /// The driver's order arrives at an agent that is awake, or at where its files lie.
    pub(crate) fn obey(&mut self, id: AgentId, order: Order) -> Result<(), Objection> {
        let now = self.now;
        match order {
            Order::Drop(block) => {
                let address = self.machines[&id].address.clone();
                return self.remove_file(&address, block);
            }
            Order::DropResult(task) => {
                let address = self.machines[&id].address.clone();
                if let Some(store) = self.stores.get_mut(&address) {
                    store.results.remove(&task);
                }
                return Ok(());
            }
            _ => {}
        }
        let machine = self.agent(id);
        machine.heard_at = now;
        match order {
            Order::Welcome(executors) => self.welcomed(id, executors),
            Order::Next(executor) => {
                if machine.nameless > 0 && machine.executors.insert(executor) {
                    machine.nameless -= 1;
                    let delay = self.rng.between(1, 200);
                    let message = Message::Agent(AgentMessage::ExecutorReady { executor });
                    self.at(now + delay, Happening::ToDriver { from: id, message });
                }
            }
            Order::Launch(launch, plan) => {
                if machine.executors.contains(&launch.executor) && machine.seen.insert(launch.task) {
                    let (calls, called, waits) = (0, 0, false);
                    let (computed, asks_to_commit) = (None, false);
                    let executor = launch.executor;
                    let attempt =
                        Attempt { launch: *launch, plan, computed, asks_to_commit, calls, called, waits };
                    self.start(executor, attempt)?;
                }
            }
            Order::Kill(task) => {
                let ignores = self.rng.per_mille(self.scenario.faults.kill_ignored);
                if !ignores && let Some(killed) = self.agent(id).attempts.remove(&task) {
                    let failure = TaskFailure::Killed(KillReason::StageAborted);
                    self.finish(killed.launch.executor, task, TaskOutcome::failed(failure), None, vec![]);
                }
            }
            Order::CommitDecision { task, allowed } => self.commit(id, task, allowed),
            Order::BarrierRelease { task, epoch, messages } => self.let_on(id, (task, epoch), &messages)?,
            Order::BarrierRefused { task, epoch, reason, retryable } => {
                self.give_up(id, (task, epoch), reason, retryable);
            }
            Order::DropCached(rdd, until, executor) => self.drop_cached(id, (rdd, until), executor),
            Order::Migrate(request) => {
                let is_slow = !self.is_quiet() && self.rng.per_mille(self.scenario.faults.slow_copies);
                let delay = self.rng.between(1, if is_slow { SLOW_MS } else { 3_000 });
                self.after(delay, Happening::Copied { on: id, request });
            }
            Order::Store(order) => {
                let is_slow = !self.is_quiet() && self.rng.per_mille(self.scenario.faults.slow_copies);
                let delay = self.rng.between(1, if is_slow { SLOW_MS } else { 3_000 });
                self.after(delay, Happening::Stores { on: id, order });
            }
            Order::Leave => {
                machine.is_leaving = true;
                self.leave_if_done(id);
            }
            Order::Alive => {}
            // Its executors were declared lost, or it was refused: it ends, and another may begin in its place.
            Order::Close => self.end(id, ExecutorLossReason::Exited { code: Some(1) }, false),
            Order::Drop(_) | Order::DropResult(_) => unreachable!("files were dealt with above"),
        }
        Ok(())
    }

    fn welcomed(&mut self, id: AgentId, executors: Vec<ExecutorId>) {
        let machine = self.agent(id);
        if !machine.executors.is_empty() || machine.nameless > 0 {
            return;
        }
        machine.executors = executors.iter().copied().collect();
        for executor in executors {
            self.send(id, Message::Agent(AgentMessage::ExecutorReady { executor }));
        }
        let first_beat = self.rng.below(self.scenario.heartbeat_ms);
        self.after(first_beat, Happening::HeartbeatDue { on: id });
    }

    /// An agent copies what the driver asked for, as far as it can be had.
    pub(crate) fn copied(&mut self, on: AgentId, request: MigrateOrder) {
        let MigrateOrder { number, executor, from, outputs, cached } = request;
        let owner = self.machines.values().find(|machine| machine.address == from);
        let source = owner.map(|machine| machine.id).filter(|id| self.is_served(*id));
        let can_take = self.machines[&on].executors.contains(&executor);
        let (mut taken, mut stored) = (vec![], vec![]);
        for name in outputs.into_iter().filter(|_| source.is_some() && can_take) {
            let block = self.stores.get(&from).and_then(|store| store.blocks.get(&name)).cloned();
            let Some(block) = block.filter(|_| self.rng.per_mille(900)) else { continue };
            self.store(on).blocks.insert(name, block);
            taken.push(name);
        }
        for key in cached.into_iter().filter(|_| can_take) {
            let name = (key.rdd, key.partition, key.version);
            let at = self
                .machines
                .values()
                .filter(|machine| machine.cached_address == from && machine.runs(self.now));
            let found =
                at.flat_map(|machine| machine.caches.values()).find_map(|cache| cache.get(&name)).cloned();
            let Some(kept) = found else { continue };
            self.agent(on).cache(executor).insert(name, kept);
            self.report.cached_migrated += 1;
            stored.push((key, BlockSize::default()));
        }
        let report = MigrateReport { number, executor, outputs: taken, cached: stored };
        let message = Message::Agent(AgentMessage::Migrated { report });
        if !self.is_quiet() && self.rng.per_mille(self.scenario.faults.repeated_copies) {
            let delay = self.rng.below(SLOW_MS);
            self.after(delay, Happening::ToDriver { from: on, message: message.clone() });
        }
        if !self.is_quiet() && self.rng.per_mille(self.scenario.faults.ends_after_copies) {
            self.end_after_copies((on, executor), message);
        } else {
            self.send(on, message);
        }
    }

    /// An agent ends, or one of its worker processes, and the driver hears of that before it hears of the copies that were made.
    fn end_after_copies(&mut self, (on, executor): (AgentId, ExecutorId), message: Message) {
        let delay = self.rng.between(100, 10_000);
        self.after(delay, Happening::ToDriver { from: on, message });
        if self.scenario.has_processes && self.rng.per_mille(500) {
            self.lose_worker(on, executor);
        } else {
            self.end(on, ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 }, false);
        }
    }

    /// An agent that was told to end does so when its last task has ended.
    fn leave_if_done(&mut self, id: AgentId) {
        if self.machines[&id].is_done() {
            self.send(id, Message::Agent(AgentMessage::Leaving));
            self.leave_cached(id);
            self.end(id, ExecutorLossReason::Exited { code: Some(0) }, false);
        }
    }

    /// An attempt has ended: its executor reports it.
    fn finish(
        &mut self,
        executor: ExecutorId,
        task: TaskId,
        outcome: TaskOutcome,
        data: Option<Box<Data>>,
        updates: Vec<AccumulatorUpdate>,
    ) {
        let agent = self.owners[&executor];
        let message = match data {
            Some(data) if data.bytes() >= self.scenario.large_result => {
                let bytes = data.bytes();
                self.store(agent).results.insert(task, (data, updates.clone()));
                Message::Finished {
                    executor,
                    task,
                    outcome: ReportedOutcome::Waiting { bytes },
                    data: None,
                    updates,
                }
            }
            data => Message::Finished {
                executor,
                task,
                outcome: ReportedOutcome::Complete(outcome),
                data,
                updates,
            },
        };
        self.send(agent, message);
        self.leave_if_done(agent);
    }

    fn start(&mut self, id: ExecutorId, mut attempt: Attempt) -> Result<(), Objection> {
        let task = attempt.launch.task;
        // Some tasks read all their input at once, others do so at their end.
        if self.rng.per_mille(500) {
            attempt.computed = Some(self.compute(id, &mut attempt)?);
        }
        let duration = self.rng.between(10, 4_000) * self.machine_of(id).slowness;
        self.machine_of(id).attempts.insert(task, attempt);
        self.after(duration, Happening::Worked { on: id, task });
        Ok(())
    }

    /// An attempt is through with its work.
    pub(crate) fn worked(&mut self, id: ExecutorId, task: TaskId) -> Result<(), Objection> {
        let Some(mut attempt) = self.machine_of(id).attempts.remove(&task) else { return Ok(()) };
        let computed = match attempt.computed.take() {
            Some(computed) => computed,
            None => self.compute(id, &mut attempt)?,
        };
        if computed.is_ok() && attempt.called < attempt.calls {
            let epoch = attempt.called;
            (attempt.computed, attempt.waits) = (Some(computed), true);
            self.machine_of(id).attempts.insert(task, attempt);
            self.call_barrier(id, task, epoch);
            return Ok(());
        }
        match (computed, attempt.plan.output) {
            (Err(failure), _) => {
                self.checker.fetch_failures += u64::from(matches!(failure, TaskFailure::FetchFailed { .. }));
                self.report.count_failure(&failure);
                let outcome = TaskOutcome::failed(failure);
                self.finish(id, task, outcome, None, vec![]);
            }
            (Ok(data), Some(shuffle)) => self.write(id, shuffle, &attempt, data),
            (Ok(data), None) if attempt.plan.commits => {
                attempt.computed = Some(Ok(data));
                attempt.asks_to_commit = true;
                self.machine_of(id).attempts.insert(task, attempt);
                self.ask_to_commit(id, task);
            }
            (Ok(data), None) => {
                let updates = updates(&data.added);
                let outcome = TaskOutcome::Result { bytes: data.bytes() };
                self.finish(id, task, outcome, Some(Box::new(data)), updates);
            }
        }
        Ok(())
    }

    /// An attempt waits for the others of its barrier stage, and will ask again until it is answered.
    pub(crate) fn call_barrier(&mut self, id: ExecutorId, task: TaskId, epoch: u32) {
        let Some(attempt) = self.machine_of(id).attempts.get(&task) else { return };
        if !attempt.waits || attempt.called != epoch {
            return;
        }
        let (launch, rdd) = (&attempt.launch, attempt.plan.rdd);
        let message = message_of(launch.stage_attempt, launch.partition.0);
        let message = (rdd.0 + epoch).is_multiple_of(2).then_some(message);
        let message = AgentMessage::BarrierSync { executor: id, task, epoch, message };
        self.send(self.owners[&id], Message::Agent(message));
        self.after(ASK_AGAIN_MS, Happening::CallsAgain { on: id, task, epoch });
    }

    /// The attempt that waits for the answer to this call, if it still does.
    fn waiting(&mut self, id: AgentId, (task, epoch): (TaskId, u32)) -> Option<&mut Attempt> {
        self.agent(id).attempts.get_mut(&task).filter(|attempt| attempt.waits && attempt.called == epoch)
    }

    fn let_on(&mut self, id: AgentId, call: (TaskId, u32), messages: &[String]) -> Result<(), Objection> {
        let Some(attempt) = self.waiting(id, call) else { return Ok(()) };
        let must = message_of(attempt.launch.stage_attempt, attempt.launch.partition.0);
        if !messages.is_empty() && messages.get(attempt.launch.partition.index()) != Some(&must) {
            return Err(format!("task {} is told {messages:?} by its barrier", call.0));
        }
        attempt.called += 1;
        attempt.waits = false;
        if !self.is_quiet() && self.rng.per_mille(self.scenario.faults.task_fails) {
            let attempt = self.agent(id).attempts.get_mut(&call.0).expect("it was let on just now");
            attempt.computed =
                Some(Err(failure_of("go on after a barrier", "the dice said no".into(), true)));
        }
        let on = self.executor_of(id, call.0);
        let delay = self.rng.between(1, 500);
        self.after(delay, Happening::Worked { on, task: call.0 });
        Ok(())
    }

    fn give_up(&mut self, id: AgentId, call: (TaskId, u32), reason: String, retryable: bool) {
        let Some(attempt) = self.waiting(id, call) else { return };
        attempt.waits = false;
        attempt.computed = Some(Err(failure_of("wait at a barrier", reason, retryable)));
        let on = self.executor_of(id, call.0);
        self.after(1, Happening::Worked { on, task: call.0 });
    }

    /// The executor of an attempt that an agent runs.
    fn executor_of(&self, id: AgentId, task: TaskId) -> ExecutorId {
        self.machines[&id].attempts[&task].launch.executor
    }

    fn write(&mut self, id: ExecutorId, shuffle: ShuffleId, attempt: &Attempt, data: Data) {
        let (task, map) = (attempt.launch.task, attempt.launch.partition);
        let whim = mix2(self.report.seed, task.0) % 3;
        let block = self.program.write(shuffle, map, data, whim);
        let (bytes, checksum, updates) = (block.buckets.len() as u64, block.checksum, updates(&block.added));
        let agent = self.owners[&id];
        self.store(agent).blocks.insert((shuffle, map, task), Arc::new(block));
        self.store_output(agent, (shuffle, map, task));
        let outcome = TaskOutcome::MapOutput { shuffle, map, bytes, checksum };
        self.finish(id, task, outcome, None, updates);
    }

    /// An attempt asks for leave to commit, and will ask again until it is answered.
    pub(crate) fn ask_to_commit(&mut self, id: ExecutorId, task: TaskId) {
        if self.machine_of(id).attempts.get(&task).is_some_and(|attempt| attempt.asks_to_commit) {
            let message = AgentMessage::CommitRequest { executor: id, task };
            self.send(self.owners[&id], Message::Agent(message));
            self.after(ASK_AGAIN_MS, Happening::AsksAgain { on: id, task });
        }
    }

    fn commit(&mut self, id: AgentId, task: TaskId, allowed: bool) {
        let Some(attempt) = self.agent(id).attempts.remove(&task) else { return };
        assert!(attempt.asks_to_commit, "only an attempt that asked is answered");
        let executor = attempt.launch.executor;
        if !allowed {
            let outcome = TaskOutcome::failed(TaskFailure::CommitDenied);
            return self.finish(executor, task, outcome, None, vec![]);
        }
        self.checker.committed.insert(task);
        let data = attempt.computed.and_then(Result::ok).map(Box::new);
        let updates = data.as_ref().map(|data| updates(&data.added)).unwrap_or_default();
        let bytes = data.as_ref().map_or(0, |data| data.bytes());
        self.finish(executor, task, TaskOutcome::Result { bytes }, data, updates);
    }

    /// A sign of life. An agent that has had no message of the driver for too long ends.
    pub(crate) fn beat(&mut self, id: AgentId) {
        let (now, timeout) = (self.now, self.scenario.settings.network_timeout_ms);
        let machine = self.agent(id);
        if now - machine.heard_at > timeout {
            return self.end(id, ExecutorLossReason::Exited { code: Some(1) }, false);
        }
        let mut running: BTreeMap<ExecutorId, Vec<TaskId>> =
            machine.executors.iter().map(|executor| (*executor, vec![])).collect();
        for (task, attempt) in &machine.attempts {
            running.entry(attempt.launch.executor).or_default().push(*task);
        }
        let running = running.into_iter().collect();
        self.send(id, Message::Agent(AgentMessage::Alive { running, memory: vec![] }));
        self.after(self.scenario.heartbeat_ms, Happening::HeartbeatDue { on: id });
    }

    /// Computes the data of an attempt, or tells why it cannot.
    fn compute(
        &mut self,
        on: ExecutorId,
        attempt: &mut Attempt,
    ) -> Result<Result<Data, TaskFailure>, Objection> {
        let misfortune = self.misfortune(on, attempt);
        // Some fail before they have done anything, others leave something behind.
        let is_early = misfortune.is_some() && self.rng.per_mille(500);
        if is_early && let Some(failure) = misfortune {
            return Ok(Err(failure));
        }
        let program = Arc::clone(&self.program);
        let (launch, plan) = (&attempt.launch, &attempt.plan);
        let (mut computed, cached) = self
            .fetch(on, attempt, |fetcher| program.compute(plan.rdd, launch.partition, plan.limit, fetcher));
        if cached.met_barrier {
            attempt.calls = 1 + (mix2(self.report.seed, u64::from(plan.rdd.0)) % 3) as u32;
        }
        if let Some(objection) = cached.needless.as_ref().or(cached.outdated.as_ref()) {
            return Err(objection.clone());
        }
        self.report_cached(on, cached);
        if let (Ok(data), None) = (&mut computed, plan.output) {
            program.act(launch.job, launch.partition, data);
        }
        match (computed, misfortune) {
            (Ok(data), _) if data.mixed => {
                Err(format!("task {} was given two evaluations of one map task to read", launch.task))
            }
            (Ok(_), Some(failure)) => Ok(Err(failure)),
            (computed, _) => Ok(computed),
        }
    }

    /// Returns whether an executor, or its host, fails most of its tasks.
    fn is_bad(&mut self, executor: ExecutorId) -> bool {
        let (seed, faults) = (self.report.seed, self.scenario.faults.clone());
        let (id, host) = (self.owners[&executor], self.machine_of(executor).host.clone());
        let number = host.bytes().fold(0, |number, byte| mix2(number, u64::from(byte)));
        mix2(mix2(seed, 0x6261_6400), id.0) % 1000 < faults.bad_executors
            || mix2(mix2(seed, 0x6261_6401), number) % 1000 < faults.bad_hosts
    }

    fn misfortune(&mut self, on: ExecutorId, attempt: &Attempt) -> Option<TaskFailure> {
        let faults = self.scenario.faults.clone();
        let failure = |retryable| failure_of("be lucky", "the dice said no".into(), retryable);
        let place = mix2(u64::from(attempt.plan.rdd.0), u64::from(attempt.launch.partition.0));
        if mix2(self.report.seed, place) % 1000 < faults.poison / 10 {
            return Some(failure(true));
        }
        if self.is_quiet() {
            return None;
        }
        if self.is_bad(on) && self.rng.per_mille(800) {
            return Some(failure(true));
        }
        if self.rng.per_mille(faults.task_fatal) {
            return Some(failure(false));
        }
        self.rng.per_mille(faults.task_fails).then(|| failure(true))
    }
}
