//! Barrier stages: tasks that run at the same time, wait for one another, and begin again together.

use crate::processes;
use crate::waiting::wait_until;
use firesteel::{BarrierTaskContext, Context, Error, JobFailure, Rdd, Result};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

fn context(slots: u32) -> Context {
    let master = format!("local[{slots}]");
    Context::builder().master(&master).conf("firesteel.memory", "64m").create().unwrap()
}

/// The same, and one whose tasks run in two other processes.
fn contexts(slots: u32) -> [Context; 2] {
    [context(slots), processes::two_processes(slots).create().unwrap()]
}

/// What all partitions sum up to, learnt by each of them in two rounds.
fn sums(rdd: &Rdd<i64>) -> Rdd<(usize, i64, i64)> {
    rdd.barrier().map_partitions(|task, records| {
        let own: i64 = records.sum();
        let total = |values: Vec<String>| values.iter().map(|text| text.parse::<i64>().unwrap()).sum::<i64>();
        let all = total(task.all_gather(own.to_string()));
        task.barrier();
        let again = total(task.all_gather(all.to_string()));
        [(task.partition(), all, again)]
    })
}

#[track_caller]
fn refused<T>(result: Result<T>, words: &[&str]) {
    let told = result.err().expect("it is to be refused").to_string();
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[test]
fn tasks_exchange_messages_in_several_rounds() {
    for sc in contexts(4) {
        let expected: Vec<_> = (0..4).map(|partition| (partition, 190, 760)).collect();
        assert_eq!(sums(&sc.range_in(0..20, 4)).collect().unwrap(), expected);
        assert!(sc.is_idle());
    }
}

#[test]
fn a_barrier_may_stand_behind_a_shuffle_before_one_and_behind_another_barrier() {
    for sc in contexts(3) {
        let pairs = sc.range_in(0..30, 5).map(|x| (x % 3, x)).reduce_by_key_into(3, |a, b| a + b);
        let totals = sums(&pairs.values());
        let twice = totals.barrier().map_partitions(|task, records| {
            let order = task.all_gather(task.partition().to_string());
            records.map(move |(_, total, _)| (order.join(","), total))
        });
        let mut counted = twice.reduce_by_key_into(2, |a, b| a + b).collect().unwrap();
        counted.sort();
        assert_eq!(counted, [("0,1,2".to_string(), 3 * 435)]);
    }
}

#[test]
fn all_forms_of_functions() {
    for sc in contexts(2) {
        let rdd = sc.range_in(0..4, 2).barrier();
        let infos = |task: &BarrierTaskContext| (task.num_tasks(), task.task_infos().len(), task.attempt());
        let plain = rdd.map_partitions(move |task, records| {
            assert_eq!(infos(task), (2, 2, 0));
            records
        });
        assert_eq!(plain.collect().unwrap(), [0, 1, 2, 3]);
        let with = rdd.map_partitions_with(10, |ten, task, records| {
            let (ten, all) = (*ten, task.all_gather("x").len() as i64);
            records.map(move |x| x * ten + all)
        });
        assert_eq!(with.collect().unwrap(), [2, 12, 22, 32]);
        let index = rdd.map_partitions_with_index(|index, task, records| {
            task.barrier();
            records.map(move |x| (index, x))
        });
        assert_eq!(index.collect().unwrap(), [(0, 0), (0, 1), (1, 2), (1, 3)]);
        let both = rdd.map_partitions_with_index_with(5, |five, index, task, records| {
            assert_eq!(index, task.partition());
            let add = *five + index as i64;
            records.map(move |x| x + add)
        });
        assert_eq!(both.collect().unwrap(), [5, 6, 8, 9]);
    }
}

#[test]
fn too_many_tasks_are_refused_at_once_with_both_numbers() {
    let sc = context(2);
    let before = Instant::now();
    let error = sums(&sc.range_in(0..20, 3)).collect().unwrap_err();
    assert!(before.elapsed() < Duration::from_secs(30));
    let Error::Job { failure: JobFailure::TooFewSlots { tasks: 3, slots: 2, .. }, .. } = error else {
        panic!("{error}")
    };
    refused::<()>(Err(error), &["its 3 tasks run at the same time", "slots for 2", "local[3]"]);
    assert_eq!(sums(&sc.range_in(0..20, 3).coalesce(2)).count().unwrap(), 2);
}

#[test]
fn it_waits_for_slots_that_are_busy() {
    static GO: AtomicBool = AtomicBool::new(false);
    let sc = context(2);
    let busy = sc.range_in(0..1, 1).map(|x| {
        wait_until("the other job waits", || GO.load(SeqCst));
        x
    });
    let busy = busy.count_async();
    wait_until("a slot is busy", || sc.stage_info(0).is_some_and(|stage| stage.active_tasks == 1));
    let waiting = sums(&sc.range_in(0..4, 2)).count_async();
    wait_until("the other job has begun", || sc.active_job_ids().len() == 2);
    assert_eq!(sc.stage_info(1).unwrap().active_tasks, 0);
    GO.store(true, SeqCst);
    assert_eq!((busy.wait().unwrap(), waiting.wait().unwrap()), (1, 2));
}

#[test]
fn when_one_task_fails_all_run_again_and_results_are_of_one_attempt() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GO: AtomicBool = AtomicBool::new(false);
    let sc = context(3);
    let attempts = sc.range_in(0..3, 3).barrier().map_partitions(|task, _| {
        RUNS.fetch_add(1, SeqCst);
        let attempts = task.all_gather(task.attempt().to_string());
        if task.partition() == 1 && task.attempt() == 0 {
            wait_until("the others have ended", || GO.load(SeqCst));
            panic!("the first attempt fails");
        }
        [attempts.join(" ")]
    });
    let job = attempts.collect_async();
    wait_until("two have ended", || sc.stage_info(0).is_some_and(|stage| stage.completed_tasks == 2));
    GO.store(true, SeqCst);
    assert_eq!(job.wait().unwrap(), ["1 1 1"; 3]);
    assert_eq!(RUNS.load(SeqCst), 6);
    assert_eq!(sc.stage_info(0).unwrap().attempt, 1);
    wait_until("the slots noticed", || sc.is_idle());
}

