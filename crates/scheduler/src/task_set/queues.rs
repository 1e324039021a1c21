//! The tasks of one stage that wait for a slot, by the places that they prefer.
//!
//! Delay scheduling, as in Spark: a stage takes only slots near its data until `locality.wait` has passed
//! since it last launched a task that near, then one step less near, and so on. It skips a level at which no
//! waiting task could be placed on any living executor. Tasks without a preference never wait.
//!
//! A task is in one list for each place that it prefers. Launching it takes it out of one of them; in the
//! others it stays as a stale entry, which is skipped later. So each launch costs amortised constant time,
//! and no event walks over all waiting tasks.

use crate::executors::Executors;
use firesteel_types::{ExecutorId, Locality, Millis, TaskLocation};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The waiting tasks of one stage attempt. Lists are taken from their ends.
#[derive(Debug)]
pub(crate) struct Queues {
    /// True for the index of each task that waits. Entries in lists whose task does not wait are stale.
    waiting: Vec<bool>,
    count: u32,
    by_executor: BTreeMap<ExecutorId, Vec<u32>>,
    by_host: BTreeMap<Arc<str>, Vec<u32>>,
    without_preference: Vec<u32>,
    with_preference: Vec<u32>,
    /// The executors that live and have a list.
    live_executors: BTreeSet<ExecutorId>,
    /// The hosts with living executors that have a list.
    live_hosts: BTreeSet<Arc<str>>,
    /// How near a slot must be to be taken.
    level: Locality,
    /// The time at which a task was last launched at that level, or the level was reached.
    since: Millis,
}

impl Queues {
    /// Makes the queues for `total` tasks, none of which waits.
    pub(crate) fn new(total: u32, now: Millis) -> Self {
        Queues {
            waiting: vec![false; total as usize],
            count: 0,
            by_executor: BTreeMap::new(),
            by_host: BTreeMap::new(),
            without_preference: vec![],
            with_preference: vec![],
            live_executors: BTreeSet::new(),
            live_hosts: BTreeSet::new(),
            level: Locality::Process,
            since: now,
        }
    }

    /// Returns the number of tasks that wait.
    pub(crate) fn len(&self) -> u32 {
        self.count
    }

    /// Adds a task. The one that was added last is the first to go.
    pub(crate) fn push(&mut self, index: u32, preferred: &[TaskLocation], executors: &Executors) {
        assert!(!self.waiting[index as usize], "task {index} waits already");
        self.waiting[index as usize] = true;
        self.count += 1;
        if preferred.is_empty() {
            self.without_preference.push(index);
            return;
        }
        self.with_preference.push(index);
        for place in preferred {
            if let Some(executor) = place.executor {
                self.by_executor.entry(executor).or_default().push(index);
                if executors.takes_tasks(executor) {
                    self.live_executors.insert(executor);
                }
            }
            self.push_to_host(index, &place.host, executors);
        }
    }

    fn push_to_host(&mut self, index: u32, host: &str, executors: &Executors) {
        if !self.by_host.contains_key(host) {
            self.by_host.insert(host.into(), vec![]);
        }
        self.by_host.get_mut(host).expect("the list was just made").push(index);
        if executors.has_host(host) && !self.live_hosts.contains(host) {
            self.live_hosts.insert(host.into());
        }
    }

    /// Takes a task for a free slot of an executor, the nearest first; `None` if none may go there yet.
    pub(crate) fn take(
        &mut self,
        now: Millis,
        executor: ExecutorId,
        host: &str,
        wait_ms: u64,
        may_run: impl Fn(u32) -> bool,
    ) -> Option<(u32, Locality)> {
        if self.count == 0 {
            return None;
        }
        if let Some(index) = self.take_from_executor(executor, &may_run) {
            return Some(self.taken(now, index, Locality::Process));
        }
        let allowed = self.allowed(now, wait_ms);
        if allowed >= Locality::Node
            && let Some(index) = self.take_from_host(host, &may_run)
        {
            return Some(self.taken(now, index, Locality::Node));
        }
        // A task without preference leaves the level and its time as they are: it says nothing about the
        // slots near data.
        if let Some(index) = pop(&mut self.without_preference, &mut self.waiting, &may_run) {
            self.count -= 1;
            return Some((index, Locality::NoPreference));
        }
        if allowed == Locality::Any
            && let Some(index) = pop(&mut self.with_preference, &mut self.waiting, &may_run)
        {
            return Some(self.taken(now, index, Locality::Any));
        }
        None
    }

    fn taken(&mut self, now: Millis, index: u32, level: Locality) -> (u32, Locality) {
        self.count -= 1;
        self.level = level;
        self.since = now;
        (index, level)
    }

