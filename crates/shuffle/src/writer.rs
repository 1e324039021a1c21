//! The map output writer: sorts a map task's records by reducer.
//!
//! Each reducer has a builder; when together they outgrow the task's memory, all are written out as one run and
//! begin anew. So there is one buffer or file per run, whatever the number of reducers.

use crate::output::MapOutput;
use firesteel_data::block::{KeyRef, PairsBuilder};
use firesteel_data::{Data, DataError, Reservation, Workspace};
use firesteel_storage::{LocalDirs, MemoryPool, TaskWorkspace};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Collects the records of one map task, and makes its [`MapOutput`].
pub struct MapOutputWriter<K, V> {
    builders: Vec<PairsBuilder<K, V>>,
    /// The bytes that the builders have.
    held: usize,
    records: u64,
    output: MapOutput,
    checksum: u64,
    reservation: Reservation,
    workspace: Arc<TaskWorkspace>,
    writing: Duration,
    pool: Arc<MemoryPool>,
    dirs: Arc<LocalDirs>,
}

/// A run is written no later than this, so that offsets and buffers stay moderate.
const RUN_BYTES_AT_MOST: usize = 1 << 30;

impl<K: Data, V: Data> MapOutputWriter<K, V> {
    /// Makes a writer for `reducers` reducers.
    pub fn new(
        reducers: u32,
        workspace: Arc<TaskWorkspace>,
        pool: Arc<MemoryPool>,
        dirs: Arc<LocalDirs>,
    ) -> Self {
        MapOutputWriter {
            builders: (0..reducers).map(|_| PairsBuilder::default()).collect(),
            held: 0,
            records: 0,
            output: MapOutput::new(),
            checksum: 0,
            reservation: Reservation::new(workspace.clone()),
            workspace,
            writing: Duration::ZERO,
            pool,
            dirs,
        }
    }

    /// Appends a record for a reducer. `key_digest` stands for the key in the checksum. Call
    /// [`MapOutputWriter::check_memory`] now and then.
    ///
    /// # Errors
    /// When the record cannot be encoded.
    #[inline]
    pub fn push(
        &mut self,
        reducer: u32,
        key_digest: u64,
        key: KeyRef<'_, K>,
        value: V,
    ) -> Result<(), DataError> {
        let builder = &mut self.builders[reducer as usize];
        let before = builder.encoded_len();
        builder.push(key_digest, key, value)?;
        self.held += builder.encoded_len() - before;
        self.records += 1;
        Ok(())
    }

    /// Writes a run when the budget does not cover the builders' bytes. Call once per batch.
    ///
    /// # Errors
    /// When writing fails.
    pub fn check_memory(&mut self) -> Result<(), DataError> {
        if self.held < RUN_BYTES_AT_MOST && self.reservation.cover(self.held) {
            Ok(())
        } else {
            // The task ran short of memory, or of room for offsets: in Spark's words, it spills.
            let (held, on_disk) = (self.held as u64, self.output.disk_bytes());
            self.write_run()?;
            self.workspace.spilled(held, self.output.disk_bytes() - on_disk);
            Ok(())
        }
    }

    fn write_run(&mut self) -> Result<(), DataError> {
        let began = Instant::now();
        // The builders are emptied one by one: their memory shrinks while the copy grows.
        let mut bytes = Vec::with_capacity(self.builders.iter().map(PairsBuilder::encoded_len).sum());
        let mut offsets = Vec::with_capacity(self.builders.len() + 1);
        offsets.push(0);
        for (reducer, builder) in self.builders.iter_mut().enumerate() {
            // The factor makes the checksum depend on the reducer that a record is for.
            let factor = 2 * reducer as u64 + 1;
            self.checksum = self.checksum.wrapping_add(builder.take_checksum().wrapping_mul(factor));
            builder.write(&mut bytes);
            *builder = PairsBuilder::default();
            offsets.push(bytes.len() as u64);
        }
        self.held = 0;
        self.reservation.clear();
        bytes.shrink_to_fit();
        self.output.add_run(bytes, offsets, &self.pool, &self.dirs)?;
        self.writing += began.elapsed();
        Ok(())
    }

