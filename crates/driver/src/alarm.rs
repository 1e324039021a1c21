//! The driver's alarm clock: a thread waits for the next deadline of the application.

use firesteel_types::Millis;
use parking_lot::{Condvar, Mutex};
use std::time::Duration;

/// The time at which to wake the driver if nothing else happens.
#[derive(Default)]
pub(crate) struct Alarm {
    state: Mutex<AlarmState>,
    changed: Condvar,
}

#[derive(Default)]
struct AlarmState {
    deadline: Option<Millis>,
    stopped: bool,
}

impl Alarm {
    pub(crate) fn set(&self, deadline: Option<Millis>) {
        self.state.lock().deadline = deadline;
        self.changed.notify_all();
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits for the deadline. Returns `false` when stopped.
    pub(crate) fn wait(&self, now: impl Fn() -> Millis) -> bool {
        let mut state = self.state.lock();
        loop {
            if state.stopped {
                return false;
            }
            match state.deadline {
                None => self.changed.wait(&mut state),
                Some(deadline) if deadline <= now() => {
                    state.deadline = None;
                    return true;
                }
                Some(deadline) => {
                    let left = Duration::from_millis(deadline - now());
                    self.changed.wait_for(&mut state, left);
                }
            }
        }
    }
}
