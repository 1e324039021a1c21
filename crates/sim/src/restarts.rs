//! Drivers that are killed, after whichever effect, and start again with what is on the disk by then: the real application, the real
//! journal with a torn end, and a driver program of several jobs that runs again from its top.
//!
//! Each seed runs once in peace, and then once for each of its effects (or for some, if it has many), after which the driver is
//! killed; a second and a third driver may be killed, too. Whatever happens:
//!
//! - Each job has the answer of an evaluation without any scheduler, whether it ran or was restored.
//! - After each step of the program, accumulators have what they have in the run in peace.
//! - No task runs for a job that an earlier driver has seen ended, nor does a map task whose output is in the shuffle storage,
//!   if that was written down, as long as no object of its shuffle is broken. If the program has changed in between, this holds
//!   for the jobs before the change.
//! - Each output appears once, whole.
//! - At the end nothing is remembered, and nothing is in the storage that a driver had written down.

mod lasting;
mod life;
mod outputs;
mod report;
mod scenario;
mod storage;
mod world;

pub use report::RestartsReport;
pub(crate) use world::World;

/// Why a run does not go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The driver is killed.
    Killed,
    /// Something happened that must not.
    Objection(String),
}

impl From<String> for Stop {
    fn from(objection: String) -> Self {
        Stop::Objection(objection)
    }
}
