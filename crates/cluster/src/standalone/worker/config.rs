//! The configuration of a worker.

use firesteel_standalone::Resources;
use std::path::PathBuf;

/// The configuration of a worker.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The masters' addresses.
    pub masters: Vec<String>,
    /// The name by which other hosts reach it.
    pub host: String,
    /// The cores and the memory that it lends.
    pub resources: Resources,
    /// The directory for its applications' files.
    pub work_dir: PathBuf,
    /// The address of its pages, if it has any: masters are told.
    pub pages: Option<String>,
}
