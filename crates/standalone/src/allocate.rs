//! Allocation: free resources go to drivers first, then to applications in the order in which they registered.

use crate::applications::{Application, Executor};
use crate::event::Effect;
use crate::master::{Master, note};
use crate::note::Note;
use crate::placement::{Demand, deal};
use crate::workers::{HostedApplication, largest};
use firesteel_protocol::standalone::{
    ApplicationId, ApplicationOrder, DriverId, DriverState, ExecutorAddress, Resources, WorkerId, WorkerOrder,
};
use firesteel_types::Millis;
use std::cmp::Reverse;

impl Master {
    /// Launches what fits, if anything that this depends on has changed. Drivers and applications that get
    /// nothing are told why.
    pub(crate) fn give_out(&mut self, fx: &mut Vec<Effect>) {
        if self.is_recovering() || !std::mem::take(&mut self.replan) {
            return;
        }
        for driver in self.drivers.due(self.now) {
            self.give_to_driver(&driver, fx);
        }
        for application in self.applications.ids() {
            self.give_to_application(&application, fx);
        }
    }

    /// Returns the time at which the next wait of a driver or an application is over.
    pub(crate) fn next_allocation(&self) -> Option<Millis> {
        let applications = self.applications.iter().map(|app| app.not_before).filter(|due| *due > self.now);
        self.drivers.next_due(self.now).into_iter().chain(applications).min()
    }

    /// Returns the workers with room, those with most free cores first.
    fn workers_with_room(&self, least: Resources) -> Vec<(WorkerId, Resources)> {
        let mut workers: Vec<(WorkerId, Resources)> = self
            .workers
            .iter()
            .map(|(id, worker)| (id.clone(), worker.room()))
            .filter(|(_, room)| least.fits(*room) && room.cores > 0)
            .collect();
        workers.sort_by_key(|(_, room)| Reverse(room.cores));
        workers
    }

    fn give_to_driver(&mut self, id: &DriverId, fx: &mut Vec<Effect>) {
        let driver = self.drivers.get_mut(id).expect("what is due is there");
        let needs = driver.spec.resources;
        let Some((worker, _)) = self.workers_with_room(needs).into_iter().next() else {
            let why = self.why_waiting(needs);
            if self.drivers.waiting.get(id) != Some(&why) {
                note(Note::DriverWaits(id.clone(), why.clone()), fx);
                self.drivers.waiting.insert(id.clone(), why);
            }
            return;
        };
        self.drivers.waiting.remove(id);
        let driver = self.drivers.get_mut(id).expect("what is due is there");
        driver.launches += 1;
        driver.last_worker = Some(worker.clone());
        driver.state = DriverState::Running { worker: worker.clone(), since: self.now, killed: false };
        let (run, spec) = (driver.run(), driver.spec.clone());
        self.changed = true;
        let lender = self.workers.get_mut(&worker).expect("it has room");
        lender.address(HostedApplication::Driver(run.clone()), needs);
        note(Note::DriverLaunched(run.clone(), worker.clone()), fx);
        self.order(&worker, WorkerOrder::LaunchDriver { run, spec }, fx);
    }

    fn give_to_application(&mut self, id: &ApplicationId, fx: &mut Vec<Effect>) {
        let application = self.applications.get(id).expect("it was there just now");
        let Some(demand) = demand(application, self.settings.default_cores) else { return };
        if application.not_before > self.now {
            let reason = format!("waiting: {} executors ended in a row", application.ends);
            self.send_waiting(id, reason, fx);
            return;
        }
        let (workers, rooms): (Vec<WorkerId>, Vec<Resources>) =
            self.workers_with_room(demand.least()).into_iter().unzip();
        let dealt = deal(&demand, &rooms, self.settings.spread_out);
        for (at, resources) in &dealt {
            self.launch_executor(id, &workers[*at], *resources, fx);
        }
        let reason = self.why_waiting(demand.least());
        self.send_waiting(id, reason, fx);
    }

    /// Tells an application why it has no executor, if it has none and was not told just this.
    fn send_waiting(&mut self, id: &ApplicationId, reason: String, fx: &mut Vec<Effect>) {
        let application = self.applications.get_mut(id).expect("it was there just now");
        if !application.executors.is_empty() {
            application.waiting = None;
        } else if application.waiting.as_ref() != Some(&reason) {
            application.waiting = Some(reason.clone());
            note(Note::ApplicationWaits(id.clone(), reason.clone()), fx);
            self.send(id, ApplicationOrder::Waiting { reason }, fx);
        }
    }

    fn launch_executor(
        &mut self,
        id: &ApplicationId,
        worker: &WorkerId,
        resources: Resources,
        fx: &mut Vec<Effect>,
    ) {
        let application = self.applications.get_mut(id).expect("it was there just now");
        let executor = application.next_executor();
        let has = Executor {
            worker: worker.clone(),
            resources,
            started: false,
            ready: false,
            decommissioned: false,
        };
        application.executors.insert(executor, has);
        let (name, spec) = (application.name_of(executor), application.record.spec.clone());
        self.changed = true;
        let lender = self.workers.get_mut(worker).expect("it has room");
        lender.address(HostedApplication::Executor(name.clone()), resources);
        let host = lender.record.offer.host.clone();
        note(Note::ExecutorLaunched(name.clone(), worker.clone(), resources), fx);
        self.order(worker, WorkerOrder::LaunchExecutor { executor: name, resources, spec }, fx);
        let address = ExecutorAddress { executor, worker: worker.clone(), host, resources };
        self.send(id, ApplicationOrder::ExecutorAdded { executor: address }, fx);
    }

    fn why_waiting(&self, needs: Resources) -> String {
        match largest(&self.workers) {
            None => "waiting: there is no worker".into(),
            Some(largest) if !self.workers.values().any(|worker| needs.fits(worker.total())) => {
                format!("waiting: no worker has {needs}; the largest has {largest}")
            }
            Some(_) => format!("waiting: no worker has {needs} free"),
        }
    }
}

/// Returns what an application could use; none if that is nothing.
fn demand(application: &Application, default_cores: Option<u32>) -> Option<Demand> {
    application.link?;
    let spec = &application.record.spec;
    let has: Resources = application.staying().map(|executor| executor.resources).sum();
    let max = spec.cores_max.or(default_cores).unwrap_or(u32::MAX);
    let demand = Demand {
        cores_left: max.saturating_sub(has.cores),
        executors_left: application
            .wanted
            .map_or(u32::MAX, |wanted| wanted.saturating_sub(application.staying().count() as u32)),
        cores_per_executor: spec.cores_per_executor,
        memory_per_executor_mib: spec.memory_per_executor_mib,
    };
    let wants = demand.executors_left > 0 && demand.cores_left >= demand.least().cores;
    wants.then_some(demand)
}
