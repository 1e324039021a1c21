//! The table of a stage's tasks: a page of it, in the order that the address asks for.

use crate::pages::format::{bytes, bytes_and_records, count, duration, shortened};
use crate::pages::frame::{Pill, time};
use crate::pages::looking::Looking;
use crate::pages::markup::Markup;
use crate::pages::paging::{Column, Pages, ROWS};
use crate::pages::rows::{Filter, filters};
use firesteel_status::store::{Metric, StageKey, TaskAsk, TaskData, TaskSort, TaskStatus, failure_title};

/// The most letters of the title of a failure, and of its text: the section of failures has more.
const TITLE_LETTERS: usize = 140;
const TEXT_LETTERS: usize = 4_000;

/// A page of the tasks.
pub(super) struct TaskTable {
    pub(super) title: String,
    pub(super) filters: Vec<Filter>,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<TaskRow>,
    pub(super) pages: Pages,
}

impl TaskTable {
    /// Returns the page that the address asks for.
    pub(super) fn of(looking: &Looking<'_>, key: StageKey) -> Self {
        let (id, attempt) = key;
        let view = looking.view();
        let counts = view.task_counts(key);
        let number = |status| counts.get(&status).copied().unwrap_or(0);
        let running = number(TaskStatus::Running) + number(TaskStatus::GetResult);
        let states = [
            ("running", "RUNNING", running),
            ("succeeded", "SUCCESS", number(TaskStatus::Success)),
            ("failed", "FAILED", number(TaskStatus::Failed)),
            ("killed", "KILLED", number(TaskStatus::Killed)),
        ];
        let ask = looking.ask();
        let base = format!("{}/stages/stage/?id={id}&attempt={attempt}&", looking.here.base);
        let wanted: Vec<TaskStatus> = match ask.show.as_deref().and_then(TaskStatus::named) {
            Some(TaskStatus::Running) => vec![TaskStatus::Running, TaskStatus::GetResult],
            Some(status) => vec![status],
            None => vec![],
        };
        let all: usize = counts.values().sum();
        let shown = if wanted.is_empty() { all } else { wanted.iter().map(|status| number(*status)).sum() };
        let pages = Pages::new(base.clone(), &ask, shown, "index", false);
        let tasks = view.tasks(
            id,
            attempt,
            &TaskAsk {
                offset: pages.offset(),
                length: ROWS,
                sort: task_sort(pages.sort()),
                descending: pages.is_descending(),
                status: wanted,
            },
        );
        let tasks = tasks.unwrap_or_default();
        // A column without a figure on this page tells nothing and takes room.
        let is_told = |figure: &&TaskFigure| {
            figure.0 == pages.sort() || tasks.iter().any(|task| !figure.2(task).is_empty())
        };
        let figures: Vec<TaskFigure> = TASK_FIGURES.iter().filter(is_told).copied().collect();
        TaskTable {
            title: count(all as i64),
            filters: filters(&base, &ask, &states),
            columns: task_columns(&pages, &figures),
            rows: tasks.iter().map(|task| task_row(task, &figures)).collect(),
            pages,
        }
    }
}

/// A figure of tasks: its key in addresses, its heading, and how it is written.
type TaskFigure = (&'static str, &'static str, fn(&TaskData) -> String);

const TASK_FIGURES: [TaskFigure; 8] = [
    ("delay", "Waiting", |task| long(task.scheduler_delay)),
    ("wait", "For blocks", |task| {
        long(task.task_metrics.map_or(0, |all| all.shuffle_read_metrics.fetch_wait_time))
    }),
    ("input", "Input", |task| {
        let read = task.task_metrics.unwrap_or_default().input_metrics;
        bytes_and_records(read.bytes_read, read.records_read)
    }),
    ("output", "Output", |task| {
        let written = task.task_metrics.unwrap_or_default().output_metrics;
        bytes_and_records(written.bytes_written, written.records_written)
    }),
    ("read", "Shuffle read", |task| {
        let read = task.task_metrics.unwrap_or_default().shuffle_read_metrics;
        bytes_and_records(read.local_bytes_read.saturating_add(read.remote_bytes_read), read.records_read)
    }),
    ("write", "Shuffle write", |task| {
        let written = task.task_metrics.unwrap_or_default().shuffle_write_metrics;
        bytes_and_records(written.bytes_written, written.records_written)
    }),
    ("spilled", "Spilled", |task| some(task.task_metrics.map_or(0, |all| all.disk_bytes_spilled))),
    ("memory", "Memory", |task| some(task.task_metrics.map_or(0, |all| all.peak_execution_memory))),
];

