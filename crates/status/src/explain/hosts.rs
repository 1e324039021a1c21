//! One host that is slower than the others.

use crate::explain::facts::{Facts, Task};
use crate::explain::finding::{Finding, NOTICED_MS, Rule};
use crate::explain::words::{count, time, times};
use std::collections::{BTreeMap, BTreeSet};

/// The fewest tasks of a host, and of all others, that say anything about it: one slow task may be due to its partition.
const LEAST_TASKS: usize = 2;

/// The multiple of the others' mean time a task from which a host is slow: hosts of different age differ by less.
const SLOW_HOST: f64 = 2.0;

/// The multiple of the others' mean records a task up to which the records do not explain it.
const SIMILAR_RECORDS: f64 = 1.5;

#[derive(Default)]
struct Sums {
    tasks: usize,
    run: i64,
    records: i64,
    /// Its shortest task.
    shortest: Option<i64>,
}

impl Sums {
    fn add(&mut self, task: &Task<'_>) {
        self.tasks += 1;
        self.run = self.run.saturating_add(task.run);
        self.records = self.records.saturating_add(task.records);
        self.shortest = Some(self.shortest.map_or(task.run, |shortest| shortest.min(task.run)));
    }

    fn mean(&self, sum: i64) -> f64 {
        sum as f64 / self.tasks.max(1) as f64
    }
}

/// Returns the host of a task, or its executor.
fn place<'a>(task: &Task<'a>, by_host: bool) -> &'a str {
    if by_host { task.host } else { task.executor }
}

/// Finds the host, or with all on one host the executor, whose tasks run longer than the others'.
pub(crate) fn slow(facts: &Facts<'_>) -> Option<Finding> {
    let hosts: BTreeSet<&str> = facts.tasks.iter().map(|task| task.host).collect();
    let by_host = hosts.len() > 1;
    let mut places: BTreeMap<&str, Sums> = BTreeMap::new();
    facts.tasks.iter().for_each(|task| places.entry(place(task, by_host)).or_default().add(task));
    let slowest =
        places.iter().max_by(|one, other| one.1.mean(one.1.run).total_cmp(&other.1.mean(other.1.run)))?;
    let (name, sums) = slowest;
    let mut others = Sums::default();
    facts.tasks.iter().filter(|task| place(task, by_host) != *name).for_each(|task| others.add(task));
    if sums.tasks < LEAST_TASKS || others.tasks < LEAST_TASKS {
        return None;
    }
    let usual = others.mean(others.run);
    // All its tasks are slow: a single one may have more to do.
    let all_slow = sums.shortest? as f64 >= usual * SLOW_HOST;
    let similar = sums.mean(sums.records) <= others.mean(others.records) * SIMILAR_RECORDS;
    if !all_slow || !similar {
        return None;
    }
    let executors: BTreeSet<&str> =
        facts.tasks.iter().filter(|task| place(task, by_host) == *name).map(|task| task.executor).collect();
    let summaries = facts.view.executors(true);
    let slots = summaries.iter().filter(|executor| executors.contains(&*executor.id));
    let slots: i64 = slots.map(|executor| executor.total_cores).sum::<i64>().clamp(1, sums.tasks as i64);
    let more = sums.run as f64 - usual * sums.tasks as f64;
    let lost_ms = (more / slots as f64 / 1e3) as i64;
    if lost_ms < NOTICED_MS {
        return None;
    }
    let kind = if by_host { "host" } else { "executor" };
    let mean = sums.mean(sums.run) as i64;
    Some(Finding {
        rule: Rule::SlowHost,
        stage: Some(facts.key),
        sentence: format!(
            "{}: on {kind} {name}, {} took {} each, {} the {} of those elsewhere, with no more records.",
            facts.name(),
            count(sums.tasks as i64, "task"),
            time(mean),
            times(mean, usual as i64),
            time(usual as i64)
        ),
        remedy: "Look what else runs on that machine (its load, its disk, its network); `spark.speculation=true` runs its slow \
                 tasks a second time elsewhere."
            .into(),
        lost_ms,
    })
}
