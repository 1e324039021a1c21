//! Records that did not fit in memory.

use crate::explain::facts::Facts;
use crate::explain::finding::{Finding, Rule};
use crate::explain::words::{bytes, count};
use crate::store::Metric;

/// The bytes in a millisecond that a disk writes and reads again: 200 MB in a second each way, as common disks do.
const DISK_BYTES_IN_A_MS: i64 = 100_000;

/// The fewest bytes spilled that are worth a sentence: less is written while nobody looks.
const LEAST_SPILLED: i64 = 16 << 20;

/// The part of the time of a task, in percent, that records cost which are spilled, if all of them are: they are encoded, written,
/// read, decoded and merged once more. A disk's speed alone would say too little on a machine that computes slowly.
const SPILLING_SHARE: i64 = 20;

/// The part of an executor's memory that is for records: 60 %, as Spark has it.
const FOR_RECORDS: f64 = 0.6;

/// Finds that tasks spilled, and how much memory would have spared it.
pub(crate) fn spilling(facts: &Facts<'_>) -> Option<Finding> {
    let (memory, disk) = (facts.total(Metric::MemorySpilled), facts.total(Metric::DiskSpilled));
    if memory.max(disk) < LEAST_SPILLED {
        return None;
    }
    let spilling = facts.tasks.iter().filter(|task| task.spilled > 0).count();
    let most = facts.tasks.iter().max_by_key(|task| task.spilled)?;
    let wanted = most.spilled.max(disk / facts.tasks.len().max(1) as i64).saturating_add(most.memory);
    let executors = facts.view.executors(true);
    let at_a_time =
        executors.iter().map(|executor| executor.total_cores).max().unwrap_or(1).clamp(1, facts.busy_slots());
    let together = wanted.saturating_mul(at_a_time);
    // As many partitions more as the largest wants of what it had.
    let had = most.memory.max(1 << 20);
    let partitions = facts.data.num_tasks.saturating_mul((wanted / had + 1).max(2));
    Some(Finding {
        rule: Rule::Spilling,
        stage: Some(facts.key),
        sentence: format!(
            "{}: {} of {} did not find room for their records and spilled {} ({} on disk); the largest wanted {} and had {}.",
            facts.name(),
            count(spilling as i64, "task"),
            facts.data.num_tasks,
            bytes(memory),
            bytes(disk),
            bytes(wanted),
            bytes(most.memory)
        ),
        remedy: format!(
            "{} for records would spare it ({} at a time): {}; or cut the data finer, into {partitions} partitions.",
            bytes(together),
            count(at_a_time, "such task"),
            setting(facts, together)
        ),
        lost_ms: lost(facts, memory, disk),
    })
}

/// Estimates the time that spilling took, in milliseconds: what a disk takes, or the tasks' own share where that is more.
fn lost(facts: &Facts<'_>, memory: i64, disk: i64) -> i64 {
    let by_disk = disk.max(memory / 4) / DISK_BYTES_IN_A_MS / facts.busy_slots();
    let by_tasks = facts.tasks.iter().map(|task| {
        let all = task.spilled.saturating_add(task.memory).max(1);
        (task.run as f64 * (task.spilled as f64 / all as f64)) as i64
    });
    by_disk.max(facts.spread(by_tasks.sum::<i64>()) * SPILLING_SHARE / 100)
}

/// Returns the setting that gives an executor this much memory for records.
fn setting(facts: &Facts<'_>, for_records: i64) -> String {
    let mib = |bytes: f64| (bytes / 1_048_576.0).ceil() as i64;
    let environment = facts.view.environment();
    let master = environment.spark_properties.iter().find(|(key, _)| key == "spark.master");
    let is_local =
        master.is_some_and(|(_, master)| master.starts_with("local") && !master.starts_with("local-cluster"));
    match (is_local, facts.is_firesteel()) {
        (true, true) => format!("`firesteel.memory={}m`", mib(for_records as f64)),
        (true, false) => format!("`spark.driver.memory={}m`", mib(for_records as f64 / FOR_RECORDS)),
        (false, _) => format!("`spark.executor.memory={}m`", mib(for_records as f64 / FOR_RECORDS)),
    }
}
