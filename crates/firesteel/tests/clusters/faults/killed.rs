//! Killed executors, and executors that end by themselves, at some point of a job.

use super::support::*;
use firesteel::{BarrierTaskContext, StorageLevel};
use std::path::PathBuf;

#[test]
fn in_the_map_phase() {
    for service in [ALONE, SERVED] {
        let cluster = Cluster::start(2, 1, &[service]);
        let (signs, added) = (cluster.signs(), cluster.sc.long_accumulator());
        let pairs = standing_pairs(&cluster.sc, &signs, "map", 1000);
        let counted = pairs.map_with(added.adder(), |added, pair| {
            added.add(1);
            pair
        });
        let sums = counted.reduce_by_key(|a, b| a + b).collect_async();
        kill(signs.first("map"));
        signs.go("map");
        assert_eq!(sorted(sums.wait().unwrap()), expected_sums(1000));
        assert_eq!(added.value(), 1000);
        cluster.end();
    }
}

#[test]
fn in_the_reduce_phase() {
    for service in [ALONE, SERVED] {
        let cluster = Cluster::start(2, 1, &[service]);
        let (signs, maps) = (cluster.signs(), cluster.sc.long_accumulator());
        let pairs = cluster.sc.range_in(0..1000, 4).map_with(maps.adder(), |maps, x| {
            maps.add(1);
            (x % 10, x)
        });
        let sums = pairs.reduce_by_key(|a, b| a + b).map_partitions_with(signs.clone(), |signs, all| {
            signs.stand("reduce");
            all
        });
        let sums = sums.collect_async();
        kill(signs.first("reduce"));
        signs.go("reduce");
        assert_eq!(sorted(sums.wait().unwrap()), expected_sums(1000));
        assert_eq!(maps.value(), 1000);
        cluster.end();
    }
}

/// The map outputs are there, and the executor that has half of them goes before, or while, they are read.
#[test]
fn while_it_serves_blocks() {
    while_blocks_are_read(1000, kill);
}

#[test]
fn by_its_own_hand_with_exit_code_0() {
    let cluster = Cluster::start(2, 1, &[SERVED]);
    let signs = cluster.signs();
    let numbers = cluster.sc.range_in(0..100, 4).map_with(signs.clone(), |signs, x| {
        if x == 60 && signs.give("left") {
            std::process::exit(0);
        }
        x
    });
    assert_eq!(numbers.sum().unwrap(), 4950);
    cluster.end();
}

#[test]
fn four_failures_of_one_task_end_the_job_with_the_last_cause() {
    let cluster = Cluster::start(2, 1, &[SERVED]);
    let signs = cluster.signs();
    let numbers = cluster.sc.range_in(0..4, 4).map_with(signs.clone(), |signs, x| {
        let attempt = (1..).find(|n| x != 2 || signs.give(&format!("attempt-{n}"))).unwrap();
        assert!(x != 2, "attempt {attempt} fails");
        x
    });
    says(numbers.collect(), &["attempt 4 fails", "partition 2", "attempt 4 of 4"]);
    assert_eq!(signs.count("attempt-"), 4);
    let dying = cluster.sc.range_in(0..4, 4).map(|x| if x == 1 { die() } else { x });
    says(dying.collect(), &["was lost", "SIGKILL", "partition 1", "attempt 4 of 4"]);
    assert_eq!(cluster.sc.range_in(0..100, 4).sum().unwrap(), 4950, "others run as before");
    cluster.end();
}

#[test]
fn a_barrier_stage_begins_again_as_a_whole() {
    let cluster = Cluster::start(2, 1, &[ALONE]);
    let signs = cluster.signs();
    let added = cluster.sc.long_accumulator();
    let numbers = cluster.sc.range_in(0..20, 2).barrier();
    let sums = numbers.map_partitions_with((signs.clone(), added.adder()), |(signs, added), task, all| {
        let own: i64 = all.sum();
        added.add(own);
        let gather = |task: &BarrierTaskContext| task.all_gather(own.to_string());
        let first = gather(task);
        if task.partition() == 1 && signs.give("dead") {
            die();
        }
        let second = gather(task);
        assert_eq!(first, second);
        [(task.attempt(), second.join(","))]
    });
    let gathered = sums.collect().unwrap();
    assert!(gathered.iter().all(|(_, all)| all == "45,145"), "{gathered:?}");
    assert!(gathered.iter().all(|(attempt, _)| *attempt == gathered[0].0), "{gathered:?}");
    assert_eq!(added.value(), 190);
    cluster.end();
}

#[test]
fn a_cached_partition_that_is_lost_is_computed_again() {
    for service in [ALONE, SERVED] {
        let cluster = Cluster::start(2, 1, &[service]);
        let (signs, added) = (cluster.signs(), cluster.sc.long_accumulator());
        let env = (signs.clone(), added.adder());
        let cached = cluster.sc.range_in(0..1000, 4).map_partitions_with(env, |(signs, added), all| {
            // Both executors keep some.
            signs.give(&format!("keeps-{}", std::process::id()));
            wait_until("the other is here, too", || signs.count("keeps-") >= 2);
            added.add(1);
            all
        });
        let cached = cached.cache();
        assert_eq!(cached.sum().unwrap(), 499_500);
        let victim = cluster.processes()[0];
        kill(victim);
        wait_until("its end was noticed", || !cluster.has(victim));
        assert_eq!(cached.sum().unwrap(), 499_500);
        assert_eq!(cached.map(|x| (x % 10, x)).reduce_by_key(|a, b| a + b).count().unwrap(), 10);
        assert_eq!(added.value(), 4, "each partition counts once, whoever computes it again");
        cluster.end();
    }
}

