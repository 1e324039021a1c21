//! The master's worker handler: registration, reports, ended executors and drivers, and what follows from a
//! worker's silence.

use crate::drivers::RunEnd;
use crate::event::Effect;
use crate::link::Link;
use crate::master::{Master, Party, kill, note};
use crate::note::Note;
use crate::snapshot::WorkerRecord;
use crate::views::worker_view;
use crate::workers::{HostedApplication, Tenancy, Worker};
use firesteel_protocol::standalone::{
    ApplicationOrder, DriverRun, EndedExecutor, ExecutorEnd, ExecutorName, LostWorker, ProcessOutcome,
    Resources, WorkerId, WorkerMessage, WorkerOffer, WorkerOrder, WorkerReport,
};
use firesteel_types::Millis;
use std::collections::BTreeMap;

/// The relation of a report to the orders that were sent before it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    /// The worker is on a new connection: no order that was sent on earlier ones will reach it any more.
    Complete,
    /// Orders may be under way.
    MayLag,
}

impl Master {
    pub(crate) fn worker_sends(&mut self, link: Link, message: WorkerMessage, fx: &mut Vec<Effect>) {
        match message {
            WorkerMessage::Register { worker, offer, report } => {
                self.worker_registers(link, worker, offer, report, fx);
            }
            WorkerMessage::Heartbeat { report } => {
                let Some(id) = self.registered_worker(link, fx) else { return };
                self.order_on(link, WorkerOrder::Heard, fx);
                self.compare(&id, report, Freshness::MayLag, fx);
            }
            WorkerMessage::ExecutorStarted { executor } => {
                let Some(_) = self.registered_worker(link, fx) else { return };
                self.mark_started(&executor);
            }
            WorkerMessage::ExecutorEnded { executor, outcome } => {
                let Some(id) = self.registered_worker(link, fx) else { return };
                self.executor_ended(&id, executor, outcome, fx);
            }
            WorkerMessage::DriverEnded { run, outcome } => {
                let Some(id) = self.registered_worker(link, fx) else { return };
                self.driver_ended(&id, run, outcome, fx);
            }
            WorkerMessage::Decommission => {
                let Some(id) = self.registered_worker(link, fx) else { return };
                self.decommission(&id, fx);
            }
            // A worker that leaves need not register for that.
            WorkerMessage::Leave => {
                let Some(id) = self.worker_on(link) else { return };
                self.lose_worker(&id, "it left".into(), fx);
            }
        }
    }

    /// Returns the worker that is registered on a connection, and notes that it was heard. Where none is, the
    /// other end is told to register.
    fn registered_worker(&mut self, link: Link, fx: &mut Vec<Effect>) -> Option<WorkerId> {
        let Some(id) = self.worker_on(link) else {
            self.order_on(link, WorkerOrder::RegisterAgain, fx);
            return None;
        };
        self.on_worker_message(&id);
        Some(id)
    }

    fn worker_on(&self, link: Link) -> Option<WorkerId> {
        match self.links.get(&link)? {
            Party::Worker(id) => Some(id.clone()),
            Party::Application(_) => None,
        }
    }

    fn on_worker_message(&mut self, id: &WorkerId) {
        if let Some(worker) = self.workers.get_mut(id) {
            worker.last_seen = self.now;
        }
    }

    fn worker_registers(
        &mut self,
        link: Link,
        id: WorkerId,
        offer: WorkerOffer,
        report: WorkerReport,
        fx: &mut Vec<Effect>,
    ) {
        let known = self.workers.get(&id).map(|worker| worker.link);
        let freshness = match known {
            // A message on a connection that the worker has given up does not count.
            Some(Some(current)) if current > link => return,
            // The registration came twice.
            Some(Some(current)) if current == link => Freshness::MayLag,
            Some(_) => Freshness::Complete,
            None => {
                let record = WorkerRecord { worker: id.clone(), offer, decommissioned: false };
                note(Note::WorkerRegistered(id.clone(), record.offer.resources), fx);
                self.workers.insert(id.clone(), Worker::new(record, self.now, false));
                self.lost_workers.retain(|lost| lost.worker.worker != id);
                self.changed = true;
                Freshness::Complete
            }
        };
        self.bind(link, Party::Worker(id.clone()));
        self.on_worker_message(&id);
        self.replan = true;
        self.order_on(link, WorkerOrder::Registered { pages: self.settings.pages.clone() }, fx);
        let worker = self.workers.get_mut(&id).expect("it was put there or found");
        let was_awaited = std::mem::take(&mut worker.awaited);
        if was_awaited {
            self.adopt(&id, &report);
        }
        self.compare(&id, report, freshness, fx);
    }

