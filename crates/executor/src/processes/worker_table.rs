//! The table of a host's worker processes: which are to be started, which live, what runs on them, which have to be killed, and of which
//! the stack is to be asked for.
//!
//! A plain value without a clock, processes or sockets: it is told what happened and says what to do. Its owner, the parent module,
//! does that.

use crate::server::Watchdog;
use firesteel_types::{Ending, ExecutorId, RunningTask, SeenStack, StageId, TaskId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// The ids of the executors that worker processes are.
pub enum Names {
    /// In the order of numbers, from 1: the driver's own workers.
    Numbered,
    /// As the driver gives them: first these, then one for each
    /// [`NextExecutor`](firesteel_protocol::ToExecutor::NextExecutor).
    Given(Vec<ExecutorId>),
}

/// The time that a task may go on after it was told to stop. It may be in a function that never returns, so its worker is killed then.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The number of workers in a row that may end before they were ready, or soon after that and without a task. After that, no more are
/// started: they all would. Workers that end in a task are bounded by the failures that a task may have.
const FAILED_STARTS_AT_MOST: u32 = 3;

/// A worker that ends without a task within this time of its start has failed to start.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// The most stages and lines that are remembered as reported.
const REPORTED_AT_MOST: usize = 1000;

/// The growth of a worker's memory after which its stack is asked for again, so that it is known where it grew: so many bytes, and so
/// large a part of what it had. A process that takes all of a machine is asked a few dozen times.
const GROWTH: u64 = 64 << 20;
const GROWTH_PART: u64 = 4;

pub(super) struct WorkerTable {
    workers: BTreeMap<ExecutorId, Worker>,
    names: NameSource,
    /// Workers that are to be started as soon as there are names for them.
    unnamed: u32,
    failed_starts: u32,
    /// The stages, and lines, of tasks that were reported as long.
    reported: BTreeSet<(StageId, Option<String>)>,
}

enum NameSource {
    Numbered { next: u32 },
    Given(VecDeque<ExecutorId>),
}

/// A worker from the start of its process to its end.
#[derive(Default)]
struct Worker {
    /// Its process id, and the time at which it was ready, once it is.
    process: Option<(u32, Instant)>,
    running: Vec<Running>,
    /// True once a task was launched on it.
    was_used: bool,
    /// The task that was told to stop, and when.
    stopping: Option<(TaskId, Instant)>,
    /// The memory that it held when it was last looked at, in bytes.
    bytes: u64,
    /// The way in which it ends, if it was decided here.
    condemned: Option<Ending>,
}

/// A task on a worker.
#[derive(Clone, Debug)]
struct Running {
    task: RunningTask,
    since: Instant,
    /// The control group's count of kills when it was launched.
    oom_kills: Option<u64>,
    /// The memory that the worker held when it was first looked at, or when its stack was asked for last.
    asked_bytes: Option<u64>,
    stack: Option<SeenStack>,
    is_reported: bool,
}

/// The findings about a worker that runs a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// True if its memory has grown by much since its stack was asked for.
    has_grown: bool,
    /// True if the task has run for so long that it is to be reported, which happens once.
    pub(super) is_long: bool,
    /// True if the task may run no longer.
    pub(super) is_hung: bool,
}

impl Findings {
    /// Returns whether the worker's stack is to be asked for.
    pub(super) fn want_stack(self) -> bool {
        self.has_grown || self.is_long || self.is_hung
    }
}

/// The consequences of the end of a worker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// The process id of a worker that was ready. The driver knows of no others.
    pub(super) process: Option<u32>,
    pub(super) next: Next,
    pub(super) last: LastState,
}

/// The last that was known of a worker.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LastState {
    pub(super) running: Option<RunningTask>,
    /// The memory that it held when it was last looked at, in bytes.
    pub(super) bytes: u64,
    /// The last stack that it told, in the task that it ran.
    pub(super) stack: Option<SeenStack>,
    /// The control group's count of kills when the task was launched.
    pub(super) oom_kills: Option<u64>,
    /// The way in which it ended, if it was decided here.
    pub(super) condemned: Option<Ending>,
}

