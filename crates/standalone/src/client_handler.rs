//! The master's client handler: submitting and killing drivers, killing applications, decommissioning workers,
//! the overview.

use crate::drivers::RunEnd;
use crate::event::Effect;
use crate::link::Link;
use crate::master::{Master, answer, note};
use crate::note::Note;
use crate::snapshot::DriverRecord;
use crate::workers::HostedApplication;
use firesteel_protocol::standalone::{
    ApplicationEnd, ApplicationId, ClientAnswer, ClientMessage, DriverId, DriverRun, DriverSpec, DriverState,
    RequestKey,
};

impl Master {
    pub(crate) fn client_sends(&mut self, link: Link, message: ClientMessage, fx: &mut Vec<Effect>) {
        match message {
            ClientMessage::SubmitDriver { key, spec } => {
                let driver = self.submit_driver(key, spec, fx);
                answer(link, ClientAnswer::DriverSubmitted { driver }, fx);
            }
            ClientMessage::KillDriver { driver } => {
                self.kill_driver(&driver, fx);
                self.send_to_driver(link, &driver, fx);
            }
            ClientMessage::DriverStatus { driver } => self.send_to_driver(link, &driver, fx),
            ClientMessage::KillApplication { application } => self.kill_application(link, &application, fx),
            ClientMessage::DecommissionWorker { worker } => {
                let is_known = self.workers.contains_key(&worker);
                self.decommission(&worker, fx);
                answer(link, if is_known { ClientAnswer::Done } else { ClientAnswer::Unknown }, fx);
            }
            ClientMessage::Overview => answer(link, ClientAnswer::Overview { overview: self.overview() }, fx),
        }
    }

    /// Makes the record of a driver, or finds it if it was submitted before.
    fn submit_driver(&mut self, key: RequestKey, spec: DriverSpec, fx: &mut Vec<Effect>) -> DriverId {
        if let Some(known) = self.drivers.with_key(&key) {
            return known.driver.clone();
        }
        let number = self.next_driver;
        self.next_driver += 1;
        (self.changed, self.replan) = (true, true);
        let driver = DriverId::numbered(self.now, number);
        note(Note::DriverSubmitted(driver.clone()), fx);
        self.drivers.insert(DriverRecord {
            driver: driver.clone(),
            number,
            key,
            spec,
            submitted_at: self.now,
            launches: 0,
            last_worker: None,
            failures_in_a_row: 0,
            state: DriverState::Queued { not_before: self.now },
        });
        driver
    }

    fn kill_driver(&mut self, id: &DriverId, fx: &mut Vec<Effect>) {
        let Some(driver) = self.drivers.get_mut(id) else { return };
        self.changed = true;
        if let DriverState::Running { worker, killed, .. } = &mut driver.state {
            *killed = true;
            let worker = worker.clone();
            let hosted = HostedApplication::Driver(driver.run());
            self.end_hosted(&worker, &hosted, fx);
        } else {
            driver.state = DriverState::Killed;
            note(Note::DriverIs(id.clone(), DriverState::Killed), fx);
            self.drivers.expire(id, self.settings.retained_drivers);
        }
    }

    fn send_to_driver(&self, link: Link, id: &DriverId, fx: &mut Vec<Effect>) {
        let view = self.drivers.find(id).map(|driver| self.driver_view(driver));
        answer(link, view.map_or(ClientAnswer::Unknown, |driver| ClientAnswer::Driver { driver }), fx);
    }

    fn kill_application(&mut self, link: Link, id: &ApplicationId, fx: &mut Vec<Effect>) {
        let is_known = self.applications.get(id).is_some();
        self.end_application(id, ApplicationEnd::Killed, fx);
        answer(link, if is_known { ClientAnswer::Done } else { ClientAnswer::Unknown }, fx);
    }

    /// Notes that a run of a driver has ended.
    pub(crate) fn run_gone(&mut self, run: &DriverRun, end: RunEnd, fx: &mut Vec<Effect>) {
        if let Some(state) = self.drivers.run_ended(self.now, run, end, &self.settings) {
            (self.changed, self.replan) = (true, true);
            note(Note::DriverIs(run.driver.clone(), state), fx);
        }
    }
}
