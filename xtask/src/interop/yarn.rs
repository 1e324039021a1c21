//! Hadoop's own YARN: `tests/yarn/run.py` starts a ResourceManager and two NodeManagers from jars that Maven fetches, and runs
//! programs on them, in client and in cluster mode.

use super::Trouble;
use crate::bench::spark::check_java;
use crate::process::{cargo, find_program, run as run_command, run_within};
use crate::workspace;
use std::process::Command;
use std::time::Duration;

/// The most time; with two cores to itself it takes one minute, and another for the jars at the first time.
const LIMIT: Duration = Duration::from_secs(900);

pub(super) fn run() -> Result<(), Trouble> {
    check_java().map_err(Trouble::Missing)?;
    let wanted =
        |name: &str| find_program(name).ok_or_else(|| Trouble::Missing(format!("{name} is not installed")));
    wanted("mvn")?;
    let python = wanted("python3")?;
    let programs = ["--example", "word_count", "--example", "seen", "--bin", "firesteel"];
    run_command(cargo(&["build", "--workspace"]).args(programs))?;
    let built = workspace::target_dir().join("debug");
    let mut tests = Command::new(python);
    tests.current_dir(workspace::root()).arg("tests/yarn/run.py");
    tests.args(["examples/word_count", "examples/seen", "firesteel"].map(|program| built.join(program)));
    tests.arg("--jars").arg(super::folder("yarn")?);
    Ok(run_within(&mut tests, LIMIT)?)
}
