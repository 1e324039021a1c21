//! The steps that concern the barrier sets of barrier stages: all tasks are launched together, wait for one
//! another, and when one of them fails, all begin again.
//!
//! Nothing of an attempt that was given up counts: its tasks are told to stop, and their map outputs and held
//! results are dropped. So an output or a result of one attempt never stands beside that of another, also
//! when the stage was complete and runs again because an output was lost.

use crate::accumulators::Source;
use crate::barriers::{Answer, Caller, Refusal};
use crate::effect::Effect;
use crate::running_tasks::RunningTask;
use crate::scheduler::Scheduler;
use crate::task_set::Pick;
use firesteel_types::{
    ExecutorId, JobFailure, JobId, KillReason, Millis, Partition, StageAttempt, StageId, TaskFailure, TaskId,
};
use std::sync::Arc;

/// The answer of a barrier set to an offer.
pub(crate) enum BarrierOffer {
    /// All its tasks were launched.
    Launched,
    /// It cannot use the slots now.
    Refused,
    /// It waits for more slots, and no stage behind it may have these.
    Held,
}

impl Scheduler {
    /// Offers all free slots to a barrier set.
    pub(crate) fn offer_to_barrier_set(&mut self, id: StageId, fx: &mut Vec<Effect>) -> BarrierOffer {
        let stage = self.stages.get(id).expect("a runnable stage is known");
        let wanted = stage.tasks.as_ref().expect("a runnable stage has tasks").unlaunched();
        if wanted <= self.executors.free_slots() {
            self.launch_barrier_set(id, fx);
            return BarrierOffer::Launched;
        }
        match self.is_held_for(id) {
            true => BarrierOffer::Held,
            false => BarrierOffer::Refused,
        }
    }

    /// Returns the stages that are offered free slots: those before the first stage for which slots are held.
    pub(crate) fn before_held(&self) -> Vec<StageId> {
        let mut offered = vec![];
        for pool in self.pools.in_order() {
            let mut last = None;
            while let Some(turn) = self.pools.next(&pool, last) {
                if self.is_held_for(turn.1) {
                    return offered;
                }
                offered.push(turn.1);
                last = Some(turn);
            }
        }
        offered
    }

    fn is_held_for(&self, id: StageId) -> bool {
        let tasks = self.stages.get(id).and_then(|stage| stage.tasks.as_ref());
        // Slots are not held for a barrier set that all executors together could not run.
        let may_have_them = tasks.is_some_and(|tasks| tasks.unlaunched() <= self.executors.slots());
        may_have_them && self.barriers.holds_slots(id, self.now, self.settings.barrier_hold_ms)
    }

    /// Launches all tasks of a barrier set, near their data where such slots are free. There are slots for
    /// all.
    fn launch_barrier_set(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        let picks = self.assign_barrier_set(id);
        let stage = self.stages.get_mut(id).expect("a runnable stage is known");
        self.pools.remove(&stage.pool, stage.turn());
        let host = |executor| self.executors.get(executor).expect("it has free slots").host.to_string();
        let mut hosts: Vec<(Partition, String)> =
            picks.iter().map(|(executor, pick)| (stage.partition(pick.index), host(*executor))).collect();
        hosts.sort_unstable();
        let barrier_set: Arc<[String]> = hosts.into_iter().map(|(_, host)| host).collect();
        let attempt = self.barriers.launched(id);
        for (executor, pick) in picks {
            // The tasks fail together, so the stage attempt is the attempt of each.
            let pick = Pick { attempt: attempt.0, ..pick };
            self.launch(id, executor, pick, Some(barrier_set.clone()), fx);
        }
    }

