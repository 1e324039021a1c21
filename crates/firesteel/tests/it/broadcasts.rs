//! Broadcast variables: read by tasks and the driver, destroyed, and used for large environments.

use crate::processes;
use firesteel::{Broadcast, Context, Result};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

fn context(memory: &str) -> Context {
    Context::builder().master("local[2]").conf("firesteel.memory", memory).create().unwrap()
}

/// The same, and one whose tasks run in two other processes.
fn contexts(memory: &str) -> [Context; 2] {
    [context(memory), processes::two_processes(2).create().unwrap()]
}

#[test]
fn tasks_and_driver_read_the_value_and_handles_may_be_anywhere_in_an_environment() -> Result<()> {
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Lookup {
        names: Broadcast<HashMap<i64, String>>,
        factor: i64,
    }
    for sc in contexts("64m") {
        let names = sc.broadcast(HashMap::from([(2, "two".to_string())]))?;
        let lookup = Lookup { names: names.clone(), factor: 2 };
        let found = sc.range_in(0..3, 3).flat_map_with((lookup, 1u8), |(lookup, _), x| {
            lookup.names.value().get(&(x * lookup.factor)).cloned()
        });
        assert_eq!(found.collect()?, ["two"]);
        assert_eq!((names.value().len(), names.len(), names.try_value().unwrap().len()), (1, 1, 1));
    }
    Ok(())
}

/// A value that counts how often it was decoded.
#[derive(serde::Serialize)]
struct Counted(u64);

static DECODED: AtomicUsize = AtomicUsize::new(0);

impl<'de> serde::Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        DECODED.fetch_add(1, SeqCst);
        serde::Deserialize::deserialize(deserializer).map(Counted)
    }
}

#[test]
fn an_executor_decodes_once_for_all_tasks_and_stages() -> Result<()> {
    let sc = context("64m");
    let seven = sc.broadcast(Counted(7))?;
    for _ in 0..3 {
        let sums = sc.range_in(0..8, 8).map_with(seven.clone(), |seven, x| (x % 2, seven.value().0));
        let sums = sums.reduce_by_key_with(seven.clone(), |seven, a, b| a + b + seven.value().0 - 7);
        assert_eq!(sums.values().collect()?, [28, 28]);
    }
    assert_eq!(DECODED.swap(0, SeqCst), 1);
    assert_eq!((seven.value().0, seven.clone().value().0), (7, 7));
    assert_eq!(DECODED.swap(0, SeqCst), 1, "the driver has a copy of its own");
    seven.unpersist();
    assert_eq!(sc.range(0..2).map_with(seven.clone(), |seven, _| seven.value().0).collect()?, [7, 7]);
    assert_eq!(DECODED.swap(0, SeqCst), 1);
    Ok(())
}

#[test]
fn a_task_does_not_share_memory_with_the_driver() -> Result<()> {
    for sc in contexts("64m") {
        let counter = sc.broadcast(AtomicUsize::new(0))?;
        counter.value().store(5, SeqCst);
        let seen =
            sc.range_in(0..2, 1).map_with(counter.clone(), |counter, _| counter.value().fetch_add(1, SeqCst));
        assert_eq!(seen.collect()?, [0, 1]);
        assert_eq!(counter.value().load(SeqCst), 5);
    }
    Ok(())
}

#[test]
fn using_a_destroyed_one_is_refused_early_and_says_where_it_was_destroyed() -> Result<()> {
    let sc = context("64m");
    static RAN: AtomicUsize = AtomicUsize::new(0);
    let table = sc.broadcast(vec![1u8, 2])?;
    let mapped = sc.range(0..10).map_with(table.clone(), |table, x| {
        RAN.fetch_add(1, SeqCst);
        x + table.value().len() as i64
    });
    table.destroy();
    let error = mapped.collect().unwrap_err().to_string();
    for words in ["destroyed by destroy at", "broadcasts.rs", "broadcast variable 0", "unpersist"] {
        assert!(error.contains(words), "{words} is missing: {error}");
    }
    assert_eq!(RAN.load(SeqCst), 0);
    assert!(table.try_value().is_err() && mapped.map(|x| x).count().is_err());
    // In an action's own function, too.
    let error = sc
        .range(0..3)
        .foreach_with(table.clone(), |table, _| {
            table.value();
        })
        .unwrap_err();
    assert!(error.to_string().contains("was destroyed"), "{error}");
    let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| table.value().len())).unwrap_err();
    assert!(
        said.downcast_ref::<String>().unwrap().contains("broadcast variable 0 was destroyed by destroy at")
    );
    Ok(())
}

#[test]
fn another_contexts_is_refused() -> Result<()> {
    let (one, other) = (context("64m"), context("64m"));
    let table = one.broadcast(1)?;
    let error = other.range(0..3).map_with(table.clone(), |table, x| x + table.value()).count().unwrap_err();
    assert!(error.to_string().contains("belongs to another context"), "{error}");
    Ok(())
}

#[test]
fn values_go_with_the_last_handle_and_the_last_closure_that_holds_one() -> Result<()> {
    let sc = context("64m");
    let table = sc.broadcast(vec![3i64])?;
    let mapped = sc.range(0..2).map_with(table.clone(), |table, x| x * table.value()[0]);
    drop(table);
    assert_eq!(mapped.collect()?, [0, 3]);
    assert!(sc.cached_blocks() > 0);
    drop(mapped);
    // The stage's plan may be let go by a task's thread a moment later.
    while sc.cached_blocks() > 0 {
        std::thread::yield_now();
    }
    Ok(())
}

#[test]
fn what_has_no_room_in_memory_is_read_from_disk() -> Result<()> {
    let sc = context("2m");
    let numbers: Vec<u64> = (0..1_000_000).map(|i| i << 20).collect();
    let table = sc.broadcast(numbers)?;
    let last = sc.range_in(0..4, 4).map_with(table, |table, i| table.value()[999_999 - i as usize] >> 20);
    assert_eq!(last.collect()?, [999_999, 999_998, 999_997, 999_996]);
    Ok(())
}

#[test]
fn a_broken_file_fails_with_its_name() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let builder = Context::builder().master("local[2]").conf("firesteel.memory", "1m");
    let sc = builder.conf("firesteel.local.dir", dir.path().to_str().unwrap()).create()?;
    let table = sc.broadcast(vec![7u64; 3_000_000])?;
    let own = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let files = std::fs::read_dir(own).unwrap().map(|entry| entry.unwrap().path());
    let file = files.into_iter().find(|path| path.to_string_lossy().contains("broadcast")).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let error = sc.range(0..2).map_with(table, |table, x| x + table.value()[0] as i64).count().unwrap_err();
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    Ok(())
}

#[test]
fn a_large_environment_becomes_a_broadcast_value_by_itself() -> Result<()> {
    let sc = context("64m");
    let table: Vec<u64> = (0..400_000).map(|i| i * 1_000_003).collect();
    let mapped = sc.range_in(0..4, 2).map_with(table, |table, i| table[i as usize * 100_000]);
    for _ in 0..2 {
        assert_eq!(mapped.collect()?, [0, 100_000 * 1_000_003, 200_000 * 1_000_003, 300_000 * 1_000_003]);
        assert_eq!(sc.cached_blocks(), 1, "it is broadcast once, not for each job");
    }
    Ok(())
}
