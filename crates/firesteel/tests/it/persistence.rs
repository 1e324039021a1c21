//! Persistence under faults: memory runs out, files break, levels contradict each other, and lineage is lost.
//!
//! What was computed how often is counted by the functions themselves, in statics: one for each test.

use crate::processes;
use crate::waiting::wait_until;
use firesteel::{Context, Result, StorageLevel};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

fn context(memory: &str) -> Context {
    Context::builder().master("local[2]").conf("firesteel.memory", memory).create().unwrap()
}

/// How many records the functions of each test have made.
static MADE: [AtomicUsize; 16] = [const { AtomicUsize::new(0) }; 16];

fn made(test: usize) -> usize {
    MADE[test].swap(0, SeqCst)
}

fn counted(sc: &Context, test: usize, records: i64, partitions: usize) -> firesteel::Rdd<i64> {
    sc.range_in(0..records, partitions).map_with(test, |test, x| {
        MADE[*test].fetch_add(1, SeqCst);
        x
    })
}

#[test]
fn what_is_kept_is_not_computed_again() -> Result<()> {
    let sc = context("64m");
    let numbers = counted(&sc, 0, 1000, 4).cache();
    assert_eq!((numbers.sum()?, made(0)), (499_500, 1000));
    assert_eq!((numbers.sum()?, made(0)), (499_500, 0));
    // One record is asked for, and its whole partition computed and kept, as Spark does.
    let others = counted(&sc, 0, 1000, 4).cache();
    assert_eq!((others.first()?, made(0)), (0, 250));
    assert_eq!((others.sum()?, made(0)), (499_500, 750));
    Ok(())
}

/// Whoever has a partition gives it to the other; when nobody is to keep it any more its files go on both sides.
#[test]
fn what_two_processes_keep_is_not_computed_again_and_goes_when_it_is_told_to() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let (marks, local) = (dir.path().join("marks"), dir.path().join("local"));
    fs::create_dir(&marks).unwrap();
    let builder = processes::two_processes(2).conf("firesteel.local.dir", local.to_str().unwrap());
    // Nobody waits for whoever has the partition.
    let sc = builder.conf("firesteel.locality.wait", "0").create()?;
    for level in [StorageLevel::MEMORY_ONLY, StorageLevel::MEMORY_AND_DISK, StorageLevel::DISK_ONLY] {
        let made = || {
            let removed = |mark: std::io::Result<fs::DirEntry>| fs::remove_file(mark.unwrap().path()).is_ok();
            fs::read_dir(&marks).unwrap().filter_map(|mark| removed(mark).then_some(())).count()
        };
        let numbers =
            sc.range_in(0..8000, 8).map_partitions_with(marks.to_str().unwrap().to_string(), |marks, all| {
                (0..).find(|n| fs::File::create_new(Path::new(marks).join(format!("{n}"))).is_ok());
                all
            });
        let numbers = numbers.persist(level);
        assert_eq!((numbers.sum()?, made()), (31_996_000, 8), "{level}");
        for _ in 0..3 {
            assert_eq!((numbers.sum()?, made()), (31_996_000, 0), "{level}");
        }
        numbers.unpersist(true);
        wait_until("its files are gone", || files_of(&local, "cached-").is_empty());
        assert_eq!((numbers.sum()?, made()), (31_996_000, 8), "{level}");
    }
    Ok(())
}

#[test]
fn stages_before_a_kept_rdd_do_not_run() -> Result<()> {
    let sc = context("64m");
    let counts = counted(&sc, 1, 1000, 4).map(|x| (x % 10, 1)).reduce_by_key(|a, b| a + b).cache();
    assert_eq!((counts.count()?, made(1)), (10, 1000));
    // Its map outputs would be there: with them gone too, only what is kept can answer.
    let total = counts.map(|(_, n)| (0, n)).reduce_by_key(|a, b| a + b);
    assert_eq!((total.collect()?, made(1)), (vec![(0, 1000)], 0));
    Ok(())
}

