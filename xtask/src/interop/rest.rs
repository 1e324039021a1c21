//! REST beside Spark: `python/rest` has Spark write event logs, serves them by Spark's own History Server and by
//! `firesteel history`, compares every answer, and calls every tool of a public client at both.

use super::Trouble;
use crate::bench::spark::check_java;
use crate::process::{cargo, run as run_command, run_within};
use crate::python::conformance;
use crate::python::environment::{Environment, installed};
use crate::workspace;
use std::time::Duration;

/// The most time; with two cores to itself it takes two minutes.
const LIMIT: Duration = Duration::from_secs(900);

/// The public client: a server of tools for programs that talk, which asks Spark's REST interface.
const CLIENT: &str = "mcp-apache-spark-history-server==1.0.2";

/// The oldest minor version of Python 3 that the client runs on.
const CLIENT_MINOR: u32 = 12;

pub(super) fn run() -> Result<(), Trouble> {
    check_java().map_err(Trouble::Missing)?;
    run_command(&mut cargo(&["build", "--package", "firesteel-cli"]))?;
    let mut runner = conformance::beside_pyspark(None)?.python();
    runner.args(["python/rest", "--firesteel"]).arg(workspace::target_dir().join("debug/firesteel"));
    let found = installed();
    let is_new_enough = |minor: &str| minor.parse().is_ok_and(|minor: u32| minor >= CLIENT_MINOR);
    let newest =
        found.iter().rev().find(|python| python.version.strip_prefix("3.").is_some_and(is_new_enough));
    match newest {
        Some(python) => {
            let environment = Environment::kept("mcp", python, &[CLIENT])?;
            runner.arg("--mcp").arg(environment.folder());
        }
        None => println!("without the public client, which wants Python 3.{CLIENT_MINOR}"),
    }
    run_within(&mut runner, LIMIT).map_err(|error| format!("REST beside Spark: {error}"))?;
    Ok(())
}
