//! Executors that go while their application runs: what they have is taken over by those who stay, so that nothing is computed again.
//!
//! An executor that is sent away takes no more tasks. If its files go, too, with it or with the worker that serves them, a thread here
//! moves what they hold and nobody else has: map outputs and kept partitions, in rounds, while its last tasks still run. When nothing is
//! left and nothing runs, the executor is let go; the worker, which waits for its executors, can end then. What could not be moved in
//! time is lost with it, and computed again when somebody needs it.
//!
//! What is moved where is decided in the scheduler's [`MigrationPlan`]; when to stop in [`Patience`].

use crate::driver::Driver;
use firesteel_executor::Fleet;
use firesteel_scheduler::{MigrationPlan, SoleCopies};
use firesteel_types::{BlockKey, ExecutorId};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How often to look again where nobody says that something has changed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Driver {
    /// Sends an agent away; `with_files` says that whoever serves its files goes as well.
    pub(crate) fn decommission(self: &Arc<Self>, name: &str, with_files: bool) {
        let Some(remote) = self.remote() else { return };
        let Some(place) = remote.fleet.begin_decommission(name, with_files) else { return };
        if !remote.fleet.begin_move(&place) {
            return;
        }
        let (driver, fleet, within) =
            (Arc::downgrade(self), remote.fleet.clone(), remote.decommission_within);
        let away = place.clone();
        let clear = move || clear(&driver, &fleet, &away, within);
        if thread::Builder::new().name("firesteel-decommission".into()).spawn(clear).is_err() {
            let leavers = remote.fleet.leavers(&place);
            remote.fleet.release(leavers.iter().map(|leaver| leaver.agent));
        }
    }

    /// What only these executors have.
    fn held_by(&self, fleet: &Fleet, place: &str) -> SoleCopies {
        let there = fleet.executors_at(place);
        self.with_scheduler(|scheduler| scheduler.sole_copies(&there))
    }
}

/// Whether moving goes on.
#[derive(Debug)]
struct Patience {
    within: Duration,
    /// Since when no task runs any more where things are moved from.
    idle_since: Option<Instant>,
}

impl Patience {
    fn new(within: Duration) -> Self {
        Patience { within, idle_since: None }
    }

    /// Whether time is up: tasks may run for as long as they like, and after them moving may take so long.
    fn is_over(&mut self, now: Instant, is_busy: bool) -> bool {
        if is_busy {
            self.idle_since = None;
            return false;
        }
        now - *self.idle_since.get_or_insert(now) >= self.within
    }
}

/// Moves everything away from a place, and lets its agents go.
fn clear(driver: &Weak<Driver>, fleet: &Fleet, place: &str, within: Duration) {
    let (mut moves, mut patience) = (MigrationPlan::default(), Patience::new(within));
    while !fleet.end_move(place) {
        let Some(driver) = driver.upgrade() else { return };
        // In this order: what is idle now has told of all that it has.
        let leavers = fleet.leavers(place);
        let held = driver.held_by(fleet, place);
        let is_busy = leavers.iter().any(|leaver| leaver.is_busy);
        let is_over = patience.is_over(Instant::now(), is_busy);
        if is_over || moves.is_hopeless(&held) {
            let idle = leavers.iter().filter(|leaver| !leaver.is_busy);
            fleet.release(idle.map(|leaver| leaver.agent));
            if is_busy {
                fleet.wait_for_change(LOOK_EVERY);
            }
            continue;
        }
        if !move_some(fleet, place, moves.deal(&held, &fleet.stayers(place)), within) {
            fleet.wait_for_change(LOOK_EVERY);
        }
    }
}

/// Has those who stay take over what was dealt to them, all at the same time. Whether anybody took anything.
fn move_some(
    fleet: &Fleet,
    place: &str,
    dealt: impl IntoIterator<Item = (ExecutorId, SoleCopies)>,
    within: Duration,
) -> bool {
    let ask = |(executor, held): (ExecutorId, SoleCopies)| {
        let outputs = held.outputs.into_iter().map(|(shuffle, output)| (shuffle, output.map, output.task));
        let cached =
            held.cached.into_iter().map(|(rdd, partition, version)| BlockKey { rdd, partition, version });
        fleet.migrate(executor, place, outputs.collect(), cached.collect())
    };
    let asked: Vec<Receiver<usize>> = dealt.into_iter().filter_map(ask).collect();
    let deadline = Instant::now() + within;
    let answer = |answer: Receiver<usize>| {
        answer.recv_timeout(deadline.saturating_duration_since(Instant::now())).unwrap_or(0)
    };
    asked.into_iter().map(answer).sum::<usize>() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_begins_when_the_last_task_has_ended() {
        let (now, minute) = (Instant::now(), Duration::from_secs(60));
        let mut patience = Patience::new(minute);
        assert!(!patience.is_over(now, true) && !patience.is_over(now + 10 * minute, true));
        assert!(!patience.is_over(now + 10 * minute, false));
        assert!(!patience.is_over(now + 10 * minute + minute / 2, false));
        assert!(patience.is_over(now + 11 * minute, false));
    }
}
