//! Kubernetes itself: an API server, a scheduler, controllers and a node, built from Go modules once, on loopback. Real pods
//! run executors of a program of ours; `tests/kubernetes/run.py` kills, evicts and refuses them.

use super::Trouble;
use crate::process::{cargo, run as run_command, run_within};
use crate::python::environment::{self, Environment};
use crate::python::wheel::{self, Profile};
use crate::workspace;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The most time for all: ten minutes to build Kubernetes, some for the wheel, and four for the checks.
const LIMIT: Duration = Duration::from_secs(2400);

/// The programs that are not built here, and where they are; Go may be below a folder of its own.
const WANTED: &[&str] = &["go", "etcd", "containerd", "runc", "ctr", "busybox", "openssl"];

pub(super) fn run() -> Result<(), Trouble> {
    let missing = missing();
    if !missing.is_empty() {
        return Err(Trouble::Missing(format!(
            "there is no {}: install Go, and the packages etcd-server, containerd, runc, busybox-static, openssl",
            missing.join(", ")
        )));
    }
    // The whole workspace is named so that dependencies have the features that other steps compiled them with.
    let words =
        ["build", "--quiet", "--workspace", "--all-features", "--example", "pods", "--bin", "firesteel"];
    run_command(&mut cargo(&words))?;
    let environment = python()?;
    let built = workspace::target_dir().join("debug");
    let mut checks = Command::new("python3");
    checks.arg(Path::new("tests/kubernetes/run.py")).current_dir(workspace::root());
    checks.args(["firesteel", "examples/pods"].map(|program| built.join(program)));
    checks.arg("--python").arg(environment.program("python"));
    checks.arg("--cache").arg(workspace::target_dir().join("kubernetes-1.34.3"));
    Ok(run_within(&mut checks, LIMIT)?)
}

/// Makes an environment with the wheel, and what its program imports.
fn python() -> Result<Environment, Trouble> {
    let pythons = environment::installed();
    let python = pythons.last().ok_or_else(|| Trouble::Missing(environment::none_found()))?;
    let made = Environment::fresh("kubernetes", python)?;
    made.install(&["--requirement", "tests/kubernetes/requirements.txt"])?;
    made.install_wheel(&wheel::build(python, Profile::Release)?)?;
    Ok(made)
}

fn missing() -> Vec<&'static str> {
    let mut folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    folders.extend(["/usr/sbin", "/sbin", "/usr/local/go/bin"].map(Into::into));
    let is_there = |name: &str| folders.iter().any(|folder| folder.join(name).is_file());
    WANTED.iter().copied().filter(|name| !is_there(name)).collect()
}
