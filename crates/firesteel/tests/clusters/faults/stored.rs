//! The shuffle storage: executors go, and what they have written for others does not.

use super::support::*;
#[cfg(feature = "s3")]
use crate::bucket::Bucket;
use firesteel::Rdd;

/// The number of map tasks.
const MAPS: usize = 8;

/// Sums of the numbers below 1000, of which every run of a map task gives a sign.
fn sums(cluster: &Cluster, signs: &Signs) -> Rdd<(i64, i64)> {
    let pairs = cluster.sc.range_in(0..1000, MAPS).map_partitions_with(signs.clone(), |signs, all| {
        let _ = (0..).find(|n| signs.give(&format!("map-{}-{n}", std::process::id())));
        all.map(|x| (x % 10, x))
    });
    pairs.reduce_by_key_into(4, |a, b| a + b)
}

fn url(cluster_dir: &std::path::Path) -> String {
    format!("file://{}", cluster_dir.display())
}

/// A cluster of two executors that stores each map output before its task ends.
fn cluster_that_writes_through(dir: &std::path::Path) -> Cluster {
    let storage = url(dir);
    let settings =
        [ALONE, ("firesteel.shuffle.storage", &*storage), ("firesteel.shuffle.storage.write", "through")];
    Cluster::start(2, 1, &settings)
}

/// Kills all executors, and waits for others in their places.
fn kill_all(cluster: &Cluster) {
    let before = cluster.processes();
    before.iter().for_each(|process| kill(*process));
    wait_until("others are there", || {
        let now = cluster.processes();
        now.len() == before.len() && !now.iter().any(|process| before.contains(process))
    });
}

#[test]
fn outputs_outlive_all_executors_and_are_removed_at_the_end() {
    for (write, encrypted) in [("through", "false"), ("background", "true")] {
        let dir = tempfile::tempdir().unwrap();
        let (storage, write) = (url(dir.path()), write);
        let settings = [
            ALONE,
            ("firesteel.shuffle.storage", &*storage),
            ("firesteel.shuffle.storage.write", write),
            ("firesteel.io.encryption.enabled", encrypted),
        ];
        let cluster = Cluster::start(2, 2, &settings);
        let signs = cluster.signs();
        let sums = sums(&cluster, &signs);
        assert_eq!(sums.count().unwrap(), 10);
        if write == "background" {
            wait_until("all outputs are stored", || cluster.sc.unstored_outputs() == 0);
        }
        assert!(!files_below(dir.path(), "").is_empty());
        kill_all(&cluster);
        assert_eq!(sorted(sums.collect().unwrap()), expected_sums(1000));
        assert_eq!(signs.count("map-"), MAPS, "no map task has run again");
        cluster.end();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left in the storage");
    }
}

/// `FIRESTEEL_STORE` names a directory of a real server, as the step `interop` of the checks starts them.
#[test]
fn outputs_in_a_real_store_outlive_all_executors_and_leave_nothing() {
    let Ok(store) = std::env::var("FIRESTEEL_STORE") else { return };
    let storage = format!("{store}/shuffles");
    let settings =
        [ALONE, ("firesteel.shuffle.storage", &*storage), ("firesteel.shuffle.storage.write", "through")];
    let cluster = Cluster::start(2, 1, &settings);
    let signs = cluster.signs();
    let sums = sums(&cluster, &signs);
    assert_eq!(sums.count().unwrap(), 10);
    let objects = || cluster.sc.text_file(&format!("{storage}/*/*"), None).and_then(|lines| lines.count());
    assert!(objects().is_ok(), "its objects are there");
    kill_all(&cluster);
    assert_eq!(sorted(sums.collect().unwrap()), expected_sums(1000));
    assert_eq!(signs.count("map-"), MAPS, "no map task has run again");
    drop(sums);
    wait_until("its objects are removed", || objects().is_err());
    cluster.end();
}

#[test]
fn a_shuffle_that_is_not_needed_any_more_leaves_the_storage() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = cluster_that_writes_through(dir.path());
    let signs = cluster.signs();
    let sums = sums(&cluster, &signs);
    assert_eq!(sums.count().unwrap(), 10);
    assert!(!files_below(dir.path(), "").is_empty());
    drop(sums);
    wait_until("its objects are removed", || files_below(dir.path(), "").is_empty());
    cluster.end();
}

