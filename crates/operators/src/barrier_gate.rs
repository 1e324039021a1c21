//! The way from a task to the driver where those of a barrier stage meet: what an executor lends to its tasks for it.

use firesteel_types::TaskId;
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