#[test]
fn a_function_that_always_panics_fails_the_job_with_its_words_and_the_record() {
    for sc in contexts(2) {
        let failing = sc.range_in(0..4, 2).barrier().map_partitions(|task, records| {
            task.barrier();
            records.inspect(|x| assert!(*x != 3, "three is too many"))
        });
        refused(failing.count(), &["three is too many", "partition 1", "attempt 4 of 4"]);
        wait_until("the slots noticed", || sc.is_idle());
        assert_eq!(sums(&sc.range_in(0..4, 2)).count().unwrap(), 2);
    }
}

#[test]
fn a_task_that_does_not_call_leaves_nobody_waiting() {
    for sc in contexts(2) {
        let uneven = sc.range_in(0..2, 2).barrier().map_partitions(|task, records| {
            if task.partition() == 0 {
                task.barrier();
            }
            records
        });
        refused(uneven.count(), &["partition 1 ended after 0 calls", "have to call equally often"]);
        let mixed = sc.range_in(0..2, 2).barrier().map_partitions(|task, records| {
            match task.partition() {
                0 => task.barrier(),
                _ => drop(task.all_gather("hello")),
            }
            records
        });
        refused(mixed.count(), &["made different calls"]);
        wait_until("the slots noticed", || sc.is_idle());
    }
}

#[test]
fn a_cancelled_job_and_a_stopped_context_leave_nobody_waiting() {
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    static GO: AtomicBool = AtomicBool::new(false);
    let sc = context(2);
    let stuck = sc.range_in(0..2, 2).barrier().map_partitions(|task, records| {
        BEGUN.fetch_add(1, SeqCst);
        if task.partition() == 0 {
            task.barrier();
        } else {
            wait_until("the test is over", || GO.load(SeqCst));
        }
        records
    });
    let job = stuck.count_async();
    wait_until("both run", || BEGUN.load(SeqCst) == 2);
    sc.cancel_job(0, "enough");
    refused(job.wait(), &["cancelled because enough"]);
    // The one that waited has come back; the other is in a function of the user's.
    wait_until("one slot is free", || sc.stage_info(0).unwrap().active_tasks == 1);
    GO.store(true, SeqCst);
    wait_until("the slots noticed", || sc.is_idle());
    GO.store(false, SeqCst);
    let job = stuck.count_async();
    wait_until("both run", || BEGUN.load(SeqCst) == 4);
    std::thread::scope(|scope| {
        scope.spawn(|| sc.stop());
        refused(job.wait(), &["the context was stopped"]);
        GO.store(true, SeqCst);
    });
}

