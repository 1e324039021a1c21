//! Spans made of listener events: the application, its jobs, attempts at stages, and tasks.
//!
//! A plain value: events in, spans out, no clock and no network. A span is made when what it stands for has ended. Its id follows from
//! the trace's and from what it stands for, so that a task's span names its stage's before that is made.

use firesteel_events::{EndReason, JobEnd, JobStart, ListenerEvent, StageInfo, TaskEnd, TaskMetrics};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

/// The attributes of a span, in the order in which they are sent.
pub(super) type Attributes = Vec<(&'static str, Value)>;

/// A span that has ended. Times are in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) name: String,
    pub(super) begin: i64,
    pub(super) end: i64,
    /// Why it failed; `None` if it succeeded.
    pub(super) failure: Option<String>,
    pub(super) attributes: Attributes,
}

/// The most letters of a failure's text.
const FAILURE_LETTERS: usize = 4000;

/// A stage attempt while it runs.
struct OpenStage {
    info: StageInfo,
    /// The spans of the tasks that took longest so far, the shortest of them first.
    tasks: BinaryHeap<Reverse<KeptTask>>,
    ended: i64,
    failed: i64,
}

/// A task's span, ordered by how long the task took.
#[derive(PartialEq, Eq)]
struct KeptTask {
    took: i64,
    task: i64,
    span: Span,
}

impl Ord for KeptTask {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.took, self.task).cmp(&(other.took, other.task))
    }
}

impl PartialOrd for KeptTask {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Makes spans of the events of one application.
pub(super) struct Spans {
    trace: [u8; 16],
    /// The most tasks of a stage attempt that get spans.
    tasks_at_most: usize,
    name: String,
    application_id: String,
    began: i64,
    /// The latest time of any event.
    latest: i64,
    jobs: BTreeMap<i64, JobStart>,
    /// The jobs that brought stages, by stage: the first that is not over.
    job_of: HashMap<i64, i64>,
    stages: BTreeMap<(i64, i64), OpenStage>,
    has_failed: bool,
}

impl Spans {
    pub(super) fn new(trace: [u8; 16], tasks_at_most: usize) -> Self {
        Spans {
            trace,
            tasks_at_most,
            name: String::new(),
            application_id: String::new(),
            began: 0,
            latest: 0,
            jobs: BTreeMap::new(),
            job_of: HashMap::new(),
            stages: BTreeMap::new(),
            has_failed: false,
        }
    }

    /// Takes an event, and appends the spans of what has ended with it.
    pub(super) fn take(&mut self, event: &ListenerEvent, spans: &mut Vec<Span>) {
        match event {
            ListenerEvent::ApplicationStart(start) => {
                (self.name, self.began) = (start.app_name.clone(), start.timestamp);
                self.application_id = start.app_id.clone().unwrap_or_default();
                self.latest = self.began;
            }
            ListenerEvent::JobStart(start) => {
                self.saw(start.submission_time);
                for stage in &start.stage_ids {
                    self.job_of.entry(*stage).or_insert(start.job_id);
                }
                // Of a job's stages their ids are enough.
                self.jobs.insert(start.job_id, JobStart { stage_infos: vec![], ..start.clone() });
            }
            ListenerEvent::StageSubmitted(submitted) => {
                let info = submitted.stage_info.clone();
                self.saw(info.submission_time.unwrap_or(0));
                let open = OpenStage { info, tasks: BinaryHeap::new(), ended: 0, failed: 0 };
                self.stages.insert((open.info.stage_id, open.info.attempt_id), open);
            }
            ListenerEvent::TaskEnd(end) => self.task_ended(end),
            ListenerEvent::StageCompleted(completed) => {
                let info = &completed.stage_info;
                self.saw(info.completion_time.unwrap_or(0));
                self.close_stage((info.stage_id, info.attempt_id), Some(info), spans);
            }
            ListenerEvent::JobEnd(end) => self.job_ended(end, spans),
            ListenerEvent::ApplicationEnd(end) => {
                self.saw(end.timestamp);
                self.end(spans);
            }
            _ => {}
        }
    }

