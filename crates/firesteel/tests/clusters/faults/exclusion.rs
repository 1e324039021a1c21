//! A function that fails on one executor again and again: where executors are excluded, its job succeeds on another.

use super::support::*;
use firesteel::Context;
use firesteel::events::ListenerEvent;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

const EXCLUDE: (&str, &str) = ("spark.excludeOnFailure.enabled", "true");

/// The records of four partitions, and the process that computed each; one process fails. The others begin when a test says so.
fn processes_of(sc: &Context, signs: &Signs, bad: u32) -> firesteel::FutureAction<Vec<u32>> {
    let numbers = sc.range_in(0..40, 4).map_partitions_with((signs.clone(), bad), |(signs, bad), records| {
        let process = std::process::id();
        if process == *bad {
            signs.give("failed");
            panic!("this machine has a fault");
        }
        signs.await_sign("go");
        records.map(move |_| process)
    });
    numbers.collect_async()
}

/// A cluster of two executors, its listener's events, and the process of the executor that fails.
fn cluster(settings: &[(&str, &str)]) -> (Cluster, Arc<Mutex<Vec<ListenerEvent>>>, u32) {
    let told = Arc::new(Mutex::new(vec![]));
    let to = told.clone();
    let cluster = Cluster::begin("local-cluster[2,1,1024]", settings, |builder| {
        builder.listener(move |event: &ListenerEvent| to.lock().push(event.clone()))
    });
    wait_until("all executors are there", || cluster.processes().len() == 2);
    let bad = cluster.processes()[0];
    (cluster, told, bad)
}

#[test]
fn a_job_fails_by_an_executor_that_fails_each_of_its_tasks_and_succeeds_where_that_is_excluded() {
    let (without, _, bad) = cluster(&[]);
    // The other executor is busy, so the task comes back to where it failed.
    let job = processes_of(&without.sc, &without.signs(), bad);
    says(job.wait(), &["this machine has a fault", "attempt 4 of 4"]);
    without.signs().give("go");
    without.end();

    let (with, told, bad) =
        cluster(&[EXCLUDE, ("spark.excludeOnFailure.stage.maxFailedTasksPerExecutor", "3")]);
    let signs = with.signs();
    let job = processes_of(&with.sc, &signs, bad);
    wait_until("three tasks have failed", || {
        let is_it = |event: &ListenerEvent| matches!(event, ListenerEvent::ExecutorExcludedForStage(it) if it.task_failures == 3);
        told.lock().iter().any(is_it)
    });
    signs.give("go");
    let processes: BTreeSet<u32> = job.wait().unwrap().into_iter().collect();
    assert!(processes.len() == 1 && !processes.contains(&bad), "{processes:?} and not {bad}");
    wait_until("the application keeps away from it", || {
        let is_it = |event: &ListenerEvent| matches!(event, ListenerEvent::ExecutorExcluded(it) if it.task_failures == 3);
        told.lock().iter().any(is_it)
    });
    let next = processes_of(&with.sc, &signs, bad).wait().unwrap();
    assert!(!next.contains(&bad));
    let failures =
        |event: &&ListenerEvent| matches!(event, ListenerEvent::TaskEnd(it) if it.task_info.failed);
    assert_eq!(told.lock().iter().filter(failures).count(), 3, "no task of the next job went there");
    with.end();
}

#[test]
fn an_executor_from_which_the_application_keeps_away_is_replaced_if_that_is_asked_for() {
    for removal in ["spark.excludeOnFailure.killExcludedExecutors.decommission", "spark.of.my.own"] {
        let (cluster, _, bad) = cluster(&[
            EXCLUDE,
            ("spark.excludeOnFailure.application.maxFailedTasksPerExecutor", "1"),
            ("spark.excludeOnFailure.application.maxFailedExecutorsPerNode", "9"),
            ("spark.blacklist.killBlacklistedExecutors", "true"),
            (removal, "true"),
        ]);
        let signs = cluster.signs();
        let job = processes_of(&cluster.sc, &signs, bad);
        signs.await_sign("failed");
        signs.give("go");
        assert!(!job.wait().unwrap().contains(&bad));
        wait_until("another process is there in its place", || {
            cluster.processes().len() == 2 && !cluster.has(bad)
        });
        cluster.end();
    }
}

#[test]
fn what_may_run_nowhere_fails_with_all_executors_and_their_reasons() {
    let sc = Context::builder().master("local[2,4]").conf("spark.excludeOnFailure.enabled", "true");
    let sc = sc.conf("firesteel.ui.show_console_progress", "false").create().unwrap();
    let failing = sc.range_in(0..4, 1).map(|x| if x == 2 { panic!("no luck") } else { x });
    let words = [
        "partition 0 of stage 0",
        "executor driver on",
        "the task failed there",
        "firesteel.exclude_on_failure",
        "no luck",
    ];
    says(failing.count(), &words);
    sc.stop();
}

#[test]
fn a_host_that_could_fail_a_job_alone_is_refused() {
    let builder = |failures| {
        let builder = Context::builder().master("local[1]").conf("spark.excludeOnFailure.enabled", "true");
        builder.conf("spark.task.maxFailures", failures)
    };
    let words =
        ["firesteel.exclude_on_failure.task.max_task_attempts_per_node", "firesteel.task.max_failures"];
    says(builder("2").create(), &words);
    // It matters only where tasks keep away from hosts.
    let application_alone = builder("2").conf("spark.excludeOnFailure.taskAndStage.enabled", "false");
    application_alone.create().unwrap().stop();
}
