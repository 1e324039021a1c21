//! Drivers that die: their executors end, and the next program to start removes what they left.

use super::support::*;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};

/// A driver in a process of its own, with two executors that run tasks.
struct Driver {
    child: Child,
    dir: tempfile::TempDir,
    mark: String,
}

impl Driver {
    fn start() -> Driver {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mark = new_mark();
        fs::write(dir.path().join("mark"), &mark).unwrap();
        fs::create_dir(dir.path().join("signs")).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["faults::driver_process", "--exact", "--nocapture"]).env(DRIVER_VARIABLE, dir.path());
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let signs = Signs(dir.path().join("signs").to_str().unwrap().into());
        wait_until("both executors run tasks", || signs.standing("driver").len() == 2);
        Driver { child, dir, mark }
    }

    /// It has ended; so do its executors, and the next program to start here removes its files.
    #[track_caller]
    fn must_be_followed(mut self, expected: Signal) {
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(expected.as_raw()), "{status}");
        wait_until("its executors have ended", || marked(&self.mark).is_empty());
        let local = self.dir.path().join("local");
        let address = fs::read_to_string(self.dir.path().join("address")).unwrap().parse().unwrap();
        let next = builder("local[1]", &local, "").create().unwrap();
        wait_until("only the next one's files are there", || fs::read_dir(&local).unwrap().count() == 1);
        next.stop();
        nothing_is_left(&self.mark, &local, address);
    }
}

#[test]
fn one_that_is_killed() {
    let driver = Driver::start();
    kill(driver.child.id());
    driver.must_be_followed(Signal::KILL);
}

/// Ctrl-C goes to all processes of the terminal's foreground: the driver alone, which its executors follow.
#[test]
fn one_that_is_interrupted_at_the_terminal() {
    if is_ignored(Signal::INT) {
        eprintln!("SKIPPED: this program was started in the background, where Ctrl-C is ignored");
        return;
    }
    let driver = Driver::start();
    kill_process_group(Pid::from_raw(driver.child.id() as i32).unwrap(), Signal::INT).unwrap();
    driver.must_be_followed(Signal::INT);
}

/// Whether whoever started the tests ignores a signal, as `nohup` does: so do all programs that they start, and rightly.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal.as_raw() - 1) & 1 == 1
}

/// They stop their contexts first: nothing is left for the next program.
#[test]
fn those_that_are_told_to_end() {
    for told in [Signal::TERM, Signal::HUP, Signal::INT].into_iter().filter(|told| !is_ignored(*told)) {
        let mut driver = Driver::start();
        signal(driver.child.id(), told);
        let status = driver.child.wait().unwrap();
        assert_eq!(status.signal(), Some(told.as_raw()), "{status}");
        assert_eq!(fs::read_dir(driver.dir.path().join("local")).unwrap().count(), 0, "{told:?}");
        driver.must_be_followed(told);
    }
}

/// An executor that is frozen when its driver dies ends when it goes on, unless the system ends it before: nobody is left who could let
/// it go on.
#[test]
fn one_whose_executor_is_frozen() {
    let driver = Driver::start();
    let signs = Signs(driver.dir.path().join("signs").to_str().unwrap().into());
    let frozen = signs.standing("driver")[0];
    signal(frozen, Signal::STOP);
    kill(driver.child.id());
    wait_until("the other has ended", || marked(&driver.mark).iter().all(|process| *process == frozen));
    signal(frozen, Signal::CONT);
    driver.must_be_followed(Signal::KILL);
}
