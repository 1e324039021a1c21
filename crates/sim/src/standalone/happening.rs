//! The happenings of the world: messages on their way, what processes and users do, faults.

use super::network::{Message, Sent};
use firesteel_standalone::{
    ApplicationMessage, ApplicationOrder, DriverRun, ExecutorName, LeaseRecord, Link, ProcessOutcome,
    WorkerMessage, WorkerOrder,
};

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
        run: DriverRun,
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

/// Something that goes wrong, whomever it hits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// A master's process ends.
    MasterDeath,
    /// A master stands still for a while.
    MasterFreeze,
    /// The clock of a master's host jumps, within the bound.
    ClockJump,
    /// A worker's process ends, with all that it ran.
    WorkerDeath,
    /// A worker stands still for a while.
    WorkerFreeze,
    /// A connection breaks.
    Cut,
    /// A worker reaches no master for a while, and none reaches it.
    Isolation,
    /// An application's process ends without a word.
    ProgramDeath,
    /// A worker is sent away.
    Decommission,
    /// A user wants a driver to end.
    Kill,
    /// Faults end.
    Peace,
}

impl Happening {
    /// Returns whether it happens all the time.
    pub(crate) fn is_routine(&self) -> bool {
        match self {
            Happening::MasterTick { .. }
            | Happening::LeaseLook { .. }
            | Happening::LeaseWrite { .. }
            | Happening::LeaseConfirm { .. }
            | Happening::WorkerBeats { .. }
            | Happening::ProgramBeats { .. } => true,
            Happening::ToMaster { message: Message::Worker(WorkerMessage::Heartbeat { .. }), .. } => true,
            Happening::ToMaster {
                message: Message::Application(ApplicationMessage::Heartbeat { .. }),
                ..
            } => true,
            Happening::ToPeer { traced: Sent::Order(order), .. } => matches!(order.order, WorkerOrder::Heard),
            Happening::ToPeer { traced: Sent::Application(order), .. } => {
                matches!(order, ApplicationOrder::Heard)
            }
            _ => false,
        }
    }
}
