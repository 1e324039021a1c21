//! The shuffle storage, which outlives drivers: objects with map outputs, some of which go, or break, while there is no driver.

use super::scenario::Keeps;
use crate::data::Block;
use crate::machine::BlockName;
use crate::rng::Rng;
use firesteel_types::{ExecutorId, Partition, ShuffleId, StoredObject, StoredOutput};
use std::collections::BTreeMap;

/// All objects, and what a driver may not do again because of them.
#[derive(Default)]
pub(crate) struct Storage {
    objects: BTreeMap<StoredObject, Object>,
    /// The outputs that drivers have written down, as far as that is on the disk or in the system's memory.
    written: BTreeMap<(ShuffleId, Partition), StoredObject>,
    /// Those of drivers before this one.
    written_before: BTreeMap<(ShuffleId, Partition), StoredObject>,
    next_number: u32,
}

struct Object {
    shuffle: ShuffleId,
    /// Nothing, if it is broken.
    blocks: BTreeMap<BlockName, Block>,
}

impl Storage {
    /// Writes an object of an agent's, with outputs of a shuffle.
    pub(crate) fn put(
        &mut self,
        life: u32,
        by: ExecutorId,
        (shuffle, blocks): (ShuffleId, BTreeMap<BlockName, Block>),
    ) -> StoredObject {
        self.next_number += 1;
        let object = StoredObject { life, by, number: self.next_number, index_at: 0, length: 1 };
        let before = self.objects.insert(object, Object { shuffle, blocks });
        assert!(before.is_none(), "no driver's agent writes over another's object");
        object
    }

    pub(crate) fn get(&self, object: StoredObject, name: BlockName) -> Option<&Block> {
        self.objects.get(&object)?.blocks.get(&name)
    }

    /// Returns whether a listing has an object, be it broken or not.
    pub(crate) fn lists(&self, object: StoredObject) -> bool {
        self.objects.contains_key(&object)
    }

    /// The driver has written down which outputs it has.
    pub(crate) fn note_written(
        &mut self,
        shuffle: ShuffleId,
        object: StoredObject,
        outputs: &[StoredOutput],
    ) {
        self.written.extend(outputs.iter().map(|output| ((shuffle, output.map), object)));
    }

    /// Returns whether a map task may not run again: its output is here, and this was written down.
    pub(crate) fn must_be_there(&self, shuffle: ShuffleId, map: Partition) -> bool {
        self.written_before.contains_key(&(shuffle, map))
    }

    /// All of a shuffle may be computed again: an object could not be read, or the program lets go of it.
    pub(crate) fn excuse(&mut self, shuffle: ShuffleId) {
        self.written_before.retain(|(of, _), _| *of != shuffle);
    }

    /// The program has changed: nothing need be as it was.
    pub(crate) fn excuse_all(&mut self) {
        self.written_before.clear();
    }

    /// All objects of a shuffle are removed.
    pub(crate) fn remove(&mut self, shuffle: ShuffleId) {
        self.objects.retain(|_, object| object.shuffle != shuffle);
        self.excuse(shuffle);
    }

    /// The driver is gone. What it has written down counts for the next one, if `is_kept`.
    pub(crate) fn crash(&mut self, keeps: Keeps, is_kept: bool, rng: &mut Rng) -> u64 {
        let written = std::mem::take(&mut self.written);
        if is_kept {
            self.written_before.extend(written);
        } else {
            // What it has written may count, and then in place of what was there before.
            self.written_before.retain(|output, _| !written.contains_key(output));
        }
        // Agents of the next driver count from the beginning, too.
        self.next_number = 0;
        let goes = if keeps == Keeps::Some { 100 } else { 0 };
        let gone: Vec<StoredObject> = self.objects.keys().filter(|_| rng.per_mille(goes)).copied().collect();
        for object in &gone {
            match rng.per_mille(500) {
                true => drop(self.objects.remove(object)),
                false => self.objects.get_mut(object).into_iter().for_each(|object| object.blocks.clear()),
            }
        }
        self.written_before.retain(|_, object| !gone.contains(object));
        gone.len() as u64
    }
}
