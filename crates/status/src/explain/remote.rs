//! Waiting for blocks of other hosts.

use crate::explain::facts::Facts;
use crate::explain::finding::{Finding, NOTICED_MS, Rule};
use crate::explain::words::{bytes, count, percent, time};
use crate::store::Metric;

/// The share of the tasks' time, in percent, from which waiting is a cause.
const WAITING_SHARE: i64 = 20;

/// Finds that tasks waited long for blocks of other hosts.
pub(crate) fn waiting(facts: &Facts<'_>) -> Option<Finding> {
    let waited = facts.total(Metric::FetchWait).saturating_mul(1_000);
    let lost_ms = facts.spread(waited);
    if waited * 100 < facts.run * WAITING_SHARE || lost_ms < NOTICED_MS {
        return None;
    }
    let (read, blocks) = (facts.total(Metric::RemoteBytes), facts.total(Metric::RemoteBlocks));
    // Many small blocks cost round trips, few large ones the network's width.
    let is_small = blocks > 0 && read / blocks < SMALL_BLOCK;
    Some(Finding {
        rule: Rule::RemoteBlocks,
        stage: Some(facts.key),
        sentence: format!(
            "{}: tasks waited {} of the {} that they ran ({}) for {} in {} of other hosts.",
            facts.name(),
            time(waited),
            time(facts.run),
            percent(waited, facts.run),
            bytes(read),
            count(blocks, "block")
        ),
        remedy: match is_small {
            true => "The blocks are small: use fewer partitions on both sides of the shuffle (`coalesce`, `numPartitions`).".into(),
            false => "Send less: combine before the shuffle (`reduceByKey` rather than `groupByKey`), drop fields and records \
                      early, `broadcast` the small side of a join, or use fewer and larger executors."
                .into(),
        },
        lost_ms,
    })
}

/// The bytes of a block below which asking for it takes longer than sending it.
const SMALL_BLOCK: i64 = 16 << 10;
