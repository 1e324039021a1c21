//! The master's client handler: submitting and killing drivers, killing applications, decommissioning workers,
//! the overview.

use crate::drivers::RunEnd;
use crate::event::Effect;
use crate::master::{Master, answer, note};
use crate::messages::{ApplicationEnd, ClientAnswer, ClientWord, DriverSpec};
use crate::names::{ApplicationId, DriverId, DriverRun, Link, RequestKey};
use crate::note::Note;
use crate::snapshot::{DriverRecord, DriverState};
use crate::workers::Tenant;

impl Master {
    pub(crate) fn client_says(&mut self, link: Link, word: ClientWord, fx: &mut Vec<Effect>) {
        match word {
            ClientWord::SubmitDriver { key, spec } => {
                let driver = self.submit_driver(key, spec, fx);
                answer(link, ClientAnswer::DriverSubmitted { driver }, fx);
            }
            ClientWord::KillDriver { driver } => {
                self.kill_driver(&driver, fx);
                self.tell_driver(link, &driver, fx);
            }
            ClientWord::DriverStatus { driver } => self.tell_driver(link, &driver, fx),
            ClientWord::KillApplication { application } => self.kill_application(link, &application, fx),
            ClientWord::DecommissionWorker { worker } => {
                let is_known = self.workers.contains_key(&worker);
                self.decommission(&worker, fx);
                answer(link, if is_known { ClientAnswer::Done } else { ClientAnswer::Unknown }, fx);
            }
            ClientWord::Overview => answer(link, ClientAnswer::Overview(self.overview()), fx),
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
            let tenant = Tenant::Driver(driver.run());
            self.end_tenant(&worker, &tenant, fx);
        } else {
            driver.state = DriverState::Killed;
            note(Note::DriverIs(id.clone(), DriverState::Killed), fx);
            self.drivers.bury(id, self.settings.retained_drivers);
        }
    }

    fn tell_driver(&self, link: Link, id: &DriverId, fx: &mut Vec<Effect>) {
        let view = self.drivers.find(id).map(|driver| self.driver_view(driver));
        answer(link, view.map_or(ClientAnswer::Unknown, ClientAnswer::Driver), fx);
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