/// The step after the end of a worker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Start this executor.
    Start(ExecutorId),
    /// Wait for a name.
    WaitForName,
    /// Start no more: as many workers in a row ended before they had any task.
    GiveUp { failed_starts: u32 },
}

impl WorkerTable {
    pub(super) fn new(names: Names) -> Self {
        let names = match names {
            Names::Numbered => NameSource::Numbered { next: 1 },
            Names::Given(names) => NameSource::Given(names.into()),
        };
        WorkerTable {
            workers: BTreeMap::new(),
            names,
            unnamed: 0,
            failed_starts: 0,
            reported: BTreeSet::new(),
        }
    }

    /// Adds a worker that is to be started now. Without a name for it, it is started when [a name comes](Self::named).
    pub(super) fn add(&mut self) -> Option<ExecutorId> {
        let name = match &mut self.names {
            NameSource::Numbered { next } => {
                *next += 1;
                Some(ExecutorId(*next - 1))
            }
            NameSource::Given(names) => names.pop_front(),
        };
        match name {
            Some(executor) => drop(self.workers.insert(executor, Worker::default())),
            None => self.unnamed += 1,
        }
        name
    }

    /// Takes a name from the driver. Returns it if a worker waits for it and is to be started.
    pub(super) fn named(&mut self, executor: ExecutorId) -> Option<ExecutorId> {
        if let NameSource::Given(names) = &mut self.names {
            names.push_back(executor);
        }
        let waits = self.unnamed > 0;
        self.unnamed -= u32::from(waits);
        if waits { self.add() } else { None }
    }

    /// Notes that a worker is ready. Returns `false` if it is gone already.
    pub(super) fn ready(&mut self, executor: ExecutorId, process: u32, now: Instant) -> bool {
        let worker = self.workers.get_mut(&executor);
        worker.map(|worker| worker.process = Some((process, now))).is_some()
    }

    /// Notes that a worker has ended, which the driver knows as this executor. `None` if that is known.
    pub(super) fn ended(&mut self, executor: ExecutorId, now: Instant) -> Option<Ended> {
        let worker = self.workers.remove(&executor)?;
        let is_settled = |(_, ready): (u32, Instant)| now.saturating_duration_since(ready) >= SETTLED_AFTER;
        let has_started = worker.was_used || worker.process.is_some_and(is_settled);
        self.failed_starts = if has_started { 0 } else { self.failed_starts + 1 };
        let next = match self.failed_starts {
            failed_starts if failed_starts >= FAILED_STARTS_AT_MOST => Next::GiveUp { failed_starts },
            _ => self.add().map_or(Next::WaitForName, Next::Start),
        };
        let mut last = LastState { bytes: worker.bytes, condemned: worker.condemned, ..LastState::default() };
        if let Some(running) = worker.running.into_iter().next() {
            (last.running, last.stack, last.oom_kills) =
                (Some(running.task), running.stack, running.oom_kills);
        }
        Some(Ended { process: worker.process.map(|(process, _)| process), next, last })
    }

    /// Takes out a worker whose process could not be started. Its name is lost.
    pub(super) fn not_started(&mut self, executor: ExecutorId) {
        self.workers.remove(&executor);
    }

    /// Notes that a task was launched, when its control group had so many kills.
    pub(super) fn launched(
        &mut self,
        executor: ExecutorId,
        task: RunningTask,
        now: Instant,
        oom_kills: Option<u64>,
    ) {
        if let Some(worker) = self.workers.get_mut(&executor) {
            worker.was_used = true;
            let (asked_bytes, stack) = (None, None);
            let running = Running { task, since: now, oom_kills, asked_bytes, stack, is_reported: false };
            worker.running.push(running);
        }
    }

    pub(super) fn finished(&mut self, executor: ExecutorId, task: TaskId) {
        if let Some(worker) = self.workers.get_mut(&executor) {
            // It works, so others may, too.
            self.failed_starts = 0;
            worker.running.retain(|running| running.task.task != task);
            worker.stopping = worker.stopping.filter(|(stopping, _)| *stopping != task);
        }
    }