    /// Decides which task goes to which executor, one by one in turn so that work spreads. In a first round
    /// tasks take only slots near their data.
    fn assign_barrier_set(&mut self, id: StageId) -> Vec<(ExecutorId, Pick)> {
        // A locality wait that no task has waited for yet, so that the first round takes no slots that are
        // far.
        const FOR_EVER_MS: u64 = u64::MAX / 2;
        let mut free = self.executors.with_free_slots();
        let stage = self.stages.get_mut(id).expect("a runnable stage is known");
        let tasks = stage.tasks.as_mut().expect("a runnable stage has tasks");
        let mut picks = vec![];
        for locality_wait_ms in [FOR_EVER_MS, 0] {
            loop {
                let before = picks.len();
                for (executor, slots) in free.iter_mut().filter(|(_, slots)| *slots > 0) {
                    let host = &self.executors.get(*executor).expect("it has free slots").host;
                    if let Some(pick) = tasks.pick(self.now, *executor, host, locality_wait_ms) {
                        *slots -= 1;
                        picks.push((*executor, pick));
                    }
                }
                if picks.len() == before {
                    break;
                }
            }
        }
        assert_eq!(tasks.unlaunched(), 0, "all tasks of barrier stage {id} are launched, or none");
        picks
    }

    /// Takes in the call of a task that waits for the others of its barrier set.
    pub(crate) fn barrier_sync(
        &mut self,
        caller: (TaskId, ExecutorId),
        epoch: u32,
        message: Option<String>,
        fx: &mut Vec<Effect>,
    ) {
        let (task, executor) = caller;
        let calling = self.tasks.get(task).filter(|task| task.executor == executor && task.killed.is_none());
        let is_barrier_set =
            |task: &&RunningTask| self.stages.get(task.stage).is_some_and(|stage| stage.spec.barrier);
        let Some((stage, partition)) =
            calling.filter(is_barrier_set).map(|task| (task.stage, task.partition))
        else {
            let reason = "the task was told to stop, or does not belong to a barrier stage".into();
            fx.push(Effect::BarrierRefused { task, executor, epoch, reason, retryable: true });
            return;
        };
        match self.barriers.call(self.now, stage, partition, caller, (epoch, message)) {
            Answer::Wait => {}
            Answer::Again(messages) => fx.push(Effect::BarrierRelease { task, executor, epoch, messages }),
            Answer::Release(callers, messages) => fx.extend(callers.into_iter().map(|caller| {
                let Caller { task, executor, epoch, .. } = caller;
                Effect::BarrierRelease { task, executor, epoch, messages: messages.clone() }
            })),
            Answer::Refuse(callers, refusal) => self.refuse(stage, callers, &refusal, fx),
        }
    }

    fn refuse(&mut self, stage: StageId, callers: Vec<Caller>, refusal: &Refusal, fx: &mut Vec<Effect>) {
        // A task that found its partition cached may not have made its calls. The next attempt computes all
        // partitions anew.
        let stage = self.stages.get_mut(stage).expect("a task that waits belongs to a known stage");
        let may_be_spared = stage.spec.cached.rdds.iter().any(|cached| cached.barrier);
        let retryable = match refusal {
            Refusal::Ended(_) => may_be_spared,
            Refusal::Mixed(..) | Refusal::OutOfStep => false,
            Refusal::TimedOut { .. } => true,
        };
        stage.distrusts_cached |= may_be_spared;
        fx.extend(callers.into_iter().map(|Caller { task, executor, epoch, .. }| {
            let reason = reason(refusal, epoch);
            Effect::BarrierRefused { task, executor, epoch, reason, retryable }
        }));
    }

    /// Refuses the call of a task that is told to stop, if it waits.
    pub(crate) fn refuse_caller(&mut self, id: TaskId, why: &KillReason, fx: &mut Vec<Effect>) {
        let task = self.tasks.get(id).expect("only what runs is told to stop");
        if let Some(Caller { task, executor, epoch, .. }) =
            self.barriers.leave(task.stage, task.partition, id)
        {
            let reason = format!("the task is to stop: {why}");
            fx.push(Effect::BarrierRefused { task, executor, epoch, reason, retryable: true });
        }
    }

