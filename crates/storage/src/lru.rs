//! The LRU list: decides which cached partitions to evict, and does nothing else.

use firesteel_types::{BlockKey, RddId};
use std::collections::BTreeMap;

/// Blocks in memory, in the order of their last use.
#[derive(Debug, Default)]
pub struct Lru {
    clock: u64,
    by_use: BTreeMap<u64, BlockKey>,
    blocks: BTreeMap<BlockKey, Use>,
}

#[derive(Clone, Copy, Debug)]
struct Use {
    at: u64,
    bytes: usize,
}

impl Lru {
    /// Adds a block that was put into memory.
    pub fn insert(&mut self, key: BlockKey, bytes: usize) {
        self.remove(key);
        self.clock += 1;
        self.by_use.insert(self.clock, key);
        self.blocks.insert(key, Use { at: self.clock, bytes });
    }

    /// Makes a block that was read the most recently used.
    pub fn touch(&mut self, key: BlockKey) {
        if let Some(Use { bytes, .. }) = self.blocks.get(&key).copied() {
            self.insert(key, bytes);
        }
    }

    /// Removes a block that is not in memory any more.
    pub fn remove(&mut self, key: BlockKey) {
        if let Some(Use { at, .. }) = self.blocks.remove(&key) {
            self.by_use.remove(&at);
        }
    }

    /// Removes and returns the least recently used blocks that together have at least `bytes` bytes. None is of
    /// the RDD `except`: a partition must not push out its own siblings, which will be needed as soon as
    /// itself. Returns `None`, and removes nothing, when there are not that many bytes.
    ///
    /// ```
    /// use firesteel_storage::lru::Lru;
    /// use firesteel_types::{BlockKey, Partition, RddId};
    /// let key = |rdd| BlockKey { rdd: RddId(rdd), partition: Partition(0), version: 0 };
    /// let mut lru = Lru::default();
    /// [1, 2, 3].map(|rdd| lru.insert(key(rdd), 10));
    /// lru.touch(key(1));
    /// assert_eq!(lru.take_victims(15, Some(RddId(2))), Some(vec![key(3), key(1)]));
    /// assert_eq!(lru.take_victims(15, None), None);
    /// ```
    pub fn take_victims(&mut self, bytes: usize, except: Option<RddId>) -> Option<Vec<BlockKey>> {
        let (mut victims, mut freed) = (vec![], 0);
        for key in self.by_use.values().filter(|key| Some(key.rdd) != except) {
            if freed >= bytes {
                break;
            }
            freed += self.blocks[key].bytes;
            victims.push(*key);
        }
        if freed < bytes {
            return None;
        }
        victims.iter().for_each(|key| self.remove(*key));
        Some(victims)
    }
}
