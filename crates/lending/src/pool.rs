//! The pool of executors that an application has on loan.
//!
//! An executor is *outstanding* when it was asked for, *granted* when the manager has named it, *ready* when its agent
//! has registered with the driver, and *leaving* when the manager has announced that it takes it away. Outstanding,
//! granted and ready ones count; the pool asks for what is missing to the wanted number, and withdraws or gives back
//! what is too much, except ready ones: those the application releases itself, after their blocks have moved.

use crate::event::{PoolAction, PoolEvent};
use crate::exclusions::Exclusions;
use crate::loss::Loss;
use crate::settings::{PoolSettings, Shape};
use firesteel_types::{ExecutorLossReason, Millis};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The executors on loan: those that were asked for, those that are named, ready, or about to go.
///
/// ```
/// use firesteel_lending::{Loss, Pool, PoolAction, PoolEvent, PoolSettings};
/// use firesteel_types::{ExecutorLossReason, Millis};
///
/// let mut pool = Pool::new(PoolSettings::default());
/// let mut todo = vec![];
/// pool.handle(Millis(0), PoolEvent::Want(2), &mut todo);
/// assert_eq!(todo, [PoolAction::Request(2)]);
/// let granted = |name: &str| PoolEvent::Granted { name: name.into(), host: "a".into() };
/// todo.clear();
/// pool.handle(Millis(5), granted("0"), &mut todo);
/// pool.handle(Millis(9), PoolEvent::Registered("0".into()), &mut todo);
/// let lost = PoolEvent::Lost { name: "0".into(), loss: Loss::own(ExecutorLossReason::Exited { code: Some(1) }) };
/// pool.handle(Millis(70), lost, &mut todo);
/// let reason = ExecutorLossReason::Exited { code: Some(1) };
/// assert_eq!(todo, [PoolAction::Ended("0".into(), reason), PoolAction::Request(1)]);
/// ```
#[derive(Debug)]
pub struct Pool {
    settings: PoolSettings,
    wanted: u32,
    outstanding: u32,
    executors: BTreeMap<String, Lent>,
    /// The names of those that are gone, or were given back: whatever is said of them comes too late.
    gone: BTreeSet<String>,
    /// Those that their manager has called gone while they were connected; the time by which their connections should
    /// have ended.
    lingering: BTreeMap<String, Millis>,
    failed_starts: u32,
    refusals: u32,
    failures: VecDeque<Millis>,
    /// No executor is asked for before this time.
    not_before: Millis,
    said: Option<String>,
    exclusions: Exclusions,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// Nothing is asked for any more, but the application was not told.
    Finished,
    /// The application was told that it gets none any more.
    GivenUp,
}

#[derive(Debug)]
struct Lent {
    host: String,
    stage: Stage,
    /// Its agent has registered, now or earlier.
    was_ready: bool,
    /// Its agent has registered, and the connection lasts.
    is_connected: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It starts; the time by which it has to be ready.
    Granted {
        until: Option<Millis>,
    },
    Ready,
    /// It is taken away; the time at which it should be gone.
    Leaving {
        until: Millis,
    },
    /// Its connection has ended; the time at which it is given back.
    Disconnected {
        until: Millis,
    },
    /// It was given back after its connection had ended, and its manager will say how it ended.
    Released,
}

impl Stage {
    /// Returns whether an executor counts among those that the application has or gets.
    fn counts(self) -> bool {
        matches!(self, Stage::Granted { .. } | Stage::Ready)
    }

    fn deadline(self) -> Option<Millis> {
        match self {
            Stage::Granted { until } => until,
            Stage::Ready | Stage::Released => None,
            Stage::Leaving { until } | Stage::Disconnected { until } => Some(until),
        }
    }
}

impl Pool {
    /// Makes a pool that wants no executor yet.
    pub fn new(settings: PoolSettings) -> Self {
        Pool {
            settings,
            wanted: 0,
            outstanding: 0,
            executors: BTreeMap::new(),
            gone: BTreeSet::new(),
            lingering: BTreeMap::new(),
            failed_starts: 0,
            refusals: 0,
            failures: VecDeque::new(),
            not_before: Millis(0),
            said: None,
            exclusions: Exclusions::default(),
            phase: Phase::Running,
        }
    }

    /// Returns the number of executors that are ready.
    pub fn ready(&self) -> u32 {
        self.executors.values().filter(|lent| lent.stage == Stage::Ready).count() as u32
    }

    /// Returns the number of executors that were asked for and not named yet.
    pub fn outstanding(&self) -> u32 {
        self.outstanding
    }

