//! The page of one attempt at a stage: its time, its RDDs, its tasks.

use crate::pages::bands::{Part, bands, histogram, spread};
use crate::pages::dag::stage_picture;
use crate::pages::format::{bytes, bytes_and_records, count, duration, percent, shortened};
use crate::pages::frame::{Fact, Frame, Pill, fact};
use crate::pages::looking::{Looking, NoPage};
use crate::pages::markup::Markup;
use crate::pages::paging::{Column, Pages};
use crate::pages::rows::{Filter, elapsed, stage_href, stage_label, stage_pill, stage_progress};
use crate::pages::stage_tasks::{TaskRow, TaskTable, words};
use crate::pages::streams::{ByExecutor, Spent, Stretch, lanes, success_parts};
use crate::pages::timeline::{Kind, timeline};
use askama::Template;
use firesteel_status::store::{
    ExecutorStageSummary, Metric, StageAsk, StageData, StageKey, StageOwn, StageStatus, TaskFailures,
    TaskMetricDistributions, TaskStatus, failure_title,
};
use std::collections::BTreeMap;

/// The most functions, kinds of failure and executors on the page.
const MOST_FUNCTIONS: usize = 12;
const MOST_FAILURES: usize = 8;
const MOST_EXECUTORS: usize = 200;

/// The buckets of the picture of durations.
const BUCKETS: usize = 50;

/// The most letters of the title of a failure, and of its text.
const TITLE_LETTERS: usize = 140;
const TEXT_LETTERS: usize = 20_000;

#[derive(Template)]
#[template(path = "stage.html")]
struct StagePage {
    frame: Frame,
    id: String,
    stage_id: i64,
    name: String,
    description: String,
    details: String,
    pill: Pill,
    jobs: Vec<Filter>,
    attempts: Vec<Filter>,
    facts: Vec<Fact>,
    progress: Markup,
    can_kill: bool,
    /// The address of samples of its stacks, while it runs here.
    flame: Option<String>,
    failures: Vec<FailureRow>,
    failures_title: String,
    why: Vec<String>,
    graph: Markup,
    graph_note: String,
    shares: Vec<Share>,
    shares_picture: Markup,
    histogram: Option<Markup>,
    functions: Vec<FunctionRow>,
    accumulators: Vec<(String, String)>,
    timeline: Option<Markup>,
    timeline_title: String,
    kinds: [Kind; 8],
    summary: Vec<SummaryRow>,
    summary_title: String,
    executors: Vec<ExecutorRow>,
    executors_title: String,
    tasks_title: String,
    filters: Vec<Filter>,
    columns: Vec<Column>,
    tasks: Vec<TaskRow>,
    pages: Pages,
}

struct FailureRow {
    key: String,
    title: String,
    tasks: String,
    text: String,
}

struct Share {
    kind: Kind,
    time: String,
    percent: String,
}

struct FunctionRow {
    name: String,
    operation: String,
    time: String,
    records_in: String,
    records_out: String,
    /// The share of records that native code computed, and the number of those that it handed back.
    natively: String,
}

struct SummaryRow {
    label: &'static str,
    values: Vec<String>,
    spread: Markup,
}

struct ExecutorRow {
    id: String,
    is_excluded: bool,
    time: String,
    succeeded: String,
    failed: String,
    has_failed: bool,
    killed: String,
    input: String,
    output: String,
    shuffle_read: String,
    shuffle_write: String,
    spilled: String,
}

