//! Cached partitions that executors have left with the worker that serves their files: read while they are wanted, and
//! never again once the program has unpersisted them.

use super::cluster::{Cluster, note, noted, wait_for_executors};
use crate::waiting::wait_until;
use firesteel::{Builder, Context, FutureAction, Rdd, StorageLevel};
use std::fs;
use std::path::{Path, PathBuf};

/// As many executors of one core as there is work for, soon; idle ones go, also those that have cached something.
fn that_go(builder: Builder, executors: &str) -> Builder {
    let settings = [
        ("firesteel.dynamic_allocation.enabled", "true"),
        ("firesteel.dynamic_allocation.min_executors", "0"),
        ("firesteel.dynamic_allocation.initial_executors", executors),
        ("firesteel.dynamic_allocation.max_executors", executors),
        ("firesteel.dynamic_allocation.scheduler_backlog_timeout", "50ms"),
        ("firesteel.dynamic_allocation.executor_idle_timeout", "200ms"),
        ("firesteel.dynamic_allocation.cached_executor_idle_timeout", "500ms"),
        ("firesteel.executor.cores", "1"),
        ("firesteel.shuffle.service.enabled", "true"),
    ];
    settings.into_iter().fold(builder, |builder, (key, value)| builder.conf(key, value))
}

/// The lines of a file as numbers, each partition of which is noted when it is computed.
fn numbers(sc: &Context, path: &Path, signs: &str) -> Rdd<i64> {
    let lines = sc.text_file(path.to_str().unwrap(), Some(2)).unwrap();
    lines.map_partitions_with(signs.to_string(), |signs, lines| {
        note(signs, "computed");
        lines.map(|line| line.parse::<i64>().unwrap())
    })
}

/// The cached partitions among the files of a worker.
fn left(cluster: &Cluster, worker: usize) -> usize {
    let (mut found, mut pending): (usize, Vec<PathBuf>) = (0, vec![cluster.work_dir(worker)]);
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            found += usize::from(entry.file_name().to_string_lossy().starts_with("cached-"));
            pending.extend(Some(entry.path()).filter(|path| path.is_dir()));
        }
    }
    found
}

/// The file changes while the RDD is not persisted: whoever reads it then gets what is there now.
fn reads_what_is_new(numbers: &Rdd<i64>, path: &Path, level: StorageLevel) {
    numbers.unpersist(true);
    fs::write(path, "4\n5\n6\n").unwrap();
    numbers.persist(level);
    assert_eq!(numbers.sum().unwrap(), 15.into(), "the new records");
}

#[test]
fn what_executors_have_left_is_read_until_it_is_unpersisted() {
    for level in [StorageLevel::MEMORY_ONLY, StorageLevel::DISK_ONLY, StorageLevel::MEMORY_AND_DISK_SER] {
        let cluster = Cluster::start(1, 1);
        let (sc, signs) = (cluster.context_with(|builder| that_go(builder, "1")), cluster.signs());
        let path = Path::new(&signs).with_file_name("numbers");
        fs::write(&path, "1\n2\n3\n").unwrap();
        let numbers = numbers(&sc, &path, &signs);
        numbers.persist(level);
        assert_eq!(numbers.sum().unwrap(), 6.into());
        wait_for_executors(&sc, 0);
        assert_eq!((numbers.sum().unwrap(), noted(&signs, "computed")), (6.into(), 2));
        wait_for_executors(&sc, 0);
        assert_eq!(left(&cluster, 0), 2);
        reads_what_is_new(&numbers, &path, level);
        assert_eq!(noted(&signs, "computed"), 4);
        wait_for_executors(&sc, 0);
        assert_eq!(
            (numbers.sum().unwrap(), noted(&signs, "computed")),
            (15.into(), 4),
            "it is cached like the first"
        );
        sc.stop();
    }
}

/// A job over cached numbers whose two tasks stand, each on an executor, once they have cached their partition.
fn standing(numbers: &Rdd<i64>, signs: &str) -> FutureAction<u64> {
    let standing = numbers.map_partitions_with(signs.to_string(), |signs, all| {
        let own = std::process::id();
        note(signs, &format!("standing-{own}"));
        wait_until("the test lets it go on", || noted(signs, &format!("go-{own}")) > 0);
        all
    });
    standing.count_async()
}

/// What lies with a worker because its executor has taken it over from another, as a copy or since the other went.
#[test]
fn what_executors_have_taken_over_is_not_read_either() {
    for is_decommissioned in [false, true] {
        let cluster = Cluster::start(2, 1);
        let (sc, signs) = (cluster.context_with(|builder| that_go(builder, "2")), cluster.signs());
        let path = Path::new(&signs).with_file_name("numbers");
        fs::write(&path, "1\n2\n3\n").unwrap();
        let numbers = numbers(&sc, &path, &signs);
        let level =
            if is_decommissioned { StorageLevel::MEMORY_ONLY } else { StorageLevel::MEMORY_AND_DISK_2 };
        numbers.persist(level);
        let counted = standing(&numbers, &signs);
        wait_until("both partitions are cached", || numbers.storage_info().partitions == 2);
        let processes = cluster.processes(&sc);
        let go = |worker| {
            let (_, process) = processes.iter().find(|(of, _)| *of == worker).expect("each has an executor");
            note(&signs, &format!("go-{process}"));
        };
        if is_decommissioned {
            cluster.workers[0].decommission();
            go(0);
            cluster.workers[0].wait();
        } else {
            wait_until("there are two copies of each", || numbers.storage_info().copies == 4);
            go(0);
        }
        go(1);
        assert_eq!(counted.wait().unwrap(), 3);
        wait_for_executors(&sc, 0);
        assert_eq!(left(&cluster, 1), 2, "both partitions are there");
        reads_what_is_new(&numbers, &path, level);
        assert_eq!(noted(&signs, "computed"), 4);
        sc.stop();
    }
}
