//! The record of the shuffle storage: its contents, and the outputs that the driver was told of.

use crate::data::Block;
use crate::machine::BlockName;
use firesteel_types::TaskId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The storage, and what was said of it.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    pub(crate) blocks: BTreeMap<BlockName, Arc<Block>>,
    /// The outputs that a fault has removed.
    pub(super) lost: BTreeSet<BlockName>,
    /// The outputs that the driver was told of, by their attempts.
    pub(super) told: BTreeMap<TaskId, BlockName>,
    pub(super) next_number: u32,
}

impl Storage {
    /// A fault removes an output.
    pub(crate) fn lose(&mut self, name: BlockName) {
        if self.blocks.remove(&name).is_some() {
            self.lost.insert(name);
        }
    }
}
