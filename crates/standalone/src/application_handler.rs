//! The master's application handler: registration, heartbeats, requests, and what follows from an application's
//! silence.

use crate::applications::Application;
use crate::event::Effect;
use crate::link::Link;
use crate::master::{Master, Party, note};
use crate::note::Note;
use crate::workers::HostedApplication;
use firesteel_protocol::standalone::{
    ApplicationEnd, ApplicationId, ApplicationMessage, ApplicationOrder, ApplicationRecord, ApplicationSpec,
    ApplicationStatus, EndedApplication, EndedExecutor, ExecutorAddress, ExecutorEnd, Payload, RequestKey,
    WorkerId, WorkerOrder,
};
use firesteel_types::{ExecutorId, Millis};

impl Master {
    pub(crate) fn application_sends(
        &mut self,
        link: Link,
        message: ApplicationMessage,
        fx: &mut Vec<Effect>,
    ) {
        match message {
            ApplicationMessage::Register { key, known_as, spec, status } => {
                self.application_registers(link, (key, known_as), spec, status, fx);
            }
            ApplicationMessage::Heartbeat { status } => {
                let Some(id) = self.registered_application(link, fx) else { return };
                fx.push(Effect::ToApplication { link, order: ApplicationOrder::Heard });
                self.note_status(&id, &status);
            }
            ApplicationMessage::KillExecutors { executors } => {
                let Some(id) = self.registered_application(link, fx) else { return };
                self.kill_executors(&id, &executors, fx);
            }
            ApplicationMessage::Finished { failure } => {
                let Some(id) = self.registered_application(link, fx) else { return };
                let end =
                    failure.map_or(ApplicationEnd::Finished, |reason| ApplicationEnd::Failed { reason });
                self.end_application(&id, end, fx);
            }
        }
    }

    /// Returns the application that is registered on a connection, and notes that it was heard. Where none is,
    /// the other end is told to register.
    fn registered_application(&mut self, link: Link, fx: &mut Vec<Effect>) -> Option<ApplicationId> {
        let Some(Party::Application(id)) = self.links.get(&link).cloned() else {
            fx.push(Effect::ToApplication { link, order: ApplicationOrder::RegisterAgain });
            return None;
        };
        self.on_application_message(&id);
        Some(id)
    }

    fn on_application_message(&mut self, id: &ApplicationId) {
        if let Some(application) = self.applications.get_mut(id) {
            application.last_seen = self.now;
        }
    }

    fn application_registers(
        &mut self,
        link: Link,
        (key, known_as): (RequestKey, Option<ApplicationId>),
        spec: ApplicationSpec,
        status: ApplicationStatus,
        fx: &mut Vec<Effect>,
    ) {
        let mut send = |order| fx.push(Effect::ToApplication { link, order });
        if let Some(known) = self.applications.with_key(&key) {
            if known.link.is_none_or(|current| current <= link) {
                let id = known.record.application.clone();
                self.application_returns(link, &id, &status, fx);
            }
        } else if let Some(ended) = self.applications.ended_with_key(&key) {
            send(ApplicationOrder::Ended { end: ended.end.clone() });
        } else if let Some(id) = known_as {
            send(ApplicationOrder::Refused { reason: format!("{id} is not known here any more") });
        } else if let Err(reason) = check(&spec) {
            send(ApplicationOrder::Refused { reason });
        } else {
            let id = self.take_up(key, spec);
            note(Note::ApplicationRegistered(id.clone()), fx);
            self.application_returns(link, &id, &status, fx);
        }
    }

    /// Makes the record of a new application.
    fn take_up(&mut self, key: RequestKey, spec: ApplicationSpec) -> ApplicationId {
        let number = self.next_application;
        self.next_application += 1;
        self.changed = true;
        let application = ApplicationId::numbered(self.now, number);
        let record = ApplicationRecord {
            application: application.clone(),
            number,
            key,
            spec,
            submitted_at: self.now,
            next_executor: 0,
        };
        self.applications.insert(Application::new(record, self.now, false));
        application
    }

    /// Connects an application, new or returning, to the connection on which it registered.
    fn application_returns(
        &mut self,
        link: Link,
        id: &ApplicationId,
        status: &ApplicationStatus,
        fx: &mut Vec<Effect>,
    ) {
        self.bind(link, Party::Application(id.clone()));
        self.on_application_message(id);
        self.replan = true;
        let application = self.applications.get_mut(id).expect("it was put there or found");
        // The application is told again why it waits.
        application.waiting = None;
        if std::mem::take(&mut application.awaited) {
            note(Note::ApplicationReturned(id.clone()), fx);
        }
        self.note_status(id, status);
        self.send(id, ApplicationOrder::Registered { application: id.clone() }, fx);
        if !self.is_recovering() {
            self.send_to_executors(id, fx);
        }
    }

