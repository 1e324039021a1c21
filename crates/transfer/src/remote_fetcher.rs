//! The remote fetcher: asks other hosts, and the driver, for blocks.

use crate::retry::{Retries, RetryPolicy};
use crate::shuffle_block_fetcher::{
    Clock, OutputAddress, OutputStream, RemoteReadError, ShuffleBlockFetcher, ShufflePeers, SystemClock,
};
use bytes::Bytes;
use firesteel_data::DataError;
use firesteel_data::block::decode_value;
use firesteel_data::frames::{FrameWriter, FramedFile};
use firesteel_net::bulk::{AnswerStream, BlockClient, BlockClientSettings, BlockError, Chunk, Item};
use firesteel_net::{Credentials, Secret};
use firesteel_protocol::BlockRequest;
use firesteel_protocol::handshake::RemoteConfig;
use firesteel_shuffle::{RemoteShuffle, RemoteShuffleReader, StoredShuffle};
use firesteel_storage::RemoteBlocks;
use firesteel_types::{
    AccumulatorUpdate, BlockId, BlockKey, BroadcastId, ExecutorId, Partition, ShuffleId, ShuffleOutputs,
    StageId, StoredObject, TaskId,
};
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a host may say nothing where nobody says how long.
const PATIENCE_MS: u64 = 120_000;

/// Why the plan of a stage cannot be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFetchError {
    /// The driver has forgotten the stage.
    #[error("the driver has forgotten stage {stage}")]
    Forgotten {
        /// The stage.
        stage: StageId,
    },
    /// The driver cannot make it.
    #[error("{reason}")]
    Refused {
        /// Why, as a sentence.
        reason: String,
    },
    /// The driver cannot be reached.
    #[error("{reason}")]
    Unreachable {
        /// Why, as a sentence.
        reason: String,
    },
}

/// The way to the blocks of other hosts.
pub struct RemoteFetcher {
    hosts: BlockClient,
    /// The driver may take its time: it may have to make what it is asked for, and a process that has lost it ends anyway.
    to_driver: BlockClient,
    /// The driver's address.
    driver: String,
    /// The address at which this host's files are served.
    here: String,
    addresses: Mutex<HashMap<ExecutorId, String>>,
    policy: RetryPolicy,
    /// The way to the shuffle storage, if there is one.
    stored: OnceLock<Arc<dyn StoredShuffle>>,
}

impl RemoteFetcher {
    /// The way from a host, whose files are served at `here`.
    pub fn new(credentials: Credentials, driver: String, here: String, policy: RetryPolicy) -> Arc<Self> {
        Self::within(PATIENCE_MS, credentials, driver, here, policy)
    }

    /// The same, where a host that says nothing for so many milliseconds cannot be reached.
    pub fn within(
        timeout_ms: u64,
        credentials: Credentials,
        driver: String,
        here: String,
        policy: RetryPolicy,
    ) -> Arc<Self> {
        let hosts = BlockClient::new(credentials.clone(), impatient(timeout_ms));
        let to_driver = BlockClient::new(credentials, BlockClientSettings::default());
        let (addresses, stored) = (Mutex::default(), OnceLock::new());
        Arc::new(RemoteFetcher { hosts, to_driver, driver, here, addresses, policy, stored })
    }

    /// The way that a configuration describes.
    ///
    /// # Errors
    /// When the secret is none.
    pub fn open(config: &RemoteConfig) -> Result<Arc<Self>, String> {
        let credentials = match &config.secret {
            Some(secret) => Credentials::of(&Secret::from_text(secret).map_err(|e| e.to_string())?),
            None => Credentials::insecure(),
        };
        let policy = RetryPolicy { retries: config.retries, wait_ms: config.retry_wait_ms };
        let (driver, here) = (config.driver.clone(), config.here.clone());
        Ok(Self::within(config.timeout_ms, credentials, driver, here, policy))
    }

    /// Sets the way to the shuffle storage, for outputs whose hosts do not give them. Later calls have no effect.
    pub fn set_stored(&self, stored: Arc<dyn StoredShuffle>) {
        let _ = self.stored.set(stored);
    }

    /// The hash of the driver's program.
    ///
    /// # Errors
    /// When the driver is gone.
    pub fn program(&self) -> Result<[u8; 32], DataError> {
        let hash = self.one_item(&self.driver, &BlockRequest::Program);
        let hash = hash.map_err(|error| self.lost("the program", error))?;
        let hash = hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
        let message = || "it names no program".into();
        hash.ok_or_else(|| DataError::Remote { address: self.driver.clone(), message: message() })
    }

