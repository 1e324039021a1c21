//! Too many partitions, or too few.

use crate::explain::facts::{Facts, last_rdd, median};
use crate::explain::finding::{Finding, NOTICED_MS, Rule};
use crate::explain::words::{count, number, percent, time};
use crate::store::Metric;

/// The run time, in microseconds, below which a task costs about as much to send as to run.
const SHORT_TASK_US: i64 = 5_000;

/// The fewest tasks that can be too many: below, all of them together are over before anyone looks.
const MANY_TASKS: i64 = 1_000;

/// The fewest tasks for each slot that can be too many.
const MANY_FOR_A_SLOT: i64 = 10;

/// The share of the slots' time, in percent, in which tasks ran, below which the rest dominates.
const BUSY_SHARE: i64 = 50;

/// The run time that a task should have, in microseconds: a hundred times what sending it costs.
const GOOD_TASK_US: i64 = 100_000;

/// The partitions for each slot that Spark's guide advises: slots that are done early find another.
const PARTITIONS_FOR_A_SLOT: i64 = 3;

/// The time from which a stage that leaves slots idle is long, in milliseconds.
const LONG_MS: i64 = 1_000;

/// Finds that tasks are so short and so many that what is around them takes longer.
pub(crate) fn too_many(facts: &Facts<'_>) -> Option<Finding> {
    let tasks = facts.data.num_tasks;
    let middle = median(facts.tasks.iter().map(|task| task.run).collect());
    let available = facts.wall.saturating_mul(facts.slots);
    let is_dominated = facts.run.saturating_mul(100) < available.saturating_mul(BUSY_SHARE);
    if tasks < MANY_TASKS || tasks < facts.slots * MANY_FOR_A_SLOT || middle >= SHORT_TASK_US || !is_dominated
    {
        return None;
    }
    let better = (facts.run / GOOD_TASK_US + 1).max(facts.slots).max(1);
    Some(Finding {
        rule: Rule::TooManyPartitions,
        stage: Some(facts.key),
        sentence: format!(
            "{}: its {} ran {} in the median, and only {} of the time that {} had; the rest went into starting them.",
            facts.name(),
            count(tasks, "task"),
            time(middle),
            percent(facts.run, available),
            count(facts.slots, "slot"),
        ),
        remedy: match facts.total(Metric::ShuffleRecords) > 0 {
            true => format!(
                "Give the shuffle fewer partitions: `numPartitions={better}` at the call, or `spark.default.parallelism={better}`."
            ),
            false => format!(
                "Use fewer partitions: `coalesce({better})` behind the source, or a smaller number at the call that makes it."
            ),
        },
        lost_ms: (facts.wall - facts.run / facts.busy_slots()).max(0) / 1_000,
    })
}

/// Finds that slots stood idle in a long stage, since it has too few tasks.
pub(crate) fn too_few(facts: &Facts<'_>) -> Option<Finding> {
    let tasks = facts.data.num_tasks;
    if tasks < 1 || tasks >= facts.slots || facts.wall / 1_000 < LONG_MS {
        return None;
    }
    // A job that wants some of the partitions, as `take` does, says nothing about their number; neither does a retry.
    if last_rdd(&facts.rdds).is_some_and(|rdd| rdd.num_partitions > tasks) {
        return None;
    }
    let records: i64 = facts.tasks.iter().map(|task| task.records).fold(0, i64::saturating_add);
    if records > 0 && records <= tasks {
        return None;
    }
    let lost_ms = (facts.wall.min(facts.run) - facts.run / facts.slots) / 1_000;
    if lost_ms < NOTICED_MS {
        return None;
    }
    let better = facts.slots * PARTITIONS_FOR_A_SLOT;
    Some(Finding {
        rule: Rule::TooFewPartitions,
        stage: Some(facts.key),
        sentence: format!(
            "{}: it took {} with {}, so that {} of {} slots stood idle.",
            facts.name(),
            time(facts.wall),
            count(tasks, "task"),
            number(facts.slots - tasks),
            number(facts.slots)
        ),
        remedy: match facts.total(Metric::ShuffleRecords) > 0 {
            true => format!(
                "Give the shuffle more partitions: `numPartitions={better}` at the call, or `spark.default.parallelism={better}`."
            ),
            false => format!(
                "Cut the data finer: `repartition({better})`, or that number of partitions at the call that makes the source."
            ),
        },
        lost_ms,
    })
}
