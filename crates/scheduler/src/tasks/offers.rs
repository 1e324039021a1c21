//! The offers of free slots to the stages that have tasks to launch.
//!
//! There are two occasions: a slot becomes free, and only it is offered; or there are new tasks to launch,
//! and all free slots are offered, one of each executor in turn so that work spreads. Stages are asked in the
//! order of `pools`. A barrier stage takes all the slots that it needs or none
//! ([`barrier_sets`](crate::tasks::barrier_sets)).

use crate::effect::{Effect, TaskLaunch};
use crate::running_tasks::RunningTask;
use crate::scheduler::{Scheduler, Vacancies};
use crate::task_set::Pick;
use crate::tasks::barrier_sets::BarrierOffer;
use firesteel_types::{AppEvent, ExecutorId, StageId};
use std::sync::Arc;

impl Scheduler {
    /// Offers the slots that are noted for it.
    pub(crate) fn make_offers(&mut self, fx: &mut Vec<Effect>) {
        let Vacancies { all, executors } = std::mem::take(&mut self.vacancies);
        if all {
            self.offer_all(fx);
            return;
        }
        for executor in executors {
            while self.executors.is_free(executor) && self.offer(executor, fx) {}
        }
    }

    fn offer_all(&mut self, fx: &mut Vec<Effect>) {
        // Once every executor with a free slot was refused in turn, no stage wants any.
        let mut refused = 0;
        while self.pools.has_runnable() && refused < self.executors.free_count() {
            let Some(executor) = self.executors.next_free() else { return };
            refused = if self.offer(executor, fx) { 0 } else { refused + 1 };
        }
    }

    /// Offers a slot of an executor to one stage after another. Returns whether a task was launched.
    fn offer(&mut self, executor: ExecutorId, fx: &mut Vec<Effect>) -> bool {
        if !self.pools.has_runnable() {
            return false;
        }
        for pool in self.pools.in_order() {
            let mut last = None;
            while let Some(turn) = self.pools.next(&pool, last) {
                if self.stages.get(turn.1).is_some_and(|stage| stage.spec.barrier) {
                    match self.offer_to_barrier_set(turn.1, fx) {
                        BarrierOffer::Launched => return true,
                        BarrierOffer::Refused => {}
                        BarrierOffer::Held => return false,
                    }
                } else if self.offer_to(turn.1, executor, fx) {
                    return true;
                }
                last = Some(turn);
            }
        }
        false
    }

    /// Offers a slot of an executor to a stage without barrier. Returns whether a task took it.
    fn offer_to(&mut self, id: StageId, executor: ExecutorId, fx: &mut Vec<Effect>) -> bool {
        let host = &self.executors.get(executor).expect("an offer comes from a registered executor").host;
        let stage = self.stages.get_mut(id).expect("a runnable stage is known");
        let tasks = stage.tasks.as_mut().expect("a runnable stage has tasks");
        let pick = tasks.pick(self.now, executor, host, self.settings.locality_wait_ms);
        if !tasks.wants_slots() {
            self.pools.remove(&stage.pool, stage.turn());
        }
        let Some(mut pick) = pick else { return false };
        if pick.speculative {
            pick.locality = stage.locality_of(pick.index, executor, host);
        }
        self.launch(id, executor, pick, None, fx);
        true
    }

    /// Launches a task. `barrier_set` has the hosts of all tasks of a barrier stage.
    pub(crate) fn launch(
        &mut self,
        id: StageId,
        executor: ExecutorId,
        pick: Pick,
        barrier_set: Option<Arc<[String]>>,
        fx: &mut Vec<Effect>,
    ) {
        let stage = self.stages.get_mut(id).expect("a launched stage is known");
        let (stage_attempt, inputs, cached) =
            stage.open_attempt().expect("only an open attempt launches tasks");
        let partition = stage.partition(pick.index);
        let Pick { locality, speculative, attempt, index: _ } = pick;
        let running = RunningTask {
            stage: id,
            stage_attempt,
            index: pick.index,
            partition,
            executor,
            attempt,
            locality,
            speculative,
            has_result: stage.spec.output.is_none(),
            started: self.now,
            pool: Arc::clone(&stage.pool),
            killed: None,
        };
        let task = self.tasks.insert(running);
        stage.running.insert(task);
        self.executors.occupy(executor, task);
        self.pools.launched(&stage.pool);
        let summary = self.tasks.get(task).expect("it was inserted above").summary(task);
        fx.push(Effect::Event(AppEvent::TaskStarted { at: self.now, task: summary }));
        let job = stage.turn().0;
        fx.push(Effect::Launch(TaskLaunch {
            task,
            executor,
            stage: id,
            stage_attempt,
            partition,
            attempt,
            job,
            inputs,
            cached,
            barrier_hosts: barrier_set,
            locality,
            speculative,
        }));
    }
}
