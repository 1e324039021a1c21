//! The errors of records in bulk: encoding, decoding, reading and writing.

use std::io;
use std::path::{Path, PathBuf};

/// The reason why records could not be encoded, decoded, written or read back.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A record refuses to be encoded.
    #[error("a record of type {type_name} could not be encoded: {message}")]
    Encode {
        /// The record's type.
        type_name: &'static str,
        /// The message of its `Serialize`.
        message: String,
    },
    /// Bytes are not what the type's `Deserialize` expects.
    #[error(
        "records of type {type_name} could not be decoded: {message}. (Serde attributes that need a self-describing format, \
         such as `untagged`, `flatten` and `skip_serializing_if`, do not work in records)"
    )]
    Decode {
        /// The record's type.
        type_name: &'static str,
        /// The message of its `Deserialize`.
        message: String,
    },
    /// A block is shorter or longer than it says, or its checksum differs.
    #[error("{source_name} is corrupt: {message}")]
    Corrupt {
        /// The file or block.
        source_name: String,
        /// The inconsistency that was found.
        message: String,
    },
    /// Another host could not be asked for a block, or could not send it.
    #[error("{message} ({address})")]
    Remote {
        /// The host's address.
        address: String,
        /// The failure.
        message: String,
    },
    /// The operating system refused.
    #[error("could not {operation} {path}: {source}{}", hint(.source))]
    Io {
        /// "write", "read", "create".
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl DataError {
    /// Makes the error of an I/O operation on a file.
    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        DataError::Io { operation, path: path.to_owned(), source }
    }

    pub(crate) fn encode<T>(error: impl ToString) -> Self {
        DataError::Encode { type_name: std::any::type_name::<T>(), message: error.to_string() }
    }

    pub(crate) fn decode<T>(error: impl ToString) -> Self {
        DataError::Decode { type_name: std::any::type_name::<T>(), message: error.to_string() }
    }
}

/// Returns advice on what to do about it.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => {
            ". The disk is full: set `firesteel.local.dir` to a directory with more space, or raise `firesteel.memory`"
        }
        _ => "",
    }
}
