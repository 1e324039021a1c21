//! An agent: the process on a host that runs executors for a driver elsewhere.
//!
//! Whoever starts it hands it an [`AgentConfig`]. It connects to the driver, introduces itself, is told which executors it is, and
//! runs tasks until the driver lets go of it, is gone, or was not heard of for too long. Then it ends, whatever runs: a task whose
//! driver is gone has nobody to tell.

mod migrate;
mod run;
mod uplink;

pub use run::run;

use crate::blocks::RemoteFetcher;
use crate::memory::records_share;
use crate::server::WorkerCommand;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

/// The variable that tells a program to be an agent, and to read its configuration from its standard input.
pub const AGENT_VARIABLE: &str = "FIRESTEEL_AGENT";

/// Says how an agent's worker processes are started, once the driver has told what they are to know.
pub type MakeWorkers = Box<dyn FnOnce(&Beginning<'_>) -> Result<WorkerCommand, String>>;

/// What an agent knows of its application before it starts worker processes.
pub struct Beginning<'a> {
    /// The application's settings.
    pub settings: &'a [(String, String)],
    /// What the driver says that worker processes are to know; see [`WorkerCommand::setting`].
    pub setting: &'a str,
    /// The application's directory on this host.
    pub directory: &'a Path,
    /// The way to the driver.
    pub remote: Arc<RemoteFetcher>,
}

/// What an agent needs to know before it begins. It contains a secret: it is handed over through a pipe or a file of the user's own,
/// never as an argument or in the environment.
#[derive(Clone, Serialize, Deserialize)]
pub struct AgentConfig {
    /// The driver's address, `host:port`.
    pub driver: String,
    /// The application's secret; none when nothing is kept secret.
    pub secret: Option<String>,
    /// The name by which whoever started it tells the driver of it; empty when nobody does.
    pub name: String,
    /// Its host, as preferred locations name it, and as others reach it.
    pub host: String,
    /// Where it serves its files, `host:port`; port 0 is any that is free. Of no account when somebody else serves them.
    pub bind: String,
    /// How many cores it has: so many tasks at a time, where each takes one.
    pub cores: u32,
    /// The memory of all its executors together, in bytes; a part of it is for records.
    pub memory: u64,
    /// The directory for its files.
    pub directory: PathBuf,
    /// The address at which somebody who outlives it serves them. Then the directory is the application's own on this host, and
    /// somebody else removes it.
    pub service: Option<String>,
}

impl AgentConfig {
    /// How many bytes of its memory are for records.
    pub(crate) fn records(&self) -> u64 {
        records_share(self.memory)
    }

    /// Reads a configuration: a line of JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(from: &mut impl BufRead) -> Result<Self, String> {
        let mut line = String::new();
        from.read_line(&mut line)
            .map_err(|error| format!("no configuration of an executor can be read: {error}"))?;
        serde_json::from_str(&line)
            .map_err(|error| format!("this is no configuration of an executor: {error}"))
    }

    /// Reads a configuration from standard input. Whoever has started this process holds the other end, and with it goes this process.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_parent() -> Result<Self, String> {
        let config = Self::read(&mut io::stdin().lock())?;
        let watch = || {
            // Nothing more is said: what comes is the end.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            std::process::exit(1);
        };
        let watched = thread::Builder::new().name("firesteel-parent".into()).spawn(watch);
        watched.map(|_| config).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for AgentConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AgentConfig");
        shown.field("driver", &self.driver).field("name", &self.name).field("host", &self.host);
        shown.field("cores", &self.cores).field("directory", &self.directory).finish_non_exhaustive()
    }
}
