//! Who lends what, and what of it is taken: the table of workers.
//!
//! A tenant takes its cores and memory from the moment that the master decides to launch it until the worker says that it is
//! gone, or the worker is lost itself. So what a worker was told to run always fits into what it has.

use crate::names::{ApplicationId, DriverRun, ExecutorName, Link, WorkerId};
use crate::resources::Resources;
use crate::snapshot::WorkerRecord;
use firesteel_types::Millis;
use std::collections::BTreeMap;

/// Something that takes room on a worker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HostedApplication {
    Executor(ExecutorName),
    Driver(DriverRun),
}

impl HostedApplication {
    /// Whether it is an executor of this application.
    pub(crate) fn is_of(&self, application: &ApplicationId) -> bool {
        match self {
            HostedApplication::Executor(name) => name.application == *application,
            HostedApplication::Driver(_) => false,
        }
    }
}

/// How a tenant stands with its worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tenancy {
    pub(crate) resources: Resources,
    /// Since when the worker's reports leave it out, if they do.
    pub(crate) absent_since: Option<Millis>,
    /// The worker was told to end it, and will be told again with each report that lists it.
    pub(crate) ending: bool,
}

impl Tenancy {
    /// As it stands when nothing is known against it.
    pub(crate) fn new(resources: Resources, ending: bool) -> Self {
        Tenancy { resources, absent_since: None, ending }
    }
}

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) record: WorkerRecord,
    /// The connection on which it came last, if that is still there.
    pub(crate) link: Option<Link>,
    /// An earlier master knew it, and it has not come back yet.
    pub(crate) awaited: bool,
    pub(crate) last_seen: Millis,
    pub(crate) hosted: BTreeMap<HostedApplication, Tenancy>,
    used: Resources,
}

impl Worker {
    pub(crate) fn new(record: WorkerRecord, now: Millis, awaited: bool) -> Self {
        Worker {
            record,
            link: None,
            awaited,
            last_seen: now,
            hosted: BTreeMap::new(),
            used: Resources::default(),
        }
    }

    pub(crate) fn total(&self) -> Resources {
        self.record.offer.resources
    }

    pub(crate) fn used(&self) -> Resources {
        self.used
    }

    /// What is not taken. None when there is more on it than was ever ordered, until that has ended.
    pub(crate) fn free(&self) -> Resources {
        self.total().minus(self.used)
    }

    /// What a new tenant may have.
    pub(crate) fn room(&self) -> Resources {
        let is_usable = self.link.is_some() && !self.awaited && !self.record.decommissioned;
        if is_usable { self.free() } else { Resources::default() }
    }

    /// Takes room for what is about to be ordered.
    pub(crate) fn address(&mut self, hosted: HostedApplication, resources: Resources) {
        assert!(resources.fits(self.room()), "{} has no room for {hosted:?}", self.record.worker);
        assert!(!self.hosted.contains_key(&hosted), "{hosted:?} is launched twice");
        self.take_in(hosted, Tenancy::new(resources, false));
    }

    /// Notes what is there already.
    pub(crate) fn take_in(&mut self, hosted: HostedApplication, tenancy: Tenancy) {
        self.used = self.used.plus(tenancy.resources);
        let before = self.hosted.insert(hosted, tenancy);
        assert!(before.is_none(), "a tenant is taken in once");
    }

    /// Gives the room of a tenant back, if it had any.
    pub(crate) fn release(&mut self, hosted: &HostedApplication) -> Option<Tenancy> {
        let tenancy = self.hosted.remove(hosted)?;
        self.used = self.hosted.values().map(|tenancy| tenancy.resources).sum();
        Some(tenancy)
    }
}

/// All workers.
pub(crate) type Workers = BTreeMap<WorkerId, Worker>;

/// The largest room that any worker has as a whole, by cores first: for people who wonder why nothing fits.
pub(crate) fn largest(workers: &Workers) -> Option<Resources> {
    let usable = workers.values().filter(|worker| !worker.record.decommissioned && !worker.awaited);
    usable.map(Worker::total).max_by_key(|total| (total.cores, total.memory_mib))
}
