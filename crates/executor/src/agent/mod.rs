//! An agent: the process on a host that runs executors for a driver elsewhere.
//!
//! Whoever starts it hands it an [`AgentConfig`]. It connects to the driver, introduces itself, is told which executors it is, and
//! runs tasks until the driver lets go of it, is gone, or was not heard of for too long. Then it ends, whatever runs: a task whose
//! driver is gone has nobody to tell.

mod run;
mod uplink;

pub use run::run;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Read;
use std::path::PathBuf;

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
    /// How many tasks it runs at a time.
    pub slots: u32,
    /// The memory budget of all its executors together, in bytes.
    pub memory: u64,
    /// The directory for its files.
    pub directory: PathBuf,
    /// The address at which somebody who outlives it serves them. Then the directory is the application's own on this host, and
    /// somebody else removes it.
    pub service: Option<String>,
}

impl AgentConfig {
    /// Reads a configuration, as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(from: impl Read) -> Result<Self, String> {
        serde_json::from_reader(from)
            .map_err(|error| format!("this is no configuration of an executor: {error}"))
    }
}

impl fmt::Debug for AgentConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AgentConfig");
        shown.field("driver", &self.driver).field("name", &self.name).field("host", &self.host);
        shown.field("slots", &self.slots).field("directory", &self.directory).finish_non_exhaustive()
    }
}
