//! The test programs for servers: `crates/firesteel/tests/it/stores.rs`, and of `crates/firesteel/tests/clusters` those of the shuffle
//! storage, built once, then run for each server with other variables and for a bounded time.

use super::Trouble;
use super::server::fetch;
use crate::Fallible;
use crate::process::{cargo, output, run_within};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The names and values of environment variables of one run.
pub(super) type Variables<'a> = &'a [(&'a str, &'a str)];

/// The most time for one run of all programs; unoptimised, against a server in Python, they take some ten
/// seconds.
const RUN_LIMIT: Duration = Duration::from_secs(120);

/// The most time for fetching one server.
const FETCH_LIMIT: Duration = Duration::from_secs(600);

/// The programs, and the time that is left for everything.
pub(super) struct Checks {
    until: Instant,
    programs: OnceCell<[PathBuf; 2]>,
    /// A directory of event logs to show, instead of samples.
    logs: Option<PathBuf>,
}

impl Checks {
    /// Begins the time: no run begins that may not end within it.
    pub(super) fn within(limit: Duration) -> Checks {
        Checks { until: Instant::now() + limit, programs: OnceCell::new(), logs: None }
    }

    /// Has the logs of this directory shown, instead of samples.
    pub(super) fn with_logs(self, logs: Option<PathBuf>) -> Checks {
        Checks { logs, ..self }
    }

    /// Returns the directory of logs to show, if there is to be one.
    pub(super) fn logs(&self) -> Option<&Path> {
        self.logs.as_deref()
    }

    /// Fetches a server into a folder by these commands, unless it is there already in this version.
    pub(super) fn fetch(
        &self,
        home: &Path,
        version: &str,
        commands: &mut [&mut Command],
    ) -> Result<(), Trouble> {
        let mark = home.join("fetched");
        if std::fs::read_to_string(&mark).is_ok_and(|there| there == version) {
            return Ok(());
        }
        let name = home.file_name().unwrap_or_default().to_string_lossy();
        println!("fetching {name}");
        for command in commands {
            fetch(&name, command, FETCH_LIMIT.min(self.left()))?;
        }
        Ok(std::fs::write(&mark, version).map_err(|error| format!("{}: {error}", mark.display()))?)
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Returns whether the time is used up.
    pub(super) fn time_is_up(&self) -> bool {
        self.left().is_zero()
    }

    /// Runs the programs with these variables set.
    pub(super) fn run(&self, what: &str, variables: Variables<'_>) -> Result<(), Trouble> {
        let [stores, _] = self.programs()?;
        self.run_tests(what, stores, "stores::", variables)
    }

    /// Runs a cluster whose shuffle storage is there.
    pub(super) fn run_shuffles(&self, variables: Variables<'_>) -> Result<(), Trouble> {
        let [_, clusters] = self.programs()?;
        self.run_tests("shuffles kept there", clusters, "outputs_in_a_real_store", variables)
    }

    fn run_tests(
        &self,
        what: &str,
        program: &Path,
        selected: &str,
        variables: Variables<'_>,
    ) -> Result<(), Trouble> {
        if self.left() < RUN_LIMIT {
            return Err(Trouble::Missing(format!("no time was left for: {what}")));
        }
        println!("{what}");
        let mut command = Command::new(program);
        // A person's own credentials and clusters must not be used.
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "HADOOP_CONF_DIR"]
        {
            command.env_remove(name);
        }
        for name in ["", "_MISSING", "_UPLOADS", "_READS", "_COPY", "_STRANGER"] {
            command.env_remove(format!("FIRESTEEL_STORE{name}"));
        }
        command.args([selected, "--quiet"]).envs(variables.iter().copied());
        Ok(run_within(&mut command, RUN_LIMIT)?)
    }

    fn programs(&self) -> Fallible<&[PathBuf; 2]> {
        if let Some(programs) = self.programs.get() {
            return Ok(programs);
        }
        let built = [build("it")?, build("clusters")?];
        Ok(self.programs.get_or_init(|| built))
    }
}

/// Builds a test program, and finds its file. Built first and not run by cargo, so that the program itself is
/// ended when time is up.
fn build(test: &str) -> Fallible<PathBuf> {
    // Of the whole workspace, as in the step `tests`, so that nothing is compiled again with other features.
    let words = ["test", "--workspace", "--test", test, "--no-run", "--quiet"];
    let said = output(cargo(&words).arg("--message-format=json-render-diagnostics"))?;
    let program = said.lines().find_map(|line| line.split_once("\"executable\":\""));
    let program = program.and_then(|(_, rest)| rest.split_once('"')).map(|(program, _)| program.into());
    program.ok_or_else(|| "cargo did not say where it put the programs".into())
}
