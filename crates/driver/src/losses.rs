//! The log's lines about executors that are lost, and about tasks that may be.

use firesteel_types::{AppEvent, ExecutorId, ExecutorLossReason, LongTask};

/// Logs why an executor was lost, with its last stack if it is known. Those that went on purpose are no news.
pub(crate) fn log_loss(event: &AppEvent) {
    let AppEvent::ExecutorRemoved { executor, reason, .. } = event else { return };
    let name = executor.name();
    match reason {
        ExecutorLossReason::Decommissioned => tracing::info!("executor {name} was decommissioned"),
        ExecutorLossReason::Taken { .. } => tracing::info!("executor {name} is gone: {reason}"),
        ExecutorLossReason::Worker(end) => match &end.stack {
            Some(stack) => tracing::warn!(
                "executor {name} was lost: {reason}\nIts calls as they were last known, innermost first:\n{}",
                stack.text.trim_end()
            ),
            None => tracing::warn!("executor {name} was lost: {reason}"),
        },
        ExecutorLossReason::Exited { .. }
        | ExecutorLossReason::Killed { .. }
        | ExecutorLossReason::Reported { .. }
        | ExecutorLossReason::Unheard { .. } => tracing::warn!("executor {name} was lost: {reason}"),
    }
}

/// Logs that a task has run for long.
pub(crate) fn log_long_task(executor: ExecutorId, report: &LongTask) {
    tracing::warn!(
        "executor {}: {report}\n(`firesteel.python.hung.warn_after` says after which time this is told, \
         `firesteel.python.hung.fail_after` after which the task fails)",
        executor.name()
    );
}
