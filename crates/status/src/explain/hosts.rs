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

#[derive(Clone, Default)]
struct Sums {
    tasks: usize,
    run: i64,
    records: i64,
    /// Its shortest task.
    shortest: Option<i64>,
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.tasks += other.tasks;
        self.run = self.run.saturating_add(other.run);
        self.records = self.records.saturating_add(other.records);
        self.shortest = self.shortest.into_iter().chain(other.shortest).min();
    }

    fn mean(&self, sum: i64) -> f64 {
        sum as f64 / self.tasks.max(1) as f64
    }
}

/// One executor on its host.
struct Place<'a> {
    executor: &'a str,
    host: &'a str,
    sums: Sums,
}

/// Sums the tasks of each executor up.
fn places<'a>(tasks: &[Task<'a>]) -> Vec<Place<'a>> {
    let mut places: Vec<Option<Place<'a>>> = vec![];
    for task in tasks {
        if places.len() <= task.place {
            places.resize_with(task.place + 1, || None);
        }
        let new = || Place { executor: task.executor, host: task.host, sums: Sums::default() };
        let one = Sums { tasks: 1, run: task.run, records: task.records, shortest: Some(task.run) };
        places[task.place].get_or_insert_with(new).sums.add(&one);
    }
    places.into_iter().flatten().collect()
}

/// Finds the host, or with all on one host the executor, whose tasks run longer than the others'.
pub(crate) fn slow(facts: &Facts<'_>) -> Option<Finding> {
    let places = places(&facts.tasks);
    let by_host = places.iter().any(|place| place.host != places[0].host);
    let name_of = |place: &Place<'_>| if by_host { place.host.to_owned() } else { place.executor.to_owned() };
    let mut named: BTreeMap<String, Sums> = BTreeMap::new();
    places.iter().for_each(|place| named.entry(name_of(place)).or_default().add(&place.sums));
    let (name, sums) =
        named.iter().max_by(|one, other| one.1.mean(one.1.run).total_cmp(&other.1.mean(other.1.run)))?;
    let mut others = Sums::default();
    named.iter().filter(|(other, _)| *other != name).for_each(|(_, sums)| others.add(sums));
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
        places.iter().filter(|place| name_of(place) == *name).map(|place| place.executor).collect();
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
