//! [`Recovery`]: what an application's journal says, and what this driver adds to it, if `spark.driver.recovery.dir` is set.
//!
//! The program runs again from its top. Jobs whose answers are known get them from here (`job.rs`), the others run; outputs
//! that were committed are left as they are, and one whose job has its answer is committed again (`rdd/save.rs`); checkpoints
//! are found again in the directory that the first driver made (`checkpoints.rs`), since saving them is a job and an output
//! like others. Of a job that runs, the map outputs that the shuffle storage has are taken up (`taken_up.rs`).

use crate::error::{Error, Result};
use crate::journal_file::JournalFile;
use firesteel_recovery::{Fingerprint, Found, FoundShuffle, JobParts, Journal, OutputState, Place, Record};
use firesteel_types::{BroadcastId, CallSite, CountedUpdate, JobId, RddId, ShuffleId};
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

type Digest = [u8; 32];

/// The time for which another driver may have the journal: one that was killed may still be ending.
const LOCK_WITHIN: Duration = Duration::from_secs(10);

/// The journal of an application, and its place in it.
pub(crate) struct Recovery {
    file: JournalFile,
    journal: Mutex<Journal>,
    /// The number of drivers before this one.
    life: u32,
    /// The fingerprints of shuffles.
    prints: Mutex<HashMap<ShuffleId, Fingerprint>>,
    /// The shuffles that jobs have needed which run.
    taken_up: Mutex<HashSet<ShuffleId>>,
    /// The directories of earlier drivers in shuffle storages that this one does not use.
    left_dirs: Mutex<Vec<String>>,
    next_output: AtomicU32,
    next_checkpoint_dir: AtomicU32,
    broadcasts: Mutex<HashMap<BroadcastId, Digest>>,
    inputs: Mutex<HashMap<RddId, Digest>>,
    /// The files that were shipped to tasks so far, by their names.
    shipped: Mutex<BTreeMap<String, Digest>>,
    /// True if the job that ended last has failed.
    has_failed: AtomicBool,
}

/// The names of what a job computes, and its fingerprint.
pub(crate) struct JobPrint {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) rdds: Vec<RddId>,
    pub(crate) shuffles: BTreeMap<ShuffleId, Fingerprint>,
}

/// The answer to a job that an earlier driver ran.
pub(crate) struct Answer {
    pub(crate) results: Vec<Vec<u8>>,
    pub(crate) updates: Vec<CountedUpdate>,
    /// The shuffles of which the shuffle storage has objects.
    pub(crate) stored: Vec<ShuffleId>,
}

impl Recovery {
    /// Opens the journal in the directory that a setting names.
    ///
    /// # Errors
    /// When it is no directory that can have one, or another driver has it.
    pub(crate) fn open(dir: &str) -> Result<Recovery> {
        let (file, journal) = JournalFile::open(&directory(dir)?, LOCK_WITHIN)?;
        if journal.lives() > 0 {
            tracing::warn!(
                "`spark.driver.recovery.dir`: the application of the journal in {dir} is taken up again: {} of its jobs have their \
                 answers. Remove that directory to run it from the beginning",
                journal.ended()
            );
        }
        Ok(Recovery {
            file,
            life: journal.lives(),
            prints: Mutex::default(),
            taken_up: Mutex::default(),
            left_dirs: Mutex::new(journal.storage_dirs().map(String::from).collect()),
            journal: Mutex::new(journal),
            next_output: AtomicU32::new(0),
            next_checkpoint_dir: AtomicU32::new(0),
            broadcasts: Mutex::default(),
            inputs: Mutex::default(),
            shipped: Mutex::default(),
            has_failed: AtomicBool::new(false),
        })
    }

    /// Writes a record.
    pub(crate) fn append(&self, record: &Record) {
        self.file.append(record);
    }

    /// Waits until all that was written is on the disk.
    pub(crate) fn sync(&self) {
        self.file.sync();
    }

    /// Returns the answer to a job, if it is known. If not, or if the job is to run all the same, writes down that it begins.
    pub(crate) fn begin(
        &self,
        job: JobId,
        print: &JobPrint,
        wanted: usize,
        site: &CallSite,
        runs: bool,
    ) -> Option<Answer> {
        let shuffles: Vec<ShuffleId> = print.shuffles.keys().copied().collect();
        let parts = JobParts { rdds: &print.rdds, shuffles: &shuffles };
        let (found, stored) = {
            let mut journal = self.journal.lock();
            (journal.job(job, print.fingerprint, &parts), journal.stored(&shuffles))
        };
        match found {
            Found::Ended { results, updates } if results.len() == wanted && !runs => {
                match self.read(&results) {
                    Ok(results) => return Some(Answer { results, updates, stored }),
                    Err(error) => {
                        tracing::warn!("results of job {job} cannot be read: {error}. It runs again")
                    }
                }
            }
            Found::Diverged => {
                tracing::warn!(
                    "job {job} ({site}) is not the one of this number in the journal: the program has changed, or does not do the same \
                     each time. It runs, and so do all jobs from here on"
                );
                self.append(&Record::Diverged { job });
            }
            Found::Ended { .. } | Found::Unknown => {}
        }
        self.append(&Record::Job { job, fingerprint: print.fingerprint });
        None
    }

