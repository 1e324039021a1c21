//! Map outputs: the records that one map task wrote for all its reducers.
//!
//! On disk each reducer's segment of a run has a checksum. If files are encrypted, each segment is encrypted by
//! itself, since it is read by itself; offsets and checksums are then those of the encrypted bytes, so that
//! whole outputs move to other hosts as they are.

use firesteel_data::{Cipher, DataError};
use firesteel_storage::{LocalDirs, MemoryPool};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// The records of one map task, by reducer. A task that ran short of memory wrote several segments for a
/// reducer, one in each *run*; their order is that of writing.
pub struct MapOutput {
    runs: Vec<Run>,
}

struct Run {
    place: RunStorage,
    /// The offsets at which each reducer's blocks begin; one more at the end.
    offsets: Words,
}

enum RunStorage {
    Memory { bytes: Arc<Vec<u8>>, pool: Arc<MemoryPool> },
    Disk { path: PathBuf, checksums: Words, cipher: Option<Cipher>, is_own: bool },
}

/// The description of a run for the other processes of the machine: its file, the offsets of each reducer's
/// blocks, and their checksums.
pub(crate) type SharedRun = (PathBuf, Words, Words);

/// Numbers as they lie in a file, eight bytes each, little-endian. They are not decoded: a reducer needs a few
/// of thousands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Words(#[serde(with = "serde_bytes")] Vec<u8>);

impl Words {
    pub(crate) fn get(&self, index: usize) -> Option<u64> {
        let bytes = self.0.get(index * 8..index * 8 + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len() / 8
    }

    fn last(&self) -> Option<u64> {
        self.get(self.len().checked_sub(1)?)
    }
}

impl From<Vec<u64>> for Words {
    fn from(numbers: Vec<u64>) -> Self {
        Words(numbers.into_iter().flat_map(u64::to_le_bytes).collect())
    }
}

/// Blocks of records as bytes, end to end.
pub enum BlockBytes {
    /// Part of a buffer that other readers share.
    Shared(Arc<Vec<u8>>, Range<usize>),
    /// Read from disk.
    Owned(Vec<u8>),
}

impl std::ops::Deref for BlockBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            BlockBytes::Shared(bytes, range) => &bytes[range.clone()],
            BlockBytes::Owned(bytes) => bytes,
        }
    }
}

impl MapOutput {
    pub(crate) fn new() -> Self {
        MapOutput { runs: vec![] }
    }

    /// Adds a run: in memory if the budget has room for it, else on disk.
    pub(crate) fn add_run(
        &mut self,
        bytes: Vec<u8>,
        offsets: Vec<u64>,
        pool: &Arc<MemoryPool>,
        dirs: &LocalDirs,
    ) -> Result<(), DataError> {
        debug_assert_eq!(offsets.last().copied(), Some(bytes.len() as u64));
        let offsets = Words::from(offsets);
        self.runs.push(if pool.try_store(bytes.len()) {
            Run { place: RunStorage::Memory { bytes: Arc::new(bytes), pool: pool.clone() }, offsets }
        } else {
            write_to_disk(&bytes, &offsets, dirs)?
        });
        Ok(())
    }

    /// Returns the number of reducers that it was written for; 0 when nothing was written.
    pub fn reducers(&self) -> usize {
        self.runs.first().map_or(0, |run| run.offsets.len().saturating_sub(1))
    }

    /// Returns its length in bytes.
    pub fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.offsets.last().unwrap_or(0)).sum()
    }

    /// Returns the number of its bytes that lie on disk.
    pub fn disk_bytes(&self) -> u64 {
        let on_disk = self.runs.iter().filter(|run| matches!(run.place, RunStorage::Disk { .. }));
        on_disk.map(|run| run.offsets.last().unwrap_or(0)).sum()
    }

    /// Returns the blocks for one reducer, one segment after the other. Empty segments are left out.
    ///
    /// # Errors
    /// When a file cannot be read, or its contents are not what was written.
    pub fn read(&self, reducer: u32) -> impl Iterator<Item = Result<BlockBytes, DataError>> + '_ {
        self.runs.iter().filter_map(move |run| run.read(reducer as usize).transpose())
    }
}

impl MapOutput {
    /// Leaves all of it in files for other processes, which remove them.
    pub(crate) fn leave_on_disk(&mut self, dirs: &LocalDirs) -> Result<Vec<SharedRun>, DataError> {
        let mut shared = vec![];
        for run in &mut self.runs {
            if let RunStorage::Memory { bytes, .. } = &run.place {
                // Dropping the run in memory gives its memory back.
                let written = write_to_disk(bytes, &run.offsets, dirs)?;
                *run = written;
            }
            if let RunStorage::Disk { path, checksums, is_own, .. } = &mut run.place {
                *is_own = false;
                shared.push((path.clone(), run.offsets.clone(), checksums.clone()));
            }
        }
        Ok(shared)
    }

