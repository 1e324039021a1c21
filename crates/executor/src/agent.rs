//! An agent: the process on a host that runs executors for a driver elsewhere.
//!
//! It is started with an [`AgentConfig`]. It connects to the driver, introduces itself, is told which executors it is, and runs tasks
//! until the driver releases it, is gone, or was silent for too long. Then it ends, whatever runs: no driver would hear of a task's end.

mod home;
mod run;
mod uplink;

pub use run::run;

use crate::server::WorkerCommand;
use firesteel_protocol::handshake::AgentConfig;
use firesteel_transfer::RemoteFetcher;
use std::io::{self, BufRead};
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// Says how an agent's worker processes are started, once the driver has told what they are to know.
pub type MakeWorkers = Box<dyn FnOnce(&Beginning<'_>) -> Result<WorkerCommand, String>>;

/// The facts that an agent knows of its application before it starts worker processes.
pub struct Beginning<'a> {
    /// The application's settings.
    pub settings: &'a [(String, String)],
    /// The setting of worker processes; see [`WorkerCommand::setting`].
    pub setting: &'a str,
    /// The application's directory on this host.
    pub directory: &'a Path,
    /// The way to the driver.
    pub remote: Arc<RemoteFetcher>,
}

/// Reads an agent's configuration: a line of JSON.
///
/// # Errors
/// When it is none.
pub fn read_config(from: &mut impl BufRead) -> Result<AgentConfig, String> {
    let mut line = String::new();
    from.read_line(&mut line)
        .map_err(|error| format!("no configuration of an executor can be read: {error}"))?;
    serde_json::from_str(&line).map_err(|error| format!("this is no configuration of an executor: {error}"))
}

/// Reads an agent's configuration from standard input. The process that has started this one holds the other end, and this one ends with
/// it.
///
/// # Errors
/// When it is none.
pub fn config_from_parent() -> Result<AgentConfig, String> {
    let config = read_config(&mut io::stdin().lock())?;
    let watch = || {
        // The parent writes nothing more: reading ends when the parent does.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        std::process::exit(1);
    };
    let watched = thread::Builder::new().name("firesteel-parent".into()).spawn(watch);
    watched.map(|_| config).map_err(|error| error.to_string())
}