    fn read(&self, places: &[Place]) -> io::Result<Vec<Vec<u8>>> {
        let result = |place: &Place| match self.file.record(*place)? {
            Record::Result { bytes, .. } => Ok(bytes),
            other => Err(io::Error::other(format!("{other:?} is no result"))),
        };
        places.iter().map(result).collect()
    }

    /// Returns the fingerprint of a shuffle: that which it had for the first job of this driver that needs it.
    pub(crate) fn first_print(&self, shuffle: ShuffleId, print: Fingerprint) -> Fingerprint {
        *self.prints.lock().entry(shuffle).or_insert(print)
    }

    /// Returns the shuffles that jobs have needed which run. A thread that adds some keeps others from it until the scheduler
    /// knows them.
    pub(crate) fn taken_up(&self) -> MutexGuard<'_, HashSet<ShuffleId>> {
        self.taken_up.lock()
    }

    /// Returns what earlier drivers have of a shuffle that is needed for the first time, and writes down that it is.
    pub(crate) fn shuffle(
        &self,
        shuffle: ShuffleId,
        fingerprint: Fingerprint,
        inputs: Vec<ShuffleId>,
    ) -> FoundShuffle {
        let found = self.journal.lock().shuffle(shuffle, fingerprint);
        self.append(&Record::Shuffle { shuffle, fingerprint, inputs });
        found
    }

    /// Returns a fingerprint that no other driver of the application has.
    pub(crate) fn of_this_life(&self, mut fingerprint: Fingerprint) -> Fingerprint {
        // The fingerprints are hashes: one that differs in four bytes is another one's by chance as seldom as any.
        fingerprint
            .iter_mut()
            .zip(self.life.wrapping_add(1).to_le_bytes())
            .for_each(|(byte, life)| *byte ^= life);
        fingerprint
    }

    /// Returns the number of drivers before this one.
    pub(crate) fn life(&self) -> u32 {
        self.life
    }

    /// Returns the application's own directory in the shuffle storage `parent`: that of earlier drivers, or `new`.
    pub(crate) fn storage_dir(&self, parent: &str, new: String) -> String {
        let mut journal = self.journal.lock();
        let own = journal.storage_dir(parent).map(String::from).unwrap_or_else(|| {
            self.append(&Record::StorageDir { parent: parent.into(), own: new.clone() });
            journal.set_storage_dir(parent.into(), new.clone());
            new
        });
        self.left_dirs.lock().retain(|left| *left != own);
        own
    }

    /// Returns the directories of earlier drivers in shuffle storages that this one does not use.
    pub(crate) fn left_dirs(&self) -> Vec<String> {
        self.left_dirs.lock().clone()
    }

    /// Notes how the last job ended.
    pub(crate) fn job_ended(&self, is_well: bool) {
        self.has_failed.store(!is_well, Ordering::Relaxed);
    }

    /// Returns whether the job that ended last has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Returns the application's own directory for checkpoints in `parent`: that of earlier drivers, or `new`.
    pub(crate) fn checkpoint_dir(&self, parent: &str, new: String) -> String {
        let number = self.next_checkpoint_dir.fetch_add(1, Ordering::Relaxed);
        if let Some(own) = self.journal.lock().checkpoint_dir(number, parent) {
            return own.into();
        }
        self.append(&Record::CheckpointDir { number, parent: parent.into(), own: new.clone() });
        new
    }

    /// Returns the number of the next output, which goes to this directory, and how far an earlier driver has come with it.
    pub(crate) fn next_output(&self, path: &str) -> (u32, OutputState) {
        let number = self.next_output.fetch_add(1, Ordering::Relaxed);
        (number, self.journal.lock().output(number, path))
    }

    /// Forgets what is known of an output, whose directory is not there any more, and the answer of its job.
    pub(crate) fn forget_output(&self, number: u32) {
        self.journal.lock().forget_output(number);
    }

    /// Notes the contents of a broadcast value.
    pub(crate) fn note_broadcast(&self, id: BroadcastId, bytes: &[u8]) {
        self.broadcasts.lock().insert(id, *blake3::hash(bytes).as_bytes());
    }

    /// Returns a hash of a broadcast value.
    pub(crate) fn broadcast(&self, id: BroadcastId) -> Option<Digest> {
        self.broadcasts.lock().get(&id).copied()
    }

    /// Notes the contents of an RDD of the driver's own data.
    pub(crate) fn note_input(&self, rdd: RddId, digest: Digest) {
        self.inputs.lock().insert(rdd, digest);
    }

    /// Returns a hash of an RDD's data, if they are the driver's.
    pub(crate) fn input(&self, rdd: RddId) -> Option<Digest> {
        self.inputs.lock().get(&rdd).copied()
    }

    /// Notes the contents of a file, or of all files of a directory, that tasks can read from now on.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn note_shipped(&self, path: &Path) -> io::Result<()> {
        let mut hash = blake3::Hasher::new();
        add_contents(&mut hash, path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.shipped.lock().insert(name, *hash.finalize().as_bytes());
        Ok(())
    }

    /// Returns hashes of the files that tasks can read, by their names.
    pub(crate) fn shipped(&self) -> BTreeMap<String, Digest> {
        self.shipped.lock().clone()
    }

    /// Removes the journal: the application has ended.
    pub(crate) fn finish(&self) {
        self.file.remove();
    }
}

