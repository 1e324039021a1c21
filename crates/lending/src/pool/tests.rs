//! One pool at a time, step by step; the simulator plays whole stories.

use super::*;
use crate::event::Excluded;
use PoolAction::*;

struct Story {
    pool: Pool,
    now: u64,
}

fn pool(change: impl FnOnce(&mut PoolSettings)) -> Story {
    let mut settings = PoolSettings { driver: "10.0.0.1:7000".into(), ..PoolSettings::default() };
    change(&mut settings);
    Story { pool: Pool::new(settings), now: 0 }
}

impl Story {
    fn on(&mut self, event: PoolEvent) -> Vec<PoolAction> {
        let mut todo = vec![];
        self.pool.handle(Millis(self.now), event, &mut todo);
        todo
    }

    fn after(&mut self, ms: u64) -> Vec<PoolAction> {
        self.now += ms;
        self.on(PoolEvent::Tick)
    }

    fn granted(&mut self, name: &str) -> Vec<PoolAction> {
        self.on(PoolEvent::Granted { name: name.into(), host: "n1".into() })
    }

    fn ready(&mut self, name: &str) -> Vec<PoolAction> {
        self.on(PoolEvent::Registered(name.into()))
    }

    fn exits(&mut self, name: &str) -> Vec<PoolAction> {
        self.on(PoolEvent::Lost { name: name.into(), loss: Loss::own(exited()) })
    }

    fn taken(&mut self, name: &str) -> Vec<PoolAction> {
        self.on(PoolEvent::Lost { name: name.into(), loss: Loss::taken("preempted") })
    }

    /// A pool with executors that are ready.
    fn with_ready(mut self, names: &[&str]) -> Story {
        self.on(PoolEvent::Want(names.len() as u32));
        for name in names {
            self.granted(name);
            assert_eq!(self.ready(name), []);
        }
        self
    }
}

fn exited() -> ExecutorLossReason {
    ExecutorLossReason::Exited { code: Some(1) }
}

fn gone(name: &str) -> PoolAction {
    Ended(name.into(), exited())
}

fn exited_well() -> ExecutorLossReason {
    ExecutorLossReason::Exited { code: Some(0) }
}

/// What is done about one that should not be there: it gets no tasks, and ends.
fn sent_away(name: &str) -> [PoolAction; 2] {
    [Decommissioned(name.into()), Release(name.into())]
}

#[test]
fn large_requests_go_in_batches_as_executors_are_named() {
    let mut story = pool(|settings| settings.batch = 3);
    assert_eq!(story.on(PoolEvent::Want(5)), [Request(3)]);
    assert_eq!(story.granted("a"), [Request(1)]);
    assert_eq!(story.granted("b"), [Request(1)]);
    assert_eq!(story.granted("c"), []);
    assert_eq!(story.on(PoolEvent::Want(4)), [Withdraw(1)], "what is outstanding goes first");
    assert_eq!(story.on(PoolEvent::Want(2)), [Withdraw(1), Release("c".into())], "then what is not ready");
}

#[test]
fn what_is_said_twice_or_too_late_changes_nothing() {
    let mut story = pool(|_| {}).with_ready(&["a", "b"]);
    assert_eq!(story.granted("a"), []);
    assert_eq!(story.exits("a"), [gone("a"), Request(1)]);
    assert_eq!(story.exits("a"), []);
    assert_eq!(story.granted("a"), [], "it was late");
    assert_eq!(story.pool.outstanding(), 1);
    assert_eq!(story.ready("a"), sent_away("a"), "it lives although its manager has called it gone");
    assert_eq!(story.exits("c"), [gone("c")], "it ended before it was named");
    assert_eq!(story.granted("c"), []);
}

#[test]
fn an_agent_that_is_faster_than_its_manager_is_no_stranger() {
    let mut story = pool(|_| {});
    assert_eq!(story.on(PoolEvent::Want(1)), [Request(1)]);
    assert_eq!(story.ready("a"), []);
    assert_eq!(story.granted("a"), []);
    assert_eq!((story.pool.ready(), story.pool.outstanding()), (1, 0));
}

