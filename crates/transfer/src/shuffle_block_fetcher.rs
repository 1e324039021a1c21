//! The reducer-side fetcher: reads one reducer's blocks from other hosts.
//!
//! Each host is asked once for all that it has, in the order of map tasks, and sends as fast as the fetcher
//! reads: unread blocks wait in the buffers of the connection, so a slow reader takes no memory, and hosts send
//! at the same time. The fetcher resumes a broken connection at the block where it broke; if a host cannot be
//! reached after all retries, as [`Retries`] counts them, everything it had counts as lost.
//!
//! Outputs may move while they are read: before executors are decommissioned, others take over their outputs.
//! So when a host refuses an output, the fetcher asks the driver once where it is now. Where there is a shuffle storage,
//! an output that its host does not give is read from there, if it is there, and the host is tried again only if that fails.

use crate::retry::{Retries, RetryPolicy};
use firesteel_shuffle::{RemoteReadFailure, RemoteShuffleReader};
use firesteel_types::{
    ExecutorId, MapOutput, Millis, Partition, ShuffleId, ShuffleOutputs, StoredObject, TaskId,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The reason why map outputs of another host cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RemoteReadError {
    /// The host, or the connection to it, is gone or broken: another try may help.
    #[error("{0}")]
    Unreachable(String),
    /// The host says that it does not have it, or cannot read it.
    #[error("{0}")]
    Refused(String),
    /// The shuffle storage cannot be reached, or does not give it.
    #[error("{0}")]
    NotStored(String),
    /// The object of the shuffle storage is not there, or holds something else: others may be well.
    #[error("{0}")]
    ObjectBroken(String),
    /// This host could not read it: too few descriptors, or a disk that is full.
    #[error("{0}")]
    Here(String),
}

/// The location of a map output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutputAddress {
    /// Among this host's files.
    Here,
    /// At an address.
    There(String),
}

/// The driver, which knows where outputs are, and the hosts that have them.
pub(crate) trait ShufflePeers: Send + Sync {
    /// Returns the address at which the outputs of an executor are served; `None` when they lie in this host's files.
    ///
    /// # Errors
    /// When nobody serves them any more.
    fn address_of(&self, executor: ExecutorId) -> Result<Option<String>, RemoteReadError>;

    /// Forgets where the outputs of an executor were: the driver is asked anew.
    fn forget_address(&self, executor: ExecutorId);

    /// Returns where map outputs are that are not where their executor's were. `None` for those that nobody has.
    ///
    /// # Errors
    /// When the driver cannot be asked.
    fn outputs_at(
        &self,
        shuffle: ShuffleId,
        maps: &[(Partition, TaskId)],
    ) -> Result<Vec<Option<OutputAddress>>, RemoteReadError>;

    /// Returns whether there is a shuffle storage.
    fn has_storage(&self) -> bool;

    /// Returns the objects of the shuffle storage that have map outputs. `None` for those that it does not have.
    ///
    /// # Errors
    /// When the driver cannot be asked.
    fn stored_at(
        &self,
        shuffle: ShuffleId,
        maps: &[(Partition, TaskId)],
    ) -> Result<Vec<Option<StoredObject>>, RemoteReadError>;

    /// Returns what a map task wrote for one reducer, from an object of the shuffle storage.
    ///
    /// # Errors
    /// When the object cannot be read, or this host cannot read it.
    fn read_stored(
        &self,
        shuffle: ShuffleId,
        object: StoredObject,
        written: (Partition, TaskId),
        reducer: Partition,
    ) -> Result<Vec<u8>, RemoteReadError>;

    /// Asks a host for what these map tasks wrote for one reducer. It comes in this order.
    ///
    /// # Errors
    /// When the host cannot be reached.
    fn request(
        &self,
        address: &str,
        shuffle: ShuffleId,
        reducer: Partition,
        maps: &[(Partition, TaskId)],
    ) -> Result<Box<dyn OutputStream>, RemoteReadError>;
}

/// The answer of a host.
pub(crate) trait OutputStream: Send {
    /// Returns the blocks of the next map task; `None` when its output is not there.
    ///
    /// # Errors
    /// When the way to the host broke, or what it has is broken.
    fn next(&mut self) -> Result<Option<Vec<u8>>, RemoteReadError>;
}

/// The time, and waiting for it.
pub(crate) trait Clock: Send {
    fn now(&self) -> Millis;

    /// Waits until a time, or until the wait is not wanted any more; returns whether it still is.
    fn wait_until(&self, until: Millis, is_cancelled: &dyn Fn() -> bool) -> bool;
}

/// This machine's clock.
pub(crate) struct SystemClock(Instant);

impl SystemClock {
    pub(crate) fn start() -> Self {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Millis(self.0.elapsed().as_millis() as u64)
    }

