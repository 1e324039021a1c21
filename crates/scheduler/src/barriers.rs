//! The calls of tasks in barrier stages: stages whose tasks run at the same time, and may wait for one
//! another.
//!
//! A *barrier set* is all tasks of one attempt at such a stage. Each task counts its calls; a call is an
//! *epoch*, and ends when all tasks have made it. So at any time one epoch is open, a task that calls is in
//! that epoch or repeats the one before it, and the table need remember no other answer than that one's. A
//! barrier set that is given up is forgotten: there is no way in which calls of two attempts could meet.
//!
//! A task that has ended makes no more calls. The tasks that wait for it are told so at once, and do not wait
//! for ever.

use firesteel_types::{AccumulatorUpdate, ExecutorId, Millis, Partition, StageAttempt, StageId, TaskId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The barrier sets of all barrier stages that have an attempt.
#[derive(Debug, Default)]
pub(crate) struct Barriers {
    barrier_sets: BTreeMap<StageId, BarrierSet>,
}

/// The tasks of one attempt at a barrier stage.
#[derive(Debug)]
struct BarrierSet {
    size: u32,
    attempt: StageAttempt,
    /// The time since which the tasks wait for slots; `None` once they are launched.
    waiting: Option<Millis>,
    /// The time since which there are fewer slots than tasks.
    short_since: Option<Millis>,
    /// The epoch that is open.
    epoch: u32,
    /// The time since which a task waits in it.
    opened: Option<Millis>,
    /// The tasks that wait in it.
    called: BTreeMap<Partition, Caller>,
    /// The messages of the epoch before.
    last: Arc<[String]>,
    /// The partition of a task that ended.
    ended: Option<Partition>,
    held: Vec<Held>,
}

/// A task that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) task: TaskId,
    pub(crate) executor: ExecutorId,
    pub(crate) epoch: u32,
    message: Option<String>,
}

/// The result of a task, which counts when those of all others are there.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) index: u32,
    pub(crate) task: TaskId,
    pub(crate) updates: Vec<AccumulatorUpdate>,
}

/// The answer to a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is none yet: other tasks have not called.
    Wait,
    /// It goes to all of these: every task has called.
    Release(Vec<Caller>, Arc<[String]>),
    /// It goes to the caller alone, which missed it before.
    Again(Arc<[String]>),
    /// These tasks are told that not every task will call.
    Refuse(Vec<Caller>, Refusal),
}

/// The reason why not every task will call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A task ended that had called less often.
    Ended(Partition),
    /// One task wants to wait, another to exchange messages.
    Mixed(Partition, Partition),
    /// The call skips the one that is open, which no task does.
    OutOfStep,
    /// Only `called` of `size` tasks have called in time.
    TimedOut { called: u32, size: u32, waited_ms: u64 },
}

impl Barriers {
    /// Makes the barrier set of an attempt, which waits for slots.
    pub(crate) fn begin(&mut self, stage: StageId, now: Millis, size: u32, attempt: StageAttempt) {
        let barrier_set = BarrierSet {
            size,
            attempt,
            waiting: Some(now),
            short_since: None,
            epoch: 0,
            opened: None,
            called: BTreeMap::new(),
            last: Arc::default(),
            ended: None,
            held: vec![],
        };
        let before = self.barrier_sets.insert(stage, barrier_set);
        assert!(
            before.is_none_or(|barrier_set| barrier_set.is_untouched()),
            "the barrier set of an earlier attempt has disbanded"
        );
    }

    /// Notes that all tasks were launched. Returns the attempt to which they belong.
    pub(crate) fn launched(&mut self, stage: StageId) -> StageAttempt {
        let barrier_set =
            self.barrier_sets.get_mut(&stage).expect("only a barrier set that waits is launched");
        (barrier_set.waiting, barrier_set.short_since) = (None, None);
        barrier_set.attempt
    }

    /// Takes in the call of a task.
    pub(crate) fn call(
        &mut self,
        now: Millis,
        stage: StageId,
        partition: Partition,
        (task, executor): (TaskId, ExecutorId),
        (epoch, message): (u32, Option<String>),
    ) -> Answer {
        let barrier_set =
            self.barrier_sets.get_mut(&stage).expect("a task of a barrier stage belongs to a barrier set");
        let caller = Caller { task, executor, epoch, message };
        if epoch + 1 == barrier_set.epoch {
            return Answer::Again(barrier_set.last.clone());
        }
        if epoch < barrier_set.epoch {
            // This is a late copy of a message. The task was answered long ago, since it has called again.
            return Answer::Wait;
        }
        if epoch > barrier_set.epoch {
            return Answer::Refuse(vec![caller], Refusal::OutOfStep);
        }
        let other =
            barrier_set.called.iter().find(|(_, other)| other.message.is_some() != caller.message.is_some());
        let refusal = match (barrier_set.ended, other) {
            (Some(ended), _) => Some(Refusal::Ended(ended)),
            (None, Some((other, _))) => Some(Refusal::Mixed(*other, partition)),
            (None, None) => None,
        };
        barrier_set.called.insert(partition, caller);
        match refusal {
            Some(refusal) => Answer::Refuse(barrier_set.dismiss(), refusal),
            None if barrier_set.called.len() < barrier_set.size as usize => {
                barrier_set.opened.get_or_insert(now);
                Answer::Wait
            }
            None => barrier_set.release(),
        }
    }