/// Each partition lies with two executors. When one of them is gone, the other copy is read, and a third executor is
/// given one in place of that which was lost.
#[test]
fn a_replicated_partition_outlives_an_executor_and_is_copied_again() {
    for level in [StorageLevel::MEMORY_ONLY_2, StorageLevel::DISK_ONLY_2] {
        let cluster = Cluster::start(3, 1, &[ALONE]);
        let (signs, added) = (cluster.signs(), cluster.sc.long_accumulator());
        let cached = cluster.sc.range_in(0..1000, 6).map_partitions_with(signs.clone(), |signs, all| {
            signs.give(&format!("keeps-{}", std::process::id()));
            wait_until("all others are here, too", || signs.count("keeps-") >= 3);
            assert!((0..).any(|n| signs.give(&format!("computed-{n}"))));
            all
        });
        let cached = cached.map_with(added.adder(), |added, x| {
            added.add(1);
            x
        });
        cached.persist(level);
        assert_eq!(cached.sum().unwrap(), 499_500);
        assert_eq!(signs.count("computed-"), 6);
        for _ in 0..2 {
            wait_until("each partition has two copies", || cached.storage_info().copies == 12);
            let info = cached.storage_info();
            assert_eq!(
                (info.partitions, info.memory_bytes > 0 || info.disk_bytes > 0),
                (6, true),
                "{info:?}"
            );
            let victim = cluster.processes()[0];
            kill(victim);
            wait_until("its end was noticed", || !cluster.has(victim));
            assert_eq!(cached.sum().unwrap(), 499_500);
            assert_eq!(cached.map(|x| (x % 10, x)).reduce_by_key(|a, b| a + b).count().unwrap(), 10);
        }
        assert_eq!(signs.count("computed-"), 6, "nothing was computed again");
        assert_eq!(added.value(), 1000);
        cached.unpersist(true);
        assert_eq!(cached.storage_info().copies, 0);
        cluster.end();
    }
}

/// A copy of a slow task runs elsewhere and is done first; the slow one is told to stop, and counts for nothing.
#[test]
fn the_slower_of_two_copies() {
    let speculation = [
        ("firesteel.speculation", "true"),
        ("firesteel.speculation.quantile", "0.5"),
        ("firesteel.speculation.multiplier", "1.1"),
    ];
    let cluster = Cluster::start(2, 1, &speculation);
    let (signs, added) = (cluster.signs(), cluster.sc.long_accumulator());
    let env = (signs.clone(), added.adder());
    let numbers = cluster.sc.range_in(0..4000, 4).map_partitions_with_index_with(env, |env, index, all| {
        let (signs, added) = env.clone();
        let is_first = index == 3 && signs.give("slow");
        if is_first {
            signs.await_sign("copied");
        }
        all.inspect(move |x| {
            added.add(1);
            if *x == 3999 {
                signs.give("copied");
            }
        })
    });
    let pairs = numbers.map(|x| (x % 10, x)).reduce_by_key(|a, b| a + b);
    assert_eq!(sorted(pairs.collect().unwrap()), expected_sums(4000));
    assert!(signs.is_given("slow"));
    assert_eq!(added.value(), 4000);
    cluster.end();
}

/// Its map outputs and cached partitions survive it, and go when the last who could read them does.
#[test]
fn and_what_it_left_goes_when_nobody_needs_it() {
    let cluster = Cluster::start(2, 1, &[SERVED]);
    let signs = cluster.signs();
    let numbers = standing_pairs(&cluster.sc, &signs, "map", 1000).persist(StorageLevel::DISK_ONLY);
    let sums = numbers.reduce_by_key(|a, b| a + b);
    signs.go("map");
    assert_eq!(sorted(sums.collect().unwrap()), expected_sums(1000));
    let dead = cluster.processes();
    dead.iter().copied().for_each(kill);
    wait_until("their ends were noticed", || !dead.iter().any(|process| cluster.has(*process)));
    let (local, maps) = (cluster.path("local"), signs.standing("map").len());
    assert_eq!(sorted(sums.collect().unwrap()), expected_sums(1000));
    assert_eq!(signs.standing("map").len(), maps, "no map task ran again");
    numbers.unpersist(true);
    wait_until("cached partitions are removed", || files_below(&local, "cached-").is_empty());
    drop((sums, numbers));
    wait_until("map outputs are removed", || files_below(&local, "shuffle-").is_empty());
    cluster.end();
}

/// What its executor has is too large for a message; it dies as soon as the result lies there to be fetched.
#[test]
fn before_a_large_result_was_fetched() {
    let cluster = Cluster::start(2, 1, &[ALONE]);
    let signs = cluster.signs();
    let local = cluster.path("local").to_str().unwrap().to_string();
    let rdd = cluster.sc.range_in(0..2, 2).map_partitions_with_index_with(
        (signs.clone(), local),
        |(signs, local), index, _| {
            if index == 1 && signs.give("doomed") {
                let (local, own) = (PathBuf::from(local), format!("firesteel-{}-", std::process::id()));
                let is_own = move |path: &PathBuf| path.to_string_lossy().contains(&own);
                std::thread::spawn(move || {
                    wait_until("there is a result", || files_below(&local, "result-").iter().any(&is_own));
                    die()
                });
            }
            (0..24u32).map(|n| vec![n as u8; 1 << 20])
        },
    );
    let rows = rdd.collect().unwrap();
    assert_eq!(rows.len(), 48);
    assert!(rows.iter().enumerate().all(|(n, row)| row.len() == 1 << 20 && row[777] == (n % 24) as u8));
    assert!(signs.is_given("doomed"));
    wait_until("results are removed", || files_below(&cluster.path("local"), "result-").is_empty());
    cluster.end();
}
