//! The stages with a task that may run on no executor, since tasks failed there, and for how long they wait for others.

use firesteel_types::{Millis, StageId};
use std::collections::{BTreeMap, BTreeSet};

/// All stages with a task that may run nowhere.
#[derive(Debug)]
pub(crate) struct Unschedulable {
    is_enabled: bool,
    /// True if a cluster brings other executors when it is asked: dynamic allocation.
    pub(crate) gets_others: bool,
    /// True if executors, exclusions or tasks have changed since the last look.
    is_due: bool,
    /// The time at which the jobs of each stage fail.
    stages: BTreeMap<StageId, Millis>,
    /// The stages for which no other executor was asked yet.
    news: BTreeSet<StageId>,
}

impl Unschedulable {
    pub(crate) fn new(is_enabled: bool) -> Self {
        let (stages, news) = (BTreeMap::new(), BTreeSet::new());
        Unschedulable { is_enabled, gets_others: false, is_due: false, stages, news }
    }

    /// Has the stages looked at: something has changed that may matter.
    pub(crate) fn look(&mut self) {
        self.is_due = self.is_enabled;
    }

    /// Returns whether the stages are to be looked at, and notes that they are.
    pub(crate) fn take_look(&mut self, now: Millis) -> bool {
        std::mem::take(&mut self.is_due) || self.next_deadline().is_some_and(|due| due <= now)
    }

    /// Notes that a stage has a task that may run nowhere. Returns the time at which its jobs fail: the first one that was
    /// named for it.
    pub(crate) fn insert(&mut self, stage: StageId, fails_at: Millis) -> Millis {
        if !self.stages.contains_key(&stage) {
            self.news.insert(stage);
        }
        *self.stages.entry(stage).or_insert(fails_at)
    }

    /// Notes that all tasks of a stage may run somewhere, or that there is nothing to run any more.
    pub(crate) fn remove(&mut self, stage: StageId) {
        self.stages.remove(&stage);
        self.news.remove(&stage);
    }

    /// Returns the stages that have a task which may run nowhere.
    pub(crate) fn stages(&self) -> impl Iterator<Item = StageId> {
        self.stages.keys().copied()
    }

    /// Returns the stages that were noted since the last call.
    pub(crate) fn take_news(&mut self) -> BTreeSet<StageId> {
        std::mem::take(&mut self.news)
    }

    pub(crate) fn contains(&self, stage: StageId) -> bool {
        self.stages.contains_key(&stage)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Returns the time at which the jobs of a stage fail next.
    pub(crate) fn next_deadline(&self) -> Option<Millis> {
        self.stages.values().min().copied()
    }
}
