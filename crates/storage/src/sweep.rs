//! The sweep: removes the directories of killed processes.
//!
//! There may be many files, and a program should not start late because another was killed: so the sweep runs
//! beside the program, in a thread of its own. If the program ends first, the next one goes on with the rest.

use crate::local_dirs::LOCK;
use crate::names::{Name, give_up};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, SystemTime};

/// A directory without a lock that has not changed for this long has no owner: an owner takes no more than a
/// moment to lock it.
const OWNERLESS_AFTER: Duration = Duration::from_secs(600);

/// Removes, in a thread of its own, the directories of dead processes under `parent`. `note` is called before
/// and after, if there is something to remove.
///
/// # Errors
/// When no thread can be started.
pub fn sweep(parent: &Path, note: impl Fn(String) + Send + 'static) -> io::Result<JoinHandle<()>> {
    let parent = parent.to_owned();
    Builder::new().name("firesteel-sweep".into()).spawn(move || remove_abandoned(&parent, &note))
}

/// Removes all abandoned directories. Failures do not matter: a directory may be another process's.
fn remove_abandoned(parent: &Path, note: &dyn Fn(String)) {
    let unwanted: Vec<PathBuf> =
        directories(parent).filter_map(|(name, dir)| unwanted(parent, name, dir)).collect();
    if unwanted.is_empty() {
        return;
    }
    let (count, place) = (unwanted.len(), parent.display());
    note(format!("removing {count} directories of killed programs in {place}, while this one runs"));
    let removed = unwanted.iter().filter(|dir| remove(dir)).count();
    note(format!("removed {removed} of {count} directories of killed programs in {place}"));
}

fn directories(parent: &Path) -> impl Iterator<Item = (Name, PathBuf)> {
    fs::read_dir(parent).into_iter().flatten().flatten().filter_map(|entry| {
        let name = Name::parse(entry.file_name().to_str()?)?;
        entry.file_type().is_ok_and(|t| t.is_dir()).then(|| (name, entry.path()))
    })
}

/// Gives up a directory whose owner is gone, which takes one rename. Returns `None` if the owner lives, or may.
fn unwanted(parent: &Path, name: Name, dir: PathBuf) -> Option<PathBuf> {
    // The lock is held until the directory has its new name.
    let holder = holder(&dir);
    let is_over = match (name, &holder) {
        (_, Holder::Another) => false,
        // The process that was removing it was killed.
        (Name::Gone(..), Holder::This(_) | Holder::NoLock) => return Some(dir),
        // Another process may have given the directory up since the lock was opened, and a third one taken its
        // name.
        (Name::Living(..), Holder::This(lock)) => is_at(&lock.0, &dir.join(LOCK)),
        (Name::New(..), Holder::This(_) | Holder::NoLock) | (Name::Living(..), Holder::NoLock) => {
            is_old(&dir)
        }
    };
    is_over.then(|| give_up(parent, &dir)).flatten()
}

/// Removes a directory that is not needed. Returns whether nothing is left of it.
fn remove(dir: &Path) -> bool {
    // Another process that is removing it needs no help.
    let holder = holder(dir);
    !matches!(holder, Holder::Another) && fs::remove_dir_all(dir).is_ok()
}

/// The state of a directory's lock.
enum Holder {
    Another,
    /// No process held it, so this one does now.
    This(Lock),
    /// There is no lock file.
    NoLock,
}

/// A lock that this process holds.
struct Lock(File);

impl Drop for Lock {
    /// Unlocks the file, which closing it would not do while a process that another thread is starting has not
    /// got to its program yet: until then it has this process's files, and would seem to hold the lock.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

fn holder(dir: &Path) -> Holder {
    let path = dir.join(LOCK);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Holder::NoLock,
        // If it is not a plain file, it is not a lock of ours, and opening it could block for ever.
        Ok(found) if found.is_file() => {}
        _ => return Holder::Another,
    }
    match OpenOptions::new().write(true).open(&path) {
        Ok(lock) if lock.try_lock().is_ok() => Holder::This(Lock(lock)),
        _ => Holder::Another,
    }
}

/// Returns whether the file at a path is the one that is open.
fn is_at(open: &File, path: &Path) -> bool {
    let (open, there) = (open.metadata(), fs::symlink_metadata(path));
    matches!((open, there), (Ok(open), Ok(there)) if (open.dev(), open.ino()) == (there.dev(), there.ino()))
}

