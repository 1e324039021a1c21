//! `cargo xtask conformance`: PySpark's own docstring examples and example programs, run against Firesteel.
//!
//! PySpark comes as its public package, into an environment under `target/python`; none of its text gets into
//! the repository. The runner is `python/conformance`.

use super::environment::{self, Environment};
use super::wheel;
use crate::Fallible;
use crate::args::Args;
use crate::bench::spark;
use crate::process::run as run_process;

pub(crate) const HELP: &str = "
Builds the wheel, puts it beside PySpark 4.3.0, runs that package's own examples and example programs with Firesteel in PySpark's
place, and writes docs/conformance.md. Fetches 400 MB the first time. Needs no Java, but for --reference.

  --only NAME     this module (core.rdd) or program (pi) only; may be repeated; leaves the table alone
  --master MASTER where tasks run (local-cluster[2,1,1024]), instead of where PySpark's own run of its examples has them; leaves
                  the table alone
  --reference     runs PySpark itself instead, to see that the runner is right; wants Java 17
  --print         leaves docs/conformance.md alone

Examples:
  cargo xtask conformance
  cargo xtask conformance --only core.context --only wordcount
";

const TABLE: &str = "docs/conformance.md";

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let master: Option<String> = args.option("--master")?;
    let reference = args.flag("--reference");
    let print = args.flag("--print");
    args.finish()?;
    let environment = beside_pyspark(!reference)?;
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

/// Makes an environment with PySpark in it and, if requested, the wheel as the tree is now.
pub(crate) fn beside_pyspark(with_wheel: bool) -> Fallible<Environment> {
    let found = environment::installed();
    let python = found.last().ok_or_else(environment::none_found)?;
    let pyspark = format!("pyspark=={}", spark::VERSION);
    let packages = [pyspark.as_str(), "--requirement", super::REQUIREMENTS];
    let environment = Environment::kept("pyspark", python, &packages)?;
    if with_wheel {
        environment.install_wheel(&wheel::build(python)?)?;
    }
    Ok(environment)
}
