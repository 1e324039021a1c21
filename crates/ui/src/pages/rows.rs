//! The rows of jobs and stages, as tables on several pages have them.

use crate::pages::bands::{Tasks, progress};
use crate::pages::format::{bytes_and_records, duration, shortened};
use crate::pages::frame::{Pill, time};
use crate::pages::looking::Looking;
use crate::pages::markup::Markup;
use crate::pages::paging::{Ask, Column, Pages, ROWS, encoded};
use firesteel_status::store::{Date, JobData, JobStatus, StageData, StageStatus, failure_title};
use std::cmp::Ordering;

/// The most letters of a failure in a table: the page of the job or stage has the whole.
const FAILURE_LETTERS: usize = 220;

/// A job in a table.
pub(crate) struct JobRow {
    pub(crate) id: i64,
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) group: String,
    pub(crate) failure: Option<String>,
    pub(crate) pill: Pill,
    pub(crate) submitted: Markup,
    pub(crate) duration: String,
    pub(crate) stages: String,
    pub(crate) progress: Markup,
    pub(crate) can_kill: bool,
}

/// A table of jobs or stages.
pub(crate) struct Table<Row> {
    pub(crate) label: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    pub(crate) pages: Pages,
    pub(crate) can_kill: bool,
}

/// A link that shows some rows of a table.
pub(crate) struct Filter {
    pub(crate) label: String,
    pub(crate) href: String,
    pub(crate) is_here: bool,
}

/// Returns links that show the rows in one state; `base` ends with `?` or `&`.
pub(crate) fn filters(base: &str, ask: &Ask, states: &[(&str, &str, usize)]) -> Vec<Filter> {
    let all: usize = states.iter().map(|(_, _, count)| count).sum();
    let one = |label: String, show: &str| Filter {
        label,
        href: if show.is_empty() {
            base.trim_end_matches(['?', '&']).to_owned()
        } else {
            format!("{base}show={}", encoded(show))
        },
        is_here: ask.show.as_deref().unwrap_or("") == show,
    };
    let shown = states.iter().filter(|(_, _, count)| *count > 0);
    let each = shown.map(|(label, show, count)| one(format!("{label} {count}"), show));
    [one(format!("all {all}"), "")].into_iter().chain(each).collect()
}

/// Returns the word for a job's state.
pub(crate) fn job_pill(status: JobStatus) -> Pill {
    match status {
        JobStatus::Running => Pill { label: "running", class: "running" },
        JobStatus::Succeeded => Pill { label: "succeeded", class: "done" },
        JobStatus::Failed => Pill { label: "failed", class: "failed" },
        JobStatus::Unknown => Pill { label: "unknown", class: "" },
    }
}

/// Returns the word for a stage's state.
pub(crate) fn stage_pill(status: StageStatus) -> Pill {
    match status {
        StageStatus::Active => Pill { label: "running", class: "running" },
        StageStatus::Complete => Pill { label: "succeeded", class: "done" },
        StageStatus::Failed => Pill { label: "failed", class: "failed" },
        StageStatus::Pending => Pill { label: "waiting", class: "waiting" },
        StageStatus::Skipped => Pill { label: "skipped", class: "" },
    }
}

/// Returns milliseconds from one time to another, or to now.
pub(crate) fn elapsed(from: Option<Date>, to: Option<Date>, now: i64) -> Option<i64> {
    let end = to.map_or(now, |to| to.0);
    from.map(|from| end.saturating_sub(from.0).max(0))
}

/// Draws how far a job is.
pub(crate) fn job_progress(job: &JobData) -> Markup {
    progress(Tasks {
        total: job.num_tasks.saturating_sub(job.num_skipped_tasks).max(job.num_completed_indices),
        done: job.num_completed_indices,
        running: job.num_active_tasks,
        failed: job.num_failed_tasks,
        killed: job.num_killed_tasks,
        skipped: job.num_skipped_tasks,
    })
}

/// Draws how far a stage is.
pub(crate) fn stage_progress(stage: &StageData) -> Markup {
    progress(Tasks {
        total: stage.num_tasks,
        done: stage.num_completed_indices,
        running: stage.num_active_tasks,
        failed: stage.num_failed_tasks,
        killed: stage.num_killed_tasks,
        skipped: 0,
    })
}

