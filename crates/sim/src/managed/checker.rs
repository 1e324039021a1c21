//! The rules of a pool that hold whatever its manager does, by a record of what it was told and of what it did.
//!
//! - Outstanding, starting and ready executors are never more than wanted, but for ready ones, which are the application's to give
//!   back; what comes unasked, or after the end, is released by the event that tells of it.
//! - Nothing is asked for beyond a batch, within a pause, after the end, or while it is waited for the end of an excluded executor of
//!   which nobody has said where it is: another could be started there. What is missing is asked for when it may be.
//! - A name that was released, or said to be gone, never counts again. If its agent comes all the same, or stays, the
//!   application and the manager are told to end it.
//! - What is due is done when it is due: who does not register in time is given back, and so is who is not taken away, and whose
//!   connection has ended. Nobody is given back before.
//! - The end of an executor that the application may know is told to it once.
//! - The application is given up when the settings say so, and never otherwise: an end that nobody is to blame for does not count.
//! - The manager is told of the machines with executors that the application excludes when it may know them, not later, and of no
//!   others: none is started there.
//! - When faults have ended for long enough, as many executors are ready as are wanted.

mod record;

pub(crate) use record::Checker;

use self::record::{Known, Phase, State};
use crate::objection::Objection;
use firesteel_lending::{PoolAction, PoolEvent};
use std::collections::BTreeSet;

impl Checker {
    /// The pool is about to be told something; `innocent` says that it is an end for which nobody is to blame.
    pub(crate) fn hear(&mut self, now: u64, event: &PoolEvent, innocent: bool) -> Result<(), Objection> {
        self.check_awake(now)?;
        self.must_end = None;
        self.must_leave = None;
        self.must_release = None;
        match event {
            PoolEvent::Want(wanted) => self.wanted = *wanted,
            PoolEvent::Granted { name, host } => {
                self.machines.insert(name.clone(), host.clone());
                let is_late = self.phase != Phase::Running && !self.knows(name);
                self.must_release = is_late.then(|| name.clone());
                self.meet(now, name);
            }
            PoolEvent::Refused { count, .. } => {
                self.outstanding = self.outstanding.saturating_sub(*count);
                self.refusals += 1;
                self.pause(now, self.refusals);
            }
            PoolEvent::Excluded(excluded) => self.excluded = excluded.clone(),
            PoolEvent::Registered(name) => self.registered(now, name),
            PoolEvent::Disconnected(name) => self.disconnected(now, name),
            PoolEvent::Preempted { name, within_ms } => {
                self.meet(now, name);
                let end_within = self.settings.end_within_ms;
                let known = self.known.get_mut(name).expect("it is known by now");
                if matches!(known.state, State::Starting | State::Ready) {
                    known.state = State::Leaving;
                    known.due = Some(now + within_ms + end_within);
                }
            }
            PoolEvent::Lost { name, loss } => self.lost(now, name, loss.is_own_fault && !innocent),
            PoolEvent::Finish if self.phase == Phase::Running => self.phase = Phase::Finished,
            PoolEvent::Finish | PoolEvent::Tick => {}
        }
        Ok(())
    }

    /// Returns whether the end of an excluded executor is waited for of which nobody has said where it is.
    fn waits_for_a_machine(&self) -> bool {
        let mut excluded = self.excluded.alone.iter().chain(&self.excluded.with_machine);
        excluded.any(|name| {
            let is_unknown = self.machines.get(name).is_none_or(String::is_empty);
            is_unknown && self.known.get(name).is_some_and(|known| known.state == State::Disconnected)
        })
    }

