//! `cargo xtask preemption`: PageRank on real processes, half of which are taken away again and again.
//!
//! The program, and what is checked, are in `crates/firesteel/tests/clusters/faults/preempted.rs`, where it runs with the
//! tests, too, but not by the clock.

use crate::Fallible;
use crate::args::Args;
use crate::process::{cargo, run as run_process};

pub(crate) const HELP: &str = "
Runs PageRank on a local cluster of four executors, two of which are killed without a notice every so many seconds, with their
files. Each answer must be right. Tells how many of the tasks' seconds went into work that had been done before.

  --minutes N     how long (default: 3)
  --every S       seconds between two strikes (default: 20)
  --storage URL   where map outputs are kept besides (`spark.shuffle.storage`; default: nowhere)
  --replicas N    copies of the links, which are persisted (default: 1)

Examples:
  cargo xtask preemption
  cargo xtask preemption --storage file:///tmp/shuffles --replicas 2
";

pub(crate) fn run(mut args: Args) -> Fallible {
    let minutes: u64 = args.option("--minutes")?.unwrap_or(3);
    let every: u64 = args.option("--every")?.unwrap_or(20);
    let storage: Option<String> = args.option("--storage")?;
    let replicas: u64 = args.option("--replicas")?.unwrap_or(1);
    args.finish()?;
    let words = ["test", "--quiet", "-p", "firesteel", "--test", "clusters", "--"];
    let which = ["faults::preempted::by_the_clock", "--exact", "--nocapture"];
    let mut tests = cargo(&[&words[..], &which[..]].concat());
    let numbers = [("MINUTES", minutes), ("EVERY", every), ("REPLICAS", replicas)];
    for (name, number) in numbers {
        tests.env(format!("FIRESTEEL_PREEMPTION_{name}"), number.to_string());
    }
    if let Some(storage) = storage {
        tests.env("FIRESTEEL_PREEMPTION_STORAGE", storage);
    }
    run_process(&mut tests)
}
