//! Master processes: a lease, while it holds a master, and what a shell does for them.
//!
//! The shell keeps to what the effects and the lease ask for: it asks whether the lease holds before each event and after each
//! snapshot that it wrote, writes before it tells, and begins with the snapshot of the highest epoch. Between any two of these
//! steps it may die or stand still.

mod process;

pub(crate) use process::{MasterProcess, Storage};

use super::happening::Happening;
use super::network::{Message, Sent};
use super::world::World;
use crate::objection::Objection;
use firesteel_standalone::{
    Effect, Epoch, Event, Lease, LeaseAction, LeaseRecord, Link, Master, Note, Snapshot, Standing,
};
use firesteel_types::Millis;

/// The 26th of November 2026, in milliseconds since 1970: when the world began.
const GENESIS_MS: u64 = 1_795_680_000_000;

impl World {
    /// Returns the time of the wall clock at a master's host.
    fn wall_clock(&self, host: usize) -> Millis {
        Millis(GENESIS_MS + self.time.now + self.clocks[host])
    }

    /// Returns whether a process could act as a master just now, if it moved.
    pub(crate) fn leads(&self, process: &MasterProcess) -> bool {
        let holds = !self.scenario.standby || process.lease.holds(self.wall_clock(process.host));
        process.alive && process.master.is_some() && holds
    }

    pub(crate) fn bear_master(&mut self, host: usize) -> Result<(), Objection> {
        let id = self.masters.len() as u32;
        let process = MasterProcess {
            host,
            alive: true,
            frozen_until: 0,
            lease: Lease::new(format!("master-{id}"), format!("host{host}:7077"), self.scenario.lease),
            master: None,
            started: (self.wall_clock(host).0, self.time.now),
            tick_at: None,
            interrupted: None,
        };
        self.masters.insert(id, process);
        if self.scenario.standby {
            self.time.after(1, Happening::LeaseLook { master: id });
            return Ok(());
        }
        let epoch = self.storage.snapshot().epoch.next();
        self.enthrone(id, epoch)
    }

    pub(crate) fn look_at_lease(&mut self, id: u32) {
        let now = self.wall_clock(self.masters[&id].host);
        let process = self.masters.get_mut(&id).expect("it looks, so it is there");
        let led = process.master.is_some();
        match process.lease.decide(now, self.storage.lease()) {
            LeaseAction::Acquire(record) | LeaseAction::Renew(record) => {
                let delay = self.rng.between(1, 200);
                self.time.after(delay, Happening::LeaseWrite { master: id, record });
            }
            LeaseAction::StepDown => {
                assert!(led || !self.scenario.standby, "only who leads steps down");
                self.abdicate(id);
                self.time.after(1_000, Happening::LeaseLook { master: id });
            }
            LeaseAction::Wait { until } => {
                // A clock that jumps meanwhile must not make it sleep for too long.
                let delay = (until - now).clamp(1, self.scenario.lease.renew_interval_ms);
                self.time.after(delay, Happening::LeaseLook { master: id });
            }
        }
    }

    pub(crate) fn write_lease(&mut self, id: u32, record: LeaseRecord) {
        let there = self.storage.leases.get(&record.epoch);
        // A record can be created by one only, and replaced by its holder only.
        if there.is_none_or(|there| there.holder == record.holder) {
            self.storage.leases.insert(record.epoch, record.clone());
        }
        let delay = self.rng.between(1, 100);
        self.time.after(delay, Happening::LeaseConfirm { master: id, record });
    }

    pub(crate) fn confirm_lease(&mut self, id: u32, record: &LeaseRecord) -> Result<(), Objection> {
        let now = self.wall_clock(self.masters[&id].host);
        let process = self.masters.get_mut(&id).expect("it confirms, so it is there");
        let led = process.master.is_some();
        match process.lease.wrote(now, record, self.storage.lease()) {
            Standing::Leads(epoch) => {
                self.check_one_leads()?;
                if !led {
                    self.enthrone(id, epoch)?;
                }
            }
            Standing::Follows if led => self.abdicate(id),
            Standing::Follows => {}
        }
        self.time.after(1, Happening::LeaseLook { master: id });
        Ok(())
    }

