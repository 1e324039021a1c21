//! `cargo xtask instructions`: a guard against getting slower that does not depend on how busy the machine is.
//!
//! Small single-threaded workloads of `benches/firesteel/guard.rs` run under valgrind's callgrind, which counts
//! instructions. The counts are compared with those committed in `benches/instructions.toml`. The tolerance is
//! wide enough for another libc, another allocator path or a new compiler, and narrow enough for an allocation
//! per record to show.
//!
//! The instructions of starting up are counted separately and subtracted: they grow with the program's file,
//! and would hide those of records.
//!
//! The environment is emptied, since its size and locale alone shift the counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::args::Args;
use crate::process::find_program;
use crate::test::Outcome;
use crate::{Fallible, optimised, workspace};

pub(crate) const HELP: &str = "
Counts the instructions of the guard workloads under valgrind and compares them with benches/instructions.toml.

  --bless         write the counts down instead

Examples:
  cargo xtask instructions
  cargo xtask instructions --bless
";

/// The arguments that `firesteel-guard` understands.
const WORKLOADS: &[&str] = &["map_filter_reduce", "reduce_by_key", "word_count"];

/// The argument for a run that starts up, does almost nothing, and ends.
const NOTHING: &str = "nothing";

/// The tolerated difference from the committed count, in percent, either way. A count that fell as far is
/// progress, and has to be committed so that it is kept.
const TOLERANCE_PERCENT: f64 = 10.0;

const BINARY: &str = "firesteel-guard";
const SOURCE: &str = "benches/firesteel/guard.rs";
const COUNTS: &str = "benches/instructions.toml";

pub(crate) fn run(mut args: Args) -> Fallible {
    let bless = args.flag("--bless");
    args.finish()?;
    if let Some(reason) = cannot_run() {
        return Err(reason);
    }
    if bless { write(&count_all()?) } else { compare_all() }
}

pub(crate) fn step() -> Outcome {
    match cannot_run() {
        Some(reason) => Outcome::Skipped(reason),
        None => compare_all().into(),
    }
}

fn cannot_run() -> Option<String> {
    if !workspace::root().join(SOURCE).is_file() {
        return Some(format!("there is no {SOURCE}"));
    }
    find_program("valgrind").is_none().then(|| "valgrind is not installed".to_owned())
}

fn compare_all() -> Fallible {
    let path = workspace::root().join(COUNTS);
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{COUNTS}: {error}; {HOW_TO_BLESS}"))?;
    let committed = parse(&text)?;
    let mut wrong = Vec::new();
    for (workload, count) in count_all()? {
        match compare(&workload, committed.get(&workload).copied(), count) {
            Ok(line) => println!("{line}"),
            Err(line) => wrong.push(line),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{HOW_TO_BLESS}", wrong.join("\n"))) }
}

const HOW_TO_BLESS: &str = "if that is meant: `cargo xtask instructions --bless`, and say why in the commit";

fn compare(workload: &str, committed: Option<u64>, count: u64) -> Result<String, String> {
    let Some(committed) = committed else {
        return Err(format!("{workload}: {count} instructions, none committed"));
    };
    let percent = (count as f64 / committed as f64 - 1.0) * 100.0;
    let line = format!("{workload}: {count} instructions, committed {committed}, {percent:+.1} %");
    if percent.abs() <= TOLERANCE_PERCENT {
        Ok(line)
    } else {
        Err(format!("{line}: beyond {TOLERANCE_PERCENT} %"))
    }
}

fn count_all() -> Fallible<BTreeMap<String, u64>> {
    let binary = optimised::program(BINARY)?;
    let start = count(&binary, NOTHING)?;
    println!("to start up: {start} instructions, taken off the others");
    let net = |workload: &&str| Ok(((*workload).to_owned(), count(&binary, workload)?.saturating_sub(start)));
    WORKLOADS.iter().map(net).collect()
}

fn count(binary: &Path, workload: &str) -> Fallible<u64> {
    let valgrind = find_program("valgrind").unwrap_or_else(|| PathBuf::from("valgrind"));
    let mut command = Command::new(valgrind);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(binary).arg(workload);
    command.env_clear().env("LC_ALL", "C").stdin(Stdio::null()).current_dir(workspace::root());
    let output = command.output().map_err(|error| format!("cannot start valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{BINARY} {workload} under valgrind ended with {}\n{said}", output.status));
    }
    collected(&said).ok_or_else(|| format!("valgrind gave no count for {workload}:\n{said}"))
}

/// Parses `==123== Collected : 456`.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

/// Parses `name = 1_234` lines: all of TOML that the file needs.
fn parse(text: &str) -> Fallible<BTreeMap<String, u64>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, count) =
                line.split_once('=').ok_or_else(|| format!("{COUNTS}: cannot read `{line}`"))?;
            let count = count.replace(['_', ' '], "");
            let count = count.parse().map_err(|_| format!("{COUNTS}: no number in `{line}`"))?;
            Ok((name.trim().to_owned(), count))
        })
        .collect()
}

fn write(counts: &BTreeMap<String, u64>) -> Fallible {
    let mut text = "# Instructions of each guard workload under valgrind: written by `cargo xtask instructions --bless`.\n\n".to_owned();
    for (workload, count) in counts {
        println!("{workload}: {count}");
        text.push_str(&format!("{workload} = {count}\n"));
    }
    std::fs::write(workspace::root().join(COUNTS), text).map_err(|error| format!("{COUNTS}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_valgrind_says() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 123456\n"), Some(123_456));
        assert_eq!(collected("==7== nothing"), None);
    }

    #[test]
    fn committed_counts_are_read_back() {
        let counts = parse("# why\n\nword_count = 1_000\n").unwrap();
        assert_eq!(counts.get("word_count"), Some(&1000));
        assert!(parse("word_count: 1").is_err());
    }

    #[test]
    fn a_count_may_drift_but_not_jump_and_not_fall_unnoticed() {
        assert!(compare("a", Some(1000), 1090).is_ok());
        assert!(compare("a", Some(1000), 1110).is_err());
        assert!(compare("a", Some(1000), 850).is_err());
        assert!(compare("a", None, 850).is_err());
    }
}
