//! [`Store`]: directories and files that can be listed, read, written and removed, and the means by which
//! jobs commit there. The modules below `stores` implement it; all others reach bytes through it alone.
//!
//! Paths in a store are text below its root: `/dir/file`, or as the user wrote it on the local disks.

use crate::error::{IoError, IoOperation};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The kind of thing that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File { length: u64 },
    Directory,
}

/// One name in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// The kind of thing that it stands for, where the listing tells.
    pub(crate) kind: Option<Kind>,
    /// False for a local name that is no text, and so cannot be opened by a text.
    pub(crate) is_text: bool,
}

impl Entry {
    pub(crate) fn new(name: String, kind: Kind) -> Entry {
        Entry { name, kind: Some(kind), is_text: true }
    }
}

/// One name in a directory, and what a listing tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The time of the last change, in milliseconds since 1970, if the store tells.
    pub(crate) modified_ms: Option<u64>,
}

/// One store, opened: the local disks, a bucket, a file system of Hadoop's, a web server.
pub(crate) trait Store: Send + Sync {
    /// Returns the beginning of whole paths: `s3a://bucket`; nothing for local ones.
    fn root(&self) -> &str;

    /// Returns the kind of thing at a path, if there is one.
    fn kind(&self, path: &str) -> Result<Option<Kind>, IoError>;

    /// Returns the names in a directory, sorted by their bytes; none if it is not there.
    fn entries(&self, directory: &str) -> Result<Option<Vec<Entry>>, IoError>;

    /// Returns the names in a directory, with what a listing tells of each, sorted by their bytes; none if it is
    /// not there.
    fn details(&self, directory: &str) -> Result<Option<Vec<Detail>>, IoError>;

    /// Opens a file for reading.
    fn open(&self, path: &str) -> Result<Box<dyn ReadFile>, IoError>;

    /// Begins a file that is not there, in a directory that is.
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, IoError>;

    /// Removes a directory with its contents. One that is not there is removed already.
    fn remove_tree(&self, path: &str) -> Result<(), IoError>;

    /// Returns the means by which jobs commit.
    fn commit_means(&self) -> CommitMeans;

    /// Returns the means by which files grow before the eyes of readers, where there are any.
    fn growing(&self) -> Option<Arc<dyn Growing>> {
        None
    }
}

/// A file that is read, at any position.
pub(crate) trait ReadFile: Read + Seek + fmt::Debug + Send + Sync {
    /// Returns the number of bytes that it had when it was opened.
    fn len(&self) -> u64;

    /// Returns exactly `length` bytes from `offset` on. The position of [`Read`] does not matter, and does
    /// not move.
    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, IoError>;

    /// Tells that a sequential read will probably end at `end`. Of use to files that are fetched ahead.
    fn expect_end(&mut self, _end: u64) {}
}

/// A file that is written. Nothing is visible under its name before [`WriteFile::finish`]; dropped unfinished, it leaves nothing.
pub(crate) trait WriteFile: Write + fmt::Debug + Send + Sync {
    /// Makes the file appear, whole.
    fn finish(self: Box<Self>) -> Result<(), IoError>;
}

/// The operations of a file system on files that readers see while they are written.
pub(crate) trait Growing: Send + Sync {
    /// Begins a file, over one that is there, with these permissions.
    fn grow(&self, path: &str, mode: u32) -> Result<Box<dyn GrowingFile>, IoError>;
    /// Makes a directory with these permissions, which must not be there, in one that is.
    fn make_directory(&self, path: &str, mode: u32) -> Result<(), IoError>;
    /// Renames a file, to a name that is free.
    fn rename(&self, from: &str, to: &str) -> Result<(), IoError>;
    /// Removes a file. One that is not there is removed already.
    fn remove_file(&self, path: &str) -> Result<(), IoError>;
}

/// A file that grows. A flush brings what was written to readers, even if the program is killed then; where that costs
/// much, it need not obey at once what follows another one soon.
pub(crate) trait GrowingFile: Write + fmt::Debug + Send {
    /// Brings all that was written to readers, now.
    fn show(&mut self) -> Result<(), IoError>;
}

/// The step that is atomic in a store, by which jobs commit.
pub(crate) enum CommitMeans {
    /// A rename is one step, whatever is renamed.
    Renames(Arc<dyn Renaming>),
    /// Nothing can be renamed, but an upload can be left uncompleted.
    Uploads(Arc<dyn Uploading>),
}