/// Adds what a path holds: a file's contents, or the names and contents in a directory.
fn add_contents(hash: &mut blake3::Hasher, path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        hash.update(&path.metadata()?.len().to_le_bytes());
        hash.update_reader(File::open(path)?)?;
        return Ok(());
    }
    let entries: io::Result<Vec<_>> = path.read_dir()?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut entries = entries?;
    entries.sort_unstable();
    hash.update(&(entries.len() as u64).to_le_bytes());
    entries.iter().try_for_each(|entry| {
        let name = entry.file_name().unwrap_or_default().as_encoded_bytes();
        hash.update(&(name.len() as u64).to_le_bytes()).update(name);
        // A link may lead round in a circle, or nowhere.
        match entry.is_symlink() {
            true => drop(hash.update(entry.read_link()?.as_os_str().as_encoded_bytes())),
            false => add_contents(hash, entry)?,
        }
        Ok(())
    })
}

/// Returns the directory that the setting names.
fn directory(dir: &str) -> Result<PathBuf> {
    let local = dir.strip_prefix("file://").unwrap_or(dir);
    if local.contains("://") {
        return Err(Error::Start(format!(
            "`spark.driver.recovery.dir` cannot be `{dir}`: the journal is locked and appended to, which object stores and HDFS do not \
             allow. Name a directory that all machines on which the driver may restart share, over NFS for example"
        )));
    }
    if !local.starts_with('/') {
        return Err(Error::Start(format!(
            "`spark.driver.recovery.dir` cannot be `{dir}`: a driver that restarts may have another working directory. Name a \
             directory from the root on"
        )));
    }
    Ok(local.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_files_are_told_apart_by_their_contents() {
        let dir = tempfile::tempdir().unwrap();
        let recovery = Recovery::open(dir.path().join("recovery").to_str().unwrap()).unwrap();
        let (file, folder) = (dir.path().join("helper.py"), dir.path().join("folder"));
        std::fs::create_dir_all(folder.join("below")).unwrap();
        let noted = |of_file: &str, of_folder: &str| {
            std::fs::write(&file, of_file).unwrap();
            std::fs::write(folder.join("below/a.txt"), of_folder).unwrap();
            recovery.note_shipped(&file).unwrap();
            recovery.note_shipped(&folder).unwrap();
            recovery.shipped()
        };
        let first = noted("a", "b");
        assert_eq!(first.keys().collect::<Vec<_>>(), ["folder", "helper.py"]);
        assert_eq!(noted("a", "b"), first);
        assert_ne!(noted("c", "b")["helper.py"], first["helper.py"]);
        assert_ne!(noted("a", "c")["folder"], first["folder"]);
        assert!(recovery.note_shipped(&dir.path().join("none")).is_err());
    }

    #[test]
    fn what_is_no_directory_is_refused_in_words() {
        assert_eq!(directory("/shared/job").unwrap(), PathBuf::from("/shared/job"));
        assert_eq!(directory("file:///shared/job").unwrap(), PathBuf::from("/shared/job"));
        for (dir, word) in
            [("s3://bucket/job", "NFS"), ("hdfs://name/job", "NFS"), ("job", "from the root on")]
        {
            let error = directory(dir).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(dir), "{error}");
        }
    }
}
