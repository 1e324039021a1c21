//! The directory that a driver and its agents on Slurm's nodes share: the agents' configuration, and what they write.

use super::{DIRECTORY_VARIABLE, NAME_VARIABLE};
use crate::agents::AgentCommand;
use firesteel_lending::Shape;
use firesteel_protocol::handshake::{AgentConfig, LogFiles};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The name of the agents' configuration in the directory.
pub(super) const CONFIG: &str = "agent.json";

/// How the agents of an application are started, wherever a manager does it.
#[derive(Clone, Debug)]
pub struct AgentTemplate {
    /// The command, which all hosts have at the same path.
    pub command: AgentCommand,
    /// The driver's address, `host:port`.
    pub driver: String,
    /// The application's secret.
    pub secret: Option<String>,
}

/// A directory of one application, which is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Staging {
    path: PathBuf,
}

impl Staging {
    /// Makes a directory below `parent` that only its user can read.
    pub(super) fn make(parent: &Path, application: &str) -> io::Result<Staging> {
        let fail = |error: io::Error| {
            let words =
                format!("{}: {error} (`firesteel.slurm.staging_dir` names another place)", parent.display());
            io::Error::new(error.kind(), words)
        };
        let parent = std::path::absolute(parent)?;
        let path = parent.join(application);
        DirBuilder::new().recursive(true).mode(0o700).create(&parent).map_err(fail)?;
        DirBuilder::new().mode(0o700).create(&path).map_err(fail)?;
        Ok(Staging { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the configuration that all agents of this size read.
    pub(super) fn write_config(
        &self,
        template: &AgentTemplate,
        shape: &Shape,
        logs: LogFiles,
        notice_ms: u64,
    ) -> io::Result<()> {
        let config = AgentConfig {
            driver: template.driver.clone(),
            secret: template.secret.clone(),
            name: format!("${{{NAME_VARIABLE}}}"),
            // The address from which the node reaches the driver.
            host: String::new(),
            bind: String::new(),
            cores: shape.cores,
            memory: shape.memory,
            directory: format!("${{{DIRECTORY_VARIABLE}}}").into(),
            service: None,
            logs: Some(logs),
            notice_ms: Some(notice_ms),
        };
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path.join(CONFIG))?;
        file.write_all(&serde_json::to_vec(&config)?)?;
        file.write_all(b"\n")
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!("{} stays behind: {error}", self.path.display());
        }
        // The parent is ours if nothing else is in it.
        if let Some(parent) = self.path.parent() {
            let _ = fs::remove_dir(parent);
        }
    }
}

/// Returns the end of what an agent wrote to its standard error, for people; empty if there is nothing.
pub(super) fn last_words(file: &Path) -> String {
    const LINES: usize = 5;
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4096)..]).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_secret_is_its_users_alone_and_nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        let parent = dir.path().join("staging");
        let staging = Staging::make(&parent, "app-1").unwrap();
        let command = AgentCommand::own_program();
        let template = AgentTemplate { command, driver: "127.0.0.1:7".into(), secret: Some("hush".into()) };
        let logs = LogFiles { stdout: "o".into(), stderr: "e".into() };
        staging.write_config(&template, &Shape { cores: 2, memory: 1 << 30 }, logs, 5_000).unwrap();
        let file = staging.path().join(CONFIG);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(staging.path()), mode(&file)), (0o700, 0o600));
        assert!(fs::read_to_string(&file).unwrap().contains("hush"));
        let taken = Staging::make(&parent, "app-1").unwrap_err();
        assert!(taken.to_string().contains("staging_dir"), "{taken}");
        drop(staging);
        assert!(!parent.exists());
    }

    #[test]
    fn last_words_are_few() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("e");
        assert_eq!(last_words(&file), "");
        fs::write(&file, (0..100).map(|n| format!("line {n}\n\n")).collect::<String>()).unwrap();
        assert_eq!(last_words(&file), "line 95\nline 96\nline 97\nline 98\nline 99");
    }
}
