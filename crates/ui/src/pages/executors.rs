//! The page of executors: those that are there, and those that are gone, with the reason.

use crate::pages::bands::{Part, bands};
use crate::pages::format::{bytes, count, duration};
use crate::pages::frame::{Fact, Frame, Pill, fact};
use crate::pages::looking::{Looking, NoPage};
use crate::pages::markup::Markup;
use crate::pages::paging::encoded;
use askama::Template;
use firesteel_status::store::{ExecutorSummary, PEAK_NAMES};

/// The most executors of each kind that are shown.
const MOST: usize = 500;

#[derive(Template)]
#[template(path = "executors.html")]
struct ExecutorsPage {
    frame: Frame,
    facts: Vec<Fact>,
    /// The address of samples of all executors' stacks, while they run here.
    flame: Option<String>,
    groups: Vec<Group>,
}

struct Group {
    title: &'static str,
    count: usize,
    rows: Vec<Row>,
    has_links: bool,
}

struct Row {
    id: String,
    address: String,
    pill: Pill,
    memory: Markup,
    memory_text: String,
    disk: String,
    cores: i64,
    running: i64,
    succeeded: String,
    failed: String,
    has_failed: bool,
    time: String,
    input: String,
    shuffle_read: String,
    shuffle_write: String,
    peak: String,
    peak_title: String,
    links: Vec<Link>,
    reason: Option<String>,
    excluded_in: String,
}

struct Link {
    label: String,
    href: String,
}

/// Makes the page.
pub(super) fn make(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let mut all = looking.view().executors(true);
    all.sort_by_key(|executor| (executor.id.parse::<i64>().unwrap_or(-1), executor.id.clone()));
    let (there, gone): (Vec<ExecutorSummary>, Vec<ExecutorSummary>) =
        all.into_iter().partition(|executor| executor.is_active);
    let sum = |figure: fn(&ExecutorSummary) -> i64| {
        there.iter().chain(&gone).fold(0, |sum: i64, executor| sum.saturating_add(figure(executor)))
    };
    let now = |figure: fn(&ExecutorSummary) -> i64| {
        there.iter().fold(0, |sum: i64, executor| sum.saturating_add(figure(executor)))
    };
    let mut executors = fact("Executors", count(there.len() as i64));
    if !gone.is_empty() {
        executors.also = format!("{} gone", count(gone.len() as i64));
    }
    let mut cached = fact("Cached", bytes(now(|executor| executor.memory_used)));
    cached.also = format!("of {}", bytes(now(|executor| executor.max_memory)));
    let facts = vec![
        executors,
        fact("Cores", count(now(|executor| executor.total_cores))),
        cached,
        fact("On disk", bytes(now(|executor| executor.disk_used))),
        fact("Tasks that run", count(now(|executor| executor.active_tasks))),
        fact("Tasks succeeded", count(sum(|executor| executor.completed_tasks))),
        fact("Tasks failed", count(sum(|executor| executor.failed_tasks))),
    ];
    let group = |title, executors: &[ExecutorSummary]| {
        let rows: Vec<Row> = executors.iter().take(MOST).map(|executor| row(looking, executor)).collect();
        Group { title, count: executors.len(), has_links: rows.iter().any(|row| !row.links.is_empty()), rows }
    };
    let mut groups = vec![group("Executors", &there)];
    if !gone.is_empty() {
        groups.push(group("Gone", &gone));
    }
    let flame = looking.has_actions().then(|| format!("{}/executors/flameGraph/", looking.here.base));
    Ok(ExecutorsPage { frame, facts, flame, groups }.render()?)
}

fn row(looking: &Looking<'_>, executor: &ExecutorSummary) -> Row {
    let pill = match (executor.is_active, executor.is_excluded) {
        (false, _) => Pill { label: "gone", class: "failed" },
        (true, true) => Pill { label: "excluded", class: "waiting" },
        (true, false) => Pill { label: "there", class: "done" },
    };
    let used = Part { size: executor.memory_used, class: "m-storage", title: bytes(executor.memory_used) };
    let memory_text = format!("{} of {}", bytes(executor.memory_used), bytes(executor.max_memory));
    let peak = executor.peak_memory_metrics;
    let told = peak
        .iter()
        .flat_map(|peak| PEAK_NAMES.iter().zip(peak.0))
        .filter(|(name, most)| *most > 0 && name.ends_with("Memory"));
    let peak_title =
        told.map(|(name, most)| format!("{name}: {}", bytes(most))).collect::<Vec<_>>().join("\n");
    let resident = ["ProcessTreeOtherRSSMemory", "ProcessTreeJVMRSSMemory", "ProcessTreePythonRSSMemory"];
    let most = peak.map_or(0, |peak| {
        let processes = resident.iter().fold(0, |sum: i64, name| sum.saturating_add(peak.get(name)));
        processes.max(peak.get("JVMHeapMemory").saturating_add(peak.get("JVMOffHeapMemory")))
    });
    Row {
        id: executor.id.clone(),
        address: executor.host_port.clone().unwrap_or_default(),
        pill,
        memory: bands(&memory_text, &[used], executor.max_memory, None),
        memory_text,
        disk: bytes(executor.disk_used),
        cores: executor.total_cores,
        running: executor.active_tasks,
        succeeded: count(executor.completed_tasks),
        failed: count(executor.failed_tasks),
        has_failed: executor.failed_tasks > 0,
        time: duration(executor.total_duration),
        input: bytes(executor.total_input_bytes),
        shuffle_read: bytes(executor.total_shuffle_read),
        shuffle_write: bytes(executor.total_shuffle_write),
        peak: if most > 0 { bytes(most) } else { String::new() },
        peak_title,
        links: links(looking, executor),
        reason: executor.remove_reason.clone(),
        excluded_in: excluded_in(executor),
    }
}

/// Returns the running stages that keep away from an executor, as text; empty if none does.
fn excluded_in(executor: &ExecutorSummary) -> String {
    let stages: Vec<String> =
        executor.excluded_in_stages.iter().filter(|_| executor.is_active).map(ToString::to_string).collect();
    match stages.is_empty() {
        true => String::new(),
        false => format!("excluded from stages {}", stages.join(", ")),
    }
}

/// Returns the pages that look into an executor: threads while it is there, logs where they can be had.
fn links(looking: &Looking<'_>, executor: &ExecutorSummary) -> Vec<Link> {
    let base = &looking.here.base;
    let id = encoded(&executor.id);
    let mut links = Vec::new();
    if looking.has_actions() {
        if executor.is_active {
            let href = format!("{base}/executors/threadDump/?executorId={id}");
            links.push(Link { label: "threads".into(), href });
            let href = format!("{base}/executors/flameGraph/?executorId={id}");
            links.push(Link { label: "flame graph".into(), href });
        }
        for which in ["stdout", "stderr"] {
            let href = format!("{base}/executors/log/?executorId={id}&which={which}");
            links.push(Link { label: which.into(), href });
        }
        return links;
    }
    // Where a cluster manager serves them. Another scheme would be a script's.
    let web = executor
        .executor_logs
        .iter()
        .filter(|(_, url)| url.starts_with("http://") || url.starts_with("https://"));
    links.extend(web.map(|(name, url)| Link { label: name.clone(), href: url.clone() }));
    links
}
