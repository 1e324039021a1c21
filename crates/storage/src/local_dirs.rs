//! The directories in which an executor keeps what does not fit in memory.
//!
//! Each process makes one directory of its own under a parent that many may share, readable by its user alone, and holds a
//! lock in it while it lives. It removes the directory when it ends; what a killed process left behind is found by its
//! free lock, and removed by the next process to start.

use firesteel_data::frames::FrameWriter;
use firesteel_data::{DataError, Seal};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

const PREFIX: &str = "firesteel-";
const LOCK: &str = "lock";

/// A directory of this process's own.
#[derive(Debug)]
pub struct LocalDirs {
    dir: PathBuf,
    next: AtomicU64,
    /// Held locked as long as the process lives. `None` where the directory is part of another process's.
    lock: Option<File>,
    seal: OnceLock<Seal>,
}

impl LocalDirs {
    /// Makes a directory under `parent`, and removes those of processes that are gone.
    ///
    /// # Errors
    /// When nothing can be written under `parent`.
    pub fn create(parent: &Path) -> Result<Self, DataError> {
        let made = DirBuilder::new().mode(0o700).recursive(true).create(parent);
        made.map_err(|e| DataError::io("create", parent, e))?;
        remove_abandoned(parent);
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        loop {
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let dir = parent.join(format!("{PREFIX}{}-{serial}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&dir) {
                Ok(()) => {}
                // Left by a process of another namespace that had our number.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(DataError::io("create", &dir, e)),
            }
            let lock_path = dir.join(LOCK);
            let lock = new_file(&lock_path)?;
            lock.try_lock().map_err(|e| DataError::io("lock", &lock_path, e.into()))?;
            return Ok(LocalDirs { dir, next: AtomicU64::new(0), lock: Some(lock), seal: OnceLock::new() });
        }
    }

    /// A directory within another process's, who removes it: what is written there outlives this process.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn within(dir: PathBuf) -> Result<Self, DataError> {
        DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&dir)
            .map_err(|e| DataError::io("create", &dir, e))?;
        Ok(LocalDirs { dir, next: AtomicU64::new(0), lock: None, seal: OnceLock::new() })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Has all that is written here from now on sealed. The first to say so is heard.
    pub fn seal_with(&self, seal: &Seal) {
        let _ = self.seal.set(seal.clone());
    }

    /// What seals that which is written here, where it is sealed.
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.get()
    }

    /// A new file of frames, sealed where that is wanted.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create_frames(&self, name: &str) -> Result<FrameWriter, DataError> {
        Ok(FrameWriter::new(self.create_file(name)?).sealed(self.seal().cloned()))
    }

    /// Removes all files. What tries to create or read one later gets an error.
    pub fn clear(&self) {
        // What cannot be removed now is removed by the next process that starts here.
        let _ = fs::remove_dir_all(&self.dir);
    }

    /// A new, empty file whose name begins with `name`.
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

/// Removes directories whose lock nobody holds. Failures do not matter: the directory may be somebody else's.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !is_ours || !entry.file_type().is_ok_and(|t| t.is_dir()) {
            continue;
        }
        let Ok(lock) = OpenOptions::new().write(true).open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
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
    fn what_a_killed_process_left_is_removed_and_other_directories_are_not() {
        let parent = tempfile::tempdir().unwrap();
        let abandoned = parent.path().join("firesteel-1-0");
        fs::create_dir(&abandoned).unwrap();
        fs::write(abandoned.join(LOCK), "").unwrap();
        fs::write(abandoned.join("spill-0"), "x").unwrap();
        let unrelated = parent.path().join("firesteel-notes");
        fs::create_dir(&unrelated).unwrap();
        let _dirs = LocalDirs::create(parent.path()).unwrap();
        assert!(!abandoned.exists());
        assert!(unrelated.exists());
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
