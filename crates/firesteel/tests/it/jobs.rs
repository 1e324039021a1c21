//! Jobs side by side: threads, pools, groups, tags, cancelling, stopping; and that nothing is left when all is over.
//!
//! Nothing here depends on timing. What must be running is known to run by what its tasks note in statics; what must come
//! to an end is waited for, with a bound that only a failure reaches.

use crate::processes;
use crate::waiting::wait_until;
use firesteel::{Context, Error, Order, Rdd, Result};
use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

fn context(master: &str) -> Context {
    Context::builder().master(master).conf("firesteel.memory", "64m").create().unwrap()
}

/// How many tasks of [`endless`] have begun, by test.
static BEGUN: [AtomicUsize; 16] = [const { AtomicUsize::new(0) }; 16];

/// Two partitions that give records for minutes, so for ever, unless they are told to stop.
fn endless(sc: &Context, test: usize) -> Rdd<u8> {
    sc.range_in(0..2, 2).map_partitions_with(test, |test, _| {
        BEGUN[*test].fetch_add(1, SeqCst);
        let bound = Instant::now() + Duration::from_secs(180);
        std::iter::from_fn(move || (Instant::now() < bound).then_some(0))
    })
}

fn begun(test: usize) -> usize {
    BEGUN[test].load(SeqCst)
}

#[track_caller]
fn cancelled<T>(result: Result<T>, words: &str) {
    let error = result.err().expect("the job was to be cancelled").to_string();
    assert!(error.contains("[SPARK_JOB_CANCELLED] Job ") && error.contains(words), "{error}");
}

#[test]
fn several_threads_run_jobs_at_once() {
    for sc in [context("local[3]"), processes::two_processes(2).create().unwrap()] {
        let common = sc.range_in(0..1000, 4).map(|x| (x % 10, x)).reduce_by_key(|a, b| a + b);
        std::thread::scope(|scope| {
            for thread in 0..8i64 {
                let (sc, common) = (&sc, &common);
                scope.spawn(move || {
                    for round in 0..10 {
                        let base = thread * 1000 + round;
                        let sorted = sc
                            .range_in(0..50, 3)
                            .map_with(base, |base, x| base - x)
                            .sort_by(|x| *x, Order::Ascending);
                        assert_eq!(sorted.first().unwrap(), base - 49);
                        // All threads share one shuffle: it is written once, whoever comes first.
                        assert_eq!(common.values().sum().unwrap(), 499_500);
                        assert_eq!(sc.range_in(0..base, 2).count().unwrap(), base as u64);
                    }
                });
            }
        });
        assert!(sc.is_idle());
    }
}

#[test]
fn a_job_of_thousands_of_tasks_has_the_result_of_each() {
    let sc = context("local[2]");
    assert_eq!(sc.range_in(0..2_500, 2_500).collect().unwrap(), (0..2_500).collect::<Vec<_>>());
    // A failure ends the job before all results have come.
    let failing = sc.range_in(0..2_500, 2_500).map(|x| if x == 7 { panic!("seven") } else { x });
    assert!(failing.collect().unwrap_err().to_string().contains("seven"));
    // The other slot may still be at a task of the job that failed.
    wait_until("the slots noticed", || sc.is_idle());
}

#[test]
fn what_must_be_prepared_is_prepared_once_for_all_threads() {
    static SAMPLED: AtomicU32 = AtomicU32::new(0);
    let sc = context("local[3]");
    let counted = sc.range_in(0..1000, 4).map_partitions(|records| {
        SAMPLED.fetch_add(1, SeqCst);
        records
    });
    let sorted = counted.sort_by(|x| -x, Order::Ascending);
    let numbered = sorted.zip_with_index();
    let both = sc.union(&[numbered.clone(), numbered.filter(|(_, i)| i % 2 == 0)]);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (sorted, numbered, both) = (&sorted, &numbered, &both);
            scope.spawn(move || match thread % 3 {
                0 => assert_eq!(sorted.take(2).unwrap(), [999, 998]),
                1 => assert_eq!(numbered.take(2).unwrap(), [(999, 0), (998, 1)]),
                _ => assert_eq!(both.count().unwrap(), 1500),
            });
        }
    });
    // Four partitions for the samples, and four for the shuffle that all share.
    assert_eq!(SAMPLED.load(SeqCst), 8);
}

