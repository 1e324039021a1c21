//! `cargo xtask test`: every check, cheapest first, each under a heading with its time, and a table at the end.
//!
//! A failed step does not stop the rest: one run reports everything that is wrong. The steps themselves are in
//! other files or are one cargo command; this file has only their order and the bookkeeping.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::process::{cargo, run as run_process};
use crate::{
    Fallible, closure_matrix, dependencies, examples, instructions, interop, msrv, python, sim, tidy,
};

pub(crate) const HELP: &str = "
Runs formatting, tidy, the crates' arrows and purity, the oldest Rust, clippy, docs, tests, stores against real servers, the
examples on real data, the Python wheel, closures in several profiles, a simulation and the instruction guard, and prints `N passed, N failed` at the end.

  --only STEP     run this step; may be repeated
  --skip STEP     leave this step out; may be repeated
  --fail-fast     stop at the first failed step
  --list          list the steps

Examples:
  cargo xtask test
  cargo xtask test --only tidy --only clippy
  cargo xtask test --skip simulation --skip instructions
";

/// The outcome of a step. A skipped step has its reason, since a check that silently did not run is worse than
/// none.
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

impl From<Fallible> for Outcome {
    fn from(result: Fallible) -> Self {
        match result {
            Ok(()) => Outcome::Passed,
            Err(message) => Outcome::Failed(message),
        }
    }
}

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Outcome,
}

/// Ordered to fail early: steps that take a second come before those that take minutes.
const STEPS: &[Step] = &[
    Step { name: "fmt", about: "cargo fmt --check", run: || cargo_step(&["fmt", "--all", "--", "--check"]) },
    Step { name: "tidy", about: "what a reviewer should not have to say", run: || tidy::check(true).into() },
    Step { name: "arrows", about: "which crate may depend on which", run: dependencies::check_arrows },
    Step {
        name: "purity",
        about: "crates that decide see nothing that acts",
        run: dependencies::check_purity,
    },
    Step { name: "msrv", about: "the promised oldest Rust", run: msrv::check },
    Step { name: "clippy", about: "clippy, with warnings as errors", run: clippy },
    Step { name: "docs", about: "rustdoc, with warnings as errors", run: docs },
    Step { name: "tests", about: "unit, property and end-to-end tests", run: tests },
    Step { name: "doc-tests", about: "the examples in the documentation", run: doc_tests },
    Step { name: "interop", about: "stores against real servers on loopback", run: interop::step },
    Step { name: "examples", about: "the example programs on real data", run: examples::step },
    Step { name: "python", about: "the wheel in fresh environments", run: python::step },
    Step { name: "closure-matrix", about: "closures travel in every profile", run: closure_matrix::step },
    Step { name: "simulation", about: "a short run of the simulator", run: sim::step },
    Step { name: "instructions", about: "the guard against getting slower", run: instructions::step },
];

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let skip = args.options("--skip")?;
    let fail_fast = args.flag("--fail-fast");
    let list = args.flag("--list");
    args.finish()?;
    for name in only.iter().chain(&skip) {
        if !STEPS.iter().any(|step| step.name == name) {
            return Err(format!("no step `{name}`; `cargo xtask test --list` lists them"));
        }
    }
    if list {
        STEPS.iter().for_each(|step| println!("{:<16}{}", step.name, step.about));
        return Ok(());
    }
    let wanted = |step: &&Step| {
        (only.is_empty() || only.iter().any(|name| name == step.name))
            && !skip.iter().any(|name| name == step.name)
    };
    summarise(&run_steps(STEPS.iter().filter(wanted), fail_fast))
}

type Report = (&'static str, Outcome, Duration);

fn run_steps<'a>(steps: impl Iterator<Item = &'a Step>, fail_fast: bool) -> Vec<Report> {
    let mut reports: Vec<Report> = Vec::new();
    for step in steps {
        if fail_fast && reports.iter().any(|report| matches!(report.1, Outcome::Failed(_))) {
            reports.push((step.name, Outcome::Skipped("an earlier step failed".into()), Duration::ZERO));
            continue;
        }
        println!("\n=== {}: {}", step.name, step.about);
        let start = Instant::now();
        let outcome = (step.run)();
        let took = start.elapsed();
        match &outcome {
            Outcome::Passed => println!("--- {} passed in {:.1} s", step.name, took.as_secs_f64()),
            Outcome::Failed(message) => {
                println!("{message}\n--- {} FAILED in {:.1} s", step.name, took.as_secs_f64());
            }
            Outcome::Skipped(reason) => println!("--- {} SKIPPED: {reason}", step.name),
        }
        reports.push((step.name, outcome, took));
    }
    reports
}

/// Prints the table and, alone on the last line, the counts; the error says nothing, so that this line stays the last.
fn summarise(reports: &[Report]) -> Fallible {
    println!("\n=== summary");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, outcome, took) in reports {
        let (count, word, why) = match outcome {
            Outcome::Passed => (&mut passed, "passed", ""),
            Outcome::Failed(_) => (&mut failed, "FAILED", ""),
            Outcome::Skipped(reason) => (&mut skipped, "skipped", reason.as_str()),
        };
        *count += 1;
        println!("{name:<16}{word:<9}{:>7.1} s  {why}", took.as_secs_f64());
    }
    println!();
    let skipped_part = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    println!("{passed} passed, {failed} failed{skipped_part}");
    if failed == 0 { Ok(()) } else { Err(String::new()) }
}

fn cargo_step(words: &[&str]) -> Outcome {
    run_process(&mut cargo(words)).into()
}

fn clippy() -> Outcome {
    cargo_step(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
}

fn docs() -> Outcome {
    let mut rustdoc: Command = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    run_process(rustdoc.env("RUSTDOCFLAGS", "-D warnings")).into()
}

fn tests() -> Outcome {
    cargo_step(&["test", "--workspace", "--all-targets", "--quiet"])
}

fn doc_tests() -> Outcome {
    cargo_step(&["test", "--workspace", "--doc", "--quiet"])
}
