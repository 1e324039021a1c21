//! Applications and those who submit drivers: what they want, what they are told, and how they end.

mod program;

pub(crate) use program::{Program, Submission};

use super::happening::Happening;
use super::network::{Message, Peer};
use super::world::World;
use crate::objection::Objection;
use firesteel_standalone::{
    ApplicationEnd, ApplicationId, ApplicationMessage, ApplicationOrder, ApplicationSpec, ApplicationStatus,
    ClientAnswer, ClientMessage, DriverSpec, DriverState, ExecutorName, Link, Payload, RequestKey, Resources,
};
use firesteel_types::ExecutorId;
use std::collections::BTreeSet;

/// How long a client waits for an answer before it asks again.
const ASK_AGAIN_MS: u64 = 4_000;

impl World {
    /// Makes up a program, which is born later.
    pub(crate) fn plan_program(&mut self, number: u32) {
        let per_executor = self.rng.per_mille(600).then(|| self.rng.between(1, 4) as u32);
        let at_least = u64::from(per_executor.unwrap_or(1));
        let spec = ApplicationSpec {
            name: format!("program {number}"),
            user: "ada".into(),
            cores_max: self.rng.per_mille(500).then(|| self.rng.between(at_least, 16) as u32),
            cores_per_executor: per_executor,
            memory_per_executor_mib: 512 * self.rng.between(1, 6),
            pages: None,
            launch: Payload::default(),
        };
        let program = Program {
            spec,
            id: None,
            alive: false,
            connection: None,
            seen_at: 0,
            answer_sent_at: 0,
            wanted: self.rng.per_mille(400).then(|| self.rng.between(0, 6) as u32),
            ready: BTreeSet::new(),
            known: BTreeSet::new(),
            unwanted: BTreeSet::new(),
            doomed: self.rng.per_mille(100),
            finishing: false,
            end: None,
        };
        self.programs.insert(number, program);
        let at = self.rng.below(self.scenario.quiet_from_ms);
        self.time.at(at, Happening::ProgramBorn { program: number });
        if self.rng.per_mille(600) {
            let life = self.rng.between(1_000, self.scenario.quiet_from_ms);
            self.time.at(at + life, Happening::ProgramEnds { program: number });
        }
    }

    fn program(&mut self, id: u32) -> &mut Program {
        self.programs.get_mut(&id).expect("what happens to a program happens to one that was planned")
    }

    pub(crate) fn bear_program(&mut self, id: u32) {
        let now = self.time.now;
        let program = self.program(id);
        (program.alive, program.seen_at, program.answer_sent_at) = (true, now, now);
        self.time.after(1, Happening::ProgramDials { program: id });
        let beat = self.rng.below(self.scenario.heartbeat_ms);
        self.time.after(beat, Happening::ProgramBeats { program: id });
        let step = self.rng.between(5_000, 60_000);
        self.time.after(step, Happening::ProgramMoves { program: id });
    }

    pub(crate) fn program_dials(&mut self, id: u32) {
        if !self.programs[&id].alive || self.programs[&id].connection.is_some() {
            return;
        }
        let Some(master) = self.find_leader() else {
            let delay = self.rng.between(500, 3_000);
            self.time.after(delay, Happening::ProgramDials { program: id });
            return;
        };
        let link = self.connect(master, Peer::Program(id));
        let now = self.time.now;
        let program = self.program(id);
        (program.connection, program.seen_at) = (Some(link), now);
        self.register_program(id, link);
    }

    fn register_program(&mut self, id: u32, link: Link) {
        let program = &self.programs[&id];
        let message = ApplicationMessage::Register {
            key: RequestKey::new(format!("program-{id}")),
            known_as: program.id.clone(),
            spec: program.spec.clone(),
            status: self.status(id),
        };
        self.send_to_master(link, Message::Application(message));
    }

    fn status(&self, id: u32) -> ApplicationStatus {
        let program = &self.programs[&id];
        ApplicationStatus { wanted_executors: program.wanted, ready: program.ready.iter().copied().collect() }
    }

    pub(crate) fn program_leaves_wire(&mut self, id: u32, link: Link) {
        self.program(id).connection = None;
        self.hang_up(link);
        self.time.after(1, Happening::ProgramDials { program: id });
    }

