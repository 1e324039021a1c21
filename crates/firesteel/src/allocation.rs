//! Dynamic allocation, where a cluster lends executors: looks at what there is to do, asks for executors, gives them back.
//!
//! What is wanted is decided in the scheduler's [`Allocation`]; this file has the clock.

use crate::driver::Driver;
use crate::error::{Error, Result};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_executor::Fleet;
use firesteel_scheduler::{Allocation, AllocationSettings, Decision, Demand, Lent, Load};
use firesteel_types::Millis;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How often to look, as in Spark.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How to decide; none where the number of executors stays as it is.
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

/// Sees to it, until the driver stops.
pub(crate) fn start(driver: &Arc<Driver>, settings: AllocationSettings) -> std::io::Result<()> {
    let (driver, allocation) = (Arc::downgrade(driver), Allocation::new(settings));
    let run = move || run(&driver, allocation);
    thread::Builder::new().name("firesteel-allocation".into()).spawn(run).map(|_| ())
}

fn run(driver: &Weak<Driver>, mut allocation: Allocation) {
    let (began, mut told) = (Instant::now(), allocation.wanted());
    loop {
        {
            let Some(driver) = driver.upgrade() else { return };
            let Some(remote) = driver.remote() else { return };
            let demand = demand(&driver, &remote.fleet);
            let now = Millis(began.elapsed().as_millis() as u64);
            let Decision { wanted, give_back } = allocation.decide(now, &demand);
            if wanted != told
                && let Some(backend) = remote.fleet.backend()
            {
                backend.want(wanted);
                told = wanted;
            }
            give_back.iter().for_each(|name| driver.decommission(name, false));
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn demand(driver: &Driver, fleet: &Fleet) -> Demand {
    let lent = fleet.lent();
    driver.with_scheduler(|scheduler| {
        let Load { waiting, running } = scheduler.load();
        let executors = lent.into_iter().map(|agent| Lent {
            caches: !agent.is_busy && agent.executors.iter().any(|executor| scheduler.caches_any(*executor)),
            name: agent.name,
            slots: agent.slots,
            is_busy: agent.is_busy,
        });
        Demand { waiting, running, executors: executors.collect() }
    })
}