#[test]
fn more_than_was_asked_for_is_given_back() {
    let mut story = pool(|_| {});
    story.on(PoolEvent::Want(1));
    assert_eq!(story.granted("a"), []);
    assert_eq!(story.granted("b"), [Release("b".into())]);
    assert_eq!(story.exits("b"), [], "nobody needs to hear of it");
}

#[test]
fn an_executor_that_never_comes_is_given_back_and_told_with_both_addresses() {
    let mut story = pool(|settings| settings.register_within_ms = 30_000);
    story.on(PoolEvent::Want(1));
    story.granted("a");
    assert_eq!(story.pool.next_deadline(), Some(Millis(30_000)));
    let todo = story.after(30_000);
    let [Release(_), Ended(_, reason), Waits(why), rest @ ..] = &todo[..] else { panic!("{todo:?}") };
    for text in [&reason.to_string(), why] {
        assert!(text.contains("started on n1 30 s ago") && text.contains("10.0.0.1:7000"), "{text}");
    }
    assert_eq!(rest, [], "another is asked for after a pause");
    assert_eq!(story.after(1_000), [Request(1)]);
}

#[test]
fn refusals_are_told_once_and_asked_again_ever_less_often() {
    let mut story = pool(|_| {});
    let refused = || PoolEvent::Refused { count: 2, why: "exceeded quota".into() };
    assert_eq!(story.on(PoolEvent::Want(2)), [Request(2)]);
    assert_eq!(story.on(refused()), [Waits("exceeded quota".into())]);
    assert_eq!(story.after(999), []);
    assert_eq!(story.after(1), [Request(2)]);
    assert_eq!(story.on(refused()), []);
    assert_eq!(story.after(1_999), []);
    assert_eq!(story.after(1), [Request(2)]);
    story.granted("a");
    assert_eq!(story.on(refused()), [Waits("exceeded quota".into())], "one came in between");
}

#[test]
fn an_executor_that_is_taken_away_is_replaced_at_once_and_is_nobodys_fault() {
    let mut story = pool(|settings| settings.failures_at_most = Some(0)).with_ready(&["a"]);
    let notice = PoolEvent::Preempted { name: "a".into(), within_ms: 10_000 };
    assert_eq!(story.on(notice.clone()), [Decommissioned("a".into()), Request(1)]);
    assert_eq!(story.on(notice), []);
    assert_eq!(story.exits("a"), [gone("a")]);
    story.granted("b");
    assert!(matches!(&story.taken("b")[..], [Ended(..), Request(1)]));
}

#[test]
fn a_frozen_executor_is_released_and_its_end_is_told_when_it_comes() {
    let mut story = pool(|_| {}).with_ready(&["a"]);
    assert_eq!(story.on(PoolEvent::Disconnected("a".into())), [Request(1)]);
    assert_eq!(story.after(2_000), [Release("a".into())]);
    assert_eq!(story.exits("a"), [gone("a")]);
}

#[test]
fn the_application_is_given_up_after_three_failed_starts_in_a_row_unless_one_is_ready() {
    let mut story = pool(|_| {});
    story.on(PoolEvent::Want(1));
    for name in ["a", "b"] {
        story.granted(name);
        story.exits(name);
        story.after(60_000);
    }
    story.granted("c");
    assert_eq!(story.ready("c"), []);
    story.exits("c");
    for name in ["d", "e", "f"] {
        story.after(60_000);
        story.granted(name);
        let todo = story.exits(name);
        assert_eq!(todo.iter().any(|action| matches!(action, Over(_))), name == "f", "{todo:?}");
    }
    assert_eq!(story.after(60_000), [], "nothing is asked for any more");

    let mut story = pool(|_| {}).with_ready(&["a"]);
    story.on(PoolEvent::Want(2));
    for name in ["b", "c", "d", "e"] {
        story.granted(name);
        assert_eq!(story.exits(name), [gone(name)]);
        story.after(60_000);
    }
}

