//! The cache of persisted RDDs: an executor's partitions in memory, as records or encoded, and on disk.
//!
//! A task that computes a partition puts it here; the next task that needs it takes it from here. When memory
//! is short, the least recently used partitions are evicted: they go to disk if their storage level says so,
//! else they are dropped, and computed again when they are needed. [`crate::lru`] chooses the partitions, the
//! arbiter in [`crate::memory`] the number of bytes.

use crate::lru::Lru;
use crate::memory::{Answer, Evict};
use crate::{LocalDirs, MemoryPool, RemoteBlocks, SharedFiles};
use firesteel_data::DataError;
use firesteel_data::frames::{FrameWriter, FramedFile};
use firesteel_types::{AccumulatorUpdate, BlockKey, BlockSize, Generation, RddId};
use parking_lot::{Mutex, MutexGuard};
use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// A partition in memory. Only the operator that put it here knows its type.
pub trait CachedBlock: Any + Send + Sync {
    /// Returns the number of bytes that it takes.
    fn bytes(&self) -> usize;

    /// Hands its encoding, chunk by chunk, to `sink`.
    ///
    /// # Errors
    /// When a record refuses to be encoded, or `sink` fails.
    fn encode(&self, sink: &mut dyn FnMut(&[u8]) -> Result<(), DataError>) -> Result<(), DataError>;
}

/// The place in which a cached partition was found.
pub enum Found {
    /// In memory.
    Memory(Arc<dyn CachedBlock>),
    /// On disk, as [`CachedBlock::encode`] gave it, a frame for each chunk.
    Disk(Arc<FramedFile>),
}

/// The additions to accumulators while a partition was computed: a task that reads the partition brings them
/// along.
pub type CachedUpdates = Arc<[AccumulatorUpdate]>;

/// Learns which partitions are cached, and which no longer.
pub trait BlockListener: Send + Sync {
    /// A partition is cached from now on, or its place has changed.
    fn stored(&self, key: BlockKey, size: BlockSize);
    /// A partition is not cached any more.
    fn dropped(&self, key: BlockKey);
}

/// The size of what is cached of one RDD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CachedSize {
    /// The number of its cached partitions.
    pub partitions: usize,
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

/// The cached partitions of an executor.
pub struct CachedBlocks {
    pool: Arc<MemoryPool>,
    dirs: Arc<LocalDirs>,
    state: Mutex<State>,
    listener: OnceLock<Box<dyn BlockListener>>,
    /// The files in which the processes of one machine find each other's partitions.
    shared: Option<Arc<SharedFiles>>,
    /// True if the partitions of this process lie there, too, for others to find.
    publishes: bool,
    /// The way to the partitions of other machines.
    remote: OnceLock<Arc<dyn RemoteBlocks>>,
}

/// The description of a partition for the other processes of the machine: its file, the number of frames and
/// bytes in it, and the updates that go with it.
type SharedBlock = (PathBuf, u64, u64, Vec<AccumulatorUpdate>);

#[derive(Default)]
struct State {
    lru: Lru,
    blocks: BTreeMap<BlockKey, Block>,
}

struct Block {
    /// True if it goes to disk when it is evicted.
    use_disk: bool,
    updates: CachedUpdates,
    memory: Option<Arc<dyn CachedBlock>>,
    disk: Option<Arc<FramedFile>>,
}

impl CachedBlocks {
    /// Makes an empty cache.
    pub fn new(pool: Arc<MemoryPool>, dirs: Arc<LocalDirs>) -> Arc<Self> {
        Self::make(pool, dirs, None, false)
    }

    /// Makes an empty cache over shared files: all processes that share them find the partitions there. What
    /// this process also has in memory is a second copy.
    pub fn sharing(pool: Arc<MemoryPool>, dirs: Arc<LocalDirs>, files: Arc<SharedFiles>) -> Arc<Self> {
        Self::make(pool, dirs, Some(files), true)
    }

