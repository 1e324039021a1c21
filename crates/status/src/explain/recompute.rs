//! RDDs that several jobs compute.

use crate::explain::facts::{Facts, computed, is_persisted};
use crate::explain::finding::{Finding, NOTICED_MS, Rule};
use crate::explain::words::{count, time};
use crate::store::{JobData, Metric, StageAsk, StageKey, StageStatus, Store};
use firesteel_events::RddInfo;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The share of a stage's time, in percent, which is taken as spent on an RDD that it shares with another job: the rest is the
/// job's own.
const SHARED_SHARE: i64 = 50;

/// The most jobs before one that are looked at: a program that repeats itself has done so lately.
const JOBS_LOOKED_AT: usize = 200;

/// A stage of an earlier job that succeeded.
struct Earlier {
    jobs: Vec<i64>,
    tasks: i64,
    rdds: Arc<Vec<RddInfo>>,
    computed: BTreeSet<i64>,
}

/// Finds the RDD that this job computed although an earlier one had, and that nothing persists.
pub(crate) fn not_persisted(store: &Store, job: i64) -> Option<Finding> {
    let earlier = earlier(store, job);
    let stages = own(store, job);
    let found = stages.iter().filter_map(|facts| {
        let again = computed(&facts.rdds).into_iter().filter(|rdd| !is_persisted(rdd) && !is_source(rdd));
        let again = again.filter_map(|rdd| {
            let before = earlier.iter().filter(|stage| stage.computed.contains(&rdd.rdd_id));
            let before: BTreeSet<i64> = before.flat_map(|stage| &stage.jobs).copied().collect();
            before.last().map(|last| (rdd, *last, before.len() as i64))
        });
        // What is nearest to the end of the chain spares most.
        let (rdd, last, times) = again.max_by_key(|(rdd, ..)| rdd.rdd_id)?;
        let lost_ms = facts.wall / 1_000 * SHARED_SHARE / 100;
        (lost_ms >= NOTICED_MS).then(|| recomputed(facts, rdd, last, times, lost_ms))
    });
    found.max_by_key(|finding| finding.lost_ms)
}

fn recomputed(facts: &Facts<'_>, rdd: &RddInfo, last: i64, times: i64, lost_ms: i64) -> Finding {
    let wall = time(facts.wall);
    Finding {
        rule: Rule::Recomputed,
        stage: Some(facts.key),
        sentence: format!(
            "{} computed `{}` again in its {wall}, as {} had done before (job {last} last), since it is not persisted.",
            facts.name(),
            if rdd.callsite.is_empty() { &rdd.name } else { &rdd.callsite },
            count(times, "job"),
        ),
        remedy: format!(
            "Call `persist()` on that RDD (id {}), or on what the jobs make of it alike, before the first of them, and `unpersist()` \
             after the last.",
            rdd.rdd_id
        ),
        lost_ms,
    }
}

/// Finds that partitions of a persisted RDD were computed again, since memory did not hold them.
pub(crate) fn lost(store: &Store, job: i64) -> Option<Finding> {
    let earlier = earlier(store, job);
    let stages = own(store, job);
    let lost = stages.iter().filter_map(|facts| {
        let again = facts.total(Metric::ComputedPersisted);
        let kept = computed(&facts.rdds).into_iter().filter(|rdd| is_persisted(rdd)).find(|rdd| {
            // An earlier job went through all its partitions and kept them.
            earlier.iter().any(|stage| {
                let was_kept = |was: &RddInfo| was.rdd_id == rdd.rdd_id && is_persisted(was);
                stage.computed.contains(&rdd.rdd_id)
                    && stage.tasks >= rdd.num_partitions
                    && stage.rdds.iter().any(was_kept)
            })
        })?;
        let lost_ms = facts.wall / 1_000;
        (again > 0 && lost_ms >= NOTICED_MS).then(|| Finding {
            rule: Rule::LostFromCache,
            stage: Some(facts.key),
            sentence: format!(
                "{} computed {} of the persisted RDD `{}` again, since memory had not kept them.",
                facts.name(),
                count(again, "partition"),
                kept.callsite
            ),
            remedy: "Persist it with `StorageLevel.MEMORY_AND_DISK`, give executors more memory (`spark.executor.memory`), or \
                     `unpersist()` what is not used any more."
                .into(),
            lost_ms,
        })
    });
    lost.max_by_key(|finding| finding.lost_ms)
}

/// Returns the stages that succeeded in jobs before this one, and that this one did not begin.
fn earlier(store: &Store, job: i64) -> Vec<Earlier> {
    let view = store.at(store.last_event());
    let jobs = view.jobs(&[]).into_iter().filter(|other| other.job_id < job).take(JOBS_LOOKED_AT);
    let keys: BTreeSet<StageKey> = jobs.flat_map(|other| attempts(store, &other)).collect();
    let look = |key: StageKey| {
        let data = view.stage(key.0, key.1, &StageAsk::default())?;
        let jobs = view.stage_own(key.0, key.1)?.jobs;
        let rdds = view.stage_graph(key.0, key.1)?.rdds;
        let computed = computed(&rdds).into_iter().map(|rdd| rdd.rdd_id).collect();
        let counts = data.status == StageStatus::Complete && jobs.iter().all(|other| *other < job);
        counts.then_some(Earlier { jobs, tasks: data.num_tasks, rdds, computed })
    };
    keys.into_iter().filter_map(look).collect()
}

/// Returns the stages that succeeded in this job and in none before.
fn own(store: &Store, job: i64) -> Vec<Facts<'_>> {
    let Some(data) = store.at(store.last_event()).job(job) else { return vec![] };
    let stages = attempts(store, &data).into_iter().filter_map(|key| Facts::of(store, key));
    let mine = |facts: &Facts<'_>| {
        facts.own.jobs.first() == Some(&job) && facts.data.status == StageStatus::Complete
    };
    stages.filter(mine).collect()
}

fn attempts(store: &Store, job: &JobData) -> Vec<StageKey> {
    let view = store.at(store.last_event());
    let of = |id: &i64| view.attempt_ids(*id).into_iter().map(|attempt| (*id, attempt)).collect::<Vec<_>>();
    job.stage_ids.iter().flat_map(of).collect()
}

/// Returns whether an RDD holds data of the program, which costs nothing to have again.
fn is_source(rdd: &RddInfo) -> bool {
    rdd.parent_ids.is_empty()
        && ["parallelize", "range", "ParallelCollection"].iter().any(|name| rdd.name.starts_with(name))
}
