//! Bringing here, whole, what another host has and is about to lose.
//!
//! What arrives is written to files of this host's own, and published when all of it is there and is what was written: whoever reads it
//! reads it as if it had been written here.

use super::remote::RemoteFetcher;
use firesteel_data::DataError;
use firesteel_net::bulk::{AnswerStream, BlockError, Chunk, Item};
use firesteel_protocol::BlockRequest;
use firesteel_shuffle::ShuffleStore;
use firesteel_storage::{CachedBlocks, LocalDirs, SharedFiles};
use firesteel_types::{BlockKey, Partition, ShuffleId, TaskId};
use std::fs::File;
use std::io::Write;

impl RemoteFetcher {
    /// Brings a whole map output here. `false` when the place does not have it.
    ///
    /// # Errors
    /// When the place cannot be reached, what it sends is broken, or it cannot be written here.
    pub(crate) fn take_output(
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

    /// Brings a kept partition here. `false` when the place does not have it.
    ///
    /// # Errors
    /// When the place cannot be reached, what it sends is broken, or it cannot be written here.
    pub(crate) fn take_cached(
        &self,
        address: &str,
        key: BlockKey,
        (files, dirs): (&SharedFiles, &LocalDirs),
    ) -> Result<bool, DataError> {
        let file = dirs.create_frames("rdd")?;
        let Some((file, updates)) = self.cached_from(address, key, file)? else { return Ok(false) };
        CachedBlocks::migrate_shared(files, key, file, &updates)?;
        Ok(true)
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
