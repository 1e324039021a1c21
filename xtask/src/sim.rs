//! `cargo xtask sim`: builds the simulator with optimisation and runs it over many seeds.
//!
//! The simulator drives the real state machines through seeded faults in virtual time; everything about it is in `crates/sim`.
//! Here it is only built and started.

use std::process::Command;

use crate::args::Args;
use crate::process::run as run_process;
use crate::test::Outcome;
use crate::{Fallible, optimised, workspace};

pub(crate) const HELP: &str = "
Runs the deterministic simulator over seeds. A seed that fails is printed, and gives the same run again.

  --seeds N       how many seeds (default: 1000)
  --seed S        the first seed, or, with --seeds 1, the only one
  --throughput    measure scheduling decisions in a second instead
  -- ...          further words for the simulator itself

Examples:
  cargo xtask sim --seeds 10000
  cargo xtask sim --seeds 1 --seed 4711
  cargo xtask sim --seeds 10000 -- managed
  cargo xtask sim --throughput
";

/// The number of seeds that take seconds, for the step of `cargo xtask test`.
const STEP_SEEDS: &str = "200";

const PROGRAM: &str = "src/main.rs";

pub(crate) fn run(mut args: Args) -> Fallible {
    let mut words = Vec::new();
    let seeds: Option<u64> = args.option("--seeds")?;
    let seed: Option<u64> = args.option("--seed")?;
    let throughput = args.flag("--throughput");
    if !throughput {
        words.extend(["--seeds".to_owned(), seeds.unwrap_or(1000).to_string()]);
    }
    if let Some(seed) = seed {
        words.extend(["--seed".to_owned(), seed.to_string()]);
    }
    if throughput {
        words.push("--throughput".to_owned());
    }
    words.extend(args.after_dashes()?);
    simulate(&words)
}

pub(crate) fn step() -> Outcome {
    run_seeds(STEP_SEEDS)
}

/// Runs so many seeds from the first on.
pub(crate) fn run_seeds(seeds: &str) -> Outcome {
    let has_program = workspace::crate_dir("sim").is_some_and(|folder| folder.join(PROGRAM).is_file());
    if !has_program {
        return Outcome::Skipped(format!("there is no crates/sim/{PROGRAM}"));
    }
    simulate(&["--seeds".to_owned(), seeds.to_owned()]).into()
}

fn simulate(words: &[String]) -> Fallible {
    let simulator = optimised::program("firesteel-sim")?;
    run_process(Command::new(simulator).args(words))
}