#[test]
fn what_does_not_fit_is_computed_again_or_lies_on_disk() -> Result<()> {
    let sc = context("1m");
    for (level, again) in [(StorageLevel::MEMORY_ONLY, true), (StorageLevel::MEMORY_AND_DISK, false)] {
        let numbers = counted(&sc, 2, 1_000_000, 10).persist(level);
        let sum = 499_999_500_000;
        assert_eq!((numbers.sum()?, made(2)), (sum, 1_000_000));
        let second = (numbers.sum()?, made(2));
        assert_eq!(second.0, sum);
        assert_eq!(second.1 > 0, again, "{level}: {} computed again", second.1);
        assert!(second.1 < 1_000_000, "{level}: nothing was kept");
        assert!(numbers.storage_info().memory_bytes <= 1 << 20);
        numbers.unpersist(true);
    }
    assert!(sc.peak_memory() <= (1 << 20) + (2 << 20), "{}", sc.peak_memory());
    Ok(())
}

#[test]
fn the_least_recently_used_makes_room_and_never_the_rdd_being_stored() -> Result<()> {
    let sc = context("10m");
    let rdd = |test| counted(&sc, test, 500_000, 4).cache(); // 4 MB each
    let (a, b) = (rdd(3), rdd(4));
    a.count()?;
    b.count()?;
    a.count()?;
    assert_eq!((made(3), made(4)), (500_000, 500_000));
    let c = rdd(5);
    c.count()?;
    assert_eq!((a.storage_info().partitions, c.storage_info().partitions), (4, 4), "b was used before a");
    assert!(b.storage_info().partitions < 4);
    // Too large for all memory: others go, but what is kept of it stays.
    let huge = counted(&sc, 6, 4_000_000, 16).cache();
    huge.count()?;
    assert!(huge.storage_info().partitions >= 4, "{:?}", huge.storage_info());
    assert_eq!((b.sum()?, c.sum()?, a.sum()?), (124_999_750_000, 124_999_750_000, 124_999_750_000));
    Ok(())
}

#[test]
fn tasks_push_out_what_is_kept_down_to_half_of_the_memory() -> Result<()> {
    let sc = context("16m");
    let cached = counted(&sc, 7, 1_800_000, 12).persist(StorageLevel::MEMORY_AND_DISK);
    cached.count()?;
    let before = cached.storage_info();
    assert!(before.memory_bytes > 12 << 20, "{before:?}");
    let distinct =
        sc.range_in(0..600_000, 4).map(|x| (x.wrapping_mul(7919), 1)).reduce_by_key(|a, b| a + b).count()?;
    assert_eq!(distinct, 600_000);
    let after = cached.storage_info();
    assert!(after.memory_bytes < before.memory_bytes && after.disk_bytes > 0, "{after:?}");
    made(7);
    assert_eq!((cached.count()?, made(7)), (1_800_000, 0));
    Ok(())
}