    /// Returns the size of each executor.
    pub fn shape(&self) -> Shape {
        self.settings.shape
    }

    /// Returns the time at which [`Tick`](PoolEvent::Tick) is due, if nothing else happens.
    pub fn next_deadline(&self) -> Option<Millis> {
        let own =
            (self.is_running() && self.missing() > 0 && self.may_ask_for() > 0).then_some(self.not_before);
        let deadlines = self.executors.values().filter_map(|lent| lent.stage.deadline());
        deadlines.chain(self.lingering.values().copied()).chain(own).min()
    }

    /// Handles an event, and appends what is to be done.
    pub fn handle(&mut self, now: Millis, event: PoolEvent, todo: &mut Vec<PoolAction>) {
        match event {
            PoolEvent::Want(wanted) => self.wanted = wanted,
            PoolEvent::Granted { name, host } => {
                self.exclusions.runs(&name, &host);
                if self.granted(now, name.clone(), host) && !self.is_running() {
                    self.give_back(name, todo);
                }
            }
            PoolEvent::Refused { count, why } => self.refused(now, count, &why, todo),
            PoolEvent::Lost { name, loss } => self.lost(now, &name, loss, todo),
            PoolEvent::Preempted { name, within_ms } => self.preempted(now, name, within_ms, todo),
            PoolEvent::Excluded(excluded) => self.exclusions.set(excluded),
            PoolEvent::Registered(name) => self.registered(now, name, todo),
            PoolEvent::Disconnected(name) => self.disconnected(now, &name),
            PoolEvent::Finish => self.finish(todo),
            PoolEvent::Tick => {}
        }
        self.end_those_that_are_due(now, todo);
        self.end_those_that_linger(now, todo);
        self.avoid(todo);
        self.balance(now, todo);
    }

    fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    fn counted(&self) -> u32 {
        let named = self.executors.values().filter(|lent| lent.stage.counts()).count() as u32;
        self.outstanding.saturating_add(named)
    }

    fn missing(&self) -> u32 {
        self.wanted.saturating_sub(self.counted())
    }

    fn may_ask_for(&self) -> u32 {
        match self.waits_for_a_machine() {
            true => 0,
            false => self.settings.batch.saturating_sub(self.outstanding),
        }
    }

    /// Returns whether an executor has ended because it is excluded, before its manager said where it was: what replaces it
    /// could be started there. The manager's word on its end says so, too. It has a while for that, and then nobody waits.
    fn waits_for_a_machine(&self) -> bool {
        let ended = |lent: &Lent| matches!(lent.stage, Stage::Disconnected { .. });
        self.exclusions.of_unknown_machines().any(|name| self.executors.get(name).is_some_and(ended))
    }

    /// Counts an executor, and returns whether it is new.
    fn granted(&mut self, now: Millis, name: String, host: String) -> bool {
        if self.gone.contains(&name) || self.executors.contains_key(&name) {
            return false;
        }
        // More than was asked for is granted all the same, and is too much then.
        self.outstanding = self.outstanding.saturating_sub(1);
        (self.refusals, self.said) = (0, None);
        let within = self.settings.register_within_ms;
        let until = (within > 0).then(|| now + within);
        let stage = Stage::Granted { until };
        self.executors.insert(name, Lent { host, stage, was_ready: false, is_connected: false });
        true
    }

    /// Gives back one that is not ready. The application has never heard of it.
    fn give_back(&mut self, name: String, todo: &mut Vec<PoolAction>) {
        self.executors.remove(&name);
        self.gone.insert(name.clone());
        todo.push(PoolAction::Release(name));
    }

    fn refused(&mut self, now: Millis, count: u32, why: &str, todo: &mut Vec<PoolAction>) {
        self.outstanding = self.outstanding.saturating_sub(count);
        self.refusals += 1;
        self.pause(now, self.refusals);
        self.say(why, todo);
    }

    /// Says why executors are not to be had, unless it was the last that was said.
    fn say(&mut self, why: &str, todo: &mut Vec<PoolAction>) {
        if self.is_running() && self.said.as_deref() != Some(why) {
            self.said = Some(why.to_string());
            todo.push(PoolAction::Waits(why.to_string()));
        }
    }

    /// Asks for nothing for a while, the longer the more often in a row it went wrong.
    fn pause(&mut self, now: Millis, times: u32) {
        // Never none: a manager that refuses at once would be asked without end.
        let doubled = self.settings.pause_ms.max(1).saturating_mul(1 << times.saturating_sub(1).min(32));
        // A pause that lasts longer is not cut short.
        self.not_before = self.not_before.max(now + doubled.min(self.settings.pause_at_most_ms));
    }

