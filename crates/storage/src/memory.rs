//! The memory arbiter: one budget for the work of tasks (execution) and for blocks that outlive tasks
//! (storage).
//!
//! The rules, all in [`Arbiter`], which is a plain value:
//! - Together they never go over the total, except for what is taken with `anyway`.
//! - One of `n` running tasks gets at most an `n`-th of what storage is sure of, so that no task starves the others. A
//!   task that is refused spills; it never waits, so tasks cannot wait for each other.
//! - Map outputs get at most half of the total; what they are refused goes to disk.
//! - Cached partitions may have everything that is free. The part of them that goes over half of the total,
//!   together with map outputs, has to make room when a task or a map output asks: the least recently used are
//!   evicted.

use firesteel_types::TaskId;
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::{OnceLock, Weak};

/// The arbiter's answer to a request for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The memory is reserved.
    Granted,
    /// The request may be repeated when this many bytes of cached partitions were evicted.
    AfterEvicting(usize),
    /// The memory is not available.
    Refused,
}

/// The reserved bytes by owner, and the rules for more. Decides only; [`MemoryPool`] shares one between
/// threads.
#[derive(Clone, Debug)]
pub struct Arbiter {
    total: usize,
    stored: usize,
    cached: usize,
    tasks: BTreeMap<TaskId, usize>,
    peak: usize,
}

impl Arbiter {
    /// Makes an arbiter over `total` bytes.
    pub fn new(total: usize) -> Self {
        Arbiter { total, stored: 0, cached: 0, tasks: BTreeMap::new(), peak: 0 }
    }

    /// Adds a task that begins: from now on it is one of those that share.
    pub fn begin(&mut self, task: TaskId) {
        self.tasks.entry(task).or_insert(0);
    }

    /// Removes a task that ends; its memory is free again.
    pub fn end(&mut self, task: TaskId) {
        self.tasks.remove(&task);
    }

    /// Reserves memory for a task, within its share.
    pub fn reserve(&mut self, task: TaskId, bytes: usize) -> Answer {
        let sure_of = self.stored + self.cached - self.evictable();
        let share = (self.total - sure_of.min(self.total)) / self.tasks.len().max(1);
        let holds = self.tasks.get(&task).copied().unwrap_or(0);
        if holds.saturating_add(bytes) > share {
            return Answer::Refused;
        }
        let answer = self.room_for(bytes);
        if answer == Answer::Granted {
            self.reserve_anyway(task, bytes);
        }
        answer
    }

    /// Reserves memory that a task cannot do without, whatever its share.
    pub fn reserve_anyway(&mut self, task: TaskId, bytes: usize) {
        *self.tasks.entry(task).or_insert(0) += bytes;
        self.peak = self.peak.max(self.used());
    }

    /// Returns memory of a task.
    pub fn release(&mut self, task: TaskId, bytes: usize) {
        // A task that has ended gave everything back already; its parts may be dropped after it.
        let Some(holds) = self.tasks.get_mut(&task) else { return };
        assert!(*holds >= bytes, "task {task} gives back {bytes} bytes of {holds}");
        *holds -= bytes;
    }

    /// Reserves memory for a map output.
    pub fn store(&mut self, bytes: usize) -> Answer {
        if self.stored.saturating_add(bytes) > self.total / 2 {
            return Answer::Refused;
        }
        let answer = self.room_for(bytes);
        if answer == Answer::Granted {
            self.stored += bytes;
            self.peak = self.peak.max(self.used());
        }
        answer
    }

    /// Reserves memory that a broadcast value cannot do without.
    pub fn store_anyway(&mut self, bytes: usize) {
        self.stored += bytes;
        self.peak = self.peak.max(self.used());
    }

    /// Returns memory of a map output or a broadcast value.
    pub fn unstore(&mut self, bytes: usize) {
        assert!(self.stored >= bytes, "map outputs give back {bytes} bytes of {}", self.stored);
        self.stored -= bytes;
    }

