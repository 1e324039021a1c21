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

/// Lines of a shell that remove what was left behind in the place of its executor's directory, by jobs that were killed too hard
/// to do so themselves, and announce that directory to others.
///
/// Each directory has a lock beside it, which its shell holds while it lives, and in an allocation its executor, too: who gets a
/// lock may remove what belongs to it. Other users' are left alone, and so is all where there is no `flock`.
const SWEEP: &str = "\
if command -v flock >/dev/null; then
  for lock in \"${FIRESTEEL_DIRECTORY%/*}\"/firesteel-slurm-*.lock; do
    [ -O \"$lock\" ] && (flock -n 9 && rm -rf -- \"${lock%.lock}\" \"$lock\") 9<\"$lock\"
  done
  set -C; exec 9>\"$FIRESTEEL_DIRECTORY.lock\" && flock -n 9; set +C
fi";

/// A line that removes them when the executor has ended.
const REMOVE: &str = "rm -rf -- \"$FIRESTEEL_DIRECTORY\" \"$FIRESTEEL_DIRECTORY.lock\"";

/// Returns whether this process runs in an allocation of Slurm.
pub fn is_in_allocation() -> bool {
    std::env::var_os("SLURM_JOB_ID").is_some()
}
