//! The broadcast store: an executor's broadcast values, encoded in checksummed chunks, and decoded once for all
//! its tasks.
//!
//! The encoded value lies in one stretch of memory, or on disk if the budget has no room for it. Either way it
//! consists of chunks, each with its checksum: in that form it travels, and it is checked before it is decoded.

use crate::{LocalDirs, MemoryPool, RemoteBlocks, SharedFiles};
use bytes::Bytes;
use firesteel_data::DataError;
use firesteel_data::frames::{FrameReader, FramedFile};
use firesteel_types::BroadcastId;
use parking_lot::{Mutex, MutexGuard};
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use xxhash_rust::xxh3::xxh3_64;

/// The length of a chunk in bytes, except the last one. Spark's length: large enough for the network, small
/// enough for several executors to serve one value.
pub const PIECE_BYTES: usize = 4 << 20;

/// A decoded value of any type.
pub type Value = Arc<dyn Any + Send + Sync>;

/// The reason why a broadcast value cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BroadcastError {
    /// No executor has it any more.
    #[error("it was destroyed")]
    Destroyed,
    /// It cannot be read or decoded.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// The broadcast values of one executor.
pub struct Broadcasts {
    pool: Arc<MemoryPool>,
    dirs: Arc<LocalDirs>,
    entries: Mutex<HashMap<BroadcastId, Arc<Entry>>>,
    /// The files in which the processes of one machine find each other's values.
    shared: Option<Arc<SharedFiles>>,
    /// The way to the values of other machines.
    remote: Option<Arc<dyn RemoteBlocks>>,
    /// Called when a value is to be removed everywhere.
    on_forget: OnceLock<Box<dyn Fn(BroadcastId) + Send + Sync>>,
}

struct Entry {
    encoded: Encoded,
    /// Locked while the value is decoded: other tasks that need it wait, so that it is decoded once.
    value: Mutex<Option<Decoded>>,
    pool: Arc<MemoryPool>,
}

struct Decoded {
    value: Value,
    bytes: usize,
    pool: Arc<MemoryPool>,
}

enum Encoded {
    Memory {
        bytes: Bytes,
        checksums: Vec<u64>,
        reserved: usize,
    },
    Disk(FramedFile, usize),
    /// In a file that all processes of the machine find.
    Shared(Arc<SharedFiles>),
}

impl Broadcasts {
    /// Makes an empty store.
    pub fn new(pool: Arc<MemoryPool>, dirs: Arc<LocalDirs>) -> Self {
        Broadcasts {
            pool,
            dirs,
            entries: Mutex::default(),
            shared: None,
            remote: None,
            on_forget: OnceLock::new(),
        }
    }

    /// Makes an empty store over shared files: all processes that share them find its values.
    pub fn sharing(pool: Arc<MemoryPool>, dirs: Arc<LocalDirs>, files: Arc<SharedFiles>) -> Self {
        Broadcasts { shared: Some(files), ..Broadcasts::new(pool, dirs) }
    }

    /// Adds a way to values of other machines: the first process that needs a value fetches it for all.
    pub fn fetching(self, remote: Arc<dyn RemoteBlocks>) -> Self {
        Broadcasts { remote: Some(remote), ..self }
    }

