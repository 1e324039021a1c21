//! [`Directory`]: one directory, on disks or in a store, whose names are listed and whose files grow before the
//! eyes of readers, are renamed and removed. Of logs, which are read while they are written; outputs of jobs,
//! which appear whole, are [`Output`](crate::Output)s.

use crate::error::{IoCause, IoError, IoOperation};
use crate::location::Location;
use crate::store::{CommitMeans, Growing, GrowingFile, Kind, Over, Store};
use crate::stores::Stores;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

/// A directory, whether it is there or not.
///
/// ```
/// use firesteel_io::{Directory, Stores};
/// use std::io::Write;
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().to_str().unwrap();
/// let directory = Directory::at(&Stores::default(), path)?;
/// let mut log = directory.grow("log.inprogress", 0o660)?;
/// log.write_all(b"one line\n")?;
/// log.flush()?;
/// assert_eq!(directory.entries()?.unwrap()[0].length, Some(9));
/// log.close()?;
/// directory.rename("log.inprogress", "log")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Directory {
    store: Arc<dyn Store>,
    /// Its path in the store, without a slash at its end.
    path: String,
}

/// One name in a directory, and what the listing tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name.
    pub name: String,
    /// The bytes of a file; none for a directory.
    pub length: Option<u64>,
    /// The time of the last change, in milliseconds since 1970, where the store tells.
    pub modified_ms: Option<u64>,
}

impl Directory {
    /// Names a directory. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// When the path is none, or the settings do not lead to a store.
    pub fn at(stores: &Stores, path: &str) -> Result<Directory, IoError> {
        let Location { store, path } = Location::of(stores, IoOperation::List, path)?;
        Ok(Directory { store, path: path.trim_end_matches('/').into() })
    }

    /// Names a directory in this one.
    pub fn inside(&self, name: &str) -> Directory {
        Directory { store: self.store.clone(), path: self.path_of(name) }
    }

    /// Returns the whole path of a file in it, as a user writes it.
    pub fn shown(&self, name: &str) -> String {
        format!("{}{}", self.store.root(), self.path_of(name))
    }

    /// Returns whether it is a directory. Object stores have none, and make them by writing into them: there the
    /// answer is yes.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn is_there(&self) -> Result<bool, IoError> {
        match self.store.growing() {
            Some(_) => Ok(self.store.kind(self.or_root())? == Some(Kind::Directory)),
            None => Ok(true),
        }
    }

    /// Returns the names in it, sorted by their bytes; none if it is not there. Names that are no text are left
    /// out.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn entries(&self) -> Result<Option<Vec<DirectoryEntry>>, IoError> {
        let details = self.store.details(self.or_root())?;
        let entry = |detail: crate::store::Detail| {
            let length = match detail.kind {
                Kind::File { length } => Some(length),
                Kind::Directory => None,
            };
            DirectoryEntry { name: detail.name, length, modified_ms: detail.modified_ms }
        };
        Ok(details.map(|all| all.into_iter().map(entry).collect()))
    }

    /// Returns whether files can grow here and be renamed. In object stores they cannot.
    pub fn can_grow(&self) -> bool {
        self.store.growing().is_some()
    }

    /// Makes it with these permissions, in a directory that is there. Object stores need no such thing.
    ///
    /// # Errors
    /// [`IoCause::OutputExists`] when there is something of its name; or when it cannot be made.
    pub fn make(&self, mode: u32) -> Result<(), IoError> {
        self.store.growing().map_or(Ok(()), |growing| growing.make_directory(&self.path, mode))
    }

    /// Begins a file that readers see while it grows, over one that is there.
    ///
    /// # Errors
    /// When it cannot be made, or the store has no such files.
    pub fn grow(&self, name: &str, mode: u32) -> Result<GrowingOutput, IoError> {
        let file = self.growing(name)?.grow(&self.path_of(name), mode)?;
        Ok(GrowingOutput { file })
    }

    /// Renames a file of this directory.
    ///
    /// # Errors
    /// When it cannot be renamed, or the store has no renames.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), IoError> {
        self.growing(from)?.rename(&self.path_of(from), &self.path_of(to))
    }

    /// Writes a small file in one step, over one that is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, name: &str, bytes: Vec<u8>, mode: u32) -> Result<(), IoError> {
        let path = self.path_of(name);
        match self.store.commit_means() {
            CommitMeans::Uploads(objects) => objects.put(IoOperation::Write, &path, bytes, Over::Anything),
            CommitMeans::Renames(_) => {
                let mut file = self.grow(name, mode)?;
                file.write_all(&bytes).map_err(|error| IoError::from_io(IoOperation::Write, &path, error))?;
                file.close()
            }
        }
    }

    /// Removes a file. One that is not there is removed already.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), IoError> {
        let path = self.path_of(name);
        match self.store.commit_means() {
            CommitMeans::Uploads(objects) => objects.remove(IoOperation::Abort, vec![path]),
            CommitMeans::Renames(_) => self.growing(name)?.remove_file(&path),
        }
    }

    /// Returns whether there is a file of a name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn has(&self, name: &str) -> Result<bool, IoError> {
        Ok(self.store.kind(&self.path_of(name))?.is_some())
    }

    fn growing(&self, name: &str) -> Result<Arc<dyn Growing>, IoError> {
        self.store.growing().ok_or_else(|| {
            let what = "files of such stores do not grow, and are not renamed".to_string();
            IoError::new(IoOperation::Write, self.shown(name), IoCause::Unwritable(what))
        })
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    /// Returns its path, of which the slash of a root was taken off.
    fn or_root(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.store.root(), self.path)
    }
}

