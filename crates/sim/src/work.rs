//! What executors do: obey orders, compute, read map outputs of one another, ask before they commit, give signs of life.

use crate::barriers::message_of;
use crate::checker::Objection;
use crate::data::{Data, updates};
use crate::machine::{Attempt, Machine};
use crate::rng::mix2;
use crate::world::{Happening, Message, Order, World};
use firesteel_scheduler::TaskOutcome;
use firesteel_types::{CallSite, ExecutorId, KillReason, ShuffleId, TaskFailure, TaskId};
use std::sync::Arc;

/// How long an attempt waits for leave to commit before it asks again.
const ASK_AGAIN_MS: u64 = 3_000;

fn failure_of(operation: &str, message: String, retryable: bool) -> TaskFailure {
    TaskFailure::Operation { operation: operation.into(), message, site: CallSite::default(), retryable }
}

impl World {
    fn machine(&mut self, id: ExecutorId) -> &mut Machine {
        self.machines.get_mut(&id).expect("an executor is remembered for ever")
    }

    /// The driver's order arrives at an executor that is awake, or at the service of its host.
    pub(crate) fn obey(&mut self, id: ExecutorId, life: u32, order: Order) -> Result<(), Objection> {
        let host_service = self.scenario.host_service;
        let machine = self.machine(id);
        if let Order::Drop(block) = &order {
            machine.blocks.remove(block);
            return Ok(());
        }
        if !machine.alive || machine.life != life {
            return Ok(());
        }
        match order {
            Order::Launch(launch, plan) => {
                if machine.seen.insert(launch.task) {
                    let (calls, called, waits) = (0, 0, false);
                    let (computed, asks_to_commit) = (None, false);
                    let attempt =
                        Attempt { launch: *launch, plan, computed, asks_to_commit, calls, called, waits };
                    self.start(id, attempt)?;
                }
            }
            Order::Kill(task) => {
                let ignores = self.rng.per_mille(self.scenario.faults.kill_ignored);
                if !ignores && self.machine(id).attempts.remove(&task).is_some() {
                    let outcome = TaskOutcome::Failed(TaskFailure::Killed(KillReason::StageAborted));
                    self.send(id, Message::Finished { task, outcome, data: None, updates: vec![] });
                }
            }
            Order::CommitDecision { task, allowed } => self.commit(id, task, allowed),
            Order::BarrierRelease { task, epoch, messages } => self.let_on(id, (task, epoch), &messages)?,
            Order::BarrierRefused { task, epoch, reason, retryable } => {
                self.give_up(id, (task, epoch), reason, retryable);
            }
            Order::DropCached(rdd) => {
                machine.cached.retain(|(of, ..), _| *of != rdd);
                self.caching.dropped(id, rdd);
            }
            Order::RegisterAgain => {
                machine.begin_anew(host_service);
                self.send(id, Message::Register);
            }
            Order::Drop(_) => unreachable!("dropping was dealt with above"),
        }
        Ok(())
    }

    fn start(&mut self, id: ExecutorId, mut attempt: Attempt) -> Result<(), Objection> {
        let task = attempt.launch.task;
        // Some tasks read all their input at once, others do so at their end.
        if self.rng.per_mille(500) {
            attempt.computed = Some(self.compute(id, &mut attempt)?);
        }
        let duration = self.rng.between(10, 4_000) * self.machine(id).slowness;
        self.machine(id).attempts.insert(task, attempt);
        self.after(duration, Happening::Worked { on: id, task });
        Ok(())
    }

    /// An attempt is through with its work.
    pub(crate) fn worked(&mut self, id: ExecutorId, task: TaskId) -> Result<(), Objection> {
        let Some(mut attempt) = self.machine(id).attempts.remove(&task) else { return Ok(()) };
        let computed = match attempt.computed.take() {
            Some(computed) => computed,
            None => self.compute(id, &mut attempt)?,
        };
        if computed.is_ok() && attempt.called < attempt.calls {
            let epoch = attempt.called;
            (attempt.computed, attempt.waits) = (Some(computed), true);
            self.machine(id).attempts.insert(task, attempt);
            self.call_barrier(id, task, epoch);
            return Ok(());
        }
        match (computed, attempt.plan.output) {
            (Err(failure), _) => {
                self.checker.fetch_failures += u64::from(matches!(failure, TaskFailure::FetchFailed { .. }));
                self.report.count_failure(&failure);
                let outcome = TaskOutcome::Failed(failure);
                self.send(id, Message::Finished { task, outcome, data: None, updates: vec![] });
            }
            (Ok(data), Some(shuffle)) => self.write(id, shuffle, &attempt, data),
            (Ok(data), None) if attempt.plan.commits => {
                attempt.computed = Some(Ok(data));
                attempt.asks_to_commit = true;
                self.machine(id).attempts.insert(task, attempt);
                self.ask_to_commit(id, task);
            }
            (Ok(data), None) => {
                let updates = updates(&data.added);
                self.send(
                    id,
                    Message::Finished {
                        task,
                        outcome: TaskOutcome::Result { bytes: 1 },
                        data: Some(Box::new(data)),
                        updates,
                    },
                );
            }
        }
        Ok(())
    }

    /// An attempt waits for the others of its barrier stage, and will ask again until it is answered.
    pub(crate) fn call_barrier(&mut self, id: ExecutorId, task: TaskId, epoch: u32) {
        let Some(attempt) = self.machine(id).attempts.get(&task) else { return };
        if !attempt.waits || attempt.called != epoch {
            return;
        }
        let (launch, rdd) = (&attempt.launch, attempt.plan.rdd);
        let message = message_of(launch.stage_attempt, launch.partition.0);
        let message = (rdd.0 + epoch).is_multiple_of(2).then_some(message);
        self.send(id, Message::BarrierSync { task, epoch, message });
        self.after(ASK_AGAIN_MS, Happening::CallsAgain { on: id, task, epoch });
    }

