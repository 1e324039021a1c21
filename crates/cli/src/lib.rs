//! The command `firesteel`: a cluster's daemons, and programs that are submitted to it.
//!
//! Each subcommand has a file of its own; code that several share is in `options`. The command line of the
//! Python package calls [`run`] for everything that is not Python's own, and makes its options of those that
//! [`options_of`] returns, so both have the same.

mod command_table;
mod daemons;
mod decommission;
mod executor;
mod history;
mod log;
mod options;
mod pages;
mod secret;
mod submit;

pub use command_table::{CommandOption, commands, options_of};
pub use log::begin_log;
pub use submit::InterpretedDriver;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// Spark's core without a JVM: programs on resilient distributed datasets, on one machine or on a cluster.
#[derive(Parser)]
#[command(name = "firesteel", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples, a cluster of two machines:
  firesteel secret new cluster.secret                              once; copy it to all machines
  firesteel master --secret-file cluster.secret                    on machine a
  firesteel worker firesteel://a:7077 --secret-file cluster.secret on machine b
  firesteel submit --master firesteel://a:7077 --secret-file cluster.secret target/release/app input.txt";

#[derive(Subcommand)]
enum Command {
    /// Allocate the workers' cores and memory to applications.
    Master(daemons::MasterOptions),
    /// Offer this machine's cores and memory to a master's applications.
    Worker(daemons::WorkerOptions),
    /// Run tasks for a driver that waits for executors (master listen://HOST:PORT).
    Executor(executor::ExecutorOptions),
    /// Run a program, here or in a cluster; look at it, or end it.
    Submit(submit::SubmitOptions),
    /// Show applications of which event logs are left, in a browser and over REST.
    History(history::HistoryOptions),
    /// Show what a cluster has, and what of it is taken.
    Status(submit::StatusOptions),
    /// Decommission a worker: it gets nothing new, applications migrate the blocks that they have there, and it
    /// ends.
    Decommission(decommission::DecommissionOptions),
    /// Make the secret that a cluster's machines show each other.
    Secret(secret::SecretOptions),
}

/// Runs a command line: the program's name, then its arguments. Errors are printed.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let done = match cli.command {
        Command::Master(options) => daemons::master(&options),
        Command::Worker(options) => daemons::worker(&options),
        Command::Executor(options) => executor::executor(&options),
        Command::Submit(options) => submit::submit(options),
        Command::History(options) => history::history(&options),
        Command::Status(options) => submit::status(&options),
        Command::Decommission(options) => decommission::decommission(&options),
        Command::Secret(options) => secret::run(&options),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("firesteel: {error}");
            ExitCode::FAILURE
        }
    }
}
