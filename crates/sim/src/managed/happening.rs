//! The happenings of the world: what is told to the pool, what the manager and processes do, faults.

use firesteel_lending::PoolEvent;

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// The manager's or the application's word reaches the pool.
    ToPool(PoolEvent),
    /// The time has come for which the pool has asked.
    Tick,
    /// The manager looks whether it can meet a request.
    Meet,
    /// An executor's process has started, and does what it is fated to.
    Started(String),
    /// A process ends.
    Ends(String, Cause),
    /// The manager ends what it was asked to end.
    Released(String),
    /// The application's wish changes.
    Wish(u32),
    /// The application excludes some of the executors that have ever come.
    Excludes,
    /// The application excludes none of them any more.
    Includes,
    /// The application gives back executors that it has no work for.
    GivesBack,
    /// The application ends.
    Finish,
    Fault(Fault),
}

/// The true cause of the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// By its own fault.
    Crash,
    /// The manager took it away.
    Preempted,
    /// Its node is gone.
    Node,
    /// The pool gave it back.
    Released,
    /// The application told it to end.
    Left,
    /// The driver refused it.
    Refused,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// A process ends by itself.
    Crash,
    /// One is taken away after a notice.
    Preemption,
    /// One is taken away without.
    Theft,
    /// A node goes, with all executors on it.
    NodeLoss,
    /// The manager says nothing for a while.
    Silence,
    /// The manager lends no more than so many executors for a while.
    Quota,
    /// One that lives is said to be gone.
    Lie,
    /// The manager starts executors that nobody has asked for.
    Gift,
    /// Faults end.
    Peace,
}
