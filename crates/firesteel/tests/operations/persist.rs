//! Persistence: the same records at every level, however often they are read.

use super::support::*;
use firesteel::{Context, Rdd, Result, StorageLevel};

const LEVELS: [StorageLevel; 12] = [
    StorageLevel::DISK_ONLY,
    StorageLevel::DISK_ONLY_2,
    StorageLevel::DISK_ONLY_3,
    StorageLevel::MEMORY_ONLY,
    StorageLevel::MEMORY_ONLY_2,
    StorageLevel::MEMORY_ONLY_SER,
    StorageLevel::MEMORY_ONLY_SER_2,
    StorageLevel::MEMORY_AND_DISK,
    StorageLevel::MEMORY_AND_DISK_2,
    StorageLevel::MEMORY_AND_DISK_SER,
    StorageLevel::MEMORY_AND_DISK_SER_2,
    StorageLevel::OFF_HEAP,
];

/// The partitions of a kept RDD, read three times in two ways.
fn read_often<T: firesteel::Data + Ord>(cached: &Rdd<T>) -> Result<Vec<Vec<T>>> {
    let first = cached.glom().collect()?;
    assert!(cached.glom().collect()? == first);
    assert!(cached.filter(|_| true).glom().collect()? == first);
    // Tests share contexts, some of which have hardly any memory: another may have pushed something out.
    assert!(cached.storage_info().partitions <= cached.num_partitions());
    Ok(first)
}

#[test]
fn persist() {
    let words: Vec<String> = (0..3000).map(|i| format!("word {}", i % 700)).collect();
    for level in LEVELS {
        check(slices(&words, 3), |sc| read_often(&sc.parallelize(words.clone(), 3).persist(level)));
        let numbers: Vec<i64> = (0..20_000).collect();
        check(slices(&numbers, 4), |sc| read_often(&sc.parallelize(numbers.clone(), 4).persist(level)));
        // Behind a shuffle, and with empty partitions.
        check(vec![(0, 2), (1, 1)], |sc| {
            let counts =
                sc.parallelize(vec![0u8, 1, 0], 2).map(|x| (x, 1)).reduce_by_key_into(7, |a, b| a + b);
            let cached = counts.persist(level);
            read_often(&cached)?;
            Ok(sorted(cached.collect()?))
        });
    }
}

#[test]
fn cache() {
    check(vec![0, 1, 4], |sc| {
        let squares = sc.range_in(0..3, 2).map(|x| x * x).cache();
        assert_eq!(squares.storage_level(), Some(StorageLevel::MEMORY_ONLY));
        read_often(&squares)?;
        squares.collect()
    });
}

#[test]
fn unpersist() {
    check(vec![0, 1, 2], |sc| {
        let numbers = sc.range_in(0..3, 2).cache();
        for blocking in [true, false] {
            numbers.cache();
            read_often(&numbers)?;
            numbers.unpersist(blocking);
            assert_eq!(numbers.storage_level(), None);
            assert!(!blocking || numbers.storage_info().partitions == 0);
        }
        numbers.unpersist(true).collect()
    });
}

#[test]
fn storage_level() {
    check(None, |sc| Ok(sc.range(0..3).storage_level()));
    check(Some(StorageLevel::OFF_HEAP), |sc| {
        Ok(sc.range(0..3).persist(StorageLevel::OFF_HEAP).storage_level())
    });
}

#[test]
fn storage_info() {
    // A context of its own: others push out what this one looks at.
    let sc = Context::builder().master("local[2]").create().unwrap();
    let numbers = sc.range_in(0..1000, 2);
    let (memory, disk) =
        (numbers.map(|x| x + 1).cache(), numbers.map(|x| x).persist(StorageLevel::DISK_ONLY));
    assert_eq!(memory.storage_info().partitions, 0);
    memory.count().unwrap();
    disk.count().unwrap();
    let (memory, disk) = (memory.storage_info(), disk.storage_info());
    assert_eq!((memory.partitions, memory.disk_bytes, disk.memory_bytes), (2, 0, 0));
    assert!(disk.partitions == 2 && memory.memory_bytes >= 8000 && disk.disk_bytes > 1000);
}

#[test]
fn checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    check(slices(&[0, 1, 4, 9, 16], 3), |sc| {
        sc.set_checkpoint_dir(dir.path().to_str().unwrap())?;
        let squares = sc.parallelize(vec![0i64, 1, 2, 3, 4], 3).map(|x| x * x);
        squares.checkpoint()?;
        assert!(!squares.is_checkpointed());
        squares.count()?;
        assert!(squares.is_checkpointed());
        squares.glom().collect()
    });
}

#[test]
fn local_checkpoint() {
    check(slices(&[0, 1, 4, 9, 16], 3), |sc| {
        let squares = sc.parallelize(vec![0i64, 1, 2, 3, 4], 3).map(|x| x * x).local_checkpoint();
        squares.first()?;
        assert!(squares.is_checkpointed());
        squares.glom().collect()
    });
}

#[test]
fn is_checkpointed() {
    check((false, true), |sc| {
        let numbers = sc.range(0..3);
        let before = numbers.is_checkpointed();
        numbers.local_checkpoint().count()?;
        Ok((before, numbers.is_checkpointed()))
    });
}

#[test]
fn checkpoint_file() {
    let dir = tempfile::tempdir().unwrap();
    check((None, true), |sc| {
        sc.set_checkpoint_dir(dir.path().to_str().unwrap())?;
        let numbers = sc.range(0..3);
        numbers.checkpoint()?;
        let before = numbers.checkpoint_file();
        numbers.count()?;
        let file = numbers.checkpoint_file().expect("it was checkpointed");
        Ok((before, std::path::Path::new(&file).join("_SUCCESS").exists()))
    });
}
