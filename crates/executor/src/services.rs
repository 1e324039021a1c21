//! The services that an executor in a process of its own lends to its tasks: stores whose contents lie in files that all processes of the
//! host find, and the ways to other hosts.

use crate::stored::StoredReader;
use firesteel_data::{Cipher, DataError};
use firesteel_operators::{BarrierGate, CommitGate, Services, Stores};
use firesteel_protocol::handshake::{SHARED_DIRECTORY, StorageConfig};
use firesteel_shuffle::{RemoteShuffle, ShuffleStore};
use firesteel_storage::cached::BlockListener;
use firesteel_storage::{
    BlockStore, Broadcasts, CachedBlocks, LocalDirs, MemoryPool, RemoteBlocks, SharedFiles,
};
use firesteel_transfer::RemoteFetcher;
use firesteel_types::ExecutorId;
use std::path::Path;
use std::sync::Arc;

/// The parts that services are made of.
pub(crate) struct Parts<'a> {
    pub(crate) executor: ExecutorId,
    pub(crate) application: u64,
    /// The application's directory on this host.
    pub(crate) directory: &'a Path,
    /// The name of the executor's own part of it.
    pub(crate) own: String,
    /// True if it publishes the partitions that it caches as files, since it does not serve them itself.
    pub(crate) publishes_cached: bool,
    /// The memory budget, in bytes.
    pub(crate) memory: u64,
    /// The way to other hosts, where there are such.
    pub(crate) remote: Option<Arc<RemoteFetcher>>,
    /// The shuffle storage, where there is one.
    pub(crate) storage: Option<&'a StorageConfig>,
    /// Encrypts the files that tasks write, where they are encrypted.
    pub(crate) cipher: Option<Cipher>,
    /// The application's settings, by which its tasks reach stores.
    pub(crate) settings: &'a [(String, String)],
    pub(crate) listener: Box<dyn BlockListener>,
    pub(crate) commit: Arc<dyn CommitGate>,
    pub(crate) barrier: Arc<dyn BarrierGate>,
}

pub(crate) fn services(parts: Parts<'_>) -> Result<Services, DataError> {
    let files = Arc::new(SharedFiles::open(parts.directory.join(SHARED_DIRECTORY))?);
    let dirs = Arc::new(LocalDirs::within(parts.directory.join(parts.own))?);
    if let Some(cipher) = &parts.cipher {
        files.encrypt_with(cipher);
        dirs.encrypt_with(cipher);
    }
    if let (Some(remote), Some(storage)) = (&parts.remote, parts.storage) {
        let stores = Stores::by_settings(parts.settings);
        remote.set_stored(Arc::new(StoredReader::new(stores, &storage.directory, files.clone())));
    }
    let memory = Arc::new(MemoryPool::new(parts.memory as usize));
    let make = if parts.publishes_cached { CachedBlocks::sharing } else { CachedBlocks::beside };
    let cached = make(memory.clone(), dirs.clone(), files.clone());
    cached.set_listener(parts.listener);
    let mut broadcasts = Broadcasts::sharing(memory.clone(), dirs.clone(), files.clone());
    let mut blocks = BlockStore::sharing(files.clone());
    if let Some(remote) = &parts.remote {
        let remote: Arc<dyn RemoteBlocks> = remote.clone();
        cached.set_remote_blocks(remote.clone());
        broadcasts = broadcasts.fetching(remote.clone());
        blocks = BlockStore::of_driver(remote);
    }
    Ok(Services {
        executor: parts.executor,
        application: parts.application,
        cached,
        broadcasts: Arc::new(broadcasts),
        shuffles: Arc::new(ShuffleStore::sharing(files, dirs.clone())),
        remote: parts.remote.map(|remote| remote as Arc<dyn RemoteShuffle>),
        blocks: Arc::new(blocks),
        memory,
        dirs,
        stores: Stores::by_settings(parts.settings),
        commit: parts.commit,
        barrier: parts.barrier,
    })
}
