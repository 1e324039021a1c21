//! [`IoError`]: a failed operation on a file, as data: the operation, the path and the cause. Its text is for
//! people; a scheduler asks [`IoError::retryable`].

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
    /// The operation that was attempted.
    pub operation: IoOperation,
    /// The path, or the pattern of paths, of the operation.
    pub path: String,
    /// The reason why it failed.
    pub cause: IoCause,
}

/// The operation that was attempted.
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

/// The reason why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IoCause {
    /// There is no file or directory of that name.
    NotFound,
    /// The user that runs this program may not do it.
    PermissionDenied,
    /// The disk, or the user's share of it, is full.
    DiskFull,
    /// A pattern matched nothing.
    NoMatch {
        /// The directory whose names were compared with the pattern, the last one if there were several.
        directory: String,
        /// The number of directories that were looked through.
        directories: usize,
        /// The number of names that they hold together.
        names: usize,
    },
    /// The pattern is not well formed. Holds the fault.
    BadPattern(String),
    /// The path cannot be one. Holds the fault.
    BadPath(String),
    /// The path is in a store that is not supported. Holds its scheme, such as `s3`.
    UnknownScheme(String),
    /// A directory of input files holds another directory, whose name this is.
    NestedDirectory(String),
    /// A split of a compressed file does not start at its beginning.
    NotSplittable(Codec),
    /// A compressed file ends before its data does.
    CutShort(Codec),
    /// A compressed file holds bytes that its codec cannot have written.
    Corrupt {
        /// The codec.
        codec: Codec,
        /// Its complaint.
        what: String,
    },
    /// The file breaks the rules of its format.
    Malformed {
        /// The place in the file where that shows, in bytes.
        offset: u64,
        /// The fault, and the remedy if it is known.
        what: String,
    },
    /// The file holds records of other types than those asked for.
    OtherTypes {
        /// The types that the file says it holds.
        found: String,
        /// The types that were asked for, and cannot be made from those.
        asked: String,
        /// The call to write instead.
        instead: String,
    },
    /// The file cannot be cut into records of equal length.
    NotRecords {
        /// The length of the file, decompressed.
        length: u64,
        /// The length that a record is to have.
        record: u64,
    },
    /// A record cannot be written. Holds the reason.
    Unwritable(String),
    /// The file is shorter than it was when the splits were made.
    Shrunk {
        /// The least number of bytes that the split expects the file to have.
        expected: u64,
        /// The number of bytes that it has.
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
    /// The job is not set up here: it never was, or it has been committed or aborted.
    JobEnded,
    /// The job cannot be committed: no attempt at this partition has been.
    Uncommitted(Partition),
    /// The file could not be moved.
    Rename {
        /// The path that it was to have.
        to: String,
        /// The reason why it could not be moved.
        message: String,
    },
    /// A store refuses the program's credentials.
    Refused {
        /// The store's words.
        said: String,
        /// The settings or variables that would mend it, as an instruction.
        set: String,
    },
    /// There is no bucket, or container, of that name.
    NoSuchBucket {
        /// The store's word for it: `bucket` or `container`.
        container: String,
        /// Its name.
        name: String,
    },
    /// A store cannot be opened with its present settings.
    NotConfigured {
        /// The part that is missing or wrong.
        what: String,
        /// The settings or variables that would mend it, as an instruction.
        set: String,
    },
    /// Files of such places can be read, not written. Holds the scheme.
    ReadOnly(String),
    /// Such places do not list their files. Holds the scheme.
    NoListing(String),
    /// This program was built without the client for such paths. Holds the scheme.
    SchemeLeftOut(String),
    /// The file was replaced by another one after it was opened.
    Changed,
    /// Any other answer of a store.
    Store {
        /// The store's words, the number of tries and the time that they took.
        message: String,
        /// True if another try could end differently.
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
    /// Makes an error of its three parts.
    pub fn new(operation: IoOperation, path: impl Into<String>, cause: IoCause) -> IoError {
        IoError { operation, path: path.into(), cause }
    }

    /// Takes the error out of a standard one if an [`crate::Input`] or [`crate::Output`] put one there; else
    /// makes one of the operating system's answer to an operation on a path.
    pub fn from_io(operation: IoOperation, path: impl Into<String>, error: io::Error) -> IoError {
        match error.downcast::<IoError>() {
            Ok(whole) => whole,
            Err(error) => IoError::new(operation, path, error.into()),
        }
    }

    /// Makes an error of the operating system's answer.
    pub(crate) fn os(operation: IoOperation, path: &Path, error: io::Error) -> IoError {
        IoError::new(operation, path.to_string_lossy(), error.into())
    }

    /// Returns whether another attempt could end differently. One at a missing, corrupt or forbidden file
    /// could not.
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
    /// Returns the cause of a store that cannot be opened because no credentials for it were found.
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
            IoCause::BadPath(what) | IoCause::Unwritable(what) => f.write_str(what),
            IoCause::UnknownScheme(scheme) => write!(f, "paths that start with {scheme}: {SCHEMES}"),
            IoCause::NestedDirectory(name) => write!(f, "it holds a directory, {name}, {NOT_RECURSIVE}"),
            IoCause::NotSplittable(codec) => write!(f, "a {codec} file {FROM_ITS_BEGINNING}"),
            IoCause::CutShort(codec) => write!(f, "the {codec} file {ENDS_IN_A_BLOCK}"),
            IoCause::Corrupt { codec, what } => write!(f, "the {codec} file is corrupt: {what}"),
            IoCause::Malformed { offset, what } => write!(f, "at byte {offset}, {what}"),
            IoCause::OtherTypes { found, asked, instead } => {
                write!(f, "it holds {found}, which cannot be read as {asked}: {instead}")
            }
            IoCause::NotRecords { length, record } => write_not_records(f, *length, *record),
            IoCause::Shrunk { expected, found } => write_shrunk(f, *expected, *found),
            IoCause::OutputExists => f.write_str(OUTPUT_EXISTS),
            IoCause::CommittedByAnother(winner) => {
                write!(f, "another attempt at the same partition, {winner}, has committed its output")
            }
            IoCause::NoSuchAttempt { partition, attempt } => {
                write!(f, "attempt {attempt} at partition {partition} has no output to commit")
            }
            IoCause::JobEnded => f.write_str(JOB_ENDED),
            IoCause::Uncommitted(partition) => {
                write!(f, "no attempt at partition {partition} has committed its output")
            }
            IoCause::Rename { to, message } => write!(f, "it could not be moved to {to}: {message}"),
            IoCause::Refused { said, set } => write!(f, "access was refused ({said}); {set}"),
            IoCause::NoSuchBucket { container, name } => {
                write!(f, "there is no {container} {name}; make it first, or correct its name")
            }
            // Some complaints say themselves what to do, and come without an instruction.
            IoCause::NotConfigured { what, set } if set.is_empty() => f.write_str(what),
            IoCause::NotConfigured { what, set } => write!(f, "{what}; {set}"),
            IoCause::ReadOnly(scheme) => {
                write!(f, "paths that start with {scheme}: can be read, not written")
            }
            IoCause::NoListing(scheme) => write!(f, "paths that start with {scheme}: {NO_LISTING}"),
            IoCause::SchemeLeftOut(scheme) => write_left_out(f, scheme),
            IoCause::Changed => f.write_str("the file was replaced by another one while it was read"),
            IoCause::Store { message, .. } | IoCause::Os { message, .. } => f.write_str(message),
        }
    }
}

