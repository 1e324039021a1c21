//! Decommissioned workers while applications use them: nothing is computed again, and the worker ends by
//! itself.

use super::cluster::{Cluster, note, noted, wait_for_executors};
use crate::waiting::wait_until;
use firesteel::{Builder, Context, Rdd};

/// Sums of 8 map tasks, each of which notes that it runs.
fn sums(sc: &Context, signs: &str) -> Rdd<(i64, i64)> {
    let pairs = sc.range_in(0..1000, 8).map_partitions_with(signs.to_string(), |signs, all| {
        note(signs, "map");
        all.map(|n| (n % 7, 1))
    });
    pairs.reduce_by_key_into(4, |a, b| a + b)
}

fn sorted(mut sums: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    sums.sort_unstable();
    sums
}

const EXPECTED: [(i64, i64); 7] = [(0, 143), (1, 143), (2, 143), (3, 143), (4, 143), (5, 143), (6, 142)];

#[test]
fn map_outputs_and_kept_partitions_move_and_nothing_runs_again() {
    nothing_runs_again(2);
}

/// Two executors have their files at one place, and go one after the other.
#[test]
fn several_executors_of_a_worker_go_together() {
    nothing_runs_again(1);
}

fn nothing_runs_again(cores: usize) {
    let cluster = Cluster::start(2, 2);
    let settings = |builder: Builder| builder.conf("firesteel.executor.cores", &cores.to_string());
    let (sc, signs) = (cluster.context_with(settings), cluster.signs());
    wait_for_executors(&sc, 4 / cores);
    let sums = sums(&sc, &signs);
    assert_eq!(sums.count().unwrap(), 7);
    let cached = sc.range_in(0..100, 8).map_partitions_with(signs.clone(), |signs, all| {
        note(signs, "kept");
        all
    });
    let cached = cached.cache();
    assert_eq!(cached.count().unwrap(), 100);
    cluster.workers[0].decommission();
    cluster.workers[0].wait();
    wait_for_executors(&sc, 2 / cores);
    assert_eq!(sorted(sums.collect().unwrap()), EXPECTED);
    assert_eq!(cached.collect().unwrap(), (0..100).collect::<Vec<_>>());
    assert_eq!((noted(&signs, "map"), noted(&signs, "kept")), (8, 8));
    sc.stop();
}

/// Tasks of the same stage run on both workers when the one is sent away. There they end; here they find that what they read has moved.
#[test]
fn tasks_that_run_end_and_tasks_that_read_find_what_has_moved() {
    let cluster = Cluster::start(2, 2);
    let sc = cluster.context_with(|builder| builder.conf("firesteel.shuffle.io.retry_wait", "50ms"));
    let signs = cluster.signs();
    wait_for_executors(&sc, 2);
    let read = sums(&sc, &signs).map_partitions_with(signs.clone(), |signs, all| {
        let own = std::process::id();
        note(signs, &format!("standing-{own}"));
        wait_until("the test lets it go on", || noted(signs, &format!("go-{own}")) > 0);
        all
    });
    let read = read.collect_async();
    let of_worker = |worker| {
        let processes = cluster.processes(&sc);
        processes.into_iter().find(|(of, _)| *of == worker).expect("each worker has an executor").1
    };
    let (leaves, stays) = (of_worker(0), of_worker(1));
    for process in [leaves, stays] {
        wait_until("its tasks run", || noted(&signs, &format!("standing-{process}")) == 2);
    }
    cluster.workers[0].decommission();
    note(&signs, &format!("go-{leaves}"));
    cluster.workers[0].wait();
    note(&signs, &format!("go-{stays}"));
    assert_eq!(sorted(read.wait().unwrap()), EXPECTED);
    assert_eq!(noted(&signs, "map"), 8, "no map task has run again");
    assert_eq!(noted(&signs, &format!("standing-{stays}")), 2, "no reducer has run again");
    sc.stop();
}

/// No other executor is there to take the outputs over, and none is needed.
#[test]
fn outputs_go_to_the_shuffle_storage_where_there_is_one() {
    for write in ["notice", "background"] {
        let storage = tempfile::tempdir().unwrap();
        let url = format!("file://{}", storage.path().display());
        let mut cluster = Cluster::start(1, 2);
        let settings = |builder: Builder| {
            let builder = builder.conf("firesteel.shuffle.storage", &url);
            builder
                .conf("firesteel.shuffle.storage.write", write)
                .conf("firesteel.decommission.timeout", "60s")
        };
        let (sc, signs) = (cluster.context_with(settings), cluster.signs());
        wait_for_executors(&sc, 1);
        let sums = sums(&sc, &signs);
        assert_eq!(sums.count().unwrap(), 7);
        cluster.workers[0].decommission();
        cluster.workers[0].wait();
        assert_eq!(sc.unstored_outputs(), 0, "all outputs are in the storage");
        cluster.add_worker(1, 2);
        wait_for_executors(&sc, 1);
        assert_eq!(sorted(sums.collect().unwrap()), EXPECTED);
        assert_eq!(noted(&signs, "map"), 8, "no map task has run again");
        sc.stop();
        assert_eq!(std::fs::read_dir(storage.path()).unwrap().count(), 0, "nothing is left in the storage");
    }
}
