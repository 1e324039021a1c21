//! The executors that are registered, with their free slots and their last signs of life.
//!
//! No method walks over all executors: free ones are found in a set, each in turn so that work spreads;
//! silence is found in a queue whose entries are looked at again only when they fall due.
//! [`ExecutorId::DRIVER`] shares the driver's process, so it never falls silent. An executor that is leaving
//! keeps its tasks until they end, and has no other slots; for a task that looks for a slot it is gone
//! already.

use firesteel_types::{ExecutorId, Millis, TaskId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

/// All executors that are registered.
#[derive(Debug)]
pub(crate) struct Executors {
    table: BTreeMap<ExecutorId, Executor>,
    /// The executors with a free slot.
    free: BTreeSet<ExecutorId>,
    /// The number of executors of each host that take tasks.
    hosts: BTreeMap<Arc<str>, u32>,
    /// The executor that was offered last.
    cursor: ExecutorId,
    /// The times at which to look whether an executor was heard.
    reviews: BTreeSet<(Millis, ExecutorId)>,
    timeout_ms: u64,
    /// The time since which there is no executor.
    without_executors_since: Option<Millis>,
    /// The time at which an executor came or went last.
    last_changed: Millis,
    /// The number of slots of all executors that take tasks.
    slots: u32,
    /// The number of those that are free.
    free_slots: u32,
}

/// One executor.
#[derive(Debug)]
pub(crate) struct Executor {
    pub(crate) host: Arc<str>,
    slots: u32,
    /// The attempts that take a slot, those that were told to stop among them.
    pub(crate) running: BTreeSet<TaskId>,
    last_seen: Millis,
    /// The attempts that its heartbeats leave out, with the time of the first that did.
    absent: BTreeMap<TaskId, Millis>,
    /// True if it takes no more tasks.
    leaving: bool,
    /// True if it takes no tasks for a time: the application is kept from it.
    is_excluded: bool,
}

impl Executor {
    fn takes_tasks(&self) -> bool {
        !self.leaving && !self.is_excluded
    }

    fn free_slots(&self) -> u32 {
        self.slots - self.running.len() as u32
    }
}

impl Executors {
    pub(crate) fn new(timeout_ms: u64) -> Self {
        Executors {
            table: BTreeMap::new(),
            free: BTreeSet::new(),
            hosts: BTreeMap::new(),
            cursor: ExecutorId(0),
            reviews: BTreeSet::new(),
            timeout_ms,
            without_executors_since: Some(Millis(0)),
            last_changed: Millis(0),
            slots: 0,
            free_slots: 0,
        }
    }

    /// Registers an executor. Returns false if it is known already.
    pub(crate) fn add(&mut self, now: Millis, id: ExecutorId, host: Arc<str>, slots: u32) -> bool {
        if self.heard(now, id) {
            return false;
        }
        let (running, absent) = (BTreeSet::new(), BTreeMap::new());
        let (leaving, is_excluded) = (false, false);
        let executor =
            Executor { host: host.clone(), slots, running, last_seen: now, absent, leaving, is_excluded };
        self.table.insert(id, executor);
        self.give_back(id, host, slots, slots);
        if id != ExecutorId::DRIVER {
            self.reviews.insert((now + self.timeout_ms, id));
        }
        self.without_executors_since = None;
        self.last_changed = now;
        true
    }

    /// Notes that an executor takes no more tasks. Returns false if it is unknown, or takes none already.
    pub(crate) fn leave(&mut self, id: ExecutorId) -> bool {
        let Some(executor) = self.table.get_mut(&id).filter(|executor| !executor.leaving) else {
            return false;
        };
        let took_tasks = executor.takes_tasks();
        executor.leaving = true;
        let (host, slots, free) = (executor.host.clone(), executor.slots, executor.free_slots());
        if took_tasks {
            self.withdraw(id, &host, slots, free);
        }
        true
    }

    /// Notes whether the application is kept from an executor. Returns false if that changes nothing about the tasks that it
    /// takes.
    pub(crate) fn exclude(&mut self, id: ExecutorId, is_excluded: bool) -> bool {
        let Some(executor) = self.table.get_mut(&id) else { return false };
        let took_tasks = executor.takes_tasks();
        executor.is_excluded = is_excluded;
        let takes_tasks = executor.takes_tasks();
        let (host, slots, free) = (executor.host.clone(), executor.slots, executor.free_slots());
        match (took_tasks, takes_tasks) {
            (true, false) => self.withdraw(id, &host, slots, free),
            (false, true) => self.give_back(id, host, slots, free),
            (true, true) | (false, false) => return false,
        }
        true
    }

    /// Takes the slots of an executor into the counts.
    fn give_back(&mut self, id: ExecutorId, host: Arc<str>, slots: u32, free: u32) {
        *self.hosts.entry(host).or_default() += 1;
        self.slots += slots;
        self.free_slots += free;
        if free > 0 {
            self.free.insert(id);
        }
    }

    /// Takes the slots of an executor out of the counts.
    fn withdraw(&mut self, id: ExecutorId, host: &str, slots: u32, free: u32) {
        self.free.remove(&id);
        self.slots -= slots;
        self.free_slots -= free;
        let on_host = self.hosts.get_mut(host).expect("the host of an executor that takes tasks is known");
        *on_host -= 1;
        if *on_host == 0 {
            self.hosts.remove(host);
        }
    }

    /// Forgets an executor, and returns its entry.
    pub(crate) fn remove(&mut self, now: Millis, id: ExecutorId) -> Option<Executor> {
        let executor = self.table.remove(&id)?;
        self.last_changed = now;
        if executor.takes_tasks() {
            self.withdraw(id, &executor.host, executor.slots, executor.free_slots());
        }
        if self.table.is_empty() {
            self.without_executors_since = Some(now);
        }
        Some(executor)
    }

    /// Notes a sign of life. Returns false if the executor is unknown.
    pub(crate) fn heard(&mut self, now: Millis, id: ExecutorId) -> bool {
        self.table.get_mut(&id).map(|executor| executor.last_seen = now).is_some()
    }

    pub(crate) fn get(&self, id: ExecutorId) -> Option<&Executor> {
        self.table.get(&id)
    }

    pub(crate) fn contains(&self, id: ExecutorId) -> bool {
        self.table.contains_key(&id)
    }

    /// Returns whether an executor takes tasks, so that it is worth waiting for its slots.
    pub(crate) fn takes_tasks(&self, id: ExecutorId) -> bool {
        self.table.get(&id).is_some_and(Executor::takes_tasks)
    }

    /// Returns whether a host has an executor that takes tasks.
    pub(crate) fn has_host(&self, host: &str) -> bool {
        self.hosts.contains_key(host)
    }

    /// Returns the time since which there is no executor, if there is none.
    pub(crate) fn without_executors_since(&self) -> Option<Millis> {
        self.without_executors_since
    }

    /// Gives a free slot to an attempt.
    pub(crate) fn occupy(&mut self, id: ExecutorId, task: TaskId) {
        let executor = self.table.get_mut(&id).expect("only a registered executor has slots");
        assert!(executor.free_slots() > 0 && executor.takes_tasks(), "executor {id} has no free slot");
        executor.running.insert(task);
        self.free_slots -= 1;
        if executor.free_slots() == 0 {
            self.free.remove(&id);
        }
    }

    /// Takes an attempt's slot back.
    pub(crate) fn vacate(&mut self, id: ExecutorId, task: TaskId) {
        let executor = self.table.get_mut(&id).expect("a task runs only on a registered executor");
        assert!(executor.running.remove(&task), "task {task} held no slot of executor {id}");
        if !executor.absent.is_empty() {
            executor.absent.remove(&task);
        }
        if executor.takes_tasks() {
            self.free.insert(id);
            self.free_slots += 1;
        }
    }

    /// Returns the executors that stay, those from which the application is kept among them, with their hosts.
    pub(crate) fn staying(&self) -> impl Iterator<Item = (ExecutorId, &Arc<str>)> {
        self.table
            .iter()
            .filter(|(_, executor)| !executor.leaving)
            .map(|(id, executor)| (*id, &executor.host))
    }

    /// Returns the time at which an executor came or went last.
    pub(crate) fn last_changed(&self) -> Millis {
        self.last_changed
    }

    /// Returns the number of slots of all executors that take tasks.
    pub(crate) fn slots(&self) -> u32 {
        self.slots
    }

    /// Returns the number of free slots.
    pub(crate) fn free_slots(&self) -> u32 {
        self.free_slots
    }

    /// Returns the executors with free slots, and the number that each has.
    pub(crate) fn with_free_slots(&self) -> Vec<(ExecutorId, u32)> {
        self.free.iter().map(|id| (*id, self.table[id].free_slots())).collect()
    }

    pub(crate) fn is_free(&self, id: ExecutorId) -> bool {
        self.free.contains(&id)
    }

    /// Returns the number of executors with a free slot.
    pub(crate) fn free_count(&self) -> usize {
        self.free.len()
    }

    /// Returns the executor with a free slot whose turn it is.
    pub(crate) fn next_free(&mut self) -> Option<ExecutorId> {
        let after = self.free.range((Excluded(self.cursor), Unbounded)).next();
        let next = *after.or_else(|| self.free.first())?;
        self.cursor = next;
        Some(next)
    }

    /// Compares a heartbeat with the attempts that the executor should run. Returns those that it has left
    /// out for `grace_ms`.
    pub(crate) fn reconcile(
        &mut self,
        now: Millis,
        id: ExecutorId,
        reported: &BTreeSet<TaskId>,
        grace_ms: u64,
    ) -> Vec<TaskId> {
        let executor = self.table.get_mut(&id).expect("only a known executor is reconciled");
        executor.absent.retain(|task, _| !reported.contains(task));
        let mut given_up = vec![];
        for &task in executor.running.difference(reported) {
            if now - *executor.absent.entry(task).or_insert(now) >= grace_ms {
                given_up.push(task);
            }
        }
        given_up
    }

    /// Returns the executors that have been silent for the timeout, and for how long.
    pub(crate) fn silent(&mut self, now: Millis) -> Vec<(ExecutorId, u64)> {
        let mut silent = vec![];
        while let Some(&(due, id)) = self.reviews.first() {
            if due > now {
                break;
            }
            self.reviews.pop_first();
            let Some(executor) = self.table.get(&id) else { continue };
            // Signs of life do not change the queue, so the entry may be older than the last one: then it is
            // put back.
            let deadline = executor.last_seen + self.timeout_ms;
            if deadline <= now {
                silent.push((id, now - executor.last_seen));
            } else {
                self.reviews.insert((deadline, id));
            }
        }
        silent
    }

    /// Returns the time of the next look for silent executors.
    pub(crate) fn next_review(&self) -> Option<Millis> {
        self.reviews.first().map(|&(due, _)| due)
    }
}
