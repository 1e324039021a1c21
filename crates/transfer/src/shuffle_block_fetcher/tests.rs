//! The reducer-side fetcher among hosts that go down, come back and hand over what they have.

use super::*;
use parking_lot::{Mutex, MutexGuard};
use std::cell::Cell;
use std::collections::HashSet;

/// Hosts, by address; the driver's knowledge; and what was asked of them, in order.
#[derive(Default)]
struct World {
    /// The address of each executor's outputs, as the driver tells.
    addresses: HashMap<ExecutorId, Option<String>>,
    /// Where single outputs are by now.
    moved: HashMap<Partition, OutputAddress>,
    /// What each host has.
    hosts: HashMap<String, HashSet<Partition>>,
    down: HashSet<String>,
    /// Hosts whose connections break after so many outputs, once.
    breaks: HashMap<String, usize>,
    /// Which outputs the shuffle storage has, as the driver tells; whether they can be read there.
    stored: HashMap<Partition, bool>,
    /// Whether the storage answers, and says that objects are not there.
    says_so: bool,
    /// Whether the reader's host can read nothing from the storage.
    disk_is_full: bool,
    asked: Vec<String>,
}

#[derive(Clone, Default)]
struct Peers(Arc<Mutex<World>>);

impl Peers {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock()
    }

    /// Executor n is served at `hosts[n]`, and wrote one output for each `n` in `maps`.
    fn of(hosts: &[&str], maps: &[u32]) -> (Self, Arc<ShuffleOutputs>) {
        let peers = Peers::default();
        for (executor, host) in hosts.iter().enumerate() {
            let address = (*host != "here").then(|| (*host).to_owned());
            peers.world().addresses.insert(ExecutorId(executor as u32), address);
        }
        let output = |(map, executor): (usize, &u32)| {
            let map = Partition(map as u32);
            let host = hosts[*executor as usize].to_owned();
            peers.world().hosts.entry(host).or_default().insert(map);
            MapOutput { map, task: TaskId(u64::from(map.0)), executor: ExecutorId(*executor), bytes: 10 }
        };
        let maps = maps.iter().enumerate().map(output).collect();
        (peers, Arc::new(ShuffleOutputs { shuffle: ShuffleId(0), generation: 1, maps }))
    }

    fn hand_over(&self, map: u32, from: &str, to: &str) {
        let mut world = self.world();
        world.hosts.entry(from.into()).or_default().remove(&Partition(map));
        world.hosts.entry(to.into()).or_default().insert(Partition(map));
        let address = if to == "here" { OutputAddress::Here } else { OutputAddress::There(to.into()) };
        world.moved.insert(Partition(map), address);
    }

    fn asked(&self) -> String {
        std::mem::take(&mut self.world().asked).join(", ")
    }
}

impl ShufflePeers for Peers {
    fn address_of(&self, executor: ExecutorId) -> Result<Option<String>, RemoteReadError> {
        let address = self.world().addresses.get(&executor).cloned();
        address.ok_or_else(|| RemoteReadError::Refused(format!("executor {executor} is gone")))
    }

    fn forget_address(&self, executor: ExecutorId) {
        self.world().asked.push(format!("forget {executor}"));
    }

    fn outputs_at(
        &self,
        _: ShuffleId,
        maps: &[(Partition, TaskId)],
    ) -> Result<Vec<Option<OutputAddress>>, RemoteReadError> {
        let world = self.world();
        Ok(maps.iter().map(|(map, _)| world.moved.get(map).cloned()).collect())
    }

    fn has_storage(&self) -> bool {
        !self.world().stored.is_empty()
    }

    fn stored_at(
        &self,
        _: ShuffleId,
        maps: &[(Partition, TaskId)],
    ) -> Result<Vec<Option<StoredObject>>, RemoteReadError> {
        let mut world = self.world();
        let numbers: Vec<String> = maps.iter().map(|(map, _)| map.to_string()).collect();
        world.asked.push(format!("driver for {}", numbers.join(" ")));
        let object = StoredObject { life: 0, by: ExecutorId(0), number: 1, index_at: 10, length: 20 };
        Ok(maps.iter().map(|(map, _)| world.stored.contains_key(map).then_some(object)).collect())
    }

