//! Faults of executors, files and drivers, seen with real processes: each test starts a local cluster of its
//! own, breaks something, and checks the answer. At the end no process, file or port may be left.
//!
//! Nothing depends on timing. What must be going on is known by the signs that tasks give ([`support::Signs`]); what must
//! come about is waited for, with a bound that only a failure reaches.

mod broken;
mod cached;
mod chaos;
mod drivers;
mod exclusion;
mod frozen;
mod killed;
mod large;
mod preempted;
mod programs;
mod recovering;
mod repeated;
mod saving;
mod starting;
mod stored;
pub(crate) mod support;

/// Not a test: a driver that a test starts in order to end it.
#[test]
fn driver_process() {
    if let Some(dir) = std::env::var_os(support::DRIVER_VARIABLE) {
        support::be_a_driver(std::path::Path::new(&dir));
    }
}
