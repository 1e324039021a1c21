//! The file into which a worker's fault handler writes: in memory, without a name, shared by the worker and its parent. It is there from
//! the fork on, and outlives the worker.

use super::fault_dump;
use firesteel_types::SeenStack;
use parking_lot::Mutex;
use rustix::fs::{MemfdFlags, OFlags, fcntl_setfl, ftruncate, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// The signal at which a worker's interpreter writes its stack between two steps of the program. A process that does not know it ignores
/// it.
const ASK: Signal = Signal::URG;

/// The signal at which its fault handler does, also in the midst of native code. In the midst of a call that is just being made it may
/// stumble and end the worker.
const ASK_FAULT_HANDLER: Signal = Signal::STKFLT;

/// The time that the interpreter has to answer. When it has not, though it was not kept from running, its thread is in native code.
const INTERPRETER_WITHIN: Duration = Duration::from_millis(200);

/// The time that a worker has to answer in all: longer only if it is stopped, or deep in a system call.
const ANSWER_WITHIN: Duration = Duration::from_millis(800);

/// The time that the interpreter has to answer where it is asked often.
const SAMPLE_WITHIN: Duration = Duration::from_millis(40);

/// The text in place of a stack of an interpreter that did not answer in that time.
const IN_NATIVE_CODE: &str = "(in native code, or waits for a processor)";

/// The time that a thread has spent in native code, when it has run for so long and not answered; in the system's ticks, mostly 10 ms.
const TICKS_WITHOUT_ANSWER: u64 = 4;

/// The most bytes of the file that are read: what the fault handler writes of a hundred threads.
const READ_AT_MOST: usize = 1 << 20;

pub(super) struct StackFile {
    file: File,
    /// The worker, once it is ready. It is a handle, so that no other process of the same number is sent a signal.
    process: OnceLock<(u32, OwnedFd)>,
    /// Locked while a worker is asked.
    asking: Mutex<()>,
}

impl StackFile {
    pub(super) fn create() -> io::Result<Self> {
        const NAME: &str = "firesteel-stack";
        // Some systems want to know that it is not a program; older ones do not know the flag.
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL;
        let file = memfd_create(NAME, flags).or_else(|_| memfd_create(NAME, MemfdFlags::CLOEXEC))?;
        // Both ends have one position: appending, the worker always writes behind what is there.
        fcntl_setfl(&file, OFlags::APPEND)?;
        Ok(StackFile { file: file.into(), process: OnceLock::new(), asking: Mutex::new(()) })
    }

    /// Returns the worker's end.
    pub(super) fn writer(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    /// Sets the worker, which answers from now on.
    pub(super) fn is_ready(&self, process: u32) {
        let id = i32::try_from(process).ok().and_then(Pid::from_raw);
        if let Some(Ok(handle)) = id.map(|id| pidfd_open(id, PidfdFlags::empty())) {
            let _ = self.process.set((process, handle));
        }
    }

    /// Has a worker that lives write its stack. Waits for that, but not long; `None` when it does not answer.
    pub(super) fn ask(&self, bytes: u64) -> Option<SeenStack> {
        const LOOK_EVERY: Duration = Duration::from_millis(1);
        let _asking = self.asking.lock();
        let (process, handle) = self.process.get()?;
        let before = MainThread::of(*process)?;
        ftruncate(&self.file, 0).ok()?;
        pidfd_send_signal(handle, ASK).ok()?;
        let (start, mut has_asked_handler) = (Instant::now(), false);
        loop {
            let (text, waited) = (self.text(), start.elapsed());
            if fault_dump::is_whole(&text) || waited >= ANSWER_WITHIN {
                return fault_dump::of_question(&text, bytes);
            }
            if waited >= INTERPRETER_WITHIN
                && !has_asked_handler
                && MainThread::of(*process)?.is_in_native_code(&before)
            {
                has_asked_handler = true;
                pidfd_send_signal(handle, ASK_FAULT_HANDLER).ok()?;
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Has a worker's interpreter write its stack between two steps of the program, which cannot harm it. Waits only for a moment: a
    /// worker in native code tells that it is there, and no more.
    pub(super) fn ask_interpreter(&self, bytes: u64) -> Option<SeenStack> {
        const LOOK_EVERY: Duration = Duration::from_micros(500);
        let native = || SeenStack { text: IN_NATIVE_CODE.into(), place: None, bytes: None };
        // Another thread asks with more patience.
        let Some(_asking) = self.asking.try_lock() else { return Some(native()) };
        let (_, handle) = self.process.get()?;
        ftruncate(&self.file, 0).ok()?;
        pidfd_send_signal(handle, ASK).ok()?;
        let start = Instant::now();
        while start.elapsed() < SAMPLE_WITHIN {
            let text = self.text();
            if fault_dump::is_whole(&text) {
                return fault_dump::of_question(&text, bytes);
            }
            thread::sleep(LOOK_EVERY);
        }
        Some(native())
    }

    /// Returns the stack of the fault that ended the worker, if it wrote one.
    pub(super) fn of_fault(&self) -> Option<SeenStack> {
        fault_dump::of_fault(&self.text())
    }

    /// Returns the stack of the call that ended the worker, if it wrote one.
    pub(super) fn of_exit(&self) -> Option<SeenStack> {
        fault_dump::of_exit(&self.text())
    }

    /// Returns the error with which the worker could not begin, if it wrote one.
    pub(super) fn of_beginning(&self) -> Option<String> {
        fault_dump::of_beginning(&self.text())
    }

    fn text(&self) -> String {
        let mut bytes = vec![];
        let mut chunk = [0; 4096];
        while bytes.len() < READ_AT_MOST {
            match self.file.read_at(&mut chunk, bytes.len() as u64) {
                Ok(0) | Err(_) => break,
                Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The main thread of a process, as the system sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MainThread {
    is_asleep: bool,
    /// The time that it has run, in the system's ticks.
    ticks: u64,
}

impl MainThread {
    fn of(process: u32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{process}/task/{process}/stat")).ok()?)
    }

    /// Parses a line of the system. The name, in brackets, may contain anything.
    fn parse(stat: &str) -> Option<Self> {
        let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
        let is_asleep = matches!(fields.next()?, "S" | "D");
        // The fourteenth and fifteenth fields, of which three are gone.
        let mut ticks = fields.skip(10).map(str::parse::<u64>);
        Some(MainThread { is_asleep, ticks: ticks.next()?.ok()?.checked_add(ticks.next()?.ok()?)? })
    }

    /// Returns whether a thread that has not answered since it was seen before is in native code, and not only kept from running.
    fn is_in_native_code(&self, before: &MainThread) -> bool {
        self.is_asleep || self.ticks.saturating_sub(before.ticks) >= TICKS_WITHOUT_ANSWER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_one_end_writes_the_other_reads_and_a_question_begins_anew() {
        let file = StackFile::create().unwrap();
        let mut writer = File::from(file.writer().unwrap());
        writer
            .write_all(b"Fatal Python error: Aborted\n\nCurrent thread 0x1 (most recent call first):\n")
            .unwrap();
        writer.write_all(b"  File \"/a/app.py\", line 3 in f\n").unwrap();
        assert_eq!(file.of_fault().unwrap().place.as_deref(), Some("f (app.py:3)"));
        assert_eq!(file.ask(0), None, "nobody is there");
        writer.write_all(b"Fatal Python error: Bus error\n").unwrap();
        assert_eq!(file.of_fault().unwrap().text.trim_end(), "Fatal Python error: Bus error");
    }

    #[test]
    fn a_process_that_is_gone_does_not_answer() {
        let file = StackFile::create().unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        file.is_ready(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(file.ask(0), None);
        let file = StackFile::create().unwrap();
        file.is_ready(u32::MAX);
        assert_eq!(file.ask(0), None);
    }

    /// Ends a process when the test does.
    struct Ended(std::process::Child);

    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_sample_is_what_answers_between_two_steps_or_that_nothing_did() {
        let file = StackFile::create().unwrap();
        // A shell carries out its traps between two commands, as an interpreter its handlers between two steps.
        let script = "trap 'printf \"Stack (most recent call first):\\n  File \\\"a.py\\\", line 3 in f\\n  File \\\"a.py\\\", line 9 in \
                      <module>\\n\"' URG; while :; do sleep 0.001; done";
        let shell =
            std::process::Command::new("sh").arg("-c").arg(script).stdout(file.writer().unwrap()).spawn();
        let shell = Ended(shell.unwrap());
        file.is_ready(shell.0.id());
        let start = Instant::now();
        let seen = loop {
            let seen = file.ask_interpreter(7).expect("it lives");
            if seen.text != IN_NATIVE_CODE {
                break seen;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "it does not answer");
        };
        assert_eq!(seen.place.as_deref(), Some("f (a.py:3)"));
        // One that knows no such question is not harmed by it.
        let silent = StackFile::create().unwrap();
        let mut child = Ended(std::process::Command::new("sleep").arg("600").spawn().unwrap());
        silent.is_ready(child.0.id());
        for _ in 0..3 {
            assert_eq!(silent.ask_interpreter(0).unwrap().text, IN_NATIVE_CODE);
        }
        assert_eq!(child.0.try_wait().unwrap(), None, "it runs on");
        // While somebody else waits for an answer, nobody else asks.
        let asking = silent.asking.lock();
        assert_eq!(silent.ask_interpreter(0).unwrap().text, IN_NATIVE_CODE);
        drop(asking);
    }

    #[test]
    fn a_thread_is_in_native_code_if_it_sleeps_or_has_run_without_an_answer() {
        let line = |state: &str, user: u64| {
            format!("42 (a) b (c) {state} 1 42 42 0 -1 4194304 100 0 0 0 {user} 7 0 0 20 0 3 0 1 2 3")
        };
        let before = MainThread::parse(&line("R", 100)).unwrap();
        assert_eq!(before, MainThread { is_asleep: false, ticks: 107 });
        let later = |state, user| MainThread::parse(&line(state, user)).unwrap().is_in_native_code(&before);
        assert!(later("S", 100) && later("D", 100) && later("R", 104));
        assert!(!later("R", 100) && !later("T", 100), "it waits for a processor, or is stopped");
        assert_eq!(MainThread::parse("42 (a) R 1"), None);
        assert!(MainThread::of(std::process::id()).is_some());
    }
}
