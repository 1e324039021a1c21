//! Names in directories, wherever they are: the one thing that finding inputs needs of a place. The local disks are here;
//! the other places say in their own modules how they do it.

use crate::error::{IoError, IoOperation::List};
use std::fs;
use std::io;
use std::path::Path;

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

/// A place with directories. Paths are absolute, below the root: `/dir/file`.
pub(crate) trait Tree {
    /// What whole paths begin with: `s3a://bucket`; nothing for local ones.
    fn root(&self) -> &str;

    /// What a path stands for, if it is there.
    fn kind(&self, path: &str) -> Result<Option<Kind>, IoError>;

    /// The names in a directory, sorted by their bytes; none if it is not there.
    fn entries(&self, directory: &str) -> Result<Option<Vec<Entry>>, IoError>;
}

/// The local disks.
pub(crate) struct Local;

impl Tree for Local {
    fn root(&self) -> &str {
        ""
    }

    fn kind(&self, path: &str) -> Result<Option<Kind>, IoError> {
        let path = Path::new(path);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(Some(Kind::Directory)),
            Ok(metadata) => Ok(Some(Kind::File { length: metadata.len() })),
            // A link that leads nowhere is there, and cannot be read.
            Err(error) if is_absence(&error) && fs::symlink_metadata(path).is_err() => Ok(None),
            Err(error) => Err(IoError::os(List, path, error)),
        }
    }

    fn entries(&self, directory: &str) -> Result<Option<Vec<Entry>>, IoError> {
        let listed = fs::read_dir(directory)
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>());
        match listed {
            Ok(mut names) => {
                names.sort();
                Ok(Some(names.iter().map(|name| local_entry(name)).collect()))
            }
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(IoError::os(List, Path::new(directory), error)),
        }
    }
}

fn local_entry(name: &std::ffi::OsStr) -> Entry {
    Entry { name: name.to_string_lossy().into_owned(), kind: None, is_text: name.to_str().is_some() }
}

/// Whether the error says that nothing of that name is there.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
