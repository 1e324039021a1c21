//! The reducer-side fetcher: reads one reducer's blocks from other hosts.
//!
//! Each host is asked once for all that it has, in the order of map tasks, and sends as fast as the fetcher
//! reads: unread blocks wait in the buffers of the connection, so a slow reader takes no memory, and hosts send
//! at the same time. The fetcher resumes a broken connection at the block where it broke; if a host cannot be
//! reached after all retries, everything it had counts as lost.
//!
//! Outputs may move while they are read: before executors are decommissioned, others take over their outputs.
//! So when a host refuses an output, the fetcher asks the driver once where it is now.

use crate::task::Task;
use firesteel_shuffle::{OutputAddress, RemoteOutputs, RemoteReadError, RemoteStream};
use firesteel_types::{ExecutorId, MapOutput, Partition, ShuffleOutputs, TaskFailure, TaskId};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The blocks of other hosts for one reducer.
pub(crate) struct ShuffleBlockFetcher {
    remote: Arc<dyn RemoteOutputs>,
    outputs: Arc<ShuffleOutputs>,
    reducer: Partition,
    /// The address of each executor's outputs; `None` is this host.
    addresses: HashMap<ExecutorId, Option<String>>,
    /// The addresses of the outputs that have moved.
    moved: HashMap<Partition, Option<String>>,
    hosts: BTreeMap<String, Host>,
}

#[derive(Default)]
struct Host {
    /// The outputs that it has and that were not read yet, in the order of map tasks.
    left: VecDeque<(Partition, TaskId)>,
    stream: Option<Box<dyn RemoteStream>>,
}

/// The reason why a map output cannot be read.
pub(crate) enum RemoteReadFailure {
    /// It is gone, or broken, or on executors that cannot be reached.
    Gone { message: String, unreachable: Vec<ExecutorId> },
    /// The task was told to stop.
    Task(Box<TaskFailure>),
}

impl ShuffleBlockFetcher {
    pub(crate) fn new(
        remote: Arc<dyn RemoteOutputs>,
        outputs: Arc<ShuffleOutputs>,
        reducer: Partition,
    ) -> Self {
        let (addresses, moved, hosts) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        ShuffleBlockFetcher { remote, outputs, reducer, addresses, moved, hosts }
    }

    /// Returns the bytes that a map task wrote for the reducer; `None` when they lie in this host's files. Map
    /// tasks must be asked for in order.
    pub(crate) fn read(&mut self, map: MapOutput, task: &Task) -> Result<Option<Vec<u8>>, RemoteReadFailure> {
        let (mut tries, mut has_asked) = (0, false);
        loop {
            let error = match self.try_read(map) {
                Ok(read) => return Ok(read),
                // The output may have moved since its address was learned: one refusal is followed by a
                // question, not by a failure.
                Err(RemoteReadError::Refused(_)) if !has_asked => {
                    has_asked = true;
                    self.ask_anew(map);
                    continue;
                }
                Err(RemoteReadError::Refused(message)) => {
                    return Err(RemoteReadFailure::Gone { message, unreachable: vec![] });
                }
                Err(RemoteReadError::Unreachable(message)) => message,
            };
            // Out of retries: all executors at this address count as unreachable, so that the scheduler
            // recomputes their outputs at once.
            if tries == self.remote.retries() {
                return Err(RemoteReadFailure::Gone {
                    message: error,
                    unreachable: self.at_same_address(map.executor),
                });
            }
            tries += 1;
            wait(self.remote.retry_wait_ms(), task).map_err(RemoteReadFailure::Task)?;
            self.ask_anew(map);
        }
    }

    fn try_read(&mut self, map: MapOutput) -> Result<Option<Vec<u8>>, RemoteReadError> {
        let Some(scope) = self.address_of(map)? else { return Ok(None) };
        if !self.hosts.contains_key(&scope) {
            let left = self.outputs_at(&scope, map.map)?;
            self.hosts.insert(scope.clone(), Host { left, stream: None });
        }
        let host = self.hosts.get_mut(&scope).expect("it was put there just now");
        if host.stream.is_none() {
            let left: Vec<_> = host.left.iter().copied().collect();
            host.stream = Some(self.remote.open(&scope, self.outputs.shuffle, self.reducer.0, &left)?);
        }
        let stream = host.stream.as_mut().expect("it was opened just now");
        let read = stream.next()?;
        host.left.pop_front();
        read.map(Some).ok_or_else(|| RemoteReadError::Refused("its host does not have it any more".into()))
    }

    fn address_of(&mut self, map: MapOutput) -> Result<Option<String>, RemoteReadError> {
        let executor = map.executor;
        if let Some(scope) = self.moved.get(&map.map) {
            return Ok(scope.clone());
        }
        if let Some(scope) = self.addresses.get(&executor) {
            return Ok(scope.clone());
        }
        let scope = self.remote.address_of(executor)?;
        self.addresses.insert(executor, scope.clone());
        Ok(scope)
    }

    /// Returns the outputs at an address, from a map task on.
    fn outputs_at(
        &mut self,
        scope: &str,
        from: Partition,
    ) -> Result<VecDeque<(Partition, TaskId)>, RemoteReadError> {
        let outputs = self.outputs.clone();
        let mut found = VecDeque::new();
        for map in outputs.maps[from.index()..].iter().filter(|map| map.bytes > 0) {
            // An output whose address is unknown is left out: reading it reports that when its turn comes.
            if self.address_of(*map).is_ok_and(|at| at.as_deref() == Some(scope)) {
                found.push_back((map.map, map.task));
            }
        }
        Ok(found)
    }

    /// Forgets addresses and connections after a failed read: the outputs may be elsewhere by now.
    fn ask_anew(&mut self, map: MapOutput) {
        let there = self.at_same_address(map.executor);
        for executor in &there {
            self.remote.forget_address(*executor);
            self.addresses.remove(executor);
        }
        self.hosts.clear();
        let outputs = self.outputs.clone();
        let left = outputs.maps[map.map.index()..].iter().filter(|left| left.bytes > 0);
        let left: Vec<_> =
            left.filter(|left| there.contains(&left.executor)).map(|left| (left.map, left.task)).collect();
        // If the driver does not answer, the outputs are looked for at the addresses of their executors.
        let Ok(addresses) = self.remote.outputs_at(self.outputs.shuffle, &left) else { return };
        for ((map, _), scope) in left.into_iter().zip(addresses) {
            match scope {
                Some(OutputAddress::Here) => drop(self.moved.insert(map, None)),
                Some(OutputAddress::There(scope)) => drop(self.moved.insert(map, Some(scope))),
                None => drop(self.moved.remove(&map)),
            }
        }
    }

    fn at_same_address(&self, executor: ExecutorId) -> Vec<ExecutorId> {
        let scope = self.addresses.get(&executor);
        let same = self.addresses.iter().filter(|(_, at)| scope.is_some() && Some(*at) == scope);
        let mut same: Vec<ExecutorId> = same.map(|(executor, _)| *executor).collect();
        if same.is_empty() {
            same.push(executor);
        }
        same.sort();
        same
    }
}

/// Waits, and stops waiting when the task is told to stop.
fn wait(milliseconds: u64, task: &Task) -> Result<(), Box<TaskFailure>> {
    const LOOK_EVERY: Duration = Duration::from_millis(20);
    let until = Instant::now() + Duration::from_millis(milliseconds);
    while Instant::now() < until {
        task.check_cancelled()?;
        thread::sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now())));
    }
    task.check_cancelled()
}
