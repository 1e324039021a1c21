//! The name of a process that a worker runs.

use firesteel_standalone::{DriverRun, ExecutorName};
use std::fmt;

/// The name of a process that a worker runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProcessName {
    /// An executor.
    Executor(ExecutorName),
    /// A run of a driver.
    Driver(DriverRun),
}

impl fmt::Display for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessName::Executor(executor) => write!(f, "executor {executor}"),
            ProcessName::Driver(run) => write!(f, "{run}"),
        }
    }
}
