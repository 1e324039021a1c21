//! Preemption: half of all executors are taken away, again and again, while PageRank runs, and others come. The answer is right.
//!
//! In the tests they go at three steps of the program. `cargo xtask preemption` takes them away by the clock, for minutes, and
//! tells which part of the tasks' time went into work that had been done before.

use super::support::*;
use firesteel::{Context, Rdd, Result, StorageLevel};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const NODES: i64 = 400;
const PARTITIONS: usize = 16;
const STEPS: u32 = 10;

/// Where tasks write down what they did, how long it takes them, and the name of the run.
type Diary = (String, u64, u32);

/// Does the work of a partition: takes its time, and writes down that it was done.
fn work<T>(diary: &Diary, step: u32, partition: usize, records: T) -> T {
    let (path, takes_ms, round) = diary;
    let begun = Instant::now();
    std::thread::sleep(Duration::from_millis(*takes_ms));
    let mut file = fs::File::options().append(true).create(true).open(path).expect("the diary opens");
    let line = format!("{round}.{step}.{partition} {}\n", begun.elapsed().as_micros());
    file.write_all(line.as_bytes()).expect("the diary takes a line");
    records
}

/// PageRank over a graph in which each node has three links. Ranks are rounded, since the order of sums differs.
fn page_rank(sc: &Context, diary: &Diary, replicas: u8) -> Result<Vec<(i64, i64)>> {
    let edges = sc.range_in(0..NODES * 3, PARTITIONS);
    let links = edges.map(|n| (n % NODES, n.wrapping_mul(7919) % NODES)).group_by_key_into(PARTITIONS);
    let level = StorageLevel { replication: replicas, ..StorageLevel::MEMORY_AND_DISK };
    let links = links
        .map_partitions_with_index_with(diary.clone(), |diary, index, links| work(diary, 0, index, links))
        .persist(level);
    let mut ranks: Rdd<(i64, f64)> = links.map(|(node, _)| (node, 1.0));
    for step in 1..=STEPS {
        let given = links.join(&ranks).flat_map(|(_, (targets, rank))| {
            let each = rank / targets.len() as f64;
            targets.into_iter().map(move |target| (target, each)).collect::<Vec<_>>()
        });
        let sums = given.reduce_by_key_into(PARTITIONS, |a, b| a + b);
        ranks = sums.map_partitions_with_index_with((diary.clone(), step), |(diary, step), index, sums| {
            work(diary, *step, index, sums.map(|(node, sum)| (node, 0.15 + 0.85 * sum)))
        });
    }
    let rounded = ranks.map(|(node, rank)| (node, (rank * 1e6).round() as i64)).collect()?;
    links.unpersist(true);
    Ok(sorted(rounded))
}

/// Takes half of the executors away, those that have been there longest and hold most.
fn preempt(cluster: &Cluster) -> usize {
    let executors = cluster.processes();
    let taken = executors.len() / 2;
    executors.iter().take(taken).for_each(|process| kill(*process));
    taken
}

/// The time of the work in a diary, in microseconds: of all of it, and of what was done before.
fn times(diary: &str) -> (u64, u64) {
    let text = fs::read_to_string(diary).unwrap();
    let mut done = BTreeMap::<&str, u64>::new();
    let (mut all, mut again) = (0, 0);
    for (what, micros) in text.lines().filter_map(|line| line.split_once(' ')) {
        let micros: u64 = micros.parse().unwrap();
        all += micros;
        if done.insert(what, micros).is_some() {
            again += micros;
        }
    }
    (all, again)
}

fn expected(cluster: &Cluster) -> Vec<(i64, i64)> {
    let sc = Context::builder().master("local[2]").conf("firesteel.memory", "256m").create().unwrap();
    let diary = cluster.path("local-diary").to_str().unwrap().to_string();
    let answer = page_rank(&sc, &(diary, 0, 0), 1).unwrap();
    sc.stop();
    answer
}

#[test]
fn half_of_the_executors_go_at_three_steps() {
    let cluster = Cluster::start(4, 1, &[ALONE]);
    let expected = expected(&cluster);
    let path = cluster.path("diary").to_str().unwrap().to_string();
    let diary = (path.clone(), 5, 0);
    let is_over = AtomicBool::new(false);
    let answer = std::thread::scope(|scope| {
        scope.spawn(|| {
            for step in [2, 5, 8] {
                let begun = format!("0.{step}.");
                let has_begun = || {
                    let text = fs::read_to_string(&path).unwrap_or_default();
                    is_over.load(Relaxed) || text.lines().any(|line| line.starts_with(&begun))
                };
                wait_until("a step has begun", has_begun);
                preempt(&cluster);
                wait_until("others have come", || is_over.load(Relaxed) || cluster.processes().len() == 4);
            }
        });
        let answer = page_rank(&cluster.sc, &diary, 1);
        is_over.store(true, Relaxed);
        answer
    });
    assert_eq!(answer.unwrap(), expected);
    let (all, again) = times(&path);
    assert!(again > 0 && again < all, "{again} of {all} us were work done twice");
    cluster.end();
}

/// Not a test by itself: `cargo xtask preemption` says how.
#[test]
fn by_the_clock() {
    let setting = |name: &str| std::env::var(format!("FIRESTEEL_PREEMPTION_{name}")).ok();
    let number = |name: &str, default: u64| {
        setting(name).map_or(default, |text| text.parse().expect("a number of seconds or copies"))
    };
    let Some(minutes) = setting("MINUTES").map(|text| text.parse::<u64>().expect("a number of minutes"))
    else {
        return;
    };
    let every = Duration::from_secs(number("EVERY", 20));
    let storage = setting("STORAGE");
    let mut settings = vec![ALONE];
    settings.extend(storage.iter().map(|url| ("spark.shuffle.storage", url.as_str())));
    let cluster = Cluster::start(4, 1, &settings);
    let expected = expected(&cluster);
    let path = cluster.path("diary").to_str().unwrap().to_string();
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let is_over = AtomicBool::new(false);
    let (mut rounds, replicas) = (0, number("REPLICAS", 1) as u8);
    let taken = std::thread::scope(|scope| {
        let clock = scope.spawn(|| {
            let (mut next, mut taken) = (Instant::now() + every, 0);
            while !is_over.load(Relaxed) {
                std::thread::sleep(Duration::from_millis(50));
                if Instant::now() >= next {
                    taken += preempt(&cluster);
                    next += every;
                }
            }
            taken
        });
        while Instant::now() < until {
            rounds += 1;
            let answer = page_rank(&cluster.sc, &(path.clone(), 200, rounds), replicas);
            is_over.store(Instant::now() >= until || answer.is_err(), Relaxed);
            assert_eq!(answer.unwrap(), expected, "round {rounds}");
        }
        is_over.store(true, Relaxed);
        clock.join().unwrap()
    });
    let (all, again) = times(&path);
    eprintln!(
        "{rounds} rounds of PageRank were right; {taken} executors were taken away, 2 of 4 every {} s; {:.1} s of work, {:.1} s of \
         it done before: {:.1} %",
        every.as_secs(),
        all as f64 / 1e6,
        again as f64 / 1e6,
        100.0 * again as f64 / (all - again).max(1) as f64
    );
    cluster.end();
}
