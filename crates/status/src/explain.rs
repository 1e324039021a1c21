//! Explanations: for each stage and job that was slow, or failed, sentences that say why, with figures and with the setting or
//! call that would help.
//!
//! Each rule is a pure function over the facts (`facts::Facts`) of one stage attempt, or over the store for what shows only between
//! jobs. Pages, the REST interface and `explain_last_job` show the same text. A rule is silent below [`NOTICED_MS`], and where the
//! events lack what it needs: Spark's have no times of functions.
//!
//! ```
//! use firesteel_status::explain;
//! use firesteel_status::store::{Retained, Store};
//!
//! let store = Store::new(Retained::default());
//! assert_eq!(explain::job_text(&store, 7), "Job 7 is not known, or not remembered any more.\n");
//! ```

mod facts;
mod failure;
mod filter;
mod finding;
mod hosts;
mod memory;
mod partitions;
mod python;
mod recompute;
mod remote;
mod skew;
#[cfg(test)]
mod tests;
mod words;

pub use finding::{Finding, NOTICED_MS, Rule};

use crate::store::{JobStatus, Store};
use facts::Facts;

/// The share of a stage's time below which nothing is worth a sentence, in percent: who cures it gains less than the next run
/// differs by itself.
const LEAST_SHARE: i64 = 5;

/// Returns what made a stage attempt slow, or fail: what cost most comes first.
pub fn stage(store: &Store, stage: i64, attempt: i64) -> Vec<Finding> {
    let Some(facts) = Facts::of(store, (stage, attempt)) else { return vec![] };
    let mut findings = vec![];
    findings.extend(failure::failed(&facts));
    findings.extend(failure::repeated(&facts));
    // Why tasks were slow is not the question in a stage that was given up.
    if facts.data.failure_reason.is_none() {
        let host = hosts::slow(&facts);
        // Where a host is slow, its tasks are, whatever their partitions are.
        if host.is_none() {
            findings.extend(skew::skewed(&facts));
        }
        findings.extend(host);
        findings.extend(partitions::too_many(&facts));
        findings.extend(partitions::too_few(&facts));
        findings.extend(filter::late(&facts));
        findings.extend(memory::spilling(&facts));
        findings.extend(python::pickling(&facts));
        findings.extend(python::function(&facts));
        findings.extend(remote::waiting(&facts));
    }
    let least = facts.wall / 1_000 * LEAST_SHARE / 100;
    findings.retain(|finding| finding.lost_ms >= least || is_failure(finding.rule));
    ordered(findings)
}

/// Returns what made a job slow, or fail, over all attempts at its stages: failures first, then what cost most.
pub fn job(store: &Store, job: i64) -> Vec<Finding> {
    let view = store.at(store.last_event());
    let Some(data) = view.job(job) else { return vec![] };
    let mut findings = vec![];
    for id in data.stage_ids {
        for attempt in view.attempt_ids(id) {
            if view.stage_own(id, attempt).is_some_and(|own| own.jobs.contains(&job)) {
                findings.extend(stage(store, id, attempt));
            }
        }
    }
    findings.extend(recompute::not_persisted(store, job));
    findings.extend(recompute::lost(store, job));
    if data.status == JobStatus::Failed && !findings.iter().any(|finding| finding.rule == Rule::Failed) {
        findings.extend(view.job_failure(job).map(|reason| failure::job_failed(job, reason)));
    }
    ordered(findings)
}

/// Returns the job that was submitted last.
pub fn last_job(store: &Store) -> Option<i64> {
    store.at(store.last_event()).jobs(&[]).first().map(|job| job.job_id)
}

/// Returns what there is to say about a job, as lines of text.
pub fn job_text(store: &Store, job_id: i64) -> String {
    let Some(data) = store.at(store.last_event()).job(job_id) else {
        return format!("Job {job_id} is not known, or not remembered any more.\n");
    };
    let begin = data.submission_time.map_or(0, |at| at.0);
    let end = data.completion_time.map_or(store.last_event(), |at| at.0);
    let took = words::time(end.saturating_sub(begin).max(0).saturating_mul(1_000));
    let state = match data.status {
        JobStatus::Running => format!("has run for {took}"),
        JobStatus::Succeeded => format!("took {took}"),
        JobStatus::Failed => format!("failed after {took}"),
        JobStatus::Unknown => "has an unknown end".into(),
    };
    let findings = job(store, job_id);
    let mut text = format!("Job {job_id} ({}) {state}", data.name);
    if findings.is_empty() {
        return text + ". Nothing in it stands out as slow.\n";
    }
    text += ":\n";
    for finding in &findings {
        text += &format!("- {}\n  {}\n", finding.sentence, finding.remedy);
    }
    text
}

fn is_failure(rule: Rule) -> bool {
    matches!(rule, Rule::Failed | Rule::RepeatedTasks)
}

/// Puts failures before what was slow, and what cost most before the rest.
fn ordered(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.rule != Rule::Failed, -finding.lost_ms));
    findings
}
