//! The registered output of each map task: the attempt that wrote it, and the executor that has it.
//!
//! An output is registered when its task succeeds and unregistered when it is lost, broken or no longer to be
//! trusted. Each change makes a new generation, and a reader gets a snapshot of one generation that names
//! every output by the attempt ([`TaskId`]) that wrote it. An output may move to another executor and still
//! be the same attempt's: readers with an older snapshot fail to fetch it, and get a newer one.
//!
//! An output may have a copy in the shuffle storage. While an executor has the output, readers go there; when the
//! executor is lost, the output moves to [`ExecutorId::STORAGE`] instead of being lost.
//!
//! **When a map task writes other records the second time.** Each output comes with a digest of its records.
//! The digest of the first is kept after the output is gone; a later attempt with the same digest wrote the
//! same records, and may stand beside all that was computed from the first. An attempt with another digest
//! may not: [`MapOutputs::register`] reports it as [`Registered::Changed`], and `dag::rollback` undoes
//! everything [`MapOutputs::downstream`] of it. That relation is kept here and not with the stages, since
//! outputs outlive the jobs that wrote them.

use crate::effect::{MapOutput, ShuffleOutputs};
use firesteel_types::{ExecutorId, Partition, ShuffleId, StoredObject, StoredOutput, StoredOutputs, TaskId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All shuffles that were declared and not released.
#[derive(Debug, Default)]
pub(crate) struct MapOutputs {
    shuffles: BTreeMap<ShuffleId, Shuffle>,
    by_executor: BTreeMap<ExecutorId, BTreeSet<(ShuffleId, Partition)>>,
}

#[derive(Debug)]
struct Shuffle {
    maps: Vec<MapSlot>,
    registered: u32,
    generation: u64,
    /// A number that grows whenever all that was computed from its outputs so far becomes invalid.
    version: u64,
    /// The shuffles that its map tasks read.
    inputs: Vec<ShuffleId>,
    /// The shuffles whose map tasks read it.
    readers: BTreeSet<ShuffleId>,
    /// The snapshot of this generation, if a reader has got it.
    snapshot: Option<Arc<ShuffleOutputs>>,
    /// True once no later job will read it.
    release_asked: bool,
    /// True once an object of the shuffle storage was written for it.
    has_objects: bool,
    /// True once one of them was found to be broken.
    has_broken_objects: bool,
}

#[derive(Clone, Debug, Default)]
struct MapSlot {
    output: Option<Written>,
    /// The digest of the first output, since the last rollback.
    checksum: Option<u64>,
    /// The object of the shuffle storage that has the output of an attempt whose end was not reported yet.
    stored_early: Option<(TaskId, StoredObject)>,
}

#[derive(Clone, Copy, Debug)]
struct Written {
    task: TaskId,
    executor: ExecutorId,
    bytes: u64,
    /// The object of the shuffle storage that has it as well.
    stored: Option<StoredObject>,
}

impl MapSlot {
    fn described(&self, map: Partition) -> Option<StoredOutput> {
        let Written { task, bytes, .. } = self.output?;
        Some(StoredOutput { map, task, bytes, checksum: self.checksum? })
    }
}

/// The comparison of an output with the first of its map task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registered {
    /// It is the first, or has the same records as the first.
    Consistent,
    /// Its records are others than those of the first.
    Changed,
}

impl MapOutputs {
    /// Makes a shuffle known, if it is not, and the shuffles that its map tasks read. A lineage may be cut
    /// shorter between two jobs (by a checkpoint, say); the inputs of earlier jobs stay noted, since outputs
    /// from then may still be there.
    pub(crate) fn declare(&mut self, id: ShuffleId, maps: u32, inputs: &[ShuffleId]) {
        let known = self.shuffles.entry(id).or_insert_with(|| Shuffle {
            maps: vec![MapSlot::default(); maps as usize],
            registered: 0,
            generation: 0,
            version: 0,
            inputs: vec![],
            readers: BTreeSet::new(),
            snapshot: None,
            release_asked: false,
            has_objects: false,
            has_broken_objects: false,
        });
        assert_eq!(known.maps.len(), maps as usize, "shuffle {id} changed its number of map tasks");
        let new: Vec<ShuffleId> =
            inputs.iter().copied().filter(|input| !known.inputs.contains(input)).collect();
        known.inputs.extend(&new);
        for input in new {
            self.shuffle_mut(input).readers.insert(id);
        }
    }

