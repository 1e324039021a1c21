//! How near a task runs to its data, and where that data is.

use crate::ids::ExecutorId;
use serde::{Deserialize, Serialize};

/// How near a task is to its data; nearest first, so `a < b` means that `a` is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Locality {
    /// The data lies in the very executor.
    Process,
    /// The data lies on the same host.
    Node,
    /// The task has no preference.
    NoPreference,
    /// Anywhere.
    Any,
}

/// A place where a task's data lies: an executor of ours, or merely a host (a file's block, say).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskLocation {
    /// The host's name.
    pub host: String,
    /// The executor that holds the data in memory, where one does.
    pub executor: Option<ExecutorId>,
}
