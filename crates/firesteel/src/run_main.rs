//! What `#[firesteel::main]` makes of a program's `main`.

use std::fmt::Display;
use std::process::ExitCode;

/// What a `main` may return.
pub trait ExitWith {
    /// The process's exit code; prints an error first.
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

/// Runs a program's body: `#[firesteel::main]` calls this.
pub fn run_main<T: ExitWith>(body: impl FnOnce() -> T) -> ExitCode {
    body().exit_with()
}