    fn wait_until(&self, until: Millis, is_cancelled: &dyn Fn() -> bool) -> bool {
        const LOOK_EVERY_MS: u64 = 20;
        while !is_cancelled() {
            let left = until - self.now();
            if left == 0 {
                return true;
            }
            thread::sleep(Duration::from_millis(left.min(LOOK_EVERY_MS)));
        }
        false
    }
}

/// The blocks of other hosts for one reducer.
pub(crate) struct ShuffleBlockFetcher<C> {
    peers: Arc<dyn ShufflePeers>,
    policy: RetryPolicy,
    clock: C,
    outputs: Arc<ShuffleOutputs>,
    reducer: Partition,
    /// The address of each executor's outputs; `None` is this host.
    addresses: HashMap<ExecutorId, Option<String>>,
    /// The addresses of the outputs that have moved.
    moved: HashMap<Partition, Option<String>>,
    /// The objects of the shuffle storage from which outputs are read.
    stored: HashMap<Partition, StoredObject>,
    /// Why the shuffle storage could not give what it is said to have: it is asked no more.
    storage_failed: Option<String>,
    hosts: BTreeMap<String, Host>,
    /// The requests since they were last counted.
    requests: u64,
}

#[derive(Default)]
struct Host {
    /// The outputs that it has and that were not read yet, in the order of map tasks.
    left: VecDeque<(Partition, TaskId)>,
    stream: Option<Box<dyn OutputStream>>,
}

impl<C: Clock> RemoteShuffleReader for ShuffleBlockFetcher<C> {
    fn read(
        &mut self,
        map: MapOutput,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<u8>>, RemoteReadFailure> {
        let mut retries = Retries::new(self.policy);
        loop {
            match self.try_read(map) {
                Ok(read) => return Ok(read),
                Err(RemoteReadError::Here(message)) => return Err(RemoteReadFailure::Here { message }),
                Err(RemoteReadError::ObjectBroken(message)) if self.is_stored_alone(map) => {
                    return Err(RemoteReadFailure::Gone { message, unreachable: vec![] });
                }
                Err(RemoteReadError::NotStored(message) | RemoteReadError::ObjectBroken(message)) => {
                    self.stored.clear();
                    let message = self.storage_failed.insert(message).clone();
                    if self.is_stored_alone(map) {
                        return Err(self.gone(message, vec![]));
                    }
                    // Its host may have it still, and was asked once at most.
                }
                // No other try, and no waiting.
                Err(_) if self.find_in_storage(map) => continue,
                // The output may have moved since its address was learned: one refusal is followed by a
                // question, not by a failure.
                Err(RemoteReadError::Refused(message)) => {
                    if !retries.refused() {
                        return Err(self.gone(message, vec![]));
                    }
                }
                Err(RemoteReadError::Unreachable(message)) => {
                    let Some(until) = retries.unreachable(self.clock.now()) else {
                        // All executors at this address count as unreachable, so that the scheduler recomputes
                        // their outputs at once.
                        let unreachable = self.at_same_address(map.executor);
                        return Err(self.gone(message, unreachable));
                    };
                    if !self.clock.wait_until(until, is_cancelled) {
                        return Err(RemoteReadFailure::Cancelled);
                    }
                }
            }
            self.locate(map);
        }
    }

    fn take_requests(&mut self) -> u64 {
        std::mem::take(&mut self.requests)
    }
}

impl<C> ShuffleBlockFetcher<C> {
    pub(crate) fn new(
        peers: Arc<dyn ShufflePeers>,
        policy: RetryPolicy,
        clock: C,
        outputs: Arc<ShuffleOutputs>,
        reducer: Partition,
    ) -> Self {
        ShuffleBlockFetcher {
            peers,
            policy,
            clock,
            outputs,
            reducer,
            addresses: HashMap::new(),
            moved: HashMap::new(),
            stored: HashMap::new(),
            storage_failed: None,
            hosts: BTreeMap::new(),
            requests: 0,
        }
    }

    fn try_read(&mut self, map: MapOutput) -> Result<Option<Vec<u8>>, RemoteReadError> {
        if let Some(object) = self.stored.get(&map.map) {
            let written = (map.map, map.task);
            self.requests += 1;
            return self.peers.read_stored(self.outputs.shuffle, *object, written, self.reducer).map(Some);
        }
        if self.is_stored_alone(map) {
            return Err(RemoteReadError::Refused("no executor has it any more".into()));
        }
        let Some(address) = self.address_of(map)? else { return Ok(None) };
        if !self.hosts.contains_key(&address) {
            let left = self.outputs_from(&address, map.map);
            self.hosts.insert(address.clone(), Host { left, stream: None });
        }
        let host = self.hosts.get_mut(&address).expect("it was put there just now");
        if host.stream.is_none() {
            let left: Vec<_> = host.left.iter().copied().collect();
            self.requests += 1;
            host.stream = Some(self.peers.request(&address, self.outputs.shuffle, self.reducer, &left)?);
        }
        let stream = host.stream.as_mut().expect("it was opened just now");
        let read = stream.next()?;
        host.left.pop_front();
        read.map(Some).ok_or_else(|| RemoteReadError::Refused("its host does not have it any more".into()))
    }