fn is_old(dir: &Path) -> bool {
    let changed = fs::symlink_metadata(dir).and_then(|found| found.modified());
    let age = changed.ok().and_then(|changed| SystemTime::now().duration_since(changed).ok());
    age.is_some_and(|age| age >= OWNERLESS_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LocalDirs;
    use std::sync::mpsc;

    /// Makes a directory as a killed process leaves it.
    fn abandoned(parent: &Path, name: &str, has_lock: bool) -> PathBuf {
        let dir = parent.join(name);
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("spill-0"), "x").unwrap();
        if has_lock {
            fs::write(dir.join(LOCK), "").unwrap();
        }
        dir
    }

    fn make_old(dir: &Path) {
        let long_ago = SystemTime::now() - 2 * OWNERLESS_AFTER;
        File::open(dir).unwrap().set_modified(long_ago).unwrap();
    }

    fn names(parent: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(parent)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        abandoned(parent.path(), "firesteel-1-0", true);
        abandoned(parent.path(), "firesteel-notes", true);
        let living = LocalDirs::create(parent.path()).unwrap();
        sweep(parent.path(), |_| ()).unwrap().join().unwrap();
        let mut expected = vec!["firesteel-notes".to_string()];
        expected.push(living.path().file_name().unwrap().to_str().unwrap().into());
        expected.sort();
        assert_eq!(names(parent.path()), expected);
    }

    /// The thread cannot have removed anything yet when it reports that it begins: the test makes it wait until
    /// the start is over.
    #[test]
    fn a_start_does_not_wait_for_what_others_left() {
        let parent = tempfile::tempdir().unwrap();
        let left = abandoned(parent.path(), "firesteel-1-0", true);
        let (go_on, wait) = mpsc::channel::<()>();
        let note = move |_| wait.recv().unwrap_or(());
        let sweeping = sweep(parent.path(), note).unwrap();
        let living = LocalDirs::create(parent.path()).unwrap();
        living.create_file("spill").unwrap();
        let still_there = left.exists() || names(parent.path()).iter().any(|name| name.contains("gone"));
        assert!(still_there);
        drop(go_on);
        sweeping.join().unwrap();
        assert_eq!(names(parent.path()).len(), 1);
    }

    /// Each directory is what one moment of a removal leaves if the process is killed then.
    #[test]
    fn a_removal_that_was_interrupted_is_gone_on_with() {
        let parent = tempfile::tempdir().unwrap();
        abandoned(parent.path(), "firesteel-gone-1-0", true);
        abandoned(parent.path(), "firesteel-gone-1-1", false);
        make_old(&abandoned(parent.path(), "firesteel-1-2", false));
        make_old(&abandoned(parent.path(), "firesteel-new-1-3", false));
        make_old(&abandoned(parent.path(), "firesteel-new-1-4", true));
        sweep(parent.path(), |_| ()).unwrap().join().unwrap();
        assert_eq!(names(parent.path()), Vec::<String>::new());
    }

    #[test]
    fn a_directory_that_its_owner_has_not_locked_yet_stays() {
        let parent = tempfile::tempdir().unwrap();
        abandoned(parent.path(), "firesteel-1-0", false);
        abandoned(parent.path(), "firesteel-new-1-1", true);
        sweep(parent.path(), |_| ()).unwrap().join().unwrap();
        assert_eq!(names(parent.path()), ["firesteel-1-0", "firesteel-new-1-1"]);
    }

    #[test]
    fn a_removal_that_another_process_is_at_is_left_to_it() {
        let parent = tempfile::tempdir().unwrap();
        let dir = abandoned(parent.path(), "firesteel-gone-1-0", true);
        let lock = OpenOptions::new().write(true).open(dir.join(LOCK)).unwrap();
        lock.try_lock().unwrap();
        sweep(parent.path(), |_| ()).unwrap().join().unwrap();
        assert!(dir.join("spill-0").exists());
    }

    /// A process that is being started shares the open file, as the clone here does.
    #[test]
    fn a_lock_is_let_go_although_a_process_that_starts_has_it_open() {
        let parent = tempfile::tempdir().unwrap();
        let dir = abandoned(parent.path(), "firesteel-1-0", true);
        let Holder::This(lock) = holder(&dir) else { panic!("nobody holds it") };
        let _starting = lock.0.try_clone().unwrap();
        drop(lock);
        assert!(remove(&dir));
    }

    #[test]
    fn a_lock_that_is_no_file_keeps_nobody_waiting() {
        let parent = tempfile::tempdir().unwrap();
        let dir = abandoned(parent.path(), "firesteel-1-0", false);
        fs::create_dir(dir.join(LOCK)).unwrap();
        sweep(parent.path(), |_| ()).unwrap().join().unwrap();
        assert!(dir.exists());
    }
}
