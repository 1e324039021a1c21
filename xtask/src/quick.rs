//! `cargo xtask test --quick`: the checks that are worth their minutes after a change of one operator. The run lists those
//! that it leaves out.
//!
//! Cargo builds again only what has changed and what depends on it. The commands name the whole workspace, as the full run
//! does, so that they share what is built.

use crate::process::cargo;
use crate::test::{Outcome, STEPS as ALL, Step, cargo_step};
use crate::tidy::{self, PURE_CRATES};
use crate::{dependencies, process, sim};

/// The number of seeds; the full run takes more.
const SEEDS: &str = "50";

pub(crate) const STEPS: &[Step] = &[
    Step { name: "fmt", about: "cargo fmt --check", run: || cargo_step(&["fmt", "--all", "--", "--check"]) },
    Step { name: "tidy", about: "what a reviewer should not have to say", run: || tidy::check(false).into() },
    Step { name: "arrows", about: "which crate may depend on which", run: dependencies::check_arrows },
    Step { name: "clippy-lib", about: "clippy without tests, of what has changed", run: clippy },
    Step { name: "pure", about: "the tests of the crates that decide", run: pure },
    Step { name: "operations", about: "each operation against a plain model", run: operations },
    Step { name: "small-sim", about: "a few seeds of the simulator", run: || sim::run_seeds(SEEDS) },
];

/// Steps of the full run that are done in part, and the part that is left out.
const IN_PART: &[(&str, &str)] = &[
    ("clippy", "tests, examples and benchmarks"),
    ("tests", "all but those of pure crates and of operations"),
    ("simulation", "most seeds"),
];

/// Returns what the full run does and this one does not, one line for each step.
pub(crate) fn left_out() -> String {
    let is_whole = |step: &&Step| STEPS.iter().any(|quick| quick.name == step.name);
    let line = |step: &Step| match IN_PART.iter().find(|(name, _)| *name == step.name) {
        Some((name, what)) => format!("{name:<16}{what}"),
        None => format!("{:<16}all of it: {}", step.name, step.about),
    };
    let lines: Vec<String> = ALL.iter().filter(|step| !is_whole(step)).map(line).collect();
    lines.join("\n")
}

fn clippy() -> Outcome {
    cargo_step(&["clippy", "--workspace", "--lib", "--bins", "--quiet", "--", "-D", "warnings"])
}

fn pure() -> Outcome {
    let mut tests = cargo(&["test", "--quiet", "--all-targets"]);
    process::run(tests.args(PURE_CRATES.iter().map(|name| format!("--package=firesteel-{name}")))).into()
}

fn operations() -> Outcome {
    cargo_step(&["test", "--workspace", "--test", "operations", "--quiet"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_of_the_full_run_is_done_or_told_to_be_left_out() {
        let left_out = left_out();
        for step in ALL {
            let is_done = STEPS.iter().any(|quick| quick.name == step.name);
            let is_told = left_out.lines().any(|line| line.split(' ').next() == Some(step.name));
            assert!(is_done != is_told, "{}", step.name);
        }
        assert!(IN_PART.iter().all(|(name, _)| ALL.iter().any(|step| step.name == *name)));
    }
}
