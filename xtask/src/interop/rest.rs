//! REST beside Spark: `python/rest` has Spark and Firesteel write event logs, serves them by Spark's own History Server and
//! by `firesteel history`, compares every answer, and calls every tool of a public client at both.

use super::Trouble;
use crate::bench::spark::check_java;
use crate::process::{cargo, run as run_command, run_within};
use crate::python::conformance;
use crate::python::environment::{Environment, installed};
use crate::{Fallible, workspace};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most time; with two cores to itself it takes five minutes.
const LIMIT: Duration = Duration::from_secs(1800);

/// The public client: a server of tools for programs that talk, which asks Spark's REST interface.
const CLIENT: &str = "mcp-apache-spark-history-server==1.0.2";

/// The oldest minor version of Python 3 that the client runs on.
const CLIENT_MINOR: u32 = 12;

pub(super) fn run() -> Result<(), Trouble> {
    check_java().map_err(Trouble::Missing)?;
    // The whole workspace is named so that dependencies have the features that other commands compiled them with.
    run_command(&mut cargo(&["build", "--workspace", "--lib", "--example", "seen", "--bin", "firesteel"]))?;
    let built = workspace::target_dir().join("debug");
    let mut runner = conformance::beside_pyspark(None)?.python();
    runner.env("PYTHONPATH", package(&built)?);
    runner.args(["python/rest", "--firesteel"]).arg(built.join("firesteel"));
    runner.arg("--seen").arg(built.join("examples/seen"));
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

/// Makes a folder with the Python package as it is in the tree, and the native module of the development build: what is
/// compared is what applications tell, not how fast they are.
fn package(built: &Path) -> Fallible<PathBuf> {
    let folder = super::folder("package")?;
    let failed = |error| format!("{}: {error}", folder.display());
    std::fs::remove_dir_all(&folder).map_err(failed)?;
    let inside = folder.join("firesteel");
    std::fs::create_dir_all(&inside).map_err(failed)?;
    for entry in std::fs::read_dir(workspace::root().join("python/firesteel")).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with("_native") {
            symlink(entry.path(), inside.join(entry.file_name())).map_err(failed)?;
        }
    }
    symlink(built.join("lib_native.so"), inside.join("_native.abi3.so")).map_err(failed)?;
    Ok(folder)
}
