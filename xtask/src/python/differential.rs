//! `cargo xtask differential`: random small RDD programs, run in real PySpark and in Firesteel, answers compared.
//!
//! The grammar, the two runners and the comparison are Python: `python/differential`.

use super::wheel::Profile;
use crate::Fallible;
use crate::args::Args;
use crate::process::run as run_process;

pub(crate) const HELP: &str = "
Makes random programs (sources, narrow and wide transformations, joins, sorts, samples with seeds, actions), runs each in PySpark
and in Firesteel, and compares what they give. A program whose answers differ is printed, cut down to what still differs. Wants
Java 17.

  --seeds N       how many programs (default: 300)
  --seed S        the first seed (default: 0)
  --master MASTER where Firesteel's tasks run (default: local[2])
  --native MODE   auto: functions run without the interpreter where they can (default: off)

Examples:
  cargo xtask differential --seeds 1000
  cargo xtask differential --seed 4711 --seeds 1
";

pub(crate) fn run(mut args: Args) -> Fallible {
    let seeds: u64 = args.option("--seeds")?.unwrap_or(300);
    let first: u64 = args.option("--seed")?.unwrap_or(0);
    let master: Option<String> = args.option("--master")?;
    let native: Option<String> = args.option("--native")?;
    args.finish()?;
    let environment = super::conformance::beside_pyspark(Some(Profile::Release))?;
    let mut runner = environment.python();
    runner.arg("python/differential").args(["--seeds", &seeds.to_string(), "--seed", &first.to_string()]);
    runner.args(master.iter().flat_map(|master| ["--master", master]));
    runner.args(native.iter().flat_map(|native| ["--native", native]));
    run_process(&mut runner).map_err(|_| "answers differ".to_owned())
}
