//! Recovery: the snapshot for the next master, and how a master takes over from an earlier one.
//!
//! A master that takes over launches nothing until all workers and applications that its predecessor knew have
//! come back, or have had time to. The executors of returning workers are taken over if their application is
//! known and their number was handed out; it is then as if there had been one master all along. A worker or
//! application that does not come back is lost in the ordinary way.

use crate::applications::{Application, Applications, Executor};
use crate::drivers::{Drivers, RunEnd};
use crate::event::Effect;
use crate::master::{Master, note};
use crate::note::Note;
use crate::phase::Phase;
use crate::settings::MasterSettings;
use crate::snapshot::Snapshot;
use crate::workers::{HostedApplication, Tenancy, Worker, Workers};
use firesteel_protocol::standalone::{
    ApplicationEnd, ApplicationId, DriverState, Epoch, WorkerId, WorkerReport,
};
use firesteel_types::Millis;
use std::collections::{BTreeMap, VecDeque};

impl Master {
    /// Makes the first master of a cluster.
    pub fn new(now: Millis, epoch: Epoch, settings: MasterSettings, fx: &mut Vec<Effect>) -> Self {
        Master::recover(now, epoch, settings, Snapshot::default(), fx)
    }

    /// Makes a master that takes over from the one that wrote the snapshot. The first effect writes down that
    /// it has.
    ///
    /// # Panics
    /// When the epoch is not higher than that of the snapshot: workers could not tell the two masters apart. A
    /// master without a [`Lease`](crate::Lease) takes the [next](Epoch::next) one.
    pub fn recover(
        now: Millis,
        epoch: Epoch,
        settings: MasterSettings,
        snapshot: Snapshot,
        fx: &mut Vec<Effect>,
    ) -> Self {
        assert!(epoch > snapshot.epoch, "epoch {epoch} is not after {}", snapshot.epoch);
        let mut master = Master {
            now,
            epoch,
            phase: Phase::Recovering { until: now + settings.recovery_timeout_ms },
            workers: Workers::new(),
            lost_workers: VecDeque::new(),
            applications: Applications::default(),
            drivers: Drivers::default(),
            links: BTreeMap::new(),
            next_application: snapshot.next_application,
            next_driver: snapshot.next_driver,
            changed: false,
            replan: false,
            settings,
        };
        master.restore(snapshot);
        fx.push(Effect::Persist(Box::new(master.snapshot())));
        let (workers, applications) = (master.workers.len(), master.applications.ids().len());
        note(Note::Recovering(workers, applications), fx);
        let first = fx.len();
        master.end_recovery_when_due(fx);
        master.persist(first, fx);
        master
    }

    fn restore(&mut self, snapshot: Snapshot) {
        let now = self.now;
        for record in snapshot.workers {
            self.workers.insert(record.worker.clone(), Worker::new(record, now, true));
        }
        for record in snapshot.applications {
            self.applications.insert(Application::new(record, now, true));
        }
        self.applications.ended.extend(snapshot.ended_applications);
        for driver in snapshot.drivers {
            if let DriverState::Running { worker, killed, .. } = &driver.state
                && let Some(worker) = self.workers.get_mut(worker)
            {
                let tenancy = Tenancy::new(driver.spec.resources, *killed);
                worker.take_in(HostedApplication::Driver(driver.run()), tenancy);
            }
            self.drivers.insert(driver);
        }
        self.drivers.ended.extend(snapshot.ended_drivers);
    }

    /// Returns all that must survive this master.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            epoch: self.epoch,
            next_application: self.next_application,
            next_driver: self.next_driver,
            workers: self.workers.values().map(|worker| worker.record.clone()).collect(),
            applications: self.applications.iter().map(|app| app.record.clone()).collect(),
            ended_applications: self.applications.ended.iter().cloned().collect(),
            drivers: self.drivers.iter().cloned().collect(),
            ended_drivers: self.drivers.ended.iter().cloned().collect(),
        }
    }

    /// Takes over the executors of a worker that came back while it was awaited.
    pub(crate) fn adopt(&mut self, id: &WorkerId, report: &WorkerReport) {
        let worker = self.workers.get_mut(id).expect("a worker that registers is known");
        for (name, resources) in &report.executors {
            let Some(application) = self.applications.get_mut(&name.application) else { continue };
            let hosted = HostedApplication::Executor(name.clone());
            let was_numbered = name.executor.0 < application.record.next_executor;
            if !was_numbered || worker.hosted.contains_key(&hosted) {
                continue;
            }
            let executor = Executor {
                worker: id.clone(),
                resources: *resources,
                started: true,
                ready: false,
                decommissioned: worker.record.decommissioned,
            };
            application.executors.insert(name.executor, executor);
            worker.take_in(hosted, Tenancy::new(*resources, false));
        }
    }

    /// Ends the recovery if all are back, or have had time enough.
    pub(crate) fn end_recovery_when_due(&mut self, fx: &mut Vec<Effect>) {
        let Phase::Recovering { until } = self.phase else { return };
        let workers: Vec<WorkerId> =
            self.workers.iter().filter(|(_, worker)| worker.awaited).map(|(id, _)| id.clone()).collect();
        let awaited = self.applications.iter().filter(|app| app.awaited);
        let applications: Vec<ApplicationId> = awaited.map(|app| app.record.application.clone()).collect();
        if self.now < until && !(workers.is_empty() && applications.is_empty()) {
            return;
        }
        self.phase = Phase::Alive;
        self.replan = true;
        note(Note::Recovered(workers.len(), applications.len()), fx);
        for id in workers {
            self.lose_worker(&id, "it did not come back to the new master".into(), fx);
        }
        for id in applications {
            self.end_application(&id, ApplicationEnd::Lost, fx);
        }
        self.lose_stranded_drivers(fx);
        for id in self.applications.ids() {
            self.send_to_executors(&id, fx);
        }
    }

    /// Fails drivers whose worker the snapshot does not have: none, unless the snapshot was edited.
    fn lose_stranded_drivers(&mut self, fx: &mut Vec<Effect>) {
        let is_stranded = |worker: &WorkerId| !self.workers.contains_key(worker);
        let stranded: Vec<_> = self
            .drivers
            .iter()
            .filter(|driver| driver.worker().is_some_and(is_stranded))
            .map(|driver| driver.run())
            .collect();
        for run in stranded {
            self.run_gone(&run, RunEnd::WorkerLost("it is not on record".into()), fx);
        }
    }
}
