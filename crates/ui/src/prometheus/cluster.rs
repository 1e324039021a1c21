//! The metrics of a cluster's daemons, under the names that Spark's Prometheus servlet gives them.

use crate::cluster::{MasterView, WorkerPageView, WorkerState};
use std::fmt::Write;

/// Returns the figures of a master.
pub(crate) fn master_text(view: &MasterView) -> String {
    let alive = || view.workers.iter().filter(|worker| worker.state == WorkerState::Alive);
    let waiting = view.applications.iter().filter(|one| one.state == "WAITING").count();
    let sum = |figure: fn(&crate::cluster::ClusterWorker) -> u64| alive().map(figure).sum::<u64>();
    let (cores, used) = (sum(|worker| worker.cores.into()), sum(|worker| worker.cores_used.into()));
    gauges(
        "master",
        &[
            (
                "workers",
                view.workers.iter().filter(|worker| worker.state != WorkerState::Dead).count() as u64,
            ),
            ("aliveWorkers", alive().count() as u64),
            ("apps", view.applications.len() as u64),
            ("waitingApps", waiting as u64),
            ("drivers", view.drivers.len() as u64),
            ("coresTotal", cores),
            ("coresUsed", used),
            ("coresFree", cores.saturating_sub(used)),
            ("memTotal_MB", sum(|worker| worker.memory)),
            ("memUsed_MB", sum(|worker| worker.memory_used)),
        ],
    )
}

/// Returns the figures of a worker.
pub(crate) fn worker_text(view: &WorkerPageView) -> String {
    let executors = view.running.iter().filter(|one| !one.is_driver).count();
    gauges(
        "worker",
        &[
            ("executors", executors as u64),
            ("drivers", (view.running.len() - executors) as u64),
            ("coresUsed", view.cores_used.into()),
            ("coresFree", view.cores.saturating_sub(view.cores_used).into()),
            ("memUsed_MB", view.memory_used),
            ("memFree_MB", view.memory.saturating_sub(view.memory_used)),
        ],
    )
}

fn gauges(of: &str, all: &[(&str, u64)]) -> String {
    let mut text = String::new();
    for (name, value) in all {
        // Writing to a string does not fail.
        let _ = writeln!(text, "metrics_{of}_{name}_Value{{type=\"gauges\"}} {value}");
    }
    text
}
