//! `firesteel submit --master slurm`: programs as jobs of Slurm.

use firesteel_cluster::AgentCommand;
use firesteel_cluster::sizes::{DEFAULT_EXECUTORS, shape_of};
use firesteel_cluster::slurm::{self, JobOptions};
use firesteel_conf::{Conf, ConfError, EXECUTOR_INSTANCES};
use std::collections::BTreeSet;

/// The master that means Slurm.
pub(super) const MASTER: &str = "slurm";

/// Returns the script of a job that runs a whole program with its executors: one node for each.
pub(super) fn driver_script(conf: &Conf, command: &AgentCommand) -> Result<String, ConfError> {
    let executors = conf.get(&EXECUTOR_INSTANCES)?.unwrap_or(DEFAULT_EXECUTORS);
    Ok(slurm::driver_script(&JobOptions::of(conf)?, executors, &shape_of(conf, 1)?, command))
}

/// Returns the script of one executor of a program that runs here.
pub(super) fn executor_script(conf: &Conf, command: &AgentCommand) -> Result<String, ConfError> {
    let staging = slurm::staging_parent(conf)?.join("APPLICATION");
    Ok(slurm::executor_script(
        &JobOptions::of(conf)?,
        &shape_of(conf, 1)?,
        command,
        &staging,
        &BTreeSet::new(),
    ))
}

/// Submits a program; returns the number of its job.
pub(super) fn submit(conf: &Conf, command: &AgentCommand) -> Result<String, String> {
    let script = driver_script(conf, command).map_err(|error| error.to_string())?;
    slurm::submit(&script).map(|job| job.to_string())
}
