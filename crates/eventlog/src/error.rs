//! [`EventLogError`]: the reason why an event log cannot be written, or opened, as data.

use firesteel_io::IoError;

/// The reason why a log cannot be begun or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventLogError {
    /// The directory of logs is not there.
    #[error(
        "there is no directory {dir} for event logs: make it, set spark.eventLog.dir to another one, or set \
         spark.eventLog.enabled to false"
    )]
    NoDirectory {
        /// The directory, as the settings name it.
        dir: String,
    },
    /// There is a log of this application's attempt.
    #[error(
        "there is an event log {path} of this application already: remove it, or set spark.eventLog.overwrite to true"
    )]
    Exists {
        /// Its path.
        path: String,
    },
    /// The name of a file ends in no codec's.
    #[error("{path} ends in .{end}, and logs that Spark writes in .zstd, .lz4, .snappy, .lzf or nothing")]
    UnknownCodec {
        /// The path.
        path: String,
        /// The end of its name.
        end: String,
    },
    /// There is no such log, or a directory has no files of events.
    #[error("there is no event log {path}")]
    NoLog {
        /// The path.
        path: String,
    },
    /// The file system, or the store, said no.
    #[error(transparent)]
    Io(#[from] IoError),
}
