//! The table of a host's worker processes: which are to be started, which live, what runs on them, and which have to be killed.
//!
//! A plain value without a clock, processes or sockets: it is told what happened and says what to do. Its owner, the parent module,
//! does that.

use firesteel_types::{ExecutorId, TaskId};
use std::collections::{BTreeMap, VecDeque};
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

/// The number of workers in a row that may end before they were ready. After that, no more are started: they all would.
const FAILED_STARTS_AT_MOST: u32 = 3;

pub(super) struct WorkerTable {
    workers: BTreeMap<ExecutorId, Worker>,
    names: NameSource,
    /// Workers that are to be started as soon as there are names for them.
    unnamed: u32,
    failed_starts: u32,
}

enum NameSource {
    Numbered { next: u32 },
    Given(VecDeque<ExecutorId>),
}

/// A worker from the start of its process to its end.
#[derive(Default)]
struct Worker {
    /// Its process id, once it is ready.
    process: Option<u32>,
    running: Vec<TaskId>,
    /// The task that was told to stop, and when.
    stopping: Option<(TaskId, Instant)>,
}

/// The consequences of the end of a worker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// The process id of a worker that was ready. The driver knows of no others.
    pub(super) process: Option<u32>,
    pub(super) next: Next,
}

/// The step after the end of a worker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Start this executor.
    Start(ExecutorId),
    /// Wait for a name.
    WaitForName,
    /// Start no more: as many workers in a row ended before they were ready.
    GiveUp { failed_starts: u32 },
}

