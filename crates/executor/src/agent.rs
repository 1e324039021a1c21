//! An agent: the process on a host that runs executors for a driver elsewhere.
//!
//! It is started with an [`AgentConfig`](firesteel_protocol::handshake::AgentConfig). It connects to the driver, introduces itself, is told which executors it is, and runs tasks
//! until the driver releases it, is gone, or was silent for too long. Then it ends, whatever runs: no driver would hear of a task's end.

mod config;
mod home;
mod logs;
mod notice;
mod run;
mod uplink;
mod uploads;

pub use config::{own_config, read_config};
pub use run::run;

use crate::server::WorkerCommand;
use firesteel_transfer::RemoteFetcher;
use std::path::Path;
use std::sync::Arc;

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
