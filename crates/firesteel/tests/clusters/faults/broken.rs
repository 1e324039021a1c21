//! Broken files, and full disks.

use super::support::*;
use crate::small_disk::SmallDisk;
use std::fs;
use std::path::{Path, PathBuf};

/// A byte of what the map tasks wrote is another one when it is read: it is noticed, and the map task runs again.
#[test]
fn a_flipped_byte_in_a_map_output() {
    for service in [ALONE, SERVED] {
        let cluster = Cluster::start(2, 1, &[service]);
        let (signs, maps) = (cluster.signs(), cluster.sc.long_accumulator());
        let pairs = cluster.sc.range_in(0..4000, 4).map_partitions_with(signs.clone(), |signs, all| {
            (1..).find(|n| signs.give(&format!("map-{n}")));
            all.map(|x| (x % 10, x))
        });
        let counted = pairs.map_with(maps.adder(), |maps, pair| {
            maps.add(1);
            pair
        });
        let sums = counted.reduce_by_key(|a, b| a + b);
        assert_eq!(sums.count().unwrap(), 10);
        let tries = signs.count("map-");
        flip_a_byte(&cluster.path("local"));
        // The shuffle is there: only its readers run, and find it broken.
        assert_eq!(sorted(sums.collect().unwrap()), expected_sums(4000));
        assert_eq!(signs.count("map-"), tries + 1, "one map task ran again");
        assert_eq!(maps.value(), 4000);
        cluster.end();
    }
}

/// A map output that is there and cannot be read is the reading task's failure, with the system's words: the map task that wrote it did
/// nothing wrong, and does not run again.
#[test]
fn a_map_output_that_is_there_and_cannot_be_read() {
    let cluster = Cluster::start(1, 1, &[ALONE]);
    let signs = cluster.signs();
    let pairs = cluster.sc.range_in(0..4000, 4).map_partitions_with(signs.clone(), |signs, all| {
        (1..).find(|n| signs.give(&format!("map-{n}")));
        all.map(|x| (x % 10, x))
    });
    let sums = pairs.reduce_by_key(|a, b| a + b);
    assert_eq!(sums.count().unwrap(), 10);
    let tries = signs.count("map-");
    let file = output_file(&cluster.path("local"));
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    says(sums.collect(), &["could not read", "shuffle-", "irectory"]);
    assert_eq!(signs.count("map-"), tries, "no map task ran again");
    fs::remove_dir(&file).unwrap();
    fs::write(&file, bytes).unwrap();
    assert_eq!(sorted(sums.collect().unwrap()), expected_sums(4000));
    assert_eq!(signs.count("map-"), tries);
    cluster.end();
}

/// One of the files with the data of map outputs, which lie apart from what describes them.
fn output_file(dir: &Path) -> PathBuf {
    let files = files_below(dir, "shuffle-");
    files.into_iter().find(|path| path.to_string_lossy().contains("/executor-")).unwrap()
}

/// Flips a byte in the middle of one of them.
fn flip_a_byte(dir: &Path) {
    let file = output_file(dir);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(file, bytes).unwrap();
}

/// What an executor cannot write fails its task, with words about the disk; jobs that need less go on.
#[test]
fn an_executor_whose_disk_is_full_says_so() {
    let Some(small) = SmallDisk::mount(4 << 20) else { return };
    let local = small.0.path().to_str().unwrap().to_string();
    let cluster = Cluster::begin("local-cluster[2,1,1024]", &[ALONE, ("firesteel.local.dir", &local)], |b| b);
    wait_until("both are there", || cluster.processes().len() == 2);
    let large = cluster.sc.range_in(0..8, 8).flat_map(|x| {
        let bytes =
            move |n: u64| (0..100u64).map(|i| ((x as u64 + 1) * n * 0x9e37_79b9 + i * i) as u8).collect();
        (0..20_000u64).map(move |n| -> (u64, Vec<u8>) { (n, bytes(n)) })
    });
    says(
        large.partition_by(firesteel::HashPartitioner::new(4)).count(),
        &["disk is full", "firesteel.local.dir"],
    );
    wait_until("its tasks noticed", || cluster.sc.is_idle());
    let pairs = cluster.sc.range_in(0..1000, 4).map(|x| (x % 10, x));
    assert_eq!(sorted(pairs.reduce_by_key(|a, b| a + b).collect().unwrap()), expected_sums(1000));
    cluster.end();
    assert!(files_below(small.0.path(), "").is_empty());
}

/// Executors cannot even begin there.
#[test]
fn a_disk_without_any_room() {
    let Some(small) = SmallDisk::mount(64 << 10) else { return };
    let local = small.0.path().to_str().unwrap().to_string();
    let dir = small.0.path().join("filler");
    let cluster = Cluster::begin("local-cluster[1,1,1024]", &[ALONE, ("firesteel.local.dir", &local)], |b| b);
    wait_until("it is there", || cluster.processes().len() == 1);
    let _ = fs::write(&dir, vec![1u8; 64 << 10]);
    cluster.processes().into_iter().for_each(kill);
    let result = cluster.sc.range_in(0..4, 4).map(|x| (x, x)).reduce_by_key(|a, b| a + b).count();
    if let Err(error) = result {
        let text = error.to_string();
        assert!(text.contains("full") || text.contains("ended before they were ready"), "{text}");
    }
    fs::remove_file(&dir).unwrap();
    cluster.end();
}
