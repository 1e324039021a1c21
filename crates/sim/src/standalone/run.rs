//! One run of the world: happening after happening, and the checks when faults have ended and when everything has.

use super::happening::Happening;
use super::network::Connection;
use super::report::StandaloneReport;
use super::world::World;
use crate::objection::Objection;

/// More happenings than any seed needs: a world that has more makes no progress.
const HAPPENINGS_AT_MOST: u64 = 3_000_000;
/// After the last fault, so long until everything must be as it should be.
const CONVERGENCE_MS: u64 = 600_000;
/// After everything was told to end, so long until nothing is left.
const DRAIN_MS: u64 = 300_000;

impl World {
    /// Lets everything happen, and looks at what is left.
    pub(crate) fn run(&mut self) -> Result<StandaloneReport, Objection> {
        self.begin();
        self.run_until(self.scenario.quiet_from_ms + CONVERGENCE_MS)?;
        self.check_converged()?;
        self.closing = true;
        self.end_everything();
        self.run_until(self.time.now + DRAIN_MS)?;
        self.check_empty()?;
        self.report.happenings = self.time.happened;
        self.report.lasted_ms = self.time.now;
        Ok(self.report.clone())
    }

    fn run_until(&mut self, end: u64) -> Result<(), Objection> {
        while let Some(happening) = self.time.next_until(end, HAPPENINGS_AT_MOST)? {
            self.happen(happening)?;
        }
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Objection> {
        if self.is_deferred(&happening) {
            return Ok(());
        }
        if self.time.is_traced() && !happening.is_routine() {
            self.time.trace(format!("{happening:?}"));
        }
        match happening {
            Happening::ToMaster { connection, message } => self.arrives_at_master(connection, message)?,
            Happening::ToPeer { connection, traced, sent_at } => {
                self.arrives_at_peer(connection, traced, sent_at)?
            }
            Happening::MasterNotices { connection } => self.master_notices(connection)?,
            Happening::PeerNotices { connection } => self.peer_notices(connection),
            Happening::MasterTick { master } => self.master_ticks(master)?,
            Happening::LeaseLook { master } => self.look_at_lease(master),
            Happening::LeaseWrite { master, record } => self.write_lease(master, record),
            Happening::LeaseConfirm { master, record } => self.confirm_lease(master, &record)?,
            Happening::MasterResumes { master } => self.resume(master)?,
            Happening::MasterBorn { host } => self.bear_master(host)?,
            Happening::WorkerBorn { host } => self.bear_worker(host),
            Happening::WorkerDials { worker } => self.worker_dials(worker),
            Happening::WorkerBeats { worker } => self.worker_beats(worker),
            Happening::ProcessStarted { worker, executor } => self.process_started(worker, executor),
            Happening::ExecutorEnded { worker, executor, outcome } => {
                self.executor_ended(worker, &executor, outcome)?;
            }
            Happening::DriverEnded { worker, run, outcome } => self.driver_ended(worker, &run, outcome)?,
            Happening::WorkerLeaves { worker } => self.worker_leaves(worker),
            Happening::ProgramBorn { program } => self.bear_program(program),
            Happening::ProgramDials { program } => self.program_dials(program),
            Happening::ProgramBeats { program } => self.program_beats(program),
            Happening::Connected { executor, is_there } => self.connected(&executor, is_there),
            Happening::ProgramMoves { program } => self.program_moves(program),
            Happening::ProgramEnds { program } => self.program_ends(program),
            Happening::Submits { submission } => self.submits(submission),
            Happening::KillsDriver { submission } => self.kills_driver(submission),
            Happening::Fault(fault) => self.befall(fault),
        }
        Ok(())
    }

    /// Returns whether it does not happen now: to a frozen process it happens when that thaws, to a dead one never.
    fn is_deferred(&mut self, happening: &Happening) -> bool {
        let (alive, thaws_at) = match self.who(happening) {
            None => return false,
            Some(Who::Master(id)) => self.masters.get(&id).map_or((false, 0), |m| (m.alive, m.frozen_until)),
            Some(Who::Machine(id)) => {
                self.machines.get(&id).map_or((false, 0), |machine| (machine.alive, machine.frozen_until))
            }
        };
        if alive && thaws_at > self.time.now {
            self.time.at(thaws_at, happening.clone());
        }
        !alive || thaws_at > self.time.now
    }

    fn who(&self, happening: &Happening) -> Option<Who> {
        match happening {
            Happening::ToMaster { connection, .. } | Happening::MasterNotices { connection } => {
                self.network.get(*connection).map(|connection: &Connection| Who::Master(connection.master))
            }
            Happening::MasterTick { master }
            | Happening::LeaseLook { master }
            | Happening::LeaseWrite { master, .. }
            | Happening::LeaseConfirm { master, .. }
            | Happening::MasterResumes { master } => Some(Who::Master(*master)),
            Happening::ToPeer { connection, .. } | Happening::PeerNotices { connection } => {
                self.network.get(*connection).and_then(Connection::machine).map(Who::Machine)
            }
            Happening::WorkerDials { worker }
            | Happening::WorkerBeats { worker }
            | Happening::ProcessStarted { worker, .. }
            | Happening::ExecutorEnded { worker, .. }
            | Happening::DriverEnded { worker, .. }
            | Happening::WorkerLeaves { worker } => Some(Who::Machine(*worker)),
            Happening::MasterBorn { .. }
            | Happening::WorkerBorn { .. }
            | Happening::ProgramBorn { .. }
            | Happening::ProgramDials { .. }
            | Happening::ProgramBeats { .. }
            | Happening::Connected { .. }
            | Happening::ProgramMoves { .. }
            | Happening::ProgramEnds { .. }
            | Happening::Submits { .. }
            | Happening::KillsDriver { .. }
            | Happening::Fault(_) => None,
        }
    }
}

/// To whom something happens who can stand still.
enum Who {
    Master(u32),
    Machine(u32),
}