    fn shuffle_mut(&mut self, id: ShuffleId) -> &mut Shuffle {
        self.shuffles.get_mut(&id).unwrap_or_else(|| panic!("shuffle {id} was never declared"))
    }

    pub(crate) fn contains(&self, id: ShuffleId) -> bool {
        self.shuffles.contains_key(&id)
    }

    pub(crate) fn is_available(&self, id: ShuffleId) -> bool {
        self.shuffles.get(&id).is_some_and(|shuffle| shuffle.registered as usize == shuffle.maps.len())
    }

    /// Returns the attempt whose output is registered for a map task.
    pub(crate) fn writer(&self, id: ShuffleId, map: Partition) -> Option<TaskId> {
        Some(self.shuffles.get(&id)?.maps.get(map.index())?.output?.task)
    }

    pub(crate) fn generation(&self, id: ShuffleId) -> u64 {
        self.shuffles.get(&id).map_or(0, |shuffle| shuffle.generation)
    }

    pub(crate) fn version(&self, id: ShuffleId) -> u64 {
        self.shuffles.get(&id).map_or(0, |shuffle| shuffle.version)
    }

    /// Notes that all that was computed from the outputs so far is no longer valid.
    pub(crate) fn grow_version(&mut self, id: ShuffleId) {
        self.shuffle_mut(id).version += 1;
    }

    /// Registers an output of a map task that has none.
    pub(crate) fn register(&mut self, id: ShuffleId, output: MapOutput, checksum: u64) -> Registered {
        let slot = &mut self.shuffle_mut(id).maps[output.map.index()];
        let first = slot.checksum.replace(checksum);
        let stored = slot.stored_early.take().filter(|(task, _)| *task == output.task);
        self.insert(id, output, stored.map(|(_, object)| object));
        if first.is_none_or(|first| first == checksum) { Registered::Consistent } else { Registered::Changed }
    }

    fn insert(&mut self, id: ShuffleId, output: MapOutput, stored: Option<StoredObject>) {
        let shuffle = self.shuffle_mut(id);
        let slot = &mut shuffle.maps[output.map.index()];
        assert!(slot.output.is_none(), "map task {} of shuffle {id} has an output already", output.map);
        let MapOutput { task, executor, bytes, .. } = output;
        slot.output = Some(Written { task, executor, bytes, stored });
        shuffle.registered += 1;
        shuffle.generation += 1;
        shuffle.snapshot = None;
        self.by_executor.entry(output.executor).or_default().insert((id, output.map));
    }

    /// Unregisters the output of a map task, if it has one.
    pub(crate) fn unregister(&mut self, id: ShuffleId, map: Partition) -> Option<MapOutput> {
        let shuffle = self.shuffles.get_mut(&id)?;
        let Written { task, executor, bytes, .. } = shuffle.maps.get_mut(map.index())?.output.take()?;
        shuffle.registered -= 1;
        shuffle.generation += 1;
        shuffle.snapshot = None;
        let on_executor =
            self.by_executor.get_mut(&executor).expect("a registered output's executor is indexed");
        on_executor.remove(&(id, map));
        if on_executor.is_empty() {
            self.by_executor.remove(&executor);
        }
        Some(MapOutput { map, task, executor, bytes })
    }

    /// Notes that another executor has the registered output of a map task now.
    pub(crate) fn relocate(&mut self, id: ShuffleId, map: Partition, to: ExecutorId) {
        let stored = self.stored(id, map);
        let output = self.unregister(id, map).expect("only a registered output moves");
        self.insert(id, MapOutput { executor: to, ..output }, stored);
    }

    /// Returns the object of the shuffle storage that has the registered output of a map task.
    pub(crate) fn stored(&self, id: ShuffleId, map: Partition) -> Option<StoredObject> {
        self.shuffles.get(&id)?.maps.get(map.index())?.output?.stored
    }

    /// Notes that the shuffle storage has outputs, and returns those that count. Those of other attempts than the registered
    /// ones are of no use, but for one that is registered next: its task ends when its output is stored. Returns `None` if the
    /// shuffle is not known, so that nothing will read the object.
    pub(crate) fn store(&mut self, stored: &StoredOutputs) -> Option<Vec<StoredOutput>> {
        let shuffle = self.shuffles.get_mut(&stored.shuffle)?;
        shuffle.has_objects = true;
        let mut counting = vec![];
        for (map, task) in &stored.outputs {
            let Some(slot) = shuffle.maps.get_mut(map.index()) else { continue };
            match slot.output.as_mut().filter(|output| output.task == *task) {
                Some(output) => {
                    output.stored = Some(stored.object);
                    counting.extend(slot.described(*map));
                }
                None => slot.stored_early = Some((*task, stored.object)),
            }
        }
        Some(counting)
    }

