//! The first page: all at a glance. Jobs that run, failures, a stream of tasks by slot, memory by executor.

use crate::pages::bands::{Part, bands};
use crate::pages::format::{bytes, count, duration, shortened};
use crate::pages::frame::{Fact, Frame, fact};
use crate::pages::looking::{Looking, NoPage};
use crate::pages::markup::Markup;
use crate::pages::rows::{JobRow, job_row, stage_href, stage_label};
use crate::pages::streams::{Stretch, lanes};
use crate::pages::timeline::{Kind, timeline};
use askama::Template;
use firesteel_status::store::{
    ExecutorSummary, JobData, JobStatus, PeakMemory, StageAsk, StageStatus, failure_title,
};
use std::ops::Range;

/// The shortest and the longest time that the stream of tasks shows, and the age of the last task from which on it stands
/// still, in milliseconds.
const SHORTEST_WINDOW: i64 = 20_000;
const LONGEST_WINDOW: i64 = 10 * 60_000;
const STILL: i64 = 30_000;

/// The number of tasks after each other that the stream shows: of more, none would be seen by itself.
const TASKS_IN_A_ROW: i64 = 60;

/// The most jobs, failures and executors of the page.
const MOST_JOBS: usize = 8;
const MOST_FAILURES: usize = 4;
const MOST_EXECUTORS: usize = 24;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    facts: Vec<Fact>,
    jobs_title: &'static str,
    jobs: Vec<JobRow>,
    has_jobs: bool,
    failures: Vec<Failure>,
    slots: Option<Markup>,
    slots_title: String,
    kinds: [Kind; 8],
    memory: Vec<Memory>,
    memory_title: String,
    executors_href: String,
}

struct Failure {
    what: String,
    href: String,
    why: String,
}

struct Memory {
    name: String,
    title: String,
    bands: Markup,
    text: String,
}

/// Makes the page.
pub(super) fn make(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let view = looking.view();
    let all = view.jobs(&[]);
    let executors = view.executors(true);
    let there: Vec<&ExecutorSummary> = executors.iter().filter(|executor| executor.is_active).collect();
    let running: Vec<&JobData> = all.iter().filter(|job| job.status == JobStatus::Running).collect();
    let (jobs_title, chosen) = match running.is_empty() {
        true => ("Jobs that ended last", all.iter().take(MOST_JOBS.min(4)).collect()),
        false => ("Jobs that run", running.clone()),
    };
    let jobs = chosen.into_iter().take(MOST_JOBS).map(|job| job_row(looking, job)).collect();
    let (slots, slots_title) = stream(looking, &executors);
    let page = OverviewPage {
        frame,
        facts: facts(looking, &all, &there, running.len()),
        jobs_title,
        jobs,
        has_jobs: !all.is_empty(),
        failures: failures(looking, &all),
        slots,
        slots_title,
        kinds: Kind::OF_TASKS,
        memory: memory(looking, &there),
        memory_title: match there.len() {
            0 => String::new(),
            executors if executors > MOST_EXECUTORS => {
                format!("the first {MOST_EXECUTORS} of {} executors", count(executors as i64))
            }
            _ => "of each executor; the line is the most for cached partitions".into(),
        },
        executors_href: format!("{}/executors/", looking.here.base),
    };
    Ok(page.render()?)
}

fn facts(looking: &Looking<'_>, jobs: &[JobData], there: &[&ExecutorSummary], running: usize) -> Vec<Fact> {
    let application = looking.view().application();
    let attempt = application.attempts.first();
    let took = attempt.map_or(0, |attempt| {
        let end = if attempt.completed { attempt.end_time.0 } else { looking.now };
        end.saturating_sub(attempt.start_time.0).max(0)
    });
    let sum = |figure: fn(&ExecutorSummary) -> i64| {
        there.iter().fold(0, |sum: i64, executor| sum.saturating_add(figure(executor)))
    };
    let failed = jobs.iter().filter(|job| job.status == JobStatus::Failed).count();
    let mut tasks = fact("Tasks that run", count(sum(|executor| executor.active_tasks)));
    tasks.also = format!("of {} slots", count(sum(|executor| executor.max_tasks)));
    let mut all = fact("Tasks succeeded", count(sum(|executor| executor.completed_tasks)));
    let failed_tasks = sum(|executor| executor.failed_tasks);
    if failed_tasks > 0 {
        all.also = format!("{} failed", count(failed_tasks));
    }
    let mut jobs_fact = fact("Jobs", count(jobs.len() as i64));
    jobs_fact.also = match (running, failed) {
        (0, 0) => String::new(),
        (running, 0) => format!("{running} running"),
        (0, failed) => format!("{failed} failed"),
        (running, failed) => format!("{running} running, {failed} failed"),
    };
    let mut storage = fact("Cached", bytes(sum(|executor| executor.memory_used)));
    storage.also = format!("of {}", bytes(sum(|executor| executor.max_memory)));
    vec![
        fact("Time", duration(took)),
        jobs_fact,
        tasks,
        all,
        fact("Executors", count(there.len() as i64)),
        storage,
        fact("Input", bytes(sum(|executor| executor.total_input_bytes))),
        fact("Shuffled", bytes(sum(|executor| executor.total_shuffle_write))),
    ]
}

