//! `cargo xtask fuzz`: every decoder with inputs that a fuzzer makes up, for a bounded time.
//!
//! The functions are in `crates/fuzz`, the binaries in `fuzz/`. `cargo-fuzz` builds them with coverage counters and without a
//! sanitizer, which works with a stable compiler; the project's own code has next to no `unsafe` that one could watch.

use std::process::Command;

use crate::args::Args;
use crate::process::{cargo, output, run as run_process};
use crate::{Fallible, workspace};

pub(crate) const HELP: &str = "
Runs each fuzz target for a while, beginning with its seeds, what earlier runs found interesting (fuzz/corpus/), and what
once went wrong (fuzz/regressions/). An input that makes a target fail is left in fuzz/artifacts/<target>/: mend the bug, and
move the file to fuzz/regressions/<target>/, where an ordinary test runs it from then on. Installs cargo-fuzz when it is missing.

  --seconds N     how long each target runs (default: 20)
  --only TARGET   this target only; may be repeated
  --list          list the targets

Examples:
  cargo xtask fuzz
  cargo xtask fuzz --only sequence_file --seconds 600
";

/// The most memory that an input may cost.
const MAX_MIB: u32 = 1024;
/// The longest input: longer ones seldom find more and always take longer.
const MAX_INPUT_BYTES: u32 = 4096;
/// The longest time of an input; one that takes longer is a finding.
const MAX_SECONDS_EACH: u32 = 10;

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let seconds: u64 = args.option("--seconds")?.unwrap_or(20);
    let list = args.flag("--list");
    args.finish()?;
    let targets = targets()?;
    if list {
        targets.iter().for_each(|target| println!("{target}"));
        return Ok(());
    }
    for name in &only {
        if !targets.contains(name) {
            return Err(format!("no target `{name}`; `cargo xtask fuzz --list` lists them"));
        }
    }
    if output(&mut cargo(&["fuzz", "--version"])).is_err() {
        run_process(&mut cargo(&["install", "--locked", "cargo-fuzz"]))?;
    }
    let seeds =
        ["test", "--quiet", "--package", "firesteel-fuzz", "--test", "regressions", "--", "--ignored"];
    output(&mut cargo(&seeds))?;
    let mut failed = vec![];
    for target in targets.iter().filter(|target| only.is_empty() || only.contains(*target)) {
        println!("\n=== {target}");
        match run_process(&mut fuzzer(target, seconds)) {
            Ok(()) => println!("--- {target}: nothing found in {seconds} s"),
            Err(message) => {
                println!("--- {target} FAILED: {message}");
                failed.push(target.as_str());
            }
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("inputs in fuzz/artifacts make these fail: {failed:?}"))
    }
}

fn fuzzer(target: &str, seconds: u64) -> Command {
    let mut command = cargo(&["fuzz", "run", "--sanitizer", "none", target]);
    for corpus in ["corpus", "regressions"] {
        let directory = workspace::root().join("fuzz").join(corpus).join(target);
        // The fuzzer refuses directories that are not there.
        if std::fs::create_dir_all(&directory).is_ok() {
            command.arg(directory);
        }
    }
    command.arg("--");
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-rss_limit_mb={MAX_MIB}"));
    command.arg(format!("-max_len={MAX_INPUT_BYTES}")).arg(format!("-timeout={MAX_SECONDS_EACH}"));
    command.args(["-print_final_stats=1", "-verbosity=0"]);
    command
}

/// Returns the names of the binaries in `fuzz/Cargo.toml`.
fn targets() -> Fallible<Vec<String>> {
    let path = workspace::root().join("fuzz/Cargo.toml");
    let manifest = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let binaries = manifest.split("[[bin]]").skip(1);
    Ok(binaries.filter_map(|binary| binary.split('"').nth(1)).map(str::to_owned).collect())
}
