//! Worker processes: a ledger each, and what a shell does for it: processes that start, fail and end, one connection at a time.

mod machine;

pub(crate) use machine::Machine;

use super::happening::Happening;
use super::network::{Message, Peer, Sent};
use super::world::World;
use crate::objection::Objection;
use firesteel_standalone::{
    DriverRun, ExecutorName, Link, ProcessOutcome, WorkerAction, WorkerId, WorkerMessage, WorkerOffer,
    WorkerState,
};

impl World {
    pub(crate) fn bear_worker(&mut self, host: usize) {
        let number = self.machines.len() as u32;
        let id = WorkerId::new(format!("worker-{number}-host{host}"));
        let offer =
            WorkerOffer { host: format!("host{host}"), resources: self.scenario.hosts[host], pages: None };
        let machine = Machine {
            host,
            id: id.clone(),
            worker_state: WorkerState::new(id.clone(), offer),
            alive: true,
            frozen_until: 0,
            isolated_until: 0,
            connection: None,
            seen_at: self.time.now,
            answer_sent_at: self.time.now,
            decommissioned: false,
            was_away_until: None,
        };
        self.names.insert(id, number);
        self.machines.insert(number, machine);
        self.time.after(1, Happening::WorkerDials { worker: number });
        let beat = self.rng.below(self.scenario.heartbeat_ms);
        self.time.after(beat, Happening::WorkerBeats { worker: number });
    }

    fn machine(&mut self, id: u32) -> &mut Machine {
        self.machines.get_mut(&id).expect("what happens to a worker happens to one that is there")
    }

    /// Looks for a master, if it has none.
    pub(crate) fn worker_dials(&mut self, id: u32) {
        if self.machines[&id].connection.is_some() {
            return;
        }
        let reaches = self.machines[&id].isolated_until <= self.time.now;
        match self.find_leader().filter(|_| reaches) {
            Some(master) => {
                let link = self.connect(master, Peer::Worker(id));
                let now = self.time.now;
                let machine = self.machine(id);
                (machine.connection, machine.seen_at) = (Some(link), now);
                let message = machine.worker_state.register();
                self.send_to_master(link, Message::Worker(message));
            }
            None => {
                let delay = self.rng.between(500, 3_000);
                self.time.after(delay, Happening::WorkerDials { worker: id });
            }
        }
    }

    pub(crate) fn worker_beats(&mut self, id: u32) {
        self.time.after(self.scenario.heartbeat_ms, Happening::WorkerBeats { worker: id });
        let machine = &self.machines[&id];
        let Some(link) = machine.connection else { return };
        if self.time.now - machine.seen_at > self.scenario.patience_ms {
            self.worker_leaves_wire(id, link);
            return;
        }
        let message = machine.worker_state.heartbeat();
        self.send_to_master(link, Message::Worker(message));
    }

    fn worker_leaves_wire(&mut self, id: u32, link: Link) {
        self.machine(id).connection = None;
        self.hang_up(link);
        self.time.after(1, Happening::WorkerDials { worker: id });
    }

    pub(crate) fn peer_notices(&mut self, link: Link) {
        let connection = self.network.get(link).expect("what is noticed is there");
        if !connection.peer_open {
            return;
        }
        match connection.peer {
            Peer::Worker(id) if self.machines[&id].connection == Some(link) => {
                self.worker_leaves_wire(id, link)
            }
            Peer::Program(id) if self.programs[&id].connection == Some(link) => {
                self.program_leaves_wire(id, link)
            }
            Peer::Worker(_) | Peer::Program(_) | Peer::Submission(_) => {}
        }
    }

    pub(crate) fn arrives_at_peer(
        &mut self,
        link: Link,
        traced: Sent,
        sent_at: u64,
    ) -> Result<(), Objection> {
        let connection = self.network.get(link).expect("what arrives was sent");
        if !connection.peer_open || !self.is_intact(link) {
            return Ok(());
        }
        match (connection.peer, traced) {
            (Peer::Worker(id), Sent::Order(order)) => {
                let machine = self.machine(id);
                if machine.connection != Some(link) {
                    return Ok(());
                }
                let before = machine.worker_state.epoch();
                let mut todo = vec![];
                machine.worker_state.obey(order.clone(), &mut todo);
                if order.epoch < before {
                    self.report.orders_fenced += 1;
                    return if todo.is_empty() { Ok(()) } else { Err("an old master is obeyed".into()) };
                }
                self.do_all(id, todo, sent_at)
            }
            (Peer::Program(id), Sent::Application(order)) => self.program_receives(id, link, order, sent_at),
            (Peer::Submission(id), Sent::Answer(answer)) => self.submission_receives(id, answer),
            (peer, traced) => Err(format!("{peer:?} is told {traced:?}")),
        }
    }

