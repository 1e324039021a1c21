//! Scenarios of the master: given these events, expect these effects.

#[path = "support/cluster.rs"]
mod cluster;

use cluster::{Cluster, name, run, runs, spec};
use firesteel_standalone::*;
use firesteel_types::ExecutorId;

const NOTHING: [&str; 0] = [];

fn cluster() -> Cluster {
    Cluster::new(MasterSettings::default())
}

fn room(cores: u32) -> Resources {
    Resources::new(cores, 4096)
}

#[test]
fn an_application_gets_executors_spread_over_workers() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(4), runs(&[], &[]));
    cluster.join(2, 2, room(4), runs(&[], &[]));
    assert_eq!(
        cluster.register(3, "k", spec(Some(4), Some(2))),
        [
            "a3 is app-20261126205743-0000",
            "a3 has []",
            "w1 launch 0000/0 with 2 cores and 512 MiB",
            "a3 added 0 on h1",
            "w2 launch 0000/1 with 2 cores and 512 MiB",
            "a3 added 1 on h2"
        ]
    );
}

#[test]
fn packed_they_lie_on_few_workers() {
    let mut cluster = Cluster::new(MasterSettings { spread_out: false, ..MasterSettings::default() });
    cluster.join(1, 1, room(4), runs(&[], &[]));
    cluster.join(2, 2, room(4), runs(&[], &[]));
    let lines = cluster.register(3, "k", spec(Some(4), None));
    assert_eq!(lines[2..], ["w1 launch 0000/0 with 4 cores and 512 MiB", "a3 added 0 on h1"]);
}

#[test]
fn who_finds_nothing_free_is_told_why_and_gets_it_when_it_is() {
    let mut cluster = cluster();
    assert_eq!(cluster.register(3, "k", spec(None, Some(2)))[2..], ["a3 waiting: there is no worker"]);
    let lines = cluster.join(1, 1, room(1), runs(&[], &[]));
    assert_eq!(lines, ["a3 waiting: no worker has 2 cores and 512 MiB; the largest has 1 core and 4096 MiB"]);
    let lines = cluster.join(2, 2, room(2), runs(&[], &[]));
    assert_eq!(lines, ["w2 launch 0000/0 with 2 cores and 512 MiB", "a3 added 0 on h2"]);
    let lines = cluster.register(4, "l", spec(None, Some(2)));
    assert_eq!(lines[2..], ["a4 waiting: no worker has 2 cores and 512 MiB free"]);
    cluster.application(3, ApplicationMessage::Finished { failure: None });
    // The executor takes its room until its worker says that it is gone.
    let lines = cluster.ended(2, name(0, 0), ProcessOutcome::Killed);
    assert_eq!(lines, ["w2 launch 0001/0 with 2 cores and 512 MiB", "a4 added 0 on h2"]);
}

#[test]
fn asking_twice_is_asking_once() {
    let mut cluster = cluster();
    cluster.register(3, "k", spec(None, None));
    assert_eq!(cluster.register(4, "k", spec(None, None))[0], "a4 is app-20261126205743-0000");
    assert_eq!(cluster.submit("d", false), ["c90 submitted driver-20261126205743-0000"]);
    assert_eq!(cluster.submit("d", false), ["c90 submitted driver-20261126205743-0000"]);
}

#[test]
fn an_executor_that_ends_is_replaced_under_another_number() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    assert_eq!(
        cluster.ended(1, name(0, 0), ProcessOutcome::Exited { code: 1 }),
        [
            "a3 lost 0: Ended { outcome: Exited { code: 1 } }",
            "w1 launch 0000/1 with 2 cores and 512 MiB",
            "a3 added 1 on h1"
        ]
    );
    assert_eq!(cluster.ended(1, name(0, 0), ProcessOutcome::Exited { code: 1 }), NOTHING, "said twice");
}

