//! Programs in cargo's release profile that several steps of `cargo xtask test` need.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{cargo, run};
use crate::{Fallible, workspace};

/// The packages of these programs. Each build selects all of them, whichever program it is for: what is selected decides the features
/// of dependencies, and so each dependency is compiled once for all steps.
const PACKAGES: [&str; 4] = ["firesteel-benches", "firesteel-sim", "closure-matrix", "closure-matrix-plugin"];

/// Returns the command that builds programs, or libraries too with `--lib`, without the features that packages have by default.
pub(crate) fn build(targets: &[&str]) -> Command {
    let mut command = cargo(&["build", "--quiet", "--release", "--no-default-features"]);
    command.args(PACKAGES.iter().flat_map(|package| ["--package", package])).args(targets);
    command
}

/// Builds a program, and returns its path.
pub(crate) fn program(name: &str) -> Fallible<PathBuf> {
    run(&mut build(&["--bin", name]))?;
    Ok(workspace::target_dir().join("release").join(name))
}