    fn saw(&mut self, time: i64) {
        self.latest = self.latest.max(time);
    }

    fn id(&self, kind: &str, number: i64, attempt: i64) -> [u8; 8] {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.trace)
            .update(kind.as_bytes())
            .update(&number.to_le_bytes())
            .update(&attempt.to_le_bytes());
        let mut id = [0; 8];
        id.copy_from_slice(&hash.finalize().as_bytes()[..8]);
        id
    }

    fn task_ended(&mut self, end: &TaskEnd) {
        let info = &end.task_info;
        self.saw(info.finish_time);
        let key = (end.stage_id, end.stage_attempt_id);
        let (id, parent) = (self.id("task", info.task_id, 0), self.id("stage", key.0, key.1));
        let Some(stage) = self.stages.get_mut(&key) else { return };
        let failure = failure_of(&end.reason);
        stage.ended += 1;
        stage.failed += i64::from(failure.is_some());
        let finish = info.finish_time.max(info.launch_time);
        let kept = KeptTask {
            took: finish - info.launch_time,
            task: info.task_id,
            span: Span {
                id,
                parent: Some(parent),
                name: format!("task {}.{} of stage {}", info.index, info.attempt, end.stage_id),
                begin: info.launch_time,
                end: finish,
                failure,
                attributes: task_attributes(end),
            },
        };
        // Most tasks are no longer than those that are kept: they cost no more than this look.
        if stage.tasks.len() >= self.tasks_at_most {
            match stage.tasks.peek() {
                Some(Reverse(shortest)) if *shortest < kept => drop(stage.tasks.pop()),
                _ => return,
            }
        }
        stage.tasks.push(Reverse(kept));
    }

    /// Makes the spans of an attempt that is over, and of those of its tasks that took longest.
    fn close_stage(&mut self, key: (i64, i64), completed: Option<&StageInfo>, spans: &mut Vec<Span>) {
        let Some(open) = self.stages.remove(&key) else { return };
        let info = completed.unwrap_or(&open.info);
        let begin = info.submission_time.or(open.info.submission_time).unwrap_or(self.latest);
        let end = info.completion_time.unwrap_or(self.latest).max(begin);
        let job = self.job_of.get(&key.0).copied();
        let kept = open.tasks.len() as i64;
        let mut attributes = vec![
            ("firesteel.stage.id", Value::Number(key.0)),
            ("firesteel.stage.attempt", Value::Number(key.1)),
            ("firesteel.stage.tasks", Value::Number(info.num_tasks)),
            ("firesteel.stage.tasks.ended", Value::Number(open.ended)),
            ("firesteel.stage.tasks.failed", Value::Number(open.failed)),
            ("firesteel.stage.tasks.left_out", Value::Number(open.ended - kept)),
        ];
        if let Some(job) = job {
            attributes.push(("firesteel.job.id", Value::Number(job)));
        }
        add_site(&info.name, &mut attributes);
        let failure =
            info.failure_reason.clone().or_else(|| completed.is_none().then(|| "did not end".into()));
        spans.push(Span {
            id: self.id("stage", key.0, key.1),
            parent: Some(job.map_or_else(|| self.id("application", 0, 0), |job| self.id("job", job, 0))),
            name: format!(
                "stage {}{}: {}",
                key.0,
                if key.1 > 0 { format!(".{}", key.1) } else { String::new() },
                info.name
            ),
            begin,
            end,
            failure: failure.map(|text| shortened(&text)),
            attributes,
        });
        let mut tasks: Vec<KeptTask> = open.tasks.into_iter().map(|Reverse(task)| task).collect();
        tasks.sort_by_key(|task| (task.span.begin, task.task));
        spans.extend(tasks.into_iter().map(|task| task.span));
    }