    /// Returns the registered output of a map task, as it is written down.
    pub(crate) fn described(&self, id: ShuffleId, map: Partition) -> Option<StoredOutput> {
        self.shuffles.get(&id)?.maps.get(map.index())?.described(map)
    }

    /// Notes that the shuffle storage has objects of a shuffle.
    pub(crate) fn note_objects(&mut self, id: ShuffleId) {
        if let Some(shuffle) = self.shuffles.get_mut(&id) {
            shuffle.has_objects = true;
        }
    }

    /// Notes the digest of the records that a map task wrote for an earlier driver.
    pub(crate) fn remember(&mut self, id: ShuffleId, map: Partition, checksum: u64) {
        if let Some(slot) = self.shuffle_mut(id).maps.get_mut(map.index()) {
            slot.checksum.get_or_insert(checksum);
        }
    }

    /// Registers an output of an earlier driver, which the shuffle storage has, for a map task that has none and of which no
    /// other records are known.
    pub(crate) fn restore(&mut self, id: ShuffleId, output: &StoredOutput, object: StoredObject) {
        let StoredOutput { map, task, bytes, checksum } = *output;
        let slot = self.shuffle_mut(id).maps.get_mut(map.index());
        if slot
            .is_some_and(|slot| slot.output.is_none() && *slot.checksum.get_or_insert(checksum) == checksum)
        {
            let output = MapOutput { map, task, executor: ExecutorId::STORAGE, bytes };
            self.insert(id, output, Some(object));
        }
    }

    /// Returns the number of outputs that would be lost with their executors.
    pub(crate) fn unstored(&self) -> usize {
        let slots = self.shuffles.values().flat_map(|shuffle| &shuffle.maps);
        slots.filter(|slot| slot.output.is_some_and(|output| output.stored.is_none())).count()
    }

    /// Returns the outputs of an executor that the shuffle storage has as well.
    pub(crate) fn stored_on(&self, executor: ExecutorId) -> Vec<(ShuffleId, MapOutput)> {
        self.on(executor).filter(|(shuffle, output)| self.stored(*shuffle, output.map).is_some()).collect()
    }

    /// Forgets that the shuffle storage has outputs of a shuffle: it cannot be read. Unregisters and returns those that
    /// nobody else has.
    pub(crate) fn forget_stored(&mut self, id: ShuffleId) -> Vec<MapOutput> {
        self.forget_stored_in(id, |_| true)
    }

    /// Forgets that an object of the shuffle storage has outputs: it is broken. Unregisters and returns those that nobody
    /// else has.
    pub(crate) fn forget_object(&mut self, id: ShuffleId, object: StoredObject) -> Vec<MapOutput> {
        self.shuffle_mut(id).has_broken_objects = true;
        self.forget_stored_in(id, |of| of == object)
    }

    fn forget_stored_in(&mut self, id: ShuffleId, which: impl Fn(StoredObject) -> bool) -> Vec<MapOutput> {
        let Some(shuffle) = self.shuffles.get_mut(&id) else { return vec![] };
        let mut lost = vec![];
        for (slot, map) in shuffle.maps.iter_mut().zip(0..) {
            let Some(output) = slot.output.as_mut().filter(|output| output.stored.is_some_and(&which)) else {
                continue;
            };
            output.stored = None;
            lost.extend((output.executor == ExecutorId::STORAGE).then_some(Partition(map)));
        }
        lost.into_iter().filter_map(|map| self.unregister(id, map)).collect()
    }

    /// Returns whether an object of a shuffle was found to be broken.
    pub(crate) fn has_broken_objects(&self, id: ShuffleId) -> bool {
        self.shuffles.get(&id).is_some_and(|shuffle| shuffle.has_broken_objects)
    }

    /// Returns whether the shuffle storage has, or had, objects of a shuffle.
    pub(crate) fn has_objects(&self, id: ShuffleId) -> bool {
        self.shuffles.get(&id).is_some_and(|shuffle| shuffle.has_objects)
    }

    /// Returns the executor that has the registered output of a map task.
    pub(crate) fn holder(&self, id: ShuffleId, map: Partition) -> Option<ExecutorId> {
        Some(self.shuffles.get(&id)?.maps.get(map.index())?.output?.executor)
    }

