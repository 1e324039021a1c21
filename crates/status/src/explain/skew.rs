//! One task that runs much longer than the others of its stage.

use crate::explain::facts::{Facts, Task, median};
use crate::explain::finding::{Finding, NOTICED_MS, Rule};
use crate::explain::words::{bytes, count, number, percent, time, times};
use crate::store::Metric;

/// The multiple of the median run time from which a task is slow: Spark's page of a stage draws attention to such, too, and what
/// caches and neighbours do to equal tasks stays below it.
const SLOW_TASK: i64 = 3;

/// The multiple of the median number of records, or of bytes, from which a partition is large, so that this explains its time.
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
    let sizes = Sizes {
        records: median(facts.tasks.iter().map(|task| task.records).collect()),
        bytes: median(facts.tasks.iter().map(|task| task.bytes).collect()),
    };
    let begin = format!(
        "{}: task {} ran {}, {} the median of {}",
        facts.name(),
        slowest.index,
        time(slowest.run),
        times(slowest.run, middle.run),
        time(middle.run)
    );
    Some(match how_large(facts, slowest, &sizes) {
        Some(large) => skewed_by(facts, slowest, format!("{begin}: its partition has {large}"), lost_ms),
        None => costly(facts, slowest, &begin, lost_ms),
    })
}

/// The sizes of the median partition.
struct Sizes {
    records: i64,
    bytes: i64,
}

/// Returns in words how large a partition is, if it is. Python and combining operators send records in batches, of which bytes
/// tell more than the number.
fn how_large(facts: &Facts<'_>, slowest: &Task<'_>, sizes: &Sizes) -> Option<String> {
    let records = count(slowest.records, "record");
    let all: i64 = facts.tasks.iter().map(|task| task.records).fold(0, i64::saturating_add);
    if slowest.records > 1 && slowest.records >= sizes.records.saturating_mul(LARGE_PARTITION) {
        let size = if slowest.bytes > 0 { format!(" ({})", bytes(slowest.bytes)) } else { String::new() };
        let share = percent(slowest.records, all);
        let ratio = times(slowest.records, sizes.records);
        return Some(format!("{records}{size}, {share} of the stage's and {ratio} the median"));
    }
    let is_large =
        slowest.bytes >= sizes.bytes.saturating_mul(LARGE_PARTITION) && slowest.bytes > sizes.bytes;
    let size = bytes(slowest.bytes);
    is_large.then(|| format!("{size} in {records}, {} the median", times(slowest.bytes, sizes.bytes)))
}

fn skewed_by(facts: &Facts<'_>, slowest: &Task<'_>, mut sentence: String, lost_ms: i64) -> Finding {
    let is_shuffled = facts.total(Metric::ShuffleRecords) > 0;
    let hot = facts.own.hot_keys.first().filter(|(_, most)| *most * 100 >= slowest.records * HOT_KEY_SHARE);
    let remedy = match hot {
        Some((key, most)) => {
            sentence += &format!("; the key {key} alone has about {}", number(*most));
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
