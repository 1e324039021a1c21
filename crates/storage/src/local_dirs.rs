//! The local directories, in which an executor stores what does not fit in memory.
//!
//! Each process makes one directory of its own under a parent that many may share, readable by its user alone,
//! and holds a lock in it while it lives. It removes the directory when it ends. The directories of killed
//! processes are removed by [`sweep`](crate::sweep), which recognises a living process's directory by its lock
//! and its name.

use crate::names::{Name, give_up};
use firesteel_data::frames::FrameWriter;
use firesteel_data::{Cipher, DataError};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(crate) const LOCK: &str = "lock";

/// This process's own directory.
#[derive(Debug)]
pub struct LocalDirs {
    dir: PathBuf,
    next: AtomicU64,
    /// Held locked as long as the process lives. `None` if the directory is part of another process's.
    lock: Option<File>,
    /// Set when it was removed: another process may have a directory of this name from then on.
    is_cleared: AtomicBool,
    cipher: OnceLock<Cipher>,
}

impl LocalDirs {
    /// Makes a directory under `parent`. It does not look at the directories of others there: that may take
    /// long.
    ///
    /// # Errors
    /// When nothing can be written under `parent`.
    pub fn create(parent: &Path) -> Result<Self, DataError> {
        let made = DirBuilder::new().mode(0o700).recursive(true).create(parent);
        made.map_err(|e| DataError::io("create", parent, e))?;
        loop {
            // The directory gets its final name only when its lock is held: so a process that finds one of this
            // name without a lock knows that its owner is gone.
            let (new, living) = Name::next();
            let (new, dir) = (parent.join(new.to_string()), parent.join(living.to_string()));
            match DirBuilder::new().mode(0o700).create(&new) {
                Ok(()) => {}
                // Left by a process of another PID namespace that had this process's number.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(DataError::io("create", &new, e)),
            }
            let lock_path = new.join(LOCK);
            let lock = new_file(&lock_path)?;
            lock.try_lock().map_err(|e| DataError::io("lock", &lock_path, e.into()))?;
            match fs::rename(&new, &dir) {
                Ok(()) => return Ok(LocalDirs::of(dir, Some(lock))),
                // A process of another PID namespace has this process's number, or had it.
                Err(e) if is_taken(&e) => drop(fs::remove_dir_all(&new)),
                Err(e) => return Err(DataError::io("create", &dir, e)),
            }
        }
    }

    fn of(dir: PathBuf, lock: Option<File>) -> Self {
        LocalDirs {
            dir,
            next: AtomicU64::new(0),
            lock,
            is_cleared: AtomicBool::new(false),
            cipher: OnceLock::new(),
        }
    }

    /// Makes a directory within another process's, which removes it: what is written there outlives this
    /// process.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn within(dir: PathBuf) -> Result<Self, DataError> {
        DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&dir)
            .map_err(|e| DataError::io("create", &dir, e))?;
        Ok(LocalDirs::of(dir, None))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Encrypts all that is written here from now on. Only the first call has an effect.
    pub fn encrypt_with(&self, cipher: &Cipher) {
        let _ = self.cipher.set(cipher.clone());
    }

    /// Returns the key that encrypts the files, if they are encrypted.
    pub fn cipher(&self) -> Option<&Cipher> {
        self.cipher.get()
    }

    /// Creates a file of frames, encrypted if a key was set.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create_frames(&self, name: &str) -> Result<FrameWriter, DataError> {
        Ok(FrameWriter::new(self.create_file(name)?).encrypted(self.cipher().cloned()))
    }

    /// Removes all files. Later attempts to create or read one fail.
    pub fn clear(&self) {
        if self.is_cleared.swap(true, Ordering::Relaxed) {
            return;
        }
        let unwanted = match (&self.lock, self.dir.parent()) {
            // If this process ends before everything is removed, the name says that the rest is not needed.
            (Some(_), Some(parent)) => give_up(parent, &self.dir).unwrap_or_else(|| self.dir.clone()),
            _ => self.dir.clone(),
        };
        // The rest is removed by the next process that starts here, for which the lock is let go: a process that
        // is being started may have the file open for a while.
        let _ = fs::remove_dir_all(unwanted);
        let _ = self.lock.as_ref().map(File::unlock);
    }

    /// Creates an empty file whose name begins with `name`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create_file(&self, name: &str) -> Result<(PathBuf, File), DataError> {
        let path = self.dir.join(format!("{name}-{}", self.next.fetch_add(1, Ordering::Relaxed)));
        new_file(&path).map(|file| (path, file))
    }
}

impl Drop for LocalDirs {
    fn drop(&mut self) {
        if self.lock.is_some() {
            self.clear();
        }
    }
}

pub(crate) fn new_file(path: &Path) -> Result<File, DataError> {
    let options = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
    options.map_err(|e| DataError::io("create", path, e))
}

/// Returns whether a directory that is not empty has the name already.
fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_lives_as_long_as_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        let dirs = LocalDirs::create(parent.path()).unwrap();
        let (file, _) = dirs.create_file("spill").unwrap();
        let other = LocalDirs::create(parent.path()).unwrap();
        assert!(file.exists(), "a living process's directory was removed");
        drop((dirs, other));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_was_removed_may_be_anothers() {
        let parent = tempfile::tempdir().unwrap();
        let dirs = LocalDirs::create(parent.path()).unwrap();
        dirs.clear();
        fs::create_dir(dirs.path()).unwrap();
        dirs.clear();
        assert!(dirs.path().exists());
    }

    #[test]
    fn a_directory_of_a_name_that_is_taken_gets_another() {
        let parent = tempfile::tempdir().unwrap();
        let (_, Name::Living(process, serial)) = Name::next() else { unreachable!("the second is that") };
        // Other tests of this process take numbers, too.
        let taken: Vec<PathBuf> = (serial..serial + 50)
            .map(|serial| parent.path().join(Name::Living(process, serial).to_string()))
            .collect();
        for dir in &taken {
            fs::create_dir(dir).unwrap();
            fs::write(dir.join("file"), "").unwrap();
        }
        let dirs = LocalDirs::create(parent.path()).unwrap();
        assert!(taken.iter().all(|dir| dir.join("file").exists() && dir != dirs.path()));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 51, "something unfinished was left");
    }

    #[test]
    fn a_parent_that_cannot_be_written_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = LocalDirs::create(&file.join("below")).unwrap_err().to_string();
        assert!(error.contains("file/below"), "{error}");
    }
}