    fn check_one_leads(&self) -> Result<(), Objection> {
        let holding = self
            .masters
            .values()
            .filter(|process| process.alive && process.lease.holds(self.wall_clock(process.host)));
        match holding.count() {
            0 | 1 => Ok(()),
            many => Err(format!("{many} masters hold the lease at the same time")),
        }
    }

    /// A process begins to lead.
    fn enthrone(&mut self, id: u32, epoch: Epoch) -> Result<(), Objection> {
        self.report.reigns += 1;
        let snapshot = self.storage.snapshot();
        self.checker.enthroned(epoch, &snapshot)?;
        let process = self.masters.get_mut(&id).expect("it leads, so it is there");
        let mut effects = vec![];
        let now = process.now(self.time.now);
        process.master =
            Some(Master::recover(now, epoch, self.scenario.settings.clone(), snapshot, &mut effects));
        process.tick_at = None;
        self.time.trace(format!("== master {id} leads with epoch {epoch}"));
        self.act(id, effects)
    }

    /// A process leads no more: its master and its connections are dropped.
    fn abdicate(&mut self, id: u32) {
        self.report.abdications += 1;
        self.time.trace(format!("== master {id} leads no more"));
        let process = self.masters.get_mut(&id).expect("it led, so it is there");
        process.lease.step_down();
        process.master = None;
        for link in self.connections_of(Some(id), None) {
            self.master_hangs_up(link);
        }
    }

    pub(crate) fn arrives_at_master(&mut self, link: Link, message: Message) -> Result<(), Objection> {
        let connection = self.network.get(link).expect("what arrives was sent");
        if !connection.master_open || !self.is_intact(link) {
            return Ok(());
        }
        let master = connection.master;
        let event = match message {
            Message::Worker(message) => Event::Worker { link, message },
            Message::Application(message) => Event::Application { link, message },
            Message::Client(message) => Event::Client { link, message },
        };
        self.master_handles(master, event)
    }

    pub(crate) fn master_notices(&mut self, link: Link) -> Result<(), Objection> {
        let master = self.network.get(link).expect("what is noticed is there").master;
        if self.close_masters_end(link) {
            self.master_handles(master, Event::LinkClosed { link })?;
        }
        Ok(())
    }

    pub(crate) fn master_ticks(&mut self, id: u32) -> Result<(), Objection> {
        self.masters.get_mut(&id).expect("it ticks, so it is there").tick_at = None;
        self.master_handles(id, Event::Tick)
    }

    fn master_handles(&mut self, id: u32, event: Event) -> Result<(), Objection> {
        self.resume(id)?;
        let process = &self.masters[&id];
        if process.master.is_none() {
            return Ok(());
        }
        if !self.leads(process) {
            self.abdicate(id);
            return Ok(());
        }
        let process = self.masters.get_mut(&id).expect("it was there just now");
        let now = process.now(self.time.now);
        let Some(master) = &mut process.master else { return Ok(()) };
        let mut effects = vec![];
        master.handle(now, event, &mut effects);
        let epoch = master.epoch();
        let writes = matches!(effects.first(), Some(Effect::Persist(_)));
        if !writes && self.storage.snapshots.get(&epoch) != Some(&master.snapshot()) {
            return Err(format!("master {id} knows what it has not written down"));
        }
        self.act(id, effects)
    }

