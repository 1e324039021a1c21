//! Migration: copies here, whole, what another host has and is about to lose.
//!
//! What arrives is written to files of this host's own, and published when all of it is there and is what was written: its readers
//! read it as if it had been written here.

use crate::remote_fetcher::RemoteFetcher;
use firesteel_data::DataError;
use firesteel_net::bulk::{AnswerStream, BlockError, Chunk, Item};
use firesteel_protocol::{BlockRequest, MigrateOrder, MigrateReport};
use firesteel_shuffle::ShuffleStore;
use firesteel_storage::{CachedBlocks, LocalDirs, SharedFiles};
use firesteel_types::{BlockKey, BlockSize, Partition, ShuffleId, TaskId};
use std::fs::File;
use std::io::Write;

/// Where the copies go.
pub struct MigrationTarget<'a> {
    /// The host's map outputs.
    pub outputs: &'a ShuffleStore,
    /// The host's other files.
    pub files: &'a SharedFiles,
    /// The directory for new files.
    pub dirs: &'a LocalDirs,
}

impl RemoteFetcher {
    /// Copies what an order names, one after the other. What cannot be had is left out of the report: the driver knows what that
    /// means.
    pub fn migrate(&self, order: &MigrateOrder, to: &MigrationTarget<'_>) -> MigrateReport {
        let MigrateOrder { number, executor, from, outputs, cached } = order;
        let cannot = |error: DataError| {
            tracing::warn!(%error, "a block at {from} cannot be copied here");
        };
        let outputs = outputs.iter().copied().filter(|output| {
            let taken = self.take_output(from, *output, to.outputs);
            taken.map_err(cannot).unwrap_or(false)
        });
        let outputs = outputs.collect();
        let cached = cached.iter().filter_map(|key| {
            let taken = self.take_cached(from, *key, to).map_err(cannot);
            Some((*key, taken.ok()??))
        });
        MigrateReport { number: *number, executor: *executor, outputs, cached: cached.collect() }
    }

    /// Brings a whole map output here. `false` when the place does not have it.
    ///
    /// # Errors
    /// When the place cannot be reached, what it sends is broken, or it cannot be written here.
    fn take_output(
        &self,
        address: &str,
        output: (ShuffleId, Partition, TaskId),
        to: &ShuffleStore,
    ) -> Result<bool, DataError> {
        let (shuffle, map, task) = output;
        let failed =
            |error: BlockError| DataError::Remote { address: address.into(), message: error.to_string() };
        let request = BlockRequest::WholeOutput { shuffle, map, task };
        let (mut answer, mut index) = (self.ask(address, &request).map_err(failed)?, vec![]);
        if answer.next_item(&mut index).map_err(failed)? != Item::Here {
            return Ok(false);
        }
        to.take_over(output, &index, |file| write_item(address, &mut answer, file))?;
        // The connection can be used again once its end was read.
        let _ = answer.next_item(&mut vec![]);
        Ok(true)
    }

    /// Brings a cached partition here, unless it is here. Returns its size; `None` when the place does not have it.
    ///
    /// # Errors
    /// When the place cannot be reached, what it sends is broken, or it cannot be written here.
    fn take_cached(
        &self,
        address: &str,
        key: BlockKey,
        to: &MigrationTarget<'_>,
    ) -> Result<Option<BlockSize>, DataError> {
        // An executor that is gone may have left it. What cannot be read is written anew.
        if let Ok(Some((file, _))) = CachedBlocks::find_shared(to.files, key) {
            return Ok(Some(BlockSize { memory: 0, disk: file.bytes() }));
        }
        let file = to.dirs.create_frames("rdd")?;
        let Some((file, updates)) = self.cached_from(address, key, file)? else { return Ok(None) };
        let size = BlockSize { memory: 0, disk: file.bytes() };
        CachedBlocks::migrate_shared(to.files, key, file, &updates)?;
        Ok(Some(size))
    }
}

/// Writes one item of an answer as it comes.
fn write_item(address: &str, answer: &mut AnswerStream, file: &mut File) -> Result<(), DataError> {
    let failed = |message: String| DataError::Remote { address: address.into(), message };
    let mut segment = vec![];
    loop {
        let Chunk::Here { last } = answer.next_chunk(&mut segment).map_err(|e| failed(e.to_string()))? else {
            return Err(failed("the answer ended too early".into()));
        };
        file.write_all(&segment).map_err(|e| failed(format!("what it sent cannot be written here: {e}")))?;
        if last {
            return Ok(());
        }
    }
}
