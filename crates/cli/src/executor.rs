//! `firesteel executor`: an executor for a driver that waits for executors (`listen://`), started by any means:
//! a batch system, another scheduler, a person.
//!
//! It fetches the driver's program, checks its hash, and starts it with its configuration on standard input.

use crate::log::LogOptions;
use crate::options::{SecretFile, host_name, mebibytes};
use clap::Args;
use firesteel_cluster::AgentCommand;
use firesteel_cluster::agents::AGENT_VARIABLE;
use firesteel_cluster::executors::{AgentConfig, fetch_program};
use firesteel_net::{Credentials, Secret};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

#[derive(Args)]
#[command(after_help = "\
Example:
  firesteel executor --driver a:7000 --secret-file app.secret --cores 4 --memory 8g

The driver is a Rust program with the master listen://a:7000. Executors of Python programs are started with the command `firesteel` of the
Python package.")]
pub(crate) struct ExecutorOptions {
    /// The driver's address, HOST:PORT.
    #[arg(long, value_name = "HOST:PORT")]
    driver: String,
    /// A file with the executor's configuration, as a cluster manager puts it into a container: all but the driver.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The name by which others reach this machine.
    #[arg(long, default_value_t = host_name())]
    host: String,
    /// The number of tasks to run at a time; one for each core if not given.
    #[arg(long, short = 'c', value_name = "N")]
    cores: Option<u32>,
    /// The memory of the executor, as 4g or in MiB.
    #[arg(long, short = 'm', value_name = "MEMORY", value_parser = mebibytes, default_value = "1g")]
    memory: u64,
    /// The directory for its files.
    #[arg(long, short = 'd', value_name = "DIR", default_value = "firesteel-executor")]
    dir: PathBuf,
    #[command(flatten)]
    log: LogOptions,
    #[command(flatten)]
    secret: SecretFile,
}

pub(crate) fn executor(options: &ExecutorOptions) -> Result<ExitCode, String> {
    options.log.begin();
    if let Some(config) = &options.config {
        return become_executor(&options.driver, config);
    }
    let secret = options.secret.read()?;
    let program = fetch_program(&options.driver, &options.secret.credentials()?, &options.dir)
        .map_err(|error| format!("the driver's program cannot be had: {error}"))?;
    let config = AgentConfig {
        driver: options.driver.clone(),
        secret: secret.as_ref().map(Secret::to_text),
        name: String::new(),
        host: options.host.clone(),
        bind: format!("{}:0", options.host),
        cores: options.cores.unwrap_or_else(|| thread::available_parallelism().map_or(1, |n| n.get() as u32)),
        memory: options.memory << 20,
        directory: options.dir.clone(),
        service: None,
        logs: None,
        notice_ms: None,
    };
    let command = AgentCommand { program, ..AgentCommand::own_program() };
    let (mut child, pipe) = command.start(&config).map_err(|error| error.to_string())?;
    let status = child.wait().map_err(|error| error.to_string())?;
    drop(pipe);
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Fetches the program of the driver at an address, and becomes it: the program is this very process then, which gets the
/// signals of the container.
fn become_executor(driver: &str, config: &Path) -> Result<ExitCode, String> {
    let failed = |error: String| format!("{}: {error}", config.display());
    let text = std::fs::read(config).map_err(|error| failed(error.to_string()))?;
    let agent: AgentConfig = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    let credentials = match &agent.secret {
        Some(secret) => {
            Credentials::of(&Secret::from_text(secret).map_err(|error| failed(error.to_string()))?)
        }
        None => Credentials::insecure(),
    };
    let program = fetch_program(driver, &credentials, &agent.directory)
        .map_err(|error| format!("the driver's program cannot be had from {driver}: {error}"))?;
    let error = Command::new(&program).env(AGENT_VARIABLE, config).exec();
    Err(format!("{} does not start: {error}", program.display()))
}