    /// Compares what a worker runs with what it should run, and sends the orders that make the two alike.
    fn compare(&mut self, id: &WorkerId, report: WorkerReport, freshness: Freshness, fx: &mut Vec<Effect>) {
        let executors =
            report.executors.into_iter().map(|(name, takes)| (HostedApplication::Executor(name), takes));
        let drivers = report.drivers.into_iter().map(|(run, takes)| (HostedApplication::Driver(run), takes));
        let reported: BTreeMap<HostedApplication, Resources> = executors.chain(drivers).collect();
        let mut to_end = self.missing(id, &reported, freshness);
        for (hosted, resources) in &reported {
            to_end.extend(self.account(id, hosted, *resources, fx));
        }
        for hosted in to_end {
            self.order(id, kill(&hosted), fx);
        }
        if self.workers[id].record.decommissioned {
            self.order(id, WorkerOrder::Decommission, fx);
        }
        for application in report.applications {
            if self.applications.get(&application).is_none() {
                self.order(id, WorkerOrder::CleanApplication { application }, fx);
            }
        }
    }

    /// Returns what a worker should run and does not, for longer than an order is under way. The worker is told
    /// to end it, to be sure: its answer tells the outcome.
    fn missing(
        &mut self,
        id: &WorkerId,
        reported: &BTreeMap<HostedApplication, Resources>,
        freshness: Freshness,
    ) -> Vec<HostedApplication> {
        let grace = match freshness {
            Freshness::Complete => 0,
            Freshness::MayLag => self.settings.unaccounted_timeout_ms,
        };
        let now = self.now;
        let worker = self.workers.get_mut(id).expect("a worker that reports is known");
        let mut missing = vec![];
        for (hosted, tenancy) in worker.hosted.iter_mut().filter(|(hosted, _)| !reported.contains_key(hosted))
        {
            if now - *tenancy.absent_since.get_or_insert(now) >= grace {
                missing.push(hosted.clone());
            }
        }
        missing
    }

    /// Enters what a worker runs. Returns it if it has to end.
    fn account(
        &mut self,
        id: &WorkerId,
        hosted: &HostedApplication,
        resources: Resources,
        fx: &mut Vec<Effect>,
    ) -> Option<HostedApplication> {
        let worker = self.workers.get_mut(id).expect("a worker that reports is known");
        // Not ordered, or not any more: it takes room until it has ended.
        let Some(tenancy) = worker.hosted.get_mut(hosted) else {
            worker.take_in(hosted.clone(), Tenancy::new(resources, true));
            note(Note::Unwanted(id.clone(), format!("{hosted:?}")), fx);
            return Some(hosted.clone());
        };
        tenancy.absent_since = None;
        if tenancy.ending {
            return Some(hosted.clone());
        }
        if let HostedApplication::Executor(name) = hosted {
            self.mark_started(name);
        }
        None
    }

    fn mark_started(&mut self, name: &ExecutorName) {
        let application = self.applications.get_mut(&name.application);
        if let Some(executor) = application.and_then(|app| app.executors.get_mut(&name.executor)) {
            executor.started = true;
        }
    }

    fn executor_ended(
        &mut self,
        id: &WorkerId,
        name: ExecutorName,
        outcome: ProcessOutcome,
        fx: &mut Vec<Effect>,
    ) {
        let worker = self.workers.get_mut(id).expect("a linked worker is known");
        if worker.release(&HostedApplication::Executor(name.clone())).is_none() {
            return;
        }
        self.replan = true;
        self.executor_gone(&name, ExecutorEnd::Ended { outcome }, fx);
    }