    /// Stores an encoded value: in memory if there is room, else on disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, id: BroadcastId, bytes: Bytes) -> Result<(), DataError> {
        let encoded = if let Some(files) = &self.shared {
            files.publish(&name(id), &(bytes.len() as u64), bytes.chunks(PIECE_BYTES))?;
            Encoded::Shared(files.clone())
        } else if self.pool.try_store(bytes.len()) {
            let checksums = bytes.chunks(PIECE_BYTES).map(xxh3_64).collect();
            Encoded::Memory { reserved: bytes.len(), bytes, checksums }
        } else {
            let mut file = self.dirs.create_frames("broadcast")?;
            bytes.chunks(PIECE_BYTES).try_for_each(|chunk| file.push(chunk))?;
            Encoded::Disk(file.finish()?, bytes.len())
        };
        let entry = Entry { encoded, value: Mutex::default(), pool: self.pool.clone() };
        self.entries().insert(id, Arc::new(entry));
        Ok(())
    }

    /// Returns whether this process has a value.
    pub fn has(&self, id: BroadcastId) -> bool {
        self.entry(id).is_ok()
    }

    /// Returns the encoded value, whole and checked.
    ///
    /// # Errors
    /// When no executor has it any more, or its stored bytes are not those that were put.
    pub fn bytes(&self, id: BroadcastId) -> Result<Bytes, BroadcastError> {
        Ok(self.entry(id)?.encoded.read(id)?)
    }

    /// Returns the value: the first task that asks decodes it, while others wait. `decode` returns it with the
    /// memory that it takes.
    ///
    /// # Errors
    /// As [`Broadcasts::bytes`], or when it cannot be decoded.
    pub fn value(
        &self,
        id: BroadcastId,
        decode: impl FnOnce(&[u8]) -> Result<(Value, usize), DataError>,
    ) -> Result<Value, BroadcastError> {
        let entry = self.entry(id)?;
        let mut decoded = entry.value.lock();
        if let Some(decoded) = &*decoded {
            return Ok(decoded.value.clone());
        }
        let (value, bytes) = decode(&entry.encoded.read(id)?)?;
        // The value is needed, so it is not refused: tasks and cached partitions get less.
        self.pool.arbiter().store_anyway(bytes);
        *decoded = Some(Decoded { value: value.clone(), bytes, pool: self.pool.clone() });
        Ok(value)
    }

    /// Sets the function that is called when a value is unpersisted or removed: the driver's tells its
    /// executors.
    pub fn set_on_forget(&self, tell: impl Fn(BroadcastId) + Send + Sync + 'static) {
        let _ = self.on_forget.set(Box::new(tell));
    }

    fn notify_forgotten(&self, id: BroadcastId) {
        if let Some(tell) = self.on_forget.get() {
            tell(id);
        }
    }

    /// Drops the decoded value; a task that needs it later decodes it again.
    pub fn unpersist(&self, id: BroadcastId) {
        if let Ok(entry) = self.entry(id) {
            let decoded = entry.value.lock().take();
            drop(decoded);
        }
        self.notify_forgotten(id);
    }

    /// Removes a value altogether.
    pub fn remove(&self, id: BroadcastId) {
        // Dropped outside the lock: values are the user's.
        let removed = self.entries().remove(&id);
        drop(removed);
        if let Some(files) = &self.shared {
            files.remove(&name(id));
        }
        self.notify_forgotten(id);
    }

    /// Drops this process's part of a value that another process has removed.
    pub fn forget(&self, id: BroadcastId) {
        let removed = self.entries().remove(&id);
        drop(removed);
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn entry(&self, id: BroadcastId) -> Result<Arc<Entry>, BroadcastError> {
        if let Some(entry) = self.entries().get(&id) {
            return Ok(entry.clone());
        }
        let Some(files) = &self.shared else { return Err(BroadcastError::Destroyed) };
        // No process of this machine has it yet.
        if files.find::<u64>(&name(id))?.is_none() {
            self.fetch(id, files)?;
        }
        let entry = Arc::new(Entry {
            encoded: Encoded::Shared(files.clone()),
            value: Mutex::default(),
            pool: self.pool.clone(),
        });
        Ok(self.entries().entry(id).or_insert(entry).clone())
    }

    /// Fetches a value from another machine into this machine's files.
    fn fetch(&self, id: BroadcastId, files: &SharedFiles) -> Result<(), BroadcastError> {
        let remote = self.remote.as_ref().ok_or(BroadcastError::Destroyed)?;
        let _others_wait = files.lock(&name(id))?;
        // Another process fetched it while this one waited for the lock.
        if files.find::<u64>(&name(id))?.is_some() {
            return Ok(());
        }
        let mut keep =
            |bytes: Bytes| files.publish(&name(id), &(bytes.len() as u64), bytes.chunks(PIECE_BYTES));
        if remote.broadcast(id, &mut keep)? { Ok(()) } else { Err(BroadcastError::Destroyed) }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<BroadcastId, Arc<Entry>>> {
        self.entries.lock()
    }
}

impl Encoded {
    fn read(&self, id: BroadcastId) -> Result<Bytes, DataError> {
        match self {
            Encoded::Memory { bytes, checksums, .. } => {
                let broken =
                    bytes.chunks(PIECE_BYTES).zip(checksums).position(|(chunk, sum)| xxh3_64(chunk) != *sum);
                match broken {
                    None => Ok(bytes.clone()),
                    Some(chunk) => Err(DataError::Corrupt {
                        source_name: format!("broadcast variable {id}"),
                        message: format!("the checksum of piece {chunk} does not match its contents"),
                    }),
                }
            }
            Encoded::Disk(file, length) => read_chunks(file.read()?, *length),
            Encoded::Shared(files) => match files.find::<u64>(&name(id))? {
                Some((length, reader)) => read_chunks(reader, length as usize),
                None => Err(DataError::Corrupt {
                    source_name: format!("broadcast variable {id}"),
                    message: "it was destroyed while it was used".into(),
                }),
            },
        }
    }
}

fn read_chunks(mut reader: FrameReader, length: usize) -> Result<Bytes, DataError> {
    let (mut bytes, mut chunk) = (Vec::with_capacity(length), vec![]);
    while reader.next(&mut chunk)? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// Returns the name of a value among a machine's shared files.
pub fn name(id: BroadcastId) -> String {
    format!("broadcast-{id}")
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Encoded::Memory { reserved, .. } = self.encoded {
            self.pool.arbiter().unstore(reserved);
        }
    }
}

impl Drop for Decoded {
    fn drop(&mut self) {
        self.pool.arbiter().unstore(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    fn broadcasts(memory: usize) -> (Broadcasts, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Arc::new(LocalDirs::create(dir.path()).unwrap());
        (Broadcasts::new(Arc::new(MemoryPool::new(memory)), dirs), dir)
    }

    const ID: BroadcastId = BroadcastId(3);

    fn encoded() -> Bytes {
        (0..PIECE_BYTES + 1000).map(|i| (i % 251) as u8).collect::<Vec<_>>().into()
    }

    #[test]
    fn a_value_is_decoded_once_and_again_when_it_was_forgotten() {
        let (broadcasts, _dir) = broadcasts(1 << 30);
        broadcasts.put(ID, encoded()).unwrap();
        let decodings = AtomicUsize::new(0);
        let length = || {
            let decode = |bytes: &[u8]| {
                decodings.fetch_add(1, Relaxed);
                Ok((Arc::new(bytes.len()) as Value, 8))
            };
            *broadcasts.value(ID, decode).unwrap().downcast::<usize>().unwrap()
        };
        assert_eq!((length(), length(), decodings.load(Relaxed)), (encoded().len(), encoded().len(), 1));
        broadcasts.unpersist(ID);
        assert_eq!((length(), decodings.load(Relaxed)), (encoded().len(), 2));
        broadcasts.remove(ID);
        assert!(matches!(broadcasts.bytes(ID), Err(BroadcastError::Destroyed)));
        assert_eq!(broadcasts.pool.arbiter().used(), 0);
    }

    #[test]
    fn what_has_no_room_lies_on_disk_and_a_flipped_byte_is_noticed() {
        let (broadcasts, dir) = broadcasts(1 << 20);
        broadcasts.put(ID, encoded()).unwrap();
        assert_eq!(broadcasts.bytes(ID).unwrap(), encoded());
        let own = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
        let files = std::fs::read_dir(own).unwrap().map(|entry| entry.unwrap().path());
        let file = files.into_iter().find(|path| path.to_string_lossy().contains("broadcast")).unwrap();
        let good = std::fs::read(&file).unwrap();
        for at in [0, 5, 100, good.len() - 1] {
            let mut flipped = good.clone();
            flipped[at] ^= 4;
            std::fs::write(&file, flipped).unwrap();
            let error = broadcasts.bytes(ID).unwrap_err().to_string();
            assert!(error.contains(file.to_str().unwrap()), "{error}");
        }
        broadcasts.remove(ID);
        assert!(!file.exists());
    }
}
