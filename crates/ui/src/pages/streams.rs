//! Streams of tasks: what each slot, or each executor, did over time.

use crate::pages::timeline::{Canvas, Kind, Lane};
use firesteel_status::store::{ExecutorSummary, Metric, RecentTask, TaskGlance, TaskStatus};
use std::collections::BTreeMap;
use std::ops::Range;

/// The most lanes of a picture. With more slots a lane is an executor, and with more executors only the first are shown.
pub(super) const MOST_LANES: usize = 32;

/// One task, by the times that it spent on each thing, in milliseconds.
pub(super) struct Stretch {
    pub(super) executor: String,
    pub(super) launch: i64,
    pub(super) end: i64,
    pub(super) parts: Vec<(Kind, i64)>,
}

impl Stretch {
    /// Returns the stretch of a task that is remembered with its stage.
    pub(super) fn of_task(task: &TaskGlance<'_>) -> Self {
        let get = |metric| task.figure(metric);
        let (launch, end) = (task.launch(), task.end());
        let parts = match task.status() {
            TaskStatus::Failed => vec![(Kind::Failed, i64::MAX)],
            TaskStatus::Killed => vec![(Kind::Killed, i64::MAX)],
            TaskStatus::Running | TaskStatus::GetResult => vec![(Kind::Running, i64::MAX)],
            TaskStatus::Success => success_parts(&Spent {
                slot_wait: get(Metric::SlotWait) / 1000,
                ready: get(Metric::DeserializeTime),
                fetch_wait: get(Metric::FetchWait),
                run: get(Metric::RunTime),
                pickle: get(Metric::PickleTime) / 1000,
                write: get(Metric::WriteTime) / 1_000_000,
                result: get(Metric::ResultSerializationTime),
            }),
        };
        Stretch { executor: task.executor.to_owned(), launch, end, parts }
    }

    /// Returns the stretch of a task that ended lately.
    pub(super) fn of_recent(task: &RecentTask) -> Self {
        let parts = match task.status {
            TaskStatus::Failed => vec![(Kind::Failed, i64::MAX)],
            TaskStatus::Killed => vec![(Kind::Killed, i64::MAX)],
            TaskStatus::Running | TaskStatus::GetResult => vec![(Kind::Running, i64::MAX)],
            TaskStatus::Success => success_parts(&Spent {
                slot_wait: task.slot_wait / 1000,
                ready: 0,
                fetch_wait: task.fetch_wait,
                run: task.run,
                pickle: task.pickle / 1000,
                write: 0,
                result: 0,
            }),
        };
        Stretch { executor: task.executor.to_string(), launch: task.launch, end: task.finish, parts }
    }

    fn paint(&self, canvas: &mut Canvas) {
        let mut at = self.launch;
        for (kind, length) in &self.parts {
            let end = at.saturating_add(*length).min(self.end);
            canvas.paint(at..end.max(at), *kind);
            at = end.max(at);
        }
        // The rest went to the driver and back.
        if at < self.end {
            canvas.paint(at..self.end, Kind::Waiting);
        }
    }
}

/// The times of a task that succeeded, in milliseconds.
pub(super) struct Spent {
    pub(super) slot_wait: i64,
    pub(super) ready: i64,
    pub(super) fetch_wait: i64,
    pub(super) run: i64,
    pub(super) pickle: i64,
    pub(super) write: i64,
    pub(super) result: i64,
}

/// Returns the times of a task by kind, in the order in which they are mostly spent.
pub(super) fn success_parts(spent: &Spent) -> Vec<(Kind, i64)> {
    let inside = spent.fetch_wait.saturating_add(spent.pickle).saturating_add(spent.write);
    let parts = [
        (Kind::Waiting, spent.slot_wait),
        (Kind::Reading, spent.ready.saturating_add(spent.fetch_wait)),
        (Kind::Computing, spent.run.saturating_sub(inside)),
        (Kind::Pickling, spent.pickle),
        (Kind::Writing, spent.write.saturating_add(spent.result)),
    ];
    parts.into_iter().filter(|(_, length)| *length > 0).collect()
}