    /// Returns all registered outputs that an executor has, with their shuffles.
    pub(crate) fn on(&self, executor: ExecutorId) -> impl Iterator<Item = (ShuffleId, MapOutput)> {
        let output = move |&(shuffle, map): &(ShuffleId, Partition)| {
            let written =
                self.shuffles[&shuffle].maps[map.index()].output.expect("indexed outputs are registered");
            (shuffle, MapOutput { map, task: written.task, executor, bytes: written.bytes })
        };
        self.by_executor.get(&executor).into_iter().flatten().map(output)
    }

    /// Returns the digests of the outputs of a shuffle that is complete, in the order of map tasks.
    pub(crate) fn checksums(&self, id: ShuffleId) -> Vec<u64> {
        let slots = self.shuffles.get(&id).into_iter().flat_map(|shuffle| &shuffle.maps);
        slots.map(|slot| slot.checksum.expect("an output that is there has a digest")).collect()
    }

    /// Unregisters all outputs that an executor has, and returns them.
    pub(crate) fn unregister_executor(&mut self, executor: ExecutorId) -> Vec<(ShuffleId, MapOutput)> {
        let lost: Vec<_> = self.by_executor.get(&executor).into_iter().flatten().copied().collect();
        lost.into_iter()
            .map(|(shuffle, map)| {
                (shuffle, self.unregister(shuffle, map).expect("indexed outputs are registered"))
            })
            .collect()
    }

    /// Unregisters all outputs of a shuffle, returns them, and forgets the digests of the first ones: the map
    /// tasks begin anew.
    pub(crate) fn roll_back(&mut self, id: ShuffleId) -> Vec<MapOutput> {
        let maps = self.shuffle_mut(id).maps.len() as u32;
        let dropped = (0..maps).filter_map(|map| self.unregister(id, Partition(map))).collect();
        let shuffle = self.shuffle_mut(id);
        shuffle.maps.iter_mut().for_each(|slot| slot.checksum = None);
        shuffle.version += 1;
        dropped
    }

    /// Returns the shuffles whose outputs are computed from a shuffle, directly or through others; not the
    /// shuffle itself.
    pub(crate) fn downstream(&self, id: ShuffleId) -> BTreeSet<ShuffleId> {
        let mut found = BTreeSet::new();
        let mut pending = vec![id];
        while let Some(next) = pending.pop() {
            for &reader in self.shuffles.get(&next).iter().flat_map(|shuffle| &shuffle.readers) {
                if found.insert(reader) {
                    pending.push(reader);
                }
            }
        }
        found
    }

    /// Returns the outputs for a reader. All must be there.
    pub(crate) fn snapshot(&mut self, id: ShuffleId) -> Arc<ShuffleOutputs> {
        let shuffle = self.shuffle_mut(id);
        if let Some(snapshot) = &shuffle.snapshot {
            return snapshot.clone();
        }
        let output = |(map, slot): (usize, &MapSlot)| {
            let Written { task, executor, bytes, .. } =
                slot.output.expect("a reader starts when all outputs are there");
            MapOutput { map: Partition(map as u32), task, executor, bytes }
        };
        let maps = shuffle.maps.iter().enumerate().map(output).collect();
        let snapshot = Arc::new(ShuffleOutputs { shuffle: id, generation: shuffle.generation, maps });
        shuffle.snapshot = Some(snapshot.clone());
        snapshot
    }

    /// Notes that the shuffle is to be removed as soon as no stage writes or reads it.
    pub(crate) fn ask_release(&mut self, id: ShuffleId) {
        if let Some(shuffle) = self.shuffles.get_mut(&id) {
            shuffle.release_asked = true;
        }
    }

    pub(crate) fn release_asked(&self, id: ShuffleId) -> bool {
        self.shuffles.get(&id).is_some_and(|shuffle| shuffle.release_asked)
    }

    /// Forgets a shuffle, and returns its outputs. From now on, all that was computed from it counts as
    /// computed from its inputs.
    pub(crate) fn remove(&mut self, id: ShuffleId) -> Vec<MapOutput> {
        let dropped = self.roll_back(id);
        let gone = self.shuffles.remove(&id).expect("the shuffle was there a moment ago");
        for input in &gone.inputs {
            if let Some(input) = self.shuffles.get_mut(input) {
                input.readers.remove(&id);
                input.readers.extend(&gone.readers);
            }
        }
        for reader in &gone.readers {
            let reader = self.shuffle_mut(*reader);
            reader.inputs.retain(|input| *input != id);
            reader.inputs.extend(&gone.inputs);
        }
        dropped
    }

    /// Returns whether no shuffle is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.shuffles.is_empty()
    }
}