    /// Returns the output, and what is known of it.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(mut self) -> Result<Written, DataError> {
        if self.builders.iter().any(|builder| !builder.is_empty()) {
            self.write_run()?;
        }
        let MapOutputWriter { output, checksum, records, writing, .. } = self;
        Ok(Written { output, checksum, records, writing })
    }
}

/// A map output that is written, and what is known of it.
pub struct Written {
    /// The output.
    pub output: MapOutput,
    /// A checksum that depends on which records each reducer has but not on their order.
    pub checksum: u64,
    /// The number of its records.
    pub records: u64,
    /// The time in which they were written, sorted.
    pub writing: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_data::block::Pairs;
    use firesteel_types::TaskId;
    use proptest::prelude::*;
    use tempfile::TempDir;

    fn written(
        memory: usize,
        records: &[(u8, String)],
        reducers: u32,
    ) -> (MapOutput, u64, (Arc<LocalDirs>, TempDir)) {
        let parent = tempfile::tempdir().unwrap();
        let dirs = Arc::new(LocalDirs::create(parent.path()).unwrap());
        let pool = Arc::new(MemoryPool::new(memory));
        let workspace = Arc::new(TaskWorkspace::new(TaskId(0), pool.clone(), dirs.clone()));
        let mut writer = MapOutputWriter::new(reducers, workspace, pool, dirs.clone());
        for (key, value) in records {
            let reducer = u32::from(*key) % reducers;
            writer.push(reducer, u64::from(*key), KeyRef::Owned(*key), value.clone()).unwrap();
            writer.check_memory().unwrap();
        }
        let Written { output, checksum, .. } = writer.finish().unwrap();
        (output, checksum, (dirs, parent))
    }

    fn read(output: &MapOutput, reducer: u32) -> Result<Vec<(u8, String)>, DataError> {
        let mut all = vec![];
        for bytes in output.read(reducer) {
            let bytes = bytes?;
            let mut rest = &bytes[..];
            while let Some(mut block) = Pairs::take(&mut rest)? {
                while let Some(pair) = block.next_pair()? {
                    all.push(pair);
                }
            }
        }
        Ok(all)
    }

    proptest! {
        #[test]
        fn each_reducer_gets_its_records_in_order(records: Vec<(u8, String)>, reducers in 1u32..9, memory in 0usize..400) {
            let (output, _, _dirs) = written(memory, &records, reducers);
            for reducer in 0..reducers {
                let mine: Vec<_> = records.iter().filter(|r| u32::from(r.0) % reducers == reducer).cloned().collect();
                prop_assert_eq!(read(&output, reducer).unwrap(), mine.clone());
                prop_assert_eq!(read(&output, reducer).unwrap(), mine, "a second reading differs");
            }
        }
    }

    #[test]
    fn runs_on_disk_give_the_same_records_and_checksum_as_memory() {
        let records: Vec<_> = (0..60_000u32).map(|i| (i as u8, format!("record {i}"))).collect();
        let (small, small_sum, _a) = written(0, &records, 7);
        let (large, large_sum, _b) = written(1 << 30, &records, 7);
        assert!(small.disk_bytes() > 0 && large.disk_bytes() == 0);
        assert_eq!(small_sum, large_sum);
        assert!((0..7).all(|r| read(&small, r).unwrap() == read(&large, r).unwrap()));
    }

    #[test]
    fn a_flipped_byte_on_disk_is_noticed() {
        let records: Vec<_> = (0..100u32).map(|i| (i as u8, format!("record {i}"))).collect();
        let (output, _, (dirs, _parent)) = written(0, &records, 3);
        let file = std::fs::read_dir(dirs.path()).unwrap().flatten().map(|e| e.path());
        let path = file.into_iter().find(|p| p.to_string_lossy().contains("shuffle-")).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let errors: Vec<_> = (0..3).filter_map(|r| read(&output, r).err()).collect();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().contains(&path.display().to_string()));
    }
}
