//! Event logs in the format of Spark 4.3: written while an application runs, and read again.
//!
//! [`EventLogWriter`] writes one, by the [`EventLogSettings`] of an application. [`LogDirectory`] lists those of a
//! directory by their first and last lines. [`EventLogReader`] reads one, event by event, in bounded memory. They write
//! what Spark's History Server reads and read what Spark writes, in local directories, in Hadoop's file system and in
//! object stores.
//!
//! The files, in reading order: `names` and `codec`, which are words; `lzf`, `blocks` and `compress`, the codecs;
//! `target`, `peaks` and `writer`; `lines`, `source`, `reader` and `listing`.
//!
//! **Architecture Invariant.** Nothing here decides for an application: a log that cannot be written is told of, and the
//! application goes on. Nothing that a file holds makes a reader panic, or take more memory than a line may have.

mod blocks;
mod codec;
mod compress;
mod error;
mod lzf;
mod names;
mod settings;

mod peaks;
mod target;
mod writer;

mod lines;
mod listing;
mod reader;
mod source;

pub use codec::LogCodec;
pub use error::EventLogError;
pub use listing::{ApplicationLog, LogDirectory, LogListing, RefusedLog};
pub use reader::{BadLine, EventLogReader, MAX_LINE_BYTES};
pub use settings::EventLogSettings;
pub use writer::{EventLogWriter, LogEnd, LoggedApplication, SPARK_VERSION};
