//! The block store: an executor's blocks by name, in memory or in files that several processes share.

use crate::{RemoteBlocks, SharedFiles};
use firesteel_data::DataError;
use firesteel_types::BlockId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Blocks by name.
#[derive(Default)]
pub struct BlockStore {
    blocks: Mutex<HashMap<BlockId, Arc<[u8]>>>,
    shared: Option<Arc<SharedFiles>>,
    remote: Option<Arc<dyn RemoteBlocks>>,
}

/// The length of the chunks in which a block is written to a file.
const STRETCH: usize = 16 << 20;

impl BlockStore {
    /// Makes a store over shared files: all processes that share them find its blocks.
    pub fn sharing(files: Arc<SharedFiles>) -> Self {
        BlockStore { shared: Some(files), ..BlockStore::default() }
    }

    /// Makes a store that fetches blocks from a driver on another host, and stores none itself.
    pub fn of_driver(remote: Arc<dyn RemoteBlocks>) -> Self {
        BlockStore { remote: Some(remote), ..BlockStore::default() }
    }

    /// Stores a block.
    ///
    /// # Errors
    /// When the block goes to a shared file, and that cannot be written.
    pub fn put(&self, id: BlockId, bytes: Arc<[u8]>) -> Result<(), DataError> {
        if let Some(files) = &self.shared {
            return files.publish(&id.to_string(), &(bytes.len() as u64), bytes.chunks(STRETCH));
        }
        self.with(|blocks| blocks.insert(id, bytes));
        Ok(())
    }

    /// Returns the block, if it is here.
    ///
    /// # Errors
    /// When it lies in a file that cannot be read.
    pub fn get(&self, id: BlockId) -> Result<Option<Arc<[u8]>>, DataError> {
        if let Some(remote) = &self.remote {
            return remote.block(id);
        }
        let Some(files) = &self.shared else { return Ok(self.with(|blocks| blocks.get(&id).cloned())) };
        let Some((length, mut reader)) = files.find::<u64>(&id.to_string())? else { return Ok(None) };
        let (mut bytes, mut segment) = (Vec::with_capacity(length as usize), vec![]);
        while reader.next(&mut segment)? {
            bytes.extend_from_slice(&segment);
        }
        Ok(Some(bytes.into()))
    }

    /// Forgets a block.
    pub fn remove(&self, id: BlockId) {
        match &self.shared {
            Some(files) => files.remove(&id.to_string()),
            None => drop(self.with(|blocks| blocks.remove(&id))),
        }
    }

    /// Returns the number of blocks.
    pub fn len(&self) -> usize {
        match &self.shared {
            Some(files) => files.names("input_").len(),
            None => self.with(|blocks| blocks.len()),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with<R>(&self, f: impl FnOnce(&mut HashMap<BlockId, Arc<[u8]>>) -> R) -> R {
        f(&mut self.blocks.lock())
    }
}
