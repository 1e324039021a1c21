//! Scenarios of the application's side: its messages to the master, and the meaning of the master's orders.

use firesteel_standalone::*;
use firesteel_types::{ExecutorId, ExecutorLossReason, Millis};

const TIMEOUT_MS: u64 = 30_000;

fn side() -> ApplicationSide {
    let spec = ApplicationSpec {
        name: "count".into(),
        user: "ada".into(),
        cores_max: None,
        cores_per_executor: None,
        memory_per_executor_mib: 512,
        pages: None,
        launch: Payload::default(),
    };
    ApplicationSide::new(RequestKey::new("by chance"), spec, Some(3), TIMEOUT_MS)
}

/// An application that a master knows as `app-1`.
fn registered() -> ApplicationSide {
    let mut side = side();
    obey(&mut side, ApplicationOrder::Registered { application: ApplicationId::new("app-1") });
    side
}

/// The actions of a call, as lines.
fn actions(call: impl FnOnce(&mut Vec<ApplicationAction>)) -> Vec<String> {
    let mut todo = vec![];
    call(&mut todo);
    todo.iter().map(line).collect()
}

fn obey(side: &mut ApplicationSide, order: ApplicationOrder) -> Vec<String> {
    actions(|todo| side.obey(Millis(1), order, todo))
}

fn line(action: &ApplicationAction) -> String {
    match action {
        ApplicationAction::Send(ApplicationMessage::Register { known_as, status, .. }) => {
            let name = known_as.as_ref().map_or("new", ApplicationId::as_str);
            format!("register {name}, {}", numbers(status))
        }
        ApplicationAction::Send(ApplicationMessage::Heartbeat { status }) => {
            format!("heartbeat, {}", numbers(status))
        }
        ApplicationAction::Send(ApplicationMessage::Finished { failure: None }) => "finished".into(),
        other => format!("{other:?}"),
    }
}

fn numbers(status: &ApplicationStatus) -> String {
    let ready: Vec<u32> = status.ready.iter().map(|executor| executor.0).collect();
    format!("wants {:?}, ready {ready:?}", status.wanted_executors)
}

#[test]
fn each_connection_begins_with_a_registration_that_says_everything() {
    let mut side = side();
    assert_eq!(actions(|todo| side.connected(Millis(0), todo)), ["register new, wants Some(3), ready []"]);
    obey(&mut side, ApplicationOrder::Registered { application: ApplicationId::new("app-1") });
    actions(|todo| side.executor_ready(ExecutorId(4), todo));
    let again = ["register app-1, wants Some(3), ready [4]"];
    assert_eq!(actions(|todo| side.connected(Millis(9), todo)), again);
    assert_eq!(obey(&mut side, ApplicationOrder::RegisterAgain), again);
}

#[test]
fn the_master_is_told_at_once_of_new_wishes_and_of_executors_that_are_ready() {
    let mut side = registered();
    let ready = actions(|todo| side.executor_ready(ExecutorId(1), todo));
    assert_eq!(ready, ["heartbeat, wants Some(3), ready [1]"]);
    assert_eq!(actions(|todo| side.want(Some(5), todo)), ["heartbeat, wants Some(5), ready [1]"]);
    side.executor_disconnected(ExecutorId(1));
    assert_eq!(actions(|todo| side.heartbeat(Millis(1), todo)), ["heartbeat, wants Some(5), ready []"]);
}

#[test]
fn a_silent_master_is_left() {
    let mut side = registered();
    actions(|todo| side.connected(Millis(1_000), todo));
    assert_eq!(actions(|todo| side.heartbeat(Millis(1_000 + TIMEOUT_MS), todo)).len(), 1);
    assert_eq!(actions(|todo| side.heartbeat(Millis(1_001 + TIMEOUT_MS), todo)), ["Disconnect"]);
    actions(|todo| side.obey(Millis(20_000), ApplicationOrder::Heard, todo));
    let beat = actions(|todo| side.heartbeat(Millis(1_001 + TIMEOUT_MS), todo));
    assert_eq!(beat, ["heartbeat, wants Some(3), ready []"], "the master has answered meanwhile");
}