    fn registered(&mut self, now: Millis, name: String, todo: &mut Vec<PoolAction>) {
        let is_released = self.executors.get(&name).is_some_and(|lent| lent.stage == Stage::Released);
        if is_released || self.gone.contains(&name) {
            // Its manager has called it gone, or it was given back. If it lives all the same, it gets no tasks, and is
            // ended.
            todo.push(PoolAction::Decommissioned(name.clone()));
            todo.push(PoolAction::Release(name));
            return;
        }
        // An agent may be faster than its manager's word.
        self.granted(now, name.clone(), String::new());
        if let Some(lent) = self.executors.get_mut(&name) {
            if !matches!(lent.stage, Stage::Leaving { .. }) {
                lent.stage = Stage::Ready;
            }
            (lent.was_ready, lent.is_connected) = (true, true);
            self.failed_starts = 0;
        }
    }

    fn disconnected(&mut self, now: Millis, name: &str) {
        self.lingering.remove(name);
        let Some(lent) = self.executors.get_mut(name) else { return };
        lent.is_connected = false;
        let end = now + self.settings.end_within_ms;
        lent.stage = match lent.stage {
            Stage::Granted { .. } | Stage::Ready => Stage::Disconnected { until: end },
            // That it is taken away remains the reason of its end.
            Stage::Leaving { until } => Stage::Leaving { until: until.min(end) },
            stage @ (Stage::Disconnected { .. } | Stage::Released) => stage,
        };
    }

    fn preempted(&mut self, now: Millis, name: String, within_ms: u64, todo: &mut Vec<PoolAction>) {
        if self.gone.contains(&name) {
            return;
        }
        self.granted(now, name.clone(), String::new());
        let Some(lent) = self.executors.get_mut(&name) else { return };
        if lent.stage.counts() {
            let until = now + within_ms.saturating_add(self.settings.end_within_ms);
            lent.stage = Stage::Leaving { until };
            todo.push(PoolAction::Decommissioned(name));
        }
    }

    fn lost(&mut self, now: Millis, name: &str, loss: Loss, todo: &mut Vec<PoolAction>) {
        if !self.gone.insert(name.to_string()) {
            return;
        }
        let lent = self.executors.remove(name);
        if lent.is_none() {
            // It ended before its manager had said that it began.
            self.outstanding = self.outstanding.saturating_sub(1);
        }
        let was_ready = lent.as_ref().is_some_and(|lent| lent.was_ready);
        if lent.as_ref().is_some_and(|lent| lent.is_connected) {
            self.lingering.insert(name.into(), now + self.settings.end_within_ms);
        }
        todo.push(PoolAction::Ended(name.to_string(), loss.reason.clone()));
        let is_expected =
            lent.is_some_and(|lent| matches!(lent.stage, Stage::Leaving { .. } | Stage::Released));
        // An agent that was ready ends so when the application has told it to.
        let was_told = was_ready && loss.reason == ExecutorLossReason::Exited { code: Some(0) };
        if loss.is_own_fault && !is_expected && !was_told {
            self.failed(now, was_ready, &loss.reason, todo);
        }
    }

    /// Counts an end that is the application's own fault, perhaps.
    fn failed(
        &mut self,
        now: Millis,
        was_ready: bool,
        reason: &ExecutorLossReason,
        todo: &mut Vec<PoolAction>,
    ) {
        if !was_ready {
            self.failed_starts += 1;
            self.pause(now, self.failed_starts);
            if self.failed_starts >= self.settings.failed_starts_at_most && self.is_all_failed() {
                let failed = self.failed_starts;
                let look_at = &self.settings.look_at;
                let why = format!(
                    "the last {failed} executor processes ended before they were ready ({reason}). {look_at}"
                );
                return self.give_up(why, todo);
            }
        }
        self.failures.push_back(now);
        if let Some(valid) = self.settings.failures_valid_ms {
            while self.failures.front().is_some_and(|at| now - *at > valid) {
                self.failures.pop_front();
            }
        }
        if let Some(most) = self.settings.failures_at_most
            && self.failures.len() > most as usize
        {
            let failures = self.failures.len();
            self.give_up(
                format!(
                    "{failures} executors have failed, and no more than {most} may; the last one: {reason}"
                ),
                todo,
            );
        }
    }