/// Makes the page.
pub(super) fn make(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let id = looking.number("id")?;
    let view = looking.view();
    let attempts = view.attempt_ids(id);
    let missing =
        || NoPage::Unknown(format!("There is no stage {id}, or it ended so long ago that it was forgotten."));
    let last = attempts.last().copied().ok_or_else(missing)?;
    let attempt = looking.fields.get("attempt").and_then(|text| text.parse().ok()).unwrap_or(last);
    let key = (id, attempt);
    let stage = view.stage(id, attempt, &StageAsk::default()).ok_or_else(missing)?;
    let own = view.stage_own(id, attempt).unwrap_or_default();
    let (graph, graph_note) =
        stage_picture(&view.stage_graph(id, attempt).unwrap_or_default(), &looking.here.base);
    let executors = view.stage_executors(key);
    let task_time = executors.iter().fold(0, |sum: i64, (_, share)| sum.saturating_add(share.task_time));
    let (shares, shares_picture) = shares(&own, task_time);
    let pictures = Pictures::of(looking, key);
    let failures = view.task_failures(key);
    let quantiles = view.task_summary(id, attempt, &[0.0, 0.25, 0.5, 0.75, 1.0]);
    let explainer = looking.serving.site.explainer.as_ref();
    let why = explainer.map(|explainer| explainer.stage(looking.store, looking.now, id, attempt));
    let table = TaskTable::of(looking, key);
    let page = StagePage {
        frame,
        id: stage_label(id, attempt),
        stage_id: id,
        name: stage.name.clone(),
        description: stage.description.clone().unwrap_or_default(),
        details: stage.details.clone(),
        pill: stage_pill(stage.status),
        jobs: own.jobs.iter().map(|job| job_link(looking, *job)).collect(),
        attempts: attempt_links(looking, id, attempt, &attempts),
        facts: facts(looking, &stage, &own, task_time),
        progress: stage_progress(&stage),
        can_kill: looking.can_kill() && stage.status == StageStatus::Active,
        flame: (looking.has_actions() && stage.status == StageStatus::Active).then(|| {
            format!("{}/executors/flameGraph/?stage={}&seconds=5", looking.here.base, stage.stage_id)
        }),
        failures: failure_rows(&stage, &failures),
        failures_title: failures_title(&failures),
        why: why.unwrap_or_default(),
        graph,
        graph_note,
        shares,
        shares_picture,
        histogram: pictures.histogram,
        functions: functions(&own),
        accumulators: accumulators(&stage),
        timeline: pictures.timeline,
        timeline_title: pictures.title,
        kinds: Kind::OF_TASKS,
        summary: quantiles.map(|quantiles| summary(&quantiles)).unwrap_or_default(),
        summary_title: count(stage.num_complete_tasks),
        executors_title: count(executors.len() as i64),
        executors: executors.iter().take(MOST_EXECUTORS).map(executor_row).collect(),
        tasks_title: table.title,
        filters: table.filters,
        columns: table.columns,
        tasks: table.rows,
        pages: table.pages,
    };
    Ok(page.render()?)
}

fn job_link(looking: &Looking<'_>, job: i64) -> Filter {
    Filter {
        label: job.to_string(),
        href: format!("{}/jobs/job/?id={job}", looking.here.base),
        is_here: false,
    }
}

/// Returns links to all attempts at the stage, if there are several.
fn attempt_links(looking: &Looking<'_>, id: i64, here: i64, attempts: &[i64]) -> Vec<Filter> {
    if attempts.len() < 2 {
        return vec![];
    }
    let link = |attempt: &i64| Filter {
        label: attempt.to_string(),
        href: stage_href(&looking.here.base, id, *attempt),
        is_here: *attempt == here,
    };
    attempts.iter().map(link).collect()
}

fn facts(looking: &Looking<'_>, stage: &StageData, own: &StageOwn, task_time: i64) -> Vec<Fact> {
    let took = elapsed(stage.submission_time, stage.completion_time, looking.now);
    let mut facts = vec![
        fact("Duration", took.map(duration).unwrap_or_default()),
        fact("Task time", duration(task_time)),
    ];
    let mut add = |label, text: String| {
        if !text.is_empty() {
            facts.push(fact(label, text));
        }
    };
    add("CPU time", duration(stage.executor_cpu_time / 1_000_000));
    add("Input", bytes_and_records(stage.input_bytes, stage.input_records));
    add("Output", bytes_and_records(stage.output_bytes, stage.output_records));
    add("Shuffle read", bytes_and_records(stage.shuffle_read_bytes, stage.shuffle_read_records));
    add("Shuffle write", bytes_and_records(stage.shuffle_write_bytes, stage.shuffle_write_records));
    if stage.disk_bytes_spilled > 0 {
        add(
            "Spilled",
            format!("{}, {} of memory", bytes(stage.disk_bytes_spilled), bytes(stage.memory_bytes_spilled)),
        );
    }
    let localities = own.localities.iter().map(|(name, tasks)| format!("{} {}", count(*tasks), words(name)));
    add("Locality", localities.collect::<Vec<_>>().join(", "));
    if stage.scheduling_pool != "default" {
        add("Pool", stage.scheduling_pool.clone());
    }
    if let Some((hot, records)) = own.hot_keys.first() {
        add("Most frequent key", format!("{} ({} records)", shortened(hot, 60), count(*records)));
    }
    facts
}

