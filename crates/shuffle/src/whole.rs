//! Whole map outputs: how they move to another host when their executor is decommissioned.
//!
//! An output travels as its index, then the bytes of each of its runs. The host that takes it over writes them
//! to files of its own, checks every reducer's blocks against the index, and only then publishes the output,
//! under the name of the attempt that wrote it.

use crate::output::{MapOutput, Words};
use crate::store::{ShuffleStore, name};
use firesteel_data::DataError;
use firesteel_data::block::{decode_value, encode_value};
use firesteel_types::{Partition, ShuffleId, TaskId};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The offsets of each reducer's blocks and their checksums, for each run.
type Index = Vec<(Words, Words)>;

/// An output as it lies in files.
pub struct WholeOutput {
    index: Vec<u8>,
    runs: Vec<PathBuf>,
}

impl WholeOutput {
    /// Returns the index of its runs, as it travels.
    pub fn index(&self) -> &[u8] {
        &self.index
    }

    /// Returns the files of its runs, in their order.
    pub fn runs(&self) -> impl Iterator<Item = &Path> {
        self.runs.iter().map(PathBuf::as_path)
    }
}

impl ShuffleStore {
    /// Returns the whole output of this very attempt, if processes of this machine find it.
    ///
    /// # Errors
    /// When its description cannot be read.
    pub fn whole(
        &self,
        shuffle: ShuffleId,
        map: Partition,
        task: TaskId,
    ) -> Result<Option<WholeOutput>, DataError> {
        let Some(runs) = self.shared_runs((shuffle, map, task))? else { return Ok(None) };
        let (paths, index): (Vec<PathBuf>, Index) =
            runs.into_iter().map(|(path, offsets, checksums)| (path, (offsets, checksums))).unzip();
        Ok(Some(WholeOutput { index: encode_value(&index)?, runs: paths }))
    }

