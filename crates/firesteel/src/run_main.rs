//! Running a program's `main`: the function that `#[firesteel::main]` calls, and its exit codes.

use firesteel_cluster::agents::AGENT_VARIABLE;
use firesteel_executor::agent;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// A type that a `main` may return.
pub trait ExitWith {
    /// Returns the process's exit code; prints an error first.
    fn exit_with(self) -> ExitCode;
}

impl ExitWith for () {
    fn exit_with(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}

impl ExitWith for ExitCode {
    fn exit_with(self) -> ExitCode {
        self
    }
}

impl<T: ExitWith, E: Display> ExitWith for Result<T, E> {
    fn exit_with(self) -> ExitCode {
        match self {
            Ok(value) => value.exit_with(),
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Runs a program's body, or, in a process that was started as an executor, the executor:
/// `#[firesteel::main]` calls this.
pub fn run_main<T: ExitWith>(body: impl FnOnce() -> T) -> ExitCode {
    become_executor_if_asked();
    let code = body().exit_with();
    // Where the process is its application's master, its manager is told how it went. People read the program's log as soon
    // as they hear of it, so all of that is written first.
    let _ = std::io::stdout().flush();
    firesteel_driver::program_ended(code == ExitCode::SUCCESS);
    code
}

/// Runs the executor in a process that was started as one, and ends the process with it. In other processes
/// it does nothing.
///
/// `#[firesteel::main]` calls it first of all. A program without the attribute calls it at the beginning of
/// `main`, and a file of tests whose contexts have executors in other processes calls it in a test of its
/// own, which it names by [`Builder::agent_command`](crate::Builder::agent_command).
pub fn become_executor_if_asked() {
    let Some(told) = std::env::var_os(AGENT_VARIABLE) else { return };
    firesteel_driver::show_log();
    // Programs that tasks start are not executors.
    let config = agent::own_config(&told.to_string_lossy());
    let ended = config.and_then(|config| agent::run(config, None));
    let code = match ended {
        Ok(()) => 0,
        Err(error) => {
            tracing::error!(%error, "an executor ends");
            1
        }
    };
    std::process::exit(code);
}
