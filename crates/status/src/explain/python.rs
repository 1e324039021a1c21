//! Time in Python: pickling, and functions of the program.

use crate::explain::facts::Facts;
use crate::explain::finding::{Finding, NOTICED_MS, Rule};
use crate::explain::words::{number, percent, time};
use crate::store::Metric;

/// The share of the tasks' time, in percent, from which pickling is a cause.
const PICKLING_SHARE: i64 = 25;

/// The share of the tasks' time, in percent, from which one function is the cause.
const FUNCTION_SHARE: i64 = 50;

/// Finds that objects were pickled and unpickled for long.
pub(crate) fn pickling(facts: &Facts<'_>) -> Option<Finding> {
    let pickled = facts.total(Metric::PickleTime);
    let lost_ms = facts.spread(pickled);
    if pickled * 100 < facts.run * PICKLING_SHARE || lost_ms < NOTICED_MS {
        return None;
    }
    let records = facts.tasks.iter().map(|task| task.records).fold(0, i64::saturating_add);
    let each = match records {
        0 => String::new(),
        records => format!(", {} for each of {} records", time(pickled / records), number(records)),
    };
    Some(Finding {
        rule: Rule::Pickling,
        stage: Some(facts.key),
        sentence: format!(
            "{}: tasks pickled and unpickled Python objects for {} of the {} that they ran ({}){each}.",
            facts.name(),
            time(pickled),
            time(facts.run),
            percent(pickled, facts.run)
        ),
        remedy: "Send less and simpler: drop fields before a shuffle, a `collect` or a `persist`, use tuples, numbers and text \
                 in the place of objects, combine in the task (`reduceByKey`, `mapPartitions`), or keep data in DataFrames, \
                 whose columns are not pickled."
            .into(),
        lost_ms,
    })
}

/// Finds the one function in which tasks spent most of their time.
pub(crate) fn function(facts: &Facts<'_>) -> Option<Finding> {
    let slowest = facts.own.functions.first()?;
    let lost_ms = facts.spread(slowest.time);
    if slowest.time * 100 < facts.run * FUNCTION_SHARE || lost_ms < NOTICED_MS {
        return None;
    }
    let each = match slowest.records_in {
        0 => String::new(),
        records => format!(", {} for each of {} records", time(slowest.time / records), number(records)),
    };
    let called = match slowest.operation.is_empty() {
        true => String::new(),
        false => format!(", called by {},", slowest.operation),
    };
    Some(Finding {
        rule: Rule::PythonFunction,
        stage: Some(facts.key),
        sentence: format!(
            "{}: the function{} `{}`{called} took {} of the {} that tasks ran ({}){each}.",
            facts.name(),
            if slowest.function.contains(", ") { "s" } else { "" },
            slowest.function,
            time(slowest.time),
            time(facts.run),
            percent(slowest.time, facts.run)
        ),
        remedy: "Make it cheaper: everyday functions run without the interpreter unless `firesteel.python.native` is `off` \
                 (`rdd.explain()` says which do, and why others do not); `spark.python.profile=true` and `sc.show_profiles()` show its lines; what it sets up for each \
                 record can be set up once for each partition in `mapPartitions`; arrays (`numpy`, Arrow) do many records at a time."
            .into(),
        lost_ms,
    })
}