    pub(crate) fn program_beats(&mut self, id: u32) {
        if !self.programs[&id].alive {
            return;
        }
        self.time.after(self.scenario.heartbeat_ms, Happening::ProgramBeats { program: id });
        let program = &self.programs[&id];
        let Some(link) = program.connection else { return };
        if self.time.now - program.seen_at > self.scenario.patience_ms {
            self.program_leaves_wire(id, link);
            return;
        }
        let unwanted: Vec<ExecutorId> = program.unwanted.intersection(&program.known).copied().collect();
        let finishing = program.finishing;
        let status = self.status(id);
        self.send_to_master(link, Message::Application(ApplicationMessage::Heartbeat { status }));
        if !unwanted.is_empty() {
            let message = ApplicationMessage::KillExecutors { executors: unwanted };
            self.send_to_master(link, Message::Application(message));
        }
        if finishing {
            let message = ApplicationMessage::Finished { failure: None };
            self.send_to_master(link, Message::Application(message));
        }
    }

    /// It wants other executors than before.
    pub(crate) fn program_moves(&mut self, id: u32) {
        if !self.programs[&id].alive || self.is_quiet() {
            return;
        }
        let wanted = self.rng.per_mille(600).then(|| self.rng.between(0, 6) as u32);
        let known: Vec<ExecutorId> = self.programs[&id].known.iter().copied().collect();
        let victim = (!known.is_empty() && self.rng.per_mille(500)).then(|| *self.rng.pick(&known));
        let program = self.program(id);
        program.wanted = wanted;
        program.unwanted.extend(victim);
        let step = self.rng.between(5_000, 90_000);
        self.time.after(step, Happening::ProgramMoves { program: id });
    }

    pub(crate) fn program_ends(&mut self, id: u32) {
        let program = self.program(id);
        if program.alive {
            program.finishing = true;
        }
    }

    pub(crate) fn program_receives(
        &mut self,
        id: u32,
        link: Link,
        order: ApplicationOrder,
        sent_at: u64,
    ) -> Result<(), Objection> {
        let now = self.time.now;
        let program = self.program(id);
        if program.connection != Some(link) || !program.alive {
            return Ok(());
        }
        program.seen_at = now;
        match order {
            ApplicationOrder::Registered { application } => {
                program.answer_sent_at = sent_at;
                if program.id.as_ref().is_some_and(|known| *known != application) {
                    return Err(format!("program {id} was {:?} and is {application}", program.id));
                }
                program.id = Some(application.clone());
                self.checker.application_named(&application, id)?;
            }
            ApplicationOrder::Executors { executors: places } => {
                program.known = places.iter().map(|place| place.executor).collect();
            }
            ApplicationOrder::Heard => program.answer_sent_at = sent_at,
            ApplicationOrder::RegisterAgain => self.register_program(id, link),
            ApplicationOrder::ExecutorAdded { executor: place } => {
                program.known.insert(place.executor);
            }
            ApplicationOrder::ExecutorDecommissioned { .. } | ApplicationOrder::Waiting { .. } => {}
            ApplicationOrder::ExecutorEnded { executor, .. } => {
                program.known.remove(&executor);
            }
            ApplicationOrder::Refused { reason } => {
                self.check_may_lose(id, &reason)?;
                self.program_over(id, ApplicationEnd::Lost);
            }
            ApplicationOrder::Ended { end } => {
                self.check_end(id, &end)?;
                self.program_over(id, end);
            }
        }
        Ok(())
    }

    fn check_end(&mut self, id: u32, end: &ApplicationEnd) -> Result<(), Objection> {
        let program = &self.programs[&id];
        match end {
            ApplicationEnd::Finished if program.finishing => Ok(()),
            ApplicationEnd::Finished => Err(format!("program {id} has finished without saying so")),
            ApplicationEnd::Failed { reason: why } => {
                let limit = self.scenario.settings.max_executor_failures.unwrap_or(u32::MAX);
                let failures = program.id.as_ref().map_or(0, |name| self.checker.failures_of(name));
                if failures >= limit {
                    Ok(())
                } else {
                    Err(format!("program {id} fails without cause: {why}"))
                }
            }
            ApplicationEnd::Killed if self.closing => Ok(()),
            ApplicationEnd::Killed => Err(format!("program {id} was killed, and no user wished it")),
            ApplicationEnd::Lost => self.check_may_lose(id, "lost"),
        }
    }

