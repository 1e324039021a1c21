//! One budget, shared by the work of tasks (execution) and by what is kept between tasks (storage).
//!
//! The rules, all in [`Arbiter`], which is a plain value:
//! - Together they never go over the total, except for what is taken with `anyway`.
//! - One of `n` running tasks gets at most an `n`-th of what storage has not taken, so that no task starves the others. A
//!   task that is refused spills; it never waits, so tasks cannot wait for each other.
//! - Storage gets at most half of the total; what it is refused goes to disk.

use firesteel_types::TaskId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who holds how much, and who may have more. Decides only; [`MemoryPool`] shares one between threads.
#[derive(Clone, Debug)]
pub struct Arbiter {
    total: usize,
    storage: usize,
    tasks: BTreeMap<TaskId, usize>,
    peak: usize,
}

impl Arbiter {
    /// An arbiter over `total` bytes.
    pub fn new(total: usize) -> Self {
        Arbiter { total, storage: 0, tasks: BTreeMap::new(), peak: 0 }
    }

    /// A task begins: from now on it counts among those that share.
    pub fn begin(&mut self, task: TaskId) {
        self.tasks.entry(task).or_insert(0);
    }

    /// A task ends; whatever it holds is free again.
    pub fn end(&mut self, task: TaskId) {
        self.tasks.remove(&task);
    }

    /// A task asks for more.
    pub fn try_reserve(&mut self, task: TaskId, bytes: usize) -> bool {
        let share = (self.total - self.storage.min(self.total)) / self.tasks.len().max(1);
        let holds = self.tasks.get(&task).copied().unwrap_or(0);
        let granted = holds.saturating_add(bytes) <= share && self.used().saturating_add(bytes) <= self.total;
        if granted {
            self.reserve_anyway(task, bytes);
        }
        granted
    }

    /// A task takes what it cannot do without.
    pub fn reserve_anyway(&mut self, task: TaskId, bytes: usize) {
        *self.tasks.entry(task).or_insert(0) += bytes;
        self.peak = self.peak.max(self.used());
    }

    /// A task gives back.
    pub fn release(&mut self, task: TaskId, bytes: usize) {
        // A task that has ended gave everything back already; its parts may be dropped after it.
        let Some(holds) = self.tasks.get_mut(&task) else { return };
        assert!(*holds >= bytes, "task {task} gives back {bytes} bytes of {holds}");
        *holds -= bytes;
    }

    /// Storage asks for more.
    pub fn try_store(&mut self, bytes: usize) -> bool {
        let granted = self.storage.saturating_add(bytes) <= self.total / 2
            && self.used().saturating_add(bytes) <= self.total;
        if granted {
            self.storage += bytes;
            self.peak = self.peak.max(self.used());
        }
        granted
    }

    /// Storage gives back.
    pub fn unstore(&mut self, bytes: usize) {
        assert!(self.storage >= bytes, "storage gives back {bytes} bytes of {}", self.storage);
        self.storage -= bytes;
    }

    /// What is taken, by everybody.
    pub fn used(&self) -> usize {
        self.storage + self.tasks.values().sum::<usize>()
    }

    /// The most that was ever taken.
    pub fn peak(&self) -> usize {
        self.peak
    }
}

/// An [`Arbiter`] that threads share.
#[derive(Debug)]
pub struct MemoryPool {
    arbiter: Mutex<Arbiter>,
}

impl MemoryPool {
    /// A pool of `total` bytes.
    pub fn new(total: usize) -> Self {
        MemoryPool { arbiter: Mutex::new(Arbiter::new(total)) }
    }

    /// The arbiter, for one decision.
    pub fn arbiter(&self) -> MutexGuard<'_, Arbiter> {
        // Every decision either happens whole or not at all, so a panic elsewhere leaves the arbiter sound.
        self.arbiter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_task_gets_all_and_two_get_half_each() {
        let mut arbiter = Arbiter::new(100);
        arbiter.begin(TaskId(1));
        assert!(arbiter.try_reserve(TaskId(1), 50));
        arbiter.begin(TaskId(2));
        assert!(!arbiter.try_reserve(TaskId(1), 1));
        assert!(arbiter.try_reserve(TaskId(2), 50));
        arbiter.end(TaskId(2));
        assert!(arbiter.try_reserve(TaskId(1), 50));
        assert!(!arbiter.try_reserve(TaskId(1), 1));
    }

    #[test]
    fn storage_takes_half_at_most() {
        let mut arbiter = Arbiter::new(100);
        assert!(arbiter.try_store(50));
        assert!(!arbiter.try_store(1));
        arbiter.begin(TaskId(1));
        assert!(!arbiter.try_reserve(TaskId(1), 51));
        assert!(arbiter.try_reserve(TaskId(1), 50));
    }

    proptest! {
        #[test]
        fn what_is_granted_never_exceeds_the_total(steps in prop::collection::vec((0u64..4, 0usize..60, 0u8..4), 0..60)) {
            let mut arbiter = Arbiter::new(100);
            let mut model = BTreeMap::<TaskId, usize>::new();
            for (task, bytes, step) in steps {
                let task = TaskId(task);
                match step {
                    0 => arbiter.begin(task),
                    1 => if arbiter.try_reserve(task, bytes) { *model.entry(task).or_default() += bytes },
                    2 => {
                        let back = bytes.min(model.get(&task).copied().unwrap_or(0));
                        arbiter.release(task, back);
                        if let Some(holds) = model.get_mut(&task) { *holds -= back }
                    }
                    _ => { arbiter.end(task); model.remove(&task); }
                }
                prop_assert!(arbiter.used() <= 100);
                prop_assert_eq!(arbiter.used(), model.values().sum::<usize>());
            }
        }
    }
}
