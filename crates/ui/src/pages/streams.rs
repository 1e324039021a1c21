//! Streams of tasks: what each slot, or each executor, did over time.

use crate::pages::timeline::{Canvas, Kind, Lane};
use firesteel_status::store::{ExecutorSummary, Metric, RecentTask, TaskGlance, TaskStatus};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// The most lanes of a picture. With more slots a lane is an executor, and with more executors only the first are shown.
pub(super) const MOST_LANES: usize = 32;

/// The times of a task by kind, in the order in which they are mostly spent. No list: there may be a million of them.
pub(super) type Parts = [(Kind, i64); 5];

/// One task, by the times that it spent on each thing, in milliseconds.
pub(super) struct Stretch<'a> {
    pub(super) executor: &'a str,
    pub(super) launch: i64,
    pub(super) end: i64,
    pub(super) parts: Parts,
}

impl<'a> Stretch<'a> {
    /// Returns the stretch of a task that is remembered with its stage.
    pub(super) fn of_task(task: &TaskGlance<'a>) -> Self {
        let get = |metric| task.figure(metric);
        let parts = parts(task.status(), || Spent {
            slot_wait: get(Metric::SlotWait) / 1000,
            ready: get(Metric::DeserializeTime),
            fetch_wait: get(Metric::FetchWait),
            run: get(Metric::RunTime),
            pickle: get(Metric::PickleTime) / 1000,
            write: get(Metric::WriteTime) / 1_000_000,
            result: get(Metric::ResultSerializationTime),
        });
        Stretch { executor: task.executor, launch: task.launch(), end: task.end(), parts }
    }

    /// Returns the stretch of a task that ended lately.
    pub(super) fn of_recent(task: &'a RecentTask) -> Self {
        let parts = parts(task.status, || Spent {
            slot_wait: task.slot_wait / 1000,
            ready: 0,
            fetch_wait: task.fetch_wait,
            run: task.run,
            pickle: task.pickle / 1000,
            write: 0,
            result: 0,
        });
        Stretch { executor: &task.executor, launch: task.launch, end: task.finish, parts }
    }

