//! The table of workers: their resources, and what of them is taken.
//!
//! A tenant takes its cores and memory from the moment that the master decides to launch it until the worker
//! reports that it has ended, or the worker itself is lost. So what a worker was told to run always fits into
//! what it has.

use crate::link::Link;
use crate::snapshot::WorkerRecord;
use firesteel_protocol::standalone::{ApplicationId, DriverRun, ExecutorName, Resources, WorkerId};
use firesteel_types::Millis;
use std::collections::BTreeMap;

/// An executor or a driver, which takes room on a worker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HostedApplication {
    Executor(ExecutorName),
    Driver(DriverRun),
}

impl HostedApplication {
    /// Returns whether it is an executor of this application.
    pub(crate) fn is_of(&self, application: &ApplicationId) -> bool {
        match self {
            HostedApplication::Executor(name) => name.application == *application,
            HostedApplication::Driver(_) => false,
        }
    }
}

/// The state of a tenant on its worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tenancy {
    pub(crate) resources: Resources,
    /// The time since which the worker's reports omit it, if they do.
    pub(crate) absent_since: Option<Millis>,
    /// Set when the worker was told to end it; it is told again with each report that lists it.
    pub(crate) ending: bool,
}

impl Tenancy {
    /// Makes the state of a tenant that no report has omitted yet.
    pub(crate) fn new(resources: Resources, ending: bool) -> Self {
        Tenancy { resources, absent_since: None, ending }
    }
}

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) record: WorkerRecord,
    /// The connection on which it registered last, if that is still open.
    pub(crate) link: Option<Link>,
    /// True if an earlier master knew it, and it has not come back yet.
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

    /// Returns the resources that are not taken. None when there is more on it than was ever ordered, until
    /// that has ended.
    pub(crate) fn free(&self) -> Resources {
        self.total().minus(self.used)
    }

    /// Returns the room for a new tenant.
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

    /// Enters a tenant that is there already.
    pub(crate) fn take_in(&mut self, hosted: HostedApplication, tenancy: Tenancy) {
        self.used = self.used.plus(tenancy.resources);
        let before = self.hosted.insert(hosted, tenancy);
        assert!(before.is_none(), "a tenant is taken in once");
    }

    /// Frees the room of a tenant, if it had any.
    pub(crate) fn release(&mut self, hosted: &HostedApplication) -> Option<Tenancy> {
        let tenancy = self.hosted.remove(hosted)?;
        self.used = self.hosted.values().map(|tenancy| tenancy.resources).sum();
        Some(tenancy)
    }
}

/// All workers.
pub(crate) type Workers = BTreeMap<WorkerId, Worker>;

/// Returns the largest room that any worker has as a whole, by cores first: for the reason that nothing fits.
pub(crate) fn largest(workers: &Workers) -> Option<Resources> {
    let usable = workers.values().filter(|worker| !worker.record.decommissioned && !worker.awaited);
    usable.map(Worker::total).max_by_key(|total| (total.cores, total.memory_mib))
}
