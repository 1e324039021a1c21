//! The master, as its shell sees it: [`Master::handle`] branches, the other files compute.
//!
//! Each event is handled in steps: it changes the tables; a finished recovery ends; if anything changed that
//! launches depend on, free resources are allocated; and if anything changed that must survive, a snapshot
//! comes first among the effects.

use crate::applications::Applications;
use crate::drivers::Drivers;
use crate::event::{Effect, Event};
use crate::link::Link;
use crate::note::Note;
use crate::phase::Phase;
use crate::settings::MasterSettings;
use crate::workers::{HostedApplication, Workers};
use firesteel_protocol::standalone::{
    ApplicationId, ApplicationOrder, ClientAnswer, Epoch, FencedOrder, LostWorker, WorkerId, WorkerOrder,
};
use firesteel_types::Millis;
use std::collections::{BTreeMap, VecDeque};

/// The worker or application at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Worker(WorkerId),
    Application(ApplicationId),
}

/// The state of a master: all workers, applications and drivers of one cluster.
#[derive(Debug)]
pub struct Master {
    pub(crate) settings: MasterSettings,
    pub(crate) now: Millis,
    pub(crate) epoch: Epoch,
    pub(crate) phase: Phase,
    pub(crate) workers: Workers,
    /// Some of the workers that were lost, for display only: they are in no snapshot.
    pub(crate) lost_workers: VecDeque<LostWorker>,
    pub(crate) applications: Applications,
    pub(crate) drivers: Drivers,
    /// The connections of workers and applications, at most one for each.
    pub(crate) links: BTreeMap<Link, Party>,
    pub(crate) next_application: u32,
    pub(crate) next_driver: u32,
    /// Set when something changed that must survive.
    pub(crate) changed: bool,
    /// Set when something changed that launches depend on.
    pub(crate) replan: bool,
}

impl Master {
    /// Handles one event and appends the effects that it needs.
    ///
    /// `now` is in milliseconds since 1970 and does not go back: take the date once, when the process starts,
    /// and add the time of a monotonic clock. Events about workers, applications or drivers that are not known
    /// (any more) change nothing, so late and doubled messages may be passed on as they come. Pass on what has
    /// arrived before a tick that has fallen due meanwhile.
    pub fn handle(&mut self, now: Millis, event: Event, fx: &mut Vec<Effect>) {
        let first = fx.len();
        self.pass_time(now);
        match event {
            Event::Worker { link, message } => self.worker_sends(link, message, fx),
            Event::Application { link, message } => self.application_sends(link, message, fx),
            Event::Client { link, message } => self.client_sends(link, message, fx),
            Event::LinkClosed { link } => self.unlink(link),
            Event::Tick => self.tick(fx),
        }
        self.end_recovery_when_due(fx);
        self.give_out(fx);
        self.persist(first, fx);
    }

    /// Returns the time at which [`Event::Tick`] is due if nothing happens before. A tick that comes early or
    /// is not needed does no harm.
    pub fn next_deadline(&self) -> Option<Millis> {
        let due = [
            self.next_pulse(),
            self.phase.deadline(),
            self.next_worker_review(),
            self.next_application_review(),
            self.next_allocation(),
        ];
        due.into_iter().flatten().min()
    }

    /// Returns the epoch in which this master leads.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns whether it waits for the workers and applications of an earlier master, and launches nothing
    /// yet.
    pub fn is_recovering(&self) -> bool {
        self.phase.is_recovering()
    }

    fn tick(&mut self, fx: &mut Vec<Effect>) {
        self.lose_silent_workers(fx);
        self.lose_silent_applications(fx);
        // The wait of a driver or an application may be over.
        self.replan = true;
    }