    /// Refuses the calls of tasks that have waited for too long.
    pub(crate) fn time_out_barriers(&mut self, fx: &mut Vec<Effect>) {
        for (stage, callers, refusal) in
            self.barriers.overdue(self.now, self.settings.barrier_sync_timeout_ms)
        {
            self.refuse(stage, callers, &refusal, fx);
        }
    }

    /// Refuses the calls of tasks that wait for one that has succeeded: it will make none.
    pub(crate) fn barrier_task_ended(&mut self, task: &RunningTask, fx: &mut Vec<Effect>) {
        let callers = self.barriers.ended(task.stage, task.partition);
        if !callers.is_empty() {
            self.refuse(task.stage, callers, &Refusal::Ended(task.partition), fx);
        }
    }

    /// Gives up the attempt of a task that failed and may be tried again: all tasks of its barrier set begin
    /// again.
    pub(crate) fn barrier_task_failed(
        &mut self,
        task: &RunningTask,
        failure: TaskFailure,
        fx: &mut Vec<Effect>,
    ) {
        let is_fetch = matches!(failure, TaskFailure::FetchFailed { .. });
        let stage = self.stages.get_mut(task.stage).expect("a task that counts has a stage");
        stage.distrusts_cached |= matches!(failure, TaskFailure::CachedBlockLost { .. });
        stage.failed_in_a_row += u32::from(is_fetch || failure.counts());
        let too_often = stage.failed_in_a_row >= self.settings.max_consecutive_stage_attempts;
        let site = stage.spec.site.clone();
        self.give_up_barrier_set(task.stage, failure.to_string(), fx);
        // All tasks begin again, whether the input is missing or has moved.
        let _ = self.input_missing(&failure, fx);
        if too_often {
            let (stage, attempt, last) = (task.stage, task.stage_attempt, Box::new(failure));
            self.fail_jobs_of(stage, JobFailure::StageFailed { stage, site, attempt, last }, fx);
        }
    }

    /// Gives up the attempt of a barrier set of which an output is gone. A stage that was complete has no
    /// attempt; it begins one when another stage wants its output.
    pub(crate) fn barrier_output_gone(&mut self, id: StageId, map: Partition, fx: &mut Vec<Effect>) {
        let tasks = self.stages.get(id).and_then(|stage| stage.tasks.as_ref());
        if tasks.is_some_and(|tasks| tasks.is_done(map.0)) {
            self.give_up_barrier_set(id, format!("the output of partition {map} was lost"), fx);
        }
    }

    /// Gives up an attempt with all its outputs and results, so that the next may begin.
    fn give_up_barrier_set(&mut self, id: StageId, why: String, fx: &mut Vec<Effect>) {
        self.close_attempt(id, Some(why), fx);
        self.kill_all(id, KillReason::StageAborted, fx);
        self.disband(id, fx);
        self.drop_barrier_outputs(id, fx);
        self.commits.forget(id);
        let stage = self.stages.get_mut(id).expect("only a known stage is given up");
        stage.tasks.as_mut().expect("an attempt has tasks").start_over(self.now);
    }

    /// Drops all that the next attempt at a barrier stage could find of an earlier one, before it begins.
    pub(crate) fn drop_earlier_attempt(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        let stage = self.stages.get(id).expect("only a known stage is attempted");
        if !stage.spec.barrier {
            return;
        }
        let behind = stage.spec.cached.rdds.iter().filter(|cached| cached.barrier && !cached.is_truncated);
        let partial = behind.filter(|cached| stage.distrusts_cached || !self.is_all_cached(cached));
        let partial: Vec<_> = partial.map(|cached| cached.rdd).collect();
        // Tasks that find their partition cached would make no calls, and the others would wait for them.
        partial.into_iter().for_each(|rdd| self.blocks.restart(rdd));
        self.drop_barrier_outputs(id, fx);
    }