#[test]
fn what_could_not_be_prepared_is_tried_again_by_the_next_action() {
    static FAILS: AtomicBool = AtomicBool::new(true);
    let sc = context("local[2]");
    let shaky =
        sc.range_in(0..100, 3).map(|x| if x == 70 && FAILS.load(SeqCst) { panic!("not yet") } else { x });
    let (sorted, numbered) = (shaky.sort_by(|x| -x, Order::Ascending), shaky.zip_with_index());
    for error in [sorted.collect().unwrap_err(), numbered.map(|(x, _)| x).collect().unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains("not yet") && error.contains("jobs.rs"), "{error}");
    }
    FAILS.store(false, SeqCst);
    assert_eq!(sorted.collect().unwrap(), (0..100).rev().collect::<Vec<_>>());
    assert_eq!(numbered.map(|(_, i)| i).max().unwrap(), 99);
}

#[test]
fn preparing_is_cancelled_with_the_action_that_needs_it() {
    let sc = context("local[2]");
    let sorting = endless(&sc, 10).map(|x| (x, x)).sort_by_key(Order::Ascending).count_async();
    wait_until("the samples are taken", || begun(10) == 2);
    sorting.cancel();
    cancelled(sorting.wait(), "tag");
    let numbering = endless(&sc, 11).zip_with_index().collect_async();
    wait_until("the records are counted", || begun(11) == 2);
    sc.cancel_all_jobs();
    cancelled(numbering.wait(), "all jobs");
    // Nobody waits for this one.
    drop(sc.range_in(0..1000, 4).count_async());
    wait_until("the slots noticed", || sc.is_idle());
}

#[test]
fn jobs_of_two_threads_run_at_the_same_time() {
    // Each job's task waits for the other's: they can only end if they run side by side.
    static BOTH: Barrier = Barrier::new(2);
    let sc = context("local[2]");
    let meet = |sc: &Context| {
        sc.range_in(0..1, 1).map(|x| {
            BOTH.wait();
            x
        })
    };
    let (first, second) = (meet(&sc).count_async(), meet(&sc).count_async());
    assert_eq!((first.wait().unwrap(), second.wait().unwrap()), (1, 1));
}

