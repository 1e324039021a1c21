//! Scenarios of the worker's state machine and of the masters' lease.

use firesteel_standalone::*;
use firesteel_types::{ExecutorId, Millis};

fn state() -> WorkerState {
    let offer = WorkerOffer { host: "a".into(), resources: Resources::new(4, 4096), pages: None };
    WorkerState::new(WorkerId::new("worker-a"), offer)
}

fn executor(number: u32) -> ExecutorName {
    ExecutorName { application: ApplicationId::new("app-1"), executor: ExecutorId(number) }
}

fn launch(number: u32, cores: u32) -> WorkerOrder {
    let spec = ApplicationSpec {
        name: "count".into(),
        user: "ada".into(),
        cores_max: None,
        cores_per_executor: None,
        memory_per_executor_mib: 512,
        pages: None,
        launch: Payload::default(),
    };
    WorkerOrder::LaunchExecutor { executor: executor(number), resources: Resources::new(cores, 512), spec }
}

fn obey(state: &mut WorkerState, epoch: u64, order: WorkerOrder) -> Vec<String> {
    let mut todo = vec![];
    state.obey(FencedOrder { epoch: Epoch(epoch), order }, &mut todo);
    todo.iter().map(line).collect()
}

fn line(action: &WorkerAction) -> String {
    match action {
        WorkerAction::StartExecutor(name, ..) => format!("start {name}"),
        WorkerAction::StopExecutor(name) => format!("stop {name}"),
        WorkerAction::RemoveFiles(application) => format!("remove files of {application}"),
        WorkerAction::Say(WorkerMessage::ExecutorEnded { executor, outcome }) => {
            format!("{executor}: {outcome:?}")
        }
        other => format!("{other:?}"),
    }
}

fn end(state: &mut WorkerState, number: u32, outcome: ProcessOutcome) -> Vec<String> {
    let mut todo = vec![];
    state.executor_ended(&executor(number), outcome, &mut todo);
    todo.iter().map(line).collect()
}

#[test]
fn an_order_is_obeyed_once() {
    let mut state = state();
    assert_eq!(obey(&mut state, 1, launch(0, 2)), ["start app-1/0"]);
    assert!(obey(&mut state, 1, launch(0, 2)).is_empty());
    assert_eq!(end(&mut state, 0, ProcessOutcome::Exited { code: 3 }), ["app-1/0: Exited { code: 3 }"]);
    assert!(end(&mut state, 0, ProcessOutcome::Exited { code: 3 }).is_empty());
    // Whoever asks again is told again.
    assert_eq!(obey(&mut state, 1, launch(0, 2)), ["app-1/0: Exited { code: 3 }"]);
    let kill = WorkerOrder::KillExecutor { executor: executor(0) };
    assert_eq!(obey(&mut state, 1, kill), ["app-1/0: Exited { code: 3 }"]);
}

#[test]
fn what_was_to_be_ended_is_not_started_by_a_late_order() {
    let mut state = state();
    let kill = WorkerOrder::KillExecutor { executor: executor(0) };
    assert_eq!(obey(&mut state, 1, kill), ["app-1/0: NeverStarted"]);
    assert_eq!(obey(&mut state, 1, launch(0, 2)), ["app-1/0: NeverStarted"]);
    let run = DriverRun { driver: DriverId::new("driver-1"), attempt: 0 };
    assert_eq!(obey(&mut state, 1, WorkerOrder::KillDriver { run: run.clone() }).len(), 1);
    let spec = DriverSpec { resources: Resources::new(1, 1), supervise: false, launch: Payload::default() };
    let again = obey(&mut state, 1, WorkerOrder::LaunchDriver { run, spec });
    assert!(again[0].contains("NeverStarted"), "{again:?}");
}

#[test]
fn files_go_when_the_last_executor_has_and_nothing_comes_after() {
    let mut state = state();
    obey(&mut state, 1, launch(0, 2));
    let clean = || WorkerOrder::CleanApplication { application: ApplicationId::new("app-1") };
    assert_eq!(obey(&mut state, 1, clean()), ["stop app-1/0"]);
    assert_eq!(obey(&mut state, 1, launch(1, 1)), ["app-1/1: NeverStarted"]);
    let lines = end(&mut state, 0, ProcessOutcome::Signalled { signal: 15 });
    assert_eq!(lines, ["app-1/0: Killed", "remove files of app-1"]);
    assert!(obey(&mut state, 1, clean()).is_empty());
    assert_eq!(obey(&mut state, 1, launch(2, 1)), ["app-1/2: NeverStarted"]);
    assert_eq!(state.report(), WorkerReport::default());
}

