//! One task that runs much longer than the others of its stage.

use crate::explain::facts::{Facts, Task, median};
use crate::explain::finding::{Finding, NOTICED_MS, Rule};
use crate::explain::words::{bytes, count, number, percent, time, times};
use crate::store::Metric;

/// The multiple of the median run time from which a task is slow: Spark's page of a stage draws attention to such, too, and what
/// caches and neighbours do to equal tasks stays below it.
const SLOW_TASK: i64 = 3;

/// The multiple of the median number of records from which a partition is large, so that its records explain its time.
const LARGE_PARTITION: i64 = 2;

/// The share of a partition's records, in percent, from which its hottest key is the cause.
const HOT_KEY_SHARE: i64 = 30;

/// Finds a partition for which the other slots had to wait.
pub(crate) fn skewed(facts: &Facts<'_>) -> Option<Finding> {
    let (middle, slowest) = facts.median_and_slowest().filter(|_| facts.tasks.len() > 1)?;
    if slowest.run < middle.run.saturating_mul(SLOW_TASK) {
        return None;
    }
    // Spread evenly, the same work had kept all slots busy.
    let lost_ms = (slowest.run - facts.run / facts.busy_slots()) / 1_000;
    if lost_ms < NOTICED_MS {
        return None;
    }
    let records = median(facts.tasks.iter().map(|task| task.records).collect());
    let is_large = slowest.records > 1 && slowest.records >= records.saturating_mul(LARGE_PARTITION);
    let begin = format!(
        "{}: task {} ran {}, {} the median of {}",
        facts.name(),
        slowest.index,
        time(slowest.run),
        times(slowest.run, middle.run),
        time(middle.run)
    );
    Some(match is_large {
        true => large(facts, slowest, &begin, records, lost_ms),
        false => costly(facts, slowest, &begin, lost_ms),
    })
}

fn large(facts: &Facts<'_>, slowest: &Task<'_>, begin: &str, records: i64, lost_ms: i64) -> Finding {
    let all: i64 = facts.tasks.iter().map(|task| task.records).fold(0, i64::saturating_add);
    let size = if slowest.bytes > 0 { format!(" ({})", bytes(slowest.bytes)) } else { String::new() };
    let mut sentence = format!(
        "{begin}: its partition has {}{size}, {} of the stage's and {} the median",
        count(slowest.records, "record"),
        percent(slowest.records, all),
        times(slowest.records, records)
    );
    let is_shuffled = facts.total(Metric::ShuffleRecords) > 0;
    let hot = facts.own.hot_keys.first().filter(|(_, most)| *most * 100 >= slowest.records * HOT_KEY_SHARE);
    let remedy = match hot {
        Some((key, most)) => {
            sentence += &format!("; the key {key} alone has {}", number(*most));
            let others: Vec<&str> = facts.own.hot_keys[1..].iter().take(2).map(|(key, _)| &**key).collect();
            if !others.is_empty() {
                sentence += &format!(", then come {}", others.join(" and "));
            }
            format!(
                "Spread that key: append a number from 0 to {} to it, combine, remove the number and combine again; or use \
                 `reduceByKey` or `aggregateByKey`, which combine before records are sent.",
                (facts.slots.max(2) * 2) - 1
            )
        }
        None if is_shuffled => {
            "Use `reduceByKey` or `aggregateByKey` in the place of `groupByKey`, since they combine before \
             records are sent; more partitions (`numPartitions`) separate keys that only share one."
                .into()
        }
        None => format!(
            "Cut the input evenly: `repartition({})` before the expensive step, or files that can be split (not gzip).",
            facts.slots.max(1) * 3
        ),
    };
    let rule = Rule::SkewedPartition;
    Finding { rule, stage: Some(facts.key), sentence: sentence + ".", remedy, lost_ms }
}

fn costly(facts: &Facts<'_>, slowest: &Task<'_>, begin: &str, lost_ms: i64) -> Finding {
    let records = match slowest.records {
        0 => String::new(),
        records => format!(", though it has no more records than others ({})", number(records)),
    };
    let look = match facts.is_firesteel() {
        true => "`spark.python.profile=true` and `sc.show_profiles()` show where Python spends it",
        false => "a thread dump while it runs shows where",
    };
    Finding {
        rule: Rule::SlowPartition,
        stage: Some(facts.key),
        sentence: format!("{begin}{records}."),
        remedy: format!(
            "Some of its records cost much more than others: {look}. If it is another task each time, the machine is at fault, and \
             `spark.speculation=true` runs such tasks a second time elsewhere."
        ),
        lost_ms,
    }
}
