//! `cargo xtask chaos`: programs on real processes, some of which are killed or frozen at moments that seeds choose.
//!
//! The events, and the conditions that must hold, are in `crates/firesteel/tests/faults/chaos.rs`, where a few
//! seeds run with the tests. Here it is only built with optimisation and started with others.

use crate::Fallible;
use crate::args::Args;
use crate::process::{cargo, run as run_process};

pub(crate) const HELP: &str = "
Runs programs on local clusters whose executors are killed and frozen. Each must give the right answer, or fail with clear words.

  --seeds N       how many seeds (default: 50)
  --seed S        the first seed, or, with --seeds 1, the only one
  --debug         without optimisation, as the tests run

Examples:
  cargo xtask chaos --seeds 500
  cargo xtask chaos --seeds 1 --seed 4711
";

pub(crate) fn run(mut args: Args) -> Fallible {
    let seeds: u64 = args.option("--seeds")?.unwrap_or(50);
    let seed: u64 = args.option("--seed")?.unwrap_or(0);
    let is_debug = args.flag("--debug");
    args.finish()?;
    let mut words = vec!["test", "--quiet", "--workspace", "--test", "faults"];
    if !is_debug {
        words.push("--release");
    }
    words.extend(["--", "faults::chaos::seeds", "--exact", "--nocapture"]);
    let mut tests = cargo(&words);
    tests.env("FIRESTEEL_CHAOS_SEEDS", seeds.to_string()).env("FIRESTEEL_CHAOS_SEED", seed.to_string());
    run_process(&mut tests)
}