#[test]
fn what_the_storage_has_lost_or_broken_is_computed_again() {
    for breaks in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let cluster = cluster_that_writes_through(dir.path());
        let signs = cluster.signs();
        let sums = sums(&cluster, &signs);
        assert_eq!(sums.count().unwrap(), 10);
        for file in files_below(dir.path(), "") {
            let mut bytes = std::fs::read(&file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::remove_file(&file).unwrap();
            if breaks {
                std::fs::write(&file, bytes).unwrap();
            }
        }
        kill_all(&cluster);
        assert_eq!(sorted(sums.collect().unwrap()), expected_sums(1000));
        assert!(signs.count("map-") > MAPS, "map tasks have run again");
        cluster.end();
    }
}

#[cfg(feature = "s3")]
#[test]
fn a_bucket_is_as_good_and_is_asked_seldom() {
    let bucket = Bucket::start();
    // By hand with another number: FIRESTEEL_TEST_STORED=1000.
    let tasks: usize = std::env::var("FIRESTEEL_TEST_STORED").map_or(100, |tasks| tasks.parse().unwrap());
    let (maps, reducers) = (tasks, tasks);
    let bucket_settings = bucket.settings();
    let mut settings: Vec<(&str, &str)> =
        bucket_settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    settings.extend([ALONE, ("firesteel.shuffle.storage", "s3a://bucket/shuffles")]);
    let cluster = Cluster::start(2, 2, &settings);
    let signs = cluster.signs();
    let pairs = cluster.sc.range_in(0..maps as i64, maps).flat_map_with(signs.clone(), |signs, map| {
        let _ = (0..).find(|n| signs.give(&format!("map-{}-{n}", std::process::id())));
        (0..1000_i64).map(move |key| (key, map))
    });
    let sums = pairs.reduce_by_key_into(reducers, |a, b| a + b);
    assert_eq!(sums.count().unwrap(), 1000);
    wait_until("all outputs are stored", || cluster.sc.unstored_outputs() == 0);
    let written = bucket.requests();
    kill_all(&cluster);
    let expected = (0..maps as i64).sum::<i64>();
    assert!(sums.collect().unwrap().into_iter().all(|(_, sum)| sum == expected));
    let all = bucket.requests();
    eprintln!("{maps} maps by {reducers} reducers: written with {written:?}, and read: {all:?}");
    assert!(all.values().sum::<usize>() < maps.max(60), "{maps} x {reducers} take {all:?}");
    assert_eq!(signs.count("map-"), maps, "no map task has run again");
    cluster.end();
    assert_eq!(bucket.keys(), [""; 0], "nothing is left in the bucket");
}

#[cfg(feature = "s3")]
#[test]
fn a_storage_that_fails_later_fails_no_job() {
    for write in ["through", "background", "notice"] {
        let bucket = Bucket::start();
        let bucket_settings = bucket.settings();
        let mut settings: Vec<(&str, &str)> =
            bucket_settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let storage = [
            ("firesteel.shuffle.storage", "s3a://bucket/shuffles"),
            ("firesteel.shuffle.storage.write", write),
        ];
        settings.extend([[ALONE].as_slice(), &storage].concat());
        let cluster = Cluster::start(2, 1, &settings);
        let signs = cluster.signs();
        bucket.break_down();
        let sums = sums(&cluster, &signs);
        assert_eq!(sorted(sums.collect().unwrap()), expected_sums(1000));
        kill_all(&cluster);
        assert_eq!(sorted(sums.collect().unwrap()), expected_sums(1000));
        cluster.end();
    }
}

#[test]
fn a_storage_that_cannot_be_used_is_refused_at_the_start() {
    let start = |storage: &str| {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let builder = builder("local-cluster[1,1,512]", dir.path(), "none");
        builder.conf("firesteel.shuffle.storage", storage).create()
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let file = format!("file://{}/dir", file.path().display());
    says(
        start(&file),
        &["firesteel.shuffle.storage", &file, "Name a directory that this program may write to"],
    );
    says(start("/shared"), &["`/shared`, which names no storage", "file:///shared/dir"]);
}

#[cfg(feature = "s3")]
#[test]
fn a_bucket_that_cannot_be_reached_is_refused_at_the_start() {
    let bucket = Bucket::start();
    bucket.break_down();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let builder = builder("local-cluster[1,1,512]", dir.path(), "none");
    let builder = bucket.settings().iter().fold(builder, |builder, (key, value)| builder.conf(key, value));
    says(
        builder.conf("firesteel.shuffle.storage", "s3a://bucket").create(),
        &["s3a://bucket", "credentials"],
    );
}