    /// Sends an application the list of its executors.
    pub(crate) fn send_to_executors(&self, id: &ApplicationId, fx: &mut Vec<Effect>) {
        let Some(application) = self.applications.get(id) else { return };
        let address = |(executor, has): (&ExecutorId, &crate::applications::Executor)| ExecutorAddress {
            executor: *executor,
            worker: has.worker.clone(),
            host: self.workers[&has.worker].record.offer.host.clone(),
            resources: has.resources,
        };
        let executors = application.executors.iter().map(address).collect();
        self.send(id, ApplicationOrder::Executors { executors }, fx);
    }

    fn note_status(&mut self, id: &ApplicationId, status: &ApplicationStatus) {
        let Some(application) = self.applications.get_mut(id) else { return };
        if application.wanted != status.wanted_executors {
            application.wanted = status.wanted_executors;
            self.replan = true;
        }
        status.ready.iter().for_each(|executor| application.note_ready(*executor));
    }

    fn kill_executors(&mut self, id: &ApplicationId, executors: &[ExecutorId], fx: &mut Vec<Effect>) {
        for &executor in executors {
            let Some(application) = self.applications.get(id) else { return };
            let Some(worker) = application.executors.get(&executor).map(|has| has.worker.clone()) else {
                continue;
            };
            let name = application.name_of(executor);
            self.end_hosted(&worker, &HostedApplication::Executor(name.clone()), fx);
            self.executor_gone(&name, ExecutorEnd::KillRequested, fx);
        }
    }

    /// Fails an application whose executors fail again and again while none is ready.
    pub(crate) fn fail_when_hopeless(
        &mut self,
        id: &ApplicationId,
        last: &ExecutorEnd,
        fx: &mut Vec<Effect>,
    ) {
        let Some(limit) = self.settings.max_executor_failures else { return };
        let Some(application) = self.applications.get(id) else { return };
        if application.failures >= limit && !application.executors.values().any(|has| has.ready) {
            let why = format!("{limit} executors failed in a row; the last: {last}");
            self.end_application(id, ApplicationEnd::Failed { reason: why }, fx);
        }
    }

    /// Ends an application: its executors end, and workers remove its files.
    pub(crate) fn end_application(&mut self, id: &ApplicationId, end: ApplicationEnd, fx: &mut Vec<Effect>) {
        self.send(id, ApplicationOrder::Ended { end: end.clone() }, fx);
        let Some(mut application) = self.applications.remove(id) else { return };
        if let Some(link) = application.link {
            self.links.remove(&link);
        }
        (self.changed, self.replan) = (true, true);
        note(Note::ApplicationEnded(id.clone(), end.clone()), fx);
        // It contains the application's secret, which is not needed any more.
        application.record.spec.launch = Payload::default();
        for (executor, has) in std::mem::take(&mut application.executors) {
            let (executor, ended_at) = (application.name_of(executor), self.now);
            let (worker, resources) = (has.worker, has.resources);
            let ended = EndedExecutor { executor, worker, resources, ended_at, end: None };
            self.applications.remember_executor(ended, self.settings.retained_lost);
        }
        let ended = EndedApplication { record: application.record, ended_at: self.now, end };
        self.applications.remember(ended, self.settings.retained_applications);
        for worker in self.workers.values_mut() {
            for (_, tenancy) in worker.hosted.iter_mut().filter(|(hosted, _)| hosted.is_of(id)) {
                tenancy.ending = true;
            }
        }
        let workers: Vec<WorkerId> = self.workers.keys().cloned().collect();
        for worker in workers {
            self.order(&worker, WorkerOrder::CleanApplication { application: id.clone() }, fx);
        }
    }

    pub(crate) fn lose_silent_applications(&mut self, fx: &mut Vec<Effect>) {
        let timeout_ms = self.settings.application_timeout_ms;
        let is_silent = |app: &&Application| !app.awaited && self.now - app.last_seen >= timeout_ms;
        let silent: Vec<ApplicationId> =
            self.applications.iter().filter(is_silent).map(|app| app.record.application.clone()).collect();
        for id in silent {
            self.end_application(&id, ApplicationEnd::Lost, fx);
        }
    }

    pub(crate) fn next_application_review(&self) -> Option<Millis> {
        let on_message = self.applications.iter().filter(|app| !app.awaited).map(|app| app.last_seen);
        on_message.min().map(|on_message| on_message + self.settings.application_timeout_ms)
    }
}

/// Refuses a specification that can never be satisfied.
fn check(spec: &ApplicationSpec) -> Result<(), String> {
    match (spec.cores_per_executor, spec.cores_max) {
        (Some(0), _) => Err("an executor needs at least one core".into()),
        (_, Some(0)) => Err("an application needs at least one core".into()),
        (Some(each), Some(max)) if each > max => {
            Err(format!("the limit of {max} cores leaves no room for one executor of {each} cores"))
        }
        _ => Ok(()),
    }
}
