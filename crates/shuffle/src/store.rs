//! The shuffle store: the map outputs that an executor has.

use crate::output::{MapOutput, SharedRun};
use firesteel_data::DataError;
use firesteel_storage::{LocalDirs, SharedFiles};
use firesteel_types::{Partition, ShuffleId, TaskId};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) type Key = (ShuffleId, Partition, TaskId);

/// Map outputs by shuffle, map partition, and the attempt that wrote them.
#[derive(Default)]
pub struct ShuffleStore {
    outputs: RwLock<BTreeMap<Key, Arc<MapOutput>>>,
    /// The bytes of the cached indices of other processes' outputs.
    remembered: AtomicUsize,
    /// The files in which the processes of one machine find each other's outputs.
    shared: Option<(Arc<SharedFiles>, Arc<LocalDirs>)>,
}

/// The most bytes of indices of other processes' outputs that are cached between two reads.
const REMEMBERED_BYTES: usize = 256 << 20;

impl ShuffleStore {
    /// Makes a store over shared files: all processes that share them find its outputs, which are written into
    /// `dirs`.
    pub fn sharing(files: Arc<SharedFiles>, dirs: Arc<LocalDirs>) -> Self {
        ShuffleStore { shared: Some((files, dirs)), ..ShuffleStore::default() }
    }

    /// Stores an output.
    ///
    /// # Errors
    /// When the output goes to shared files, and those cannot be written.
    pub fn put(
        &self,
        shuffle: ShuffleId,
        map: Partition,
        task: TaskId,
        mut output: MapOutput,
    ) -> Result<(), DataError> {
        let key = (shuffle, map, task);
        if let Some((files, dirs)) = &self.shared {
            let runs = output.leave_on_disk(dirs)?;
            return files.publish(&name(key), &runs, []);
        }
        self.write(|outputs| outputs.insert(key, Arc::new(output)));
        Ok(())
    }

    /// Returns the output of this very attempt, if it is here.
    ///
    /// # Errors
    /// When another process has published it, and its description cannot be read.
    pub fn get(
        &self,
        shuffle: ShuffleId,
        map: Partition,
        task: TaskId,
    ) -> Result<Option<Arc<MapOutput>>, DataError> {
        let key = (shuffle, map, task);
        let known = self.outputs.read().get(&key).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(runs) = self.shared_runs(key)? else { return Ok(None) };
        let output =
            Arc::new(MapOutput::of_shared(runs, self.shared.as_ref().and_then(|(files, _)| files.cipher())));
        self.remember(key, &output);
        Ok(Some(output))
    }

    /// Returns the runs of an output that the processes of this machine share, if it is one of those.
    pub(crate) fn shared_runs(&self, key: Key) -> Result<Option<Vec<SharedRun>>, DataError> {
        let Some((files, _)) = &self.shared else { return Ok(None) };
        Ok(files.find::<Vec<SharedRun>>(&name(key))?.map(|(runs, _)| runs))
    }

    /// Returns the shared files and the directory for the outputs that go there.
    pub(crate) fn shared(&self) -> Option<&(Arc<SharedFiles>, Arc<LocalDirs>)> {
        self.shared.as_ref()
    }

    /// Caches the index of another process's output, in place of those of earlier shuffles. If one shuffle
    /// alone is too large, its first outputs stay, since each reducer reads all of them in turn.
    fn remember(&self, key: Key, output: &Arc<MapOutput>) {
        let bytes = output.index_bytes();
        self.write(|outputs| {
            while self.remembered.load(Ordering::Relaxed) + bytes > REMEMBERED_BYTES {
                match outputs.first_entry() {
                    // Of an earlier shuffle: it is less likely to be read again.
                    Some(first) if first.key().0 < key.0 => {
                        self.remembered.fetch_sub(first.remove().index_bytes(), Ordering::Relaxed);
                    }
                    _ => return,
                }
            }
            if outputs.insert(key, output.clone()).is_none() {
                self.remembered.fetch_add(bytes, Ordering::Relaxed);
            }
        });
    }

