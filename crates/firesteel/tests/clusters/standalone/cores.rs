//! Tasks that take several cores each.

use super::cluster::{Cluster, wait_for_executors};
use firesteel::{Context, Error, JobFailure};

/// So many tasks run at the same time, and no more.
fn slots_are(sc: &Context, slots: u32) {
    let meet = |tasks: u32| {
        sc.range_in(0..12, tasks as usize).barrier().map_partitions(|task, records| {
            task.barrier();
            [records.count()]
        })
    };
    assert_eq!(meet(slots).collect().unwrap().iter().sum::<usize>(), 12);
    assert!(matches!(
        meet(slots + 1).collect().unwrap_err(),
        Error::Job { failure: JobFailure::TooFewSlots { slots: there, .. }, .. } if there == slots
    ));
}

#[test]
fn executors_that_a_worker_sizes_have_the_cores_of_a_task() {
    let cluster = Cluster::start(2, 5);
    let sc = cluster.context_with(|builder| {
        // Two for each of four executors, and one of each worker is left over.
        builder.conf("spark.task.cpus", "2").conf("firesteel.executor.memory", "64m")
    });
    wait_for_executors(&sc, 4);
    assert_eq!(sc.default_parallelism(), 8);
    slots_are(&sc, 4);
    sc.stop();
}

#[test]
fn executors_with_more_cores_run_as_many_tasks_as_fit() {
    let cluster = Cluster::start(2, 5);
    let sc = cluster
        .context_with(|builder| builder.conf("spark.task.cpus", "2").conf("spark.executor.cores", "5"));
    wait_for_executors(&sc, 2);
    assert_eq!(sc.default_parallelism(), 10);
    slots_are(&sc, 4);
    sc.stop();
}