    /// Returns whether no executor is ready and none is about to be.
    fn is_all_failed(&self) -> bool {
        self.outstanding == 0 && !self.executors.values().any(|lent| lent.stage.counts())
    }

    fn give_up(&mut self, why: String, todo: &mut Vec<PoolAction>) {
        if self.is_running() {
            self.withdraw_all(todo);
            self.phase = Phase::GivenUp;
            todo.push(PoolAction::Over(why));
        }
    }

    fn finish(&mut self, todo: &mut Vec<PoolAction>) {
        if self.is_running() {
            self.withdraw_all(todo);
            self.phase = Phase::Finished;
        }
    }

    fn withdraw_all(&mut self, todo: &mut Vec<PoolAction>) {
        let outstanding = std::mem::take(&mut self.outstanding);
        if outstanding > 0 {
            todo.push(PoolAction::Withdraw(outstanding));
        }
    }

    /// Gives back what should have registered, or be gone, by now.
    fn end_those_that_are_due(&mut self, now: Millis, todo: &mut Vec<PoolAction>) {
        let is_due = |lent: &Lent| lent.stage.deadline().is_some_and(|until| until <= now);
        let due = self.executors.iter().filter(|(_, lent)| is_due(lent));
        let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        for name in due {
            let Some(lent) = self.executors.get_mut(&name) else { continue };
            todo.push(PoolAction::Release(name.clone()));
            let reason = match lent.stage {
                Stage::Granted { .. } => {
                    let host = lent.host.clone();
                    ExecutorLossReason::Reported { words: self.does_not_come(&host) }
                }
                Stage::Leaving { .. } => {
                    ExecutorLossReason::Taken { words: "it was to be taken away by now".into() }
                }
                Stage::Ready | Stage::Disconnected { .. } | Stage::Released => {
                    lent.stage = Stage::Released;
                    continue;
                }
            };
            let Some(lent) = self.executors.remove(&name) else { continue };
            self.gone.insert(name.clone());
            todo.push(PoolAction::Ended(name.clone(), reason.clone()));
            if matches!(lent.stage, Stage::Granted { .. }) {
                self.say(&format!("executor {name}: {reason}"), todo);
                self.failed(now, false, &reason, todo);
            }
        }
    }

    /// Ends those whose connections last although their manager has called them gone: it may be wrong.
    fn end_those_that_linger(&mut self, now: Millis, todo: &mut Vec<PoolAction>) {
        let due: Vec<String> =
            self.lingering.iter().filter(|(_, until)| **until <= now).map(|(name, _)| name.clone()).collect();
        for name in due {
            self.lingering.remove(&name);
            todo.push(PoolAction::Decommissioned(name.clone()));
            todo.push(PoolAction::Release(name));
        }
    }

    fn does_not_come(&self, host: &str) -> String {
        let PoolSettings { register_within_ms, driver, .. } = &self.settings;
        let host = if host.is_empty() { "its host" } else { host };
        format!(
            "it was started on {host} {} s ago, and has not connected to the driver at {driver} since; look whether \
             {host} reaches that address (`firesteel.driver.host` sets it), and at what the executor wrote",
            register_within_ms / 1000
        )
    }

    /// Tells the manager which machines to avoid: before anything is asked for.
    fn avoid(&mut self, todo: &mut Vec<PoolAction>) {
        if self.is_running() {
            todo.extend(self.exclusions.news(self.settings.excluded_per_machine).map(PoolAction::Avoid));
        }
    }

    /// Asks for what is missing, and gives back what is too much.
    fn balance(&mut self, now: Millis, todo: &mut Vec<PoolAction>) {
        if !self.is_running() {
            return;
        }
        let missing = self.missing().min(self.may_ask_for());
        if missing > 0 && self.not_before <= now {
            self.outstanding += missing;
            todo.push(PoolAction::Request(missing));
        }
        let mut surplus = self.counted().saturating_sub(self.wanted);
        let withdrawn = surplus.min(self.outstanding);
        if withdrawn > 0 {
            self.outstanding -= withdrawn;
            surplus -= withdrawn;
            todo.push(PoolAction::Withdraw(withdrawn));
        }
        let starting = |lent: &Lent| matches!(lent.stage, Stage::Granted { .. });
        let newest = self.executors.iter().rev().filter(|(_, lent)| starting(lent));
        let unneeded: Vec<String> = newest.take(surplus as usize).map(|(name, _)| name.clone()).collect();
        for name in unneeded {
            self.give_back(name, todo);
        }
    }
}

#[cfg(test)]
mod tests;
