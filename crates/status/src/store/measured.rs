//! The tasks of a stage attempt that succeeded and told figures, for comparisons.

use crate::store::columns::{Metric, TaskTable};
use crate::store::fold::Store;
use crate::store::records::StageKey;
use crate::store::views::TaskStatus;

/// A task that succeeded, with its figures.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredTask<'a> {
    /// The task's position in its stage attempt.
    pub index: i64,
    /// Its executor.
    pub executor: &'a str,
    /// Its executor's host.
    pub host: &'a str,
    /// The number that this executor and host have together, from 0.
    pub place: usize,
    table: &'a TaskTable,
    row: usize,
}

impl MeasuredTask<'_> {
    /// Returns one of its figures.
    pub fn get(&self, metric: Metric) -> i64 {
        self.table.figure(self.row, metric)
    }
}

impl Store {
    /// Returns the tasks of a stage attempt that succeeded, told their figures, and are remembered.
    pub fn measured_tasks(&self, key: StageKey) -> impl Iterator<Item = MeasuredTask<'_>> {
        let tables = self.stages.get(&key).into_iter().map(|stage| &stage.tasks);
        tables.flat_map(move |table| {
            let rows = table.rows().iter().enumerate();
            let measured = rows.filter(|(_, row)| row.status == TaskStatus::Success && row.measured);
            measured.filter_map(move |(at, row)| {
                let (executor, host) = self.places.get(row.place)?;
                Some(MeasuredTask {
                    index: i64::from(row.index),
                    executor,
                    host,
                    place: row.place as usize,
                    table,
                    row: at,
                })
            })
        })
    }

    /// Returns why attempts at tasks of a stage failed, with the tasks' positions, in the order in which they were sent to
    /// executors.
    pub fn task_errors(&self, key: StageKey) -> Vec<(i64, &str)> {
        let Some(stage) = self.stages.get(&key).filter(|stage| !stage.errors.is_empty()) else {
            return vec![];
        };
        let failed = stage.tasks.rows().iter().filter(|row| row.status == TaskStatus::Failed);
        failed.filter_map(|row| Some((i64::from(row.index), &**stage.errors.get(&row.id)?))).collect()
    }

    /// Returns milliseconds that attempts at tasks of a stage ran which failed.
    pub fn failed_ms(&self, key: StageKey) -> i64 {
        let Some(stage) = self.stages.get(&key) else { return 0 };
        let failed = stage.tasks.rows().iter().filter(|row| row.status == TaskStatus::Failed);
        failed.map(|row| row.duration(self.last_event)).fold(0, i64::saturating_add)
    }
}
