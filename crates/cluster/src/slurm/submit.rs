//! Whole programs as jobs of Slurm: submitted, asked about, cancelled.

use super::command::run;
use firesteel_conf as conf;
use firesteel_conf::{Conf, ConfError};
use std::path::PathBuf;

/// Submits a script; returns the number of its job. The job gets the variables of this process, as is Slurm's custom.
///
/// # Errors
/// When Slurm refuses it; its words.
pub fn submit(script: &str) -> Result<u64, String> {
    let answer = run("sbatch", &["--parsable".into()], script)?;
    number_in(&answer)
}

/// Reads the answer of `sbatch --parsable`: the number of a job, and perhaps a cluster.
pub(super) fn number_in(answer: &str) -> Result<u64, String> {
    let id = answer.trim().split(';').next().and_then(|id| id.parse().ok());
    id.ok_or_else(|| format!("`sbatch --parsable` answers `{}`, which is no number", answer.trim()))
}

/// Cancels a job, whose program ends with all its executors.
///
/// # Errors
/// When Slurm knows none of this number, or it is another user's.
pub fn cancel(job: &str) -> Result<(), String> {
    // `scancel` is content with a job that nobody knows; `scontrol` is not.
    describe(job)?;
    run("scancel", &[job.into()], "").map(drop)
}

/// Returns the state of a job, for people.
///
/// # Errors
/// When Slurm knows none of this number.
pub fn describe(job: &str) -> Result<String, String> {
    let shown = run("scontrol", &["show".into(), "job".into(), "-o".into(), job.into()], "")?;
    let value = |key: &str| {
        let found = shown.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        found.filter(|value| !["(null)", "None", ""].contains(value))
    };
    let mut text = format!("{job}: {}", value("JobState").unwrap_or("unknown"));
    for (key, word) in
        [("Reason", "since"), ("NodeList", "on"), ("RunTime", "for"), ("TimeLimit", "of at most")]
    {
        if let Some(value) = value(key) {
            text += &format!(", {word} {value}");
        }
    }
    if let Some(exit) = value("ExitCode").filter(|exit| *exit != "0:0") {
        text += &format!(", exit code {exit}");
    }
    Ok(text)
}

/// Returns the directory below which applications keep what their nodes share.
///
/// # Errors
/// When the setting has a value that it cannot have.
pub fn staging_parent(conf: &Conf) -> Result<PathBuf, ConfError> {
    let dir = conf.get(&conf::SLURM_STAGING_DIR)?;
    Ok(if dir.is_empty() { ".firesteel".into() } else { dir.into() })
}
