//! The tasks of a stage attempt that succeeded and told figures, for whoever compares them.

use crate::store::columns::Figures;
use crate::store::fold::Store;
use crate::store::records::StageKey;
use crate::store::views::TaskStatus;
use std::sync::Arc;

/// A task that succeeded, with its figures.
#[derive(Clone, Debug)]
pub struct MeasuredTask {
    /// The task's position in its stage attempt.
    pub index: i64,
    /// Its executor.
    pub executor: Arc<str>,
    /// Its executor's host.
    pub host: Arc<str>,
    /// Its figures.
    pub figures: Figures,
}

impl Store {
    /// Calls `each` with every task of a stage attempt that succeeded, told its figures, and is remembered.
    pub fn each_measured(&self, key: StageKey, each: &mut dyn FnMut(MeasuredTask)) {
        let Some(stage) = self.stages.get(&key) else { return };
        for (at, row) in stage.tasks.rows().iter().enumerate() {
            if row.status != TaskStatus::Success || !row.measured {
                continue;
            }
            let Some((executor, host)) = self.places.get(row.place).cloned() else { continue };
            let figures = stage.tasks.figures(at);
            each(MeasuredTask { index: i64::from(row.index), executor, host, figures });
        }
    }

    /// Returns why attempts at tasks of a stage failed, in the order in which they were sent to executors.
    pub fn task_errors(&self, key: StageKey) -> Vec<(i64, &str)> {
        let Some(stage) = self.stages.get(&key) else { return vec![] };
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
