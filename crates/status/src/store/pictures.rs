//! Questions of the pages about all tasks of a stage at once: pictures, counts and kinds of failure. None makes a copy of
//! each task.

use crate::store::columns::{Metric, Row};
use crate::store::records::{Stage, StageKey};
use crate::store::view::{View, share_data};
use crate::store::views::{ExecutorStageSummary, TaskStatus};
use std::collections::BTreeMap;

/// One task, as a picture sees it.
#[derive(Clone, Copy)]
pub struct TaskGlance<'a> {
    stage: &'a Stage,
    at: usize,
    row: &'a Row,
    now: i64,
    /// The stage attempt.
    pub key: StageKey,
    /// Its executor.
    pub executor: &'a str,
    /// The number of its executor and host, from 0.
    pub place: u32,
}

impl TaskGlance<'_> {
    /// Returns the time at which it was sent to its executor, in milliseconds since 1970.
    pub fn launch(&self) -> i64 {
        self.row.launch
    }

    /// Returns the time at which it ended; the time of the question if it runs.
    pub fn end(&self) -> i64 {
        if self.row.finish == 0 { self.now.max(self.row.launch) } else { self.row.finish }
    }

    /// Returns its state.
    pub fn status(&self) -> TaskStatus {
        self.row.status
    }

    /// Returns one of its figures.
    pub fn figure(&self, metric: Metric) -> i64 {
        self.stage.tasks.figure(self.at, metric)
    }
}

/// Tasks that failed for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFailures<'a> {
    /// The reason of the task that failed first, with its stack: of its attempt that says most.
    pub text: &'a str,
    /// The first of them, by its own id.
    pub first_task: i64,
    /// The position of the first of them in its stage.
    pub index: i64,
    /// The number of attempts that failed so.
    pub count: i64,
}

/// The most kinds of failure that are told apart.
const MOST_KINDS: usize = 50;

impl<'a> View<'a> {
    /// Returns what each executor did for a stage attempt.
    pub fn stage_executors(&self, key: StageKey) -> Vec<(String, ExecutorStageSummary)> {
        let shares = self.store.stages.get(&key).into_iter().flat_map(|stage| &stage.executors);
        shares.map(|(id, share)| (id.to_string(), share_data(share))).collect()
    }

    /// Calls `each` with every task of a stage attempt that is remembered.
    pub fn glance(&self, key: StageKey, each: &mut dyn FnMut(TaskGlance<'a>)) {
        let Some(stage) = self.store.stages.get(&key) else { return };
        for (at, row) in stage.tasks.rows().iter().enumerate() {
            each(self.task_glance(key, stage, at, row));
        }
    }

    /// Calls `each` with every task that runs.
    pub fn glance_running(&self, each: &mut dyn FnMut(TaskGlance<'a>)) {
        for (key, at) in self.store.running.values() {
            let stage = self.store.stages.get(key);
            let row = stage.and_then(|stage| stage.tasks.rows().get(*at));
            if let (Some(stage), Some(row)) = (stage, row) {
                each(self.task_glance(*key, stage, *at, row));
            }
        }
    }

    fn task_glance(&self, key: StageKey, stage: &'a Stage, at: usize, row: &'a Row) -> TaskGlance<'a> {
        let executor = self.store.places.get(row.place).map_or("", |(executor, _)| &**executor);
        TaskGlance { stage, at, row, now: self.now, key, executor, place: row.place }
    }

    /// Returns the number of tasks of a stage attempt in each state.
    pub fn task_counts(&self, key: StageKey) -> BTreeMap<TaskStatus, usize> {
        let mut counts = BTreeMap::new();
        let rows = self.store.stages.get(&key).into_iter().flat_map(|stage| stage.tasks.rows());
        rows.for_each(|row| *counts.entry(row.status).or_default() += 1);
        counts
    }

    /// Returns the kinds of failure of a stage's tasks, the most frequent first. Failures are of one kind if their
    /// titles are equal but for numbers.
    pub fn task_failures(&self, key: StageKey) -> Vec<TaskFailures<'a>> {
        let Some(stage) = self.store.stages.get(&key) else { return vec![] };
        let mut kinds: BTreeMap<String, TaskFailures<'a>> = BTreeMap::new();
        let failed = stage.tasks.rows().iter().filter(|row| row.status == TaskStatus::Failed);
        for row in failed {
            let Some(text) = stage.errors.get(&row.id) else { continue };
            let kind = kind_of(text);
            let known = kinds.len();
            match kinds.get_mut(&kind) {
                Some(failures) => {
                    failures.count += 1;
                    // The task's later attempts may know more: the record on which it failed.
                    if failures.index == i64::from(row.index) && text.len() > failures.text.len() {
                        failures.text = text;
                    }
                }
                None if known >= MOST_KINDS => {}
                None => {
                    let index = i64::from(row.index);
                    kinds.insert(kind, TaskFailures { text, first_task: row.id, index, count: 1 });
                }
            }
        }
        let mut kinds: Vec<TaskFailures<'a>> = kinds.into_values().collect();
        kinds.sort_by_key(|failures| (-failures.count, failures.first_task));
        kinds
    }
}

