//! The barrier gate: the way from a task to the driver, where the calls of all tasks of a barrier stage meet.

use firesteel_protocol::BarrierOutcome;
use firesteel_types::TaskId;

/// Brings a task's call to the driver, where those of all tasks of a barrier stage meet.
pub trait BarrierGate: Send + Sync {
    /// Waits until all tasks of the stage attempt have called as often as this one, which has called `epoch` times before. Gives
    /// what they said, in the order of partitions; nothing if they only waited.
    ///
    /// # Errors
    /// When the others will not all call.
    fn sync(&self, task: TaskId, epoch: u32, message: Option<String>) -> BarrierOutcome;
}
