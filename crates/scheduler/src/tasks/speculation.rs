//! Speculation: a task gets a copy when most of its stage is done and it has run for much longer than the
//! others took.
//!
//! The oldest attempts come first in a stage's set of running attempts, so the search ends at the first that
//! is young enough.

use crate::scheduler::Scheduler;
use crate::settings::SpeculationSettings;
use firesteel_types::{Millis, StageId};

impl Scheduler {
    /// Looks for slow tasks, once in each interval.
    pub(crate) fn speculate(&mut self) {
        let Some(speculation) = self.settings.speculation else { return };
        if self.now < self.next_speculation {
            return;
        }
        self.next_speculation = self.now + speculation.interval_ms.max(1);
        for id in self.stages.open().collect::<Vec<_>>() {
            self.speculate_in(id, speculation);
        }
    }

    fn speculate_in(&mut self, id: StageId, speculation: SpeculationSettings) {
        // A copy would read outputs that are gone, and fail.
        if !self.reads_newest_outputs(id) {
            return;
        }
        let stage = self.stages.get_mut(id).expect("an open stage is known");
        if stage.spec.barrier {
            return;
        }
        let tasks = stage.tasks.as_mut().expect("an open stage has tasks");
        let Some(typical_ms) = tasks.typical_ms(speculation.quantile) else { return };
        let slow_ms = ((typical_ms as f64 * speculation.multiplier) as u64).max(speculation.min_runtime_ms);
        for &attempt in &stage.running {
            let running = self.tasks.get(attempt).expect("a stage's running attempts are in the table");
            if self.now - running.started <= slow_ms {
                break;
            }
            // Where one attempt was allowed to commit, a copy could not succeed.
            if !self.commits.is_granted(id, running.index) {
                tasks.mark_slow(running.index, running.executor);
            }
        }
        if tasks.wants_slots() {
            self.pools.add(&stage.pool, stage.turn());
            self.vacancies.all = true;
        }
    }

    /// Returns the time of the next look, if any task runs.
    pub(crate) fn next_speculation(&self) -> Option<Millis> {
        let watching = self.settings.speculation.is_some() && self.stages.open().next().is_some();
        (watching && !self.tasks.is_empty()).then_some(self.next_speculation)
    }
}
