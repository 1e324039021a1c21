//! [`Facts`]: all that the rules look at of one stage attempt, gathered once.

use crate::store::{Figures, Metric, StageAsk, StageData, StageKey, StageOwn, Store, View};
use firesteel_events::RddInfo;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One task that succeeded.
pub(crate) struct Task<'a> {
    pub(crate) index: i64,
    pub(crate) executor: &'a str,
    pub(crate) host: &'a str,
    /// The number that both have together.
    pub(crate) place: usize,
    /// Microseconds in which it ran.
    pub(crate) run: i64,
    /// Records that it read; in a stage where none did, those that it wrote.
    pub(crate) records: i64,
    /// Bytes of those.
    pub(crate) bytes: i64,
    /// Bytes that it spilled, as they were in memory.
    pub(crate) spilled: i64,
    /// The most memory that it had.
    pub(crate) memory: i64,
}

/// One stage attempt.
pub(crate) struct Facts<'a> {
    pub(crate) store: &'a Store,
    pub(crate) view: View<'a>,
    pub(crate) key: StageKey,
    pub(crate) data: StageData,
    pub(crate) own: StageOwn,
    pub(crate) rdds: Arc<Vec<RddInfo>>,
    pub(crate) tasks: Vec<Task<'a>>,
    /// The tasks that could run at a time while it ran.
    pub(crate) slots: i64,
    /// Microseconds from its beginning to its end, or until the last event.
    pub(crate) wall: i64,
    /// Microseconds in which its tasks ran, together.
    pub(crate) run: i64,
}

impl<'a> Facts<'a> {
    /// Gathers the facts. `None` if the store does not know the stage attempt.
    pub(crate) fn of(store: &'a Store, key: StageKey) -> Option<Self> {
        let view = store.at(store.last_event());
        let data = view.stage(key.0, key.1, &StageAsk::default())?;
        let own = view.stage_own(key.0, key.1)?;
        let rdds = view.stage_graph(key.0, key.1)?.rdds;
        let begin = data.submission_time.map_or(0, |at| at.0);
        let end = data.completion_time.map_or(store.last_event(), |at| at.0);
        let tasks = tasks(store, key, &own.totals);
        Some(Facts {
            // Spark counts milliseconds.
            run: own.totals.get(Metric::RunMicros).max(own.totals.get(Metric::RunTime).saturating_mul(1_000)),
            slots: slots(&view, begin, end),
            wall: end.saturating_sub(begin).max(0).saturating_mul(1_000),
            store,
            view,
            key,
            data,
            own,
            rdds,
            tasks,
        })
    }

    /// Returns the stage as sentences name it: `Stage 3 (count at app.py:12)`.
    pub(crate) fn name(&self) -> String {
        let attempt = if self.key.1 == 0 { String::new() } else { format!(", attempt {}", self.key.1) };
        match self.data.name.is_empty() {
            true => format!("Stage {}{attempt}", self.key.0),
            false => format!("Stage {}{attempt} ({})", self.key.0, self.data.name),
        }
    }

    /// Returns a total.
    pub(crate) fn total(&self, metric: Metric) -> i64 {
        self.own.totals.get(metric)
    }

    /// Returns the slots that the stage can keep busy.
    pub(crate) fn busy_slots(&self) -> i64 {
        self.slots.min(self.data.num_tasks).max(1)
    }

    /// Returns milliseconds of the stage's time that this much time of its tasks makes, in microseconds.
    pub(crate) fn spread(&self, us: i64) -> i64 {
        us / self.busy_slots() / 1_000
    }

    /// Returns the tasks whose run time is the middle one and the longest.
    pub(crate) fn median_and_slowest(&self) -> Option<(&Task<'a>, &Task<'a>)> {
        let by = |task: &&Task<'a>| (task.run, task.index);
        let mut order: Vec<&Task<'a>> = self.tasks.iter().collect();
        let middle = order.len().checked_sub(1)? / 2;
        let (_, middle, _) = order.select_nth_unstable_by_key(middle, by);
        Some((*middle, self.tasks.iter().max_by_key(by)?))
    }

    /// Returns whether the events are Firesteel's, so that its own settings and calls help.
    pub(crate) fn is_firesteel(&self) -> bool {
        self.view.firesteel_version().is_some()
    }
}

/// Returns the RDD that a stage with these RDDs computes in the end: the one that no other of them is computed from.
pub(crate) fn last_rdd(rdds: &[RddInfo]) -> Option<&RddInfo> {
    let parents: BTreeSet<i64> = rdds.iter().flat_map(|rdd| &rdd.parent_ids).copied().collect();
    rdds.iter().filter(|rdd| !parents.contains(&rdd.rdd_id)).max_by_key(|rdd| rdd.rdd_id)
}

/// Returns those of a stage's RDDs that its tasks compute, and not those behind a persisted one.
pub(crate) fn computed(rdds: &[RddInfo]) -> Vec<&RddInfo> {
    let (mut seen, mut computed) = (BTreeSet::new(), vec![]);
    let mut next: Vec<i64> = last_rdd(rdds).map(|rdd| rdd.rdd_id).into_iter().collect();
    while let Some(id) = next.pop() {
        let Some(rdd) = rdds.iter().find(|rdd| rdd.rdd_id == id).filter(|_| seen.insert(id)) else {
            continue;
        };
        computed.push(rdd);
        if !is_persisted(rdd) {
            next.extend(&rdd.parent_ids);
        }
    }
    computed
}

/// Returns whether an RDD is persisted.
pub(crate) fn is_persisted(rdd: &RddInfo) -> bool {
    rdd.storage_level.use_memory || rdd.storage_level.use_disk
}

/// Returns the middle of numbers; 0 of none.
pub(crate) fn median(mut values: Vec<i64>) -> i64 {
    let Some(middle) = values.len().checked_sub(1) else { return 0 };
    *values.select_nth_unstable(middle / 2).1
}

fn tasks<'a>(store: &'a Store, key: StageKey, totals: &Figures) -> Vec<Task<'a>> {
    let has_read = totals.get(Metric::InputRecords) > 0 || totals.get(Metric::ShuffleRecords) > 0;
    let (records, bytes): (&[Metric], &[Metric]) = match has_read {
        true => (
            &[Metric::InputRecords, Metric::ShuffleRecords],
            &[Metric::InputBytes, Metric::LocalBytes, Metric::RemoteBytes],
        ),
        false => (&[Metric::WriteRecords, Metric::OutputRecords], &[Metric::WriteBytes, Metric::OutputBytes]),
    };
    let tasks = store.measured_tasks(key).map(|task| {
        let sum =
            |metrics: &[Metric]| metrics.iter().map(|metric| task.get(*metric)).fold(0, i64::saturating_add);
        Task {
            index: task.index,
            executor: task.executor,
            host: task.host,
            place: task.place,
            run: task.get(Metric::RunMicros).max(task.get(Metric::RunTime).saturating_mul(1_000)),
            records: sum(records),
            bytes: sum(bytes),
            spilled: task.get(Metric::MemorySpilled),
            memory: task.get(Metric::PeakMemory),
        }
    });
    tasks.collect()
}

/// Returns the slots of all executors that were there at any time between `begin` and `end`.
fn slots(view: &View<'_>, begin: i64, end: i64) -> i64 {
    let executors = view.executors(true);
    let there = executors.iter().filter(|executor| {
        executor.add_time.0 <= end && executor.remove_time.is_none_or(|removed| removed.0 >= begin)
    });
    there.map(|executor| if executor.max_tasks > 0 { executor.max_tasks } else { executor.total_cores }).sum()
}
