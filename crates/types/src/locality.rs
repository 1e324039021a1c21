//! Locality: how near a task runs to its data, and the location of that data.

use crate::ids::ExecutorId;
use serde::{Deserialize, Serialize};

/// The distance of a task from its data; nearest first, so `a < b` means that `a` is nearer.
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

/// The location of a task's data: an executor of the application, or merely a host (of a file's block, say).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskLocation {
    /// The host's name.
    pub host: String,
    /// The executor that has the data in memory, if one has.
    pub executor: Option<ExecutorId>,
}