    /// Makes an empty cache of a process that keeps its own partitions, in memory while there is room, and finds
    /// those that others have left in shared files. Its partitions are lost with it.
    pub fn beside(pool: Arc<MemoryPool>, dirs: Arc<LocalDirs>, files: Arc<SharedFiles>) -> Arc<Self> {
        Self::make(pool, dirs, Some(files), false)
    }

    fn make(
        pool: Arc<MemoryPool>,
        dirs: Arc<LocalDirs>,
        shared: Option<Arc<SharedFiles>>,
        publishes: bool,
    ) -> Arc<Self> {
        let (state, listener, remote) = (Mutex::default(), OnceLock::new(), OnceLock::new());
        let cached = Arc::new(CachedBlocks { pool, dirs, state, listener, shared, publishes, remote });
        let evict: Arc<dyn Evict> = cached.clone();
        cached.pool.set_evict(Arc::downgrade(&evict));
        cached
    }

    /// Sets the listener. Only the first call has an effect.
    pub fn set_listener(&self, listener: Box<dyn BlockListener>) {
        let _ = self.listener.set(listener);
    }

    /// Sets the way to the partitions of other machines. Only the first call has an effect.
    pub fn set_remote_blocks(&self, remote: Arc<dyn RemoteBlocks>) {
        let _ = self.remote.set(remote);
    }

    /// Returns a partition, if it is cached: by this process, by another one of the machine, or on another
    /// machine.
    pub fn get(&self, key: BlockKey) -> Option<(Found, CachedUpdates)> {
        self.get_own(key).or_else(|| self.get_shared(key)).or_else(|| self.get_remote(key))
    }

    /// Fetches a partition from another machine, into a file that is removed after it was read. A failure
    /// counts as not cached: the partition is computed again.
    fn get_remote(&self, key: BlockKey) -> Option<(Found, CachedUpdates)> {
        let (file, updates) = self.remote.get()?.cached(key, &|| self.create_file()).ok()??;
        Some((Found::Disk(Arc::new(file)), updates.into()))
    }

