//! What a store is, whichever it is: a place with directories and files in it, which can be listed, read, written and removed, and
//! the means by which jobs commit there. The stores below `stores` implement it; all else knows no other way to bytes.
//!
//! Paths in a store are text below its root: `/dir/file`, or as the user wrote it on the local disks.

use crate::error::{IoError, IoOperation};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File { length: u64 },
    Directory,
}

/// One name in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// What it stands for, where the listing tells.
    pub(crate) kind: Option<Kind>,
    /// False for a local name that is no text, and so cannot be opened by one.
    pub(crate) is_text: bool,
}

impl Entry {
    pub(crate) fn new(name: String, kind: Kind) -> Entry {
        Entry { name, kind: Some(kind), is_text: true }
    }
}

/// One store, opened: the local disks, a bucket, a file system of Hadoop's, a web server.
pub(crate) trait Store: Send + Sync {
    /// What whole paths begin with: `s3a://bucket`; nothing for local ones.
    fn root(&self) -> &str;

    /// What a path stands for, if it is there.
    fn kind(&self, path: &str) -> Result<Option<Kind>, IoError>;

    /// The names in a directory, sorted by their bytes; none if it is not there.
    fn entries(&self, directory: &str) -> Result<Option<Vec<Entry>>, IoError>;

    /// Opens a file for reading.
    fn open(&self, path: &str) -> Result<Box<dyn ReadFile>, IoError>;

    /// Begins a file that is not there, in a directory that is.
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, IoError>;

    /// Removes a directory and all that is in it. One that is not there is removed already.
    fn remove_tree(&self, path: &str) -> Result<(), IoError>;

    /// How jobs commit.
    fn commit_means(&self) -> CommitMeans;
}

/// A file that is read, at any position.
pub(crate) trait ReadFile: Read + Seek + fmt::Debug + Send + Sync {
    /// How many bytes it had when it was opened.
    fn len(&self) -> u64;

    /// Exactly so many bytes from a position on, wherever [`Read`] stands, which does not move.
    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, IoError>;

    /// Tells that a sequential read will probably end there. Of use to those that fetch ahead.
    fn expect_end(&mut self, _end: u64) {}
}

/// A file that is written. Nothing is visible under its name before [`WriteFile::finish`]; dropped unfinished, it leaves nothing.
pub(crate) trait WriteFile: Write + fmt::Debug + Send + Sync {
    /// Makes the file appear, whole.
    fn finish(self: Box<Self>) -> Result<(), IoError>;
}

/// What in a store is atomic, and so what jobs commit by.
pub(crate) enum CommitMeans {
    /// A rename is one step, whatever is renamed.
    Renames(Arc<dyn Renaming>),
    /// Nothing can be renamed, but an upload can be left uncompleted.
    Uploads(Arc<dyn Uploading>),
}

/// What a commit by renames needs of a file system. Errors have the kinds of the local one's.
pub(crate) trait Renaming: Send + Sync {
    /// Makes a directory that must not be there, in one that is.
    fn make_directory(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory and those above it, as far as they are missing.
    fn make_directories(&self, path: &Path) -> io::Result<()>;
    /// Renames in one step. Never replaces a directory that holds something.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    fn remove_empty_directory(&self, path: &Path) -> io::Result<()>;
    fn remove_tree(&self, path: &Path) -> io::Result<()>;
    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Writes a small file, over what is there.
    fn write_text(&self, path: &Path, text: &str) -> io::Result<()>;
    /// Begins a file in a directory that is there; one of the same name would be replaced.
    fn create(&self, path: PathBuf) -> io::Result<Box<dyn WriteFile>>;
    /// The path as a user writes it.
    fn shown(&self, path: &Path) -> String;
}

/// What a commit by uploads needs of an object store. Calls that take several objects have many requests under way at once.
pub(crate) trait Uploading: Send + Sync {
    /// Fails where nothing can be written.
    fn check_writable(&self, operation: IoOperation, path: &str) -> Result<(), IoError>;
    /// Begins an upload, which the store knows from then on.
    fn begin(&self, path: &str) -> Result<Box<dyn PartUpload>, IoError>;
    /// Makes objects of uploads; of those that are objects already, by a call whose answer was lost, nothing more is asked.
    fn complete(&self, operation: IoOperation, uploads: Vec<Uploaded>) -> Result<(), IoError>;
    /// Tells the store to forget uploads; that it has already is no error.
    fn forget(&self, operation: IoOperation, uploads: Vec<Uploaded>) -> Result<(), IoError>;
    /// Writes a small object in one step.
    fn put(&self, operation: IoOperation, path: &str, bytes: Vec<u8>, over: Over) -> Result<(), IoError>;
    /// Small objects, in their order; none for those that are not there.
    fn get(&self, operation: IoOperation, paths: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, IoError>;
    fn exists(&self, operation: IoOperation, path: &str) -> Result<bool, IoError>;
    /// All objects below one.
    fn below(&self, operation: IoOperation, path: &str) -> Result<Vec<String>, IoError>;
    /// Removes objects; one that is not there is removed already.
    fn remove(&self, operation: IoOperation, paths: Vec<String>) -> Result<(), IoError>;
    /// The path as a user writes it.
    fn shown(&self, path: &str) -> String;
}

/// What [`Uploading::put`] may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Of several that write the same object, only the first does.
    Nothing,
    Anything,
}

/// A file that is being sent in parts, which become an object only when that is asked for.
pub(crate) trait PartUpload: fmt::Debug + Send + Sync {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, IoError>;
    /// The store's name for it.
    fn id(&mut self) -> Result<String, IoError>;
    /// Sends what is left, and gives what is needed to make the object appear, or to forget it.
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