    /// Notes that a task was told to stop. One that has ended need not.
    pub(super) fn told_to_stop(&mut self, executor: ExecutorId, task: TaskId, now: Instant) {
        if let Some(worker) = self.workers.get_mut(&executor)
            && worker.running.iter().any(|running| running.task.task == task)
        {
            // Told again, it has no more time for that.
            worker.stopping.get_or_insert((task, now));
        }
    }

    /// Condemns workers whose tasks did not stop in time. Returns their process ids.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<u32> {
        let is_overdue = |worker: &&mut Worker| {
            worker.stopping.is_some_and(|(_, since)| now.saturating_duration_since(since) > STOP_WITHIN)
        };
        let overdue = self.workers.values_mut().filter(is_overdue);
        overdue
            .filter_map(|worker| {
                worker.condemned.get_or_insert(Ending::DidNotStop);
                worker.process.map(|(process, _)| process)
            })
            .collect()
    }

    /// Notes what a worker holds. Returns its task and the findings about it, if it runs one.
    pub(super) fn look(
        &mut self,
        executor: ExecutorId,
        bytes: u64,
        now: Instant,
        watchdog: &Watchdog,
    ) -> Option<(TaskId, Findings)> {
        let worker = self.workers.get_mut(&executor)?;
        // One that is ending holds nothing any more.
        if bytes > 0 {
            worker.bytes = bytes;
        }
        let is_stopping = worker.stopping.is_some() || worker.condemned.is_some();
        let running = worker.running.first_mut()?;
        let ran = now.saturating_duration_since(running.since);
        let is_over = |limit: Option<Duration>| limit.is_some_and(|limit| ran >= limit) && !is_stopping;
        let before = *running.asked_bytes.get_or_insert(bytes);
        let has_grown = bytes >= before.saturating_add(GROWTH.max(before / GROWTH_PART));
        let is_long = is_over(watchdog.warn_after) && !running.is_reported;
        let is_hung = is_over(watchdog.fail_after);
        Some((running.task.task, Findings { has_grown, is_long, is_hung }))
    }

    /// Notes the stack that a worker told, or that it told none, while it held so many bytes. Returns the task and the time that it has
    /// run, unless it has ended meanwhile.
    pub(super) fn told(
        &mut self,
        executor: ExecutorId,
        task: TaskId,
        (bytes, stack): (u64, Option<&SeenStack>),
        now: Instant,
    ) -> Option<(RunningTask, Duration)> {
        let worker = self.workers.get_mut(&executor)?;
        let running = worker.running.first_mut().filter(|running| running.task.task == task)?;
        running.asked_bytes = Some(bytes);
        if let Some(stack) = stack {
            running.stack = Some(stack.clone());
        }
        Some((running.task, now.saturating_duration_since(running.since)))
    }

    /// Notes that a task runs for long. Returns whether that is to be told: one task of a stage is, of those that are in the same line.
    pub(super) fn is_news(&mut self, executor: ExecutorId, task: TaskId, place: Option<&str>) -> bool {
        let worker = self.workers.get_mut(&executor);
        let running = worker.and_then(|worker| worker.running.first_mut());
        let Some(running) = running.filter(|running| running.task.task == task) else { return false };
        running.is_reported = true;
        if self.reported.len() >= REPORTED_AT_MOST {
            self.reported.clear();
        }
        self.reported.insert((running.task.stage, place.map(str::to_owned)))
    }

    /// Condemns a worker whose task may run no longer. Returns its process id, unless the task has ended meanwhile.
    pub(super) fn hung(&mut self, executor: ExecutorId, task: TaskId, ran: Duration) -> Option<u32> {
        let worker = self.workers.get_mut(&executor)?;
        worker.running.first().filter(|running| running.task.task == task)?;
        let ran_ms = u64::try_from(ran.as_millis()).unwrap_or(u64::MAX);
        worker.condemned.get_or_insert(Ending::Hung { ran_ms });
        worker.process.map(|(process, _)| process)
    }

    /// Returns the tasks that run on each worker that is ready.
    pub(super) fn running(&self) -> Vec<(ExecutorId, Vec<TaskId>)> {
        self.ready_workers().map(|(executor, _, running)| (executor, running)).collect()
    }

    /// Returns the workers that are ready: executor, process id, the task that runs and for how long.
    pub(super) fn busy_workers(
        &self,
        now: Instant,
    ) -> impl Iterator<Item = (ExecutorId, u32, Option<(RunningTask, Duration)>)> {
        self.workers.iter().filter_map(move |(executor, worker)| {
            let running = worker.running.first();
            let running = running.map(|running| (running.task, now.saturating_duration_since(running.since)));
            Some((*executor, worker.process?.0, running))
        })
    }

    /// Returns the workers that are ready: executor, process id, and the tasks that run.
    pub(super) fn ready_workers(&self) -> impl Iterator<Item = (ExecutorId, u32, Vec<TaskId>)> {
        self.workers.iter().filter_map(|(executor, worker)| {
            let running = worker.running.iter().map(|running| running.task.task).collect();
            Some((*executor, worker.process?.0, running))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::Partition;

    const FIRST: ExecutorId = ExecutorId(1);
    const SECOND: ExecutorId = ExecutorId(2);

    fn started(names: Names) -> (WorkerTable, Instant) {
        let (mut table, now) = (WorkerTable::new(names), Instant::now());
        assert_eq!(table.add(), Some(FIRST));
        assert!(table.ready(FIRST, 100, now));
        (table, now)
    }

    fn task(id: u64) -> RunningTask {
        RunningTask { task: TaskId(id), stage: StageId(0), partition: Partition(0) }
    }

    fn next(table: &mut WorkerTable, executor: ExecutorId, now: Instant) -> Option<Next> {
        table.ended(executor, now).map(|ended| ended.next)
    }

    #[test]
    fn another_worker_takes_the_place_of_one_that_ended() {
        let (mut table, now) = started(Names::Numbered);
        let ended = table.ended(FIRST, now);
        let last = LastState::default();
        assert_eq!(ended, Some(Ended { process: Some(100), next: Next::Start(SECOND), last }));
        assert_eq!(table.ended(FIRST, now), None, "it ends once");
        assert!(!table.ready(FIRST, 100, now), "it is gone");
    }

    #[test]
    fn workers_wait_for_names_that_the_driver_gives() {
        let (mut table, now) = started(Names::Given(vec![FIRST]));
        assert_eq!(table.add(), None);
        assert_eq!(next(&mut table, FIRST, now), Some(Next::WaitForName));
        assert_eq!(table.named(ExecutorId(8)), Some(ExecutorId(8)));
        assert_eq!(table.named(ExecutorId(9)), Some(ExecutorId(9)));
        assert_eq!(table.named(ExecutorId(10)), None, "two workers waited");
        assert!(table.ready(ExecutorId(9), 101, now));
        assert_eq!(
            next(&mut table, ExecutorId(9), now),
            Some(Next::Start(ExecutorId(10))),
            "the name that came early"
        );
    }

    #[test]
    fn after_three_workers_in_a_row_that_had_no_task_no_more_are_started() {
        let (mut table, now) = started(Names::Numbered);
        assert_eq!(next(&mut table, FIRST, now), Some(Next::Start(SECOND)), "ready, and gone at once");
        assert_eq!(next(&mut table, SECOND, now), Some(Next::Start(ExecutorId(3))), "never ready");
        assert_eq!(next(&mut table, ExecutorId(3), now), Some(Next::GiveUp { failed_starts: 3 }));
    }

    #[test]
    fn workers_that_end_in_a_task_or_after_a_while_are_replaced_without_end() {
        let (mut table, now) = started(Names::Numbered);
        for id in 1..100 {
            let executor = ExecutorId(id);
            assert!(table.ready(executor, 100, now));
            let mut ended = now;
            match id % 3 {
                0 => ended += SETTLED_AFTER,
                1 => table.launched(executor, task(1), now, None),
                _ => {}
            }
            assert_eq!(next(&mut table, executor, ended), Some(Next::Start(ExecutorId(id + 1))));
        }
    }

    #[test]
    fn a_worker_whose_task_does_not_stop_in_time_is_overdue() {
        let (mut table, start) = started(Names::Numbered);
        table.told_to_stop(FIRST, TaskId(1), start);
        let late = start + 2 * STOP_WITHIN;
        assert!(table.overdue(late).is_empty(), "a task that does not run has nothing to stop");
        table.launched(FIRST, task(1), start, None);
        table.told_to_stop(FIRST, TaskId(1), start);
        assert!(table.overdue(start + STOP_WITHIN).is_empty());
        table.told_to_stop(FIRST, TaskId(1), late);
        assert_eq!(table.overdue(late), [100], "told again, it has no more time");
        table.finished(FIRST, TaskId(1));
        assert!(table.overdue(late).is_empty());
        assert_eq!(table.running(), [(FIRST, vec![])]);
        assert_eq!(table.ended(FIRST, late).unwrap().last.condemned, Some(Ending::DidNotStop));
    }

    const MIB: u64 = 1 << 20;

    fn findings(table: &mut WorkerTable, bytes: u64, now: Instant, watchdog: &Watchdog) -> Findings {
        table.look(FIRST, bytes, now, watchdog).unwrap().1
    }

    #[test]
    fn the_stack_is_asked_for_when_memory_grows_and_the_last_one_stays() {
        let (mut table, now) = started(Names::Numbered);
        let never = Watchdog::default();
        assert_eq!(table.look(FIRST, 30 * MIB, now, &never), None, "it runs no task");
        table.launched(FIRST, task(1), now, Some(3));
        assert!(!findings(&mut table, 30 * MIB, now, &never).want_stack(), "where it begins");
        assert!(!findings(&mut table, 93 * MIB, now, &never).want_stack());
        assert!(findings(&mut table, 94 * MIB, now, &never).want_stack());
        let stack = SeenStack { text: "f".into(), place: None, bytes: Some(94 * MIB) };
        assert!(table.told(FIRST, TaskId(2), (94 * MIB, Some(&stack)), now).is_none(), "of another task");
        assert!(table.told(FIRST, TaskId(1), (94 * MIB, Some(&stack)), now).is_some());
        assert!(!findings(&mut table, 150 * MIB, now, &never).want_stack());
        table.told(FIRST, TaskId(1), (1024 * MIB, None), now);
        assert!(!findings(&mut table, 1200 * MIB, now, &never).want_stack(), "a quarter more is much then");
        assert!(findings(&mut table, 1280 * MIB, now, &never).want_stack());
        let last = table.ended(FIRST, now).unwrap().last;
        assert_eq!((last.bytes, last.stack, last.oom_kills), (1280 * MIB, Some(stack), Some(3)));
        assert_eq!(last.running, Some(task(1)));
    }

    #[test]
    fn a_task_that_runs_for_long_is_reported_once_and_may_run_no_longer_in_the_end() {
        let (mut table, now) = started(Names::Numbered);
        let second = Duration::from_secs(1);
        let watchdog = Watchdog { warn_after: Some(second), fail_after: Some(2 * second) };
        table.launched(FIRST, task(1), now, None);
        assert_eq!(findings(&mut table, 1, now, &watchdog), Findings::default());
        assert!(findings(&mut table, 1, now + second, &watchdog).is_long);
        assert!(!table.is_news(FIRST, TaskId(2), None), "it has ended meanwhile");
        assert!(table.is_news(FIRST, TaskId(1), Some("f (a.py:1)")));
        assert_eq!(findings(&mut table, 1, now + second, &watchdog), Findings::default());
        assert!(findings(&mut table, 1, now + 2 * second, &watchdog).is_hung);
        assert_eq!(table.hung(FIRST, TaskId(2), second), None, "the task has ended meanwhile");
        assert_eq!(table.hung(FIRST, TaskId(1), 2 * second), Some(100));
        assert_eq!(
            findings(&mut table, 1, now + 3 * second, &watchdog),
            Findings::default(),
            "it ends already"
        );
        let condemned = table.ended(FIRST, now).unwrap().last.condemned;
        assert_eq!(condemned, Some(Ending::Hung { ran_ms: 2000 }));
        assert!(table.ready(SECOND, 101, now));
        table.launched(SECOND, task(3), now, None);
        assert!(!table.is_news(SECOND, TaskId(3), Some("f (a.py:1)")), "another of the stage is there, too");
        assert!(table.is_news(SECOND, TaskId(3), Some("g (a.py:9)")));
    }
}
