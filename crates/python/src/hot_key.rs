//! The key that a task has most values of. Python's side of a shuffle knows it, and tells it here.

use crate::noting::shown;
use crate::timing;
use firesteel_types::{HotKey, TaskMetrics};
use pyo3::prelude::*;
use std::cell::RefCell;

thread_local! {
    static HOTTEST: RefCell<Option<Box<HotKey>>> = const { RefCell::new(None) };
}

/// Notes that this thread's task has this many values of a key, if no other key has more.
#[pyfunction]
pub(crate) fn note_hot_key(key: &Bound<'_, PyAny>, records: u64) {
    // The key's own code makes its text: nothing may be borrowed meanwhile.
    let key = shown(key);
    HOTTEST.with_borrow_mut(|hottest| {
        if hottest.as_ref().is_none_or(|known| known.records < records) {
            *hottest = Some(Box::new(HotKey { key, records }));
        }
    });
}

/// Adds all that a task has measured in Python since the last call to its figures.
pub(crate) fn add_to(metrics: &mut TaskMetrics) {
    metrics.python = timing::take();
    if let Some(hottest) = HOTTEST.take() {
        metrics.hot_key = Some(hottest);
    }
}
