//! Views: the tables in the form for display.

use crate::applications::{Application, Executor};
use crate::master::Master;
use crate::snapshot::DriverRecord;
use crate::workers::{HostedApplication, Worker};
use firesteel_protocol::standalone::{
    ApplicationView, DriverView, ExecutorCondition, ExecutorView, Overview, WorkerCondition, WorkerView,
};
use firesteel_types::ExecutorId;

impl Master {
    /// Returns the state of everything.
    pub fn overview(&self) -> Overview {
        let present = || self.workers.values().filter(|worker| !worker.awaited);
        Overview {
            epoch: self.epoch,
            recovering: self.is_recovering(),
            total: present().map(Worker::total).sum(),
            used: present().map(Worker::used).sum(),
            workers: self.workers.values().map(worker_view).collect(),
            lost_workers: self.lost_workers.iter().cloned().collect(),
            applications: self.applications.iter().map(application_view).collect(),
            ended_applications: self.applications.ended.iter().cloned().collect(),
            ended_executors: self.applications.ended_executors.values().flatten().cloned().collect(),
            drivers: self.drivers.iter().map(|driver| self.driver_view(driver)).collect(),
            ended_drivers: self.drivers.ended.iter().map(|driver| self.driver_view(driver)).collect(),
        }
    }

    pub(crate) fn driver_view(&self, record: &DriverRecord) -> DriverView {
        DriverView {
            driver: record.driver.clone(),
            submitted_at: record.submitted_at,
            resources: record.spec.resources,
            supervise: record.spec.supervise,
            launches: record.launches,
            worker: record.last_worker.clone(),
            state: record.state.clone(),
            waiting: self.drivers.waiting.get(&record.driver).cloned(),
        }
    }
}

pub(crate) fn worker_view(worker: &Worker) -> WorkerView {
    let condition = match (worker.awaited, worker.record.decommissioned, worker.link) {
        (true, _, _) => WorkerCondition::Awaited,
        (false, true, _) => WorkerCondition::Decommissioned,
        (false, false, None) => WorkerCondition::Disconnected,
        (false, false, Some(_)) => WorkerCondition::Alive,
    };
    let executors =
        worker.hosted.keys().filter(|hosted| matches!(hosted, HostedApplication::Executor(_))).count();
    WorkerView {
        worker: worker.record.worker.clone(),
        host: worker.record.offer.host.clone(),
        condition,
        total: worker.total(),
        used: worker.used(),
        executors,
        drivers: worker.hosted.len() - executors,
        last_seen: worker.last_seen,
        pages: worker.record.offer.pages.clone(),
    }
}

fn application_view(application: &Application) -> ApplicationView {
    let record = &application.record;
    ApplicationView {
        application: record.application.clone(),
        name: record.spec.name.clone(),
        user: record.spec.user.clone(),
        submitted_at: record.submitted_at,
        connected: application.link.is_some(),
        cores_max: record.spec.cores_max,
        memory_per_executor_mib: record.spec.memory_per_executor_mib,
        pages: record.spec.pages.clone(),
        used: application.executors.values().map(|executor| executor.resources).sum(),
        executors: application.executors.iter().map(executor_view).collect(),
        waiting: application.waiting.clone(),
    }
}

fn executor_view((executor, has): (&ExecutorId, &Executor)) -> ExecutorView {
    let condition = match has {
        Executor { decommissioned: true, .. } => ExecutorCondition::Decommissioned,
        Executor { ready: true, .. } => ExecutorCondition::Ready,
        Executor { started: true, .. } => ExecutorCondition::Running,
        Executor { started: false, .. } => ExecutorCondition::Launching,
    };
    ExecutorView { executor: *executor, worker: has.worker.clone(), resources: has.resources, condition }
}