#[test]
fn a_small_job_of_another_pool_need_not_wait_for_a_large_one() {
    static SUBMITTING: AtomicBool = AtomicBool::new(false);
    static SMALL_RAN: AtomicBool = AtomicBool::new(false);
    static LARGE: AtomicU32 = AtomicU32::new(0);
    const TASKS: i64 = 20_000;
    let builder = Context::builder().master("local[2]").conf("firesteel.scheduler.mode", "FAIR");
    let sc = builder.pool("small", 1, 1).pool("large", 1, 0).create().unwrap();
    sc.set_pool(Some("large"));
    let large = sc.range_in(0..TASKS, TASKS as usize).foreach_async(|_| {
        wait_until("the small job is on its way", || SUBMITTING.load(SeqCst));
        LARGE.fetch_add(1, SeqCst);
        if !SMALL_RAN.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    sc.set_pool(Some("small"));
    let small = sc.range_in(0..1, 1).map(|_| {
        SMALL_RAN.store(true, SeqCst);
        LARGE.load(SeqCst)
    });
    let small = small.collect_async();
    SUBMITTING.store(true, SeqCst);
    let large_by_then = small.wait().unwrap()[0];
    assert!(i64::from(large_by_then) < TASKS, "the small job ran last");
    large.wait().unwrap();
    sc.set_pool(None);
    assert_eq!(sc.range(0..10).count().unwrap(), 10);
}

#[test]
fn a_group_is_cancelled_from_another_thread_and_others_go_on() {
    let sc = context("local[4]");
    sc.set_job_group("mine");
    let mine = endless(&sc, 0).count_async();
    sc.set_job_group("other");
    static GO: AtomicBool = AtomicBool::new(false);
    let other = sc.range_in(0..2, 2).map(|x| {
        wait_until("the group was cancelled", || GO.load(SeqCst));
        x
    });
    let other = other.count_async();
    sc.clear_job_group();
    wait_until("the tasks run", || begun(0) == 2);
    std::thread::scope(|scope| scope.spawn(|| sc.cancel_job_group("mine")).join().unwrap());
    cancelled(mine.wait(), "part of cancelled job group mine");
    GO.store(true, SeqCst);
    assert_eq!(other.wait().unwrap(), 2);
    wait_until("the slots noticed", || sc.is_idle());
    assert_eq!(sc.range_in(0..100, 8).count().unwrap(), 100);
}

#[test]
fn jobs_with_a_tag_are_cancelled_and_others_go_on() {
    let sc = context("local[4]");
    sc.add_job_tag("slow");
    sc.add_job_tag("both");
    let tagged = endless(&sc, 1).count_async();
    sc.remove_job_tag("slow");
    let untagged = endless(&sc, 2).count_async();
    sc.remove_job_tag("both");
    wait_until("the tasks run", || begun(1) == 2 && begun(2) == 2);
    sc.cancel_jobs_with_tag("no such tag");
    sc.cancel_jobs_with_tag("slow");
    cancelled(tagged.wait(), "part of cancelled job tags slow");
    assert!(!untagged.is_completed());
    sc.cancel_jobs_with_tag("both");
    cancelled(untagged.wait(), "part of cancelled job tags both");
    wait_until("the slots noticed", || sc.is_idle());
}

#[test]
fn all_jobs_are_cancelled() {
    let sc = context("local[2]");
    let (running, waiting) = (endless(&sc, 3).count_async(), endless(&sc, 4).repartition(3).count_async());
    wait_until("tasks run", || begun(3) + begun(4) == 2);
    // The second job may be on its way still: cancel until it was caught.
    while !(running.is_completed() && waiting.is_completed()) {
        sc.cancel_all_jobs();
        std::thread::sleep(Duration::from_millis(1));
    }
    cancelled(running.wait(), "all jobs");
    cancelled(waiting.wait(), "all jobs");
    wait_until("the slots noticed", || sc.is_idle());
    assert_eq!(sc.range(0..10).count().unwrap(), 10);
}

#[test]
fn an_asynchronous_action_is_cancelled() {
    let sc = context("local[2]");
    for (test, action) in [(5, 0), (6, 1), (7, 2)] {
        let rdd = endless(&sc, test);
        let action: Box<dyn FnOnce() -> Result<u64>> = match action {
            0 => {
                let future = rdd.count_async();
                wait_until("the tasks run", || begun(test) == 2);
                future.cancel();
                Box::new(move || future.wait())
            }
            1 => {
                let future = rdd.foreach_async(|_| ());
                wait_until("the tasks run", || begun(test) == 2);
                future.cancel();
                Box::new(move || future.wait().map(|()| 0))
            }
            _ => {
                let future = rdd.foreach_partition_async(|records| records.for_each(drop));
                wait_until("the tasks run", || begun(test) == 2);
                future.cancel();
                Box::new(move || future.wait().map(|()| 0))
            }
        };
        cancelled(action(), "tag");
    }
    wait_until("the slots noticed", || sc.is_idle());
}

#[test]
fn an_asynchronous_action_can_be_awaited() {
    let sc = context("local[2]");
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut task = std::task::Context::from_waker(&waker);
    let mut sum = std::pin::pin!(async {
        let counts = (sc.range(0..10).count_async(), sc.range(0..20).take_async(3));
        counts.0.await.unwrap() + counts.1.await.unwrap().len() as u64
    });
    let answer = loop {
        match sum.as_mut().poll(&mut task) {
            std::task::Poll::Ready(answer) => break answer,
            std::task::Poll::Pending => std::thread::park_timeout(Duration::from_secs(60)),
        }
    };
    assert_eq!(answer, 13);
    let failed = sc.range(0..10).map(|x| if x == 3 { panic!("three") } else { x }).count_async();
    assert!(failed.wait().unwrap_err().to_string().contains("three"));
}

#[test]
fn a_context_that_is_stopped_ends_its_jobs_and_starts_no_more() {
    let sc = context("local[2]");
    let running = endless(&sc, 8).count_async();
    let cached = sc.range(0..10);
    wait_until("the tasks run", || begun(8) == 2);
    sc.stop();
    assert!(sc.is_stopped());
    let error = running.wait().unwrap_err().to_string();
    assert!(error.contains("the context was stopped"), "{error}");
    assert!(matches!(cached.count(), Err(Error::Stopped { .. })));
    assert!(matches!(cached.sort_by(|x| *x, Order::Ascending).collect(), Err(Error::Stopped { .. })));
    assert!(matches!(cached.count_async().wait(), Err(Error::Stopped { .. })));
    sc.stop();
    assert!(sc.clone().is_stopped());
}

#[test]
fn contexts_one_after_another_and_side_by_side() {
    for _ in 0..20 {
        let sc = context("local[2]");
        assert_eq!(sc.range(0..100).map(|x| (x % 3, x)).reduce_by_key(|a, b| a + b).count().unwrap(), 3);
    }
    let all: Vec<Context> = (1..=5).map(|slots| context(&format!("local[{slots}]"))).collect();
    std::thread::scope(|scope| {
        for sc in &all {
            scope.spawn(move || {
                let slots = i64::from(sc.slots());
                sc.set_job_group(&format!("group {slots}"));
                assert_eq!(
                    sc.range_in(0..slots * 100, 7).repartition(3).count().unwrap(),
                    slots as u64 * 100
                );
            });
        }
    });
    // One that is stopped takes nothing from the others.
    all[0].stop();
    assert!(all[1..].iter().all(|sc| sc.range(0..9).count().unwrap() == 9));
}

#[test]
fn get_or_create_gives_the_active_context() {
    let first = Context::builder().master("local[2]").app_name("first").get_or_create().unwrap();
    let second = Context::builder().master("local[1]").app_name("second").get_or_create().unwrap();
    assert_eq!((second.app_name().as_str(), second.slots()), ("first", 2));
    first.stop();
    assert!(second.is_stopped());
    let third = Context::builder().master("local[1]").app_name("third").get_or_create().unwrap();
    assert_eq!(third.app_name(), "third");
    drop(third);
    let fourth = Context::builder().master("local[1]").app_name("fourth").get_or_create().unwrap();
    assert_eq!(fourth.app_name(), "fourth");
}

/// The threads of this process that belong to contexts.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("firesteel")).count()
}

#[test]
fn nothing_is_left_when_all_is_dropped() {
    // It counts threads, and other tests have some.
    if !processes::is_alone("jobs::nothing_is_left_when_all_is_dropped") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let builder = Context::builder().master("local[3]").conf("firesteel.memory", "64k");
    let sc = builder.conf("firesteel.local.dir", dir.path().to_str().unwrap()).create().unwrap();
    let own = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let files = || fs::read_dir(&own).unwrap().count();
    let before = files();
    {
        let data = sc.parallelize((0..20_000).map(|x| (x % 100, format!("{x:>50}"))).collect::<Vec<_>>(), 4);
        let groups = data.group_by_key().map_values(|vs| vs.len() as i64);
        let sorted = groups.join(&data).map_values(|(n, _)| n).sort_by_key(Order::Ascending);
        assert_eq!(sorted.count().unwrap(), 20_000);
        assert_eq!(data.distinct().count().unwrap(), 20_000);
        assert!(data.map(|(k, v)| if k == 77 { panic!("77") } else { v }).repartition(3).count().is_err());
        assert_eq!(data.take(5).unwrap().len(), 5);
        assert!(sc.cached_blocks() > 4 && files() > before, "the test wants blocks and files");
    }
    // The failed job's other task may have to notice first.
    wait_until("the slots noticed", || sc.is_idle());
    assert_eq!((sc.cached_blocks(), files()), (0, before));
    let cancelled = endless(&sc, 9).map(|x| (x, 1)).group_by_key().count_async();
    wait_until("a task runs", || begun(9) > 0);
    cancelled.cancel();
    assert!(cancelled.wait().is_err());
    wait_until("the slots noticed", || sc.is_idle());
    assert_eq!((sc.cached_blocks(), files()), (0, before));
    wait_until("only three slots, a clock, the listeners and the pages are left", || threads() == 6);
    // An RDD keeps its context.
    let rdd = sc.range(0..10);
    drop(sc);
    assert_eq!(rdd.count().unwrap(), 10);
    drop(rdd);
    wait_until("the threads ended", || threads() == 0);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_result_that_is_too_large_fails_its_job_alone() {
    let sc = Context::builder()
        .master("local[2]")
        .conf("firesteel.driver.max_result_size", "64k")
        .create()
        .unwrap();
    let rdd = sc.range_in(0..100_000, 50);
    for error in [rdd.collect().unwrap_err(), rdd.glom().take_async(50).wait().unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains("65536 bytes") && error.contains("max_result_size"), "{error}");
    }
    // A job is also failed by its last result.
    for partitions in [1, 2] {
        let error = sc.range_in(0..100_000, partitions).collect().unwrap_err().to_string();
        assert!(error.contains("serialized results of 1 tasks") && error.contains("65536 bytes"), "{error}");
    }
    let failed = |job: &u32| sc.job_info(*job).is_some_and(|info| info.state == firesteel::JobState::Failed);
    assert_eq!(
        sc.job_ids_for_group(None).iter().filter(|job| failed(job)).count(),
        4,
        "the status says so, too"
    );
    assert_eq!(rdd.count().unwrap(), 100_000);
    // Each partition for itself is small enough.
    assert_eq!(rdd.to_local_iterator().map(Result::unwrap).sum::<i64>(), 4_999_950_000);
    wait_until("the slots noticed", || sc.is_idle());
    let any =
        Context::builder().master("local[2]").conf("firesteel.driver.max_result_size", "0").create().unwrap();
    assert_eq!(any.range(0..100_000).collect().unwrap().len(), 100_000);
}

#[test]
fn a_task_that_fails_once_is_tried_exactly_once_more() {
    static ATTEMPTS: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];
    let sc = context("local[2]");
    let counted = sc.range_in(0..100, 4).map_partitions_with_index(|partition, records| {
        if ATTEMPTS[partition].fetch_add(1, SeqCst) == 0 && partition == 2 {
            panic!("once");
        }
        records
    });
    assert_eq!(counted.collect().unwrap(), (0..100).collect::<Vec<_>>());
    assert_eq!(ATTEMPTS.each_ref().map(|n| n.load(SeqCst)), [1, 1, 2, 1]);
}