/// Returns the number of a job's stages that are done, of those that need be.
pub(crate) fn job_stages(job: &JobData) -> String {
    let needed = (job.stage_ids.len() as i64 - job.num_skipped_stages).max(job.num_completed_stages);
    let mut text = format!("{}/{needed}", job.num_completed_stages);
    if job.num_failed_stages > 0 {
        text += &format!(" ({} failed)", job.num_failed_stages);
    }
    if job.num_skipped_stages > 0 {
        text += &format!(" +{} skipped", job.num_skipped_stages);
    }
    text
}

/// Returns the row of a job.
pub(crate) fn job_row(looking: &Looking<'_>, job: &JobData) -> JobRow {
    let failure =
        looking.view().job_failure(job.job_id).map(|text| shortened(failure_title(text), FAILURE_LETTERS));
    JobRow {
        id: job.job_id,
        href: format!("{}/jobs/job/?id={}", looking.here.base, job.job_id),
        name: job.name.clone(),
        description: job.description.clone().unwrap_or_default(),
        group: job.job_group.clone().unwrap_or_default(),
        failure,
        pill: job_pill(job.status),
        submitted: time(job.submission_time.map_or(0, |at| at.0)),
        duration: elapsed(job.submission_time, job.completion_time, looking.now)
            .map(duration)
            .unwrap_or_default(),
        stages: job_stages(job),
        progress: job_progress(job),
        can_kill: looking.can_kill() && job.status == JobStatus::Running,
    }
}

/// Returns a page of a table of jobs.
pub(crate) fn job_table(looking: &Looking<'_>, mut jobs: Vec<JobData>, base: String) -> Table<JobRow> {
    let ask = looking.ask();
    let pages = Pages::new(base, &ask, jobs.len(), "id", true);
    let now = looking.now;
    let took = |job: &JobData| elapsed(job.submission_time, job.completion_time, now);
    let compare = |one: &JobData, other: &JobData| match pages.sort() {
        "name" => one.name.cmp(&other.name),
        "status" => one.status.cmp(&other.status),
        "submitted" => one.submission_time.cmp(&other.submission_time),
        "duration" => took(one).cmp(&took(other)),
        "stages" => one.stage_ids.len().cmp(&other.stage_ids.len()),
        "tasks" => one.num_tasks.cmp(&other.num_tasks),
        _ => Ordering::Equal,
    };
    sort(&mut jobs, &pages, |one, other| compare(one, other).then(one.job_id.cmp(&other.job_id)));
    let rows = jobs.iter().skip(pages.offset()).take(ROWS).map(|job| job_row(looking, job)).collect();
    let mut columns = vec![
        pages.column("id", "Job", true),
        pages.column("name", "Operation", false),
        pages.column("status", "State", false),
        pages.column("submitted", "Submitted", false),
        pages.column("duration", "Duration", true),
        pages.column("stages", "Stages", true),
        pages.column("tasks", "Tasks", false),
    ];
    if looking.can_kill() {
        columns.push(Column { label: "", href: None, order: None, is_number: false });
    }
    Table { label: "Jobs", columns, rows, pages, can_kill: looking.can_kill() }
}

/// Sorts rows as a page asks for it.
pub(crate) fn sort<Row>(rows: &mut [Row], pages: &Pages, compare: impl Fn(&Row, &Row) -> Ordering) {
    match pages.is_descending() {
        true => rows.sort_by(|one, other| compare(other, one)),
        false => rows.sort_by(compare),
    }
}

/// A stage in a table.
pub(crate) struct StageRow {
    pub(crate) id: String,
    pub(crate) stage_id: i64,
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) failure: Option<String>,
    pub(crate) pill: Pill,
    pub(crate) submitted: Markup,
    pub(crate) duration: String,
    pub(crate) progress: Markup,
    pub(crate) figures: Vec<String>,
    pub(crate) can_kill: bool,
}

/// Returns the name of a stage attempt: `3`, or `3.1` for one that is made again.
pub(crate) fn stage_label(stage: i64, attempt: i64) -> String {
    if attempt == 0 { stage.to_string() } else { format!("{stage}.{attempt}") }
}

/// Returns the address of a stage attempt.
pub(crate) fn stage_href(base: &str, stage: i64, attempt: i64) -> String {
    format!("{base}/stages/stage/?id={stage}&attempt={attempt}")
}