#[test]
fn executors_that_fail_again_and_again_fail_the_application_unless_one_is_ready() {
    let settings = MasterSettings { executor_backoff_ms: 0, ..MasterSettings::default() };
    for ready in [false, true] {
        let mut cluster = Cluster::new(settings.clone());
        cluster.join(1, 1, room(2), runs(&[], &[]));
        cluster.join(2, 2, room(2), runs(&[], &[]));
        cluster.register(3, "k", spec(None, Some(2)));
        if ready {
            let status = ApplicationStatus { wanted_executors: None, ready: vec![ExecutorId(1)] };
            cluster.application(3, ApplicationMessage::Heartbeat { status });
        }
        let mut last = cluster.ended(1, name(0, 0), ProcessOutcome::Exited { code: 1 });
        for executor in 2..=10 {
            last = cluster.ended(1, name(0, executor), ProcessOutcome::Exited { code: 1 });
        }
        assert_eq!(last.iter().any(|line| line.starts_with("a3 Ended { end: Failed")), !ready, "{last:?}");
    }
}

#[test]
fn what_ends_at_once_is_replaced_more_and_more_slowly() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    assert_eq!(cluster.ended(1, name(0, 0), ProcessOutcome::Exited { code: 0 }).len(), 3);
    let lines = cluster.ended(1, name(0, 1), ProcessOutcome::Exited { code: 0 });
    assert_eq!(lines[1..], ["a3 waiting: 2 executors ended in a row"]);
    assert_eq!(cluster.pass(99), NOTHING);
    assert_eq!(cluster.pass(1)[0], "w1 launch 0000/2 with 2 cores and 512 MiB");
}

#[test]
fn fewer_are_wanted_and_some_are_told_to_go() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(4), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    let status = ApplicationStatus { wanted_executors: Some(1), ready: vec![] };
    assert_eq!(cluster.application(3, ApplicationMessage::Heartbeat { status }), NOTHING);
    let lines = cluster.application(3, ApplicationMessage::KillExecutors { executors: vec![ExecutorId(0)] });
    assert_eq!(lines, ["w1 kill 0000/0", "a3 lost 0: KillRequested"]);
    assert_eq!(cluster.ended(1, name(0, 0), ProcessOutcome::Killed), NOTHING);
    let status = ApplicationStatus { wanted_executors: Some(2), ready: vec![] };
    assert_eq!(cluster.application(3, ApplicationMessage::Heartbeat { status }).len(), 2);
}

#[test]
fn the_room_of_what_is_killed_is_free_when_it_is_gone_and_not_before() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(4), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    let lines = cluster.application(3, ApplicationMessage::KillExecutors { executors: vec![ExecutorId(1)] });
    assert_eq!(lines, ["w1 kill 0000/1", "a3 lost 1: KillRequested"]);
    let beat = WorkerMessage::Heartbeat { report: runs(&[name(0, 0), name(0, 1)], &[]) };
    assert_eq!(cluster.worker(1, beat), ["w1 kill 0000/1"], "again, in case the order was lost");
    let lines = cluster.ended(1, name(0, 1), ProcessOutcome::Killed);
    assert_eq!(lines, ["w1 launch 0000/2 with 2 cores and 512 MiB", "a3 added 2 on h1"]);
}

#[test]
fn a_silent_worker_is_lost_and_ends_what_it_ran_when_it_comes_back() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    cluster.pass(50_000);
    cluster.application(3, ApplicationMessage::Heartbeat { status: ApplicationStatus::default() });
    let lines = cluster.pass(15_000);
    assert_eq!(
        lines,
        [
            "a3 lost 0: WorkerLost { reason: \"it was silent for 60000 ms\" }",
            "a3 waiting: there is no worker"
        ]
    );
    assert_eq!(cluster.worker(1, WorkerMessage::Heartbeat { report: runs(&[], &[]) }), ["w1 RegisterAgain"]);
    assert_eq!(
        cluster.join(1, 1, room(2), runs(&[name(0, 0)], &[])),
        ["w1 kill 0000/0", "a3 waiting: no worker has 2 cores and 512 MiB free"]
    );
    // It takes room until it is gone; then its place is filled.
    assert_eq!(
        cluster.ended(1, name(0, 0), ProcessOutcome::Killed),
        ["w1 launch 0000/1 with 2 cores and 512 MiB", "a3 added 1 on h1"]
    );
}