    fn job_ended(&mut self, end: &JobEnd, spans: &mut Vec<Span>) {
        self.saw(end.completion_time);
        let Some(start) = self.jobs.remove(&end.job_id) else { return };
        let is_success = end.job_result.result == "JobSucceeded";
        let failure = (!is_success).then(|| {
            let told = end.job_result.exception.as_ref().map(|failed| failed.message.clone());
            shortened(&told.unwrap_or_else(|| "the job failed".into()))
        });
        self.close_job(&start, end.completion_time, failure, spans);
    }

    fn close_job(&mut self, start: &JobStart, end: i64, failure: Option<String>, spans: &mut Vec<Span>) {
        self.has_failed |= failure.is_some();
        // Its stages that still run are over with it, or belong to another job from now on.
        self.job_of.retain(|_, job| *job != start.job_id);
        for later in self.jobs.values() {
            for stage in &later.stage_ids {
                self.job_of.entry(*stage).or_insert(later.job_id);
            }
        }
        let site = start.properties.get("callSite.short").cloned().unwrap_or_default();
        let mut attributes = vec![
            ("firesteel.job.id", Value::Number(start.job_id)),
            ("firesteel.job.stages", Value::Number(start.stage_ids.len() as i64)),
        ];
        for (key, name) in [
            ("spark.jobGroup.id", "firesteel.job.group"),
            ("spark.job.description", "firesteel.job.description"),
            ("spark.job.tags", "firesteel.job.tags"),
        ] {
            if let Some(value) = start.properties.get(key).filter(|value| !value.is_empty()) {
                attributes.push((name, Value::Text(value.clone())));
            }
        }
        add_site(&site, &mut attributes);
        spans.push(Span {
            id: self.id("job", start.job_id, 0),
            parent: Some(self.id("application", 0, 0)),
            name: format!("job {}: {site}", start.job_id),
            begin: start.submission_time,
            end: end.max(start.submission_time),
            failure,
            attributes,
        });
    }

    /// Ends the application, and all that has not ended before it.
    fn end(&mut self, spans: &mut Vec<Span>) {
        let stages: Vec<(i64, i64)> = self.stages.keys().copied().collect();
        stages.into_iter().for_each(|key| self.close_stage(key, None, spans));
        for (_, start) in std::mem::take(&mut self.jobs) {
            self.close_job(&start, self.latest, Some("did not end".into()), spans);
        }
        spans.push(Span {
            id: self.id("application", 0, 0),
            parent: None,
            name: self.name.clone(),
            begin: self.began,
            end: self.latest,
            failure: None,
            attributes: vec![
                ("firesteel.application.id", Value::Text(self.application_id.clone())),
                ("firesteel.application.has_failed_jobs", Value::Truth(self.has_failed)),
            ],
        });
    }
}

/// Adds the line of the program, as attributes, of `count at app.py:12` or `map at src/main.rs:3:5`.
fn add_site(site: &str, attributes: &mut Attributes) {
    let Some((operation, place)) = site.split_once(" at ") else { return };
    // A column may follow the line.
    let mut parts = place.rsplitn(3, ':');
    let (last, before, rest) = (parts.next(), parts.next(), parts.next());
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let found = match (number(before), number(last)) {
        (Some(line), Some(_)) => rest.map(|file| (file.to_owned(), line)),
        (None, Some(line)) => {
            let file = place.rsplit_once(':').map_or("", |(file, _)| file);
            Some((file.to_owned(), line))
        }
        _ => None,
    };
    attributes.push(("code.function", Value::Text(operation.to_owned())));
    if let Some((file, line)) = found {
        attributes.extend([("code.filepath", Value::Text(file)), ("code.lineno", Value::Number(line))]);
    }
}