    fn take_from_executor(&mut self, executor: ExecutorId, may_run: &impl Fn(u32) -> bool) -> Option<u32> {
        let list = self.by_executor.get_mut(&executor)?;
        let index = pop(list, &mut self.waiting, may_run);
        if list.is_empty() {
            self.by_executor.remove(&executor);
            self.live_executors.remove(&executor);
        }
        index
    }

    fn take_from_host(&mut self, host: &str, may_run: &impl Fn(u32) -> bool) -> Option<u32> {
        let list = self.by_host.get_mut(host)?;
        let index = pop(list, &mut self.waiting, may_run);
        if list.is_empty() {
            self.by_host.remove(host);
            self.live_hosts.remove(host);
        }
        index
    }

    /// Lets the time pass for a slot that no task may take.
    pub(crate) fn refuse(&mut self, now: Millis, wait_ms: u64) {
        if self.count > 0 {
            let _ = self.allowed(now, wait_ms);
        }
    }

    /// Returns whether a task waits.
    pub(crate) fn is_waiting(&self, index: u32) -> bool {
        self.waiting[index as usize]
    }

    /// Returns the first task that waits.
    pub(crate) fn first(&self) -> Option<u32> {
        self.waiting.iter().position(|waits| *waits).map(|index| index as u32)
    }

    /// Returns how far from its data a task may be launched now.
    fn allowed(&mut self, now: Millis, wait_ms: u64) -> Locality {
        loop {
            let (useful, next) = match self.level {
                Locality::Process => (self.has_live_executor(), Locality::Node),
                Locality::Node => (self.has_live_host(), Locality::Any),
                Locality::NoPreference | Locality::Any => return Locality::Any,
            };
            if useful && now - self.since < wait_ms {
                return self.level;
            }
            self.since = if useful { self.since + wait_ms } else { now };
            self.level = next;
        }
    }

    fn has_live_executor(&mut self) -> bool {
        while let Some(&executor) = self.live_executors.first() {
            let list = self.by_executor.get_mut(&executor).expect("a live executor has a list");
            if !skip_stale(list, &self.waiting) {
                return true;
            }
            self.by_executor.remove(&executor);
            self.live_executors.remove(&executor);
        }
        false
    }

    fn has_live_host(&mut self) -> bool {
        while let Some(host) = self.live_hosts.first().cloned() {
            let list = self.by_host.get_mut(&host).expect("a live host has a list");
            if !skip_stale(list, &self.waiting) {
                return true;
            }
            self.by_host.remove(&host);
            self.live_hosts.remove(&host);
        }
        false
    }

    /// Returns the time at which the next level is reached, if tasks wait for one.
    pub(crate) fn relaxes_at(&self, wait_ms: u64) -> Option<Millis> {
        (self.count > 0 && self.level < Locality::NoPreference).then(|| self.since + wait_ms)
    }

    /// Notes that an executor came. If tasks prefer it or its host, slots there are waited for again.
    pub(crate) fn executor_added(&mut self, now: Millis, executor: ExecutorId, host: &str) {
        let nearer = if self.by_executor.contains_key(&executor) {
            self.live_executors.insert(executor);
            Some(Locality::Process)
        } else {
            None
        };
        let near = match self.by_host.get_key_value(host) {
            Some((host, _)) => self.live_hosts.insert(host.clone()).then_some(Locality::Node),
            None => None,
        };
        if let Some(level) = nearer.or(near)
            && level < self.level
        {
            self.level = level;
            self.since = now;
        }
    }

    /// Notes that an executor went or takes no more tasks, and its host with it if it was the last one there.
    pub(crate) fn executor_removed(&mut self, executor: ExecutorId, host: &str, executors: &Executors) {
        self.live_executors.remove(&executor);
        if !executors.has_host(host) {
            self.live_hosts.remove(host);
        }
    }
}

/// Takes the last entry that is not stale and that may run where the list is asked for, and with it the stale ones at the
/// end. Those that may not run stay; they are few, as each failed there.
fn pop(list: &mut Vec<u32>, waiting: &mut [bool], may_run: &impl Fn(u32) -> bool) -> Option<u32> {
    let mut kept = vec![];
    let mut found = None;
    while let Some(index) = list.pop() {
        if !waiting[index as usize] {
            continue;
        }
        if may_run(index) {
            waiting[index as usize] = false;
            found = Some(index);
            break;
        }
        kept.push(index);
    }
    list.extend(kept.into_iter().rev());
    found
}

/// Takes stale entries off the end. Returns whether nothing is left.
fn skip_stale(list: &mut Vec<u32>, waiting: &[bool]) -> bool {
    while list.last().is_some_and(|&index| !waiting[index as usize]) {
        list.pop();
    }
    list.is_empty()
}
