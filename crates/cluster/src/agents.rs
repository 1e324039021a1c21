//! Starting an agent's process: what it must know goes through a pipe, so that nothing secret is seen among arguments or variables.

use firesteel_protocol::handshake::AgentConfig;
use firesteel_types::ExecutorLossReason;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

pub use firesteel_protocol::handshake::AGENT_VARIABLE;

/// How an agent's process is started. There is no shell: arguments are passed as they are.
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
    /// The program that runs, which is to see [`AGENT_VARIABLE`] before it does anything else.
    pub fn own_program() -> Self {
        // Leads to the very file that runs, even when another has taken its name.
        AgentCommand { program: PathBuf::from("/proc/self/exe"), arguments: vec![], environment: vec![] }
    }

    /// Starts it. It ends with the pipe that comes with its process: when that is dropped, or this process is gone.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&self, config: &AgentConfig) -> io::Result<(Child, ChildStdin)> {
        self.start_with(config, |_| {})
    }

    /// The same, where more is to be said about the process.
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
        // Ctrl-C is for the driver, which will say what is to stop.
        command.stdin(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("`{}` does not start: {error}", self.program.display()))
        })?;
        let mut pipe = child.stdin.take().expect("its standard input is a pipe");
        let mut line = serde_json::to_vec(config)?;
        line.push(b'\n');
        // One that has ended by now, or reads nothing: whoever waits for its end learns how it ended.
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

/// Without the variables, which may be secrets.
impl fmt::Debug for AgentCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AgentCommand");
        shown.field("program", &self.program).field("arguments", &self.arguments).finish_non_exhaustive()
    }
}

/// Why executors are gone whose process ended like this.
pub fn reason_of(status: ExitStatus) -> ExecutorLossReason {
    match status.signal() {
        Some(signal) => ExecutorLossReason::Killed { signal, peak_bytes: 0 },
        None => ExecutorLossReason::Exited { code: status.code() },
    }
}

/// Kills a process; one that has ended already need not be.
pub fn kill(process: u32) {
    if let Some(process) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
}