    /// Removes one output.
    pub fn remove(&self, shuffle: ShuffleId, map: Partition, task: TaskId) {
        let key = (shuffle, map, task);
        // Dropped outside the lock: it may remove a file.
        let removed = self.write(|outputs| outputs.remove(&key));
        let Some((files, _)) = &self.shared else { return };
        if let Some(removed) = removed {
            self.remembered.fetch_sub(removed.index_bytes(), Ordering::Relaxed);
        }
        if let Ok(Some((runs, _))) = files.find::<Vec<SharedRun>>(&name(key)) {
            // If a file cannot be removed now, it goes with the directory.
            runs.iter().for_each(|(path, ..)| drop(std::fs::remove_file(path)));
        }
        files.remove(&name(key));
    }

    /// Drops the cached index of an output that another process removes.
    pub fn forget(&self, shuffle: ShuffleId, map: Partition, task: TaskId) {
        if let Some(removed) = self.write(|outputs| outputs.remove(&(shuffle, map, task))) {
            self.remembered.fetch_sub(removed.index_bytes(), Ordering::Relaxed);
        }
    }

    /// Returns the number of outputs.
    pub fn len(&self) -> usize {
        match &self.shared {
            Some((files, _)) => files.names("shuffle-").len(),
            None => self.outputs.read().len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn write<R>(&self, f: impl FnOnce(&mut BTreeMap<Key, Arc<MapOutput>>) -> R) -> R {
        f(&mut self.outputs.write())
    }
}

pub(crate) fn name((shuffle, map, task): Key) -> String {
    format!("shuffle-{shuffle}-{map}-{task}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MapOutputWriter;
    use firesteel_data::block::KeyRef;
    use firesteel_storage::{MemoryPool, TaskWorkspace};

    fn output(dirs: &Arc<LocalDirs>, memory: usize) -> MapOutput {
        let pool = Arc::new(MemoryPool::new(memory));
        let workspace = Arc::new(TaskWorkspace::new(TaskId(0), pool.clone(), dirs.clone()));
        let mut writer = MapOutputWriter::<u32, u64>::new(3, workspace, pool, dirs.clone());
        for i in 0..1000 {
            writer.push(i % 3, u64::from(i), KeyRef::Owned(i), 7).unwrap();
            writer.check_memory().unwrap();
        }
        writer.finish().unwrap().output
    }

    fn bytes(output: &MapOutput) -> Vec<Vec<u8>> {
        (0..3)
            .map(|reducer| output.read(reducer).flat_map(|bytes| bytes.unwrap().to_vec()).collect())
            .collect()
    }

    #[test]
    fn what_one_process_puts_another_reads_until_a_third_removes_it() {
        let dir = tempfile::tempdir().unwrap();
        let files = Arc::new(SharedFiles::open(dir.path().join("shared")).unwrap());
        let (shuffle, map, task) = (ShuffleId(3), Partition(1), TaskId(8));
        for memory in [0, 1 << 30] {
            let expected =
                bytes(&output(&Arc::new(LocalDirs::within(dir.path().join("other")).unwrap()), memory));
            let stores: Vec<ShuffleStore> = (0..3)
                .map(|i| {
                    let dirs =
                        Arc::new(LocalDirs::within(dir.path().join(format!("worker-{memory}-{i}"))).unwrap());
                    ShuffleStore::sharing(files.clone(), dirs)
                })
                .collect();
            let dirs = Arc::new(LocalDirs::within(dir.path().join(format!("worker-{memory}-0"))).unwrap());
            stores[0].put(shuffle, map, task, output(&dirs, memory)).unwrap();
            assert_eq!(bytes(&stores[1].get(shuffle, map, task).unwrap().unwrap()), expected);
            assert!(
                stores[1].get(shuffle, map, TaskId(9)).unwrap().is_none(),
                "another attempt's is another one"
            );
            stores[2].remove(shuffle, map, task);
            assert!(stores[0].get(shuffle, map, task).unwrap().is_none());
            assert!(stores.iter().all(ShuffleStore::is_empty));
        }
    }
}
