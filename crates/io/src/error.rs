//! What can go wrong with a file, as data: the operation, the path and the cause. Text is made from it for a person, and
//! [`IoError::retryable`] is what a scheduler asks.

use crate::codec::Codec;
use crate::scheme::Scheme;
use firesteel_types::{Partition, TaskId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::Path;

/// One failed operation on one path.
///
/// ```
/// use firesteel_io::{IoCause, IoError, IoOperation};
/// let error = IoError::new(IoOperation::Read, "/data/a.txt", IoCause::NotFound);
/// assert_eq!(error.to_string(), "could not read /data/a.txt: there is no such file or directory");
/// assert!(!error.retryable());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("could not {operation} {path}: {cause}")]
pub struct IoError {
    /// What was attempted.
    pub operation: IoOperation,
    /// On what: a path, or a pattern of paths.
    pub path: String,
    /// Why it failed.
    pub cause: IoCause,
}

/// What was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IoOperation {
    /// Finding input files.
    List,
    /// Reading a file.
    Read,
    /// Making a file or a directory.
    Create,
    /// Writing a file.
    Write,
    /// Preparing an output directory.
    SetUp,
    /// Making a task's or a job's output final.
    Commit,
    /// Removing a task's or a job's output.
    Abort,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IoCause {
    /// Nothing has that name.
    NotFound,
    /// The user that runs this program may not.
    PermissionDenied,
    /// The disk, or the user's share of it, is full.
    DiskFull,
    /// A pattern matched nothing.
    NoMatch {
        /// The directory whose names were compared with the pattern, the last one if there were several.
        directory: String,
        /// How many directories were looked through.
        directories: usize,
        /// How many names they hold together.
        names: usize,
    },
    /// The pattern is not well formed. Holds what is wrong with it.
    BadPattern(String),
    /// The path cannot be one. Holds what is wrong with it.
    BadPath(String),
    /// The path is in a store that is not supported. Holds its scheme, such as `s3`.
    UnknownScheme(String),
    /// A directory of input files holds another directory, whose name this is.
    NestedDirectory(String),
    /// A split of a compressed file does not start at its beginning.
    NotSplittable(Codec),
    /// A compressed file ends before its data does.
    CutShort(Codec),
    /// A compressed file holds what its codec cannot have written.
    Corrupt {
        /// The codec.
        codec: Codec,
        /// What it says.
        what: String,
    },
    /// The file is not what its format demands.
    Malformed {
        /// How far into the file that shows, in bytes.
        offset: u64,
        /// What is wrong, and what to do about it if that can be told.
        what: String,
    },
    /// The file holds records of other types than those asked for.
    OtherTypes {
        /// What the file says that it holds.
        found: String,
        /// What was asked for, and cannot be made from that.
        asked: String,
        /// What to write instead.
        instead: String,
    },
    /// The file cannot be cut into records of equal length.
    NotRecords {
        /// How long the file is, decompressed.
        length: u64,
        /// How long a record is to be.
        record: u64,
    },
    /// A record that cannot be written. Holds why.
    Unwritable(String),
    /// The file is shorter than it was when the splits were made.
    Shrunk {
        /// How many bytes the split expects the file to have, at least.
        expected: u64,
        /// How many it has.
        found: u64,
    },
    /// Something exists where the output directory is to be made.
    OutputExists,
    /// Another attempt at the same partition has committed its output. Holds that attempt.
    CommittedByAnother(TaskId),
    /// The attempt has no output to commit: it wrote none, or was aborted.
    NoSuchAttempt {
        /// The partition.
        partition: Partition,
        /// The attempt.
        attempt: TaskId,
    },
    /// The job is not set up here: it was never, or it has been committed or aborted.
    JobEnded,
    /// The job cannot be committed: no attempt at this partition has been.
    Uncommitted(Partition),
    /// The file could not be moved.
    Rename {
        /// Where it was to go.
        to: String,
        /// Why it could not.
        message: String,
    },
    /// A store refuses whoever asks.
    Refused {
        /// What it says.
        said: String,
        /// What to set.
        set: String,
    },
    /// There is no bucket, or container, of that name.
    NoSuchBucket {
        /// What the store calls it: `bucket` or `container`.
        container: String,
        /// Its name.
        name: String,
    },
    /// A store cannot be opened with what is set.
    NotConfigured {
        /// What is missing or wrong.
        what: String,
        /// What to set.
        set: String,
    },
    /// Files of such places can be read, not written. Holds the scheme.
    ReadOnly(String),
    /// Such places do not tell which files they have. Holds the scheme.
    NoListing(String),
    /// This program was built without the client for such paths. Holds the scheme.
    SchemeLeftOut(String),
    /// The file is not the one any more that was opened.
    Changed,
    /// Any other answer of a store.
    Store {
        /// What it said, how often it was tried and for how long.
        message: String,
        /// Whether it could say something else another time.
        transient: bool,
    },
    /// Any other answer of the operating system.
    Os {
        /// The system's number for it.
        code: Option<i32>,
        /// The system's words for it.
        message: String,
    },
}

impl IoError {
    /// An error from its three parts.
    pub fn new(operation: IoOperation, path: impl Into<String>, cause: IoCause) -> IoError {
        IoError { operation, path: path.into(), cause }
    }

    /// The error inside a standard one: the whole one, if an [`crate::Input`] or [`crate::Output`] put it there, or one made
    /// from what the operating system answered to an operation on a path.
    pub fn from_io(operation: IoOperation, path: impl Into<String>, error: io::Error) -> IoError {
        match error.downcast::<IoError>() {
            Ok(whole) => whole,
            Err(error) => IoError::new(operation, path, error.into()),
        }
    }

    /// An error from what the operating system answered.
    pub(crate) fn os(operation: IoOperation, path: &Path, error: io::Error) -> IoError {
        IoError::new(operation, path.to_string_lossy(), error.into())
    }

    /// Whether another attempt could end differently. A missing, corrupt or forbidden file is not worth a second look.
    pub fn retryable(&self) -> bool {
        match &self.cause {
            // Space may be found on another host, or freed.
            IoCause::DiskFull | IoCause::Rename { .. } | IoCause::Os { .. } => true,
            IoCause::Store { transient, .. } => *transient,
            // Another attempt reads one version from its beginning.
            IoCause::Changed => true,
            // Another attempt writes its own output, and begins later.
            IoCause::NoSuchAttempt { .. } | IoCause::CommittedByAnother(_) => true,
            IoCause::NotFound
            | IoCause::PermissionDenied
            | IoCause::NoMatch { .. }
            | IoCause::BadPattern(_)
            | IoCause::BadPath(_)
            | IoCause::UnknownScheme(_)
            | IoCause::NestedDirectory(_)
            | IoCause::NotSplittable(_)
            | IoCause::CutShort(_)
            | IoCause::Corrupt { .. }
            | IoCause::Malformed { .. }
            | IoCause::OtherTypes { .. }
            | IoCause::NotRecords { .. }
            | IoCause::Unwritable(_)
            | IoCause::Shrunk { .. }
            | IoCause::Refused { .. }
            | IoCause::NoSuchBucket { .. }
            | IoCause::NotConfigured { .. }
            | IoCause::ReadOnly(_)
            | IoCause::NoListing(_)
            | IoCause::SchemeLeftOut(_)
            | IoCause::OutputExists
            | IoCause::JobEnded
            | IoCause::Uncommitted(_) => false,
        }
    }
}

impl IoCause {
    /// Nothing was found by which to ask a store for anything.
    pub(crate) fn no_credentials(scheme: Scheme) -> IoCause {
        IoCause::NotConfigured { what: "there are no credentials".into(), set: scheme.credentials().into() }
    }
}

impl From<IoError> for io::Error {
    fn from(error: IoError) -> io::Error {
        io::Error::other(error)
    }
}

impl From<io::Error> for IoCause {
    fn from(error: io::Error) -> IoCause {
        if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<IoError>()) {
            return inner.cause.clone();
        }
        match error.kind() {
            io::ErrorKind::NotFound => IoCause::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => IoCause::PermissionDenied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => IoCause::DiskFull,
            _ => IoCause::Os { code: error.raw_os_error(), message: error.to_string() },
        }
    }
}