#[test]
fn an_order_that_was_lost_is_noticed_by_reports() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    let beat = || WorkerMessage::Heartbeat { report: WorkerReport::default() };
    assert_eq!(cluster.worker(1, beat()), NOTHING, "the order may be under way");
    cluster.pass(8_000);
    assert_eq!(cluster.worker(1, beat()), NOTHING);
    cluster.pass(8_000);
    assert_eq!(cluster.worker(1, beat()), ["w1 kill 0000/0"]);
    assert_eq!(
        cluster.ended(1, name(0, 0), ProcessOutcome::NeverStarted),
        [
            "a3 lost 0: Ended { outcome: NeverStarted }",
            "w1 launch 0000/1 with 2 cores and 512 MiB",
            "a3 added 1 on h1"
        ]
    );
}

#[test]
fn a_worker_that_is_sent_away_gets_nothing_and_its_executors_are_replaced() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.register(3, "k", spec(Some(2), Some(2)));
    cluster.join(2, 2, room(2), runs(&[], &[]));
    assert_eq!(
        cluster.worker(1, WorkerMessage::Decommission),
        [
            "w1 Decommission",
            "a3 will lose 0",
            "w2 launch 0000/1 with 2 cores and 512 MiB",
            "a3 added 1 on h2"
        ]
    );
    assert_eq!(cluster.worker(1, WorkerMessage::Leave), ["a3 lost 0: WorkerLost { reason: \"it left\" }"]);
}

#[test]
fn an_application_of_which_nothing_is_heard_ends_and_its_files_go() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    cluster.event(Event::LinkClosed { link: Link(3) });
    cluster.pass(40_000);
    cluster.worker(1, WorkerMessage::Heartbeat { report: runs(&[name(0, 0)], &[]) });
    assert_eq!(cluster.pass(20_000), ["w1 clean app-20261126205743-0000"]);
    assert_eq!(cluster.register(4, "k", spec(None, None)), ["a4 Ended { end: Lost }"]);
    let report = WorkerReport { applications: vec![name(0, 0).application], ..runs(&[name(0, 0)], &[]) };
    assert_eq!(
        cluster.worker(1, WorkerMessage::Heartbeat { report }),
        ["w1 kill 0000/0", "w1 clean app-20261126205743-0000"],
        "again, in case the first order was lost"
    );
}

#[test]
fn a_driver_is_started_again_only_if_it_is_supervised() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    for supervise in [false, true] {
        let lines = cluster.submit(if supervise { "s" } else { "d" }, supervise);
        assert!(lines[1].starts_with("w1 launch driver-"), "{lines:?}");
    }
    let code = ProcessOutcome::Exited { code: 3 };
    let message = |driver| WorkerMessage::DriverEnded { run: run(driver, 0), outcome: code.clone() };
    assert_eq!(cluster.worker(1, message(0)), NOTHING);
    let status = ClientMessage::DriverStatus { driver: run(0, 0).driver };
    assert_eq!(cluster.client(9, status), ["c9 FAILED Failed { outcome: Exited { code: 3 } }"]);
    assert_eq!(cluster.worker(1, message(1)), NOTHING, "it waits its time");
    assert_eq!(cluster.pass(1_000), ["w1 launch driver-20261126205743-0001 (attempt 1)"]);
    let well = WorkerMessage::DriverEnded { run: run(1, 1), outcome: ProcessOutcome::Exited { code: 0 } };
    assert_eq!(cluster.worker(1, well), NOTHING);
    let status = ClientMessage::DriverStatus { driver: run(1, 0).driver };
    assert_eq!(cluster.client(9, status), ["c9 FINISHED Finished"]);
}

#[test]
fn a_driver_that_never_ran_is_launched_again_even_without_supervision() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.submit("d", false);
    let message = WorkerMessage::DriverEnded { run: run(0, 0), outcome: ProcessOutcome::NeverStarted };
    assert_eq!(cluster.worker(1, message), ["w1 launch driver-20261126205743-0000 (attempt 1)"]);
}

