//! Starting the process of an agent. Its configuration goes through a pipe: other users of the machine can
//! read the arguments of a process, and child processes inherit its variables, so neither may contain a
//! secret.

use firesteel_protocol::handshake::AgentConfig;
use firesteel_types::ExecutorLossReason;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

pub use firesteel_protocol::handshake::AGENT_VARIABLE;

/// The command that starts an agent. No shell interprets the arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentCommand {
    /// The program: the driver's own, or an interpreter.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables to set for it.
    pub environment: Vec<(String, String)>,
}

impl AgentCommand {
    /// Returns the command that starts this very program, which has to check [`AGENT_VARIABLE`] before it
    /// does anything else.
    pub fn own_program() -> Self {
        // The kernel's link leads to the file that runs, even if it was replaced by another of the same name
        // meanwhile.
        AgentCommand { program: PathBuf::from("/proc/self/exe"), arguments: vec![], environment: vec![] }
    }

    /// Starts an agent. It ends when the pipe that comes with its process closes: when the pipe is dropped,
    /// or this process is gone.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&self, config: &AgentConfig) -> io::Result<(Child, ChildStdin)> {
        self.start_with(config, |_| {})
    }

    /// Starts an agent with a command that `prepare` has changed.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_with(
        &self,
        config: &AgentConfig,
        prepare: impl FnOnce(&mut Command),
    ) -> io::Result<(Child, ChildStdin)> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().cloned()).env(AGENT_VARIABLE, "1");
        prepare(&mut command);
        // In a process group of its own it gets no Ctrl-C, which is for the driver: the driver decides what
        // stops.
        command.stdin(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("`{}` does not start: {error}", self.program.display()))
        })?;
        let mut pipe = child.stdin.take().expect("its standard input is a pipe");
        let mut line = serde_json::to_vec(config)?;
        line.push(b'\n');
        // A broken pipe means that the process has ended by now. Its owner waits for it, and learns how it
        // ended.
        let written = pipe.write_all(&line).or_else(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error),
        });
        if let Err(error) = written {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        Ok((child, pipe))
    }
}

/// Shows all but the variables, which may be secrets.
impl fmt::Debug for AgentCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AgentCommand");
        shown.field("program", &self.program).field("arguments", &self.arguments).finish_non_exhaustive()
    }
}

/// Returns the reason for the loss of executors whose process ended with this status.
pub fn reason_of(status: ExitStatus) -> ExecutorLossReason {
    match status.signal() {
        Some(signal) => ExecutorLossReason::Killed { signal, peak_bytes: 0 },
        None => ExecutorLossReason::Exited { code: status.code() },
    }
}

/// Kills a process, unless it has ended already.
pub fn kill(process: u32) {
    if let Some(process) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
}
