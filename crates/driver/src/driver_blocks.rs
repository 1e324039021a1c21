//! [`DriverBlocks`]: the driver's answers to remote executors that ask for blocks: plans, data of
//! `parallelize`, broadcast values, and the addresses of outputs and cached partitions.

use crate::driver::Driver;
use firesteel_data::block::encode_value;
use firesteel_executor::DriverLink;
use firesteel_net::bulk::{Answer, Serve};
use firesteel_protocol::BlockRequest;
use firesteel_storage::broadcasts::{BroadcastError, PIECE_BYTES};
use firesteel_types::{
    BlockId, BlockKey, BroadcastId, ExecutorId, Partition, ShuffleId, StageId, StoredObject, TaskId,
};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

/// Answers requests for blocks on behalf of a driver.
pub(crate) struct DriverBlocks {
    pub(crate) driver: Weak<Driver>,
}

impl Serve for DriverBlocks {
    fn serve(&self, request: &[u8], answer: &mut Answer<'_>) -> io::Result<()> {
        let driver = self.driver.upgrade().ok_or_else(|| io::Error::other("the application has ended"))?;
        match BlockRequest::decode(request)? {
            BlockRequest::Plan { stage } => plan(&driver, stage, answer),
            BlockRequest::Block { id } => block(&driver, id, answer),
            BlockRequest::AddressOf { executor } => address_of(&driver, executor, answer),
            BlockRequest::OutputsAt { shuffle, maps } => outputs_at(&driver, shuffle, &maps, answer),
            BlockRequest::StoredAt { shuffle, maps } => stored_at(&driver, shuffle, &maps, answer),
            BlockRequest::CachedAt { key } => cached_at(&driver, key, answer),
            BlockRequest::Broadcast { id } => broadcast(&driver, id, answer),
            BlockRequest::BroadcastFrom { id, asker } => match driver.services.broadcasts.has(id) {
                true => answer.item(driver.broadcast_trees.take(id, &asker).as_bytes()),
                false => answer.missing(),
            },
            BlockRequest::BroadcastHere { id, from, to, came } => {
                driver.broadcast_trees.came(id, &from, &to, came);
                Ok(())
            }
            BlockRequest::Program => {
                let hash = firesteel_closures::executable_hash();
                answer.item(&hash.map_err(|error| io::Error::other(error.to_string()))?.0)
            }
            BlockRequest::File { hash } => file(&driver, hash, answer),
            request @ (BlockRequest::MapOutputs { .. }
            | BlockRequest::WholeOutput { .. }
            | BlockRequest::Cached { .. }
            | BlockRequest::Result { .. }) => match driver.host_blocks() {
                Some(host) => host.answer(request, answer),
                None => Err(io::Error::other("the driver has no files of executors")),
            },
        }
    }
}

fn plan(driver: &Arc<Driver>, stage: StageId, answer: &mut Answer<'_>) -> io::Result<()> {
    answer.item(&driver.plan(stage).map_err(io::Error::other)?)
}

fn block(driver: &Driver, id: BlockId, answer: &mut Answer<'_>) -> io::Result<()> {
    match driver.services.blocks.get(id).map_err(|e| io::Error::other(e.to_string()))? {
        Some(block) => answer.item(&block),
        None => answer.missing(),
    }
}

fn address_of(driver: &Driver, executor: ExecutorId, answer: &mut Answer<'_>) -> io::Result<()> {
    match driver.address_of(executor) {
        Some(place) => answer.item(place.as_bytes()),
        None => answer.missing(),
    }
}

fn outputs_at(
    driver: &Driver,
    shuffle: ShuffleId,
    maps: &[(Partition, TaskId)],
    answer: &mut Answer<'_>,
) -> io::Result<()> {
    let holders: Vec<Option<ExecutorId>> = driver.with_scheduler(|scheduler| {
        maps.iter().map(|(map, task)| scheduler.holder_of_output(shuffle, *map, *task)).collect()
    });
    holders.into_iter().try_for_each(|holder| match holder.and_then(|executor| driver.address_of(executor)) {
        Some(place) => answer.item(place.as_bytes()),
        None => answer.missing(),
    })
}

fn stored_at(
    driver: &Driver,
    shuffle: ShuffleId,
    maps: &[(Partition, TaskId)],
    answer: &mut Answer<'_>,
) -> io::Result<()> {
    let objects: Vec<Option<StoredObject>> = driver.with_scheduler(|scheduler| {
        maps.iter().map(|(map, task)| scheduler.stored_output(shuffle, *map, *task)).collect()
    });
    objects.into_iter().try_for_each(|object| match object {
        Some(object) => answer.item(&encode_value(&object).map_err(|e| io::Error::other(e.to_string()))?),
        None => answer.missing(),
    })
}

fn cached_at(driver: &Driver, key: BlockKey, answer: &mut Answer<'_>) -> io::Result<()> {
    let places = driver.cached_at(key);
    places.into_iter().try_for_each(|place| answer.item(place.as_bytes()))
}

fn broadcast(driver: &Driver, id: BroadcastId, answer: &mut Answer<'_>) -> io::Result<()> {
    match driver.services.broadcasts.bytes(id) {
        Ok(bytes) => {
            driver.broadcast_trees.sent.fetch_add(1, Ordering::Relaxed);
            answer.item(&(bytes.len() as u64).to_le_bytes())?;
            bytes.chunks(PIECE_BYTES).try_for_each(|chunk| answer.item(chunk))
        }
        Err(BroadcastError::Destroyed) => answer.missing(),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}

/// Sends the driver's own program, or a file that it offers.
fn file(driver: &Driver, hash: [u8; 32], answer: &mut Answer<'_>) -> io::Result<()> {
    let Some(mut file) = driver.file(hash) else { return answer.missing() };
    let mut segment = vec![0; 1 << 20];
    answer.begin_item()?;
    loop {
        match io::Read::read(&mut file, &mut segment)? {
            0 => return answer.end_item(),
            read => answer.append(&segment[..read])?,
        }
    }
}