#[test]
fn more_than_there_is_room_for_is_refused() {
    let mut state = state();
    obey(&mut state, 1, launch(0, 3));
    let lines = obey(&mut state, 1, launch(1, 2));
    assert!(lines[0].contains("worker-a has 1 core and 3584 MiB free"), "{lines:?}");
}

#[test]
fn a_master_that_was_replaced_is_not_obeyed() {
    let mut state = state();
    obey(&mut state, 2, WorkerOrder::Registered { pages: None });
    assert!(obey(&mut state, 1, launch(0, 2)).is_empty());
    assert_eq!(state.used(), Resources::default());
    assert_eq!(obey(&mut state, 2, launch(0, 2)), ["start app-1/0"]);
}

const SETTINGS: LeaseSettings =
    LeaseSettings { duration_ms: 15_000, renew_interval_ms: 3_000, clock_bound_ms: 5_000 };

fn acquired(lease: &mut Lease, now: u64, read: Option<&LeaseRecord>) -> LeaseRecord {
    let LeaseAction::Acquire(record) = lease.decide(Millis(now), read) else {
        panic!("there is nobody who leads")
    };
    record
}

#[test]
fn a_lease_is_taken_renewed_and_taken_over_when_it_has_run_out() {
    let mut first = Lease::new("first", "a:7077", SETTINGS);
    let mut second = Lease::new("second", "b:7077", SETTINGS);
    let record = acquired(&mut first, 0, None);
    assert!(!first.holds(Millis(1)), "not before it is written");
    assert_eq!(first.wrote(Millis(1), &record, Some(&record)), Standing::Leads(Epoch(1)));
    assert!(first.holds(Millis(14_999)) && !first.holds(Millis(15_000)));
    assert_eq!(first.decide(Millis(10), Some(&record)), LeaseAction::Wait { until: Millis(3_000) });
    let LeaseAction::Renew(renewed) = first.decide(Millis(3_000), Some(&record)) else {
        panic!("it is time")
    };
    assert_eq!(first.wrote(Millis(3_010), &renewed, Some(&renewed)), Standing::Leads(Epoch(1)));
    // Another waits for the bound beyond the end, since its clock may be ahead.
    assert!(matches!(second.decide(Millis(22_999), Some(&renewed)), LeaseAction::Wait { .. }));
    let next = acquired(&mut second, 23_000, Some(&renewed));
    assert_eq!(next.epoch, Epoch(2));
    assert_eq!(second.wrote(Millis(23_001), &next, Some(&next)), Standing::Leads(Epoch(2)));
    assert_eq!(first.decide(Millis(17_000), Some(&next)), LeaseAction::StepDown);
}

#[test]
fn a_renewal_that_came_too_late_does_not_count() {
    let mut lease = Lease::new("first", "a:7077", SETTINGS);
    let record = acquired(&mut lease, 0, None);
    lease.wrote(Millis(1), &record, Some(&record));
    let LeaseAction::Renew(renewed) = lease.decide(Millis(14_000), Some(&record)) else {
        panic!("it is time")
    };
    // The old record has run out meanwhile, and another may have read it.
    assert_eq!(lease.wrote(Millis(15_500), &renewed, Some(&renewed)), Standing::Follows);
    assert!(!lease.holds(Millis(15_500)));
}

#[test]
fn a_renewal_that_is_told_after_stepping_down_begins_nothing_anew() {
    let mut lease = Lease::new("first", "a:7077", SETTINGS);
    let record = acquired(&mut lease, 0, None);
    lease.wrote(Millis(1), &record, Some(&record));
    let LeaseAction::Renew(renewed) = lease.decide(Millis(4_000), Some(&record)) else {
        panic!("it is time")
    };
    lease.step_down();
    assert_eq!(lease.wrote(Millis(4_010), &renewed, Some(&renewed)), Standing::Follows);
}

#[test]
fn of_two_that_want_the_lease_the_one_leads_whose_record_is_there() {
    let mut first = Lease::new("first", "a:7077", SETTINGS);
    let mut second = Lease::new("second", "b:7077", SETTINGS);
    let mine = acquired(&mut first, 0, None);
    let theirs = acquired(&mut second, 0, None);
    assert_eq!(first.wrote(Millis(1), &mine, Some(&theirs)), Standing::Follows);
    assert_eq!(second.wrote(Millis(1), &theirs, Some(&theirs)), Standing::Leads(Epoch(1)));
}