    /// The encoded plan of a stage. A driver that cannot be reached is asked again.
    ///
    /// # Errors
    /// When the driver cannot make it, or is gone.
    pub fn plan(&self, stage: StageId) -> Result<Arc<[u8]>, PlanFetchError> {
        let (mut retries, clock) = (Retries::new(self.policy), SystemClock::start());
        loop {
            let error = match self.one_item(&self.driver, &BlockRequest::Plan { stage }) {
                Ok(Some(plan)) => return Ok(plan.into()),
                Ok(None) => return Err(PlanFetchError::Forgotten { stage }),
                Err(BlockError::Failed(reason)) => return Err(PlanFetchError::Refused { reason }),
                Err(error) => error,
            };
            let Some(until) = retries.unreachable(clock.now()) else {
                return Err(PlanFetchError::Unreachable { reason: error.to_string() });
            };
            clock.wait_until(until, &|| false);
        }
    }

    /// Writes a file of the driver's, which is named by the BLAKE3 hash of its contents.
    ///
    /// # Errors
    /// When the driver does not have it, or is gone, or sends another, or it cannot be written.
    pub fn file(&self, hash: [u8; 32], to: &mut impl Write) -> Result<(), DataError> {
        let failed = |error| self.lost("a file", error);
        let wrong =
            |message: &str| DataError::Remote { address: self.driver.clone(), message: message.into() };
        let mut answer = self.ask(&self.driver, &BlockRequest::File { hash }).map_err(failed)?;
        let (mut segment, mut hasher) = (vec![], blake3::Hasher::new());
        loop {
            let chunk = answer.next_chunk(&mut segment).map_err(failed)?;
            let Chunk::Here { last } = chunk else { return Err(wrong("it has no such file")) };
            hasher.update(&segment);
            to.write_all(&segment).map_err(|e| wrong(&format!("its file cannot be written: {e}")))?;
            if last {
                break;
            }
        }
        // The connection can be used again once its end was read.
        let _ = answer.next_item(&mut segment);
        if *hasher.finalize().as_bytes() == hash {
            Ok(())
        } else {
            Err(wrong("what it sent is another file"))
        }
    }

    pub(crate) fn ask(&self, address: &str, request: &BlockRequest) -> Result<AnswerStream, BlockError> {
        let request = request.encode().map_err(|error| BlockError::Failed(error.to_string()))?;
        let client = if *address == self.driver { &self.to_driver } else { &self.hosts };
        client.request(address, &request)
    }

    /// The only item of an answer; `None` when it is missing.
    fn one_item(&self, address: &str, request: &BlockRequest) -> Result<Option<Vec<u8>>, BlockError> {
        let (mut answer, mut item) = (self.ask(address, request)?, vec![]);
        let found = answer.next_item(&mut item)? == Item::Here;
        while found && answer.next_item(&mut vec![])? != Item::End {}
        Ok(found.then_some(item))
    }

    /// All items of an answer; empty when something is missing.
    fn items(&self, address: &str, request: &BlockRequest) -> Result<Vec<Vec<u8>>, BlockError> {
        let (mut answer, mut items) = (self.ask(address, request)?, vec![]);
        loop {
            let mut item = vec![];
            match answer.next_item(&mut item)? {
                Item::Here => items.push(item),
                Item::Missing => return Ok(vec![]),
                Item::End => return Ok(items),
            }
        }
    }