    /// Returns a partition of this machine's files, to be sent to another machine: its file, and the updates
    /// that go with it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn find_shared(
        files: &SharedFiles,
        key: BlockKey,
    ) -> Result<Option<(FramedFile, Vec<AccumulatorUpdate>)>, DataError> {
        let Some(((path, frames, bytes, updates), _)) = files.find::<SharedBlock>(&name(key))? else {
            return Ok(None);
        };
        Ok(Some((FramedFile::foreign(path, frames, bytes, files.cipher().cloned()), updates)))
    }

    /// Publishes a partition that came from another machine among this machine's files. The caller informs the
    /// driver.
    ///
    /// # Errors
    /// When its description cannot be written.
    pub fn migrate_shared(
        files: &SharedFiles,
        key: BlockKey,
        file: FramedFile,
        updates: &[AccumulatorUpdate],
    ) -> Result<(), DataError> {
        let path = file.path().to_owned();
        let (frames, bytes) = file.leave();
        files.publish(&name(key), &(path, frames, bytes, updates), [])
    }

    /// Removes the partitions of an RDD from a machine's files: those of this generation and all before it.
    pub fn remove_shared_rdd(files: &SharedFiles, rdd: RddId, until: Generation) {
        let names = files.names(&prefix(rdd));
        let old =
            names.iter().filter(|name| generation_in(name).is_none_or(|generation| generation <= until));
        old.for_each(|name| Self::remove_shared(files, name));
    }

    /// Returns whether this process's partitions lie in files that other processes find, too.
    pub fn is_shared(&self) -> bool {
        self.publishes
    }

    /// Leaves all partitions of this process among a host's files, for others to find when it has ended. What
    /// cannot be written is lost with the process, and computed again.
    pub fn leave_behind(&self, files: &SharedFiles) {
        for (key, Block { updates, memory, disk, .. }) in self.take_out(|_| true) {
            let written = match (disk, memory) {
                (Some(file), _) => Arc::into_inner(file),
                (None, Some(memory)) => self.write(&*memory).ok(),
                (None, None) => None,
            };
            if let Some(file) = written {
                let _ = Self::migrate_shared(files, key, file, &updates);
            }
        }
    }

    /// Returns a partition that another process has published, or this one before it evicted it from memory. A
    /// broken description counts as not cached.
    fn get_shared(&self, key: BlockKey) -> Option<(Found, CachedUpdates)> {
        let files = self.shared.as_ref()?;
        let ((path, frames, bytes, updates), _) = files.find::<SharedBlock>(&name(key)).ok()??;
        let file = FramedFile::foreign(path, frames, bytes, files.cipher().cloned());
        Some((Found::Disk(Arc::new(file)), updates.into()))
    }

    /// Publishes a partition for all processes. Of two attempts at one partition either may win: they are the
    /// same.
    ///
    /// # Errors
    /// When its description cannot be written.
    pub fn put_shared(
        &self,
        key: BlockKey,
        file: FramedFile,
        updates: &CachedUpdates,
    ) -> Result<(), DataError> {
        let Some(files) = &self.shared else { return Ok(()) };
        let size = BlockSize { memory: 0, disk: file.bytes() };
        Self::migrate_shared(files, key, file, updates)?;
        if let Some(listener) = self.listener.get() {
            listener.stored(key, size);
        }
        Ok(())
    }

    /// Removes a shared partition, with its file.
    fn remove_shared(files: &SharedFiles, name: &str) {
        if let Ok(Some(((path, ..), _))) = files.find::<SharedBlock>(name) {
            // If the file cannot be removed now, it goes with the directory.
            let _ = std::fs::remove_file(path);
        }
        files.remove(name);
    }

    /// Returns a partition that this process has.
    pub fn get_own(&self, key: BlockKey) -> Option<(Found, CachedUpdates)> {
        let mut state = self.state();
        let block = state.blocks.get(&key)?;
        let updates = block.updates.clone();
        let found = match (&block.memory, &block.disk) {
            (Some(memory), _) => Found::Memory(memory.clone()),
            (None, Some(disk)) => Found::Disk(disk.clone()),
            (None, None) => return None,
        };
        state.lru.touch(key);
        Some((found, updates))
    }

    /// Reserves memory for a partition of `rdd` that is being computed. Others are evicted for it, but none of
    /// the same RDD.
    pub fn reserve(self: &Arc<Self>, rdd: RddId) -> CacheReservation {
        CacheReservation { cached: self.clone(), rdd, bytes: 0 }
    }

    /// Creates a file for a partition.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create_file(&self) -> Result<FrameWriter, DataError> {
        self.dirs.create_frames("rdd")
    }

    /// Caches a partition in memory. Of two attempts at one partition, the first wins.
    pub fn put_memory(
        &self,
        key: BlockKey,
        block: Arc<dyn CachedBlock>,
        updates: CachedUpdates,
        mut reservation: CacheReservation,
        use_disk: bool,
    ) {
        reservation.shrink_to(block.bytes());
        let bytes = reservation.bytes;
        let is_new = {
            let mut state = self.state();
            let new = Block { use_disk, updates, memory: None, disk: None };
            let known = state.blocks.entry(key).or_insert(new);
            let is_new = known.memory.is_none() && known.disk.is_none();
            if is_new {
                known.memory = Some(block);
                state.lru.insert(key, bytes);
                // The memory belongs to the block now: dropping the reservation must not free it.
                reservation.bytes = 0;
            }
            is_new
        };
        if is_new {
            self.stored(key, BlockSize { memory: bytes as u64, disk: 0 });
        }
    }

    /// Caches a partition on disk.
    pub fn put_disk(&self, key: BlockKey, file: FramedFile, updates: CachedUpdates) {
        let size = BlockSize { memory: 0, disk: file.bytes() };
        let is_new = {
            let mut state = self.state();
            let new = Block { use_disk: true, updates, memory: None, disk: None };
            let known = state.blocks.entry(key).or_insert(new);
            let is_new = known.memory.is_none() && known.disk.is_none();
            if is_new {
                known.disk = Some(Arc::new(file));
            }
            is_new
        };
        if is_new {
            self.stored(key, size);
        }
    }

    /// Removes a broken partition.
    pub fn remove(&self, key: BlockKey) {
        let removed = self.take_out(|other| other == key);
        let is_told = !removed.is_empty() && !self.is_shared();
        self.release(removed, true);
        let Some(files) = &self.shared else { return };
        Self::remove_shared(files, &name(key));
        if let Some(listener) = self.listener.get().filter(|_| !is_told) {
            listener.dropped(key);
        }
    }

    /// Removes the partitions of an RDD, of this generation and all before it. The listener is not called: the caller
    /// knows.
    pub fn remove_rdd(&self, rdd: RddId, until: Generation) {
        self.forget_rdd(rdd, until);
        if let Some(files) = &self.shared {
            Self::remove_shared_rdd(files, rdd, until);
        }
    }

    /// Drops this process's partitions in memory of an RDD whose files another process removes.
    pub fn forget_rdd(&self, rdd: RddId, until: Generation) {
        let removed = self.take_out(|key| key.is_of(rdd, until));
        self.release(removed, false);
    }

    /// Returns the size of what is cached of an RDD.
    pub fn size_of(&self, rdd: RddId) -> CachedSize {
        let mut size = CachedSize::default();
        if let Some(files) = self.shared.as_ref().filter(|_| self.publishes) {
            for name in files.names(&prefix(rdd)) {
                if let Ok(Some(((_, _, bytes, _), _))) = files.find::<SharedBlock>(&name) {
                    size.partitions += 1;
                    size.disk_bytes += bytes;
                }
            }
            return size;
        }
        let state = self.state();
        for (_, block) in state.blocks.iter().filter(|(key, _)| key.rdd == rdd) {
            size.partitions += 1;
            size.memory_bytes += block.memory.as_ref().map_or(0, |memory| memory.bytes() as u64);
            size.disk_bytes += block.disk.as_ref().map_or(0, |disk| disk.bytes());
        }
        size
    }

    /// Returns the number of cached partitions.
    pub fn len(&self) -> usize {
        match self.shared.as_ref().filter(|_| self.publishes) {
            Some(files) => files.names("cached-").len(),
            None => self.state().blocks.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Neither user code nor files are touched under this lock.
        self.state.lock()
    }

    /// Calls the listener for a new block, and drops the blocks of older versions of its RDD: no task can read
    /// them any more.
    fn stored(&self, key: BlockKey, size: BlockSize) {
        let older = self.take_out(|other| other.rdd == key.rdd && other.version < key.version);
        self.release(older, false);
        // A shared partition was reported when it was published: memory has only a copy.
        if !self.is_shared()
            && let Some(listener) = self.listener.get()
        {
            listener.stored(key, size);
        }
    }

    fn take_out(&self, which: impl Fn(BlockKey) -> bool) -> Vec<(BlockKey, Block)> {
        let mut state = self.state();
        let keys: Vec<BlockKey> = state.blocks.keys().copied().filter(|key| which(*key)).collect();
        let removed = keys.into_iter().filter_map(|key| {
            state.lru.remove(key);
            state.blocks.remove(&key).map(|block| (key, block))
        });
        removed.collect()
    }

    fn release(&self, removed: Vec<(BlockKey, Block)>, tell: bool) {
        for (key, block) in removed {
            if let Some(memory) = &block.memory {
                self.pool.arbiter().forget_rdd(memory.bytes());
            }
            if tell
                && !self.is_shared()
                && let Some(listener) = self.listener.get()
            {
                listener.dropped(key);
            }
        }
    }

    /// Evicts the least recently used partitions, none of them of `except`. All or nothing.
    fn evict_except(&self, bytes: usize, except: Option<RddId>) -> bool {
        let Some(victims) = self.state().lru.take_victims(bytes, except) else { return false };
        victims.into_iter().for_each(|key| self.evict_one(key));
        true
    }

    /// Moves a block that the LRU list has given up from memory to disk, or drops it. Readers find it in memory
    /// until it is on disk.
    fn evict_one(&self, key: BlockKey) {
        let to_write = {
            let state = self.state();
            let block = state.blocks.get(&key).filter(|block| block.use_disk && block.disk.is_none());
            block.and_then(|block| block.memory.clone())
        };
        // A block that cannot be written is dropped: it can be computed again.
        let written = to_write.and_then(|block| self.write(&*block).ok());
        let (freed, on_disk) = {
            let mut state = self.state();
            let Some(block) = state.blocks.get_mut(&key) else { return };
            block.disk = block.disk.take().or(written.map(Arc::new));
            let memory = block.memory.take();
            let on_disk = block.disk.as_ref().map(|file| file.bytes());
            if on_disk.is_none() {
                state.blocks.remove(&key);
            }
            (memory, on_disk)
        };
        if let Some(memory) = freed {
            self.pool.arbiter().forget_rdd(memory.bytes());
        }
        if !self.is_shared()
            && let Some(listener) = self.listener.get()
        {
            match on_disk {
                Some(disk) => listener.stored(key, BlockSize { memory: 0, disk }),
                None => listener.dropped(key),
            }
        }
    }

    fn write(&self, block: &dyn CachedBlock) -> Result<FramedFile, DataError> {
        let mut file = self.create_file()?;
        block.encode(&mut |segment| file.push(segment))?;
        file.finish()
    }
}