    fn paint(&self, canvas: &mut Canvas) {
        let mut at = self.launch;
        for (kind, length) in self.parts.iter().filter(|(_, length)| *length > 0) {
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

fn parts(status: TaskStatus, spent: impl Fn() -> Spent) -> Parts {
    let all = |kind| {
        let mut parts = [(kind, 0); 5];
        parts[0].1 = i64::MAX;
        parts
    };
    match status {
        TaskStatus::Failed => all(Kind::Failed),
        TaskStatus::Killed => all(Kind::Killed),
        TaskStatus::Running | TaskStatus::GetResult => all(Kind::Running),
        TaskStatus::Success => success_parts(&spent()),
    }
}

/// Returns the times of a task that succeeded by kind. None is below 0.
pub(super) fn success_parts(spent: &Spent) -> Parts {
    let inside = spent.fetch_wait.saturating_add(spent.pickle).saturating_add(spent.write);
    let parts = [
        (Kind::Waiting, spent.slot_wait),
        (Kind::Reading, spent.ready.saturating_add(spent.fetch_wait)),
        (Kind::Computing, spent.run.saturating_sub(inside)),
        (Kind::Pickling, spent.pickle),
        (Kind::Writing, spent.write.saturating_add(spent.result)),
    ];
    parts.map(|(kind, length)| (kind, length.max(0)))
}

/// Paints tasks into lanes: of slots if there are few, else of executors. Also tells if not all executors are shown.
pub(super) fn lanes(
    tasks: &[Stretch<'_>],
    executors: &[ExecutorSummary],
    window: &Range<i64>,
    href: &str,
) -> (Vec<Lane>, bool) {
    let mut groups: HashMap<&str, Vec<&Stretch<'_>>> = HashMap::new();
    for task in tasks {
        groups.entry(task.executor).or_default().push(task);
    }
    let known: HashMap<&str, i64> =
        executors.iter().map(|executor| (executor.id.as_str(), executor.max_tasks.clamp(1, 4096))).collect();
    let slots = |name: &str| known.get(name).copied().unwrap_or(1);
    let all: i64 = groups.keys().map(|name| slots(name)).sum();
    let is_by_slot = all <= MOST_LANES as i64;
    let is_cut = groups.len() > MOST_LANES;
    let count = if is_by_slot { all as usize } else { groups.len().min(MOST_LANES) };
    let mut groups: Vec<(&str, Vec<&Stretch<'_>>)> = groups.into_iter().collect();
    // Executors have numbers: the tenth comes after the second.
    groups.sort_by_key(|(name, _)| (name.parse::<i64>().unwrap_or(-1), *name));
    let mut painted: Vec<Lane> = Vec::new();
    for (name, mut own) in groups.into_iter().take(MOST_LANES) {
        let width = slots(name);
        if !is_by_slot {
            painted.push(lane(executor_label(name), href, window, count, width, &own));
            continue;
        }
        own.sort_by_key(|task| (task.launch, task.end));
        for (slot, row) in by_slot(&own, width as usize).iter().enumerate() {
            let label = if slot == 0 { executor_label(name) } else { format!("· slot {}", slot + 1) };
            painted.push(lane(label, href, window, count, 1, row));
        }
    }
    (painted, is_cut)
}

/// Lanes of executors into which tasks are painted one by one: of a stage with a million tasks none is kept.
pub(super) struct ByExecutor {
    lanes: Vec<(String, Canvas)>,
    /// The lane of each place; none for executors that are not shown.
    of_place: Vec<Option<usize>>,
    is_cut: bool,
}

impl ByExecutor {
    /// Returns the lanes if tasks ran at these places and had more slots than lanes are shown.
    pub(super) fn of(
        places: &BTreeMap<u32, &str>,
        executors: &[ExecutorSummary],
        window: &Range<i64>,
    ) -> Option<ByExecutor> {
        let known: HashMap<&str, i64> = executors
            .iter()
            .map(|executor| (executor.id.as_str(), executor.max_tasks.clamp(1, 4096)))
            .collect();
        let slots = |name: &str| known.get(name).copied().unwrap_or(1);
        let mut names: Vec<&str> = places.values().copied().collect();
        names.sort_by_key(|name| (name.parse::<i64>().unwrap_or(-1), *name));
        names.dedup();
        if names.iter().map(|name| slots(name)).sum::<i64>() <= MOST_LANES as i64 {
            return None;
        }
        let is_cut = names.len() > MOST_LANES;
        names.truncate(MOST_LANES);
        let mut of_place = vec![None; places.keys().last().map_or(0, |last| *last as usize + 1)];
        for (place, name) in places {
            of_place[*place as usize] = names.iter().position(|shown| shown == name);
        }
        let canvas = |name: &str| (name.to_owned(), Canvas::new(window, names.len(), slots(name)));
        Some(ByExecutor { lanes: names.iter().map(|name| canvas(name)).collect(), of_place, is_cut })
    }

    /// Paints a task.
    pub(super) fn paint(&mut self, task: &TaskGlance<'_>) {
        if let Some(Some(lane)) = self.of_place.get(task.place as usize) {
            Stretch::of_task(task).paint(&mut self.lanes[*lane].1);
        }
    }

    /// Returns the lanes. Also tells if not all executors are shown.
    pub(super) fn finish(self, href: &str) -> (Vec<Lane>, bool) {
        let lane = |(name, canvas): (String, Canvas)| Lane {
            label: executor_label(&name),
            href: Some(href.to_owned()),
            bars: vec![],
            painted: Some(canvas),
        };
        (self.lanes.into_iter().map(lane).collect(), self.is_cut)
    }
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
fn by_slot<'t, 'a>(tasks: &[&'t Stretch<'a>], slots: usize) -> Vec<Vec<&'t Stretch<'a>>> {
    let mut rows: Vec<Vec<&Stretch<'_>>> = vec![Vec::new(); slots.max(1)];
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

    fn stretch(executor: &str, launch: i64, end: i64) -> Stretch<'_> {
        Stretch { executor, launch, end, parts: [(Kind::Computing, end - launch); 5] }
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
            |count: usize| executors[..count].iter().map(|one| stretch(&one.id, 0, 5)).collect::<Vec<_>>();
        let names = |count: usize| {
            let (lanes, is_cut) = lanes(&tasks(count), &executors, &(0..5), "/");
            (lanes.iter().map(|lane| lane.label.clone()).collect::<Vec<_>>(), is_cut)
        };
        assert_eq!(names(1).0, ["executor 0", "· slot 2", "· slot 3", "· slot 4"]);
        assert_eq!(names(11).0[9..], ["executor 9", "executor 10"]);
        let (all, is_cut) = names(100);
        assert_eq!((all.len(), is_cut), (MOST_LANES, true));
        // Painted one by one it is the same.
        let places: BTreeMap<u32, &str> =
            executors.iter().zip(0..).map(|(one, at)| (at, one.id.as_str())).collect();
        let by_executor = ByExecutor::of(&places, &executors, &(0..5)).unwrap();
        assert_eq!(
            (&by_executor.of_place[30..33], by_executor.is_cut),
            (&[Some(30), Some(31), None][..], true)
        );
        let lanes = by_executor.finish("/").0;
        assert_eq!(lanes.iter().map(|lane| lane.label.clone()).collect::<Vec<_>>(), all);
        let few: BTreeMap<u32, &str> = places.into_iter().take(8).collect();
        assert!(ByExecutor::of(&few, &executors, &(0..5)).is_none());
    }

    #[test]
    fn the_parts_of_a_task_are_no_more_than_it() {
        let spent = Spent { slot_wait: 1, ready: 2, fetch_wait: 3, run: 10, pickle: 4, write: 1, result: 1 };
        let parts = success_parts(&spent);
        assert_eq!(parts.iter().map(|(_, length)| length).sum::<i64>(), 1 + 2 + 10 + 1);
        assert!(parts.contains(&(Kind::Computing, 2)) && parts.contains(&(Kind::Reading, 5)));
    }
}