// The longer sentences, or their ends, so that the list of causes above fits a screen.

const SCHEMES: &str = "are not supported; those of s3, s3a, gs, abfss, az, http, https, hdfs and file are, and local ones \
     with nothing before them";
const NOT_RECURSIVE: &str = "and directories are not read recursively; add /* to the path to read the files of such \
     directories too";
const FROM_ITS_BEGINNING: &str = "can only be read from its beginning, and this split starts further on";
const ENDS_IN_A_BLOCK: &str = "ends in the middle of a block (it was cut short)";
const OUTPUT_EXISTS: &str =
    "it exists already; remove it, or choose another directory, so that outputs do not mix";
const JOB_ENDED: &str = "the job is not set up there: it was committed or aborted, or never began";
const NO_LISTING: &str = "can be neither patterns nor directories, since such servers do not say which files they have; \
     name each file, with commas between";

fn write_not_records(f: &mut fmt::Formatter<'_>, length: u64, record: u64) -> fmt::Result {
    let left_over = length.checked_rem(record).unwrap_or(length);
    write!(f, "its {length} bytes are not whole records of {record} bytes: {left_over} are left over")
}

fn write_shrunk(f: &mut fmt::Formatter<'_>, expected: u64, found: u64) -> fmt::Result {
    write!(f, "the file has shrunk since it was listed: it had at least {expected} bytes and has {found} now")
}

fn write_left_out(f: &mut fmt::Formatter<'_>, scheme: &str) -> fmt::Result {
    let feature = match scheme {
        "gs" => "gcs",
        "abfss" => "azure",
        same => same,
    };
    write!(
        f,
        "this program was built without paths that start with {scheme}:; in its Cargo.toml, give firesteel the \
         feature for them: features = [\"{feature}\"]"
    )
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
