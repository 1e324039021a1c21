//! Which partitions are cached where, what readers get, and what is announced.

use super::*;
use crate::accumulate::{Adder, UpdateTable};
use crate::testing::{APPLICATION, Executor, Given, Step, broken_input, origin, records};
use crate::watch;
use firesteel_storage::CachedBlocks;
use firesteel_storage::cached::{BlockListener, CachedSize};
use firesteel_types::{AccumulatorId, BlockSize, Generation, KillReason, RddId};
use parking_lot::Mutex;
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

const RDD: RddId = RddId(1);
const VERSION: u64 = 3;
const KEY: BlockKey = BlockKey { rdd: RDD, partition: Partition(0), version: VERSION };

/// A budget for anything here, and one for nothing.
const MUCH: usize = 64 << 20;
const NOTHING: usize = 0;

/// All levels that differ in where partitions lie.
const LEVELS: [StorageLevel; 5] = [
    StorageLevel::MEMORY_ONLY,
    StorageLevel::MEMORY_ONLY_SER,
    StorageLevel::MEMORY_AND_DISK,
    StorageLevel::MEMORY_AND_DISK_SER,
    StorageLevel::DISK_ONLY,
];

/// Notes what is announced, and whether it could be found at that time.
#[derive(Clone, Default)]
struct Announced(Arc<Mutex<Vec<(&'static str, BlockKey)>>>, Weak<CachedBlocks>);

impl Announced {
    fn by(executor: &Executor) -> Self {
        let cached = &executor.services.cached;
        let announced = Announced(Arc::default(), Arc::downgrade(cached));
        cached.set_listener(Box::new(announced.clone()));
        announced
    }

    fn all(&self) -> Vec<(&'static str, BlockKey)> {
        self.0.lock().clone()
    }
}

impl BlockListener for Announced {
    fn stored(&self, key: BlockKey, _: BlockSize) {
        let found = self.1.upgrade().is_some_and(|cached| cached.get(key).is_some());
        self.0.lock().push((if found { "stored" } else { "stored, but not found" }, key));
    }
    fn dropped(&self, key: BlockKey) {
        self.0.lock().push(("dropped", key));
    }
}

fn persist<T: Data>(input: Op<T>, level: StorageLevel) -> Op<T> {
    let persist_as = PersistAs { level, compression: Compression::Lz4 };
    Op::new(Persist { input, persist_as, origin: origin(1) })
}

/// Reads the partition in a task of its own.
fn read<T: Data>(persisted: &Op<T>, executor: &Executor) -> Outcome<Vec<T>> {
    records(persisted, 0, &executor.task_with(&[], &[(RDD, VERSION)]))
}

/// Returns where the partition is cached.
fn place(executor: &Executor) -> Option<&'static str> {
    executor.services.cached.get(KEY).map(|(found, _)| match found {
        Found::Memory(_) => "memory",
        Found::Disk(_) => "disk",
    })
}

fn texts(batches: u32) -> Vec<Step<String>> {
    (0..batches).map(|batch| Ok((0..50).map(|i| format!("record {i} of batch {batch}")).collect())).collect()
}

#[test]
fn a_level_says_where_a_partition_lies_and_memory_whether_it_may() {
    let places = |executor: fn(usize) -> Executor, memory| {
        LEVELS.map(|level| {
            let executor = executor(memory);
            let (input, opened) = Given::steps(vec![texts(4)]);
            let persisted = persist(input, level);
            let first = read(&persisted, &executor).unwrap();
            assert_eq!(first.len(), 200);
            assert_eq!(read(&persisted, &executor).unwrap(), first, "the second reader gets something else");
            let place = place(&executor);
            let computed = if place.is_some() { 1 } else { 2 };
            assert_eq!(opened.load(Ordering::Relaxed), computed, "{level:?}");
            place
        })
    };
    let (memory, disk) = (Some("memory"), Some("disk"));
    assert_eq!(places(Executor::with_memory, MUCH), [memory, memory, memory, memory, disk]);
    assert_eq!(places(Executor::with_memory, NOTHING), [None, None, disk, disk, disk]);
    // Processes find each other's partitions as files only, whatever the level.
    assert_eq!(places(Executor::sharing, MUCH), [memory; 5]);
    assert_eq!(places(Executor::sharing, NOTHING), [disk; 5]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn readers_get_the_records_in_order_wherever_they_lie(
        batches in vec(vec((any::<u16>(), "[a-z]{0,20}"), 0..30), 0..8),
        level in 0..LEVELS.len(),
        memory in 0usize..4_000,
        sharing: bool,
    ) {
        let executor = if sharing { Executor::sharing(memory) } else { Executor::with_memory(memory) };
        let expected = batches.concat();
        let persisted = persist(Given::batches(&[batches]), LEVELS[level]);
        for reader in 0..3 {
            prop_assert_eq!(read(&persisted, &executor).unwrap(), expected.clone(), "reader {}", reader);
        }
        executor.services.cached.remove_rdd(RDD, Generation::of(VERSION));
        prop_assert_eq!((executor.used(), executor.files()), (0, 0), "something is left");
    }
}

#[test]
fn what_was_refused_memory_on_its_way_holds_none_on_disk() {
    let executor = Executor::with_memory(3_000);
    let (input, _) = Given::steps(vec![texts(4)]);
    read(&persist(input, StorageLevel::MEMORY_AND_DISK), &executor).unwrap();
    let CachedSize { partitions, memory_bytes, disk_bytes } = executor.services.cached.size_of(RDD);
    assert_eq!((partitions, memory_bytes), (1, 0));
    assert!(disk_bytes > 0);
    assert_eq!((executor.used(), executor.files()), (0, 1));
}

#[test]
fn what_is_announced_can_be_found() {
    for (level, memory) in LEVELS.into_iter().flat_map(|level| [(level, MUCH), (level, NOTHING)]) {
        for executor in [Executor::with_memory(memory), Executor::sharing(memory)] {
            let announced = Announced::by(&executor);
            let (input, _) = Given::steps(vec![texts(4)]);
            let persisted = persist(input, level);
            read(&persisted, &executor).unwrap();
            read(&persisted, &executor).unwrap();
            let expected = place(&executor).map(|_| ("stored", KEY));
            assert_eq!(announced.all(), Vec::from_iter(expected), "{level:?}");
        }
    }
}

#[test]
fn of_an_input_that_fails_nothing_is_cached_announced_or_left() {
    for (level, memory) in LEVELS.into_iter().flat_map(|level| [(level, MUCH), (level, NOTHING)]) {
        for executor in [Executor::with_memory(memory), Executor::sharing(memory)] {
            let announced = Announced::by(&executor);
            let steps = [texts(2), vec![Err(broken_input())], texts(1)].concat();
            let persisted = persist(Given::steps(vec![steps]).0, level);
            assert_eq!(read(&persisted, &executor).unwrap_err(), broken_input());
            assert!(executor.services.cached.is_empty(), "{level:?}");
            assert_eq!((place(&executor), announced.all()), (None, vec![]), "{level:?}");
            assert_eq!((executor.used(), executor.files()), (0, 0), "{level:?}");
        }
    }
}

/// Sets a flag before the second batch.
struct StopsInTheMiddle(Arc<AtomicBool>);

struct Stopping(u32, Arc<AtomicBool>);

impl Operator<u32> for StopsInTheMiddle {
    fn open(self: Arc<Self>, _: Partition, task: &Task) -> Outcome<Stream<u32>> {
        Ok(Stream::new(task, Stopping(0, self.0.clone())))
    }
}

impl Batches<u32> for Stopping {
    fn next_batch(&mut self) -> Outcome<Option<Batch<u32>>> {
        self.0 += 1;
        self.1.store(self.0 == 2, Ordering::Relaxed);
        Ok((self.0 <= 3).then(|| Batch::Owned(vec![self.0; 10])))
    }
}

#[test]
fn a_task_that_is_told_to_stop_while_it_computes_caches_nothing() {
    for (level, memory) in LEVELS.into_iter().flat_map(|level| [(level, MUCH), (level, NOTHING)]) {
        for executor in [Executor::with_memory(memory), Executor::sharing(memory)] {
            let announced = Announced::by(&executor);
            let persisted = persist(Op::new(StopsInTheMiddle(executor.cancelled.clone())), level);
            let killed = Box::new(TaskFailure::Killed(KillReason::JobEnded));
            assert_eq!(read(&persisted, &executor).unwrap_err(), killed, "{level:?}");
            assert_eq!((place(&executor), announced.all()), (None, vec![]), "{level:?}");
            assert_eq!((executor.used(), executor.files()), (0, 0), "{level:?}");
        }
    }
}

#[test]
fn a_reader_that_stops_in_the_middle_leaves_the_partition_to_others_whole() {
    for (level, memory) in LEVELS.into_iter().flat_map(|level| [(level, MUCH), (level, NOTHING)]) {
        for executor in [Executor::with_memory(memory), Executor::sharing(memory)] {
            let announced = Announced::by(&executor);
            let persisted = persist(Given::steps(vec![texts(40)]).0, level);
            let task = executor.task_with(&[], &[(RDD, VERSION)]);
            let mut stream = persisted.open(Partition(0), &task).unwrap();
            assert!(stream.next_batch().unwrap().is_some());
            drop(stream);
            let expected = place(&executor).map(|_| ("stored", KEY));
            assert_eq!(announced.all(), Vec::from_iter(expected), "{level:?}");
            assert_eq!(read(&persisted, &executor).unwrap().len(), 40 * 50, "{level:?}");
        }
    }
}

#[test]
fn memory_of_records_that_are_handed_on_is_held_as_long_as_they_are() {
    let executor = Executor::with_memory(3_000);
    let persisted = persist(Given::steps(vec![texts(4)]).0, StorageLevel::MEMORY_ONLY);
    let stream = persisted.open(Partition(0), &executor.task_with(&[], &[(RDD, VERSION)])).unwrap();
    assert_eq!(place(&executor), None);
    assert!(executor.used() > 0, "the records are there, and nobody has reserved their memory");
    drop(stream);
    assert_eq!(executor.used(), 0);
}

#[test]
fn another_version_is_not_read_and_without_one_nothing_is_cached() {
    let executor = Executor::with_memory(MUCH);
    let (input, opened) = Given::steps(vec![texts(1)]);
    let persisted = persist(input, StorageLevel::MEMORY_ONLY);
    records(&persisted, 0, &executor.task()).unwrap();
    assert!(executor.services.cached.is_empty());
    let versions = [1, 1, 2].map(|version| {
        records(&persisted, 0, &executor.task_with(&[], &[(RDD, version)])).unwrap();
        opened.load(Ordering::Relaxed)
    });
    assert_eq!(versions, [2, 2, 3]);
}

/// Returns the file of the partition.
fn file(executor: &Executor) -> std::path::PathBuf {
    match executor.services.cached.get(KEY) {
        Some((Found::Disk(file), _)) => file.path().to_owned(),
        _ => panic!("the partition is not on disk"),
    }
}

#[test]
fn of_an_rdd_that_was_persisted_again_older_generations_are_removed_alone() {
    for executor in [Executor::with_memory(MUCH), Executor::sharing(MUCH), Executor::sharing(NOTHING)] {
        let (input, opened) = Given::steps(vec![texts(1)]);
        let persisted = persist(input, StorageLevel::MEMORY_AND_DISK);
        let cached = &executor.services.cached;
        let key = |generation: Generation| BlockKey { version: generation.version(9), ..KEY };
        // A task of an older job ends late.
        for generation in [Generation(2), Generation(1)] {
            let task = executor.task_with(&[], &[(RDD, key(generation).version)]);
            records(&persisted, 0, &task).unwrap();
        }
        assert_eq!(opened.load(Ordering::Relaxed), 2, "neither reads what the other has cached");
        let is_there = |generation| cached.get(key(Generation(generation))).is_some();
        assert!(is_there(1) && is_there(2));
        cached.remove_rdd(RDD, Generation(1));
        assert!(!is_there(1) && is_there(2));
        cached.remove_rdd(RDD, Generation(2));
        assert_eq!((cached.len(), executor.used(), executor.files()), (0, 0, 0));
    }
}

#[test]
fn a_partition_whose_file_is_gone_is_computed_again_at_once() {
    for executor in [Executor::with_memory(NOTHING), Executor::sharing(NOTHING)] {
        let announced = Announced::by(&executor);
        let (input, opened) = Given::steps(vec![texts(2)]);
        let persisted = persist(input, StorageLevel::DISK_ONLY);
        let first = read(&persisted, &executor).unwrap();
        std::fs::remove_file(file(&executor)).unwrap();
        assert_eq!(read(&persisted, &executor).unwrap(), first);
        assert_eq!(opened.load(Ordering::Relaxed), 2);
        assert_eq!(announced.all(), [("stored", KEY), ("dropped", KEY), ("stored", KEY)]);
    }
}

#[test]
fn a_broken_partition_fails_one_attempt_and_the_next_computes_it_again() {
    for executor in [Executor::with_memory(NOTHING), Executor::sharing(NOTHING)] {
        let announced = Announced::by(&executor);
        let (input, opened) = Given::steps(vec![texts(2)]);
        let persisted = persist(input, StorageLevel::DISK_ONLY);
        let first = read(&persisted, &executor).unwrap();
        let mut bytes = std::fs::read(file(&executor)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(file(&executor), bytes).unwrap();
        let failure = *read(&persisted, &executor).unwrap_err();
        let TaskFailure::Operation { site, retryable, .. } = failure else { panic!("{failure:?}") };
        assert_eq!((site.line, retryable), (1, true));
        assert_eq!(announced.all(), [("stored", KEY), ("dropped", KEY)]);
        assert_eq!(read(&persisted, &executor).unwrap(), first);
        assert_eq!(opened.load(Ordering::Relaxed), 2);
    }
}

/// Adds each record to an accumulator.
struct Adding(Adder<i128>);

impl Operator<u32> for Adding {
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<u32>> {
        let _scope = watch::enter(&origin(2).scope(partition));
        (0..5).for_each(|term| self.0.add(term));
        Ok(Stream::new(task, Stopping(2, Arc::default())))
    }
}

#[test]
fn readers_bring_along_what_was_added_while_the_partition_was_computed() {
    for (memory, executor) in [MUCH, NOTHING]
        .into_iter()
        .flat_map(|memory| [(memory, Executor::with_memory(memory)), (memory, Executor::sharing(memory))])
    {
        let adder = Adder::<i128>::new(AccumulatorId(9), APPLICATION);
        let persisted = persist(Op::new(Adding(adder)), StorageLevel::MEMORY_AND_DISK);
        let mut computed_by = None;
        for _ in 0..3 {
            let table = UpdateTable::begin(APPLICATION);
            let task = executor.task_with(&[], &[(RDD, VERSION)]);
            computed_by.get_or_insert(task.spec().task);
            records(&persisted, 0, &task).unwrap();
            let [update] = &table.finish().unwrap()[..] else { panic!("one update with {memory} bytes") };
            let sum: i128 = firesteel_data::block::decode_value(&update.bytes).unwrap();
            assert_eq!((update.accumulator, update.extent, sum), (AccumulatorId(9), 5, 10));
            if task.spec().task != computed_by.unwrap() {
                assert_eq!(update.cached_by, computed_by, "the update says who computed the partition");
            }
        }
    }
}