    /// Sets the clock. Workers and applications are not blamed for their silence while the master itself stood
    /// still.
    fn pass_time(&mut self, now: Millis) {
        let gap = now - self.now;
        self.now = self.now.max(now);
        if gap <= self.settings.stall_ms {
            return;
        }
        for worker in self.workers.values_mut() {
            worker.last_seen = worker.last_seen + gap;
            for tenancy in worker.hosted.values_mut() {
                tenancy.absent_since = tenancy.absent_since.map(|since| since + gap);
            }
        }
        for application in self.applications.iter_mut() {
            application.last_seen = application.last_seen + gap;
        }
        self.phase.postpone(gap);
    }

    /// Returns the time of the next tick, often enough to notice that the master stood still; none while there
    /// is no worker or application whose silence matters.
    fn next_pulse(&self) -> Option<Millis> {
        let has_somebody = !self.workers.is_empty() || self.applications.iter().next().is_some();
        has_somebody.then(|| self.now + (self.settings.stall_ms / 2).max(1))
    }

    pub(crate) fn persist(&mut self, first: usize, fx: &mut Vec<Effect>) {
        if std::mem::take(&mut self.changed) {
            fx.insert(first, Effect::Persist(Box::new(self.snapshot())));
        }
    }

    /// Notes the party at the other end of a connection; forgets the connection's earlier party, and the
    /// party's earlier connection.
    pub(crate) fn bind(&mut self, link: Link, party: Party) {
        self.unlink(link);
        let before = match &party {
            Party::Worker(id) => self.workers.get_mut(id).and_then(|worker| worker.link.replace(link)),
            Party::Application(id) => self.applications.get_mut(id).and_then(|app| app.link.replace(link)),
        };
        if let Some(before) = before {
            self.links.remove(&before);
        }
        self.links.insert(link, party);
    }

    /// Forgets a connection that is gone.
    pub(crate) fn unlink(&mut self, link: Link) {
        match self.links.remove(&link) {
            Some(Party::Worker(id)) => {
                if let Some(worker) = self.workers.get_mut(&id) {
                    worker.link = None;
                }
            }
            Some(Party::Application(id)) => {
                if let Some(application) = self.applications.get_mut(&id) {
                    application.link = None;
                }
            }
            None => {}
        }
    }

    /// Sends an order to a worker, if it is connected.
    pub(crate) fn order(&self, worker: &WorkerId, order: WorkerOrder, fx: &mut Vec<Effect>) {
        if let Some(link) = self.workers.get(worker).and_then(|worker| worker.link) {
            self.order_on(link, order, fx);
        }
    }

    pub(crate) fn order_on(&self, link: Link, order: WorkerOrder, fx: &mut Vec<Effect>) {
        fx.push(Effect::ToWorker { link, order: FencedOrder { epoch: self.epoch, order } });
    }

    /// Sends an order to an application, if it is connected.
    pub(crate) fn send(&self, application: &ApplicationId, order: ApplicationOrder, fx: &mut Vec<Effect>) {
        if let Some(link) = self.applications.get(application).and_then(|application| application.link) {
            fx.push(Effect::ToApplication { link, order });
        }
    }

    /// Orders the end of a tenant; it takes room until its worker reports that it has ended.
    pub(crate) fn end_hosted(&mut self, worker: &WorkerId, hosted: &HostedApplication, fx: &mut Vec<Effect>) {
        if let Some(tenancy) = self.workers.get_mut(worker).and_then(|w| w.hosted.get_mut(hosted)) {
            tenancy.ending = true;
        }
        self.order(worker, kill(hosted), fx);
    }
}

/// Returns the order to end a tenant.
pub(crate) fn kill(hosted: &HostedApplication) -> WorkerOrder {
    match hosted {
        HostedApplication::Executor(name) => WorkerOrder::KillExecutor { executor: name.clone() },
        HostedApplication::Driver(run) => WorkerOrder::KillDriver { run: run.clone() },
    }
}

/// Answers on a connection.
pub(crate) fn answer(link: Link, answer: ClientAnswer, fx: &mut Vec<Effect>) {
    fx.push(Effect::ToClient { link, answer });
}

/// Adds a line to the log.
pub(crate) fn note(note: Note, fx: &mut Vec<Effect>) {
    fx.push(Effect::Note(note));
}