fn name(BlockKey { rdd, partition, version }: BlockKey) -> String {
    format!("cached-{rdd}-{partition}-{version}")
}

fn prefix(rdd: RddId) -> String {
    format!("cached-{rdd}-")
}

/// Returns the generation of the partition that has this name; `None` if none is named so.
fn generation_in(name: &str) -> Option<Generation> {
    let (_, version) = name.rsplit_once('-')?;
    version.parse().ok().map(Generation::of)
}

impl Evict for CachedBlocks {
    fn evict(&self, bytes: usize) -> bool {
        self.evict_except(bytes, None)
    }
}

/// The memory of a partition while it is computed; given back when dropped, unless the partition is cached.
pub struct CacheReservation {
    cached: Arc<CachedBlocks>,
    rdd: RddId,
    bytes: usize,
}

impl CacheReservation {
    /// The arbiter is asked for memory in steps of this size.
    const STEP: usize = 1 << 20;

    /// Makes the reservation cover `bytes`. Returns `false` when it cannot.
    pub fn cover(&mut self, bytes: usize) -> bool {
        while self.bytes < bytes {
            let missing = bytes - self.bytes;
            let ask = missing.next_multiple_of(Self::STEP);
            let mut answer = self.cached.pool.arbiter().keep(ask);
            let mut granted = ask;
            if answer == Answer::Refused {
                answer = self.cached.pool.arbiter().keep(missing);
                granted = missing;
            }
            match answer {
                Answer::Granted => self.bytes += granted,
                Answer::AfterEvicting(bytes) if self.cached.evict_except(bytes, Some(self.rdd)) => {}
                // Perhaps the exact size fits where the rounded one does not.
                Answer::AfterEvicting(_) if granted > missing => {
                    if self.cached.pool.arbiter().keep(missing) != Answer::Granted {
                        return false;
                    }
                    self.bytes += missing;
                }
                Answer::AfterEvicting(_) | Answer::Refused => return false,
            }
        }
        true
    }

    fn shrink_to(&mut self, bytes: usize) {
        assert!(self.bytes >= bytes, "a partition's memory is reserved before it is kept");
        self.cached.pool.arbiter().forget_rdd(self.bytes - bytes);
        self.bytes = bytes;
    }
}

impl Drop for CacheReservation {
    fn drop(&mut self) {
        self.cached.pool.arbiter().forget_rdd(self.bytes);
    }
}
