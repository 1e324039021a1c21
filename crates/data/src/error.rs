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

    /// Returns whether the data is gone or broken, so that only its writer can make it again. The reason of other
    /// errors is this process or its machine: too few descriptors, too little memory, or a file that may not be opened.
    pub fn is_lost(&self) -> bool {
        /// The number of the error of a disk that cannot give back what it was given; the standard library has no name for it.
        const EIO: i32 = 5;
        match self {
            DataError::Corrupt { .. } | DataError::Decode { .. } | DataError::Remote { .. } => true,
            DataError::Encode { .. } => false,
            DataError::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
                    || source.raw_os_error() == Some(EIO)
            }
        }
    }

    pub(crate) fn encode<T>(error: impl ToString) -> Self {
        DataError::Encode { type_name: std::any::type_name::<T>(), message: error.to_string() }
    }

    pub(crate) fn decode<T>(error: impl ToString) -> Self {
        DataError::Decode { type_name: std::any::type_name::<T>(), message: error.to_string() }
    }
}

/// The numbers of the errors for too many open files, in the machine and in the process; the standard library has
/// no names for them.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// Returns advice on what to do about it.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => {
            ". The disk is full: set `firesteel.local.dir` to a directory with more space, or raise `firesteel.memory`"
        }
        _ if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) => {
            ". Raise the limit of open files (`ulimit -n`), or let fewer tasks run at a time"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(error: io::Error) -> DataError {
        DataError::io("open", Path::new("/local/shuffle-1"), error)
    }

    #[test]
    fn what_is_gone_or_broken_is_lost_and_what_this_process_lacks_is_not() {
        let corrupt = DataError::Corrupt { source_name: "a".into(), message: "b".into() };
        assert!(corrupt.is_lost());
        for lost in [io::ErrorKind::NotFound, io::ErrorKind::UnexpectedEof] {
            assert!(io(lost.into()).is_lost(), "{lost}");
        }
        assert!(io(io::Error::from_raw_os_error(5)).is_lost());
        for kept in [io::ErrorKind::PermissionDenied, io::ErrorKind::OutOfMemory, io::ErrorKind::IsADirectory]
        {
            assert!(!io(kept.into()).is_lost(), "{kept}");
        }
    }

    #[test]
    fn a_full_table_of_descriptors_is_not_lost_records_and_says_what_to_do() {
        for number in [EMFILE, ENFILE] {
            let error = io(io::Error::from_raw_os_error(number));
            assert!(!error.is_lost());
            let text = error.to_string();
            assert!(text.contains("/local/shuffle-1") && text.contains("ulimit -n"), "{text}");
        }
    }
}