    fn lost(&self, what: &str, error: BlockError) -> DataError {
        DataError::Remote {
            address: self.driver.clone(),
            message: format!("{what} cannot be fetched: {error}"),
        }
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<ExecutorId, String>> {
        self.addresses.lock()
    }

    /// Fetches a value from an address; `None` when it is not there.
    fn chunks(&self, address: &str, id: BroadcastId) -> Result<Option<Bytes>, BlockError> {
        let mut chunks = self.items(address, &BlockRequest::Broadcast { id })?.into_iter();
        let Some(length) = chunks.next() else { return Ok(None) };
        let broken = || BlockError::Failed("the value is not as long as it should be".into());
        let length = u64::from_le_bytes(length[..].try_into().map_err(|_| broken())?);
        let bytes = chunks.collect::<Vec<_>>().concat();
        if bytes.len() as u64 == length { Ok(Some(bytes.into())) } else { Err(broken()) }
    }

    /// A value from where the driver says, or else from the driver.
    fn broadcast_from(&self, id: BroadcastId, from: &str) -> Result<Option<Bytes>, BlockError> {
        if !from.is_empty()
            && let Ok(Some(bytes)) = self.chunks(from, id)
        {
            return Ok(Some(bytes));
        }
        self.chunks(&self.driver, id)
    }

    pub(crate) fn cached_from(
        &self,
        address: &str,
        key: BlockKey,
        mut file: FrameWriter,
    ) -> Result<Option<(FramedFile, Vec<AccumulatorUpdate>)>, DataError> {
        let failed = |e: BlockError| DataError::Remote { address: address.into(), message: e.to_string() };
        let (mut answer, mut item) =
            (self.ask(address, &BlockRequest::Cached { key }).map_err(failed)?, vec![]);
        if answer.next_item(&mut item).map_err(failed)? != Item::Here {
            return Ok(None);
        }
        let updates = decode_value(&item)?;
        while answer.next_item(&mut item).map_err(failed)? == Item::Here {
            file.push(&item)?;
        }
        Ok(Some((file.finish()?, updates)))
    }
}

impl RemoteBlocks for RemoteFetcher {
    fn block(&self, id: BlockId) -> Result<Option<Arc<[u8]>>, DataError> {
        let block = self.one_item(&self.driver, &BlockRequest::Block { id });
        Ok(block.map_err(|e| self.lost("a block", e))?.map(Into::into))
    }

    fn broadcast(
        &self,
        id: BroadcastId,
        keep: &mut dyn FnMut(Bytes) -> Result<(), DataError>,
    ) -> Result<bool, DataError> {
        let failed = |e| self.lost("a broadcast value", e);
        let ask = BlockRequest::BroadcastFrom { id, asker: self.here.clone() };
        let Some(from) = self.one_item(&self.driver, &ask).map_err(failed)? else { return Ok(false) };
        let from = String::from_utf8_lossy(&from).into_owned();
        let cached = match self.broadcast_from(id, &from) {
            Ok(Some(bytes)) => keep(bytes).map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(failed(error)),
        };
        let (to, came) = (self.here.clone(), matches!(cached, Ok(true)));
        // A driver that does not hear it lets others take this way a little later.
        let _ = self.items(&self.driver, &BlockRequest::BroadcastHere { id, from, to, came });
        cached
    }

    fn cached(
        &self,
        key: BlockKey,
        create: &dyn Fn() -> Result<FrameWriter, DataError>,
    ) -> Result<Option<(FramedFile, Vec<AccumulatorUpdate>)>, DataError> {
        let addresses = self.items(&self.driver, &BlockRequest::CachedAt { key });
        let addresses = addresses.map_err(|e| self.lost("a kept partition's place", e))?;
        let mut addresses: Vec<String> =
            addresses.into_iter().filter_map(|address| String::from_utf8(address).ok()).collect();
        addresses.retain(|address| *address != self.here);
        addresses.dedup();
        // One may be gone, or have dropped it: each copy is worth a try before it is computed again.
        let mut failed = Ok(None);
        for address in addresses {
            match self.cached_from(&address, key, create()?) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(error) => failed = Err(error),
            }
        }
        failed
    }
}

impl RemoteShuffle for RemoteFetcher {
    fn open(
        self: Arc<Self>,
        outputs: Arc<ShuffleOutputs>,
        reducer: Partition,
    ) -> Box<dyn RemoteShuffleReader> {
        let policy = self.policy;
        Box::new(ShuffleBlockFetcher::new(self, policy, SystemClock::start(), outputs, reducer))
    }
}

impl ShufflePeers for RemoteFetcher {
    fn address_of(&self, executor: ExecutorId) -> Result<Option<String>, RemoteReadError> {
        let known = self.addresses().get(&executor).cloned();
        let address = match known {
            Some(address) => address,
            None => {
                let asked = self
                    .one_item(&self.driver, &BlockRequest::AddressOf { executor })
                    .map_err(remote_error)?;
                let gone = || {
                    RemoteReadError::Refused(format!(
                        "executor {} is gone, and its files with it",
                        executor.name()
                    ))
                };
                let address = String::from_utf8_lossy(&asked.ok_or_else(gone)?).into_owned();
                self.addresses().insert(executor, address.clone());
                address
            }
        };
        Ok((address != self.here).then_some(address))
    }

