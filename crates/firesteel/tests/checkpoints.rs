//! Checkpoints: lineage is truncated, unused files are removed, lost or broken ones are reported.

use firesteel::{Context, Error, Rdd, Result, StorageLevel};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

mod processes;

fn context(dir: &Path) -> Context {
    let sc = Context::builder().master("local[2]").conf("firesteel.memory", "64m").create().unwrap();
    sc.set_checkpoint_dir(dir.to_str().unwrap()).unwrap();
    sc
}

/// The same, and one whose tasks run in two other processes.
fn contexts(dir: &Path) -> [Context; 2] {
    let elsewhere = processes::two_processes(2).create().unwrap();
    elsewhere.set_checkpoint_dir(dir.to_str().unwrap()).unwrap();
    [context(dir), elsewhere]
}

fn depth<T: firesteel::Data>(rdd: &Rdd<T>) -> usize {
    rdd.to_debug_string().lines().count()
}

/// Waits until it is so. Fails after a time that no healthy run needs.
#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let bound = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < bound, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn lineage_is_cut_and_shuffles_behind_it_are_released() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    for sc in contexts(dir.path()) {
        let sums = sc.range_in(0..100, 4).map(|x| (x % 5, x)).reduce_by_key_into(3, |a, b| a + b);
        sums.checkpoint()?;
        let later = sums.map_values(|x| x + 1);
        let mut before = later.collect()?;
        assert_eq!((depth(&sums), depth(&later)), (1, 2));
        wait_until("the map outputs are gone", || sc.cached_blocks() == 0);
        let mut after = later.collect()?;
        before.sort();
        after.sort();
        assert_eq!((before.len(), &before), (5, &after));
        // Placement is known as before: no shuffle is needed.
        assert!(!sums.join(&sums).to_debug_string().contains("+-"));
    }
    Ok(())
}

#[test]
fn a_thousand_steps_keep_their_lineage_and_what_is_kept_short() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let sc = context(dir.path());
    for local in [true, false] {
        let mut ranks = sc.range_in(0..20, 2).map(|x| (x, 1));
        let (mut deepest, mut most_blocks) = (0, 0);
        for step in 1..=1000 {
            ranks = ranks.map_values(|x| x + 1);
            if step % 20 == 0 {
                ranks = ranks.reduce_by_key_into(2, |a, b| a + b);
                if local {
                    ranks.local_checkpoint();
                } else {
                    ranks.checkpoint()?;
                }
                ranks.count()?;
            }
            deepest = deepest.max(depth(&ranks));
            most_blocks = most_blocks.max(sc.cached_blocks());
        }
        assert_eq!(ranks.values().collect()?, [1001; 20]);
        assert!(deepest < 30, "{deepest} RDDs were remembered");
        assert!(most_blocks < 30, "{most_blocks} blocks were kept");
    }
    Ok(())
}

#[test]
fn files_go_with_their_last_reader_and_with_the_context() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let sc = context(dir.path());
    let first = sc.range_in(0..10, 2);
    first.checkpoint()?;
    first.count()?;
    let path = first.checkpoint_file().expect("it was checkpointed");
    let reader = first.map(|x| x + 1);
    drop(first);
    assert_eq!(reader.collect()?.len(), 10);
    assert!(Path::new(&path).exists());
    drop(reader);
    wait_until("the files are gone", || !Path::new(&path).exists());
    let second = sc.range_in(0..10, 2);
    second.checkpoint()?;
    second.count()?;
    sc.stop();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    Ok(())
}

#[test]
fn any_flipped_byte_fails_with_the_files_name() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    for sc in contexts(dir.path()) {
        let words = sc.parallelize((0..20).map(|i| format!("word {i}")).collect::<Vec<_>>(), 1);
        words.checkpoint()?;
        words.count()?;
        let file = Path::new(&words.checkpoint_file().unwrap()).join("part-00000");
        let good = fs::read(&file).unwrap();
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 2;
            fs::write(&file, flipped).unwrap();
            let error = words.collect().expect_err("a flipped byte went unnoticed").to_string();
            assert!(error.contains(file.to_str().unwrap()), "byte {at}: {error}");
        }
        fs::write(&file, &good).unwrap();
        assert_eq!(words.count()?, 20);
    }
    Ok(())
}

#[test]
fn a_checkpoint_needs_a_directory_and_one_that_can_be_written() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let sc = Context::builder().master("local[2]").create()?;
    let numbers = sc.range(0..10);
    let error = numbers.checkpoint().unwrap_err().to_string();
    assert!(error.contains("set_checkpoint_dir") && error.contains("checkpoints.rs"), "{error}");
    assert!(sc.set_checkpoint_dir(" ").is_err());
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    sc.set_checkpoint_dir(file.to_str().unwrap())?;
    numbers.checkpoint()?;
    let error = numbers.count().unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("checkpoint at"), "{error}");
    // Another try, in a better place.
    let numbers = sc.range(0..10);
    sc.set_checkpoint_dir(dir.path().to_str().unwrap())?;
    numbers.checkpoint()?;
    assert_eq!(numbers.count()?, 10);
    assert!(numbers.is_checkpointed());
    Ok(())
}

#[test]
fn what_is_checkpointed_locally_is_computed_once_and_says_so_when_it_is_gone() -> Result<()> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let dir = tempfile::tempdir().unwrap();
    let sc = context(dir.path());
    let numbers = sc.range_in(0..100, 4).map(|x| {
        MADE.fetch_add(1, SeqCst);
        x
    });
    numbers.cache();
    numbers.local_checkpoint();
    assert_eq!(numbers.storage_level(), Some(StorageLevel::MEMORY_AND_DISK));
    assert_eq!(numbers.take(1)?, [0]);
    assert_eq!((numbers.sum()?, MADE.load(SeqCst)), (4950, 100));
    numbers.unpersist(true);
    let error = numbers.sum().unwrap_err().to_string();
    assert!(error.contains("nothing is left to compute it from") && error.contains("checkpoint"), "{error}");
    Ok(())
}

#[test]
fn a_failed_action_leaves_the_mark_for_the_next() -> Result<()> {
    static FAIL: AtomicUsize = AtomicUsize::new(1);
    let dir = tempfile::tempdir().unwrap();
    let sc = context(dir.path());
    let numbers = sc.range_in(0..4, 2).map(|x| {
        assert!(FAIL.load(SeqCst) == 0, "not yet");
        x
    });
    numbers.checkpoint()?;
    assert!(numbers.count().is_err() && !numbers.is_checkpointed());
    FAIL.store(0, SeqCst);
    assert_eq!(numbers.count()?, 4);
    assert!(numbers.is_checkpointed());
    Ok(())
}

#[test]
fn a_refused_action_leaves_the_mark_for_the_next() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    for sc in contexts(dir.path()) {
        let numbers = sc.range_in(0..4, 2);
        numbers.checkpoint()?;
        let gone = sc.broadcast(1i64)?;
        gone.destroy();
        // Refused after the lineage was looked at: its own function holds what was destroyed.
        assert!(numbers.foreach_with(gone, |gone, _| _ = gone.value()).is_err());
        assert_eq!(numbers.count()?, 4);
        assert!(numbers.is_checkpointed());
    }
    Ok(())
}
