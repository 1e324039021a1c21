//! Signals that end the program: its contexts stop first, so that no files and executors are left behind.
//!
//! Ctrl-C, SIGTERM and SIGHUP would end the process at once. Here they stop all contexts first, in a bounded
//! time, and then end the process as they would have: its parent sees the same signal. Signals that the
//! program handles or ignores when it makes its first context are left to it.

use parking_lot::Mutex;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

/// The longest time that stopping all contexts may take: a cluster may not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The interval of checks for a second signal during that time.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A context that is to be stopped.
pub(crate) trait Stops: Send + Sync {
    fn stop(&self);
}

struct Watched {
    contexts: Vec<Weak<dyn Stops>>,
    is_watching: bool,
}

static WATCHED: Mutex<Watched> = Mutex::new(Watched { contexts: vec![], is_watching: false });

static ENDING: AtomicBool = AtomicBool::new(false);

/// Has signals stop this context, too.
///
/// # Errors
/// When signals cannot be watched.
pub(crate) fn watch(context: Weak<dyn Stops>) -> io::Result<()> {
    let mut watched = WATCHED.lock();
    watched.contexts.retain(|context| context.strong_count() > 0);
    watched.contexts.push(context);
    if !watched.is_watching {
        start()?;
        watched.is_watching = true;
    }
    Ok(())
}

fn start() -> io::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ours = untouched(&status, &[SIGINT, SIGTERM, SIGHUP]);
    if ours.is_empty() {
        return Ok(());
    }
    let signals = Signals::new(ours)?;
    // The thread lives as long as the process, since contexts may be made at any time.
    Builder::new().name("signals".into()).spawn(move || end_with(signals)).map(drop)
}

/// Returns the signals that a process neither handles nor ignores, by the kernel's status of it.
fn untouched(status: &str, signals: &[i32]) -> Vec<i32> {
    let mask = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    let (Some(ignored), Some(caught)) = (mask("SigIgn:"), mask("SigCgt:")) else { return vec![] };
    let is_touched = |signal: &i32| (ignored | caught) >> (signal - 1) & 1 == 1;
    signals.iter().copied().filter(|signal| !is_touched(signal)).collect()
}

/// Waits for a signal, stops all contexts, and ends the process.
fn end_with(mut signals: Signals) {
    let Some(signal) = signals.forever().next() else { return };
    ENDING.store(true, Ordering::SeqCst);
    let (done, stopped) = channel::<()>();
    // If no thread can be started, the sender is dropped with the closure, and the wait is skipped.
    let stopping = Builder::new().name("ending".into()).spawn(move || {
        stop_all();
        drop(done);
    });
    let deadline = Instant::now() + PATIENCE;
    while stopping.is_ok() && Instant::now() < deadline {
        // A second signal ends the process at once.
        let is_over = stopped.recv_timeout(LOOK_EVERY) != Err(RecvTimeoutError::Timeout);
        if is_over || signals.pending().next().is_some() {
            break;
        }
    }
    let _ = emulate_default_handler(signal);
}

fn stop_all() {
    let contexts = std::mem::take(&mut WATCHED.lock().contexts);
    contexts.iter().filter_map(Weak::upgrade).for_each(|context| context.stop());
}

/// Waits, after a failed job, for the end of the process if a signal is ending it: the program must not end
/// by itself first, with an error that only the stopping caused.
pub(crate) fn wait_for_end() {
    if ENDING.load(Ordering::SeqCst) {
        thread::sleep(PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_that_the_program_handles_or_ignores_are_its_own() {
        let all = [SIGINT, SIGTERM, SIGHUP];
        let untouched = |ignored: u64, caught: u64| {
            untouched(&format!("Name:\tx\nSigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n"), &all)
        };
        assert_eq!(untouched(0, 0), all);
        assert_eq!(untouched(1, 0), [SIGINT, SIGTERM], "as `nohup` has it");
        assert_eq!(untouched(0, 1 << (SIGTERM - 1)), [SIGINT, SIGHUP]);
        assert!(untouched(u64::MAX, 0).is_empty());
        assert!(super::untouched("", &all).is_empty(), "nothing is known");
    }
}
