//! The pools of stages, and the order in which stages are offered slots.
//!
//! In fifo mode there is one pool. In fair mode there are several, and each slot is offered in the order of
//! Spark's rule (`FairSchedulingAlgorithm`): a pool with fewer tasks running than its minimal share comes
//! before one that has its share; among those short of it the smaller part of the share comes first, among
//! the others the smaller number of tasks by weight, and names decide ties. Within a pool the older job comes
//! first, and within a job the older stage.

use crate::settings::{PoolSettings, SchedulerSettings, SchedulingMode};
use firesteel_types::{JobId, StageId};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

/// The pool of jobs that name none.
const DEFAULT_POOL: &str = "default";

/// A stage's place in its pool: older jobs first.
pub(crate) type Turn = (JobId, StageId);

/// All pools that have jobs or running tasks.
#[derive(Debug)]
pub(crate) struct Pools {
    mode: SchedulingMode,
    settings: BTreeMap<String, PoolSettings>,
    pools: BTreeMap<Arc<str>, Pool>,
    runnable: usize,
}

#[derive(Debug)]
struct Pool {
    settings: PoolSettings,
    jobs: u32,
    running: u32,
    runnable: BTreeSet<Turn>,
}

impl Pools {
    pub(crate) fn new(settings: &SchedulerSettings) -> Self {
        Pools { mode: settings.mode, settings: settings.pools.clone(), pools: BTreeMap::new(), runnable: 0 }
    }

    /// Adds a job to the pool that it named. Returns the name of the pool for the other methods.
    pub(crate) fn enter(&mut self, named: Option<&str>) -> Arc<str> {
        let name = match self.mode {
            SchedulingMode::Fifo => DEFAULT_POOL,
            SchedulingMode::Fair => named.unwrap_or(DEFAULT_POOL),
        };
        if !self.pools.contains_key(name) {
            let settings = self.settings.get(name).copied().unwrap_or_default();
            self.pools.insert(name.into(), Pool { settings, jobs: 0, running: 0, runnable: BTreeSet::new() });
        }
        self.pool(name).jobs += 1;
        self.pools.get_key_value(name).expect("the pool was just made").0.clone()
    }

    /// Takes a job that ended out of its pool.
    pub(crate) fn leave(&mut self, name: &str) {
        self.pool(name).jobs -= 1;
        self.tidy(name);
    }

    /// Notes that a task of a pool took a slot.
    pub(crate) fn launched(&mut self, name: &str) {
        self.pool(name).running += 1;
    }

    /// Notes that a task of a pool gave its slot back.
    pub(crate) fn ended(&mut self, name: &str) {
        self.pool(name).running -= 1;
        self.tidy(name);
    }

    /// Adds a stage that has tasks to launch.
    pub(crate) fn add(&mut self, name: &str, turn: Turn) {
        self.runnable += usize::from(self.pool(name).runnable.insert(turn));
    }

    /// Takes out a stage that has no tasks to launch, for now.
    pub(crate) fn remove(&mut self, name: &str, turn: Turn) {
        if let Some(pool) = self.pools.get_mut(name) {
            self.runnable -= usize::from(pool.runnable.remove(&turn));
        }
    }

    /// Returns whether any stage has tasks to launch.
    pub(crate) fn has_runnable(&self) -> bool {
        self.runnable > 0
    }

    /// Returns all stages with tasks to launch.
    pub(crate) fn all_runnable(&self) -> impl Iterator<Item = StageId> {
        self.pools.values().flat_map(|pool| &pool.runnable).map(|&(_, stage)| stage)
    }

    /// Returns the pools with stages that have tasks to launch, the most entitled first.
    pub(crate) fn in_order(&self) -> Vec<Arc<str>> {
        let mut waiting: Vec<_> = self.pools.iter().filter(|(_, pool)| !pool.runnable.is_empty()).collect();
        waiting.sort_by(|(a_name, a), (b_name, b)| compare(a, b).then_with(|| a_name.cmp(b_name)));
        waiting.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// Returns the stage of a pool whose turn it is after `last`.
    pub(crate) fn next(&self, name: &str, last: Option<Turn>) -> Option<Turn> {
        let runnable = &self.pools.get(name)?.runnable;
        match last {
            None => runnable.first().copied(),
            Some(last) => runnable.range((Excluded(last), Unbounded)).next().copied(),
        }
    }

    /// Returns whether no pool has a job or a running task.
    pub(crate) fn is_empty(&self) -> bool {
        self.pools.is_empty()
    }

    fn pool(&mut self, name: &str) -> &mut Pool {
        self.pools.get_mut(name).unwrap_or_else(|| panic!("no job entered pool {name}"))
    }

    /// Forgets a pool without jobs and running tasks.
    fn tidy(&mut self, name: &str) {
        let pool = self.pool(name);
        if pool.jobs == 0 && pool.running == 0 {
            assert!(pool.runnable.is_empty(), "pool {name} has stages but no job");
            self.pools.remove(name);
        }
    }
}

/// Compares two pools by Spark's fair rule, in whole numbers.
fn compare(a: &Pool, b: &Pool) -> Ordering {
    let share = |pool: &Pool| u64::from(pool.settings.min_share.max(1));
    let weight = |pool: &Pool| u64::from(pool.settings.weight.max(1));
    let (a_running, b_running) = (u64::from(a.running), u64::from(b.running));
    let a_needy = a.running < a.settings.min_share;
    let b_needy = b.running < b.settings.min_share;
    match (a_needy, b_needy) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (true, true) => (a_running * share(b)).cmp(&(b_running * share(a))),
        (false, false) => (a_running * weight(b)).cmp(&(b_running * weight(a))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(weight: u32, min_share: u32, running: u32) -> Pool {
        Pool { settings: PoolSettings { weight, min_share }, jobs: 1, running, runnable: BTreeSet::new() }
    }

    #[test]
    fn the_needy_come_first_then_the_lighter_by_weight() {
        assert_eq!(compare(&pool(1, 2, 1), &pool(9, 0, 0)), Ordering::Less);
        assert_eq!(compare(&pool(1, 10, 4), &pool(1, 5, 3)), Ordering::Less);
        assert_eq!(compare(&pool(2, 0, 3), &pool(1, 0, 2)), Ordering::Less);
        assert_eq!(compare(&pool(1, 1, 1), &pool(1, 0, 1)), Ordering::Equal);
    }
}
