//! Dynamic allocation: executors are added with the work and removed without it.

use super::cluster::{Cluster, note, noted, wait_for_executors, wait_until};
use firesteel::{Builder, Context, Rdd};

/// From one executor to three, soon; with or without somebody who serves their files when they are gone.
fn dynamic(builder: Builder, service: bool) -> Builder {
    let settings = [
        ("firesteel.dynamic_allocation.enabled", "true"),
        ("firesteel.dynamic_allocation.min_executors", "1"),
        ("firesteel.dynamic_allocation.max_executors", "3"),
        ("firesteel.dynamic_allocation.scheduler_backlog_timeout", "50ms"),
        ("firesteel.dynamic_allocation.executor_idle_timeout", "200ms"),
        ("firesteel.executor.cores", "1"),
        ("firesteel.shuffle.service.enabled", if service { "true" } else { "false" }),
    ];
    settings.into_iter().fold(builder, |builder, (key, value)| builder.conf(key, value))
}

/// Sums of 6 map tasks, which note that they run and wait until the test lets them go on.
fn sums(sc: &Context, signs: &str) -> Rdd<(i64, i64)> {
    let pairs = sc.range_in(0..600, 6).map_partitions_with(signs.to_string(), |signs, all| {
        note(signs, "map");
        wait_until("the test lets it go on", || noted(signs, "go") > 0);
        all.map(|n| (n % 3, 1))
    });
    pairs.reduce_by_key_into(2, |a, b| a + b)
}

fn grows_under_load_and_shrinks_when_idle(service: bool) {
    let cluster = Cluster::start(3, 2);
    let (sc, signs) = (cluster.context_with(|builder| dynamic(builder, service)), cluster.signs());
    wait_for_executors(&sc, 1);
    let sums = sums(&sc, &signs);
    let counted = sums.count_async();
    wait_until("three tasks run at a time", || noted(&signs, "map") == 3);
    assert_eq!(sc.executor_processes().len(), 3);
    note(&signs, "go");
    assert_eq!(counted.wait().unwrap(), 3);
    wait_for_executors(&sc, 1);
    let mut sums = sums.collect().unwrap();
    sums.sort_unstable();
    assert_eq!(sums, [(0, 200), (1, 200), (2, 200)]);
    assert_eq!(noted(&signs, "map"), 6, "what executors had written that are gone is still there");
    sc.stop();
}

#[test]
fn grows_under_load_and_shrinks_when_idle_with_files_that_workers_serve() {
    grows_under_load_and_shrinks_when_idle(true);
}

#[test]
fn grows_under_load_and_shrinks_when_idle_with_files_that_others_take_over() {
    grows_under_load_and_shrinks_when_idle(false);
}

#[test]
fn executors_that_keep_partitions_stay_until_these_are_let_go() {
    let cluster = Cluster::start(3, 2);
    let (sc, signs) = (cluster.context_with(|builder| dynamic(builder, true)), cluster.signs());
    let cached = sc.range_in(0..60, 3).map_partitions_with(signs.clone(), |signs, all| {
        note(signs, "kept");
        wait_until("all three run at a time", || noted(signs, "kept") >= 3);
        all
    });
    let cached = cached.cache();
    assert_eq!(cached.count().unwrap(), 60);
    // One works, for longer than the others may be idle that keep nothing.
    let pause = sc.range_in(0..1, 1).map(|n| {
        std::thread::sleep(std::time::Duration::from_millis(600));
        n
    });
    assert_eq!(pause.count().unwrap(), 1);
    assert_eq!(sc.executor_processes().len(), 3);
    assert_eq!(cached.count().unwrap(), 60);
    assert_eq!(noted(&signs, "kept"), 3);
    cached.unpersist(false);
    wait_for_executors(&sc, 1);
    sc.stop();
}
