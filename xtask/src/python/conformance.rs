//! `cargo xtask conformance`: PySpark's own docstring examples and example programs, run against Firesteel.
//!
//! PySpark comes as its public package, into an environment under `target/python`; none of its text gets into
//! the repository. The runner is `python/conformance`.

use std::process::Command;

use super::environment::{self, Environment};
use super::wheel::{self, Profile};
use crate::Fallible;
use crate::args::Args;
use crate::bench::spark;
use crate::process::{output, run as run_process};
use crate::workspace;

pub(crate) const HELP: &str = "
Builds the wheel, puts it beside PySpark 4.3.0, runs that package's own examples and example programs with Firesteel in PySpark's
place, and writes docs/conformance.md. Fetches 400 MB the first time. Needs no Java, but for --reference.

  --only NAME     this module (core.rdd) or program (pi) only; may be repeated; leaves the table alone
  --master MASTER where tasks run (local-cluster[2,1,1024]), instead of where PySpark's own run of its examples has them; leaves
                  the table alone
  --reference     runs PySpark itself instead, to see that the runner is right; wants Java 17
  --print         leaves docs/conformance.md alone
  --packages      runs the examples of published packages that use the RDD API instead, each in an environment of its own without
                  PySpark, and writes their section of docs/conformance.md; with --only NAME that package only (luigi), which
                  leaves the table alone. Fetches 400 MB the first time; wants the Python that each package names (3.11)

Examples:
  cargo xtask conformance
  cargo xtask conformance --packages
  cargo xtask conformance --only core.context --only wordcount
";

const TABLE: &str = "docs/conformance.md";

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let master: Option<String> = args.option("--master")?;
    let reference = args.flag("--reference");
    let print = args.flag("--print");
    let packages = args.flag("--packages");
    args.finish()?;
    if packages {
        return run_packages(&only, print);
    }
    let environment = beside_pyspark((!reference).then_some(Profile::Release))?;
    let mut runner = environment.python();
    runner.arg("python/conformance");
    runner.args(only.iter().flat_map(|name| ["--only", name]));
    runner.args(master.iter().flat_map(|master| ["--master", master]));
    if reference {
        runner.arg("--reference");
    }
    if !print {
        runner.args(["--table", TABLE]);
    }
    run_process(&mut runner).map_err(|_| "not everything that should pass does".to_owned())
}

/// Makes an environment with PySpark in it and, if a profile is given, the wheel of the tree as it is now.
pub(crate) fn beside_pyspark(profile: Option<Profile>) -> Fallible<Environment> {
    let found = environment::installed();
    let python = found.last().ok_or_else(environment::none_found)?;
    let pyspark = format!("pyspark=={}", spark::VERSION);
    let packages = [pyspark.as_str(), "--requirement", super::REQUIREMENTS];
    let environment = Environment::kept("pyspark", python, &packages)?;
    if let Some(profile) = profile {
        environment.install_wheel(&wheel::build(python, profile)?)?;
    }
    Ok(environment)
}

/// The runner of published packages, and the folder of what is installed for each.
const PUBLISHED: &str = "python/conformance/published.py";
const LOCKS: &str = "python/conformance/packages";

/// Runs the examples of published packages, each in an environment that is kept for the next time.
fn run_packages(only: &[String], print: bool) -> Fallible {
    let found = environment::installed();
    let newest = found.last().ok_or_else(environment::none_found)?;
    let wheel = wheel::build(newest, Profile::Release)?;
    let listed = output(newest.command().current_dir(workspace::root()).args([PUBLISHED, "--list"]))?;
    let names: Vec<_> = listed.lines().filter_map(|line| line.split_once(' ')).collect();
    if let Some(unknown) = only.iter().find(|wanted| !names.iter().any(|(name, _)| name == wanted)) {
        let known: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        return Err(format!("no package {unknown}; there are {}", known.join(", ")));
    }
    let mut pairs = Vec::new();
    for (name, version) in names {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        let python = found.iter().find(|python| python.version == version);
        let python =
            python.ok_or_else(|| format!("{name} wants Python {version}, which is not installed"))?;
        let environment = with_package(name, python)?;
        environment.install_wheel(&wheel)?;
        pairs.push(format!("{name}={}", environment.program("python").display()));
    }
    let mut runner: Command = newest.command();
    runner.current_dir(workspace::root()).arg(PUBLISHED).args(pairs);
    if !print && only.is_empty() {
        runner.args(["--table", TABLE]);
    }
    run_process(&mut runner).map_err(|_| "not every package passes".to_owned())
}

/// Makes an environment with all that a package's list names, and nothing else: what it requires of PySpark is left out.
fn with_package(name: &str, python: &environment::Python) -> Fallible<Environment> {
    let path = workspace::root().join(LOCKS).join(format!("{name}.txt"));
    let pinned = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let words: Vec<_> = std::iter::once("--no-deps").chain(pinned.lines()).collect();
    Environment::kept(&format!("package-{name}"), python, &words)
}
