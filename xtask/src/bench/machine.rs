//! The description of the machine: processor, memory, kernel and versions, as lines for a reader.

use std::process::Command;

use super::spark;
use crate::process::output;

pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

pub(super) fn describe(with_spark: bool) -> Vec<String> {
    let first = |path: &str, field: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(field).map(str::to_owned));
        line.map(|line| line.trim_matches([' ', ':', '\t']).to_owned())
            .unwrap_or_else(|| "unknown".to_owned())
    };
    let said = |program: &str, words: &[&str]| {
        output(Command::new(program).args(words)).unwrap_or_else(|_| "unknown".to_owned()).trim().to_owned()
    };
    let memory = first("/proc/meminfo", "MemTotal:");
    let kib: f64 = memory.trim_end_matches(" kB").parse().unwrap_or(0.0);
    let mut lines = vec![
        format!("Processor: {}, {} threads", first("/proc/cpuinfo", "model name"), threads()),
        format!("Memory: {:.1} GiB", kib / 1024.0 / 1024.0),
        format!(
            "System: {}, Linux {}",
            first("/etc/os-release", "PRETTY_NAME=").trim_matches('"'),
            said("uname", &["-r"])
        ),
        format!("Rust: {}", said("rustc", &["--version"])),
        format!("Firesteel: {}", commit(&said)),
    ];
    if with_spark {
        lines.push(spark::settings(threads()));
        lines.push(format!("Java: {}", spark::java_version().unwrap_or_else(|| "unknown".to_owned())));
    }
    lines.push(format!("Date: {}", said("date", &["--utc", "+%Y-%m-%d"])));
    lines
}

/// Returns the commit, and whether the tree had changes beyond it.
fn commit(said: &impl Fn(&str, &[&str]) -> String) -> String {
    let changed = !said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    let and_changes = if changed { " with changes" } else { "" };
    format!("commit {}{and_changes}", said("git", &["rev-parse", "--short", "HEAD"]))
}