    /// Returns whether no executor has an output, as far as is known.
    fn is_stored_alone(&self, map: MapOutput) -> bool {
        map.executor == ExecutorId::STORAGE && !self.moved.contains_key(&map.map)
    }

    fn address_of(&mut self, map: MapOutput) -> Result<Option<String>, RemoteReadError> {
        if let Some(address) = self.moved.get(&map.map) {
            return Ok(address.clone());
        }
        if let Some(address) = self.addresses.get(&map.executor) {
            return Ok(address.clone());
        }
        let address = self.peers.address_of(map.executor)?;
        self.addresses.insert(map.executor, address.clone());
        Ok(address)
    }

    /// Returns the failure of an output that nobody gives. A storage that did not give what it had is named, too.
    fn gone(&self, message: String, mut unreachable: Vec<ExecutorId>) -> RemoteReadFailure {
        if let Some(why) = &self.storage_failed {
            unreachable.push(ExecutorId::STORAGE);
            let message = if message == *why { message } else { format!("{message}; {why}") };
            return RemoteReadFailure::Gone { message, unreachable };
        }
        RemoteReadFailure::Gone { message, unreachable }
    }

    /// Returns the outputs at an address, from a map task on.
    fn outputs_from(&mut self, address: &str, from: Partition) -> VecDeque<(Partition, TaskId)> {
        let outputs = self.outputs.clone();
        let left = outputs.maps[from.index()..].iter().filter(|map| map.bytes > 0);
        let is_on_host =
            |map: &MapOutput| map.executor != ExecutorId::STORAGE || self.moved.contains_key(&map.map);
        let is_read_there = |map: &&MapOutput| !self.stored.contains_key(&map.map) && is_on_host(map);
        let left: Vec<&MapOutput> = left.filter(is_read_there).collect();
        // An output whose address is unknown is left out: reading it reports that when its turn comes.
        let is_there =
            |map: &&MapOutput| self.address_of(**map).is_ok_and(|at| at.as_deref() == Some(address));
        left.into_iter().filter(is_there).map(|map| (map.map, map.task)).collect()
    }

    /// Asks the driver which of the outputs that are where this one cannot be read the shuffle storage has. Returns
    /// whether it has this one.
    fn find_in_storage(&mut self, map: MapOutput) -> bool {
        let is_asked = self.peers.has_storage() && self.storage_failed.is_none();
        if !is_asked || self.stored.contains_key(&map.map) {
            return false;
        }
        let there = self.at_same_address(map.executor);
        let outputs = self.outputs.clone();
        let left = outputs.maps[map.map.index()..].iter().filter(|left| left.bytes > 0);
        let left: Vec<_> =
            left.filter(|left| there.contains(&left.executor)).map(|left| (left.map, left.task)).collect();
        let Ok(objects) = self.peers.stored_at(self.outputs.shuffle, &left) else { return false };
        for ((map, _), object) in left.into_iter().zip(objects) {
            if let Some(object) = object {
                self.stored.insert(map, object);
            }
        }
        // Hosts are asked anew for what is still to be read from them.
        self.hosts.clear();
        self.stored.contains_key(&map.map)
    }

    /// Forgets addresses and connections after a failed read, and asks the driver: the outputs may be elsewhere by now.
    fn locate(&mut self, map: MapOutput) {
        let there = self.at_same_address(map.executor);
        for executor in &there {
            self.peers.forget_address(*executor);
            self.addresses.remove(executor);
        }
        self.hosts.clear();
        let outputs = self.outputs.clone();
        let left = outputs.maps[map.map.index()..].iter().filter(|left| left.bytes > 0);
        let left: Vec<_> =
            left.filter(|left| there.contains(&left.executor)).map(|left| (left.map, left.task)).collect();
        // If the driver does not answer, the outputs are looked for at the addresses of their executors.
        let Ok(addresses) = self.peers.outputs_at(self.outputs.shuffle, &left) else { return };
        for ((map, _), address) in left.into_iter().zip(addresses) {
            match address {
                Some(OutputAddress::Here) => drop(self.moved.insert(map, None)),
                Some(OutputAddress::There(address)) => drop(self.moved.insert(map, Some(address))),
                None => drop(self.moved.remove(&map)),
            }
        }
    }

    fn at_same_address(&self, executor: ExecutorId) -> Vec<ExecutorId> {
        let address = self.addresses.get(&executor);
        let same = self.addresses.iter().filter(|(_, at)| address.is_some() && Some(*at) == address);
        let mut same: Vec<ExecutorId> = same.map(|(executor, _)| *executor).collect();
        if same.is_empty() {
            same.push(executor);
        }
        same.sort();
        same
    }
}

#[cfg(test)]
mod tests;
