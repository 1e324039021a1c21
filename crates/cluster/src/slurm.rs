//! Slurm as a cluster manager: `--master slurm`.
//!
//! Outside an allocation each executor is a job of its own ([`SlurmJobs`]): it starts as soon as there is room for it,
//! and can be given back alone. Inside one (`salloc`, `sbatch`) executors are steps on its nodes ([`SlurmSteps`]), and
//! nothing is submitted. Both use Slurm's own commands; the agents read their configuration, which has the
//! application's secret, from a file that their user alone can read.

mod command;
mod jobs;
mod script;
mod staging;
mod state;
mod steps;
mod submit;

pub use command::controller_address;
pub use jobs::SlurmJobs;
pub use script::{JobOptions, driver_script, executor_script};
pub use staging::AgentTemplate;
pub use steps::SlurmSteps;
pub use submit::{cancel, describe, staging_parent, submit};

/// The variable by which an agent of Slurm learns its name.
const NAME_VARIABLE: &str = "FIRESTEEL_EXECUTOR";

/// The variable by which an agent of Slurm learns the directory for its files.
const DIRECTORY_VARIABLE: &str = "FIRESTEEL_DIRECTORY";

/// Returns whether this process runs in an allocation of Slurm.
pub fn is_in_allocation() -> bool {
    std::env::var_os("SLURM_JOB_ID").is_some()
}
