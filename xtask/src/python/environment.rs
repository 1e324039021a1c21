//! Python environments: the installed Pythons, and virtual environments made of them under `target/python`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::output;
use crate::{Fallible, workspace};

/// The oldest Python that the wheel is for.
pub(super) const OLDEST: &str = "3.10";

/// The minor versions of Python 3 that are looked for.
const MINORS: std::ops::RangeInclusive<u32> = 10..=14;

/// The question for a Python: version, and whether it can make virtual environments with pip in them.
const ASK: &str = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])";

/// An installed Python.
pub(crate) struct Python {
    /// For example `3.11`.
    pub(crate) version: String,
    program: PathBuf,
}

impl Python {
    /// Returns it as a command.
    pub(super) fn command(&self) -> Command {
        Command::new(&self.program)
    }
}

/// Returns those that are installed and can make virtual environments, oldest first.
pub(crate) fn installed() -> Vec<Python> {
    MINORS.filter_map(|minor| find(&format!("3.{minor}"))).collect()
}

/// Returns the versions that were looked for and are not there.
pub(super) fn missing(found: &[Python]) -> Vec<String> {
    let versions = MINORS.map(|minor| format!("3.{minor}"));
    versions.filter(|version| !found.iter().any(|python| python.version == *version)).collect()
}

pub(crate) fn none_found() -> String {
    format!("no Python from {OLDEST} on that can make virtual environments: `apt-get install python3-venv`")
}

/// Finds a Python on the search path by its own name, as plain `python3`, or in the directory where pyenv keeps
/// its versions (whose programs on the search path refuse to run unless they were chosen).
fn find(version: &str) -> Option<Python> {
    let own = PathBuf::from(format!("python{version}"));
    let mut programs = vec![own.clone(), PathBuf::from("python3")];
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv")));
    let versions = pyenv.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let of_pyenv = versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin").join(&own));
    programs.extend(of_pyenv);
    let program = programs.into_iter().find(|program| {
        output(Command::new(program).args(["-c", ASK])).is_ok_and(|said| said.trim() == version)
    })?;
    Some(Python { version: version.to_owned(), program })
}

/// Returns the folder of that name under `target/python`, made if it is not there.
pub(super) fn folder(name: &str) -> Fallible<PathBuf> {
    let folder = workspace::root().join("target/python").join(name);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// A virtual environment.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// Makes a new one; an earlier one of that name is removed.
    pub(crate) fn fresh(name: &str, python: &Python) -> Fallible<Environment> {
        let folder = folder(name)?;
        output(Command::new(&python.program).args(["-m", "venv", "--clear"]).arg(&folder))?;
        Ok(Environment { folder })
    }

    /// Makes one with these packages in it, or reuses the one of an earlier run if it has the same ones.
    pub(crate) fn kept(name: &str, python: &Python, packages: &[&str]) -> Fallible<Environment> {
        let environment = Environment { folder: folder(name)? };
        let mark = environment.folder.join("installed");
        let wanted = format!("{} {}", python.version, packages.join(" "));
        if std::fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
            return Ok(environment);
        }
        println!("making an environment with {}", packages.join(", "));
        let environment = Environment::fresh(name, python)?;
        environment.install(packages)?;
        std::fs::write(&mark, wanted).map_err(|error| format!("{}: {error}", mark.display()))?;
        Ok(environment)
    }

    /// Returns its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Installs packages by pip, quietly.
    pub(crate) fn install(&self, words: &[&str]) -> Fallible {
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(words);
        output(&mut pip).map(drop)
    }

    /// Installs a wheel, also if one of the same version is there.
    pub(crate) fn install_wheel(&self, wheel: &Path) -> Fallible {
        let wheel = wheel.to_string_lossy();
        self.install(&[&wheel])?;
        self.install(&["--force-reinstall", "--no-deps", &wheel])
    }

    /// Returns its Python, without the user's own settings, and away from the tree's modules: imports find the
    /// installed package.
    pub(crate) fn python(&self) -> Command {
        let mut command = Command::new(self.program("python"));
        let bin = self.folder.join("bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)));
        command.env_remove("PYTHONPATH").env_remove("PYTHONHASHSEED").env("VIRTUAL_ENV", &self.folder);
        command.env("PATH", path.unwrap_or_default());
        command
    }

    /// Returns the directory of PySpark, with its Spark.
    pub(crate) fn pyspark_home(&self) -> Fallible<PathBuf> {
        let words = ["-c", "import os, pyspark; print(os.path.dirname(pyspark.__file__))"];
        Ok(PathBuf::from(output(self.python().args(words))?.trim()))
    }

    /// Returns a program that a package brought.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_what_was_not_found() {
        let found = [Python { version: "3.11".into(), program: "python3.11".into() }];
        assert_eq!(missing(&found), ["3.10", "3.12", "3.13", "3.14"]);
    }
}
