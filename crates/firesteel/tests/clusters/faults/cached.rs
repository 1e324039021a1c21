//! Cached partitions of executors that keep them in memory: where they lie, and that others read them from there.

use super::support::*;
use firesteel::{Rdd, StorageLevel};

/// Eight partitions of texts, each of which says when it is computed.
fn texts(cluster: &Cluster, signs: &Signs) -> Rdd<(i64, String)> {
    let numbers = cluster.sc.range_in(0..4000, 8).map_partitions_with(signs.clone(), |signs, all| {
        signs.give(&format!("keeps-{}", std::process::id()));
        wait_until("all others are here, too", || signs.count("keeps-") >= 2);
        assert!((0..).any(|n| signs.give(&format!("computed-{n}"))));
        all
    });
    numbers.map(|x| (x, format!("text number {x}")))
}

#[test]
fn they_stay_in_memory_and_others_read_them_from_there() {
    for service in [ALONE, SERVED] {
        for level in [StorageLevel::MEMORY_ONLY, StorageLevel::MEMORY_AND_DISK_SER] {
            let cluster = Cluster::start(2, 1, &[service]);
            let signs = cluster.signs();
            let texts = texts(&cluster, &signs);
            texts.persist(level);
            assert_eq!(texts.count().unwrap(), 4000);
            wait_until("all executors have told", || texts.storage_info().partitions == 8);
            let info = texts.storage_info();
            assert!(info.memory_bytes > 0 && info.disk_bytes == 0, "{info:?}");
            let files = files_below(&cluster.path("local"), "rdd");
            assert!(files.is_empty(), "{files:?}");
            // One task reads the partitions of both executors.
            let sum = texts.coalesce(1).map(|(x, text)| x + text.len() as i64).sum().unwrap();
            assert_eq!(
                sum,
                (0..4000).map(|x| x + format!("text number {x}").len() as i64).sum::<i64>().into()
            );
            assert_eq!(signs.count("computed-"), 8, "nothing was computed again");
            texts.unpersist(true);
            assert_eq!(texts.storage_info().partitions, 0);
            cluster.end();
        }
    }
}

/// What does not fit in memory goes to disk, and is read from there by others.
#[test]
fn what_is_evicted_lies_on_disk_and_is_served() {
    let cluster = Cluster::begin("local-cluster[2,1,24]", &[SERVED], |builder| builder);
    wait_until("all executors are there", || cluster.processes().len() == 2);
    let signs = cluster.signs();
    let texts = texts(&cluster, &signs).map(|(x, text)| (x, text.repeat(1000)));
    texts.persist(StorageLevel::MEMORY_AND_DISK);
    let other = cluster.sc.range_in(0..2000, 4).map(|x| (x, format!("{x}").repeat(2000)));
    other.persist(StorageLevel::MEMORY_AND_DISK);
    assert_eq!((texts.count().unwrap(), other.count().unwrap()), (4000, 2000));
    wait_until("all executors have told", || texts.storage_info().partitions == 8);
    let info = texts.storage_info();
    assert!(info.disk_bytes > 0, "{info:?}");
    let length = texts.coalesce(1).map(|(_, text)| text.len() as i64).sum().unwrap();
    assert_eq!(length, (0..4000).map(|x| 1000 * format!("text number {x}").len() as i64).sum::<i64>().into());
    assert_eq!(signs.count("computed-"), 8, "nothing was computed again");
    cluster.end();
}
