//! The settings of dynamic allocation. [`Allocation`](firesteel_scheduler::Allocation) decides by them.

use crate::error::{Error, Result};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_scheduler::AllocationSettings;

/// Reads the settings; `None` where the number of executors does not change.
pub(crate) fn settings(conf: &Conf) -> Result<Option<AllocationSettings>> {
    if !conf.get(&conf::DYNAMIC_ALLOCATION)? {
        return Ok(None);
    }
    let (min, max) = (conf.get(&conf::DYNAMIC_MIN)?, conf.get(&conf::DYNAMIC_MAX)?);
    if min > max || max == 0 {
        return Err(Error::Start(format!(
            "with dynamic allocation there are at least {min} executors (`firesteel.dynamic_allocation.min_executors`) and at most {max} \
             (`firesteel.dynamic_allocation.max_executors`): that is not possible"
        )));
    }
    let cpus = conf.get(&conf::TASK_CPUS)?;
    let initial = conf.get(&conf::DYNAMIC_INITIAL)?.or(conf.get(&conf::EXECUTOR_INSTANCES)?);
    let backlog_ms = conf.get(&conf::DYNAMIC_BACKLOG_MS)?;
    Ok(Some(AllocationSettings {
        min,
        max,
        initial: initial.unwrap_or(min),
        slots: conf.get(&conf::EXECUTOR_CORES)?.map(|cores| cores / cpus),
        backlog_ms,
        sustained_backlog_ms: conf.get(&conf::DYNAMIC_SUSTAINED_BACKLOG_MS)?.unwrap_or(backlog_ms),
        idle_ms: conf.get(&conf::DYNAMIC_IDLE_MS)?,
        cached_idle_ms: conf.get(&conf::DYNAMIC_CACHED_IDLE_MS)?,
    }))
}
