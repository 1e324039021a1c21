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

/// The variable that tells a program to be an agent. Its value says where its [`AgentConfig`] is: `1` on standard input, whose other end
/// the process holds that has started it and with which it ends; else in the file of this path, in which names, hosts and directories may
/// hold `${NAME}`, variables of its environment.
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
    /// Where it serves its files, or what it has in memory, `host:port`; port 0 is any that is free.
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
    /// The files that its standard output and error go to, if the process that starts it keeps them; its driver may ask for what they hold.
    #[serde(default)]
    pub logs: Option<LogFiles>,
    /// The time, in milliseconds, from SIGTERM to the end of its process, where SIGTERM is a manager's notice that it takes the process
    /// away. None where SIGTERM ends it at once.
    #[serde(default)]
    pub notice_ms: Option<u64>,
}

/// The files that a process writes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFiles {
    /// Its standard output.
    pub stdout: PathBuf,
    /// Its standard error.
    pub stderr: PathBuf,
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
    /// Where the partitions are served that its executors have cached: in the same place, or by itself, since they lie in its memory.
    pub cached: String,
    /// True if a process that outlives it serves the files.
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
    /// The shuffle storage, if the application has one.
    pub storage: Option<StorageConfig>,
}

/// The shuffle storage of an application: a directory, on disks that hosts share or in a store, in which map outputs
/// outlive executors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageConfig {
    /// The application's own directory there.
    pub directory: String,
    /// The number of drivers of the application before this one, whose agents' objects stay in the directory.
    pub life: u32,
    /// When outputs are written there.
    pub write: StorageWrite,
    /// The number of bytes of outputs that are gathered for one object.
    pub object_bytes: u64,
}

/// When map outputs are written to the shuffle storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StorageWrite {
    /// Soon after their tasks have ended.
    Background,
    /// Before their tasks end.
    Through,
    /// When the driver says that their executor's files will not be there for long.
    Notice,
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
    /// The secret that the key of the files follows from, where tasks encrypt the files that they write.
    pub files_secret: Option<FilesSecret>,
}

/// A secret that the key of an application's files follows from. It goes only where [`WorkerInit`] goes, and is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesSecret(pub String);

impl fmt::Debug for FilesSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FilesSecret(..)")
    }
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
    /// The shuffle storage, if the application has one.
    #[serde(default)]
    pub storage: Option<StorageConfig>,
}

/// Without the secret.
impl fmt::Debug for RemoteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RemoteConfig");
        shown.field("driver", &self.driver).field("here", &self.here).finish_non_exhaustive()
    }
}
