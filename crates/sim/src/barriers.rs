//! The rules of barrier stages, which hold whatever happens.
//!
//! - Of one attempt, all tasks are launched by one event, each partition once; and no task of an earlier attempt may go on then.
//! - A task is let on only when all tasks of its own attempt have called as often, none of which was told to stop or has ended.
//! - What the tasks of one stage have computed that a job is answered with, or that a task reads, is one attempt's.
//! - No task is told that the others will never call, where nothing can keep them from it.

use crate::objection::Objection;
use firesteel_scheduler::{ShuffleOutputs, TaskLaunch};
use firesteel_types::{ExecutorId, JobId, Partition, StageAttempt, StageId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// All attempts at barrier stages that there ever were.
#[derive(Debug, Default)]
pub(crate) struct BarrierChecker {
    members: BTreeMap<TaskId, Member>,
    /// The last attempt at each barrier stage.
    last: BTreeMap<StageId, BarrierSet>,
    /// Those launched by the event that is being handled.
    fresh: BTreeSet<StageId>,
    answered_by: BTreeMap<JobId, (StageId, StageAttempt)>,
    pub(crate) launched: u64,
    pub(crate) released: u64,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    stage: StageId,
    attempt: StageAttempt,
    partition: Partition,
}

#[derive(Debug)]
struct BarrierSet {
    attempt: StageAttempt,
    size: usize,
    partitions: BTreeSet<Partition>,
    /// Those that run and were not told to stop.
    living: BTreeSet<TaskId>,
    calls: BTreeMap<u32, BTreeSet<Partition>>,
}

/// How a task answers for itself among the others.
pub(crate) fn message_of(attempt: StageAttempt, partition: u32) -> String {
    format!("{attempt}/{partition}")
}

impl BarrierChecker {
    pub(crate) fn launched(&mut self, launch: &TaskLaunch, is_barrier: bool) -> Result<(), Objection> {
        let TaskLaunch { task, stage, stage_attempt: attempt, partition, .. } = *launch;
        let Some(barrier_set) = launch.barrier_hosts.as_ref().filter(|_| is_barrier) else {
            return match launch.barrier_hosts.is_some() || is_barrier {
                true => Err(format!("task {task} is told of others, or not, as it should not be")),
                false => Ok(()),
            };
        };
        if self.fresh.insert(stage) {
            self.launched += 1;
            let begun = BarrierSet {
                attempt,
                size: barrier_set.len(),
                partitions: BTreeSet::new(),
                living: BTreeSet::new(),
                calls: BTreeMap::new(),
            };
            if let Some(before) = self.last.insert(stage, begun)
                && (before.attempt >= attempt || !before.living.is_empty())
            {
                return Err(format!(
                    "barrier stage {stage}.{attempt} begins while attempt {before:?} goes on"
                ));
            }
        }
        let current = self.last.get_mut(&stage).expect("the barrier set was just made");
        if current.attempt != attempt || !current.partitions.insert(partition) || launch.speculative {
            return Err(format!("task {task} is a copy, or of another attempt than {current:?}"));
        }
        current.living.insert(task);
        self.members.insert(task, Member { stage, attempt, partition });
        Ok(())
    }

    /// An event was handled: what it has launched must be whole.
    pub(crate) fn all_or_nothing(&mut self) -> Result<(), Objection> {
        for stage in std::mem::take(&mut self.fresh) {
            let barrier_set = &self.last[&stage];
            if barrier_set.partitions.len() != barrier_set.size {
                let (launched, size) = (barrier_set.partitions.len(), barrier_set.size);
                return Err(format!("of barrier stage {stage}, {launched} of {size} tasks were launched"));
            }
        }
        Ok(())
    }

    /// An attempt ended or was told to stop.
    pub(crate) fn over(&mut self, task: TaskId) {
        if let Some(member) = self.members.get(&task) {
            self.last.get_mut(&member.stage).expect("a member has a barrier set").living.remove(&task);
        }
    }

    /// The driver hears of a call.
    pub(crate) fn called(&mut self, task: TaskId, epoch: u32) {
        let Some(Member { stage, partition, .. }) = self.members.get(&task).copied() else { return };
        let barrier_set = self.last.get_mut(&stage).expect("a member has a barrier set");
        if barrier_set.living.contains(&task) {
            barrier_set.calls.entry(epoch).or_default().insert(partition);
        }
    }

    /// The scheduler lets a task on.
    pub(crate) fn let_on(&mut self, task: TaskId, epoch: u32, messages: &[String]) -> Result<(), Objection> {
        self.released += 1;
        let Some(member) = self.members.get(&task) else {
            return Err(format!("task {task} is let on, and belongs to no barrier set"));
        };
        let barrier_set = &self.last[&member.stage];
        let called = barrier_set.calls.get(&epoch).map_or(0, BTreeSet::len);
        if !barrier_set.living.contains(&task) || called != barrier_set.size {
            return Err(format!(
                "task {task} is let on after {called} of {} calls of epoch {epoch}",
                barrier_set.size
            ));
        }
        let must: Vec<String> =
            barrier_set.partitions.iter().map(|p| message_of(barrier_set.attempt, p.0)).collect();
        match messages.is_empty() || messages == must {
            true => Ok(()),
            false => Err(format!("task {task} is told {messages:?}, not {must:?}")),
        }
    }

    /// The scheduler tells a task that others will not call.
    pub(crate) fn refused(&mut self, task: TaskId, on: ExecutorId, retryable: bool) -> Result<(), Objection> {
        self.refused += 1;
        match retryable {
            true => Ok(()),
            false => Err(format!("task {task} on {on} is told that others never call, and all do")),
        }
    }

    /// A job is answered with what a task computed.
    pub(crate) fn answers(&mut self, job: JobId, task: TaskId) -> Result<(), Objection> {
        let Some(member) = self.members.get(&task) else { return Ok(()) };
        let of = (member.stage, member.attempt);
        match *self.answered_by.entry(job).or_insert(of) {
            first if first == of => Ok(()),
            first => Err(format!("job {job} is answered by attempts {first:?} and {of:?}")),
        }
    }

    /// A task reads what others wrote.
    pub(crate) fn reads(&self, input: &ShuffleOutputs) -> Result<(), Objection> {
        let attempts: BTreeSet<_> = input
            .maps
            .iter()
            .filter_map(|map| self.members.get(&map.task))
            .map(|member| (member.stage, member.attempt))
            .collect();
        match attempts.len() {
            0 | 1 => Ok(()),
            _ => {
                Err(format!("shuffle {} is read as {attempts:?} of a barrier stage wrote it", input.shuffle))
            }
        }
    }
}
