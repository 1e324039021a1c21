//! [`JournalFile`]: the file of an application's journal, which one driver at a time has.
//!
//! The file itself is locked for as long as the driver lives, so a lock cannot outlive its driver, and no driver writes behind
//! another's back. Records are appended by the driver's loop, which waits for no disk; who needs a record to be there after a
//! crash waits for [`JournalFile::sync`], beside the loop.

use crate::error::{Error, Result};
use firesteel_recovery::{Journal, Place, Record, frames};
use parking_lot::Mutex;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The name of the file in the directory.
const NAME: &str = "journal";
/// The beginning of the file. The number is raised with each change of [`Record`] and what it holds: records of another
/// layout could be read as other ones.
const HEADER: &[u8; 20] = b"firesteel journal 1\n";
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most bytes of a record that is written as it is; the length of a frame has 32 bits.
const MOST_BYTES: usize = u32::MAX as usize - 1024;

/// The file of a journal.
pub(crate) struct JournalFile {
    path: PathBuf,
    /// The end of what was written, in bytes.
    end: Mutex<u64>,
    file: Arc<File>,
    /// True once a record could not be written: none is written after it, since what is read ends there.
    is_broken: AtomicBool,
    /// True once there are records that no call of [`JournalFile::sync`] has waited for.
    is_dirty: AtomicBool,
    /// Held by the thread that waits for the disk.
    syncing: Mutex<()>,
}

impl JournalFile {
    /// Opens the journal in a directory, which is made if it is not there, and reads it. Waits so long for another driver
    /// that has it.
    ///
    /// # Errors
    /// When another driver has it, or it cannot be read or written.
    pub(crate) fn open(dir: &Path, lock_within: Duration) -> Result<(JournalFile, Journal)> {
        let path = dir.join(NAME);
        let failed = |error: io::Error| {
            Error::Start(format!(
                "the journal {} of `spark.driver.recovery.dir` cannot be used: {error}",
                path.display()
            ))
        };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let mut file = locked(&path, lock_within)?;
        begin(&mut file, &path)?;
        let (journal, read) = Journal::read(BufReader::new(&file)).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let whole = HEADER.len() as u64 + read.whole;
        if length > whole {
            tracing::warn!(
                "the last {} bytes of the journal {} are not whole, as after a crash in the middle of writing: they are dropped",
                length - whole,
                path.display()
            );
            file.set_len(whole).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let (end, file) = (Mutex::new(whole), Arc::new(file));
        let (is_broken, is_dirty) = (AtomicBool::new(false), AtomicBool::new(true));
        let opened =
            JournalFile { path: path.clone(), end, file, is_broken, is_dirty, syncing: Mutex::new(()) };
        opened.append(&Record::Began { life: journal.lives() });
        // With its name in the directory, so that a machine that fails does not lose it.
        opened.sync();
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        Ok((opened, journal))
    }

    /// Writes a record behind the others. If that fails, people are told, and nothing is written from then on.
    pub(crate) fn append(&self, record: &Record) {
        let mut end = self.end.lock();
        if self.is_broken.load(Ordering::Relaxed) {
            return;
        }
        let frame = frames::encode(record);
        let written = match frame.len() {
            length if length > MOST_BYTES => Err(io::Error::other("a record of more than 4 GiB")),
            _ => (&*self.file).write_all(&frame),
        };
        match written {
            Ok(()) => {
                *end += frame.len() as u64;
                self.is_dirty.store(true, Ordering::Release);
            }
            Err(error) => self.give_up(&error),
        }
    }

    /// Waits until all that was written is on the disk.
    pub(crate) fn sync(&self) {
        // Another thread may wait for the same records: then this one waits for that one.
        let _syncing = self.syncing.lock();
        if self.is_dirty.swap(false, Ordering::AcqRel)
            && let Err(error) = self.file.sync_data()
        {
            self.give_up(&error);
        }
    }

    fn give_up(&self, error: &io::Error) {
        if !self.is_broken.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the journal {} cannot be written: {error}. A driver that restarts will begin again where it ends",
                self.path.display()
            );
        }
    }

    /// Reads a record that was there when the file was opened.
    ///
    /// # Errors
    /// When it is not there any more.
    pub(crate) fn record(&self, place: Place) -> io::Result<Record> {
        let mut frame = vec![0; usize::try_from(place.length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut frame, HEADER.len() as u64 + place.offset)?;
        frames::decode(&frame).ok_or_else(|| io::Error::other(format!("{} has changed", self.path.display())))
    }

    /// Removes the file: the application has ended. The lock is held until then.
    pub(crate) fn remove(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(
                "the journal {} of an application that has ended cannot be removed: {error}. Remove it, or the next run \
                 will take its answers from it",
                self.path.display()
            );
        }
    }
}

