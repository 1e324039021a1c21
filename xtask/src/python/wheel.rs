//! The wheel and the source distribution: built by maturin, which pip installs.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::{self, Environment, Python};
use crate::{Fallible, process};

const MATURIN: &str = "maturin==1.16.0";

/// A profile of cargo.
pub(crate) enum Profile {
    /// The profile of tests: what it compiles, the tests of the workspace have compiled already, and its assertions and checks of
    /// overflows look at what the Python tests do, too.
    Dev,
    /// The profile of `pip install .`: optimised, and quick to build.
    Release,
    /// The profile of releases.
    Dist,
}

impl Profile {
    fn name(&self) -> &'static str {
        match self {
            Profile::Dev => "dev",
            Profile::Release => "release",
            Profile::Dist => "dist",
        }
    }
}

/// Builds the wheel. It shares cargo's folder with the other steps that build so.
pub(crate) fn build(python: &Python, profile: Profile) -> Fallible<PathBuf> {
    build_into(&environment::folder("wheels")?, python, profile, &[])
}

/// Builds the wheel into a folder, which is emptied first. Passes further arguments to maturin.
pub(crate) fn build_into(
    folder: &Path,
    python: &Python,
    profile: Profile,
    more: &[&str],
) -> Fallible<PathBuf> {
    let _ = std::fs::remove_dir_all(folder);
    let tools = tools(python)?;
    let mut maturin = maturin(&tools, "build", folder);
    maturin.args(["--quiet", "--profile", profile.name(), "--interpreter"]).arg(tools.program("python"));
    process::run(maturin.args(more))?;
    only(folder, ".whl")
}

/// Builds the source distribution into a folder.
pub(crate) fn source_into(folder: &Path, python: &Python) -> Fallible<PathBuf> {
    process::run(&mut maturin(&tools(python)?, "sdist", folder))?;
    only(folder, ".tar.gz")
}

fn tools(python: &Python) -> Fallible<Environment> {
    Environment::kept("maturin", python, &[MATURIN])
}

fn maturin(tools: &Environment, command: &str, folder: &Path) -> Command {
    let mut maturin = tools.python();
    maturin.args(["-m", "maturin", command, "--out"]).arg(folder);
    maturin
}

/// Returns the file of that kind in a folder.
fn only(folder: &Path, end: &str) -> Fallible<PathBuf> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = entries.flatten().map(|entry| entry.path());
    files
        .find(|path| path.to_string_lossy().ends_with(end))
        .ok_or_else(|| format!("maturin left no file {end} in {}", folder.display()))
}