/// Returns the line of a failure that says it: of a traceback of Python its exception, of others the first line.
pub fn failure_title(text: &str) -> &str {
    let says = |line: &&str| !line.trim().is_empty() && !line.starts_with([' ', '\t']);
    let (from, above) = match text.rfind("Traceback (most recent call last)") {
        Some(at) => (at, 1),
        None => (0, 0),
    };
    let lines = text[from..].lines().skip(above);
    let first = || text.lines().find(|line| !line.trim().is_empty());
    lines.into_iter().find(says).or_else(first).unwrap_or("")
}

fn kind_of(text: &str) -> String {
    failure_title(text).chars().filter(|letter| !letter.is_ascii_digit()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Retained, Store};
    use firesteel_events::*;

    fn store_with(failures: &[&str]) -> Store {
        let mut store = Store::new(Retained::default());
        let stage_info = StageInfo { num_tasks: 10, submission_time: Some(1), ..StageInfo::default() };
        store.apply(&ListenerEvent::JobStart(JobStart {
            stage_infos: vec![stage_info.clone()],
            stage_ids: vec![0],
            ..JobStart::default()
        }));
        store.apply(&ListenerEvent::StageSubmitted(StageSubmitted {
            stage_info,
            ..StageSubmitted::default()
        }));
        for (id, text) in (0..).zip(failures) {
            let mut task_info = TaskInfo { task_id: id, index: id, launch_time: 5, ..TaskInfo::default() };
            task_info.executor_id = "1".into();
            store.apply(&ListenerEvent::TaskStart(TaskStart {
                task_info: task_info.clone(),
                ..TaskStart::default()
            }));
            if text.is_empty() {
                continue;
            }
            (task_info.finish_time, task_info.failed) = (9, true);
            let mut reason = EndReason::of("ExceptionFailure");
            reason.full_stack_trace = Some((*text).to_owned());
            store.apply(&ListenerEvent::TaskEnd(TaskEnd { reason, task_info, ..TaskEnd::default() }));
        }
        store
    }

    #[test]
    fn failures_that_differ_by_a_number_are_of_one_kind() {
        let store = store_with(&["KeyError: 7\n  a", "ValueError: x\n  b", "KeyError: 12\n  c"]);
        let view = store.at(20);
        let failures = view.task_failures((0, 0));
        assert_eq!(failures.iter().map(|kind| kind.count).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((failures[0].text, failures[0].index), ("KeyError: 7\n  a", 0));
        assert!(view.task_failures((9, 0)).is_empty());
        assert_eq!(view.task_counts((0, 0)).get(&TaskStatus::Failed), Some(&3));
        assert_eq!(view.stage_executors((0, 0))[0].1.failed_tasks, 3);
    }

    #[test]
    fn the_title_of_a_failure_is_the_exception() {
        let text = "PythonException: Traceback (most recent call last):\n  File \"a.py\"\nValueError: x\n\n\tat org.X";
        assert_eq!(failure_title(text), "ValueError: x");
        assert_eq!(failure_title("\njava.lang.Error: y\n\tat org.X"), "java.lang.Error: y");
        assert_eq!(
            failure_title("Traceback (most recent call last):\n  a"),
            "Traceback (most recent call last):"
        );
        assert_eq!(failure_title(""), "");
    }

    #[test]
    fn a_task_that_runs_has_run_until_now() {
        let store = store_with(&["", "KeyError"]);
        let mut seen = vec![];
        store.at(20).glance((0, 0), &mut |task| seen.push((task.launch(), task.end(), task.status())));
        assert_eq!(seen, [(5, 20, TaskStatus::Running), (5, 9, TaskStatus::Failed)]);
        let mut running = vec![];
        store.at(20).glance_running(&mut |task| running.push(task.executor.to_owned()));
        assert_eq!(running, ["1"]);
    }
}