#[test]
fn saved_files_hold_each_record_once_though_tasks_are_tried_again() {
    static ATTEMPTS: [AtomicU32; 5] = [const { AtomicU32::new(0) }; 5];
    let (sc, dir) = (context("local[3]"), tempfile::tempdir().unwrap());
    let out = dir.path().join("out");
    let shaky = sc.range_in(0..10_000, 5).map_partitions_with_index(|partition, records| {
        let is_first = ATTEMPTS[partition].fetch_add(1, SeqCst) == 0;
        // At the end of the partition, so that something was written already.
        records.enumerate().map(move |(i, x)| if is_first && i == 1999 { panic!("once") } else { x })
    });
    shaky.save_as_text_file(out.to_str().unwrap()).unwrap();
    assert!(ATTEMPTS.iter().all(|n| n.load(SeqCst) == 2));
    let lines = sc.text_file(out.to_str().unwrap(), None).unwrap().map(|line| line.parse::<i64>().unwrap());
    assert_eq!(lines.collect().unwrap(), (0..10_000).collect::<Vec<_>>());
    let names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.iter().filter(|name| !name.to_str().unwrap().starts_with('.')).count(), 6, "{names:?}");
}

/// A shuffle whose reading side deals records out by their places must not lose or double any when some of its tasks run
/// again (SPARK-23207).
#[test]
fn repartition_behind_a_shuffle_keeps_all_records_though_tasks_run_again() {
    static ROUND: AtomicU32 = AtomicU32::new(0);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap().to_string();
    let builder = Context::builder().master("local[3]").conf("firesteel.memory", "64k");
    let sc = builder.conf("firesteel.local.dir", &path).create().unwrap();
    /// Now and then removes the map output that was written last, which the task that calls has yet to read.
    fn disturb(dir: &str) {
        let round = ROUND.fetch_add(1, SeqCst);
        if round % 5 != 2 || round > 12 {
            return;
        }
        let contexts = fs::read_dir(dir).unwrap().flatten();
        let files = contexts.flat_map(|context| fs::read_dir(context.path()).into_iter().flatten().flatten());
        let outputs = files.filter(|file| file.file_name().to_str().unwrap().starts_with("shuffle-"));
        let number = |path: &std::path::Path| {
            path.to_str().unwrap().rsplit('-').next().unwrap().parse::<u32>().unwrap()
        };
        let last = outputs.map(|file| file.path()).max_by_key(|path| number(path));
        // Another task may have removed it, and with it what this one would.
        let _ = fs::remove_file(last.expect("map outputs lie on disk"));
    }
    for _ in 0..5 {
        ROUND.store(0, SeqCst);
        let grouped = sc.range_in(0..5_000, 4).map(|x| (x % 1_000, format!("{x:>60}"))).group_by_key_into(5);
        let broadcast_tree =
            grouped.flat_map_values(|vs| vs).map_partitions_with(path.clone(), |dir, records| {
                disturb(dir);
                records
            });
        let again = broadcast_tree.repartition(6).map_partitions_with(path.clone(), |dir, records| {
            disturb(dir);
            records
        });
        let mut all: Vec<i64> = again.map(|(_, v)| v.trim().parse().unwrap()).collect().unwrap();
        all.sort();
        assert_eq!(all, (0..5_000).collect::<Vec<_>>());
        assert!(ROUND.load(SeqCst) > 11, "nothing ran again");
    }
}