impl fmt::Display for IoOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IoOperation::List => "list",
            IoOperation::Read => "read",
            IoOperation::Create => "create",
            IoOperation::Write => "write",
            IoOperation::SetUp => "set up the output",
            IoOperation::Commit => "commit",
            IoOperation::Abort => "remove",
        })
    }
}

impl fmt::Display for IoCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IoCause::NotFound => f.write_str("there is no such file or directory"),
            IoCause::PermissionDenied => f.write_str("permission denied"),
            IoCause::DiskFull => f.write_str("disk full"),
            IoCause::NoMatch { directory, directories, names } => {
                write_no_match(f, directory, *directories, *names)
            }
            IoCause::BadPattern(what) => write!(f, "the pattern is not well formed: {what}"),
            IoCause::BadPath(what) => f.write_str(what),
            IoCause::UnknownScheme(scheme) => {
                write!(
                    f,
                    "paths that start with {scheme}: are not supported; those of s3, s3a, gs, abfss, az, http, https, hdfs \
                     and file are, and local ones with nothing before them"
                )
            }
            IoCause::NestedDirectory(name) => write!(
                f,
                "it holds a directory, {name}, and directories are not read recursively; add /* to the path to read \
                 the files of such directories too"
            ),
            IoCause::NotSplittable(codec) => {
                write!(
                    f,
                    "a {codec} file can only be read from its beginning, and this split starts further on"
                )
            }
            IoCause::CutShort(codec) => {
                write!(f, "the {codec} file ends in the middle of a block (it was cut short)")
            }
            IoCause::Corrupt { codec, what } => write!(f, "the {codec} file is corrupt: {what}"),
            IoCause::Malformed { offset, what } => write!(f, "at byte {offset}, {what}"),
            IoCause::OtherTypes { found, asked, instead } => {
                write!(f, "it holds {found}, which cannot be read as {asked}: {instead}")
            }
            IoCause::NotRecords { length, record } => write!(
                f,
                "its {length} bytes are not whole records of {record} bytes: {} are left over",
                length.checked_rem(*record).unwrap_or(*length)
            ),
            IoCause::Unwritable(what) => f.write_str(what),
            IoCause::Shrunk { expected, found } => write!(
                f,
                "the file has shrunk since it was listed: it had at least {expected} bytes and has {found} now"
            ),
            IoCause::OutputExists => f.write_str(
                "it exists already; remove it, or choose another directory, so that outputs do not mix",
            ),
            IoCause::CommittedByAnother(winner) => {
                write!(f, "another attempt at the same partition, {winner}, has committed its output")
            }
            IoCause::NoSuchAttempt { partition, attempt } => {
                write!(f, "attempt {attempt} at partition {partition} has no output to commit")
            }
            IoCause::JobEnded => {
                f.write_str("the job is not set up there: it was committed or aborted, or never began")
            }
            IoCause::Uncommitted(partition) => {
                write!(f, "no attempt at partition {partition} has committed its output")
            }
            IoCause::Rename { to, message } => write!(f, "it could not be moved to {to}: {message}"),
            IoCause::Refused { said, set } => write!(f, "access was refused ({said}); {set}"),
            IoCause::NoSuchBucket { container, name } => {
                write!(f, "there is no {container} {name}; make it first, or correct its name")
            }
            IoCause::NotConfigured { what, set } if set.is_empty() => f.write_str(what),
            IoCause::NotConfigured { what, set } => write!(f, "{what}; {set}"),
            IoCause::ReadOnly(scheme) => {
                write!(f, "paths that start with {scheme}: can be read, not written")
            }
            IoCause::NoListing(scheme) => write!(
                f,
                "paths that start with {scheme}: can be neither patterns nor directories, since such servers do not say \
                 which files they have; name each file, with commas between"
            ),
            IoCause::SchemeLeftOut(scheme) => write!(
                f,
                "this program was built without paths that start with {scheme}:; build it with that feature of firesteel"
            ),
            IoCause::Changed => f.write_str("the file was replaced by another one while it was read"),
            IoCause::Store { message, .. } => f.write_str(message),
            IoCause::Os { message, .. } => f.write_str(message),
        }
    }
}

fn write_no_match(
    f: &mut fmt::Formatter<'_>,
    directory: &str,
    directories: usize,
    names: usize,
) -> fmt::Result {
    match directories {
        0 => write!(f, "nothing matches: there is no directory {directory}"),
        1 => write!(f, "nothing matches among the {names} names in {directory}"),
        _ => write!(
            f,
            "nothing matches among the {names} names in {directories} directories, the last of them {directory}"
        ),
    }
}
