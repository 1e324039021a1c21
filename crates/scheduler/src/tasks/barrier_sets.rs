//! The steps that concern the gangs of barrier stages: all tasks are launched together, wait for one another, and when one of
//! them fails, all begin again.
//!
//! Nothing of an attempt that was given up counts: its tasks are told to stop, their map outputs are dropped, their results,
//! which were held until the last of them, too. So what one attempt computed never stands beside what another did, also when the
//! stage runs again because an output was lost after it had been complete.

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

/// What became of an offer to a gang.
pub(crate) enum BarrierOffer {
    /// All of it was launched.
    Launched,
    /// It has no use for the slots now.
    Refused,
    /// It waits for more of them; nobody behind it may have these.
    Held,
}

impl Scheduler {
    /// Offers all free slots to a gang.
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

    /// The stages that are offered free slots, if some are held for a gang: those behind it are not, and need not be woken.
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
        let may_have_them = tasks.is_some_and(|tasks| tasks.unlaunched() <= self.executors.slots());
        may_have_them && self.barriers.holds_slots(id, self.now, self.settings.barrier_hold_ms)
    }

    /// Launches all tasks of a gang, for which there are slots: near their data where that can be had at once.
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
            // Tasks fail together, so all of them look closely from the second attempt on.
            let pick = Pick { attempt: attempt.0, ..pick };
            self.launch(id, executor, pick, Some(barrier_set.clone()), fx);
        }
    }

    /// Decides which task goes where, round and round so that work spreads. In a first round tasks take only slots near their
    /// data.
    fn assign_barrier_set(&mut self, id: StageId) -> Vec<(ExecutorId, Pick)> {
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
        assert_eq!(tasks.unlaunched(), 0, "all of gang {id} is launched or nothing");
        picks
    }

    /// A task waits for the others of its gang.
    pub(crate) fn barrier_sync(
        &mut self,
        who: (TaskId, ExecutorId),
        epoch: u32,
        message: Option<String>,
        fx: &mut Vec<Effect>,
    ) {
        let (task, executor) = who;
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
        match self.barriers.call(self.now, stage, partition, who, (epoch, message)) {
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
        // A kept partition may be what spared a task its calls. All are computed anew next time.
        let stage = self.stages.get_mut(stage).expect("who waits belongs to a known stage");
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

    /// A task that is told to stop does not wait any longer.
    pub(crate) fn refuse_caller(&mut self, id: TaskId, why: &KillReason, fx: &mut Vec<Effect>) {
        let task = self.tasks.get(id).expect("only what runs is told to stop");
        if let Some(Caller { task, executor, epoch, .. }) =
            self.barriers.leave(task.stage, task.partition, id)
        {
            let reason = format!("the task is to stop: {why}");
            fx.push(Effect::BarrierRefused { task, executor, epoch, reason, retryable: true });
        }
    }

    /// Tasks that have waited for too long are told so.
    pub(crate) fn time_out_barriers(&mut self, fx: &mut Vec<Effect>) {
        for (stage, callers, refusal) in
            self.barriers.overdue(self.now, self.settings.barrier_sync_timeout_ms)
        {
            self.refuse(stage, callers, &refusal, fx);
        }
    }

    /// A member succeeded. Who waits for it waits in vain.
    pub(crate) fn barrier_task_ended(&mut self, task: &RunningTask, fx: &mut Vec<Effect>) {
        let callers = self.barriers.ended(task.stage, task.partition);
        if !callers.is_empty() {
            self.refuse(task.stage, callers, &Refusal::Ended(task.partition), fx);
        }
    }

    /// A member ended without success, and may be tried again: with all the others.
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
        let _ = self.input_missing(&failure, fx);
        if too_often {
            let (stage, attempt, last) = (task.stage, task.stage_attempt, Box::new(failure));
            self.fail_jobs_of(stage, JobFailure::StageFailed { stage, site, attempt, last }, fx);
        }
    }

    /// The output of a member that had ended is gone. While others run, all begin again; else that is seen to when somebody
    /// wants the stage.
    pub(crate) fn barrier_output_gone(&mut self, id: StageId, map: Partition, fx: &mut Vec<Effect>) {
        let tasks = self.stages.get(id).and_then(|stage| stage.tasks.as_ref());
        if tasks.is_some_and(|tasks| tasks.is_done(map.0)) {
            self.give_up_barrier_set(id, format!("the output of partition {map} was lost"), fx);
        }
    }

    /// Gives up an attempt, and all that came of it. The next may begin.
    fn give_up_barrier_set(&mut self, id: StageId, why: String, fx: &mut Vec<Effect>) {
        self.close_attempt(id, Some(why), fx);
        self.kill_all(id, KillReason::StageAborted, fx);
        self.disband(id, fx);
        self.drop_barrier_outputs(id, fx);
        self.commits.forget(id);
        let stage = self.stages.get_mut(id).expect("only a known stage is given up");
        stage.tasks.as_mut().expect("an attempt has tasks").start_over(self.now);
    }

    /// Whatever the next attempt could find of an earlier one goes, before it begins.
    pub(crate) fn gather(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        let stage = self.stages.get(id).expect("only a known stage is attempted");
        if !stage.spec.barrier {
            return;
        }
        let behind = stage.spec.cached.rdds.iter().filter(|cached| cached.barrier && !cached.is_truncated);
        let partial = behind.filter(|cached| stage.distrusts_cached || !self.is_all_cached(cached));
        let partial: Vec<_> = partial.map(|cached| cached.rdd).collect();
        // Tasks that find their partition would not wait for those that compute theirs.
        partial.into_iter().for_each(|rdd| self.blocks.restart(rdd));
        self.drop_barrier_outputs(id, fx);
    }

    fn drop_barrier_outputs(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        let spec = &self.stages.get(id).expect("only a known stage has outputs").spec;
        let Some(shuffle) = spec.output else { return };
        for map in (0..spec.partitions).map(Partition) {
            if let Some(output) = self.outputs.unregister(shuffle, map) {
                fx.push(Effect::output_dropped(shuffle, &output));
            }
        }
        self.dirty_stages.extend(self.stages.readers_of(shuffle));
    }

    /// All members succeeded: their results count.
    pub(crate) fn accept_held(&mut self, id: StageId, job: JobId, fx: &mut Vec<Effect>) {
        for held in self.barriers.take_held(id) {
            self.accumulators.accept(Source::Final, held.updates);
            fx.push(Effect::ResultAccepted { job, output: held.index as usize, task: held.task });
        }
    }

    /// Nobody belongs to the gang of a stage any more. Results that were held do not count.
    pub(crate) fn disband(&mut self, id: StageId, fx: &mut Vec<Effect>) {
        let held = self.barriers.disband(id);
        fx.extend(held.into_iter().map(|held| Effect::ResultDropped { task: held.task }));
    }

    /// Gangs that are larger than all executors together fail their jobs, some at once, some after a while. Whether any did.
    pub(crate) fn fail_barrier_sets_without_slots(&mut self, fx: &mut Vec<Effect>) -> bool {
        if self.executors.without_executors_since().is_some() {
            self.barriers.nobody_is_short();
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

    /// For how long a gang waits for executors.
    fn barrier_patience(&self) -> impl Fn(StageAttempt) -> u64 + use<> {
        let first = self.settings.barrier_slots_wait_ms;
        let later = first.max(self.settings.no_executors_timeout_ms);
        move |attempt| if attempt.0 == 0 { first } else { later }
    }

    /// When something about gangs is due.
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
            format!("call {epoch} is not the one that is next. That is a fault of the engine's")
        }
        Refusal::TimedOut { called, size, waited_ms } => format!(
            "after {waited_ms} ms only {called} of {size} tasks had called. Raise `firesteel.barrier.sync.timeout`, or find out \
             what keeps the others"
        ),
    }
}
