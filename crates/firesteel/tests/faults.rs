//! Faults of executors, files and drivers, seen with real processes: each test starts a local cluster of its
//! own, breaks something, and checks the answer. At the end no process, file or port may be left.
//!
//! Nothing depends on timing. What must be going on is known by the signs that tasks give ([`faults::support::Signs`]); what must
//! come about is waited for, with a bound that only a failure reaches.

mod faults {
    mod broken;
    mod chaos;
    mod drivers;
    mod frozen;
    mod killed;
    mod large;
    mod programs;
    mod repeated;
    mod saving;
    mod starting;
    pub(crate) mod support;
}

/// Not a test: the executors of this program's contexts are this program, told to run this.
#[test]
fn executor_process() {
    firesteel::become_executor_if_asked();
}

/// Not a test: a driver that a test starts in order to end it.
#[test]
fn driver_process() {
    if let Some(dir) = std::env::var_os(faults::support::DRIVER_VARIABLE) {
        faults::support::be_a_driver(std::path::Path::new(&dir));
    }
}