    fn read_stored(
        &self,
        _: ShuffleId,
        _: StoredObject,
        (map, _): (Partition, TaskId),
        _: Partition,
    ) -> Result<Vec<u8>, RemoteReadError> {
        let world = self.world();
        if world.disk_is_full {
            return Err(RemoteReadError::Here("no space left".into()));
        }
        match world.stored[&map] {
            true => Ok(vec![100 + map.0 as u8]),
            false if world.says_so => Err(RemoteReadError::ObjectBroken("no such object".into())),
            false => Err(RemoteReadError::NotStored("no such object".into())),
        }
    }

    fn request(
        &self,
        address: &str,
        _: ShuffleId,
        _: Partition,
        maps: &[(Partition, TaskId)],
    ) -> Result<Box<dyn OutputStream>, RemoteReadError> {
        let numbers: Vec<String> = maps.iter().map(|(map, _)| map.to_string()).collect();
        let mut world = self.world();
        world.asked.push(format!("{address} for {}", numbers.join(" ")));
        if world.down.contains(address) {
            return Err(RemoteReadError::Unreachable("connection refused".into()));
        }
        let breaks_after = world.breaks.remove(address);
        let maps = maps.iter().map(|(map, _)| *map).collect();
        Ok(Box::new(Answer { peers: self.clone(), address: address.into(), maps, breaks_after }))
    }
}

struct Answer {
    peers: Peers,
    address: String,
    maps: VecDeque<Partition>,
    breaks_after: Option<usize>,
}

impl OutputStream for Answer {
    fn next(&mut self) -> Result<Option<Vec<u8>>, RemoteReadError> {
        if self.breaks_after == Some(0) {
            return Err(RemoteReadError::Unreachable("connection reset".into()));
        }
        self.breaks_after = self.breaks_after.map(|left| left - 1);
        let map = self.maps.pop_front().expect("no more is read than was asked for");
        let is_there = self.peers.world().hosts.get(&self.address).is_some_and(|has| has.contains(&map));
        Ok(is_there.then(|| vec![map.0 as u8]))
    }
}

/// A clock that goes on when somebody waits for it.
#[derive(Default)]
struct Waits(Cell<u64>);

impl Clock for Waits {
    fn now(&self) -> Millis {
        Millis(self.0.get())
    }

    fn wait_until(&self, until: Millis, is_cancelled: &dyn Fn() -> bool) -> bool {
        self.0.set(until.0);
        !is_cancelled()
    }
}

fn fetcher(peers: &Peers, outputs: &Arc<ShuffleOutputs>, retries: u32) -> ShuffleBlockFetcher<Waits> {
    let policy = RetryPolicy { retries, wait_ms: 100 };
    ShuffleBlockFetcher::new(Arc::new(peers.clone()), policy, Waits::default(), outputs.clone(), Partition(0))
}

/// Reads all outputs; `.` for one that lies here.
fn read_all(fetcher: &mut ShuffleBlockFetcher<Waits>) -> Result<String, RemoteReadFailure> {
    let outputs = fetcher.outputs.clone();
    let read = |map: &MapOutput| {
        let bytes = fetcher.read(*map, &|| false)?;
        Ok(bytes.map_or(".".to_owned(), |bytes| bytes[0].to_string()))
    };
    outputs.maps.iter().map(read).collect::<Result<Vec<_>, _>>().map(|read| read.join(" "))
}