/// A figure of a table: its key in addresses, its heading, its bytes and records.
struct Figure<Row> {
    key: &'static str,
    label: &'static str,
    bytes: fn(&Row) -> i64,
    records: fn(&Row) -> i64,
}

const STAGE_FIGURES: [Figure<StageData>; 5] = [
    Figure { key: "input", label: "Input", bytes: |row| row.input_bytes, records: |row| row.input_records },
    Figure {
        key: "output",
        label: "Output",
        bytes: |row| row.output_bytes,
        records: |row| row.output_records,
    },
    Figure {
        key: "read",
        label: "Shuffle read",
        bytes: |row| row.shuffle_read_bytes,
        records: |row| row.shuffle_read_records,
    },
    Figure {
        key: "write",
        label: "Shuffle write",
        bytes: |row| row.shuffle_write_bytes,
        records: |row| row.shuffle_write_records,
    },
    Figure { key: "spilled", label: "Spilled", bytes: |row| row.disk_bytes_spilled, records: |_| 0 },
];

fn stage_row(looking: &Looking<'_>, stage: &StageData, figures: &[&Figure<StageData>]) -> StageRow {
    let failure = stage.failure_reason.as_deref().map(|text| shortened(failure_title(text), FAILURE_LETTERS));
    StageRow {
        id: stage_label(stage.stage_id, stage.attempt_id),
        stage_id: stage.stage_id,
        href: stage_href(&looking.here.base, stage.stage_id, stage.attempt_id),
        name: stage.name.clone(),
        description: stage.description.clone().unwrap_or_default(),
        failure,
        pill: stage_pill(stage.status),
        submitted: time(stage.submission_time.map_or(0, |at| at.0)),
        duration: elapsed(stage.submission_time, stage.completion_time, looking.now)
            .map(duration)
            .unwrap_or_default(),
        progress: stage_progress(stage),
        figures: figures
            .iter()
            .map(|figure| bytes_and_records((figure.bytes)(stage), (figure.records)(stage)))
            .collect(),
        can_kill: looking.can_kill() && stage.status == StageStatus::Active,
    }
}

/// Returns a page of a table of stages.
pub(crate) fn stage_table(
    looking: &Looking<'_>,
    mut stages: Vec<StageData>,
    base: String,
) -> Table<StageRow> {
    let ask = looking.ask();
    let pages = Pages::new(base, &ask, stages.len(), "id", true);
    let now = looking.now;
    let took = |stage: &StageData| elapsed(stage.submission_time, stage.completion_time, now);
    let compare = |one: &StageData, other: &StageData| match pages.sort() {
        "name" => one.name.cmp(&other.name),
        "status" => one.status.cmp(&other.status),
        "submitted" => one.submission_time.cmp(&other.submission_time),
        "duration" => took(one).cmp(&took(other)),
        "tasks" => one.num_tasks.cmp(&other.num_tasks),
        key => match STAGE_FIGURES.iter().find(|figure| figure.key == key) {
            Some(figure) => (figure.bytes)(one).cmp(&(figure.bytes)(other)),
            None => Ordering::Equal,
        },
    };
    // A column without a figure tells nothing and takes room.
    let is_told = |figure: &&Figure<StageData>| {
        stages.iter().any(|stage| (figure.bytes)(stage) != 0 || (figure.records)(stage) != 0)
    };
    let figures: Vec<&Figure<StageData>> = STAGE_FIGURES.iter().filter(is_told).collect();
    let key = |stage: &StageData| (stage.stage_id, stage.attempt_id);
    sort(&mut stages, &pages, |one, other| compare(one, other).then(key(one).cmp(&key(other))));
    let rows = stages
        .iter()
        .skip(pages.offset())
        .take(ROWS)
        .map(|stage| stage_row(looking, stage, &figures))
        .collect();
    let mut columns = vec![
        pages.column("id", "Stage", true),
        pages.column("name", "Operation", false),
        pages.column("status", "State", false),
        pages.column("submitted", "Submitted", false),
        pages.column("duration", "Duration", true),
        pages.column("tasks", "Tasks", false),
    ];
    columns.extend(figures.iter().map(|figure| pages.column(figure.key, figure.label, true)));
    if looking.can_kill() {
        columns.push(Column { label: "", href: None, order: None, is_number: false });
    }
    Table { label: "Stages", columns, rows, pages, can_kill: looking.can_kill() }
}