fn failure_rows(stage: &StageData, kinds: &[TaskFailures<'_>]) -> Vec<FailureRow> {
    let mut rows: Vec<FailureRow> = kinds
        .iter()
        .take(MOST_FAILURES)
        .map(|kind| FailureRow {
            key: format!("f{}", kind.first_task),
            title: shortened(failure_title(kind.text), 2 * TITLE_LETTERS),
            tasks: match kind.count {
                1 => format!("task {}", kind.index),
                attempts => format!("{} attempts, first task {}", count(attempts), kind.index),
            },
            text: shortened(kind.text, TEXT_LETTERS),
        })
        .collect();
    // The stage may have failed for another reason than a task.
    if let Some(reason) = stage.failure_reason.as_deref().filter(|_| rows.is_empty()) {
        rows.push(FailureRow {
            key: "stage".into(),
            title: shortened(failure_title(reason), 2 * TITLE_LETTERS),
            tasks: "the stage".into(),
            text: shortened(reason, TEXT_LETTERS),
        });
    }
    rows
}

fn failures_title(kinds: &[TaskFailures<'_>]) -> String {
    match kinds.len() {
        0 | 1 => String::new(),
        kinds if kinds > MOST_FAILURES => format!("the {MOST_FAILURES} most frequent of {kinds} kinds"),
        kinds => format!("{kinds} kinds"),
    }
}

/// Returns what the time of all tasks went into, with a picture of it.
fn shares(own: &StageOwn, task_time: i64) -> (Vec<Share>, Markup) {
    let get = |metric| own.totals.get(metric);
    let mut parts = success_parts(&Spent {
        slot_wait: 0,
        ready: get(Metric::DeserializeTime),
        fetch_wait: get(Metric::FetchWait),
        run: get(Metric::RunTime),
        pickle: get(Metric::PickleTime) / 1000,
        write: get(Metric::WriteTime) / 1_000_000,
        result: get(Metric::ResultSerializationTime),
    });
    let known = parts.iter().fold(0, |sum: i64, (_, length)| sum.saturating_add(*length));
    let rest = task_time.saturating_sub(known);
    parts[0] = (Kind::Waiting, rest.max(0));
    let all = known.saturating_add(rest.max(0));
    if all == 0 {
        return (vec![], Markup::default());
    }
    let part = |(kind, length): &(Kind, i64)| Part {
        size: *length,
        class: kind.class(),
        title: format!("{}: {}", kind.label(), duration(*length)),
    };
    let picture = bands("Parts of the time", &parts.iter().map(part).collect::<Vec<_>>(), all, None);
    let share = |(kind, length): &(Kind, i64)| Share {
        kind: *kind,
        time: duration(*length),
        percent: percent(*length, all),
    };
    (parts.iter().filter(|(_, length)| *length > 0).map(share).collect(), picture)
}

fn functions(own: &StageOwn) -> Vec<FunctionRow> {
    let row = |function: &firesteel_status::store::FunctionTotal| FunctionRow {
        name: if function.function.is_empty() { "built in".into() } else { function.function.clone() },
        operation: function.operation.clone(),
        time: duration(function.time / 1000),
        records_in: count(function.records_in),
        records_out: count(function.records_out),
        natively: natively(function),
    };
    own.functions.iter().take(MOST_FUNCTIONS).map(row).collect()
}

/// Tells how much of a function's work native code has done: empty if none, since the interpreter is the rule.
fn natively(function: &firesteel_status::store::FunctionTotal) -> String {
    match (function.native_in, function.handed_back) {
        (0, _) => String::new(),
        (all, 0) => format!("all {}", count(all)),
        (all, back) => format!("{}, {} handed back", percent(all - back, all), count(back)),
    }
}

fn accumulators(stage: &StageData) -> Vec<(String, String)> {
    let name = |id: i64, name: &Option<String>| name.clone().unwrap_or_else(|| format!("accumulator {id}"));
    let all = stage.accumulator_updates.iter();
    all.map(|one| (name(one.id, &one.name), one.value.clone().unwrap_or_default())).collect()
}

/// The pictures of all tasks of the stage.
struct Pictures {
    timeline: Option<Markup>,
    title: String,
    histogram: Option<Markup>,
}

impl Pictures {
    fn of(looking: &Looking<'_>, key: StageKey) -> Self {
        let view = looking.view();
        let mut lengths: Vec<i64> = Vec::new();
        let mut places: BTreeMap<u32, &str> = BTreeMap::new();
        let (mut start, mut end, mut last_place) = (i64::MAX, i64::MIN, None);
        view.glance(key, &mut |task| {
            let (launch, finish) = (task.launch(), task.end());
            (start, end) = (start.min(launch), end.max(finish));
            if task.status() == TaskStatus::Success {
                lengths.push(finish.saturating_sub(launch).max(0));
            }
            if last_place != Some(task.place) {
                last_place = Some(task.place);
                places.insert(task.place, task.executor);
            }
        });
        if places.is_empty() {
            return Pictures { timeline: None, title: String::new(), histogram: None };
        }
        let window = start..end.max(start.saturating_add(1));
        let href = format!("{}/executors/", looking.here.base);
        let executors = view.executors(true);
        let (lanes, is_cut) = match ByExecutor::of(&places, &executors, &window) {
            Some(mut by_executor) => {
                view.glance(key, &mut |task| by_executor.paint(&task));
                by_executor.finish(&href)
            }
            None => {
                let mut tasks: Vec<Stretch<'_>> = Vec::new();
                view.glance(key, &mut |task| tasks.push(Stretch::of_task(&task)));
                lanes(&tasks, &executors, &window, &href)
            }
        };
        let title = if is_cut { format!("of the first {} executors", lanes.len()) } else { String::new() };
        Pictures {
            timeline: Some(timeline("Tasks of the stage by slot", &window, &lanes)),
            title,
            histogram: histogram_of(&lengths),
        }
    }
}

fn histogram_of(lengths: &[i64]) -> Option<Markup> {
    let longest = lengths.iter().copied().max()?.max(1);
    if lengths.len() < 2 {
        return None;
    }
    let buckets = BUCKETS.min(longest as usize);
    let mut counts = vec![0; buckets];
    for length in lengths {
        let bucket = (*length as f64 / longest as f64 * buckets as f64) as usize;
        counts[bucket.min(buckets - 1)] += 1;
    }
    Some(histogram("How many tasks took how long", &counts, longest))
}

/// Returns a row for each figure that is not 0 in all tasks.
fn summary(all: &TaskMetricDistributions) -> Vec<SummaryRow> {
    let millis = |value: f64| duration(value as i64);
    let nanos = |value: f64| duration((value / 1e6) as i64);
    let size = |value: f64| bytes(value as i64);
    let number = |value: f64| count(value as i64);
    type Write<'a> = &'a dyn Fn(f64) -> String;
    let rows: [(&'static str, &[f64], Write<'_>); 17] = [
        ("Duration", &all.duration, &millis),
        ("Waiting for the driver", &all.scheduler_delay, &millis),
        ("Making ready", &all.executor_deserialize_time, &millis),
        ("Running", &all.executor_run_time, &millis),
        ("CPU time", &all.executor_cpu_time, &nanos),
        ("Garbage collection", &all.jvm_gc_time, &millis),
        ("Waiting for blocks", &all.shuffle_read_metrics.fetch_wait_time, &millis),
        ("Most memory", &all.peak_execution_memory, &size),
        ("Input", &all.input_metrics.bytes_read, &size),
        ("Input records", &all.input_metrics.records_read, &number),
        ("Output", &all.output_metrics.bytes_written, &size),
        ("Shuffle read", &all.shuffle_read_metrics.read_bytes, &size),
        ("Shuffle read records", &all.shuffle_read_metrics.read_records, &number),
        ("Shuffle write", &all.shuffle_write_metrics.write_bytes, &size),
        ("Shuffle write records", &all.shuffle_write_metrics.write_records, &number),
        ("Spilled to disk", &all.disk_bytes_spilled, &size),
        ("Result", &all.result_size, &size),
    ];
    let shown = rows
        .into_iter()
        .filter(|(label, values, _)| *label == "Duration" || values.iter().any(|value| *value > 0.0));
    shown
        .map(|(label, values, write)| SummaryRow {
            label,
            values: values.iter().map(|value| write(*value)).collect(),
            spread: <[f64; 5]>::try_from(values).map(spread).unwrap_or_default(),
        })
        .collect()
}

fn executor_row((id, share): &(String, ExecutorStageSummary)) -> ExecutorRow {
    ExecutorRow {
        id: id.clone(),
        is_excluded: share.is_excluded_for_stage,
        time: duration(share.task_time),
        succeeded: count(share.succeeded_tasks),
        failed: count(share.failed_tasks),
        has_failed: share.failed_tasks > 0,
        killed: count(share.killed_tasks),
        input: bytes_and_records(share.input_bytes, share.input_records),
        output: bytes_and_records(share.output_bytes, share.output_records),
        shuffle_read: bytes_and_records(share.shuffle_read, share.shuffle_read_records),
        shuffle_write: bytes_and_records(share.shuffle_write, share.shuffle_write_records),
        spilled: if share.disk_bytes_spilled > 0 { bytes(share.disk_bytes_spilled) } else { String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_native_code_is_told_with_what_it_handed_back() {
        let told = |native_in, handed_back| {
            natively(&firesteel_status::store::FunctionTotal { native_in, handed_back, ..Default::default() })
        };
        assert_eq!([told(0, 0), told(2000, 0), told(2000, 20)], ["", "all 2,000", "99 %, 20 handed back"]);
    }
}