    /// The attempt that waits for the answer to this call, if it still does.
    fn waiting(&mut self, id: ExecutorId, (task, epoch): (TaskId, u32)) -> Option<&mut Attempt> {
        self.machine(id).attempts.get_mut(&task).filter(|attempt| attempt.waits && attempt.called == epoch)
    }

    fn let_on(&mut self, id: ExecutorId, call: (TaskId, u32), messages: &[String]) -> Result<(), Objection> {
        let Some(attempt) = self.waiting(id, call) else { return Ok(()) };
        let must = message_of(attempt.launch.stage_attempt, attempt.launch.partition.0);
        if !messages.is_empty() && messages.get(attempt.launch.partition.index()) != Some(&must) {
            return Err(format!("task {} is told {messages:?} by its barrier", call.0));
        }
        attempt.called += 1;
        attempt.waits = false;
        if !self.is_quiet() && self.rng.per_mille(self.scenario.faults.task_fails) {
            let attempt = self.machine(id).attempts.get_mut(&call.0).expect("it was let on just now");
            attempt.computed =
                Some(Err(failure_of("go on after a barrier", "the dice said no".into(), true)));
        }
        let delay = self.rng.between(1, 500);
        self.after(delay, Happening::Worked { on: id, task: call.0 });
        Ok(())
    }

    fn give_up(&mut self, id: ExecutorId, call: (TaskId, u32), reason: String, retryable: bool) {
        let Some(attempt) = self.waiting(id, call) else { return };
        attempt.waits = false;
        attempt.computed = Some(Err(failure_of("wait at a barrier", reason, retryable)));
        self.after(1, Happening::Worked { on: id, task: call.0 });
    }

    fn write(&mut self, id: ExecutorId, shuffle: ShuffleId, attempt: &Attempt, data: Data) {
        let (task, map) = (attempt.launch.task, attempt.launch.partition);
        let whim = mix2(self.report.seed, task.0) % 3;
        let block = self.program.write(shuffle, map, data, whim);
        let (bytes, checksum, updates) = (block.buckets.len() as u64, block.checksum, updates(&block.added));
        self.machine(id).blocks.insert((shuffle, map, task), Arc::new(block));
        let outcome = TaskOutcome::MapOutput { shuffle, map, bytes, checksum };
        self.send(id, Message::Finished { task, outcome, data: None, updates });
    }

    /// An attempt asks for leave to commit, and will ask again until it is answered.
    pub(crate) fn ask_to_commit(&mut self, id: ExecutorId, task: TaskId) {
        if self.machine(id).attempts.get(&task).is_some_and(|attempt| attempt.asks_to_commit) {
            self.send(id, Message::CommitRequest(task));
            self.after(ASK_AGAIN_MS, Happening::AsksAgain { on: id, task });
        }
    }

    fn commit(&mut self, id: ExecutorId, task: TaskId, allowed: bool) {
        let Some(attempt) = self.machine(id).attempts.remove(&task) else { return };
        assert!(attempt.asks_to_commit, "only who asked is answered");
        let message = if allowed {
            self.checker.committed.insert(task);
            let data = attempt.computed.and_then(Result::ok).map(Box::new);
            let updates = data.as_ref().map(|data| updates(&data.added)).unwrap_or_default();
            Message::Finished { task, outcome: TaskOutcome::Result { bytes: 1 }, data, updates }
        } else {
            let outcome = TaskOutcome::Failed(TaskFailure::CommitDenied);
            Message::Finished { task, outcome, data: None, updates: vec![] }
        };
        self.send(id, message);
    }

    /// A sign of life.
    pub(crate) fn beat(&mut self, id: ExecutorId) {
        let machine = self.machine(id);
        if !machine.alive {
            return;
        }
        let running = machine.attempts.keys().copied().collect();
        self.send(id, Message::Heartbeat(running));
        self.after(self.scenario.heartbeat_ms, Happening::HeartbeatDue { on: id });
    }

    /// What an attempt computes, or why it cannot.
    fn compute(
        &mut self,
        on: ExecutorId,
        attempt: &mut Attempt,
    ) -> Result<Result<Data, TaskFailure>, Objection> {
        let misfortune = self.misfortune(attempt);
        // Some fail before they have done anything, others leave something behind.
        let is_early = misfortune.is_some() && self.rng.per_mille(500);
        if is_early && let Some(failure) = misfortune {
            return Ok(Err(failure));
        }
        let program = Arc::clone(&self.program);
        let (launch, plan) = (&attempt.launch, &attempt.plan);
        let (mut computed, cached) = self
            .fetch(on, launch, |fetcher| program.compute(plan.rdd, launch.partition, plan.limit, fetcher));
        if cached.met_barrier {
            attempt.calls = 1 + (mix2(self.report.seed, u64::from(plan.rdd.0)) % 3) as u32;
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

    fn misfortune(&mut self, attempt: &Attempt) -> Option<TaskFailure> {
        let faults = self.scenario.faults.clone();
        let failure = |retryable| failure_of("be lucky", "the dice said no".into(), retryable);
        let place = mix2(u64::from(attempt.plan.rdd.0), u64::from(attempt.launch.partition.0));
        if mix2(self.report.seed, place) % 1000 < faults.poison / 10 {
            return Some(failure(true));
        }
        if self.is_quiet() {
            return None;
        }
        if self.rng.per_mille(faults.task_fatal) {
            return Some(failure(false));
        }
        self.rng.per_mille(faults.task_fails).then(|| failure(true))
    }
}