    /// Checks that the pool did not sleep through a time at which something was due.
    fn check_awake(&self, now: u64) -> Result<(), Objection> {
        let overdue = self.known.iter().find(|(_, known)| known.due.is_some_and(|due| due < now));
        if let Some((name, known)) = overdue {
            return Err(format!("executor {name} was due at {:?} ({:?})", known.due, known.state));
        }
        let may_ask = self.phase == Phase::Running
            && !self.waits_for_a_machine()
            && self.wanted > self.counted()
            && self.outstanding < self.settings.batch;
        match may_ask && self.not_before < now {
            true => Err(format!(
                "{} executors are wanted, {} count, and no more are asked for",
                self.wanted,
                self.counted()
            )),
            false => Ok(()),
        }
    }

    /// Checks what the pool does about what it was told.
    pub(crate) fn look(&mut self, now: u64, todo: &[PoolAction]) -> Result<(), Objection> {
        for action in todo {
            match action {
                PoolAction::Request(count) => self.check_request(now, *count)?,
                PoolAction::Avoid(machines) => self.avoided.clone_from(machines),
                PoolAction::Withdraw(count) => {
                    if *count == 0 || *count > self.outstanding {
                        return Err(format!("{count} of {} requests are taken back", self.outstanding));
                    }
                    self.outstanding -= count;
                }
                PoolAction::Release(name) => self.check_release(now, name)?,
                PoolAction::Ended(name, _) => self.check_ended(name)?,
                PoolAction::Decommissioned(name) => {
                    let is_right = self.known.get(name).is_some_and(|known| match known.state {
                        State::Leaving => true,
                        State::Over => {
                            self.must_leave.as_ref() == Some(name) || known.lingers_until == Some(now)
                        }
                        State::Starting | State::Ready | State::Disconnected | State::Released => false,
                    });
                    if !is_right {
                        return Err(format!("executor {name} is decommissioned for no reason"));
                    }
                }
                PoolAction::Over(why) => {
                    if !self.must_give_up || self.phase != Phase::Running {
                        return Err(format!("the application is given up for no reason: {why}"));
                    }
                    self.phase = Phase::GivenUp;
                }
                PoolAction::Waits(_) => {}
            }
        }
        self.check_done(now)
    }

    fn check_request(&mut self, now: u64, count: u32) -> Result<(), Objection> {
        if self.phase != Phase::Running {
            return Err(format!("{count} executors are asked for after the end"));
        }
        if now < self.not_before {
            return Err(format!("{count} executors are asked for before {}", self.not_before));
        }
        if self.waits_for_a_machine() {
            return Err(format!("{count} executors are asked for, perhaps where an excluded one was"));
        }
        self.outstanding += count;
        match self.outstanding > self.settings.batch {
            true => Err(format!("{} executors are outstanding, more than a batch", self.outstanding)),
            false => Ok(()),
        }
    }

    fn check_release(&mut self, now: u64, name: &str) -> Result<(), Objection> {
        let is_surplus = match self.phase {
            Phase::Running => self.counted() > self.wanted,
            Phase::Finished | Phase::GivenUp => self.must_release.take_if(|late| late == name).is_some(),
        };
        let must_leave = self.must_leave.as_deref() == Some(name);
        let Some(known) = self.known.get_mut(name) else {
            return Err(format!("executor {name} is released, which nobody knows"));
        };
        let is_due = known.due == Some(now);
        match known.state {
            State::Starting if is_due => self.failed_start(now, name),
            State::Starting if is_surplus => {
                (known.state, known.due) = (State::Over, None);
                known.is_told = true;
            }
            State::Leaving if is_due => {
                (known.state, known.due) = (State::Over, None);
                self.must_end = Some(name.into());
            }
            State::Disconnected if is_due => (known.state, known.due) = (State::Released, None),
            State::Over | State::Released if must_leave => self.must_leave = None,
            State::Over if known.lingers_until == Some(now) => known.lingers_until = None,
            state => return Err(format!("executor {name} is released for no reason ({state:?})")),
        }
        Ok(())
    }

    fn check_ended(&mut self, name: &str) -> Result<(), Objection> {
        match self.known.get_mut(name) {
            Some(known) if known.state == State::Over && !known.is_told => known.is_told = true,
            known => return Err(format!("executor {name} is told to have ended ({known:?})")),
        }
        self.must_end = None;
        Ok(())
    }

