//! [`Error`]: the reasons why a call of the program fails.

use firesteel_conf::ConfError;
use firesteel_data::DataError;
use firesteel_io::IoError;
use firesteel_tables::TableError;
use firesteel_types::{CallSite, JobFailure};

/// The result of all functions that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why a call failed. Each says what was attempted, on what, and on which line the program asked
/// for it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A job failed.
    #[error("{failure}\n  in the job of {action}")]
    Job {
        /// The action that ran it.
        action: CallSite,
        /// The failure.
        failure: JobFailure,
    },
    /// A file or directory could not be used; found before any task ran.
    #[error("{source}\n  in {site}")]
    Io {
        /// The operation that needed it.
        site: CallSite,
        /// The failure.
        source: IoError,
    },
    /// A table's columns do not fit the record type; found before any task ran.
    #[error("{source}\n  in {site}")]
    Table {
        /// The operation that needed it.
        site: CallSite,
        /// The failure.
        source: TableError,
    },
    /// Records or an environment could not be encoded or decoded on the driver.
    #[error("{source}\n  in {site}")]
    Data {
        /// The operation that needed it.
        site: CallSite,
        /// The failure.
        source: DataError,
    },
    /// The operation has no answer on an RDD without records.
    #[error("{site}: the RDD is empty, and `{operation}` of nothing has no answer.{instead}", operation = .site.operation)]
    Empty {
        /// The operation.
        site: CallSite,
        /// The advice: what to write instead.
        instead: &'static str,
    },
    /// An argument is invalid.
    #[error("{site}: {message}")]
    InvalidArgument {
        /// The operation.
        site: CallSite,
        /// The mistake, and what to write instead.
        message: String,
    },
    /// A setting is invalid.
    #[error(transparent)]
    Conf(#[from] ConfError),
    /// The context was stopped.
    #[error("{site}: the context was stopped; make a new one with `Context::builder()`")]
    Stopped {
        /// The operation.
        site: CallSite,
    },
    /// The context could not start.
    #[error("the context could not start: {0}")]
    Start(String),
}
