//! [`Shuffles`]: what the journal says of map outputs: the digests of all that were written, and which of them the shuffle
//! storage has.
//!
//! Outputs of one shuffle may have been computed from outputs of another, and are believed only as long as no map task
//! of that one has written other records: so it is noted which shuffle reads which.

use crate::record::Fingerprint;
use firesteel_types::{Partition, ShuffleId, StoredObject, StoredOutput};
use std::collections::{BTreeMap, BTreeSet};

/// All shuffles that were submitted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shuffles(BTreeMap<ShuffleId, RecordedShuffle>);

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct RecordedShuffle {
    pub(crate) fingerprint: Fingerprint,
    inputs: BTreeSet<ShuffleId>,
    pub(crate) checksums: BTreeMap<Partition, u64>,
    pub(crate) stored: BTreeMap<Partition, (StoredOutput, StoredObject)>,
}

impl RecordedShuffle {
    /// Returns whether no map task of it has run.
    pub(crate) fn is_empty(&self) -> bool {
        self.checksums.is_empty()
    }

    fn clear(&mut self) {
        self.checksums.clear();
        self.stored.clear();
    }
}

impl Shuffles {
    pub(crate) fn get(&self, id: ShuffleId) -> Option<&RecordedShuffle> {
        self.0.get(&id)
    }

    /// Forgets all but these.
    pub(crate) fn retain(&mut self, these: &BTreeSet<ShuffleId>) {
        self.0.retain(|id, _| these.contains(id));
    }

    /// Notes that a shuffle was submitted. Returns whether it takes the place of another one of its number.
    pub(crate) fn declare(
        &mut self,
        id: ShuffleId,
        fingerprint: Fingerprint,
        inputs: Vec<ShuffleId>,
    ) -> bool {
        if let Some(known) = self.0.get_mut(&id).filter(|known| known.fingerprint == fingerprint) {
            known.inputs.extend(inputs);
            return false;
        }
        let (inputs, checksums, stored) = (inputs.into_iter().collect(), BTreeMap::new(), BTreeMap::new());
        self.0.insert(id, RecordedShuffle { fingerprint, inputs, checksums, stored }).is_some()
    }

    /// Notes the digests of all outputs.
    pub(crate) fn written(&mut self, id: ShuffleId, checksums: Vec<u64>) {
        if let Some(shuffle) = self.0.get_mut(&id) {
            shuffle.checksums = (0..).map(Partition).zip(checksums).collect();
        }
    }

    /// Notes outputs that an object of the storage has.
    pub(crate) fn stored(&mut self, id: ShuffleId, object: StoredObject, outputs: Vec<StoredOutput>) {
        let Some(shuffle) = self.0.get_mut(&id) else { return };
        for output in outputs {
            shuffle.checksums.insert(output.map, output.checksum);
            shuffle.stored.insert(output.map, (output, object));
        }
    }

    /// Forgets a map output, and all that was computed from it. Returns the shuffles behind.
    pub(crate) fn changed(&mut self, id: ShuffleId, map: Partition) -> BTreeSet<ShuffleId> {
        if let Some(shuffle) = self.0.get_mut(&id) {
            shuffle.checksums.remove(&map);
            shuffle.stored.remove(&map);
        }
        let (mut behind, mut pending) = (BTreeSet::new(), vec![id]);
        while let Some(next) = pending.pop() {
            let readers = self.0.iter().filter(|(_, shuffle)| shuffle.inputs.contains(&next));
            let new: Vec<ShuffleId> =
                readers.map(|(reader, _)| *reader).filter(|reader| !behind.contains(reader)).collect();
            behind.extend(new.iter().copied());
            pending.extend(new);
        }
        for id in &behind {
            self.0.get_mut(id).into_iter().for_each(RecordedShuffle::clear);
        }
        behind
    }

    /// Forgets which outputs of a shuffle the storage has.
    pub(crate) fn given_up(&mut self, id: ShuffleId) {
        self.0.get_mut(&id).into_iter().for_each(|shuffle| shuffle.stored.clear());
    }

    /// Forgets which outputs the storage has: there is another one.
    pub(crate) fn forget_stored(&mut self) {
        self.0.values_mut().for_each(|shuffle| shuffle.stored.clear());
    }
}