    fn forget_address(&self, executor: ExecutorId) {
        self.addresses().remove(&executor);
    }

    fn outputs_at(
        &self,
        shuffle: ShuffleId,
        maps: &[(Partition, TaskId)],
    ) -> Result<Vec<Option<OutputAddress>>, RemoteReadError> {
        let request = BlockRequest::OutputsAt { shuffle, maps: maps.to_vec() };
        let mut answer = self.ask(&self.driver, &request).map_err(remote_error)?;
        let mut addresses = vec![];
        loop {
            let mut address = vec![];
            addresses.push(match answer.next_item(&mut address).map_err(remote_error)? {
                Item::End => break,
                Item::Missing => None,
                Item::Here => match String::from_utf8_lossy(&address).into_owned() {
                    address if address == self.here => Some(OutputAddress::Here),
                    address => Some(OutputAddress::There(address)),
                },
            });
        }
        addresses.resize(maps.len(), None);
        Ok(addresses)
    }

    fn has_storage(&self) -> bool {
        self.stored.get().is_some()
    }

    fn stored_at(
        &self,
        shuffle: ShuffleId,
        maps: &[(Partition, TaskId)],
    ) -> Result<Vec<Option<StoredObject>>, RemoteReadError> {
        let request = BlockRequest::StoredAt { shuffle, maps: maps.to_vec() };
        let mut answer = self.ask(&self.driver, &request).map_err(remote_error)?;
        let mut objects = vec![];
        loop {
            let mut object = vec![];
            objects.push(match answer.next_item(&mut object).map_err(remote_error)? {
                Item::End => return Ok(objects),
                Item::Missing => None,
                Item::Here => decode_value(&object).ok(),
            });
        }
    }

    fn read_stored(
        &self,
        shuffle: ShuffleId,
        object: StoredObject,
        written: (Partition, TaskId),
        reducer: Partition,
    ) -> Result<Vec<u8>, RemoteReadError> {
        let Some(stored) = self.stored.get() else {
            return Err(RemoteReadError::NotStored("there is no shuffle storage".into()));
        };
        let read = stored.read(shuffle, object, written, reducer);
        read.map_err(|error| match &error {
            DataError::Corrupt { .. } | DataError::Decode { .. } => {
                RemoteReadError::ObjectBroken(error.to_string())
            }
            error if error.is_lost() => RemoteReadError::NotStored(error.to_string()),
            // The storage has nothing to do with it.
            error => RemoteReadError::Here(error.to_string()),
        })
    }

    fn request(
        &self,
        address: &str,
        shuffle: ShuffleId,
        reducer: Partition,
        maps: &[(Partition, TaskId)],
    ) -> Result<Box<dyn OutputStream>, RemoteReadError> {
        let request = BlockRequest::MapOutputs { shuffle, reducer: reducer.0, maps: maps.to_vec() };
        let answer = self.ask(address, &request).map_err(remote_error)?;
        Ok(Box::new(Outputs { answer, left: maps.len() }))
    }
}

/// How a client deals with hosts that may be frozen: what they say nothing of for so long, they do not have.
pub fn impatient(timeout_ms: u64) -> BlockClientSettings {
    let (patient, timeout) = (BlockClientSettings::default(), Duration::from_millis(timeout_ms.max(1)));
    BlockClientSettings {
        connect_timeout: patient.connect_timeout.min(timeout),
        read_timeout: patient.read_timeout.min(timeout),
        ..patient
    }
}

/// A host's answer, read output by output.
struct Outputs {
    answer: AnswerStream,
    left: usize,
}

impl OutputStream for Outputs {
    fn next(&mut self) -> Result<Option<Vec<u8>>, RemoteReadError> {
        let mut blocks = vec![];
        let found = match self.answer.next_item(&mut blocks).map_err(remote_error)? {
            Item::Here => Some(blocks),
            Item::Missing => None,
            Item::End => return Err(RemoteReadError::Refused("the answer ended too early".into())),
        };
        self.left -= 1;
        if self.left == 0 {
            // The connection can be used again once its end was read.
            let _ = self.answer.next_item(&mut vec![]);
        }
        Ok(found)
    }
}

fn remote_error(error: BlockError) -> RemoteReadError {
    match error {
        BlockError::Failed(message) => RemoteReadError::Refused(message),
        other => RemoteReadError::Unreachable(other.to_string()),
    }
}