    /// Notes that a task succeeded. Returns the tasks that wait for it, which no call of it will release.
    pub(crate) fn ended(&mut self, stage: StageId, partition: Partition) -> Vec<Caller> {
        let Some(barrier_set) = self.barrier_sets.get_mut(&stage) else { return vec![] };
        barrier_set.ended = Some(partition);
        barrier_set.dismiss()
    }

    /// Takes out a task that is told to stop. Returns its call if it waits.
    pub(crate) fn leave(&mut self, stage: StageId, partition: Partition, task: TaskId) -> Option<Caller> {
        let called = &mut self.barrier_sets.get_mut(&stage)?.called;
        called.get(&partition).is_some_and(|caller| caller.task == task).then(|| called.remove(&partition))?
    }

    /// Takes out the tasks that have waited for too long, and returns them by stage.
    pub(crate) fn overdue(&mut self, now: Millis, timeout_ms: u64) -> Vec<(StageId, Vec<Caller>, Refusal)> {
        let mut overdue = vec![];
        for (&stage, barrier_set) in &mut self.barrier_sets {
            if barrier_set.opened.is_some_and(|opened| now - opened >= timeout_ms) {
                let (called, size) = (barrier_set.called.len() as u32, barrier_set.size);
                let refusal = Refusal::TimedOut { called, size, waited_ms: timeout_ms };
                overdue.push((stage, barrier_set.dismiss(), refusal));
            }
        }
        overdue
    }

    /// Holds a result until those of all tasks are there.
    pub(crate) fn hold(&mut self, stage: StageId, result: Held) {
        self.barrier_sets.get_mut(&stage).expect("only results of a barrier set are held").held.push(result);
    }

    /// Takes out the results that were held.
    pub(crate) fn take_held(&mut self, stage: StageId) -> Vec<Held> {
        self.barrier_sets
            .get_mut(&stage)
            .map(|barrier_set| std::mem::take(&mut barrier_set.held))
            .unwrap_or_default()
    }

    /// Forgets a barrier set. Returns the results that were held.
    pub(crate) fn disband(&mut self, stage: StageId) -> Vec<Held> {
        let Some(barrier_set) = self.barrier_sets.remove(&stage) else { return vec![] };
        assert!(barrier_set.called.is_empty(), "no task waits in a barrier set that disbands");
        barrier_set.held
    }

    /// Returns whether slots that become free are to be held for a barrier set now: see
    /// [`barrier_hold_ms`](crate::SchedulerSettings::barrier_hold_ms).
    pub(crate) fn holds_slots(&self, stage: StageId, now: Millis, hold_ms: u64) -> bool {
        let waiting = self.barrier_sets.get(&stage).and_then(|barrier_set| barrier_set.waiting);
        waiting.is_some_and(|since| holds_until(now - since, hold_ms).is_some())
    }

    /// Returns whether any barrier set waits for slots.
    pub(crate) fn any_waits(&self) -> bool {
        self.barrier_sets.values().any(|barrier_set| barrier_set.waiting.is_some())
    }

    /// Notes which waiting barrier sets have more tasks than there are slots. Returns those for which that
    /// has lasted too long.
    pub(crate) fn without_slots(
        &mut self,
        now: Millis,
        slots: u32,
        limit_ms: impl Fn(StageAttempt) -> u64,
    ) -> Vec<(StageId, u32)> {
        let mut overdue = vec![];
        for (&stage, barrier_set) in
            self.barrier_sets.iter_mut().filter(|(_, barrier_set)| barrier_set.waiting.is_some())
        {
            if barrier_set.size <= slots {
                barrier_set.short_since = None;
            } else if now - *barrier_set.short_since.get_or_insert(now) >= limit_ms(barrier_set.attempt) {
                overdue.push((stage, barrier_set.size));
            }
        }
        overdue
    }

    /// Notes that there is no executor at all. Jobs wait for the first one by another limit.
    pub(crate) fn no_executors(&mut self) {
        self.barrier_sets.values_mut().for_each(|barrier_set| barrier_set.short_since = None);
    }

