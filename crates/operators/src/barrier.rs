//! Barrier stages: how a task waits for the other tasks of its stage.

use crate::task::{Outcome, Task};
use crate::watch;
use firesteel_protocol::BarrierRefusal;
use firesteel_types::{CallSite, KillReason, TaskFailure};
use std::sync::Arc;

impl Task {
    /// Waits for all other tasks of the barrier stage, and sends them a message, or none. Returns the messages
    /// of all, in the order of partitions.
    ///
    /// # Errors
    /// When the task was told to stop, does not belong to a barrier stage, or the others will not all call.
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
            // A stage that ends because one of its tasks failed tells the others to stop: they report that, not
            // the refusal.
            Ok(()) => failure(reason, retryable),
            Err(_) => Box::new(TaskFailure::Killed(KillReason::StageAborted)),
        })
    }
}

/// The view that a function of a barrier stage has of its task and of the others, and its way to wait for them.
/// Cheap to clone: a function that returns a lazy iterator takes a clone along.
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

    /// The number of this attempt at the stage, from 0. All tasks of a barrier stage belong to the same
    /// attempt.
    pub fn attempt(&self) -> u32 {
        self.task.spec().stage_attempt.0
    }

    /// The number of tasks of the stage.
    pub fn num_tasks(&self) -> usize {
        self.task.spec().barrier_hosts.as_ref().map_or(0, |barrier_hosts| barrier_hosts.len())
    }

    /// All tasks of the stage, in the order of partitions.
    pub fn task_infos(&self) -> Vec<BarrierTaskInfo> {
        let barrier_hosts =
            self.task.spec().barrier_hosts.iter().flat_map(|barrier_hosts| barrier_hosts.iter());
        barrier_hosts.map(|host| BarrierTaskInfo { host: host.clone() }).collect()
    }

    /// Waits until all tasks of the stage have called it as often as this one has. All tasks have to make the
    /// same calls in the same order: a task that ends without a call that others wait in, or makes another one,
    /// fails the job with a message that says so.
    ///
    /// If the stage is given up, because another task failed or the job was cancelled, the call does not
    /// return: it unwinds, and the task ends.
    pub fn barrier(&self) {
        if let Err(failure) = self.task.barrier(None) {
            std::panic::resume_unwind(failure);
        }
    }

    /// Waits as [`BarrierTaskContext::barrier`] does, and returns the message of each task of the stage, in the
    /// order of partitions.
    /// Messages travel through the driver: they are meant to be small, such as an address.
    pub fn all_gather(&self, message: impl Into<String>) -> Vec<String> {
        match self.task.barrier(Some(message.into())) {
            Ok(messages) => messages.to_vec(),
            Err(failure) => std::panic::resume_unwind(failure),
        }
    }
}