fn files_of(dir: &Path, prefix: &str) -> Vec<std::path::PathBuf> {
    let mut found = vec![];
    let mut pending = vec![dir.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                pending.push(entry);
            } else if entry.file_name().unwrap().to_string_lossy().starts_with(prefix) {
                found.push(entry);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_broken_file_is_noticed_and_its_partition_computed_again() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let builder =
        Context::builder().master("local[2]").conf("firesteel.local.dir", dir.path().to_str().unwrap());
    let sc = builder.create()?;
    let numbers = counted(&sc, 8, 3000, 3).persist(StorageLevel::DISK_ONLY);
    let sum = numbers.sum()?;
    made(8);
    let files = files_of(dir.path(), "rdd-");
    assert_eq!(files.len(), 3);
    let bytes = fs::read(&files[1]).unwrap();
    for at in [0, 5, 12, bytes.len() / 2, bytes.len() - 1] {
        let file = &files_of(dir.path(), "rdd-")[1];
        let mut flipped = fs::read(file).unwrap();
        flipped[at] ^= 1;
        fs::write(file, flipped).unwrap();
        assert_eq!((numbers.sum()?, made(8)), (sum, 1000), "byte {at}");
    }
    for file in files_of(dir.path(), "rdd-") {
        fs::remove_file(file).unwrap();
    }
    assert_eq!((numbers.sum()?, made(8)), (sum, 3000));
    Ok(())
}

#[test]
fn a_broken_file_that_may_not_be_tried_again_fails_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let builder =
        Context::builder().master("local[1,1]").conf("firesteel.local.dir", dir.path().to_str().unwrap());
    let sc = builder.create().unwrap();
    let numbers = sc.range_in(0..100, 1).persist(StorageLevel::DISK_ONLY);
    numbers.count().unwrap();
    let file = files_of(dir.path(), "rdd-").remove(0);
    fs::write(&file, "nonsense").unwrap();
    let error = numbers.count().unwrap_err().to_string();
    assert!(error.contains(file.to_str().unwrap()) && error.contains("corrupt"), "{error}");
}

#[test]
fn another_level_is_refused_and_says_where_the_first_came_from() {
    let sc = context("64m");
    let numbers = sc.range(0..10).cache();
    numbers.persist(StorageLevel::DISK_ONLY);
    let error = numbers.count().unwrap_err().to_string();
    for words in ["persistence.rs", "Disk Serialized", "cache", "call `unpersist`"] {
        assert!(error.contains(words), "{words} is missing: {error}");
    }
    numbers.unpersist(true).persist(StorageLevel::DISK_ONLY);
    assert_eq!(numbers.count().unwrap(), 10);
}

#[test]
fn nothing_is_left_when_an_rdd_goes_or_the_context_stops() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let builder =
        Context::builder().master("local[2]").conf("firesteel.local.dir", dir.path().to_str().unwrap());
    let sc = builder.create()?;
    for level in [StorageLevel::DISK_ONLY, StorageLevel::MEMORY_ONLY] {
        let numbers = sc.range_in(0..1000, 4).map(|x| (x % 7, x)).reduce_by_key(|a, b| a + b).persist(level);
        numbers.count()?;
        assert!(sc.cached_blocks() > 0);
        drop(numbers);
        // A task's thread that has just ended may be the one that lets go.
        wait_until("no block is left", || sc.cached_blocks() == 0);
    }
    let cached = sc.range_in(0..1000, 4).persist(StorageLevel::DISK_ONLY);
    cached.count()?;
    assert_eq!(files_of(dir.path(), "rdd-").len(), 4);
    sc.stop();
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        0,
        "files are left, though a handle of the RDD still is"
    );
    assert!(cached.count().is_err());
    Ok(())
}

#[test]
fn kept_records_are_handed_on_without_a_copy() -> Result<()> {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Counted(u64);
    static CLONES: AtomicUsize = AtomicUsize::new(0);
    impl Clone for Counted {
        fn clone(&self) -> Self {
            CLONES.fetch_add(1, SeqCst);
            Counted(self.0)
        }
    }
    let sc = context("64m");
    let records = sc.range_in(0..1000, 2).map(|x| Counted(x as u64)).cache();
    records.count()?;
    let before = CLONES.load(SeqCst);
    assert_eq!(records.count()?, 1000);
    assert_eq!(CLONES.load(SeqCst), before, "counting copies what is kept");
    Ok(())
}

#[test]
fn an_rdd_that_is_kept_twice_in_one_job_is_computed_once_at_a_time() -> Result<()> {
    let sc = context("64m");
    let numbers = counted(&sc, 9, 1000, 2).cache();
    let both = numbers.union(&numbers).zip_partitions(&numbers.union(&numbers), |a, b| a.zip(b))?;
    assert_eq!(both.filter(|(a, b)| a == b).count()?, 2000);
    assert!(made(9) <= 2000);
    assert_eq!((numbers.count()?, made(9)), (1000, 0));
    Ok(())
}
