//! The record of what a pool was told and of what it did.

use firesteel_lending::{Excluded, PoolSettings};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The record, and what the rules demand of the pool next.
#[derive(Debug)]
pub(crate) struct Checker {
    pub(super) settings: PoolSettings,
    pub(super) wanted: u32,
    pub(super) outstanding: u32,
    pub(super) known: BTreeMap<String, Known>,
    pub(super) phase: Phase,
    pub(super) refusals: u32,
    failed_starts: u32,
    failures: VecDeque<u64>,
    pub(super) not_before: u64,
    /// The application has to be given up.
    pub(super) must_give_up: bool,
    /// The executor whose end has to be told now.
    pub(super) must_end: Option<String>,
    /// The executor that has come although it is gone, and has to be told to end now.
    pub(super) must_leave: Option<String>,
    /// The executor that was granted after the end, and has to be released now.
    pub(super) must_release: Option<String>,
    /// The machine of each executor that was granted.
    pub(super) machines: BTreeMap<String, String>,
    pub(super) excluded: Excluded,
    /// The machines that the manager was told to avoid.
    pub(super) avoided: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    Finished,
    GivenUp,
}

/// An executor, as the pool was told of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) state: State,
    was_ready: bool,
    is_connected: bool,
    /// When something has to be done about it.
    pub(super) due: Option<u64>,
    /// It is said to be gone, and has to be told to end at this time, if its connection lasts so long.
    pub(super) lingers_until: Option<u64>,
    /// The application was told of its end, or has never heard of it.
    pub(super) is_told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Starting,
    Ready,
    Leaving,
    Disconnected,
    /// Given back after its connection had ended.
    Released,
    /// It is gone, or was given back: nothing that is said of it counts.
    Over,
}

impl Known {
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.due.is_some_and(|due| due <= now) || self.lingers_until.is_some_and(|until| until <= now)
    }
}

impl Checker {
    pub(crate) fn new(settings: PoolSettings) -> Self {
        Checker {
            settings,
            wanted: 0,
            outstanding: 0,
            known: BTreeMap::new(),
            phase: Phase::Running,
            refusals: 0,
            failed_starts: 0,
            failures: VecDeque::new(),
            not_before: 0,
            must_give_up: false,
            must_end: None,
            must_leave: None,
            must_release: None,
            machines: BTreeMap::new(),
            excluded: Excluded::default(),
            avoided: BTreeSet::new(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase != Phase::Running
    }

    /// Returns whether the pool has ever heard of an executor.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// Returns whether the pool knows that an executor will be taken away.
    pub(crate) fn is_leaving(&self, name: &str) -> bool {
        self.known.get(name).is_some_and(|known| known.state == State::Leaving)
    }

    pub(super) fn ready(&self) -> u32 {
        self.known.values().filter(|known| known.state == State::Ready).count() as u32
    }

    /// The number of executors that the application has or gets.
    pub(super) fn counted(&self) -> u32 {
        let counts = |known: &&Known| matches!(known.state, State::Starting | State::Ready);
        self.outstanding + self.known.values().filter(counts).count() as u32
    }

    /// An executor is spoken of for the first time, so that it stands for one that was asked for.
    pub(super) fn meet(&mut self, now: u64, name: &str) {
        if self.known.contains_key(name) {
            return;
        }
        self.outstanding = self.outstanding.saturating_sub(1);
        self.refusals = 0;
        let within = self.settings.register_within_ms;
        let known = Known {
            state: State::Starting,
            was_ready: false,
            is_connected: false,
            due: (within > 0).then_some(now + within),
            lingers_until: None,
            is_told: false,
        };
        self.known.insert(name.into(), known);
    }

    pub(super) fn registered(&mut self, now: u64, name: &str) {
        self.meet(now, name);
        let known = self.known.get_mut(name).expect("it is known by now");
        known.is_connected = true;
        match known.state {
            State::Over | State::Released => {
                self.must_leave = Some(name.into());
                return;
            }
            State::Leaving => {}
            State::Starting | State::Ready | State::Disconnected => {
                (known.state, known.due) = (State::Ready, None);
            }
        }
        known.was_ready = true;
        self.failed_starts = 0;
    }

    pub(super) fn disconnected(&mut self, now: u64, name: &str) {
        let Some(known) = self.known.get_mut(name) else { return };
        (known.is_connected, known.lingers_until) = (false, None);
        let due = now + self.settings.end_within_ms;
        match known.state {
            State::Starting | State::Ready => (known.state, known.due) = (State::Disconnected, Some(due)),
            // It was announced; nobody waits longer for the manager's word than for others.
            State::Leaving => known.due = known.due.min(Some(due)),
            State::Disconnected | State::Released | State::Over => {}
        }
    }

    pub(super) fn lost(&mut self, now: u64, name: &str, is_to_blame: bool) {
        let refusals = self.refusals;
        if !self.known.contains_key(name) {
            self.meet(now, name);
            // One that has ended before it was named does not show that executors are to be had.
            self.refusals = refusals;
        }
        let known = self.known.get_mut(name).expect("it is known by now");
        let (state, was_ready) = (known.state, known.was_ready);
        if state == State::Over {
            return;
        }
        (known.state, known.due) = (State::Over, None);
        known.lingers_until = known.is_connected.then_some(now + self.settings.end_within_ms);
        self.must_end = Some(name.into());
        if is_to_blame && matches!(state, State::Starting | State::Ready | State::Disconnected) {
            self.failed(now, was_ready);
        }
    }

    /// An executor has not registered in time.
    pub(super) fn failed_start(&mut self, now: u64, name: &str) {
        let known = self.known.get_mut(name).expect("it was looked at");
        (known.state, known.due) = (State::Over, None);
        self.must_end = Some(name.into());
        self.failed(now, false);
    }

    /// An executor has ended by its own fault.
    fn failed(&mut self, now: u64, was_ready: bool) {
        if !was_ready {
            self.failed_starts += 1;
            self.pause(now, self.failed_starts);
            let is_all = self.failed_starts >= self.settings.failed_starts_at_most;
            self.must_give_up |= is_all && self.counted() == 0;
        }
        self.failures.push_back(now);
        if let Some(valid) = self.settings.failures_valid_ms {
            self.failures.retain(|at| now - at <= valid);
        }
        let most = self.settings.failures_at_most;
        self.must_give_up |= most.is_some_and(|most| self.failures.len() > most as usize);
    }

    /// Nothing may be asked for during a pause, which doubles from one to the next.
    pub(super) fn pause(&mut self, now: u64, times: u32) {
        let mut pause = self.settings.pause_ms;
        for _ in 1..times.min(40) {
            pause = (pause * 2).min(self.settings.pause_at_most_ms);
        }
        self.not_before = self.not_before.max(now + pause.min(self.settings.pause_at_most_ms));
    }
}