/// Returns why a task failed, in words.
fn failure_of(reason: &EndReason) -> Option<String> {
    if reason.reason == "Success" {
        return None;
    }
    let told = [&reason.description, &reason.message, &reason.kill_reason, &reason.loss_reason];
    let told = told.into_iter().flatten().find(|text| !text.is_empty());
    let class = reason.class_name.as_deref().unwrap_or(&reason.reason);
    Some(shortened(&told.map_or_else(|| class.to_owned(), |told| format!("{class}: {told}"))))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(FAILURE_LETTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn task_attributes(end: &TaskEnd) -> Attributes {
    let info = &end.task_info;
    let mut attributes = vec![
        ("firesteel.task.id", Value::Number(info.task_id)),
        ("firesteel.task.partition", Value::Number(info.partition_id)),
        ("firesteel.task.attempt", Value::Number(info.attempt)),
        ("firesteel.executor.id", Value::Text(info.executor_id.to_string())),
        ("firesteel.host", Value::Text(info.host.to_string())),
        ("firesteel.task.locality", Value::Text(info.locality.to_string())),
    ];
    if info.speculative {
        attributes.push(("firesteel.task.speculative", Value::Truth(true)));
    }
    if info.killed {
        attributes.push(("firesteel.task.killed", Value::Truth(true)));
    }
    if let Some(metrics) = &end.metrics {
        add_figures(metrics, &mut attributes);
    }
    attributes
}

/// Adds the figures that are not 0.
fn add_figures(metrics: &TaskMetrics, attributes: &mut Attributes) {
    let read = &metrics.shuffle_read;
    let own = metrics.own.as_deref();
    let figures = [
        ("firesteel.task.run_time_ms", metrics.executor_run_time),
        ("firesteel.task.cpu_time_ns", metrics.executor_cpu_time),
        ("firesteel.task.prepare_time_ms", metrics.executor_deserialize_time),
        ("firesteel.task.result_bytes", metrics.result_size),
        ("firesteel.task.peak_memory_bytes", metrics.peak_execution_memory),
        ("firesteel.task.spilled_bytes", metrics.disk_bytes_spilled),
        ("firesteel.task.input_bytes", metrics.input.bytes_read),
        ("firesteel.task.input_records", metrics.input.records_read),
        ("firesteel.task.output_bytes", metrics.output.bytes_written),
        ("firesteel.task.output_records", metrics.output.records_written),
        ("firesteel.task.shuffle_read_bytes", read.local_bytes_read.saturating_add(read.remote_bytes_read)),
        ("firesteel.task.shuffle_read_records", read.total_records_read),
        ("firesteel.task.shuffle_wait_ms", read.fetch_wait_time),
        ("firesteel.task.shuffle_write_bytes", metrics.shuffle_write.bytes_written),
        ("firesteel.task.shuffle_write_records", metrics.shuffle_write.records_written),
        ("firesteel.task.python_time", own.map_or(0, |own| own.python_time)),
        ("firesteel.task.pickle_time", own.map_or(0, |own| own.pickle_time)),
    ];
    attributes.extend(
        figures
            .into_iter()
            .filter(|(_, figure)| *figure != 0)
            .map(|(name, figure)| (name, Value::Number(figure))),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_events::{ApplicationEnd, ApplicationStart, StageCompleted, StageSubmitted, TaskInfo};

    fn stage(id: i64, completed: Option<i64>) -> StageInfo {
        StageInfo {
            stage_id: id,
            name: "count at src/app.rs:12:5".into(),
            num_tasks: 3,
            submission_time: Some(110),
            completion_time: completed,
            ..StageInfo::default()
        }
    }

    fn task(stage_id: i64, task_id: i64, took: i64) -> ListenerEvent {
        let task_info = TaskInfo {
            task_id,
            index: task_id,
            launch_time: 120,
            finish_time: 120 + took,
            ..TaskInfo::default()
        };
        let reason = EndReason::of(if took == 13 { "TaskKilled" } else { "Success" });
        ListenerEvent::TaskEnd(TaskEnd { stage_id, task_info, reason, ..TaskEnd::default() })
    }

    fn spans(events: &[ListenerEvent], tasks_at_most: usize) -> Vec<Span> {
        let (mut made, mut spans) = (Spans::new([7; 16], tasks_at_most), vec![]);
        events.iter().for_each(|event| made.take(event, &mut spans));
        spans
    }

    fn program(tail: Vec<ListenerEvent>) -> Vec<ListenerEvent> {
        let mut events = vec![
            ListenerEvent::ApplicationStart(ApplicationStart {
                app_name: "words".into(),
                timestamp: 100,
                ..Default::default()
            }),
            ListenerEvent::JobStart(JobStart {
                job_id: 4,
                submission_time: 105,
                stage_ids: vec![0, 1],
                properties: [("callSite.short".into(), "collect at /a:b/app.py:9".into())].into(),
                ..JobStart::default()
            }),
            ListenerEvent::StageSubmitted(StageSubmitted {
                stage_info: stage(1, None),
                ..Default::default()
            }),
        ];
        events.extend([(0, 5), (1, 40), (2, 13)].map(|(id, took)| task(1, id, took)));
        events.extend(tail);
        events.push(ListenerEvent::ApplicationEnd(ApplicationEnd { timestamp: 300, ..Default::default() }));
        events
    }

    fn done() -> Vec<ListenerEvent> {
        vec![
            ListenerEvent::StageCompleted(StageCompleted { stage_info: stage(1, Some(170)) }),
            ListenerEvent::JobEnd(JobEnd { job_id: 4, completion_time: 175, ..JobEnd::default() }),
        ]
    }

    #[test]
    fn each_span_lies_within_the_one_it_belongs_to() {
        let spans = spans(&program(done()), 1000);
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names[0], "stage 1: count at src/app.rs:12:5");
        assert_eq!(names[1..4], ["task 0.0 of stage 1", "task 1.0 of stage 1", "task 2.0 of stage 1"]);
        assert_eq!(names[4..], ["job 4: collect at /a:b/app.py:9", "words"]);
        for span in &spans {
            let Some(parent) = span.parent else { continue };
            let parent = spans.iter().find(|other| other.id == parent).expect("the parent has a span");
            assert!(parent.begin <= span.begin && span.end <= parent.end, "{span:?} in {parent:?}");
        }
        assert_eq!(spans.iter().filter(|span| span.parent.is_none()).count(), 1);
        assert_eq!(spans[3].failure.as_deref(), Some("TaskKilled"));
        let site = |span: &Span| {
            let find =
                |key| span.attributes.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
            (find("code.filepath").unwrap(), find("code.lineno").unwrap())
        };
        assert_eq!(site(&spans[0]), (Value::Text("src/app.rs".into()), Value::Number(12)));
        assert_eq!(site(&spans[4]), (Value::Text("/a:b/app.py".into()), Value::Number(9)));
    }

    #[test]
    fn of_many_tasks_the_longest_are_kept_and_the_others_counted() {
        let spans = spans(&program(done()), 2);
        let tasks: Vec<i64> = spans
            .iter()
            .filter(|span| span.name.starts_with("task"))
            .map(|span| span.end - span.begin)
            .collect();
        assert_eq!(tasks, [40, 13]);
        assert!(spans[0].attributes.contains(&("firesteel.stage.tasks.left_out", Value::Number(1))));
        assert!(spans[0].attributes.contains(&("firesteel.stage.tasks.ended", Value::Number(3))));
        let none = super::tests::spans(&program(done()), 0);
        assert!(none.iter().all(|span| !span.name.starts_with("task")));
    }

    #[test]
    fn what_did_not_end_ends_with_the_application_and_says_so() {
        let spans = spans(&program(vec![]), 10);
        let open: Vec<&Span> =
            spans.iter().filter(|span| span.failure.as_deref() == Some("did not end")).collect();
        assert_eq!(open.len(), 2, "the stage and the job");
        assert!(open.iter().all(|span| span.end == 300));
    }

    #[test]
    fn a_long_failure_is_cut_at_a_letter() {
        let text = shortened(&"ä".repeat(FAILURE_LETTERS + 1));
        assert_eq!(text.chars().count(), FAILURE_LETTERS + 1);
        let mut attributes = vec![];
        add_site("no line", &mut attributes);
        add_site("x at :", &mut attributes);
        assert_eq!(attributes.len(), 1);
    }
}