#[test]
fn the_end_is_repeated_until_the_master_knows_it() {
    let mut side = registered();
    assert_eq!(actions(|todo| side.finish(todo)), ["finished"]);
    assert!(side.is_finishing() && side.needs_master() && !side.is_ended());
    assert_eq!(actions(|todo| side.heartbeat(Millis(1), todo)).last().unwrap(), "finished");
    let connected = actions(|todo| side.connected(Millis(2), todo));
    assert_eq!(connected, ["register app-1, wants Some(3), ready []", "finished"]);
    assert!(obey(&mut side, ApplicationOrder::Ended { end: ApplicationEnd::Finished }).is_empty());
    assert!(side.is_ended() && !side.needs_master());
}

#[test]
fn an_application_that_no_master_knows_finishes_without_one() {
    let mut side = side();
    assert!(side.needs_master());
    actions(|todo| side.finish(todo));
    assert!(!side.needs_master());
    // The answer to a registration that was on its way: the master is to know the end too.
    obey(&mut side, ApplicationOrder::Registered { application: ApplicationId::new("app-1") });
    assert!(side.needs_master());
    side.abandon();
    assert!(!side.needs_master());
}

#[test]
fn an_application_that_the_cluster_ends_fails_with_the_reason() {
    let failed = ApplicationEnd::Failed { reason: "too many executors failed".into() };
    let endings = [
        (
            ApplicationOrder::Refused { reason: "no cores".into() },
            "the master refuses the application: no cores",
        ),
        (ApplicationOrder::Ended { end: failed }, "too many executors failed"),
        (ApplicationOrder::Ended { end: ApplicationEnd::Killed }, "killed by a request to the master"),
        (ApplicationOrder::Ended { end: ApplicationEnd::Lost }, "heard nothing for too long"),
    ];
    for (order, words) in endings {
        let mut side = registered();
        let todo = obey(&mut side, order);
        assert!(todo.len() == 1 && todo[0].starts_with("Fail") && todo[0].contains(words), "{todo:?}");
        assert!(side.is_ended());
    }
}

#[test]
fn nothing_matters_after_the_end() {
    let mut side = registered();
    obey(&mut side, ApplicationOrder::Ended { end: ApplicationEnd::Finished });
    assert!(obey(&mut side, ApplicationOrder::RegisterAgain).is_empty());
    assert!(obey(&mut side, ApplicationOrder::Waiting { reason: "no workers".into() }).is_empty());
    assert!(actions(|todo| side.heartbeat(Millis(u64::MAX), todo)).is_empty());
    assert!(actions(|todo| side.want(None, todo)).is_empty());
    assert_eq!(actions(|todo| side.connected(Millis(3), todo)), ["Disconnect"]);
    assert!(actions(|todo| side.finish(todo)).is_empty());
}

#[test]
fn the_reason_of_an_executors_loss_is_the_schedulers() {
    let ended = |outcome| ExecutorEnd::Ended { outcome };
    let failed_to_start = ProcessOutcome::FailedToStart { reason: "no file".into() };
    let reasons = [
        (ended(ProcessOutcome::Exited { code: 3 }), ExecutorLossReason::Exited { code: Some(3) }),
        (
            ended(ProcessOutcome::Signalled { signal: 9 }),
            ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 },
        ),
        (
            ended(failed_to_start),
            ExecutorLossReason::Reported { words: "it could not be started: no file".into() },
        ),
        (ended(ProcessOutcome::Killed), ExecutorLossReason::Decommissioned),
        (ExecutorEnd::KillRequested, ExecutorLossReason::Decommissioned),
        (
            ExecutorEnd::WorkerLost { reason: "silent".into() },
            ExecutorLossReason::Reported { words: "its worker was lost: silent".into() },
        ),
    ];
    for (end, reason) in reasons {
        let mut todo = vec![];
        registered().obey(
            Millis(1),
            ApplicationOrder::ExecutorEnded { executor: ExecutorId(2), end },
            &mut todo,
        );
        assert_eq!(todo, [ApplicationAction::ExecutorEnded(ExecutorId(2), reason)]);
    }
}
