//! Blocks that an executor keeps in memory, by name.

use firesteel_types::BlockId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks by name.
#[derive(Default, Debug)]
pub struct BlockStore {
    blocks: Mutex<HashMap<BlockId, Arc<[u8]>>>,
}

impl BlockStore {
    /// Keeps a block.
    pub fn put(&self, id: BlockId, bytes: Arc<[u8]>) {
        self.with(|blocks| blocks.insert(id, bytes));
    }

    /// The block, if it is here.
    pub fn get(&self, id: BlockId) -> Option<Arc<[u8]>> {
        self.with(|blocks| blocks.get(&id).cloned())
    }

    /// Forgets a block.
    pub fn remove(&self, id: BlockId) {
        self.with(|blocks| blocks.remove(&id));
    }

    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.with(|blocks| blocks.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with<R>(&self, f: impl FnOnce(&mut HashMap<BlockId, Arc<[u8]>>) -> R) -> R {
        f(&mut self.blocks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