/// Paints tasks into lanes: of slots if there are few, else of executors. Also tells if not all executors are shown.
pub(super) fn lanes(
    mut tasks: Vec<Stretch>,
    executors: &[ExecutorSummary],
    window: &Range<i64>,
    href: &str,
) -> (Vec<Lane>, bool) {
    tasks.sort_by_key(|task| (task.launch, task.end));
    let mut slots: BTreeMap<&str, i64> = BTreeMap::new();
    for task in &tasks {
        slots.entry(&task.executor).or_insert(1);
    }
    for executor in executors {
        if let Some(known) = slots.get_mut(executor.id.as_str()) {
            *known = executor.max_tasks.clamp(1, 4096);
        }
    }
    let all: i64 = slots.values().sum();
    let is_by_slot = all <= MOST_LANES as i64;
    let is_cut = slots.len() > MOST_LANES;
    let count = if is_by_slot { all as usize } else { slots.len().min(MOST_LANES) };
    let mut names: Vec<&str> = slots.keys().copied().collect();
    // Executors have numbers: the tenth comes after the second.
    names.sort_by_key(|name| (name.parse::<i64>().unwrap_or(-1), *name));
    let mut painted: Vec<Lane> = Vec::new();
    for name in names.into_iter().take(MOST_LANES) {
        let own: Vec<&Stretch> = tasks.iter().filter(|task| task.executor == name).collect();
        let width = slots.get(name).copied().unwrap_or(1);
        if is_by_slot {
            let label = |slot: usize| match slot {
                0 => executor_label(name),
                _ => format!("· slot {}", slot + 1),
            };
            let rows = by_slot(&own, width as usize);
            painted.extend(
                rows.into_iter()
                    .enumerate()
                    .map(|(slot, row)| lane(label(slot), href, window, count, 1, &row)),
            );
        } else {
            painted.push(lane(executor_label(name), href, window, count, width, &own));
        }
    }
    (painted, is_cut)
}

fn executor_label(name: &str) -> String {
    if name == "driver" { name.to_owned() } else { format!("executor {name}") }
}

fn lane(
    label: String,
    href: &str,
    window: &Range<i64>,
    lanes: usize,
    slots: i64,
    tasks: &[&Stretch],
) -> Lane {
    let mut canvas = Canvas::new(window, lanes, slots);
    tasks.iter().for_each(|task| task.paint(&mut canvas));
    Lane { label, href: Some(href.to_owned()), bars: vec![], painted: Some(canvas) }
}

/// Deals tasks, in the order of their launch, to the slots in which they may have run: nobody tells which it was.
fn by_slot<'a>(tasks: &[&'a Stretch], slots: usize) -> Vec<Vec<&'a Stretch>> {
    let mut rows: Vec<Vec<&Stretch>> = vec![Vec::new(); slots.max(1)];
    let mut free_at = vec![i64::MIN; slots.max(1)];
    for task in tasks {
        let free = free_at.iter().position(|free| *free <= task.launch);
        let soonest =
            || free_at.iter().enumerate().min_by_key(|(_, free)| **free).map_or(0, |(slot, _)| slot);
        let slot = free.unwrap_or_else(soonest);
        free_at[slot] = task.end;
        rows[slot].push(task);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(executor: &str, launch: i64, end: i64) -> Stretch {
        Stretch { executor: executor.into(), launch, end, parts: vec![(Kind::Computing, end - launch)] }
    }

    #[test]
    fn tasks_that_run_together_are_in_different_slots() {
        let tasks = [stretch("1", 0, 10), stretch("1", 0, 4), stretch("1", 5, 9), stretch("1", 10, 12)];
        let rows = by_slot(&tasks.iter().collect::<Vec<_>>(), 2);
        let ends: Vec<Vec<i64>> = rows.iter().map(|row| row.iter().map(|task| task.end).collect()).collect();
        assert_eq!(ends, [vec![10, 12], vec![4, 9]]);
    }

    #[test]
    fn many_slots_are_shown_by_executor() {
        let executors: Vec<ExecutorSummary> = (0..100)
            .map(|id| ExecutorSummary { id: id.to_string(), max_tasks: 4, ..ExecutorSummary::default() })
            .collect();
        let tasks =
            |executors: i64| (0..executors).map(|id| stretch(&id.to_string(), 0, 5)).collect::<Vec<_>>();
        let names = |executors_used: i64| {
            let (lanes, is_cut) = lanes(tasks(executors_used), &executors, &(0..5), "/");
            (lanes.iter().map(|lane| lane.label.clone()).collect::<Vec<_>>(), is_cut)
        };
        assert_eq!(names(1).0, ["executor 0", "· slot 2", "· slot 3", "· slot 4"]);
        assert_eq!(names(11).0[9..], ["executor 9", "executor 10"]);
        let (all, is_cut) = names(100);
        assert_eq!((all.len(), is_cut), (MOST_LANES, true));
    }

    #[test]
    fn the_parts_of_a_task_are_no_more_than_it() {
        let spent = Spent { slot_wait: 1, ready: 2, fetch_wait: 3, run: 10, pickle: 4, write: 1, result: 1 };
        let parts = success_parts(&spent);
        assert_eq!(parts.iter().map(|(_, length)| length).sum::<i64>(), 1 + 2 + 10 + 1);
        assert!(parts.contains(&(Kind::Computing, 2)) && parts.contains(&(Kind::Reading, 5)));
    }
}
