//! The command of a process that a worker starts: it travels through the master unseen.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The program of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Program {
    /// A file by the BLAKE3 hash of its contents. A worker fetches it once, checks it, and runs it as it is.
    Shipped {
        /// The hash.
        hash: [u8; 32],
    },
    /// A program that the worker's machine has, by its name or path: an interpreter.
    Installed {
        /// The name or path.
        name: String,
    },
}

/// How to start an application's executors.
#[derive(Clone, Serialize, Deserialize)]
pub struct LaunchExecutor {
    /// The program.
    pub program: Program,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables to set for it.
    pub environment: Vec<(String, String)>,
    /// The driver's address.
    pub driver: String,
    /// The application's secret; none when nothing is kept secret.
    pub secret: Option<String>,
    /// True if the worker serves the application's files, so that they outlive executors.
    pub service: bool,
    /// True if they are encrypted, with a key that follows from the secret.
    pub encrypted: bool,
}

impl fmt::Debug for LaunchExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LaunchExecutor");
        shown.field("program", &self.program).field("driver", &self.driver).finish_non_exhaustive()
    }
}

/// How to start a driver in the cluster.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchDriver {
    /// The program.
    pub program: Program,
    /// Its arguments. `{file:NAME}` in one of them stands for the path of a shipped file.
    pub arguments: Vec<String>,
    /// Variables to set for it.
    pub environment: Vec<(String, String)>,
    /// Files that are shipped along, by the names that they have in its directory, and their hashes.
    pub files: Vec<(String, [u8; 32])>,
}

/// Without the variables, which may be secrets.
impl fmt::Debug for LaunchDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LaunchDriver");
        shown.field("program", &self.program).field("arguments", &self.arguments).field("files", &self.files);
        shown.finish_non_exhaustive()
    }
}
