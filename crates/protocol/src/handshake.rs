//! How an agent and a worker begin: each kind of process has a handshake of its own, and speaks the
//! [executor protocol](crate::ToExecutor) after it.
//!
//! An agent reads an [`AgentConfig`] from the process that has started it, connects to the driver, sends [`RegisterAgent`], and receives an
//! [`AgentReply`]. A worker finds a socket that only its parent has, receives a [`WorkerInit`], and answers with a [`WorkerReady`].

use firesteel_types::ExecutorId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Where, in an application's directory, its processes find each other's files.
pub const SHARED_DIRECTORY: &str = "shared";

/// The variable that tells a program to be an agent, and to read its [`AgentConfig`] from its standard input.
pub const AGENT_VARIABLE: &str = "FIRESTEEL_AGENT";

/// The configuration of an agent: one line of JSON. It contains a secret: it is handed over through a pipe or a file of
/// the user's own, never as an argument or in the environment.
#[derive(Clone, Serialize, Deserialize)]
pub struct AgentConfig {
    /// The driver's address, `host:port`.
    pub driver: String,
    /// The application's secret; none when nothing is kept secret.
    pub secret: Option<String>,
    /// The name by which the backend that started it knows it; empty when none did.
    pub name: String,
    /// Its host, as preferred locations name it, and as others reach it.
    pub host: String,
    /// Where it serves its files, `host:port`; port 0 is any that is free. Of no account when another process serves them.
    pub bind: String,
    /// The number of its cores: of tasks at a time, where each takes one.
    pub cores: u32,
    /// The memory of all its executors together, in bytes; a part of it is for records.
    pub memory: u64,
    /// The directory for its files.
    pub directory: PathBuf,
    /// The address at which a process that outlives it serves them. Then the directory is the application's own on this host, and
    /// that process removes it.
    pub service: Option<String>,
}

/// Without the secret.
impl fmt::Debug for AgentConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AgentConfig");
        shown.field("driver", &self.driver).field("name", &self.name).field("host", &self.host);
        shown.field("cores", &self.cores).field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// How an agent introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterAgent {
    /// The name under which the backend that started it knows it; empty when none did.
    pub name: String,
    /// The hash of the object file that holds the tasks' code: it must be the driver's.
    pub program: [u8; 32],
    /// Its host, as preferred locations name it.
    pub host: String,
    /// The number of its cores.
    pub cores: u32,
    /// The memory budget of all its executors together, in bytes.
    pub memory: u64,
    /// True if each slot is an executor of its own, in a process of its own.
    pub has_processes: bool,
    /// Where the files of its executors are served.
    pub blocks: String,
    /// True if a process that outlives it serves them.
    pub outputs_survive: bool,
    /// Its process id.
    pub process: u32,
}

/// The driver's answer to [`RegisterAgent`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AgentReply {
    /// The agent is accepted.
    Accepted {
        /// Its part in the application.
        welcome: Welcome,
    },
    /// It is not.
    Refused {
        /// Why, as a sentence.
        reason: String,
    },
}

/// The part of an accepted agent in the application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The application, by a number that no other of the driver's process has.
    pub application: u64,
    /// The executors that it is to run.
    pub executors: Vec<ExecutorId>,
    /// The number of tasks that it is to run at a time.
    pub slots: u32,
    /// The application's settings.
    pub settings: Vec<(String, String)>,
    /// How often it shall say that it lives, in milliseconds.
    pub heartbeat_ms: u64,
    /// After how long without a message from the driver it ends, in milliseconds.
    pub timeout_ms: u64,
    /// How often a host that cannot be reached is tried again.
    pub retries: u32,
    /// The pause before that, in milliseconds.
    pub retry_wait_ms: u64,
    /// The setting of its workers: any JSON.
    pub setting: Option<String>,
    /// True if tasks encrypt the files that they write, with a key that follows from the application's secret.
    pub encrypted: bool,
}

/// The first message to a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerInit {
    /// Which executor it is.
    pub executor: ExecutorId,
    /// The application, by a number that no other of the driver's process has.
    pub application: u64,
    /// The application's directory; all its processes share it.
    pub directory: PathBuf,
    /// The worker's memory budget, in bytes.
    pub memory: u64,
    /// The application's settings.
    pub settings: Vec<(String, String)>,
    /// The way to other hosts, where there are such.
    pub remote: Option<RemoteConfig>,
}

/// A worker's answer to [`WorkerInit`]: it is ready.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct WorkerReady {
    /// Its process id.
    pub process: u32,
}

/// How a process reaches the driver and other hosts. It contains a secret: it goes through the socket that only worker and parent have.
#[derive(Clone, Serialize, Deserialize)]
pub struct RemoteConfig {
    /// The application's secret; none when nothing is kept secret.
    pub secret: Option<String>,
    /// The driver's address.
    pub driver: String,
    /// The address at which the files of this host are served.
    pub here: String,
    /// How often a host that cannot be reached is tried again.
    pub retries: u32,
    /// The pause before that, in milliseconds.
    pub retry_wait_ms: u64,
    /// For how long a host may say nothing, in milliseconds.
    pub timeout_ms: u64,
}

/// Without the secret.
impl fmt::Debug for RemoteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RemoteConfig");
        shown.field("driver", &self.driver).field("here", &self.here).finish_non_exhaustive()
    }
}
