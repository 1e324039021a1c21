//! The memory of Python's tables: granted from the task's budget, as the tables of the engine are.
//!
//! Python cannot tell how large a table is. So the sizes of a few of its records, chosen at random, are added up with those of all
//! that they hold ([`crate::sizes`]), and stand for all. Objects that many records share are counted too often then, and what a
//! function of the program keeps for itself is not seen. The process's resident size corrects both: a table holds no more than
//! the process has grown since it began, and when the process has grown by more than all that its tasks may hold, its tables are
//! moved out whatever they seem to hold.

use crate::sizes::size_of_all;
use crate::worker;
use firesteel_data::Workspace;
use firesteel_executor::{resident_bytes, runner};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::sync::{Arc, Weak};

/// The bytes by which grants grow, so that the pool is not asked each time.
const STEP: usize = 1 << 20;
/// The bytes that a table gets in any case, so that spills are not tiny.
const LEAST_ROOM: u64 = 16 << 20;
/// The bytes that a process may hold that runs no task: PySpark's `spark.python.worker.memory`.
const WITHOUT_TASK: u64 = 512 << 20;
/// The bytes of a record's place in a list that grows, and in the list of keys by which it is sorted.
const SLOT: usize = 16;
/// The records of a chunk that stand for all of it.
const SAMPLES: usize = 32;

/// The memory that one table, or list, may have.
#[pyclass(subclass, frozen)]
pub(crate) struct Budget {
    task: Option<Weak<dyn Workspace>>,
    state: Mutex<State>,
}

struct State {
    /// The bytes that the table seems to hold.
    held: u64,
    /// The bytes that the task's pool has granted.
    granted: usize,
    /// The bytes that the process may hold.
    limit: u64,
}

#[pymethods]
impl Budget {
    #[new]
    #[pyo3(signature = (limit=None))]
    fn new(limit: Option<u64>) -> Self {
        let task = runner::workspace();
        let all = task.as_ref().map(|_| {
            let now = resident_bytes(std::process::id());
            worker::resident_limit().max(now + LEAST_ROOM)
        });
        let limit = limit.or(all).unwrap_or(WITHOUT_TASK);
        let state = Mutex::new(State { held: 0, granted: 0, limit });
        Budget { task: task.as_ref().map(Arc::downgrade), state }
    }

    /// The bytes that the process may hold.
    #[getter]
    fn limit(&self) -> u64 {
        self.state.lock().limit
    }

    #[setter]
    fn set_limit(&self, limit: u64) {
        self.state.lock().limit = limit;
    }

    /// The bytes that the table seems to hold.
    #[getter]
    fn held(&self) -> u64 {
        self.state.lock().held
    }

    /// Counts so many more records as these, and bytes for the place of each.
    #[pyo3(signature = (records, count, place=SLOT))]
    fn add(&self, records: &Bound<'_, PyList>, count: usize, place: usize) {
        if count > 0 && !records.is_empty() {
            let each = size_of_all(records, SAMPLES) / records.len() + place;
            self.grow((each * count) as i64);
        }
    }

    /// Returns whether the table must be moved out of memory: the task's pool grants no more, or the process holds too much.
    fn exceeded(&self) -> bool {
        let mut state = self.state.lock();
        let resident = resident_bytes(std::process::id());
        if resident > state.limit {
            return true;
        }
        self.task().is_some_and(|task| !state.cover(&*task, resident))
    }

    /// Notes that the table was moved out of memory. What the process still holds then, it may hold from now on.
    fn relieved(&self) {
        // A process does not always give memory back when objects go.
        let used = resident_bytes(std::process::id());
        let mut state = self.state.lock();
        state.limit = state.limit.max(used / 20 * 21).max(used + LEAST_ROOM);
        drop(state);
        self.cleared();
    }

    /// Gives everything back: the table is empty.
    fn cleared(&self) {
        let mut state = self.state.lock();
        state.held = 0;
        let granted = std::mem::take(&mut state.granted);
        if let Some(task) = self.task() {
            task.release(granted);
        }
    }

    /// Lifts the limit: nothing more can be moved out.
    fn unlimited(&self) {
        self.state.lock().limit = u64::MAX;
    }
}

impl Budget {
    fn task(&self) -> Option<Arc<dyn Workspace>> {
        self.task.as_ref().and_then(Weak::upgrade)
    }

    /// Counts the last bytes of a table that stays in memory, whatever the pool has left.
    pub(crate) fn complete(&self, bytes: i64) {
        self.grow(bytes);
        let mut state = self.state.lock();
        let Some(task) = self.task() else { return };
        if !state.cover(&*task, resident_bytes(std::process::id())) {
            let missing = (state.held as usize).saturating_sub(state.granted);
            task.reserve_anyway(missing);
            state.granted += missing;
        }
    }

    /// Counts so many more bytes, or fewer.
    pub(crate) fn grow(&self, bytes: i64) {
        let mut state = self.state.lock();
        state.held = state.held.saturating_add_signed(bytes);
    }
}

impl State {
    /// Makes the grants cover what is held. Returns `false` when they cannot.
    fn cover(&mut self, task: &dyn Workspace, resident: u64) -> bool {
        if self.held <= self.granted as u64 {
            return true;
        }
        if resident > 0 {
            // What records share was counted for each of them.
            self.held = self.held.min(resident.saturating_sub(worker::resident_at_first()));
        }
        let held = usize::try_from(self.held).unwrap_or(usize::MAX);
        let Some(missing) = held.checked_sub(self.granted).filter(|missing| *missing > 0) else {
            return true;
        };
        for ask in [missing.next_multiple_of(STEP), missing] {
            if task.try_reserve(ask) {
                self.granted += ask;
                return true;
            }
        }
        let anyway = self.held <= LEAST_ROOM || self.limit == u64::MAX;
        if anyway {
            task.reserve_anyway(missing);
            self.granted += missing;
        }
        anyway
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        self.cleared();
    }
}

/// Returns the bytes of memory that this process holds; 0 where the system does not tell.
#[pyfunction]
pub(crate) fn memory_used() -> u64 {
    resident_bytes(std::process::id())
}

/// Asks a budget, which may be one of a class that overrides it, whether it is exceeded.
pub(crate) fn is_exceeded(budget: &Bound<'_, Budget>) -> PyResult<bool> {
    match budget.is_exact_instance_of::<Budget>() {
        true => Ok(budget.get().exceeded()),
        false => budget.call_method0("exceeded")?.extract(),
    }
}