    /// Returns the time at which slots are held no longer, or a barrier set or its tasks will have waited for
    /// too long.
    pub(crate) fn next_deadline(
        &self,
        now: Millis,
        (hold_ms, timeout_ms): (u64, u64),
        limit_ms: impl Fn(StageAttempt) -> u64,
    ) -> Option<Millis> {
        let of_barrier_set = |barrier_set: &BarrierSet| {
            let held = barrier_set.waiting.and_then(|since| Some(since + holds_until(now - since, hold_ms)?));
            let short = barrier_set.short_since.map(|since| since + limit_ms(barrier_set.attempt));
            let call = barrier_set.opened.map(|opened| opened + timeout_ms);
            [held, short, call].into_iter().flatten().min()
        };
        self.barrier_sets.values().filter_map(of_barrier_set).min()
    }

    /// Returns whether there is no barrier set.
    pub(crate) fn is_empty(&self) -> bool {
        self.barrier_sets.is_empty()
    }
}

impl BarrierSet {
    /// Returns whether none of its tasks was launched.
    fn is_untouched(&self) -> bool {
        self.waiting.is_some()
    }

    fn release(&mut self) -> Answer {
        let callers = self.dismiss();
        self.epoch += 1;
        self.last = callers.iter().filter_map(|caller| caller.message.clone()).collect();
        Answer::Release(callers, self.last.clone())
    }

    /// Takes out all tasks that wait, and returns them in the order of partitions.
    fn dismiss(&mut self) -> Vec<Caller> {
        self.opened = None;
        std::mem::take(&mut self.called).into_values().collect()
    }
}

/// Returns the end of the time in which slots are held for a barrier set that has waited for `waited_ms`, if
/// they are held then. They are held for the first `hold_ms` that it waits, not held for as long, then held
/// for twice as long, and so on.
fn holds_until(waited_ms: u64, hold_ms: u64) -> Option<u64> {
    let (mut begin, mut length) = (0u64, hold_ms);
    while length > 0 {
        let end = begin.saturating_add(length);
        if waited_ms < end {
            return Some(end);
        }
        begin = end.saturating_add(length);
        if waited_ms < begin {
            return None;
        }
        length = length.saturating_mul(2);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: StageId = StageId(3);

    fn barrier_set(size: u32) -> Barriers {
        let mut barriers = Barriers::default();
        barriers.begin(STAGE, Millis(0), size, StageAttempt(0));
        barriers.launched(STAGE);
        barriers
    }

    fn call(barriers: &mut Barriers, partition: u32, epoch: u32, message: Option<&str>) -> Answer {
        let who = (TaskId(u64::from(partition)), ExecutorId(1));
        barriers.call(Millis(5), STAGE, Partition(partition), who, (epoch, message.map(Into::into)))
    }

    #[test]
    fn messages_come_in_the_order_of_partitions_and_again_for_those_that_missed_them() {
        let mut barriers = barrier_set(3);
        assert_eq!(call(&mut barriers, 2, 0, Some("c")), Answer::Wait);
        assert_eq!(call(&mut barriers, 0, 0, Some("a")), Answer::Wait);
        assert_eq!(call(&mut barriers, 0, 0, Some("a")), Answer::Wait, "asking twice is no second call");
        let Answer::Release(callers, messages) = call(&mut barriers, 1, 0, Some("b")) else { panic!() };
        assert_eq!(callers.iter().map(|caller| caller.task.0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(*messages, ["a", "b", "c"]);
        assert_eq!(call(&mut barriers, 2, 0, Some("c")), Answer::Again(messages));
        assert_eq!(call(&mut barriers, 2, 1, None), Answer::Wait);
        let late = call(&mut barriers, 1, 7, None);
        assert!(matches!(late, Answer::Refuse(callers, Refusal::OutOfStep) if callers.len() == 1));
    }

    #[test]
    fn nobody_waits_for_who_has_ended_or_does_something_else() {
        let mut barriers = barrier_set(3);
        call(&mut barriers, 0, 0, None);
        let mixed = call(&mut barriers, 1, 0, Some("x"));
        assert!(
            matches!(mixed, Answer::Refuse(callers, Refusal::Mixed(Partition(0), Partition(1))) if callers.len() == 2)
        );
        call(&mut barriers, 0, 0, None);
        assert_eq!(barriers.ended(STAGE, Partition(2)).len(), 1);
        let late = call(&mut barriers, 1, 0, None);
        assert!(matches!(late, Answer::Refuse(callers, Refusal::Ended(Partition(2))) if callers.len() == 1));
    }

    #[test]
    fn slots_are_held_half_of_the_time_and_each_time_for_longer() {
        let held: Vec<u64> = (0..14).filter(|waited| holds_until(*waited, 1).is_some()).collect();
        assert_eq!(held, [0, 2, 3, 6, 7, 8, 9]);
        assert_eq!((holds_until(3, 1), holds_until(7, 1), holds_until(0, 0)), (Some(4), Some(10), None));
        assert_eq!(holds_until(u64::MAX - 1, u64::MAX), Some(u64::MAX));
    }
}