    /// Tells an application that it has lost an executor, if it had it.
    pub(crate) fn executor_gone(&mut self, name: &ExecutorName, end: ExecutorEnd, fx: &mut Vec<Effect>) {
        let Some(application) = self.applications.get_mut(&name.application) else { return };
        let Some(executor) = application.executors.remove(&name.executor) else { return };
        let is_failure = matches!(&end, ExecutorEnd::Ended { outcome } if outcome.is_failure());
        application.failures += u32::from(is_failure && !executor.decommissioned);
        // An executor that the application does not want any more was given back: its end is no failure.
        let is_missed =
            application.wanted.is_none_or(|wanted| application.staying().count() < wanted as usize);
        let by_itself = is_failure
            || is_missed && end == (ExecutorEnd::Ended { outcome: ProcessOutcome::Exited { code: 0 } });
        if by_itself && !executor.decommissioned {
            application.slow_down(self.now, &self.settings);
        }
        self.replan = true;
        let (worker, resources, ended_at) = (executor.worker, executor.resources, self.now);
        let ended =
            EndedExecutor { executor: name.clone(), worker, resources, ended_at, end: Some(end.clone()) };
        self.applications.remember_executor(ended, self.settings.retained_lost);
        note(Note::ExecutorEnded(name.clone(), end.clone()), fx);
        self.send(
            &name.application,
            ApplicationOrder::ExecutorEnded { executor: name.executor, end: end.clone() },
            fx,
        );
        if is_failure {
            self.fail_when_hopeless(&name.application, &end, fx);
        }
    }

    fn driver_ended(&mut self, id: &WorkerId, run: DriverRun, outcome: ProcessOutcome, fx: &mut Vec<Effect>) {
        let worker = self.workers.get_mut(id).expect("a linked worker is known");
        if worker.release(&HostedApplication::Driver(run.clone())).is_some() {
            self.replan = true;
            self.run_gone(&run, RunEnd::Told(outcome), fx);
        }
    }

    /// Decommissions a worker: it gets nothing more, what it runs may end in its own time, and its executors
    /// are replaced.
    pub(crate) fn decommission(&mut self, id: &WorkerId, fx: &mut Vec<Effect>) {
        let Some(worker) = self.workers.get_mut(id) else { return };
        if std::mem::replace(&mut worker.record.decommissioned, true) {
            return;
        }
        (self.changed, self.replan) = (true, true);
        note(Note::WorkerDecommissioned(id.clone()), fx);
        self.order(id, WorkerOrder::Decommission, fx);
        let hosted: Vec<HostedApplication> = self.workers[id].hosted.keys().cloned().collect();
        for hosted in hosted {
            let HostedApplication::Executor(name) = hosted else { continue };
            let Some(application) = self.applications.get_mut(&name.application) else { continue };
            let Some(executor) = application.executors.get_mut(&name.executor) else { continue };
            executor.decommissioned = true;
            let order = ApplicationOrder::ExecutorDecommissioned { executor: name.executor };
            self.send(&name.application, order, fx);
        }
    }

    /// Removes a worker with all that it ran. If it comes back, it is told to end what it still runs.
    pub(crate) fn lose_worker(&mut self, id: &WorkerId, why: String, fx: &mut Vec<Effect>) {
        let Some(worker) = self.workers.remove(id) else { return };
        let lost = LostWorker { worker: worker_view(&worker), lost_at: self.now, reason: why.clone() };
        self.lost_workers.push_back(lost);
        while self.lost_workers.len() > self.settings.retained_lost {
            self.lost_workers.pop_front();
        }
        if let Some(link) = worker.link {
            self.links.remove(&link);
        }
        (self.changed, self.replan) = (true, true);
        note(Note::WorkerLost(id.clone(), why.clone()), fx);
        for hosted in worker.hosted.into_keys() {
            match hosted {
                HostedApplication::Executor(name) => {
                    self.executor_gone(&name, ExecutorEnd::WorkerLost { reason: why.clone() }, fx)
                }
                HostedApplication::Driver(run) => self.run_gone(&run, RunEnd::WorkerLost(why.clone()), fx),
            }
        }
    }

    pub(crate) fn lose_silent_workers(&mut self, fx: &mut Vec<Effect>) {
        let timeout_ms = self.settings.worker_timeout_ms;
        let is_silent = |worker: &&Worker| !worker.awaited && self.now - worker.last_seen >= timeout_ms;
        let silent: Vec<WorkerId> =
            self.workers.values().filter(is_silent).map(|worker| worker.record.worker.clone()).collect();
        for id in silent {
            self.lose_worker(&id, format!("it was silent for {timeout_ms} ms"), fx);
        }
    }

    pub(crate) fn next_worker_review(&self) -> Option<Millis> {
        let on_message =
            self.workers.values().filter(|worker| !worker.awaited).map(|worker| worker.last_seen);
        on_message.min().map(|on_message| on_message + self.settings.worker_timeout_ms)
    }
}