    /// Checks that all is done that was to be done now.
    fn check_done(&mut self, now: u64) -> Result<(), Objection> {
        if let Some(name) = &self.must_end {
            return Err(format!("the end of executor {name} is not told"));
        }
        if let Some(name) = &self.must_release {
            return Err(format!("executor {name} came after the end, and is not released"));
        }
        if let Some(name) = &self.must_leave {
            return Err(format!("executor {name} comes although it is gone, and is not told to end"));
        }
        if self.must_give_up && self.phase == Phase::Running {
            return Err("the application should be given up".into());
        }
        if self.phase != Phase::Running && self.outstanding > 0 {
            return Err(format!("{} executors are outstanding after the end", self.outstanding));
        }
        if let Some((name, _)) = self.known.iter().find(|(_, known)| known.is_due(now)) {
            return Err(format!("executor {name} is due now, and nothing is done"));
        }
        let hosts: BTreeSet<&String> = self.machines.values().chain(&self.avoided).collect();
        let wrong = hosts.into_iter().find(|host| self.avoided.contains(*host) != self.forbids(host));
        if let Some(host) = wrong.filter(|_| self.phase == Phase::Running) {
            return Err(format!("the manager is told to avoid {:?}, and {host} is wrong", self.avoided));
        }
        let starting = self.known.values().filter(|known| known.state == State::Starting).count() as u32;
        let is_too_much = self.phase == Phase::Running && self.counted() > self.wanted;
        match is_too_much && self.outstanding + starting > 0 {
            true => Err(format!(
                "{} executors are wanted, {} are outstanding, {starting} start, {} are ready",
                self.wanted,
                self.outstanding,
                self.ready()
            )),
            false => Ok(()),
        }
    }

    /// Returns whether no executor is to be started on a machine.
    fn forbids(&self, machine: &str) -> bool {
        let there = |name: &&String| self.machines.get(*name).is_some_and(|on| on == machine);
        let alone = self.excluded.alone.iter().filter(there).count() as u32;
        alone >= self.settings.excluded_per_machine
            || self.excluded.with_machine.iter().any(|name| there(&name))
    }

    /// Checks that the manager may start an executor on a machine, by what the pool was told.
    pub(crate) fn check_place(&self, machine: &str) -> Result<(), Objection> {
        match self.phase == Phase::Running && self.forbids(machine) {
            true => Err(format!("an executor is started on {machine}, which is excluded")),
            false => Ok(()),
        }
    }

    /// Checks what the pool says of itself.
    pub(crate) fn compare(&self, ready: u32, outstanding: u32) -> Result<(), Objection> {
        match (ready, outstanding) == (self.ready(), self.outstanding) {
            true => Ok(()),
            false => Err(format!(
                "the pool says that {ready} are ready and {outstanding} outstanding: {} and {} are",
                self.ready(),
                self.outstanding
            )),
        }
    }

    /// Checks the pool long after the last fault.
    pub(crate) fn check_converged(&self) -> Result<(), Objection> {
        match self.ready() == self.wanted && self.outstanding == 0 {
            true => Ok(()),
            false => Err(format!(
                "long after the last fault, {} executors are wanted, {} are ready, {} outstanding",
                self.wanted,
                self.ready(),
                self.outstanding
            )),
        }
    }

    /// Checks that the application was told of every end that it may wait for. That of an executor whose connection has ended
    /// it need not hear: it knows.
    pub(crate) fn check_told(&self) -> Result<(), Objection> {
        let is_untold = |known: &Known| match known.state {
            State::Over => !known.is_told,
            State::Starting | State::Ready | State::Leaving | State::Disconnected => true,
            State::Released => false,
        };
        match self.known.iter().find(|(_, known)| is_untold(known)) {
            Some((name, known)) => Err(format!("the end of executor {name} was not told: {known:?}")),
            None => Ok(()),
        }
    }
}
