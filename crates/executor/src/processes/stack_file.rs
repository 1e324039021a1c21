//! The file into which a worker's fault handler writes: in memory, without a name, shared by the worker and its parent. It is there from
//! the fork on, and outlives the worker.

use super::fault_dump;
use firesteel_types::SeenStack;
use parking_lot::Mutex;
use rustix::fs::{MemfdFlags, OFlags, fcntl_setfl, ftruncate, memfd_create};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

/// The signal at which a worker writes its stack. Processes that do not know it ignore it.
const ASK: Signal = Signal::URG;

/// The time that a worker may take to write its stack: longer only if it is stopped, or deep in a system call.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The most bytes of the file that are read: what the fault handler writes of a hundred threads.
const READ_AT_MOST: usize = 1 << 20;

pub(super) struct StackFile {
    file: File,
    /// Locked while a worker is asked.
    asking: Mutex<()>,
}

impl StackFile {
    pub(super) fn create() -> io::Result<Self> {
        let file = memfd_create("firesteel-stack", MemfdFlags::CLOEXEC)?;
        // Both ends have one position: appending, the worker always writes behind what is there.
        fcntl_setfl(&file, OFlags::APPEND)?;
        Ok(StackFile { file: file.into(), asking: Mutex::new(()) })
    }

    /// Returns the worker's end.
    pub(super) fn writer(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    /// Has a worker that lives write its stack. Waits for that, but not long; `None` when it does not answer.
    pub(super) fn ask(&self, process: u32, bytes: u64) -> Option<SeenStack> {
        const LOOK_EVERY: Duration = Duration::from_millis(1);
        let _asking = self.asking.lock();
        let process = Pid::from_raw(i32::try_from(process).ok()?)?;
        ftruncate(&self.file, 0).ok()?;
        kill_process(process, ASK).ok()?;
        let deadline = Instant::now() + ANSWER_WITHIN;
        let mut text = self.text();
        while !fault_dump::is_whole(&text) && Instant::now() < deadline {
            thread::sleep(LOOK_EVERY);
            text = self.text();
        }
        fault_dump::of_question(&text, bytes)
    }

    /// Returns the stack of the fault that ended the worker, if it wrote one.
    pub(super) fn of_fault(&self) -> Option<SeenStack> {
        fault_dump::of_fault(&self.text())
    }

    /// Returns the stack of the call that ended the worker, if it wrote one.
    pub(super) fn of_exit(&self) -> Option<SeenStack> {
        fault_dump::of_exit(&self.text())
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
        // This process ignores the question, as all do that have no handler.
        assert_eq!(file.ask(std::process::id(), 0), None);
        writer.write_all(b"Fatal Python error: Bus error\n").unwrap();
        assert_eq!(file.of_fault().unwrap().text.trim_end(), "Fatal Python error: Bus error");
    }

    #[test]
    fn a_process_that_is_gone_does_not_answer() {
        assert_eq!(StackFile::create().unwrap().ask(u32::MAX, 0), None);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert_eq!(StackFile::create().unwrap().ask(child.id(), 0), None);
    }
}