fn some(size: i64) -> String {
    if size > 0 { bytes(size) } else { String::new() }
}

fn long(ms: i64) -> String {
    if ms > 0 { duration(ms) } else { String::new() }
}

fn task_columns(pages: &Pages, figures: &[TaskFigure]) -> Vec<Column> {
    let before = [
        pages.column("index", "Task", true),
        pages.column("id", "Id", true),
        pages.column("attempt", "Attempt", true),
        pages.column("status", "State", false),
        pages.column("locality", "Locality", false),
        pages.column("executor", "Executor", false),
        pages.column("launched", "Launched", false),
        pages.column("duration", "Duration", true),
    ];
    let figures = figures.iter().map(|(key, label, _)| pages.column(key, label, true));
    before.into_iter().chain(figures).chain([pages.column("error", "Failure", false)]).collect()
}

fn task_sort(name: &str) -> TaskSort {
    match name {
        "id" => TaskSort::Id,
        "attempt" => TaskSort::Attempt,
        "status" => TaskSort::Status,
        "locality" => TaskSort::Locality,
        "executor" => TaskSort::Executor,
        "launched" => TaskSort::Launch,
        "duration" => TaskSort::Duration,
        "delay" => TaskSort::SchedulerDelay,
        "wait" => TaskSort::Figure(Metric::FetchWait),
        "input" => TaskSort::Figure(Metric::InputBytes),
        "output" => TaskSort::Figure(Metric::OutputBytes),
        "read" => TaskSort::ShuffleReadBytes,
        "write" => TaskSort::Figure(Metric::WriteBytes),
        "spilled" => TaskSort::Figure(Metric::DiskSpilled),
        "memory" => TaskSort::Figure(Metric::PeakMemory),
        "error" => TaskSort::Error,
        _ => TaskSort::Index,
    }
}

fn task_row(task: &TaskData, figures: &[TaskFigure]) -> TaskRow {
    let error = task.error_message.as_deref().filter(|text| !text.is_empty());
    TaskRow {
        index: task.index,
        id: task.task_id,
        attempt: task.attempt,
        is_speculative: task.speculative,
        pill: match task.status {
            TaskStatus::Running => Pill { label: "running", class: "running" },
            TaskStatus::GetResult => Pill { label: "fetching", class: "running" },
            TaskStatus::Success => Pill { label: "succeeded", class: "done" },
            TaskStatus::Failed => Pill { label: "failed", class: "failed" },
            TaskStatus::Killed => Pill { label: "killed", class: "" },
        },
        locality: words(&task.task_locality),
        executor: task.executor_id.clone(),
        host: if task.host.is_empty() { String::new() } else { format!(" {}", task.host) },
        launched: time(task.launch_time.0),
        duration: duration(task.duration.unwrap_or(0)),
        figures: figures.iter().map(|(_, _, write)| write(task)).collect(),
        error_title: error.map(|text| shortened(failure_title(text), TITLE_LETTERS)).unwrap_or_default(),
        error: error.map(|text| shortened(text, TEXT_LETTERS)),
    }
}

/// A task in the table.
pub(super) struct TaskRow {
    pub(super) index: i64,
    pub(super) id: i64,
    pub(super) attempt: i64,
    pub(super) is_speculative: bool,
    pub(super) pill: Pill,
    pub(super) locality: String,
    pub(super) executor: String,
    pub(super) host: String,
    pub(super) launched: Markup,
    pub(super) duration: String,
    pub(super) figures: Vec<String>,
    pub(super) error_title: String,
    pub(super) error: Option<String>,
}

/// Writes `PROCESS_LOCAL` as `process local`.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ").to_lowercase()
}
