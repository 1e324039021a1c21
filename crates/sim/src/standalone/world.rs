//! The world: true time, a queue of what will happen, and everybody in it.
//!
//! What is real here: masters, leases, ledgers. What is simulated: processes that die, freeze and come back, the connections
//! between them ([`super::network`]), storage that survives, clocks that differ and jump. A frozen process does what it was
//! about to do when it thaws, however old that is.

use super::checker::Checker;
use super::fault_schedule::Fault;
use super::machines::Machine;
use super::masters::{MasterProcess, Storage};
use super::network::{Connection, Message, Network, Sent};
use super::programs::{Program, Submission};
use super::report::StandaloneReport;
use super::scenario::Scenario;
use crate::checker::Objection;
use crate::rng::Rng;
use firesteel_standalone::{ExecutorName, LeaseRecord, Link, ProcessOutcome, WorkerId};
use std::collections::{BTreeMap, VecDeque};

/// More happenings than any seed needs: a world that has more makes no progress.
const HAPPENINGS_AT_MOST: u64 = 3_000_000;
/// After the last fault, so long until everything must be as it should be.
const CONVERGENCE_MS: u64 = 600_000;
/// After everything was told to end, so long until nothing is left.
const DRAIN_MS: u64 = 300_000;
/// How much of the story is told when it ends badly.
const LINES_TOLD: usize = 90;

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A message arrives at the master's end of a connection.
    ToMaster {
        connection: Link,
        message: Message,
    },
    /// An answer or an order arrives at the other end.
    ToPeer {
        connection: Link,
        traced: Sent,
        sent_at: u64,
    },
    /// The master notices that a connection is gone.
    MasterNotices {
        connection: Link,
    },
    /// The other end does.
    PeerNotices {
        connection: Link,
    },
    MasterTick {
        master: u32,
    },
    /// A master looks at the lease; then it writes; then it reads what it wrote.
    LeaseLook {
        master: u32,
    },
    LeaseWrite {
        master: u32,
        record: LeaseRecord,
    },
    LeaseConfirm {
        master: u32,
        record: LeaseRecord,
    },
    /// A master goes on where it stood still.
    MasterResumes {
        master: u32,
    },
    MasterBorn {
        host: usize,
    },
    WorkerBorn {
        host: usize,
    },
    WorkerDials {
        worker: u32,
    },
    WorkerBeats {
        worker: u32,
    },
    ProcessStarted {
        worker: u32,
        executor: ExecutorName,
    },
    ExecutorEnded {
        worker: u32,
        executor: ExecutorName,
        outcome: ProcessOutcome,
    },
    DriverEnded {
        worker: u32,
        run: firesteel_standalone::DriverRun,
        outcome: ProcessOutcome,
    },
    /// A worker that was decommissioned ends.
    WorkerLeaves {
        worker: u32,
    },
    ProgramBorn {
        program: u32,
    },
    ProgramDials {
        program: u32,
    },
    ProgramBeats {
        program: u32,
    },
    /// An executor's connection with its application comes, or goes.
    Connected {
        executor: ExecutorName,
        is_there: bool,
    },
    ProgramMoves {
        program: u32,
    },
    ProgramEnds {
        program: u32,
    },
    Submits {
        submission: u32,
    },
    KillsDriver {
        submission: u32,
    },
    Fault(Fault),
}

/// Everything there is.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) scenario: Scenario,
    pub(crate) now: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    sequence: u64,
    happened: u64,
    pub(crate) storage: Storage,
    /// By how much the clock of each master's host is ahead.
    pub(crate) clocks: Vec<u64>,
    pub(crate) masters: BTreeMap<u32, MasterProcess>,
    pub(crate) machines: BTreeMap<u32, Machine>,
    pub(crate) names: BTreeMap<WorkerId, u32>,
    pub(crate) programs: BTreeMap<u32, Program>,
    pub(crate) submissions: BTreeMap<u32, Submission>,
    pub(crate) network: Network,
    pub(crate) checker: Checker,
    pub(crate) report: StandaloneReport,
    /// Everything is to end.
    pub(crate) closing: bool,
    story: Option<VecDeque<String>>,
}