    /// Does what the master says, unless something comes between.
    fn act(&mut self, id: u32, mut effects: Vec<Effect>) -> Result<(), Objection> {
        if effects.iter().skip(1).any(|effect| matches!(effect, Effect::Persist(_))) {
            return Err("a snapshot is to be written behind what it promises".into());
        }
        let Some(Effect::Persist(_)) = effects.first() else { return self.tell_all(id, effects) };
        let Effect::Persist(snapshot) = effects.remove(0) else { unreachable!("it was one just now") };
        if self.is_quiet() || !self.rng.per_mille(self.scenario.faults.interrupted) {
            self.write(*snapshot);
            return self.tell_all(id, effects);
        }
        self.report.interrupted += 1;
        let has_written = self.rng.per_mille(500);
        if has_written {
            self.write((*snapshot).clone());
        }
        if self.rng.per_mille(500) {
            self.kill_master(id);
        } else {
            let freeze = self.rng.between(500, 60_000);
            let process = self.masters.get_mut(&id).expect("it acts, so it is there");
            process.frozen_until = process.frozen_until.max(self.time.now + freeze);
            process.interrupted = Some(((!has_written).then_some(snapshot), effects));
            self.time.after(freeze, Happening::MasterResumes { master: id });
        }
        Ok(())
    }

    fn write(&mut self, snapshot: Snapshot) {
        self.report.snapshots += 1;
        self.storage.snapshots.insert(snapshot.epoch, snapshot);
    }

    /// A master goes on where it stood still, if it did.
    pub(crate) fn resume(&mut self, id: u32) -> Result<(), Objection> {
        let process = self.masters.get_mut(&id).expect("it moves, so it is there");
        let Some((unwritten, effects)) = process.interrupted.take() else { return Ok(()) };
        if let Some(snapshot) = unwritten {
            self.write(*snapshot);
        }
        if !self.leads(&self.masters[&id]) {
            self.abdicate(id);
            return Ok(());
        }
        self.tell_all(id, effects)
    }

    fn tell_all(&mut self, id: u32, effects: Vec<Effect>) -> Result<(), Objection> {
        if self.scenario.standby {
            self.check_one_leads()?;
        }
        for effect in effects {
            if self.time.is_traced() {
                self.time.trace(format!("    -> {effect:?}"));
            }
            match effect {
                Effect::Persist(_) => unreachable!("it was taken out before"),
                Effect::ToWorker { link, order } => {
                    self.checker.ordered(id, &order)?;
                    self.send_to_peer(link, Sent::Order(order));
                }
                Effect::ToApplication { link, order } => self.send_to_peer(link, Sent::Application(order)),
                Effect::ToClient { link, answer } => self.send_to_peer(link, Sent::Answer(answer)),
                Effect::Note(Note::Unwanted(..)) => self.report.unwanted += 1,
                Effect::Note(Note::ApplicationWaits(..) | Note::DriverWaits(..)) => self.report.waits += 1,
                Effect::Note(_) => {}
            }
        }
        self.plan_tick(id);
        Ok(())
    }

    fn plan_tick(&mut self, id: u32) {
        let now = self.time.now;
        let process = self.masters.get_mut(&id).expect("it acts, so it is there");
        let Some(due) = process.master.as_ref().and_then(Master::next_deadline) else { return };
        let due = now + (due - process.now(now)).max(1);
        if process.tick_at.is_none_or(|planned| due < planned) {
            process.tick_at = Some(due);
            self.time.at(due, Happening::MasterTick { master: id });
        }
    }

    /// A process dies; another is started at its host some time.
    pub(crate) fn kill_master(&mut self, id: u32) {
        self.time.trace(format!("== master {id} dies"));
        self.report.struck += 1;
        let process = self.masters.get_mut(&id).expect("what dies was alive");
        process.alive = false;
        process.master = None;
        let host = process.host;
        for link in self.connections_of(Some(id), None) {
            self.master_hangs_up(link);
        }
        let delay = self.rng.between(500, 40_000);
        self.time.after(delay, Happening::MasterBorn { host });
    }

    /// A master that takes connections, whether or not it moves. Those who stand by send callers away.
    pub(crate) fn find_leader(&mut self) -> Option<u32> {
        let leading: Vec<u32> = self
            .masters
            .iter()
            .filter(|(_, process)| process.alive && process.master.is_some())
            .map(|(id, _)| *id)
            .collect();
        (!leading.is_empty()).then(|| *self.rng.pick(&leading))
    }
}