    fn do_all(&mut self, id: u32, todo: Vec<WorkerAction>, sent_at: u64) -> Result<(), Objection> {
        for action in todo {
            match action {
                WorkerAction::StartExecutor(executor, resources, _) => {
                    self.report.executors += 1;
                    self.checker.executor_started((self.time.now, id), &executor, resources)?;
                    self.check_room(id)?;
                    self.start_executor(id, executor);
                }
                WorkerAction::StopExecutor(executor) => {
                    self.check_kill(id, &executor)?;
                    let delay = self.rng.between(5, 10_000);
                    let outcome = ProcessOutcome::Signalled { signal: 9 };
                    self.time.after(delay, Happening::ExecutorEnded { worker: id, executor, outcome });
                }
                WorkerAction::StartDriver(run, spec) => {
                    self.report.drivers += 1;
                    self.checker.driver_started(id, &run, spec.resources, spec.supervise)?;
                    self.check_room(id)?;
                    self.start_driver(id, run);
                }
                WorkerAction::StopDriver(run) => {
                    let delay = self.rng.between(5, 10_000);
                    let outcome = ProcessOutcome::Signalled { signal: 9 };
                    self.time.after(delay, Happening::DriverEnded { worker: id, run, outcome });
                }
                WorkerAction::RemoveFiles(application) => self.checker.files_removed(id, &application)?,
                WorkerAction::Decommission => self.decommission_executors(id),
                WorkerAction::Say(message) => self.worker_sends(id, message),
                WorkerAction::MasterStatus => {
                    let now = self.time.now;
                    let settings = &self.scenario.settings;
                    let patience_ms = settings.worker_timeout_ms.min(settings.recovery_timeout_ms);
                    let machine = self.machine(id);
                    machine.seen_at = now;
                    if sent_at.saturating_sub(machine.answer_sent_at) >= patience_ms {
                        machine.was_away_until = Some(sent_at);
                    }
                    machine.answer_sent_at = machine.answer_sent_at.max(sent_at);
                }
            }
        }
        Ok(())
    }

    fn worker_sends(&mut self, id: u32, message: WorkerMessage) {
        if let Some(link) = self.machines[&id].connection {
            self.send_to_master(link, Message::Worker(message));
        }
    }

    fn start_executor(&mut self, id: u32, executor: ExecutorName) {
        let is_doomed = self.is_doomed(&executor);
        let fails = !self.is_quiet() && self.rng.per_mille(self.scenario.faults.executor_fails);
        if (is_doomed || fails) && self.rng.per_mille(200) {
            let outcome = ProcessOutcome::FailedToStart { reason: "the dice said no".into() };
            self.time.after(3, Happening::ExecutorEnded { worker: id, executor, outcome });
            return;
        }
        let start = self.rng.between(1, 2_000);
        self.time.after(start, Happening::ProcessStarted { worker: id, executor: executor.clone() });
        if is_doomed || fails {
            let code = self.rng.between(0, 2) as i32;
            let code = if is_doomed { 1 } else { code };
            let outcome = if code == 2 {
                ProcessOutcome::Signalled { signal: 11 }
            } else {
                ProcessOutcome::Exited { code }
            };
            let life = self.rng.between(1, if is_doomed { 1_500 } else { 60_000 });
            self.time.after(start + life, Happening::ExecutorEnded { worker: id, executor, outcome });
        }
    }

    pub(crate) fn process_started(&mut self, id: u32, executor: ExecutorName) {
        let Some(message) = self.machines[&id].worker_state.executor_started(&executor) else { return };
        self.worker_sends(id, message);
        if !self.is_doomed(&executor) {
            let delay = self.rng.between(1, 3_000);
            self.time.after(delay, Happening::Connected { executor, is_there: true });
        }
    }

    pub(crate) fn executor_ended(
        &mut self,
        id: u32,
        executor: &ExecutorName,
        outcome: ProcessOutcome,
    ) -> Result<(), Objection> {
        let mut todo = vec![];
        self.checker.executor_over(id, executor, &outcome);
        self.machine(id).worker_state.executor_ended(executor, outcome, &mut todo);
        let delay = self.rng.between(1, 1_000);
        self.time.after(delay, Happening::Connected { executor: executor.clone(), is_there: false });
        self.do_all(id, todo, 0)
    }

    fn start_driver(&mut self, id: u32, run: DriverRun) {
        let is_patient = self.is_quiet() || run.attempt > 6;
        let delay = self.rng.between(100, 90_000);
        let outcome = match self.rng.below(if is_patient { 2 } else { 5 }) {
            0 => return,
            1 => ProcessOutcome::Exited { code: 0 },
            2 => ProcessOutcome::Signalled { signal: 9 },
            3 => ProcessOutcome::FailedToStart { reason: "the dice said no".into() },
            _ => ProcessOutcome::Exited { code: 3 },
        };
        self.time.after(delay, Happening::DriverEnded { worker: id, run, outcome });
    }

    pub(crate) fn driver_ended(
        &mut self,
        id: u32,
        run: &DriverRun,
        outcome: ProcessOutcome,
    ) -> Result<(), Objection> {
        let mut todo = vec![];
        self.checker.driver_over(id, run, &outcome);
        self.machine(id).worker_state.driver_ended(run, outcome, &mut todo);
        self.do_all(id, todo, 0)
    }

    fn decommission_executors(&mut self, id: u32) {
        self.machine(id).decommissioned = true;
        for (executor, _) in self.machines[&id].worker_state.report().executors {
            let delay = self.rng.between(100, 20_000);
            let outcome = ProcessOutcome::Exited { code: 0 };
            self.time.after(delay, Happening::ExecutorEnded { worker: id, executor, outcome });
        }
        let delay = self.rng.between(20_000, 60_000);
        self.time.after(delay, Happening::WorkerLeaves { worker: id });
        let host = self.machines[&id].host;
        self.time.after(delay + 5_000, Happening::WorkerBorn { host });
    }

    pub(crate) fn worker_leaves(&mut self, id: u32) {
        if let Some(link) = self.machines[&id].connection
            && self.rng.per_mille(700)
        {
            self.send_to_master(link, Message::Worker(WorkerMessage::Leave));
        }
        self.end_worker(id);
    }

    /// The process ends, and everything on it.
    pub(crate) fn end_worker(&mut self, id: u32) {
        let machine = self.machine(id);
        machine.alive = false;
        let connection = machine.connection.take();
        if let Some(link) = connection {
            self.hang_up(link);
        }
        for executor in self.checker.worker_over(id) {
            let delay = self.rng.between(1, 1_000);
            self.time.after(delay, Happening::Connected { executor, is_there: false });
        }
    }
}
