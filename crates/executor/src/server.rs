//! The server: a process without threads from which workers are forked.
//!
//! It is started by a command, speaks lines of JSON over a socket that is its standard input, and is sent one end of a socket with
//! each order to fork: the new worker's own; and the file for the stacks of its faults. It tells when a worker ends, and of what. When the driver closes the socket, or dies,
//! it ends its workers and itself.

use firesteel_protocol::handshake::AGENT_VARIABLE;
use parking_lot::{Condvar, Mutex};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The command that starts the server.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables to set for it, and so for all workers.
    pub environment: Vec<(String, String)>,
    /// The directory in which it runs.
    pub directory: PathBuf,
    /// The setting that it is sent before the first fork: any JSON.
    pub setting: String,
    /// The times after which tasks of its workers count as hung.
    pub watchdog: Watchdog,
}

/// The times after which a task that runs is reported, and after which it is ended; `None` for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watchdog {
    /// The time after which the driver's log names the function, with its stack.
    pub warn_after: Option<Duration>,
    /// The time after which the task fails.
    pub fail_after: Option<Duration>,
}

/// A message of the server: a worker has ended.
#[derive(Deserialize)]
struct Exited {
    /// The process.
    exited: u32,
    /// Its exit code, or the negative number of the signal that ended it.
    code: i32,
    /// The most memory that it had, in bytes.
    peak: u64,
}

/// A message to the server.
#[derive(Serialize)]
struct Order<'a> {
    fork: bool,
    setting: Option<&'a serde_json::value::RawValue>,
}

/// The end of a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) peak: u64,
}

#[derive(Default)]
struct Ends {
    known: Mutex<(HashMap<u32, Ended>, bool)>,
    changed: Condvar,
}

/// A running server.
pub(crate) struct Server {
    control: Mutex<UnixStream>,
    child: Mutex<Child>,
    ends: Arc<Ends>,
}

/// The time that a process that has closed its socket may take to end.
const END_WITHIN: Duration = Duration::from_secs(5);

impl Server {
    pub(crate) fn start(command: &WorkerCommand) -> io::Result<Self> {
        let (control, theirs) = UnixStream::pair()?;
        let mut server = Command::new(&command.program);
        server.args(&command.arguments).envs(command.environment.iter().cloned());
        // Programs that tasks start are no executors.
        server.env_remove(AGENT_VARIABLE);
        server.current_dir(&command.directory).stdin(Stdio::from(OwnedFd::from(theirs)));
        // Ctrl-C is for the driver, which will say what is to stop.
        let child = server.process_group(0).spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("`{}` does not start: {error}", command.program.display()))
        })?;
        let (ends, reader) = (Arc::<Ends>::default(), control.try_clone()?);
        let listener = ends.clone();
        thread::Builder::new().name("firesteel-server".into()).spawn(move || listen(reader, &listener))?;
        let server = Server { control: Mutex::new(control), child: Mutex::new(child), ends };
        server.set(&command.setting)?;
        Ok(server)
    }

    /// Sets the setting of workers that are forked from now on.
    pub(crate) fn set(&self, setting: &str) -> io::Result<()> {
        let setting = serde_json::value::RawValue::from_string(setting.into())?;
        self.send(&Order { fork: false, setting: Some(&setting) }, &[])
    }

    /// Forks a worker that has this end of a socket, and writes the stacks of its faults to this file.
    pub(crate) fn fork(&self, socket: OwnedFd, stacks: OwnedFd) -> io::Result<()> {
        self.send(&Order { fork: true, setting: None }, &[socket, stacks])
    }

    fn send(&self, order: &Order<'_>, descriptors: &[OwnedFd]) -> io::Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        let control = self.control.lock();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
        if !descriptors.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        let mut sent = 0;
        while sent < line.len() {
            sent += sendmsg(&*control, &[IoSlice::new(&line[sent..])], &mut ancillary, SendFlags::NOSIGNAL)?;
            ancillary.clear();
        }
        Ok(())
    }

    /// Returns how a worker ended that has closed its socket; `None` when the server is gone or does not tell in time.
    pub(crate) fn end_of(&self, process: u32) -> Option<Ended> {
        let deadline = Instant::now() + END_WITHIN;
        let mut known = self.ends.known.lock();
        loop {
            if let Some(ended) = known.0.remove(&process) {
                return Some(ended);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if known.1 || left.is_zero() {
                return None;
            }
            self.ends.changed.wait_for(&mut known, left);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server sees the end of its socket, ends its workers, and then itself.
        let control = self.control.get_mut();
        let _ = control.shutdown(std::net::Shutdown::Both);
        let child = self.child.get_mut();
        let deadline = Instant::now() + END_WITHIN;
        while Instant::now() < deadline {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn listen(control: UnixStream, ends: &Ends) {
    for line in BufReader::new(control).lines() {
        let Ok(line) = line else { break };
        let Ok(Exited { exited, code, peak }) = serde_json::from_str(&line) else { continue };
        let mut known = ends.known.lock();
        known.0.insert(exited, Ended { code, peak });
        ends.changed.notify_all();
    }
    ends.known.lock().1 = true;
    ends.changed.notify_all();
}