/// A file that readers see while it grows. A flush brings what was written to them, even if the program is killed then;
/// in Hadoop's file system a flush that follows another one within a second waits for the next one.
#[derive(Debug)]
pub struct GrowingOutput {
    file: Box<dyn GrowingFile>,
}

impl GrowingOutput {
    /// Brings all that was written to readers, now.
    ///
    /// # Errors
    /// When the gathered bytes cannot be written.
    pub fn show(&mut self) -> Result<(), IoError> {
        self.file.show()
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When the gathered bytes cannot be written.
    pub fn close(mut self) -> Result<(), IoError> {
        self.file.show()
    }
}

impl Write for GrowingOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn names(directory: &Directory) -> Vec<(String, Option<u64>)> {
        let entries = directory.entries().unwrap().unwrap();
        entries.into_iter().map(|entry| (entry.name, entry.length)).collect()
    }

    #[test]
    fn a_file_is_seen_while_it_grows_and_has_its_permissions() {
        let dir = tempfile::tempdir().unwrap();
        let path = format!("file:{}/", dir.path().display());
        let directory = Directory::at(&Stores::default(), &path).unwrap();
        let inside = directory.inside("logs");
        assert!(directory.is_there().unwrap() && !inside.is_there().unwrap());
        assert_eq!(inside.entries().unwrap(), None);
        inside.make(0o770).unwrap();
        assert_eq!(inside.make(0o770).unwrap_err().cause, IoCause::OutputExists);
        let mut file = inside.grow("a", 0o660).unwrap();
        file.write_all(b"seen").unwrap();
        file.flush().unwrap();
        file.write_all(b", not yet").unwrap();
        assert_eq!(names(&inside), [("a".into(), Some(4))]);
        file.close().unwrap();
        assert_eq!(std::fs::read(dir.path().join("logs/a")).unwrap(), b"seen, not yet");
        inside.rename("a", "b").unwrap();
        inside.put("c", vec![1], 0o660).unwrap();
        assert!(inside.has("b").unwrap() && !inside.has("a").unwrap());
        let mode = |name: &str| dir.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("logs"), mode("logs/b"), mode("logs/c")), (0o770, 0o660, 0o660));
        inside.remove("b").unwrap();
        inside.remove("b").unwrap();
        assert_eq!(names(&inside), [("c".into(), Some(1))]);
        assert_eq!(names(&directory), [("logs".into(), None)]);
        let failed = inside.rename("none", "d").unwrap_err().to_string();
        assert!(failed.contains("logs/none") && failed.contains("logs/d"), "{failed}");
    }

    #[test]
    fn objects_are_put_whole_and_do_not_grow() {
        let directory = Directory::at(&Stores::default(), "memory://logs-that-grow/dir").unwrap();
        assert!(directory.is_there().unwrap() && !directory.can_grow());
        directory.make(0o770).unwrap();
        directory.put("a", vec![1, 2], 0o660).unwrap();
        directory.put("a", vec![1, 2, 3], 0o660).unwrap();
        assert_eq!(names(&directory), [("a".into(), Some(3))]);
        assert!(directory.entries().unwrap().unwrap()[0].modified_ms.is_some());
        assert!(
            directory.grow("b", 0o660).unwrap_err().to_string().contains("memory://logs-that-grow/dir/b")
        );
        directory.remove("a").unwrap();
        assert_eq!(directory.entries().unwrap(), None);
    }
}