impl World {
    /// The world of a seed, before anything has happened.
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut rng = Rng::new(seed ^ 0x5741_4e44);
        let scenario = Scenario::new(seed, &mut rng);
        let mut world = World {
            rng,
            now: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            happened: 0,
            storage: Storage::default(),
            clocks: vec![0; 2],
            masters: BTreeMap::new(),
            machines: BTreeMap::new(),
            names: BTreeMap::new(),
            programs: BTreeMap::new(),
            submissions: BTreeMap::new(),
            network: Network::default(),
            checker: Checker::default(),
            report: StandaloneReport { runs: 1, ..StandaloneReport::default() },
            closing: false,
            story: traced.then(VecDeque::new),
            scenario,
        };
        world.begin();
        world
    }

    /// Lets everything happen, and looks at what is left.
    pub(crate) fn run(&mut self) -> Result<StandaloneReport, Objection> {
        self.run_until(self.scenario.quiet_from_ms + CONVERGENCE_MS)?;
        self.check_converged()?;
        self.closing = true;
        self.end_everything();
        self.run_until(self.now + DRAIN_MS)?;
        self.check_empty()?;
        self.report.happenings = self.happened;
        self.report.lasted_ms = self.now;
        Ok(self.report.clone())
    }

    fn run_until(&mut self, end: u64) -> Result<(), Objection> {
        while self.queue.first_key_value().is_some_and(|(&(at, _), _)| at <= end) {
            let Some(((at, _), happening)) = self.queue.pop_first() else { break };
            assert!(at >= self.now, "time does not go back");
            self.now = at;
            self.happened += 1;
            if self.happened > HAPPENINGS_AT_MOST {
                return Err(format!("no progress: {} happenings, {} ms", self.happened, self.now));
            }
            self.happen(happening)?;
        }
        self.now = end;
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Objection> {
        if self.is_deferred(&happening) {
            return Ok(());
        }
        if self.story.is_some() && !is_routine(&happening) {
            self.trace(format!("{happening:?}"));
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
        if alive && thaws_at > self.now {
            self.at(thaws_at, happening.clone());
        }
        !alive || thaws_at > self.now
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

    /// Something will happen.
    pub(crate) fn at(&mut self, time: u64, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((time.max(self.now), self.sequence), happening);
    }

    /// Something will happen soon.
    pub(crate) fn after(&mut self, delay: u64, happening: Happening) {
        self.at(self.now + delay, happening);
    }

    /// Returns whether faults have ended.
    pub(crate) fn is_quiet(&self) -> bool {
        self.now >= self.scenario.quiet_from_ms
    }

    /// Adds a line to the story, if there is one.
    pub(crate) fn trace(&mut self, line: impl Into<String>) {
        let Some(story) = &mut self.story else { return };
        let line: String = format!("{:>8} {}", self.now, line.into()).chars().take(330).collect();
        story.push_back(line);
        if story.len() > LINES_TOLD {
            story.pop_front();
        }
    }

    pub(crate) fn is_traced(&self) -> bool {
        self.story.is_some()
    }

    /// The last lines of the story.
    pub(crate) fn story(&self) -> Vec<String> {
        self.story.iter().flatten().cloned().collect()
    }
}

/// To whom something happens who can stand still.
enum Who {
    Master(u32),
    Machine(u32),
}

/// Returns whether something happens all the time.
fn is_routine(happening: &Happening) -> bool {
    use firesteel_standalone::{ApplicationMessage, ApplicationOrder, WorkerMessage, WorkerOrder};
    match happening {
        Happening::MasterTick { .. }
        | Happening::LeaseLook { .. }
        | Happening::LeaseWrite { .. }
        | Happening::LeaseConfirm { .. }
        | Happening::WorkerBeats { .. }
        | Happening::ProgramBeats { .. } => true,
        Happening::ToMaster { message: Message::Worker(WorkerMessage::Heartbeat { .. }), .. } => true,
        Happening::ToMaster {
            message: Message::Application(ApplicationMessage::Heartbeat { .. }), ..
        } => true,
        Happening::ToPeer { traced: Sent::Order(order), .. } => matches!(order.order, WorkerOrder::Heard),
        Happening::ToPeer { traced: Sent::Application(order), .. } => {
            matches!(order, ApplicationOrder::Heard)
        }
        _ => false,
    }
}
