//! Waiting for conditions that a test needs. No test depends on how long that takes.

use std::time::{Duration, Instant};

/// A bound that only a failure reaches.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until it is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let bound = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < bound, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