impl Drop for JournalFile {
    /// Unlocks the file, which closing it would not do while a process that is being started has it open, too:
    /// the next driver would be told that another has the journal.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Opens a file that no other process has, and keeps others from it.
fn locked(path: &Path, within: Duration) -> Result<File> {
    let failed =
        |error: io::Error| Error::Start(format!("the journal {} cannot be opened: {error}", path.display()));
    let until = Instant::now() + within;
    loop {
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            // The driver that had it may have removed it meanwhile: then this is a file without a name.
            Ok(()) if is_named(&file, path) => return Ok(file),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOOK_EVERY),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Start(format!(
                    "another driver has the journal {}: two drivers cannot share `spark.driver.recovery.dir`. Wait for its \
                     end, or give this application a directory of its own",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => {
                return Err(Error::Start(format!(
                    "the journal {} cannot be locked: {error}. `spark.driver.recovery.dir` must be on a file system with locks",
                    path.display()
                )));
            }
        }
    }
}

/// Reads the header, or writes it into a file that has none yet; the file is then at the first record.
fn begin(file: &mut File, path: &Path) -> Result<()> {
    let failed =
        |error: io::Error| Error::Start(format!("the journal {} cannot be used: {error}", path.display()));
    let mut there = vec![];
    Read::take(&mut *file, HEADER.len() as u64).read_to_end(&mut there).map_err(failed)?;
    if there == HEADER {
        return Ok(());
    }
    // A driver that is killed while it makes the file leaves a part of the header.
    if there.len() < HEADER.len() && HEADER.starts_with(&there) {
        file.rewind().and_then(|()| file.write_all(HEADER)).map_err(failed)?;
        return Ok(());
    }
    Err(Error::Start(format!(
        "the journal {} is of another version of Firesteel: run the application again with the version that began it, or \
         remove the journal, and all of it runs anew",
        path.display()
    )))
}

fn is_named(file: &File, path: &Path) -> bool {
    let name = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().map(name).ok() == std::fs::metadata(path).map(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_end_is_cut_off_and_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let committed = |number| Record::OutputCommitted { number };
        let (file, _) = JournalFile::open(dir.path(), Duration::ZERO).unwrap();
        file.append(&committed(0));
        drop(file);
        let path = dir.path().join(NAME);
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend(&frames::encode(&committed(1))[..5]);
        std::fs::write(&path, torn).unwrap();
        let (file, journal) = JournalFile::open(dir.path(), Duration::ZERO).unwrap();
        assert_eq!(journal.lives(), 1);
        file.append(&committed(2));
        file.sync();
        drop(file);
        let (_, journal) = JournalFile::open(dir.path(), Duration::ZERO).unwrap();
        assert_eq!(journal.lives(), 2, "all records behind the torn one are read");
    }

    #[test]
    fn two_drivers_never_share_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let (first, _) = JournalFile::open(dir.path(), Duration::ZERO).unwrap();
        let error = JournalFile::open(dir.path(), LOOK_EVERY).err().expect("the first has it").to_string();
        assert!(error.contains("another driver has the journal"), "{error}");
        drop(first);
        assert!(JournalFile::open(dir.path(), Duration::ZERO).is_ok());
    }

    /// A process that is being started shares the open file, as the clone here does.
    #[test]
    fn a_journal_is_let_go_although_a_process_that_starts_has_it_open() {
        let dir = tempfile::tempdir().unwrap();
        let (first, _) = JournalFile::open(dir.path(), Duration::ZERO).unwrap();
        let _starting = first.file.try_clone().unwrap();
        drop(first);
        assert!(JournalFile::open(dir.path(), Duration::ZERO).is_ok());
    }

    #[test]
    fn a_journal_of_another_version_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        std::fs::write(&path, "firesteel journal 0\nwhatever it held").unwrap();
        let error = JournalFile::open(dir.path(), Duration::ZERO).err().expect("it is refused").to_string();
        assert!(error.contains("of another version of Firesteel"), "{error}");
        assert!(std::fs::read(&path).unwrap().ends_with(b"whatever it held"));
        // A part of the header is what a driver leaves that was killed in the middle of it.
        for length in 0..=HEADER.len() {
            std::fs::write(&path, &HEADER[..length]).unwrap();
            let (_, journal) = JournalFile::open(dir.path(), Duration::ZERO).unwrap();
            assert_eq!(journal.lives(), 0);
            let (_, journal) = JournalFile::open(dir.path(), Duration::ZERO).unwrap();
            assert_eq!(journal.lives(), 1, "after {length} bytes of the header");
        }
    }

    #[test]
    fn a_removed_journal_is_gone_and_the_next_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (file, _) = JournalFile::open(dir.path(), Duration::ZERO).unwrap();
        file.remove();
        let (_next, journal) = JournalFile::open(dir.path(), Duration::ZERO).unwrap();
        assert_eq!(journal.lives(), 0, "while the first still has its file open");
    }
}
