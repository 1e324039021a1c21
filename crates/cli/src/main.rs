//! The command `firesteel`.

use std::process::ExitCode;

fn main() -> ExitCode {
    firesteel_cli::run(std::env::args_os())
}
