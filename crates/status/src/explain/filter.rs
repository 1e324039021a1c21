//! A filter that would be cheaper before the shuffle.

use crate::explain::facts::Facts;
use crate::explain::finding::{Finding, Rule};
use crate::explain::words::{bytes, number, percent};
use crate::store::{FunctionTotal, Metric, StageAsk};

/// The records in for each record out from which a filter drops most: with less, an earlier filter saves less than the work of
/// moving it.
const DROPS: i64 = 10;

/// The fewest records that a filter must drop: fewer are shuffled in no time.
const LEAST_DROPPED: i64 = 10_000;

/// Operations that combine values: what stands behind them sees results, not records.
const COMBINING: [&str; 7] = [
    "reduceByKey",
    "reduce_by_key",
    "aggregateByKey",
    "aggregate_by_key",
    "combineByKey",
    "combine_by_key",
    "foldByKey",
];

/// Operations that may end a chain and give a record for each, or more: with another one at its end, a chain that gives few records
/// says nothing about its filters.
const KEEPING: [&str; 7] = ["map", "flatMap", "mapValues", "flatMapValues", "keyBy", "keys", "values"];

/// Finds a filter in a stage that reads a shuffle which drops nearly all that was shuffled.
pub(crate) fn late(facts: &Facts<'_>) -> Option<Finding> {
    let shuffled = facts.total(Metric::ShuffleRecords);
    if shuffled == 0 {
        return None;
    }
    let filter = facts.own.functions.iter().filter(|function| is_filter(function) && drops(function));
    let filter = filter.max_by_key(|function| function.records_in - function.records_out)?;
    let read = facts.total(Metric::LocalBytes).saturating_add(facts.total(Metric::RemoteBytes));
    let combines = COMBINING.iter().any(|name| facts.rdds.iter().any(|rdd| rdd.callsite.starts_with(name)));
    let remedy = match combines {
        true => {
            "If the condition looks at the key alone, filter before the shuffle: dropped keys are then neither sent nor combined."
        }
        false => "Filter before the shuffle: records that are dropped need not be sent.",
    };
    Some(Finding {
        rule: Rule::LateFilter,
        stage: Some(facts.key),
        sentence: format!(
            "{}: `{}` behind the shuffle ({}) drops {} of {} records, {}, after {} were shuffled.",
            facts.name(),
            filter.function,
            filter.operation,
            number(filter.records_in - filter.records_out),
            number(filter.records_in),
            percent(filter.records_in - filter.records_out, filter.records_in),
            bytes(read)
        ),
        remedy: remedy.into(),
        lost_ms: lost(facts, filter),
    })
}

/// Returns whether what a function drops is dropped by a filter: Python runs a chain of operations as one function, which has the
/// name of the last, and whose filters are named as such.
fn is_filter(function: &FunctionTotal) -> bool {
    let operation = function.operation.split(' ').next().unwrap_or_default();
    let filters = function.function.split(", ").any(|name| name.starts_with("filter "));
    operation == "filter" || (filters && KEEPING.contains(&operation))
}

fn drops(function: &FunctionTotal) -> bool {
    let dropped = function.records_in.saturating_sub(function.records_out);
    dropped >= LEAST_DROPPED && function.records_in >= function.records_out.saturating_mul(DROPS)
}

/// Returns the time of reading and writing the shuffle which the dropped records took.
fn lost(facts: &Facts<'_>, filter: &FunctionTotal) -> i64 {
    let parents =
        facts.view.stage_graph(facts.key.0, facts.key.1).map(|graph| graph.parent_ids).unwrap_or_default();
    let attempts = parents.iter().flat_map(|parent| facts.view.stage_attempts(*parent, &StageAsk::default()));
    let written = attempts.map(|stage| stage.shuffle_write_time / 1_000).fold(0, i64::saturating_add);
    let waited = facts.total(Metric::FetchWait).saturating_mul(1_000);
    // What the stage's tasks did beside functions was mostly to read and decode.
    let functions: i64 =
        facts.own.functions.iter().map(|function| function.time).fold(0, i64::saturating_add);
    let read = facts.run.saturating_sub(functions).max(waited);
    let dropped = (filter.records_in - filter.records_out) as f64 / filter.records_in.max(1) as f64;
    facts.spread(((written.saturating_add(read)) as f64 * dropped) as i64)
}
