//! Waiting for the other tasks of a barrier stage.

use crate::task::{Outcome, Task};
use crate::watch;
use firesteel_types::{CallSite, KillReason, TaskFailure, TaskId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Brings a task's call to the driver, where those of all tasks of a barrier stage meet.
pub trait BarrierGate: Send + Sync {
    /// Waits until all tasks of the stage attempt have called as often as this one, which has called `epoch` times before. Gives
    /// what they said, in the order of partitions; nothing if they only waited.
    ///
    /// # Errors
    /// When the others will not all call.
    fn sync(&self, task: TaskId, epoch: u32, message: Option<String>) -> BarrierOutcome;
}

/// What all tasks of a barrier stage said, in the order of partitions, or why they will not all call.
pub type BarrierOutcome = Result<Arc<[String]>, BarrierRefusal>;

/// Why a task waits for the others in vain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarrierRefusal {
    /// Why, as a sentence.
    pub reason: String,
    /// Whether another attempt could end differently.
    pub retryable: bool,
}

impl BarrierRefusal {
    /// There is nobody any more to bring the tasks together.
    pub fn driver_is_gone() -> Self {
        BarrierRefusal { reason: "the driver is gone".into(), retryable: true }
    }
}

impl Task {
    /// Waits for all other tasks of the barrier stage, and tells them something, or nothing. Gives what all say, in the order of
    /// partitions.
    ///
    /// # Errors
    /// When the task was told to stop, does not belong to a barrier stage, or waits in vain.
    pub fn barrier(&self, message: Option<String>) -> Outcome<Arc<[String]>> {
        self.check_cancelled()?;
        let failure = |message: String, retryable| {
            let operation = "wait for the other tasks of the barrier stage".into();
            let site = watch::site().map_or_else(CallSite::default, |site| (*site).clone());
            Box::new(TaskFailure::Operation { operation, message, site, retryable })
        };
        if self.spec().barrier_hosts.is_none() {
            let message = "the task does not belong to one: use `barrier()` of the RDD first";
            return Err(failure(message.into(), false));
        }
        let answer = self.services().barrier.sync(self.spec().task, self.next_call(), message);
        answer.map_err(|BarrierRefusal { reason, retryable }| match self.check_cancelled() {
            Ok(()) => failure(reason, retryable),
            Err(_) => Box::new(TaskFailure::Killed(KillReason::StageAborted)),
        })
    }
}

/// What a function of a barrier stage knows of its task and of the others, and its way to wait for them. Cheap to clone: a function
/// that gives a lazy iterator takes a clone along.
///
/// `RddBarrier::map_partitions` of the crate `firesteel` shows it at work.
#[derive(Clone)]
pub struct BarrierTaskContext {
    task: Task,
}

/// One task of a barrier stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarrierTaskInfo {
    /// The host on which it runs.
    pub host: String,
}

impl BarrierTaskContext {
    /// The context of a task.
    #[doc(hidden)]
    pub fn new(task: &Task) -> Self {
        BarrierTaskContext { task: task.clone() }
    }

    /// The partition that the task computes, from 0.
    pub fn partition(&self) -> usize {
        self.task.spec().partition.index()
    }

    /// Which attempt at the stage this is, from 0. All tasks of a barrier stage belong to the same attempt.
    pub fn attempt(&self) -> u32 {
        self.task.spec().stage_attempt.0
    }

    /// How many tasks the stage has.
    pub fn num_tasks(&self) -> usize {
        self.task.spec().barrier_hosts.as_ref().map_or(0, |barrier_hosts| barrier_hosts.len())
    }

    /// All tasks of the stage, in the order of partitions.
    pub fn task_infos(&self) -> Vec<BarrierTaskInfo> {
        let barrier_hosts =
            self.task.spec().barrier_hosts.iter().flat_map(|barrier_hosts| barrier_hosts.iter());
        barrier_hosts.map(|host| BarrierTaskInfo { host: host.clone() }).collect()
    }

    /// Waits until all tasks of the stage have called it as often as this one has. All have to make the same calls in the same order:
    /// a task that ends without a call that others wait in, or makes another one, fails the job, with words that say so.
    ///
    /// Should the stage be given up, because another task failed or the job was cancelled, it does not come back: it unwinds, and the
    /// task ends.
    pub fn barrier(&self) {
        if let Err(failure) = self.task.barrier(None) {
            std::panic::resume_unwind(failure);
        }
    }

    /// Waits as [`BarrierTaskContext::barrier`] does, and gives what each task of the stage said, in the order of partitions.
    /// Messages travel through the driver: they are meant to be small, such as an address.
    pub fn all_gather(&self, message: impl Into<String>) -> Vec<String> {
        match self.task.barrier(Some(message.into())) {
            Ok(messages) => messages.to_vec(),
            Err(failure) => std::panic::resume_unwind(failure),
        }
    }
}