#[test]
fn too_many_failures_give_the_application_up_unless_they_are_old() {
    let mut story = pool(|settings| {
        (settings.failures_at_most, settings.failures_valid_ms) = (Some(2), Some(1_000_000));
    });
    story.on(PoolEvent::Want(1));
    for (at, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        story.granted(name);
        story.ready(name);
        let todo = story.exits(name);
        let over = todo.iter().any(|action| matches!(action, Over(why) if why.contains("no more than 2")));
        assert_eq!(over, at == 4, "{todo:?}");
        // The first two are forgotten before the others come.
        story.after(if at == 1 { 1_000_001 } else { 10 });
    }
}

#[test]
fn nothing_is_asked_for_after_the_end() {
    let mut story = pool(|_| {}).with_ready(&["a"]);
    story.on(PoolEvent::Want(4));
    assert_eq!(story.on(PoolEvent::Finish), [Withdraw(3)]);
    assert_eq!(story.exits("a"), [gone("a")]);
    assert_eq!(story.on(PoolEvent::Want(9)), []);
}

#[test]
fn an_end_that_was_announced_is_nobodys_fault_although_the_connection_ends_first() {
    let mut story = pool(|settings| settings.failures_at_most = Some(0)).with_ready(&["a", "b"]);
    for name in ["a", "b"] {
        story.on(PoolEvent::Preempted { name: name.into(), within_ms: 10_000 });
        assert_eq!(story.on(PoolEvent::Disconnected(name.into())), []);
    }
    assert_eq!(story.exits("a"), [gone("a")]);
    let todo = story.after(2_000);
    assert!(matches!(&todo[..], [Release(_), Ended(_, ExecutorLossReason::Taken { .. })]), "{todo:?}");
}

#[test]
fn an_executor_that_the_application_has_told_to_end_is_no_failure_unless_it_never_was_ready() {
    let mut story = pool(|settings| settings.failures_at_most = Some(0)).with_ready(&["a"]);
    let exits_well = |name: &str| PoolEvent::Lost { name: name.into(), loss: Loss::own(exited_well()) };
    story.on(PoolEvent::Want(0));
    story.on(PoolEvent::Disconnected("a".into()));
    assert_eq!(story.on(exits_well("a")), [Ended("a".into(), exited_well())]);
    story.on(PoolEvent::Want(1));
    story.granted("b");
    assert!(matches!(&story.on(exits_well("b"))[..], [Ended(..), Over(_)]));
}

#[test]
fn an_executor_that_lives_although_its_manager_has_called_it_gone_is_ended() {
    let mut story = pool(|_| {}).with_ready(&["a", "b"]);
    assert_eq!(story.exits("a"), [gone("a"), Request(1)]);
    assert_eq!(story.exits("b"), [gone("b"), Request(1)]);
    assert_eq!(story.on(PoolEvent::Disconnected("b".into())), [], "as it should");
    assert_eq!(story.pool.next_deadline(), Some(Millis(2_000)));
    assert_eq!(story.after(2_000), sent_away("a"));
    assert_eq!(story.pool.next_deadline(), None);
}

#[test]
fn an_executor_that_was_given_back_and_connects_again_does_not_count() {
    let mut story = pool(|_| {}).with_ready(&["a"]);
    story.on(PoolEvent::Disconnected("a".into()));
    assert_eq!(story.after(2_000), [Release("a".into())]);
    assert_eq!(story.ready("a"), sent_away("a"));
    assert_eq!(story.pool.ready(), 0);
    assert_eq!(story.exits("a"), [gone("a")]);
}

#[test]
fn what_comes_after_the_end_is_given_back() {
    let mut story = pool(|_| {});
    story.on(PoolEvent::Want(2));
    story.granted("a");
    assert_eq!(story.on(PoolEvent::Finish), [Withdraw(1)], "those that start end with the application");
    assert_eq!(story.granted("b"), [Release("b".into())]);
    assert_eq!(story.ready("b"), sent_away("b"));
}