#[test]
fn a_task_waits_no_longer_than_it_is_told_to() {
    static GO: AtomicBool = AtomicBool::new(false);
    let sc = Context::builder()
        .master("local[2,1]")
        .conf("firesteel.barrier.sync.timeout", "50ms")
        .create()
        .unwrap();
    let late = sc.range_in(0..2, 2).barrier().map_partitions(|task, records| {
        if task.partition() == 1 {
            wait_until("the other has waited long enough", || GO.load(SeqCst));
        }
        task.barrier();
        records
    });
    refused(late.count(), &["after 50 ms only 1 of 2 tasks had called", "firesteel.barrier.sync.timeout"]);
    GO.store(true, SeqCst);
    wait_until("the slots noticed", || sc.is_idle());
}

#[test]
fn what_would_take_barrier_tasks_apart_is_refused_before_anything_runs() {
    let sc = context(4);
    let rdd = sums(&sc.range_in(0..4, 2));
    refused(rdd.take(1), &["wants 1 of 2 partitions", "collect", "repartition"]);
    refused(rdd.to_local_iterator().next().unwrap(), &["wants 1 of 2 partitions"]);
    refused(rdd.union(&rdd).count(), &["union", "regroups the partitions of a barrier RDD", "repartition"]);
    refused(rdd.coalesce(1).count(), &["coalesce", "regroups"]);
    refused(rdd.cartesian(&rdd).count(), &["cartesian", "regroups"]);
    refused(rdd.zip(&sums(&sc.range_in(0..4, 2))).unwrap().count(), &["zip", "several RDDs", "repartition"]);
    assert!(sc.job_info(0).is_none(), "no job has begun");
    assert_eq!(rdd.repartition(3).take(1).unwrap().len(), 1);
    assert_eq!(rdd.filter(|_| true).zip(&sc.range_in(0..2, 2)).unwrap().count().unwrap(), 2);
}

#[test]
fn kept_partitions_are_those_of_one_attempt_and_spare_later_jobs_the_barrier() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static FAILED: AtomicBool = AtomicBool::new(false);
    let sc = context(2);
    let cached = sc
        .range_in(0..2, 2)
        .barrier()
        .map_partitions(|task, _| {
            let run = RUNS.fetch_add(1, SeqCst);
            task.barrier();
            [run / 2]
        })
        .cache();
    let failing = cached.map(|run| {
        assert!(FAILED.swap(true, SeqCst), "the first function that is called fails");
        run
    });
    // By then one partition is kept, and all begin again; or both are, and count.
    let [of, other] = failing.collect().unwrap()[..] else { panic!("two partitions") };
    assert_eq!(of, other, "what one attempt kept stands beside what another computed");
    assert_eq!(cached.collect().unwrap(), [of, of]);
    assert_eq!(RUNS.load(SeqCst), 2 * (of + 1));
    cached.unpersist(true);
    assert_eq!(cached.collect().unwrap(), [of + 1, of + 1]);
}

#[test]
fn local_checkpoints_and_sorting_see_all_partitions() {
    for sc in contexts(3) {
        let rdd = sums(&sc.range_in(0..9, 3));
        rdd.local_checkpoint();
        assert_eq!(rdd.count().unwrap(), 3);
        assert_eq!(rdd.take(1).unwrap(), [(0, 36, 108)], "it is a barrier RDD no more");
        let sorted =
            sums(&sc.range_in(0..9, 3)).sort_by(|(partition, ..)| *partition, firesteel::Order::Descending);
        assert_eq!(sorted.map(|(partition, ..)| partition).collect().unwrap(), [2, 1, 0]);
    }
}