    fn drop_barrier_outputs(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        let spec = &self.stages.get(id).expect("only a known stage has outputs").spec;
        let Some(shuffle) = spec.output else { return };
        let maps = (0..spec.partitions).map(Partition);
        let dropped: Vec<_> = maps.filter_map(|map| self.outputs.unregister(shuffle, map)).collect();
        // Also if this driver knows of none: the journal may have outputs that it could not take up.
        self.write_given_up(shuffle, fx);
        fx.extend(dropped.iter().map(|output| Effect::output_dropped(shuffle, output)));
        self.dirty_stages.extend(self.stages.readers_of(shuffle));
    }

    /// Accepts the held results of a barrier set all of whose tasks succeeded.
    pub(crate) fn accept_held(&mut self, id: StageId, job: JobId, fx: &mut Vec<Effect>) {
        for held in self.barriers.take_held(id) {
            self.accumulators.accept(Source::Final, held.updates);
            fx.push(Effect::ResultAccepted { job, output: held.index as usize, task: held.task });
        }
    }

    /// Forgets the barrier set of a stage. Results that were held do not count.
    pub(crate) fn disband(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        let held = self.barriers.disband(id);
        fx.extend(held.into_iter().map(|held| Effect::ResultDropped { task: held.task }));
    }

    /// Fails the jobs of barrier sets that have had more tasks than all executors have slots, for too long.
    /// Returns whether there were any.
    pub(crate) fn fail_barrier_sets_without_slots(&mut self, fx: &mut Vec<Effect>) -> bool {
        if self.executors.without_executors_since().is_some() {
            self.barriers.no_executors();
            return false;
        }
        let (slots, limit_ms) = (self.executors.slots(), self.barrier_patience());
        let overdue = self.barriers.without_slots(self.now, slots, limit_ms);
        for &(stage, tasks) in &overdue {
            let Some(spec) = self.stages.get(stage).map(|stage| &stage.spec) else { continue };
            let failure = JobFailure::TooFewSlots { stage, site: spec.site.clone(), tasks, slots };
            self.fail_jobs_of(stage, failure, fx);
        }
        !overdue.is_empty()
    }

    /// Returns for how long a barrier set waits for enough slots. A stage that ran before had enough of them,
    /// so it waits longer for executors in place of lost ones.
    fn barrier_patience(&self) -> impl Fn(StageAttempt) -> u64 + use<> {
        let first = self.settings.barrier_slots_wait_ms;
        let later = first.max(self.settings.no_executors_timeout_ms);
        move |attempt| if attempt.0 == 0 { first } else { later }
    }

    /// Returns the time at which a barrier set is due for something.
    pub(crate) fn next_barrier_deadline(&self) -> Option<Millis> {
        let waits = (self.settings.barrier_hold_ms, self.settings.barrier_sync_timeout_ms);
        self.barriers.next_deadline(self.now, waits, self.barrier_patience())
    }
}

fn reason(refusal: &Refusal, epoch: u32) -> String {
    match refusal {
        Refusal::Ended(partition) => format!(
            "the task of partition {partition} ended after {epoch} calls of `barrier` or `all_gather`, and will never make the one \
             that this task waits in. All tasks of a barrier stage have to call equally often"
        ),
        Refusal::Mixed(one, other) => format!(
            "partition {one} and partition {other} made different calls, one `barrier` and the other `all_gather`. All tasks of a \
             barrier stage have to make the same calls in the same order"
        ),
        Refusal::OutOfStep => {
            format!("call {epoch} comes out of turn. This is a bug in Firesteel: please report it")
        }
        Refusal::TimedOut { called, size, waited_ms } => format!(
            "after {waited_ms} ms only {called} of {size} tasks had called. Raise `firesteel.barrier.sync.timeout`, or find out \
             why the others take so long"
        ),
    }
}
