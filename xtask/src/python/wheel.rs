//! The wheel: built by maturin, which pip installs.

use std::path::PathBuf;

use super::environment::{self, Environment, Python};
use crate::{Fallible, process};

const MATURIN: &str = "maturin==1.16.0";

/// Builds the wheel, with optimisation: what users get. It shares cargo's folder with the other steps that
/// build so.
pub(super) fn build(python: &Python) -> Fallible<PathBuf> {
    let tools = Environment::kept("maturin", python, &[MATURIN])?;
    let folder = environment::folder("wheels")?;
    let _ = std::fs::remove_dir_all(&folder);
    let folder = environment::folder("wheels")?;
    let mut maturin = tools.python();
    maturin.args(["-m", "maturin", "build", "--release", "--quiet", "--interpreter"]);
    maturin.arg(tools.program("python")).arg("--out").arg(&folder);
    process::run(&mut maturin)?;
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut wheels = entries.flatten().map(|entry| entry.path());
    wheels
        .find(|path| path.extension().is_some_and(|end| end == "whl"))
        .ok_or_else(|| "maturin left no wheel".into())
}