#[test]
fn a_lost_workers_driver_runs_elsewhere_only_if_it_is_supervised() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.submit("d", false);
    cluster.submit("s", true);
    cluster.join(2, 2, room(2), runs(&[], &[]));
    cluster.worker(1, WorkerMessage::Leave);
    let status = ClientMessage::DriverStatus { driver: run(0, 0).driver };
    assert_eq!(cluster.client(9, status), ["c9 ERROR Error { reason: \"its worker was lost: it left\" }"]);
    assert_eq!(cluster.pass(1_000), ["w2 launch driver-20261126205743-0001 (attempt 1)"]);
}

#[test]
fn a_driver_that_is_killed_is_not_started_again() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.submit("s", true);
    let kill = ClientMessage::KillDriver { driver: run(0, 0).driver };
    assert_eq!(cluster.client(9, kill)[0], "w1 kill driver-20261126205743-0000 (attempt 0)");
    let message = WorkerMessage::DriverEnded { run: run(0, 0), outcome: ProcessOutcome::Killed };
    assert_eq!(cluster.worker(1, message), NOTHING);
    assert_eq!(cluster.pass(120_000), NOTHING);
}

#[test]
fn a_new_master_takes_over_what_runs_and_launches_nothing_before() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(4), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    cluster.submit("d", false);
    assert_eq!(cluster.takeover(MasterSettings::default()), NOTHING);
    assert!(cluster.master.is_recovering());
    assert_eq!(cluster.register(1, "k", spec(None, Some(2))), ["a1 is app-20261126205743-0000"]);
    assert_eq!(
        cluster.join(2, 1, room(4), runs(&[name(0, 0), name(0, 1)], &[])),
        ["a1 has [0, 1]"],
        "all are back"
    );
    assert!(!cluster.master.is_recovering());
    let lines = cluster.ended(2, name(0, 1), ProcessOutcome::Exited { code: 1 });
    assert_eq!(lines[0], "a1 lost 1: Ended { outcome: Exited { code: 1 } }");
    let lines = cluster.register(5, "new", spec(None, Some(2)));
    assert_eq!(lines[0], "a5 is app-20261126205743-0001", "numbers are not used twice");
}

#[test]
fn who_does_not_come_back_to_a_new_master_is_lost() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(4), runs(&[], &[]));
    cluster.register(3, "k", spec(Some(2), Some(2)));
    cluster.submit("s", true);
    cluster.takeover(MasterSettings::default());
    cluster.join(1, 2, room(4), runs(&[], &[]));
    let mut lines = cluster.pass(30_000);
    cluster.worker(1, WorkerMessage::Heartbeat { report: runs(&[], &[]) });
    lines.extend(cluster.pass(30_000));
    assert_eq!(lines, ["w1 clean app-20261126205743-0000"]);
    assert_eq!(cluster.pass(1_000), ["w1 launch driver-20261126205743-0000 (attempt 1)"]);
    assert_eq!(cluster.register(7, "k", spec(None, None)), ["a7 Ended { end: Lost }"]);
}

#[test]
fn a_worker_that_was_given_up_before_the_takeover_ends_what_it_runs() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    cluster.worker(1, WorkerMessage::Leave);
    cluster.takeover(MasterSettings::default());
    assert_eq!(cluster.join(1, 1, room(2), runs(&[name(0, 0)], &[])), ["w1 kill 0000/0"]);
}

#[test]
fn a_master_that_stood_still_gives_everybody_the_time_back() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(2), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    cluster.now = cluster.now + 3_600_000;
    assert_eq!(cluster.event(Event::Tick), NOTHING);
    assert_eq!(cluster.worker(1, WorkerMessage::Heartbeat { report: runs(&[name(0, 0)], &[]) }), NOTHING);
}

#[test]
fn words_of_connections_that_were_given_up_change_nothing() {
    let mut cluster = cluster();
    cluster.join(5, 1, room(2), runs(&[], &[]));
    cluster.register(6, "k", spec(None, Some(2)));
    assert_eq!(cluster.join(4, 1, room(2), runs(&[], &[])), NOTHING, "an older connection");
    assert_eq!(cluster.event(Event::LinkClosed { link: Link(4) }), NOTHING);
    assert_eq!(cluster.ended(4, name(0, 0), ProcessOutcome::Killed), ["w4 RegisterAgain"]);
    assert_eq!(cluster.master.overview().applications[0].executors.len(), 1);
    assert_eq!(cluster.worker(77, WorkerMessage::Decommission), ["w77 RegisterAgain"]);
    assert_eq!(cluster.worker(77, WorkerMessage::Leave), NOTHING, "leaving needs no registration");
    assert_eq!(
        cluster.application(77, ApplicationMessage::Finished { failure: None }),
        ["a77 RegisterAgain"]
    );
}