impl WorkerTable {
    pub(super) fn new(names: Names) -> Self {
        let names = match names {
            Names::Numbered => NameSource::Numbered { next: 1 },
            Names::Given(names) => NameSource::Given(names.into()),
        };
        WorkerTable { workers: BTreeMap::new(), names, unnamed: 0, failed_starts: 0 }
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
    pub(super) fn ready(&mut self, executor: ExecutorId, process: u32) -> bool {
        self.failed_starts = 0;
        let worker = self.workers.get_mut(&executor);
        worker.map(|worker| worker.process = Some(process)).is_some()
    }

    /// Notes that a worker has ended, which the driver knows as this executor. `None` if that is known.
    pub(super) fn ended(&mut self, executor: ExecutorId) -> Option<Ended> {
        let worker = self.workers.remove(&executor)?;
        self.failed_starts += u32::from(worker.process.is_none());
        let next = match self.failed_starts {
            failed_starts if failed_starts >= FAILED_STARTS_AT_MOST => Next::GiveUp { failed_starts },
            _ => self.add().map_or(Next::WaitForName, Next::Start),
        };
        Some(Ended { process: worker.process, next })
    }

    /// Takes out a worker whose process could not be started. Its name is lost.
    pub(super) fn not_started(&mut self, executor: ExecutorId) {
        self.workers.remove(&executor);
    }

    pub(super) fn launched(&mut self, executor: ExecutorId, task: TaskId) {
        if let Some(worker) = self.workers.get_mut(&executor) {
            worker.running.push(task);
        }
    }

    pub(super) fn finished(&mut self, executor: ExecutorId, task: TaskId) {
        if let Some(worker) = self.workers.get_mut(&executor) {
            worker.running.retain(|running| *running != task);
            worker.stopping = worker.stopping.filter(|(stopping, _)| *stopping != task);
        }
    }

    /// Notes that a task was told to stop. One that has ended need not.
    pub(super) fn told_to_stop(&mut self, executor: ExecutorId, task: TaskId, now: Instant) {
        if let Some(worker) = self.workers.get_mut(&executor)
            && worker.running.contains(&task)
        {
            // Told again, it has no more time for that.
            worker.stopping.get_or_insert((task, now));
        }
    }

    /// Returns the process ids of workers whose tasks did not stop in time.
    pub(super) fn overdue(&self, now: Instant) -> Vec<u32> {
        let overdue = |worker: &&Worker| {
            worker.stopping.is_some_and(|(_, since)| now.saturating_duration_since(since) > STOP_WITHIN)
        };
        self.workers.values().filter(overdue).filter_map(|worker| worker.process).collect()
    }

    /// Returns the tasks that run on each worker that is ready.
    pub(super) fn running(&self) -> Vec<(ExecutorId, Vec<TaskId>)> {
        self.ready_workers().map(|(executor, _, running)| (executor, running.to_vec())).collect()
    }

    /// Returns the workers that are ready: executor, process id, and the tasks that run.
    pub(super) fn ready_workers(&self) -> impl Iterator<Item = (ExecutorId, u32, &[TaskId])> {
        let workers = self.workers.iter();
        workers.filter_map(|(executor, worker)| Some((*executor, worker.process?, worker.running.as_slice())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: ExecutorId = ExecutorId(1);
    const SECOND: ExecutorId = ExecutorId(2);

    fn started(names: Names) -> WorkerTable {
        let mut table = WorkerTable::new(names);
        assert_eq!(table.add(), Some(FIRST));
        assert!(table.ready(FIRST, 100));
        table
    }

    #[test]
    fn another_worker_takes_the_place_of_one_that_ended() {
        let mut table = started(Names::Numbered);
        let ended = table.ended(FIRST);
        assert_eq!(ended, Some(Ended { process: Some(100), next: Next::Start(SECOND) }));
        assert_eq!(table.ended(FIRST), None, "it ends once");
        assert!(!table.ready(FIRST, 100), "it is gone");
    }

    #[test]
    fn workers_wait_for_names_that_the_driver_gives() {
        let mut table = started(Names::Given(vec![FIRST]));
        assert_eq!(table.add(), None);
        assert_eq!(table.ended(FIRST).map(|ended| ended.next), Some(Next::WaitForName));
        assert_eq!(table.named(ExecutorId(8)), Some(ExecutorId(8)));
        assert_eq!(table.named(ExecutorId(9)), Some(ExecutorId(9)));
        assert_eq!(table.named(ExecutorId(10)), None, "two workers waited");
        assert!(table.ready(ExecutorId(9), 101));
        let ended = table.ended(ExecutorId(9)).map(|ended| ended.next);
        assert_eq!(ended, Some(Next::Start(ExecutorId(10))), "the name that came early");
    }

    #[test]
    fn after_three_workers_in_a_row_that_never_were_ready_no_more_are_started() {
        let mut table = WorkerTable::new(Names::Numbered);
        table.add();
        assert_eq!(table.ended(FIRST).map(|ended| ended.next), Some(Next::Start(SECOND)));
        assert!(table.ready(SECOND, 100));
        assert!(table.ended(SECOND).is_some_and(|ended| ended.next == Next::Start(ExecutorId(3))));
        for executor in [3, 4] {
            let ended = table.ended(ExecutorId(executor));
            assert_eq!(ended, Some(Ended { process: None, next: Next::Start(ExecutorId(executor + 1)) }));
        }
        let next = table.ended(ExecutorId(5)).map(|ended| ended.next);
        assert_eq!(next, Some(Next::GiveUp { failed_starts: 3 }));
    }

    #[test]
    fn a_worker_whose_task_does_not_stop_in_time_is_overdue() {
        let mut table = started(Names::Numbered);
        let start = Instant::now();
        table.told_to_stop(FIRST, TaskId(1), start);
        let late = start + 2 * STOP_WITHIN;
        assert!(table.overdue(late).is_empty(), "a task that does not run has nothing to stop");
        table.launched(FIRST, TaskId(1));
        table.told_to_stop(FIRST, TaskId(1), start);
        assert!(table.overdue(start + STOP_WITHIN).is_empty());
        table.told_to_stop(FIRST, TaskId(1), late);
        assert_eq!(table.overdue(late), [100], "told again, it has no more time");
        table.finished(FIRST, TaskId(1));
        assert!(table.overdue(late).is_empty());
        assert_eq!(table.running(), [(FIRST, vec![])]);
    }
}
