//! Local properties: the settings that a thread has made for the jobs that it will run, such as their group,
//! pool and tags.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The properties that the program's thread has set and that its tasks may read.
pub(crate) type Properties = Arc<BTreeMap<String, String>>;

/// The properties of the jobs that a thread will run.
#[derive(Clone, Debug, Default)]
pub struct LocalProperties {
    /// The group by which the jobs can be cancelled.
    pub group: Option<String>,
    /// The scheduler's pool in which they compete; the default one with `None`.
    pub pool: Option<String>,
    /// Tags by which they can be cancelled.
    pub tags: Vec<String>,
    /// The values that their tasks can read, by name.
    pub properties: Properties,
}

thread_local! {
    /// The properties of this thread, by the serial number of the context.
    static LOCAL: RefCell<HashMap<u64, LocalProperties>> = RefCell::default();
}

/// Calls `f` with the properties that this thread has set for a context; `f` may change them.
pub(crate) fn with<R>(context: u64, f: impl FnOnce(&mut LocalProperties) -> R) -> R {
    LOCAL.with_borrow_mut(|all| f(all.entry(context).or_default()))
}