#[test]
fn impossible_wishes_are_refused() {
    let mut cluster = cluster();
    let lines = cluster.register(1, "k", spec(Some(2), Some(4)));
    assert!(lines[0].contains("no room for one executor of 4 cores"), "{lines:?}");
    assert!(cluster.register(1, "k", spec(None, Some(0)))[0].contains("at least one core"));
    let message = ApplicationMessage::Register {
        key: RequestKey::new("k"),
        known_as: Some(name(7, 0).application),
        spec: spec(None, None),
        status: ApplicationStatus::default(),
    };
    assert!(cluster.application(1, message)[0].contains("is not known here any more"));
}

#[test]
fn the_overview_adds_up() {
    let mut cluster = cluster();
    cluster.join(1, 1, room(4), runs(&[], &[]));
    cluster.register(3, "k", spec(Some(2), Some(2)));
    cluster.submit("d", false);
    let overview = cluster.master.overview();
    assert_eq!((overview.total, overview.used), (room(4), Resources::new(3, 1024)));
    assert_eq!((overview.workers[0].executors, overview.workers[0].drivers), (1, 1));
    assert_eq!(overview.applications[0].executors[0].condition, ExecutorCondition::Launching);
}

#[test]
fn the_overview_remembers_what_was_lost_and_what_ended() {
    let settings = MasterSettings { retained_lost: 2, ..MasterSettings::default() };
    let mut cluster = Cluster::new(settings);
    cluster.join(1, 1, room(4), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(2)));
    cluster.ended(1, name(0, 0), ProcessOutcome::Signalled { signal: 9 });
    cluster.worker(1, WorkerMessage::Leave);
    let overview = cluster.master.overview();
    assert!(overview.workers.is_empty());
    assert_eq!((overview.lost_workers.len(), &*overview.lost_workers[0].reason), (1, "it left"));
    let ends: Vec<_> = overview.ended_executors.iter().map(|ended| ended.executor.executor.0).collect();
    assert_eq!(ends, [1, 2], "the oldest beyond the limit is forgotten");
    let reason = "it left".to_string();
    assert_eq!(overview.ended_executors[0].end, Some(ExecutorEnd::WorkerLost { reason }));
    cluster.join(4, 1, room(4), runs(&[], &[]));
    assert!(cluster.master.overview().lost_workers.is_empty(), "it came back");
    for worker in 2..=4 {
        cluster.join(worker + 10, worker, room(4), runs(&[], &[]));
        cluster.worker(worker + 10, WorkerMessage::Leave);
    }
    let lost: Vec<_> =
        cluster.master.overview().lost_workers.iter().map(|lost| lost.worker.worker.to_string()).collect();
    assert_eq!(lost, ["worker-3", "worker-4"]);
}

#[test]
fn executors_of_an_ended_application_are_remembered_with_it() {
    let mut cluster = Cluster::new(MasterSettings { retained_applications: 1, ..MasterSettings::default() });
    cluster.join(1, 1, room(4), runs(&[], &[]));
    cluster.register(3, "k", spec(None, Some(4)));
    cluster.application(3, ApplicationMessage::Finished { failure: None });
    let ended = cluster.master.overview().ended_executors;
    assert_eq!((ended.len(), &ended[0].executor, &ended[0].end), (1, &name(0, 0), &None));
    cluster.ended(1, name(0, 0), ProcessOutcome::Killed);
    cluster.register(4, "l", spec(None, Some(4)));
    cluster.application(4, ApplicationMessage::Finished { failure: None });
    let ended = cluster.master.overview().ended_executors;
    assert_eq!((ended.len(), &ended[0].executor), (1, &name(1, 0)), "forgotten with its application");
}
