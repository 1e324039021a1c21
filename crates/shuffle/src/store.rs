//! The map outputs that an executor has.

use crate::output::MapOutput;
use firesteel_types::{Partition, ShuffleId, TaskId};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

type Key = (ShuffleId, Partition, TaskId);

/// Map outputs by shuffle, map partition, and the attempt that wrote them.
#[derive(Default)]
pub struct ShuffleStore {
    outputs: RwLock<BTreeMap<Key, Arc<MapOutput>>>,
}

impl ShuffleStore {
    /// Keeps an output.
    pub fn put(&self, shuffle: ShuffleId, map: Partition, task: TaskId, output: MapOutput) {
        self.write(|outputs| outputs.insert((shuffle, map, task), Arc::new(output)));
    }

    /// The output of this very attempt, if it is here.
    pub fn get(&self, shuffle: ShuffleId, map: Partition, task: TaskId) -> Option<Arc<MapOutput>> {
        let outputs = self.outputs.read().unwrap_or_else(PoisonError::into_inner);
        outputs.get(&(shuffle, map, task)).cloned()
    }

    /// Forgets one output.
    pub fn remove(&self, shuffle: ShuffleId, map: Partition, task: TaskId) {
        // Dropped outside the lock: it may remove a file.
        drop(self.write(|outputs| outputs.remove(&(shuffle, map, task))));
    }

    /// Forgets all outputs of a shuffle.
    pub fn remove_shuffle(&self, shuffle: ShuffleId) {
        let first = (shuffle, Partition(0), TaskId(0));
        let dropped = self.write(|outputs| {
            let mut rest = outputs.split_off(&first);
            let after = (ShuffleId(shuffle.0 + 1), Partition(0), TaskId(0));
            outputs.append(&mut rest.split_off(&after));
            rest
        });
        drop(dropped);
    }

    /// How many outputs there are.
    pub fn len(&self) -> usize {
        self.outputs.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn write<R>(&self, f: impl FnOnce(&mut BTreeMap<Key, Arc<MapOutput>>) -> R) -> R {
        f(&mut self.outputs.write().unwrap_or_else(PoisonError::into_inner))
    }
}