    /// Adds a run that lies in a file of its own.
    pub(crate) fn add_file(
        &mut self,
        path: PathBuf,
        offsets: Words,
        checksums: Words,
        cipher: Option<Cipher>,
    ) {
        self.runs.push(Run { place: RunStorage::Disk { path, checksums, cipher, is_own: true }, offsets });
    }

    /// Reads and checks all of it, run by run.
    ///
    /// # Errors
    /// When a file is shorter or longer than its run, or holds something else.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        self.runs.iter().try_for_each(Run::check)
    }

    /// Returns the number of its runs.
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Opens the files of its runs.
    ///
    /// # Errors
    /// When one cannot be opened. A run in memory has none.
    pub(crate) fn open_raw(&self) -> Result<Vec<RawRun<'_>>, DataError> {
        let opened = self.runs.iter().map(|run| {
            let RunStorage::Disk { path, checksums, .. } = &run.place else {
                let message = "it is in the memory of its process".into();
                return Err(DataError::Corrupt { source_name: "a map output".into(), message });
            };
            let file = File::open(path).map_err(|error| DataError::io("open", path, error))?;
            Ok(RawRun { file, path, offsets: &run.offsets, checksums })
        });
        opened.collect()
    }

    /// Returns the number of bytes that its index takes.
    pub(crate) fn index_bytes(&self) -> usize {
        self.runs.iter().map(|run| 16 * run.offsets.len()).sum()
    }

    /// Makes the output that another process has published.
    pub(crate) fn of_shared(runs: Vec<SharedRun>, cipher: Option<&Cipher>) -> Self {
        let run = |(path, offsets, checksums)| Run {
            place: RunStorage::Disk { path, checksums, cipher: cipher.cloned(), is_own: false },
            offsets,
        };
        MapOutput { runs: runs.into_iter().map(run).collect() }
    }
}

/// A run's file, opened to be read as it lies there: encrypted, if it is.
pub(crate) struct RawRun<'a> {
    file: File,
    path: &'a Path,
    offsets: &'a Words,
    checksums: &'a Words,
}

impl RawRun<'_> {
    pub(crate) fn reducers(&self) -> usize {
        self.checksums.len()
    }

    /// Returns the length of what it has for a reducer, and its checksum.
    pub(crate) fn segment(&self, reducer: usize) -> (u64, u64) {
        let range = self.range(reducer);
        let checksum = if range.is_empty() { None } else { self.checksums.get(reducer) };
        (range.end - range.start, checksum.unwrap_or(0))
    }

    /// Reads what it has for a reducer, in place of what `to` has.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub(crate) fn read(&self, reducer: usize, to: &mut Vec<u8>) -> Result<(), DataError> {
        let range = self.range(reducer);
        to.resize((range.end - range.start) as usize, 0);
        if to.is_empty() {
            return Ok(());
        }
        let read = self.file.read_exact_at(to, range.start);
        read.map_err(|error| DataError::io("read", self.path, error))?;
        if self.checksums.get(reducer) != Some(xxh3_64(to)) {
            let message = format!("the checksum for reducer {reducer} does not match what was read");
            return Err(DataError::Corrupt { source_name: self.path.display().to_string(), message });
        }
        Ok(())
    }

    fn range(&self, reducer: usize) -> Range<u64> {
        match (self.offsets.get(reducer), self.offsets.get(reducer + 1)) {
            (Some(start), Some(end)) if start < end => start..end,
            _ => 0..0,
        }
    }
}

impl Run {
    fn check(&self) -> Result<(), DataError> {
        let RunStorage::Disk { path, checksums, .. } = &self.place else { return Ok(()) };
        let broken = |message: &str| DataError::Corrupt {
            source_name: path.display().to_string(),
            message: message.into(),
        };
        let mut file = File::open(path).map_err(|e| DataError::io("open", path, e))?;
        let length = file.metadata().map_err(|e| DataError::io("read", path, e))?.len();
        let is_whole = self.offsets.get(0) == Some(0) && self.offsets.last() == Some(length);
        if !is_whole || self.offsets.len() != checksums.len() + 1 {
            return Err(broken("it is not as long as its index says"));
        }
        let mut bytes = vec![];
        for reducer in 0..checksums.len() {
            let segment = self.offsets.get(reducer).zip(self.offsets.get(reducer + 1));
            let segment = segment.filter(|(_, end)| *end <= length);
            let segment = segment.and_then(|(start, end)| end.checked_sub(start));
            bytes.resize(segment.ok_or_else(|| broken("its index is out of order"))? as usize, 0);
            file.read_exact(&mut bytes).map_err(|e| DataError::io("read", path, e))?;
            if !bytes.is_empty() && checksums.get(reducer) != Some(xxh3_64(&bytes)) {
                return Err(broken(&format!(
                    "the checksum for reducer {reducer} does not match what was read"
                )));
            }
        }
        Ok(())
    }