    /// Only who was silent for long may be given up.
    fn check_may_lose(&self, id: u32, why: &str) -> Result<(), Objection> {
        let settings = &self.scenario.settings;
        let silent_ms = self.time.now - self.programs[&id].answer_sent_at;
        let least = settings.application_timeout_ms.min(settings.recovery_timeout_ms);
        if silent_ms >= least {
            return Ok(());
        }
        Err(format!("program {id} was given up after {silent_ms} ms of silence at most: {why}"))
    }

    fn program_over(&mut self, id: u32, end: ApplicationEnd) {
        match &end {
            ApplicationEnd::Finished => self.report.finished += 1,
            ApplicationEnd::Failed { .. } => self.report.failed += 1,
            ApplicationEnd::Lost | ApplicationEnd::Killed => self.report.lost += 1,
        }
        let program = self.program(id);
        (program.alive, program.end) = (false, Some(end));
        if let Some(link) = program.connection.take() {
            self.hang_up(link);
        }
    }

    /// The process ends without a word.
    pub(crate) fn kill_program(&mut self, id: u32) {
        let program = self.program(id);
        program.alive = false;
        if let Some(link) = program.connection.take() {
            self.hang_up(link);
        }
    }

    fn with_name(&mut self, id: &ApplicationId) -> Option<&mut Program> {
        self.programs.values_mut().find(|program| program.id.as_ref() == Some(id))
    }

    pub(crate) fn is_doomed(&mut self, executor: &ExecutorName) -> bool {
        self.with_name(&executor.application).is_some_and(|program| program.doomed)
    }

    pub(crate) fn connected(&mut self, executor: &ExecutorName, is_there: bool) {
        let runs = self.checker.is_running(executor);
        let Some(program) = self.with_name(&executor.application) else { return };
        match is_there && runs && program.alive {
            true => program.ready.insert(executor.executor),
            false => program.ready.remove(&executor.executor),
        };
    }

    /// Makes up a driver and the user who submits it.
    pub(crate) fn plan_submission(&mut self, number: u32) {
        let spec = DriverSpec {
            resources: Resources::new(self.rng.between(1, 3) as u32, 512 * self.rng.between(1, 4)),
            supervise: self.rng.per_mille(500),
            launch: Payload::default(),
        };
        self.submissions.insert(number, Submission { spec, driver: None, kills: false, killed: false });
        let at = self.rng.below(self.scenario.quiet_from_ms);
        self.time.at(at, Happening::Submits { submission: number });
    }

    pub(crate) fn submits(&mut self, number: u32) {
        if self.submissions[&number].driver.is_some() {
            return;
        }
        let key = RequestKey::new(format!("submission-{number}"));
        let spec = self.submissions[&number].spec.clone();
        self.ask(number, ClientMessage::SubmitDriver { key, spec });
        self.time.after(ASK_AGAIN_MS, Happening::Submits { submission: number });
    }

    pub(crate) fn kills_driver(&mut self, number: u32) {
        let submission = self.submissions.get_mut(&number).expect("it was planned");
        submission.kills = true;
        if submission.killed {
            return;
        }
        if let Some(driver) = submission.driver.clone() {
            self.ask(number, ClientMessage::KillDriver { driver });
        }
        self.time.after(ASK_AGAIN_MS, Happening::KillsDriver { submission: number });
    }

    /// Asks once, on a connection of its own.
    fn ask(&mut self, number: u32, message: ClientMessage) {
        if let Some(master) = self.find_leader() {
            let link = self.connect(master, Peer::Submission(number));
            self.send_to_master(link, Message::Client(message));
        }
    }

    pub(crate) fn submission_receives(&mut self, number: u32, answer: ClientAnswer) -> Result<(), Objection> {
        let submission = self.submissions.get_mut(&number).expect("it was planned");
        match answer {
            ClientAnswer::DriverSubmitted { driver } => {
                if submission.driver.as_ref().is_some_and(|known| *known != driver) {
                    return Err(format!("submission {number} runs as two drivers"));
                }
                submission.driver = Some(driver.clone());
                self.checker.driver_named(&driver, number)
            }
            ClientAnswer::Driver { driver: view } => {
                let is_killed = matches!(view.state, DriverState::Running { killed: true, .. });
                submission.killed |= submission.kills && (is_killed || view.state.is_final());
                Ok(())
            }
            ClientAnswer::Unknown => Err(format!("driver {:?} is forgotten", submission.driver)),
            ClientAnswer::Done | ClientAnswer::Overview { .. } => Err("that was not asked".into()),
        }
    }
}
