//! `cargo xtask test`: every check, cheapest first, each under a heading with its time, and a table at the end.
//!
//! A failed step does not stop the rest: one run reports everything that is wrong. The steps themselves are in
//! other files or are one cargo command; this file has only their order and the bookkeeping.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::process::{cargo, run as run_process};
use crate::side_by_side::{self, Ended, Job};
use crate::{
    Fallible, closure_matrix, dependencies, examples, instructions, interop, managers, msrv, pages, python,
    quick, sim, test_programs, tidy, workspace,
};

pub(crate) const HELP: &str = "
Runs formatting, tidy, the crates' arrows and purity, the oldest Rust, clippy, docs, tests, stores against real servers, the
examples on real data, pages in a browser, the Python wheel, closures in several profiles, a simulation and the instruction guard, and prints `N passed, N failed` at the end.

  --quick         what is worth knowing in between, in less than four minutes once it was built; says what it leaves out
  --only STEP     run this step; may be repeated
  --skip STEP     leave this step out; may be repeated
  --fail-fast     stop at the first failed step
  --list          list the steps
  --times         print the times as the table that CONTRIBUTING.md holds, too

Examples:
  cargo xtask test
  cargo xtask test --quick
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

pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> Outcome,
}

/// The steps that wait for most of their time, for servers and browsers, or that build with one core: they run two at a time, behind the
/// others. The longest begin first; the last two use what the first has built.
const SIDE_BY_SIDE: &[&str] =
    &["closure-matrix", "interop", "managers", "pages", "examples", "instructions", "simulation"];

/// The most time for one of these steps.
const LIMIT: Duration = Duration::from_secs(1800);

/// Ordered to fail early: steps that take a second come before those that take minutes.
pub(crate) const STEPS: &[Step] = &[
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
    Step { name: "python", about: "the wheel in fresh environments", run: python::step },
    Step { name: "interop", about: "stores against real servers on loopback", run: interop::step },
    Step { name: "examples", about: "the example programs on real data", run: examples::step },
    Step { name: "pages", about: "pages in a real browser", run: pages::step },
    Step { name: "managers", about: "real cluster managers", run: managers::step },
    Step { name: "closure-matrix", about: "closures travel in every profile", run: closure_matrix::step },
    Step { name: "simulation", about: "a short run of the simulator", run: sim::step },
    Step { name: "instructions", about: "the guard against getting slower", run: instructions::step },
];

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let skip = args.options("--skip")?;
    let fail_fast = args.flag("--fail-fast");
    let list = args.flag("--list");
    let times = args.flag("--times");
    let is_quick = args.flag("--quick");
    args.finish()?;
    let steps = if is_quick { quick::STEPS } else { STEPS };
    for name in only.iter().chain(&skip) {
        if !steps.iter().any(|step| step.name == name) {
            return Err(format!("no step `{name}`; `--list` lists them"));
        }
    }
    if list {
        steps.iter().for_each(|step| println!("{:<16}{}", step.name, step.about));
        return Ok(());
    }
    let wanted = |step: &&Step| {
        (only.is_empty() || only.iter().any(|name| name == step.name))
            && !skip.iter().any(|name| name == step.name)
    };
    let start = Instant::now();
    let (beside, alone): (Vec<&Step>, Vec<&Step>) =
        steps.iter().filter(wanted).partition(|step| SIDE_BY_SIDE.contains(&step.name));
    let reports = if beside.len() < 2 || fail_fast {
        run_steps(steps.iter().filter(wanted), fail_fast)
    } else {
        let mut reports = run_steps(alone.into_iter(), fail_fast);
        reports.extend(run_beside(&beside)?);
        reports
    };
    if times {
        print!("\n{}", times_table(&reports, start.elapsed()));
    }
    if is_quick {
        println!("\n=== left out\n{}", quick::left_out());
    }
    summarise(&reports)
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

