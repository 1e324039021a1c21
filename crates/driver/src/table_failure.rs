//! The failure of a task that cannot read or write a table, made of the table's error.

use firesteel_operators::{io_failure, watch};
use firesteel_tables::TableError;
use firesteel_types::{CallSite, TaskFailure};

/// Returns the failure to read or write a table, with the operation that is noted.
pub fn table_failure(operation: &str, error: TableError) -> Box<TaskFailure> {
    if let TableError::Io(error) = error {
        return io_failure(error);
    }
    Box::new(TaskFailure::Operation {
        operation: operation.into(),
        message: error.to_string(),
        site: watch::site().map_or_else(CallSite::default, |site| (*site).clone()),
        retryable: error.retryable(),
    })
}