    /// Reserves memory for a cached partition. Others may be evicted for it; the cache decides which.
    pub fn keep(&mut self, bytes: usize) -> Answer {
        let wanted = self.used().saturating_add(bytes);
        if wanted <= self.total {
            self.cached += bytes;
            self.peak = self.peak.max(self.used());
            Answer::Granted
        } else if wanted - self.total <= self.cached {
            Answer::AfterEvicting(wanted - self.total)
        } else {
            Answer::Refused
        }
    }

    /// Returns memory of a cached partition.
    pub fn forget_rdd(&mut self, bytes: usize) {
        assert!(self.cached >= bytes, "cached partitions give back {bytes} bytes of {}", self.cached);
        self.cached -= bytes;
    }

    /// Returns the bytes of cached partitions that have to go if a task or a map output needs them.
    fn evictable(&self) -> usize {
        (self.stored + self.cached).saturating_sub(self.total / 2).min(self.cached)
    }

    fn room_for(&self, bytes: usize) -> Answer {
        let wanted = self.used().saturating_add(bytes);
        match wanted.saturating_sub(self.total) {
            0 => Answer::Granted,
            missing if missing <= self.evictable() => Answer::AfterEvicting(missing),
            _ => Answer::Refused,
        }
    }

    /// Returns the reserved bytes of all owners.
    pub fn used(&self) -> usize {
        self.stored + self.cached + self.tasks.values().sum::<usize>()
    }

    /// Returns the bytes that tasks have reserved, and those of map outputs and cached partitions.
    pub fn usage(&self) -> (usize, usize) {
        (self.tasks.values().sum(), self.stored + self.cached)
    }

    /// Returns the most bytes that were ever reserved.
    pub fn peak(&self) -> usize {
        self.peak
    }

    /// Returns the size of the budget.
    pub fn total(&self) -> usize {
        self.total
    }
}

/// Makes room by evicting cached partitions.
pub trait Evict: Send + Sync {
    /// Evicts at least `bytes` bytes. Returns `false`, and evicts nothing, when there is not that much to
    /// evict.
    fn evict(&self, bytes: usize) -> bool;
}

/// An [`Arbiter`] that threads share.
pub struct MemoryPool {
    arbiter: Mutex<Arbiter>,
    evict: OnceLock<Weak<dyn Evict>>,
}

impl MemoryPool {
    /// The number of attempts to reserve memory that was made free: other threads may take it first. After that
    /// the answer is no.
    const TRIES: u32 = 3;

    /// Makes a pool of `total` bytes.
    pub fn new(total: usize) -> Self {
        MemoryPool { arbiter: Mutex::new(Arbiter::new(total)), evict: OnceLock::new() }
    }

    /// Sets the cache that evicts. Only the first call has an effect.
    pub fn set_evict(&self, evict: Weak<dyn Evict>) {
        let _ = self.evict.set(evict);
    }

    /// Locks the arbiter, for one decision.
    pub fn arbiter(&self) -> MutexGuard<'_, Arbiter> {
        // Every decision either happens whole or not at all, so a panic elsewhere leaves the arbiter sound.
        self.arbiter.lock()
    }

    /// Reserves memory for a task; evicts cached partitions if that helps.
    pub fn try_reserve(&self, task: TaskId, bytes: usize) -> bool {
        self.ask(|arbiter| arbiter.reserve(task, bytes))
    }

    /// Reserves memory for a map output; evicts cached partitions if that helps.
    pub fn try_store(&self, bytes: usize) -> bool {
        self.ask(|arbiter| arbiter.store(bytes))
    }

    fn ask(&self, mut question: impl FnMut(&mut Arbiter) -> Answer) -> bool {
        for _ in 0..Self::TRIES {
            // Its own statement: the arbiter must not stay locked while partitions are evicted.
            let answer = question(&mut self.arbiter());
            match answer {
                Answer::Granted => return true,
                Answer::Refused => return false,
                Answer::AfterEvicting(bytes) => {
                    let evicted = self.evict.get().and_then(Weak::upgrade).is_some_and(|e| e.evict(bytes));
                    if !evicted {
                        return false;
                    }
                }
            }
        }
        false
    }
}