/// The operations of a file system that a commit by renames needs. Errors have the kinds of the local file
/// system's.
pub(crate) trait Renaming: Send + Sync {
    /// Makes a directory that must not be there, in one that is.
    fn make_directory(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory and those above it, as far as they are missing.
    fn make_directories(&self, path: &Path) -> io::Result<()>;
    /// Renames in one step. Never replaces a directory that holds something.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file, which must be there.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory, which must be there and be empty.
    fn remove_empty_directory(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory, which must be there, with its contents.
    fn remove_tree(&self, path: &Path) -> io::Result<()>;
    /// Returns the names in a directory, which must be there.
    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    /// Returns the names in a directory, which must be there, and what they stand for.
    fn list(&self, directory: &Path) -> io::Result<Vec<Named>>;
    /// Returns whether there is a file or directory at a path.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Writes a small file, over one that is there.
    fn write_text(&self, path: &Path, text: &str) -> io::Result<()>;
    /// Returns what a small file holds, which must be there.
    fn read_text(&self, path: &Path) -> io::Result<String>;
    /// Begins a file in a directory that is there; one of the same name would be replaced.
    fn create(&self, path: PathBuf) -> io::Result<Box<dyn WriteFile>>;
    /// Returns the path as a user writes it.
    fn shown(&self, path: &Path) -> String;
}

/// One name in a directory, and what it stands for. A link is no directory.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: OsString,
    pub(crate) is_directory: bool,
}

/// The operations of an object store that a commit by uploads needs. Calls that take several objects have
/// many requests under way at once.
pub(crate) trait Uploading: Send + Sync {
    /// Fails where nothing can be written.
    fn check_writable(&self, operation: IoOperation, path: &str) -> Result<(), IoError>;
    /// Begins an upload, which the store knows from then on.
    fn begin(&self, path: &str) -> Result<Box<dyn PartUpload>, IoError>;
    /// Makes objects of uploads. One that is an object already, by a call whose answer was lost, counts as
    /// made.
    fn complete(&self, operation: IoOperation, uploads: Vec<Uploaded>) -> Result<(), IoError>;
    /// Tells the store to forget uploads. One that it does not know is forgotten already.
    fn forget(&self, operation: IoOperation, uploads: Vec<Uploaded>) -> Result<(), IoError>;
    /// Writes a small object in one step.
    fn put(&self, operation: IoOperation, path: &str, bytes: Vec<u8>, over: Over) -> Result<(), IoError>;
    /// Returns small objects, in their order; none for those that are not there.
    fn get(&self, operation: IoOperation, paths: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, IoError>;
    /// Returns whether there is an object at a path.
    fn exists(&self, operation: IoOperation, path: &str) -> Result<bool, IoError>;
    /// Returns those of some paths at which there are objects.
    fn found(&self, operation: IoOperation, paths: Vec<String>) -> Result<Vec<String>, IoError>;
    /// Returns the paths of all objects below one.
    fn below(&self, operation: IoOperation, path: &str) -> Result<Vec<String>, IoError>;
    /// Removes objects; one that is not there is removed already.
    fn remove(&self, operation: IoOperation, paths: Vec<String>) -> Result<(), IoError>;
    /// Returns the path as a user writes it.
    fn shown(&self, path: &str) -> String;
}

/// The objects that [`Uploading::put`] may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// None: of several that write the same object, only the first does.
    Nothing,
    /// Any object of the name.
    Anything,
}

/// A file that is sent in parts, which become an object only at a further call.
pub(crate) trait PartUpload: fmt::Debug + Send + Sync {
    /// Takes some of the bytes, and returns their number.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, IoError>;
    /// Returns the store's name for the upload.
    fn id(&mut self) -> Result<String, IoError>;
    /// Sends the rest, and returns the parts, by which the object can be made, or forgotten.
    fn hand_over(self: Box<Self>) -> Result<Parts, IoError>;
}

/// All parts of a file, which are not a file yet. Travels as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(crate) id: String,
    pub(crate) parts: Vec<String>,
}

/// An upload, and the object that it is to become.
#[derive(Clone, Debug)]
pub(crate) struct Uploaded {
    pub(crate) path: String,
    pub(crate) upload: Parts,
    /// Its length, once all its parts were sent.
    pub(crate) bytes: Option<u64>,
}