#[test]
fn each_host_is_asked_once_for_all_that_it_has() {
    let (peers, outputs) = Peers::of(&["a", "here", "b", "a"], &[0, 1, 2, 3, 0]);
    assert_eq!(read_all(&mut fetcher(&peers, &outputs, 0)).as_deref(), Ok("0 . 2 3 4"));
    assert_eq!(peers.asked(), "a for 0 3 4, b for 2");
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let (peers, outputs) = Peers::of(&["a"], &[0, 0, 0]);
    peers.world().breaks.insert("a".into(), 2);
    let mut fetcher = fetcher(&peers, &outputs, 1);
    assert_eq!(read_all(&mut fetcher).as_deref(), Ok("0 1 2"));
    assert_eq!(peers.asked(), "a for 0 1 2, forget 0, a for 2");
    assert_eq!((fetcher.take_requests(), fetcher.take_requests()), (2, 0));
    assert_eq!(fetcher.clock.now(), Millis(100), "it waited before it tried again");
}

#[test]
fn a_host_that_cannot_be_reached_has_lost_what_all_its_executors_wrote() {
    let (peers, outputs) = Peers::of(&["a", "a", "b"], &[0, 1, 2]);
    peers.world().down.insert("a".into());
    let gone = read_all(&mut fetcher(&peers, &outputs, 2)).expect_err("it is down");
    let unreachable = vec![ExecutorId(0), ExecutorId(1)];
    assert_eq!(gone, RemoteReadFailure::Gone { message: "connection refused".into(), unreachable });
    assert_eq!(peers.asked().matches("a for 0 1").count(), 3, "it was tried and tried again twice");
}

#[test]
fn an_output_that_was_handed_over_is_read_where_it_is_now() {
    let (peers, outputs) = Peers::of(&["a", "b"], &[0, 0, 1]);
    peers.hand_over(0, "a", "b");
    peers.hand_over(1, "a", "here");
    assert_eq!(read_all(&mut fetcher(&peers, &outputs, 0)).as_deref(), Ok("0 . 2"));
    assert_eq!(peers.asked(), "a for 0 1, forget 0, b for 0 2");
}

#[test]
fn an_output_that_nobody_has_is_gone_and_nobody_is_unreachable() {
    let (peers, outputs) = Peers::of(&["a"], &[0, 0]);
    peers.world().hosts.clear();
    let gone = read_all(&mut fetcher(&peers, &outputs, 5)).expect_err("nobody has it");
    let message = "its host does not have it any more".into();
    assert_eq!(gone, RemoteReadFailure::Gone { message, unreachable: vec![] });
    peers.world().addresses.clear();
    let gone = read_all(&mut fetcher(&peers, &outputs, 5)).expect_err("nobody serves it");
    assert_eq!(gone, RemoteReadFailure::Gone { message: "executor 0 is gone".into(), unreachable: vec![] });
}

#[test]
fn a_task_that_is_told_to_stop_waits_no_longer() {
    let (peers, outputs) = Peers::of(&["a"], &[0]);
    peers.world().down.insert("a".into());
    let stopped = fetcher(&peers, &outputs, u32::MAX).read(outputs.maps[0], &|| true);
    assert_eq!(stopped, Err(RemoteReadFailure::Cancelled));
}

/// A storage that has these outputs; of those that are not `whole`, it cannot give the bytes.
fn storage(stored: &[u32], whole: bool) -> HashMap<Partition, bool> {
    stored.iter().map(|map| (Partition(*map), whole)).collect()
}

#[test]
fn what_a_host_does_not_give_is_read_from_the_storage_without_another_try() {
    let (peers, outputs) = Peers::of(&["a", "b"], &[0, 1, 0, 0]);
    peers.world().down.insert("a".into());
    peers.world().stored = storage(&[0, 2, 3], true);
    let mut fetcher = fetcher(&peers, &outputs, 3);
    assert_eq!(read_all(&mut fetcher).as_deref(), Ok("100 1 102 103"));
    assert_eq!(peers.asked(), "a for 0 2 3, driver for 0 2 3, b for 1");
    assert_eq!(fetcher.clock.now(), Millis(0), "nobody waited");
}