    fn read(&self, reducer: usize) -> Result<Option<BlockBytes>, DataError> {
        let (Some(start), Some(end)) = (self.offsets.get(reducer), self.offsets.get(reducer + 1)) else {
            return Ok(None);
        };
        if start == end {
            return Ok(None);
        }
        match &self.place {
            RunStorage::Memory { bytes, .. } => {
                Ok(Some(BlockBytes::Shared(bytes.clone(), start as usize..end as usize)))
            }
            RunStorage::Disk { path, checksums, cipher, .. } => {
                let mut bytes = vec![0; (end - start) as usize];
                let file = File::open(path).map_err(|e| DataError::io("open", path, e))?;
                file.read_exact_at(&mut bytes, start).map_err(|e| DataError::io("read", path, e))?;
                if checksums.get(reducer) != Some(xxh3_64(&bytes)) {
                    let message = format!("the checksum for reducer {reducer} does not match what was read");
                    return Err(DataError::Corrupt { source_name: path.display().to_string(), message });
                }
                if cipher.as_ref().is_some_and(|cipher| !cipher.open(reducer as u64, &mut bytes)) {
                    let message = format!(
                        "what was written for reducer {reducer} was not sealed by this application, or was changed"
                    );
                    return Err(DataError::Corrupt { source_name: path.display().to_string(), message });
                }
                Ok(Some(BlockBytes::Owned(bytes)))
            }
        }
    }
}

fn write_to_disk(bytes: &[u8], offsets: &Words, dirs: &LocalDirs) -> Result<Run, DataError> {
    if let Some(cipher) = dirs.cipher() {
        let (encrypted, offsets) = encrypted(bytes, offsets, cipher);
        return write_as_it_is(&encrypted, offsets, dirs);
    }
    write_as_it_is(bytes, offsets.clone(), dirs)
}

/// Encrypts each reducer's blocks, and returns them with their new offsets. An empty segment stays empty.
fn encrypted(bytes: &[u8], offsets: &Words, cipher: &Cipher) -> (Vec<u8>, Words) {
    let (mut encrypted, mut begins) = (vec![], vec![0]);
    for reducer in 0..offsets.len().saturating_sub(1) {
        let segment = segment(bytes, offsets, reducer);
        if !segment.is_empty() {
            encrypted.extend_from_slice(&cipher.encrypt(reducer as u64, segment));
        }
        begins.push(encrypted.len() as u64);
    }
    (encrypted, begins.into())
}

fn segment<'a>(bytes: &'a [u8], offsets: &Words, reducer: usize) -> &'a [u8] {
    let (start, end) = (offsets.get(reducer).unwrap_or(0), offsets.get(reducer + 1).unwrap_or(0));
    &bytes[start as usize..end as usize]
}

fn write_as_it_is(bytes: &[u8], offsets: Words, dirs: &LocalDirs) -> Result<Run, DataError> {
    let (path, mut file) = dirs.create_file("shuffle")?;
    if let Err(error) = file.write_all(bytes) {
        let _ = std::fs::remove_file(&path);
        return Err(DataError::io("write", &path, error));
    }
    let checksums =
        (0..offsets.len().saturating_sub(1)).map(|reducer| xxh3_64(segment(bytes, &offsets, reducer)));
    let checksums = checksums.collect::<Vec<_>>().into();
    Ok(Run {
        place: RunStorage::Disk { path, checksums, cipher: dirs.cipher().cloned(), is_own: true },
        offsets,
    })
}

impl Drop for Run {
    fn drop(&mut self) {
        match &self.place {
            RunStorage::Memory { bytes, pool } => pool.arbiter().unstore(bytes.len()),
            // If the file cannot be removed now, it goes with the directory.
            RunStorage::Disk { path, is_own: true, .. } => drop(std::fs::remove_file(path)),
            RunStorage::Disk { is_own: false, .. } => {}
        }
    }
}