impl std::fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.arbiter().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Answer::*;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_task_gets_all_and_two_get_half_each() {
        let mut arbiter = Arbiter::new(100);
        arbiter.begin(TaskId(1));
        assert_eq!(arbiter.reserve(TaskId(1), 50), Granted);
        arbiter.begin(TaskId(2));
        assert_eq!(arbiter.reserve(TaskId(1), 1), Refused);
        assert_eq!(arbiter.reserve(TaskId(2), 50), Granted);
        arbiter.end(TaskId(2));
        assert_eq!(arbiter.reserve(TaskId(1), 50), Granted);
        assert_eq!(arbiter.reserve(TaskId(1), 1), Refused);
    }

    #[test]
    fn map_outputs_take_half_at_most() {
        let mut arbiter = Arbiter::new(100);
        assert_eq!(arbiter.store(50), Granted);
        assert_eq!(arbiter.store(1), Refused);
        arbiter.begin(TaskId(1));
        assert_eq!(arbiter.reserve(TaskId(1), 51), Refused);
        assert_eq!(arbiter.reserve(TaskId(1), 50), Granted);
    }

    #[test]
    fn kept_partitions_take_what_is_free_and_give_back_what_is_over_half() {
        let mut arbiter = Arbiter::new(100);
        arbiter.begin(TaskId(1));
        assert_eq!(arbiter.keep(90), Granted);
        assert_eq!(arbiter.keep(20), AfterEvicting(10));
        assert_eq!(arbiter.keep(101), Refused);
        assert_eq!(arbiter.reserve(TaskId(1), 50), AfterEvicting(40));
        assert_eq!(arbiter.reserve(TaskId(1), 51), Refused);
        assert_eq!(arbiter.store(30), AfterEvicting(20));
        arbiter.forget_rdd(40);
        assert_eq!(arbiter.reserve(TaskId(1), 50), Granted);
        assert_eq!(arbiter.keep(1), AfterEvicting(1));
    }

    proptest! {
        #[test]
        fn what_is_granted_never_exceeds_the_total(steps in prop::collection::vec((0u64..4, 0usize..60, 0u8..7), 0..80)) {
            let mut arbiter = Arbiter::new(100);
            let (mut tasks, mut stored, mut cached) = (BTreeMap::<TaskId, usize>::new(), 0, 0);
            for (task, bytes, step) in steps {
                let task = TaskId(task);
                match step {
                    0 => arbiter.begin(task),
                    1 => if arbiter.reserve(task, bytes) == Granted { *tasks.entry(task).or_default() += bytes },
                    2 => {
                        let back = bytes.min(tasks.get(&task).copied().unwrap_or(0));
                        arbiter.release(task, back);
                        if let Some(holds) = tasks.get_mut(&task) { *holds -= back }
                    }
                    3 => match arbiter.keep(bytes) {
                        Granted => cached += bytes,
                        // The bytes that were to be evicted are enough.
                        AfterEvicting(missing) => {
                            arbiter.forget_rdd(missing);
                            prop_assert_eq!(arbiter.keep(bytes), Granted);
                            cached = cached - missing + bytes;
                        }
                        Refused => {}
                    },
                    4 => { let back = bytes.min(cached); arbiter.forget_rdd(back); cached -= back; }
                    5 => match arbiter.store(bytes) {
                        Granted => stored += bytes,
                        AfterEvicting(missing) => {
                            arbiter.forget_rdd(missing);
                            cached -= missing;
                            prop_assert_eq!(arbiter.store(bytes), Granted);
                            stored += bytes;
                            prop_assert!(stored + cached + missing > 50, "what is under half is never evicted");
                        }
                        Refused => {}
                    },
                    _ => { arbiter.end(task); tasks.remove(&task); }
                }
                prop_assert!(arbiter.used() <= 100 && stored <= 50);
                prop_assert_eq!(arbiter.used(), tasks.values().sum::<usize>() + stored + cached);
            }
        }
    }
}