#[test]
fn a_failed_start_does_not_cut_a_pause_short_and_pauses_double() {
    let mut story = pool(|settings| settings.failed_starts_at_most = 9);
    story.on(PoolEvent::Want(2));
    story.granted("a");
    story.on(PoolEvent::Refused { count: 1, why: "exceeded quota".into() });
    story.granted("b");
    story.on(PoolEvent::Refused { count: 1, why: "exceeded quota".into() });
    story.on(PoolEvent::Want(3));
    story.on(PoolEvent::Refused { count: 1, why: "exceeded quota".into() });
    assert_eq!(story.exits("a"), [gone("a")], "the pause after two refusals lasts 2 s");
    assert_eq!(story.after(1_999), []);
    assert_eq!(story.after(1), [Request(2)]);
    assert_eq!(story.exits("b"), [gone("b")]);
    assert_eq!(story.after(1_999), [], "the second failed start in a row");
    assert_eq!(story.after(1), [Request(1)]);
}

fn excluded(alone: &[&str], with_machine: &[&str]) -> PoolEvent {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    PoolEvent::Excluded(Excluded { alone: names(alone), with_machine: names(with_machine) })
}

fn avoid(machines: &[&str]) -> PoolAction {
    Avoid(machines.iter().map(ToString::to_string).collect())
}

#[test]
fn machines_of_excluded_executors_are_avoided_before_others_are_asked_for() {
    let mut story = pool(|_| {}).with_ready(&["a", "b", "c"]);
    let elsewhere = PoolEvent::Granted { name: "c".into(), host: "n2".into() };
    assert_eq!(story.on(elsewhere), [], "it is known by now where that one is");
    assert_eq!(story.on(excluded(&["a"], &[])), [], "one alone may be at fault by itself");
    assert_eq!(story.on(excluded(&["a", "b"], &[])), [avoid(&["n1"])]);
    assert_eq!(story.on(excluded(&["a", "b"], &[])), [], "it is told once");
    assert_eq!(story.exits("a"), [gone("a"), Request(1)], "one that is gone still counts for its machine");
    assert_eq!(story.on(excluded(&[], &["c"])), [avoid(&["n2"])]);
    assert_eq!(story.on(excluded(&[], &[])), [avoid(&[])]);
}

#[test]
fn nothing_replaces_an_excluded_executor_before_it_is_known_where_it_was() {
    let mut story = pool(|settings| settings.end_within_ms = 1_000);
    assert_eq!(story.on(PoolEvent::Want(2)), [Request(2)]);
    // Their agents were faster than their manager's word.
    story.ready("a");
    story.ready("b");
    assert_eq!(story.on(excluded(&[], &["a", "b"])), []);
    assert_eq!(story.on(PoolEvent::Disconnected("a".into())), [], "it could be started where a was");
    assert_eq!(story.on(PoolEvent::Disconnected("b".into())), []);
    assert_eq!(story.granted("a"), [avoid(&["n1"])], "and where b was nobody knows yet");
    assert_eq!(story.exits("a"), [gone("a")]);
    assert_eq!(story.after(1_000), [Release("b".into()), Request(2)], "nobody says where it was");
    assert_eq!(story.pool.next_deadline(), None);
}

#[test]
fn a_machine_that_is_named_late_is_avoided_from_then_on() {
    let mut story = pool(|settings| settings.excluded_per_machine = 1);
    assert_eq!(story.on(PoolEvent::Want(1)), [Request(1)]);
    story.ready("a");
    assert_eq!(story.on(excluded(&["a"], &[])), [], "nobody has said where it is");
    assert_eq!(story.granted("a"), [avoid(&["n1"])]);
    assert_eq!(story.on(PoolEvent::Want(2)), [Request(1)]);
    story.on(PoolEvent::Finish);
    assert_eq!(story.on(excluded(&[], &[])), [], "nothing is started any more");
}