#[test]
fn what_the_storage_does_not_have_is_asked_for_again_at_its_host() {
    let (peers, outputs) = Peers::of(&["a"], &[0, 0, 0]);
    peers.world().breaks.insert("a".into(), 1);
    peers.world().stored = storage(&[2], true);
    assert_eq!(read_all(&mut fetcher(&peers, &outputs, 1)).as_deref(), Ok("0 1 102"));
    assert_eq!(peers.asked(), "a for 0 1 2, driver for 1 2, forget 0, a for 1");
}

#[test]
fn outputs_that_the_storage_alone_has_are_asked_for_once_and_no_host_is() {
    let (peers, outputs) = Peers::of(&["a"], &[0, 0, 0]);
    let mut outputs = ShuffleOutputs::clone(&outputs);
    outputs.maps[0].executor = ExecutorId::STORAGE;
    outputs.maps[2].executor = ExecutorId::STORAGE;
    peers.world().stored = storage(&[0, 2], true);
    assert_eq!(read_all(&mut fetcher(&peers, &Arc::new(outputs), 0)).as_deref(), Ok("100 1 102"));
    assert_eq!(peers.asked(), "driver for 0 2, a for 1");
}

#[test]
fn a_storage_that_cannot_give_what_it_has_is_named() {
    let (peers, outputs) = Peers::of(&["a"], &[0]);
    peers.world().down.insert("a".into());
    peers.world().stored = storage(&[0], false);
    let gone = read_all(&mut fetcher(&peers, &outputs, 3)).expect_err("nobody gives it");
    let (message, unreachable) =
        ("connection refused; no such object", vec![ExecutorId(0), ExecutorId::STORAGE]);
    assert_eq!(gone, RemoteReadFailure::Gone { message: message.into(), unreachable });
    // No host has it: none is asked.
    let mut outputs = ShuffleOutputs::clone(&outputs);
    outputs.maps[0].executor = ExecutorId::STORAGE;
    let gone = read_all(&mut fetcher(&peers, &Arc::new(outputs), 3)).expect_err("nobody gives it");
    let unreachable = vec![ExecutorId::STORAGE];
    assert_eq!(gone, RemoteReadFailure::Gone { message: "no such object".into(), unreachable });
}

#[test]
fn a_storage_that_answers_is_not_named_for_one_object_that_is_broken() {
    let (peers, outputs) = Peers::of(&["a"], &[0]);
    peers.world().stored = storage(&[0], false);
    peers.world().says_so = true;
    // Its host has it.
    peers.world().breaks.insert("a".into(), 0);
    assert_eq!(read_all(&mut fetcher(&peers, &outputs, 1)).as_deref(), Ok("0"));
    let mut outputs = ShuffleOutputs::clone(&outputs);
    outputs.maps[0].executor = ExecutorId::STORAGE;
    let gone = read_all(&mut fetcher(&peers, &Arc::new(outputs), 3)).expect_err("nobody gives it");
    assert_eq!(gone, RemoteReadFailure::Gone { message: "no such object".into(), unreachable: vec![] });
}

#[test]
fn a_host_is_asked_again_for_what_the_storage_cannot_give() {
    let (peers, outputs) = Peers::of(&["a"], &[0, 0, 0]);
    peers.world().breaks.insert("a".into(), 1);
    peers.world().stored = storage(&[1, 2], false);
    assert_eq!(read_all(&mut fetcher(&peers, &outputs, 0)).as_deref(), Ok("0 1 2"));
    assert_eq!(peers.asked(), "a for 0 1 2, driver for 1 2, forget 0, a for 1 2");
}

#[test]
fn trouble_of_this_host_is_no_failure_of_the_storage() {
    let (peers, outputs) = Peers::of(&["a"], &[0]);
    peers.world().down.insert("a".into());
    peers.world().stored = storage(&[0], true);
    peers.world().disk_is_full = true;
    let failure = read_all(&mut fetcher(&peers, &outputs, 3)).expect_err("it cannot be read here");
    assert_eq!(failure, RemoteReadFailure::Here { message: "no space left".into() });
}