    /// Takes over an output that another host has: `fill` is called for each run, in their order, and writes its bytes.
    ///
    /// # Errors
    /// When `fill` fails, a file cannot be written, or its contents are not what the index says. Then nothing
    /// is left of it.
    pub fn take_over(
        &self,
        (shuffle, map, task): (ShuffleId, Partition, TaskId),
        index: &[u8],
        mut fill: impl FnMut(&mut File) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let index: Index = decode_value(index)?;
        let Some((files, dirs)) = self.shared() else {
            let message = "outputs are taken over where others find them".into();
            return Err(DataError::Remote { address: "this process".into(), message });
        };
        // Dropped before it is published, it removes its files.
        let mut taken = MapOutput::new();
        for (offsets, checksums) in index {
            let (path, mut file) = dirs.create_file("shuffle")?;
            taken.add_file(path, offsets, checksums, dirs.cipher().cloned());
            fill(&mut file)?;
        }
        taken.check()?;
        files.publish(&name((shuffle, map, task)), &taken.leave_on_disk(dirs)?, [])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MapOutputWriter;
    use firesteel_data::Cipher;
    use firesteel_data::block::KeyRef;
    use firesteel_storage::{LocalDirs, MemoryPool, SharedFiles, TaskWorkspace};
    use std::io::Write;
    use std::sync::Arc;

    const KEY: (ShuffleId, Partition, TaskId) = (ShuffleId(3), Partition(1), TaskId(8));

    fn store(dir: &Path) -> ShuffleStore {
        let files = Arc::new(SharedFiles::open(dir.join("shared")).unwrap());
        ShuffleStore::sharing(files, Arc::new(LocalDirs::within(dir.join("own")).unwrap()))
    }

    /// Makes a store with an output, written with plenty of memory or in several runs.
    fn with_output(dir: &Path, memory: usize) -> ShuffleStore {
        let dirs = Arc::new(LocalDirs::within(dir.join("writer")).unwrap());
        let pool = Arc::new(MemoryPool::new(memory));
        let workspace = Arc::new(TaskWorkspace::new(TaskId(8), pool.clone(), dirs.clone()));
        let mut writer = MapOutputWriter::<u32, u64>::new(3, workspace, pool, dirs);
        for i in 0..1000 {
            writer.push(i % 3, u64::from(i), KeyRef::Owned(i), 7).unwrap();
            writer.check_memory().unwrap();
        }
        let store = store(dir);
        store.put(KEY.0, KEY.1, KEY.2, writer.finish().unwrap().output).unwrap();
        store
    }

    fn blocks(store: &ShuffleStore) -> Vec<Vec<u8>> {
        let output = store.get(KEY.0, KEY.1, KEY.2).unwrap().expect("it is there");
        let of = |reducer| output.read(reducer).flat_map(|bytes| bytes.unwrap().to_vec()).collect();
        (0..3).map(of).collect()
    }

    #[test]
    fn an_output_is_the_same_where_it_was_taken_over_and_outlives_the_first() {
        for memory in [0, 1 << 30] {
            let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let (first, second) = (with_output(from.path(), memory), store(to.path()));
            let (expected, whole) = (blocks(&first), first.whole(KEY.0, KEY.1, KEY.2).unwrap().unwrap());
            let mut runs = whole.runs();
            let copy = |file: &mut File| {
                file.write_all(&std::fs::read(runs.next().unwrap()).unwrap()).unwrap();
                Ok(())
            };
            second.take_over(KEY, whole.index(), copy).unwrap();
            drop((first, from));
            assert_eq!(blocks(&second), expected);
            second.remove(KEY.0, KEY.1, KEY.2);
            assert_eq!(std::fs::read_dir(to.path().join("own")).unwrap().count(), 0, "its files go with it");
        }
    }

    #[test]
    fn what_arrives_broken_or_not_at_all_is_not_published() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, second) = (with_output(from.path(), 1 << 30), store(to.path()));
        let whole = first.whole(KEY.0, KEY.1, KEY.2).unwrap().unwrap();
        let bytes = std::fs::read(whole.runs().next().unwrap()).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        for sent in [&bytes[..bytes.len() - 1], &[bytes.clone(), vec![0]].concat(), &flipped, &[]] {
            let send = |file: &mut File| {
                file.write_all(sent).unwrap();
                Ok(())
            };
            second.take_over(KEY, whole.index(), send).unwrap_err();
        }
        second.take_over(KEY, b"no index", |_| Ok(())).unwrap_err();
        assert!(second.is_empty());
        assert_eq!(std::fs::read_dir(to.path().join("own")).unwrap().count(), 0);
        assert!(first.whole(KEY.0, KEY.1, TaskId(9)).unwrap().is_none(), "another attempt's is another one");
    }

    /// Encrypts a store's files.
    fn encrypted(store: ShuffleStore, cipher: &Cipher) -> ShuffleStore {
        let (files, dirs) = store.shared().unwrap();
        files.encrypt_with(cipher);
        dirs.encrypt_with(cipher);
        store
    }

    #[test]
    fn sealed_outputs_are_read_and_moved_by_those_with_the_key_alone() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cipher = Cipher::by_chance();
        let pool = Arc::new(MemoryPool::new(1 << 30));
        let first = encrypted(store(from.path()), &cipher);
        let (_, dirs) = first.shared().unwrap();
        let workspace = Arc::new(TaskWorkspace::new(TaskId(8), pool.clone(), dirs.clone()));
        let mut writer = MapOutputWriter::<String, u64>::new(4, workspace, pool, dirs.clone());
        for i in 0..100_u32 {
            // Nothing for reducer 1.
            let text = format!("a secret {i}");
            writer.push([0, 2, 3][i as usize % 3], u64::from(i), KeyRef::Owned(text), 7).unwrap();
        }
        first.put(KEY.0, KEY.1, KEY.2, writer.finish().unwrap().output).unwrap();
        let whole = first.whole(KEY.0, KEY.1, KEY.2).unwrap().unwrap();
        let bytes = std::fs::read(whole.runs().next().unwrap()).unwrap();
        assert!(bytes.len() > 1000 && !bytes.windows(8).any(|window| window == b"a secret"));
        let read = |store: &ShuffleStore, reducer| {
            let output = store.get(KEY.0, KEY.1, KEY.2)?.expect("it is there");
            output.read(reducer).map(|bytes| Ok(bytes?.to_vec())).collect::<Result<Vec<_>, DataError>>()
        };
        let text = read(&first, 2).unwrap().concat();
        assert!(
            text.windows(10).any(|window| window == b"a secret 1") && read(&first, 1).unwrap().is_empty()
        );

        let send = |file: &mut File| {
            file.write_all(&bytes).unwrap();
            Ok(())
        };
        let second = encrypted(store(to.path()), &cipher);
        second.take_over(KEY, whole.index(), send).unwrap();
        assert_eq!(read(&second, 3).unwrap(), read(&first, 3).unwrap());
        // A store with another key, or none, reads nothing.
        assert!(read(&encrypted(store(from.path()), &Cipher::by_chance()), 2).is_err());
        assert!(read(&store(from.path()), 2).is_err());
        // A byte is changed on disk.
        let mut changed = bytes.clone();
        changed[100] ^= 1;
        std::fs::write(whole.runs().next().unwrap(), changed).unwrap();
        assert!(read(&encrypted(store(from.path()), &cipher), 0).is_err());
    }
}
