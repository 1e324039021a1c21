//! The interface between driver and executors, wherever they run: messages of the executor protocol, both ways.
//!
//! Executors in threads of the driver's process take and send the same messages as those behind a socket; there the messages are values
//! that are never encoded.

use firesteel_protocol::{FromExecutor, ToExecutor};
use firesteel_transfer::PlanFetchError;
use firesteel_types::{CallSite, ExecutorId, ExecutorMemory, StageId, TaskFailure, TaskId, ThreadStack};
use std::sync::Arc;

/// Why an executor has no plan of a stage.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PlanError {
    /// The driver cannot make it, or has forgotten the stage: asking again is of no use.
    #[error("{0}")]
    Refused(String),
    /// The driver could not be asked.
    #[error("the driver cannot be asked for the stage's plan: {0}")]
    Unreachable(String),
}

impl PlanError {
    /// Returns the error for a stage whose jobs are over.
    pub fn forgotten(stage: StageId) -> Self {
        PlanError::Refused(format!("the driver has forgotten stage {stage}"))
    }

    /// Returns the failure of a task that needed the plan.
    pub(crate) fn into_failure(self) -> TaskFailure {
        match self {
            PlanError::Refused(why) => TaskFailure::BadPlan(why),
            PlanError::Unreachable(message) => TaskFailure::Operation {
                operation: "ask the driver for the stage's plan".into(),
                message,
                site: CallSite::default(),
                retryable: true,
            },
        }
    }
}

impl From<PlanFetchError> for PlanError {
    fn from(error: PlanFetchError) -> Self {
        match error {
            PlanFetchError::Forgotten { stage } => PlanError::forgotten(stage),
            PlanFetchError::Refused { reason } => PlanError::Refused(reason),
            PlanFetchError::Unreachable { reason } => PlanError::Unreachable(reason),
        }
    }
}

/// The way from executors to their driver.
pub trait DriverLink: Send + Sync {
    /// Returns the encoded plan of a stage. Waits for it, where the driver is remote: plans may be large, so they are no messages.
    ///
    /// # Errors
    /// When the driver cannot encode it, has forgotten the stage, or cannot be asked.
    fn plan(&self, stage: StageId) -> Result<Arc<[u8]>, PlanError>;

    /// Takes a message of an executor. Answers come as messages to the executor.
    fn receive(&self, message: FromExecutor);
}

/// The way from a driver to executors.
pub trait Executors: Send + Sync {
    /// Sends a message to the executor that it names; to all of them, if it names none. A message to one that is gone is lost.
    fn send(&self, message: ToExecutor);

    /// Returns the tasks that were launched and have not ended yet.
    fn running(&self) -> Vec<(ExecutorId, Vec<TaskId>)>;

    /// Returns how much memory each executor has.
    fn memory(&self) -> Vec<(ExecutorId, ExecutorMemory)>;

    /// Returns where the code of each slot stands now. Waits for processes that are asked, but not long.
    fn stacks(&self) -> Vec<ThreadStack>;

    /// Returns where the code of each slot stands now, as one of many questions in a row: processes that do not answer at once are
    /// not waited for, and are asked in no way that could harm them.
    fn sampled(&self) -> Vec<ThreadStack> {
        self.stacks()
    }
}
