//! `firesteel secret new FILE`: makes a cluster's secret.

use clap::{Args, Subcommand};
use firesteel_net::Secret;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct SecretOptions {
    #[command(subcommand)]
    command: SecretCommand,
}

#[derive(Subcommand)]
enum SecretCommand {
    /// Write a new secret to a file that only you can read. An existing file is left alone.
    New {
        /// The file.
        file: PathBuf,
    },
}

pub(crate) fn run(options: &SecretOptions) -> Result<ExitCode, String> {
    let SecretCommand::New { file } = &options.command;
    let written = Secret::generate().write_new(file);
    written.map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    println_to_user(&format!(
        "wrote {}; copy it to all machines of the cluster, readable by its owner alone",
        file.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Prints an answer to standard output.
pub(crate) fn println_to_user(text: &str) {
    use std::io::Write;
    // An error is ignored: a reader that has closed the pipe does not want the answer.
    let _ = writeln!(std::io::stdout(), "{text}");
}