/// Runs steps two at a time, each in a process of its own, so that what they print does not mix.
fn run_beside(steps: &[&Step]) -> Fallible<Vec<Report>> {
    let names: Vec<&str> = SIDE_BY_SIDE.iter().copied().filter(|name| is_among(steps, name)).collect();
    println!("\n=== {}: two at a time", names.join(", "));
    let this = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let job = |name: &&str| {
        let mut command = Command::new(&this);
        command.current_dir(workspace::root()).args(["test", "--only", name]);
        Job { name: (*name).to_owned(), command, limit: LIMIT }
    };
    let ended = side_by_side::run_all(side_by_side::lanes(), names.iter().map(job).collect())?;
    print!("{}", side_by_side::last_words(&ended));
    let report = |ended: &Ended| {
        let step = steps.iter().find(|step| step.name == ended.name)?;
        Some((step.name, outcome(ended), ended.took))
    };
    Ok(ended.iter().filter_map(report).collect())
}

fn is_among(steps: &[&Step], name: &str) -> bool {
    steps.iter().any(|step| step.name == name)
}

/// Returns the outcome of a step that ran in a process of its own.
fn outcome(ended: &Ended) -> Outcome {
    let skipped = format!("--- {} SKIPPED: ", ended.name);
    match (&ended.result, ended.printed.lines().find_map(|line| line.strip_prefix(&skipped))) {
        (Err(error), _) => Outcome::Failed(error.clone()),
        (Ok(()), Some(reason)) => Outcome::Skipped(reason.to_owned()),
        (Ok(()), None) => Outcome::Passed,
    }
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

/// The times of all steps, and of all together, in the form in which documents hold them.
fn times_table(reports: &[Report], total: Duration) -> String {
    let mut table = String::from("| step | what it does | seconds |\n| --- | --- | ---: |\n");
    for (name, outcome, took) in reports {
        let about = STEPS.iter().find(|step| step.name == *name).map_or("", |step| step.about);
        let time = match outcome {
            Outcome::Skipped(_) => "not run".to_owned(),
            Outcome::Passed | Outcome::Failed(_) => format!("{:.0}", took.as_secs_f64()),
        };
        table.push_str(&format!("| `{name}` | {about} | {time} |\n"));
    }
    table.push_str(&format!("| | all | {:.0} |\n", total.as_secs_f64()));
    table
}

pub(crate) fn cargo_step(words: &[&str]) -> Outcome {
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
    test_programs::run().into()
}

fn doc_tests() -> Outcome {
    cargo_step(&["test", "--workspace", "--doc", "--quiet"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_of_its_own_says_of_a_step_is_kept() {
        let ended = |result: Fallible, printed: &str| Ended {
            name: "pages".into(),
            took: Duration::ZERO,
            result,
            printed: printed.into(),
        };
        assert!(matches!(outcome(&ended(Ok(()), "--- pages passed in 1 s")), Outcome::Passed));
        let skipped = outcome(&ended(Ok(()), "\n--- pages SKIPPED: no browser\n"));
        assert!(matches!(skipped, Outcome::Skipped(reason) if reason == "no browser"));
        assert!(matches!(outcome(&ended(Err("it ended".into()), "")), Outcome::Failed(_)));
        for name in SIDE_BY_SIDE {
            assert!(STEPS.iter().any(|step| step.name == *name), "{name}");
        }
    }

    #[test]
    fn times_are_printed_as_documents_hold_them() {
        let reports = [
            ("fmt", Outcome::Passed, Duration::from_millis(1400)),
            ("python", Outcome::Skipped("there is none".into()), Duration::ZERO),
        ];
        let table = times_table(&reports, Duration::from_secs(1));
        assert!(table.starts_with("| step | what it does | seconds |\n| --- | --- | ---: |\n"), "{table}");
        assert!(table.contains("| `fmt` | cargo fmt --check | 1 |\n| `python` |"), "{table}");
        assert!(table.contains("| not run |\n| | all | 1 |\n"), "{table}");
    }
}