/// Returns the stages that failed last, and the jobs that failed without one.
fn failures(looking: &Looking<'_>, jobs: &[JobData]) -> Vec<Failure> {
    const LETTERS: usize = 240;
    let view = looking.view();
    let stages = view.stages(&[StageStatus::Failed], &StageAsk::default());
    let mut failures: Vec<Failure> = stages
        .iter()
        .take(MOST_FAILURES)
        .map(|stage| {
            let key = (stage.stage_id, stage.attempt_id);
            let kinds = view.task_failures(key);
            let why = kinds.first().map(|kind| failure_title(kind.text));
            let why = why.unwrap_or_else(|| failure_title(stage.failure_reason.as_deref().unwrap_or("")));
            Failure {
                what: format!("Stage {}: {}", stage_label(key.0, key.1), stage.name),
                href: stage_href(&looking.here.base, key.0, key.1),
                why: shortened(why, LETTERS),
            }
        })
        .collect();
    if failures.is_empty() {
        let failed = jobs.iter().filter(|job| job.status == JobStatus::Failed).take(MOST_FAILURES);
        failures.extend(failed.map(|job| Failure {
            what: format!("Job {}: {}", job.job_id, job.name),
            href: format!("{}/jobs/job/?id={}", looking.here.base, job.job_id),
            why: shortened(failure_title(view.job_failure(job.job_id).unwrap_or("")), LETTERS),
        }));
    }
    failures
}

/// Draws the tasks of the last minutes by slot.
fn stream(looking: &Looking<'_>, executors: &[ExecutorSummary]) -> (Option<Markup>, String) {
    let view = looking.view();
    let mut tasks: Vec<Stretch<'_>> = Vec::new();
    view.glance_running(&mut |task| tasks.push(Stretch::of_task(&task)));
    let runs = !tasks.is_empty();
    tasks.extend(view.recent_tasks().map(Stretch::of_recent));
    let Some(last) = tasks.iter().map(|task| task.end).max() else { return (None, String::new()) };
    let first = tasks.iter().map(|task| task.launch).min().unwrap_or(last);
    let is_quiet = !runs && (looking.store.has_ended() || looking.now.saturating_sub(last) > STILL);
    let end = if is_quiet { last } else { looking.now.max(last) };
    let lengths = tasks.iter().map(|task| task.end.saturating_sub(task.launch).max(1));
    let mean = lengths.fold(0, i64::saturating_add) / tasks.len() as i64;
    let wanted = mean.saturating_mul(TASKS_IN_A_ROW).clamp(SHORTEST_WINDOW, LONGEST_WINDOW);
    let window: Range<i64> = first.max(end.saturating_sub(wanted))..end.max(first.saturating_add(1));
    tasks.retain(|task| task.end >= window.start);
    let href = format!("{}/executors/", looking.here.base);
    let length = window.end.saturating_sub(window.start);
    let (lanes, is_cut) = lanes(&tasks, executors, &window, &href);
    let title = match (is_quiet, is_cut) {
        (true, _) => format!("the last {} of work", duration(length)),
        (false, false) => format!("the last {}", duration(length)),
        (false, true) => format!("the last {}, of the first {} executors", duration(length), lanes.len()),
    };
    (Some(timeline("Tasks by slot", &window, &lanes)), title)
}

fn memory(looking: &Looking<'_>, there: &[&ExecutorSummary]) -> Vec<Memory> {
    let shown: Vec<(&ExecutorSummary, Use)> = there
        .iter()
        .take(MOST_EXECUTORS)
        .map(|executor| {
            let latest = looking.view().memory_history(&executor.id).last().map(|at| at.figures);
            let figures = latest.or(executor.peak_memory_metrics).unwrap_or_default();
            (*executor, Use::of(&figures, executor.memory_used))
        })
        .collect();
    let most = shown.iter().map(|(executor, used)| used.sum().max(executor.max_memory)).max().unwrap_or(1);
    shown
        .into_iter()
        .map(|(executor, used)| {
            let part =
                |size, class, name: &str| Part { size, class, title: format!("{name}: {}", bytes(size)) };
            let parts = [
                part(used.execution, "m-execution", "execution"),
                part(used.storage, "m-storage", "storage"),
                part(used.python, "m-python", "Python processes"),
                part(used.other, "m-other", "other"),
            ];
            let label = format!("memory of executor {}", executor.id);
            // Of the widest band the line would be the frame.
            Memory {
                name: executor.id.clone(),
                title: executor.host_port.clone().unwrap_or_default(),
                bands: bands(&label, &parts, most.saturating_add(most / 50), Some(executor.max_memory)),
                text: bytes(used.sum()),
            }
        })
        .collect()
}

/// The memory of an executor by use, in bytes.
struct Use {
    execution: i64,
    storage: i64,
    python: i64,
    other: i64,
}

impl Use {
    fn of(figures: &PeakMemory, cached: i64) -> Self {
        let get = |name| figures.get(name).max(0);
        let sum = |one, other| get(one).saturating_add(get(other));
        let execution = sum("OnHeapExecutionMemory", "OffHeapExecutionMemory");
        let storage = sum("OnHeapStorageMemory", "OffHeapStorageMemory").max(cached.max(0));
        // The processes hold both; what is left of them is neither.
        let processes = sum("ProcessTreeOtherRSSMemory", "ProcessTreeJVMRSSMemory");
        let whole = processes.max(sum("JVMHeapMemory", "JVMOffHeapMemory"));
        let other = whole.saturating_sub(execution).saturating_sub(storage).max(0);
        Use { execution, storage, python: get("ProcessTreePythonRSSMemory"), other }
    }

    fn sum(&self) -> i64 {
        let parts = [self.execution, self.storage, self.python, self.other];
        parts.into_iter().fold(0, i64::saturating_add)
    }
}
