//! The step `pages` of `cargo xtask test`: clicks through the pages of applications in a real browser.
//!
//! The example `show` serves applications that never ran, `seen` is a program whose pages are looked at while it runs, and
//! `firesteel history` serves the logs that it leaves. `tests/pages/run.py` drives a headless Chromium.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{cargo, run, run_within};
use crate::test::Outcome;
use crate::workspace;

/// The names under which a Chromium is installed.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

/// The most time for all clicks: they take a minute and a half.
const LIMIT: Duration = Duration::from_secs(600);

pub(crate) fn step() -> Outcome {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&folders).any(|folder| folder.join(name).is_file());
    if !BROWSERS.iter().any(is_there) {
        return Outcome::Skipped("there is no Chromium: install the package `chromium`".into());
    }
    // The whole workspace is named so that dependencies have the features that other steps compiled them with.
    let words =
        ["build", "--quiet", "--workspace", "--example", "show", "--example", "seen", "--bin", "firesteel"];
    if let Err(message) = run(&mut cargo(&words)) {
        return Outcome::Failed(message);
    }
    let built = workspace::target_dir().join("debug");
    let mut clicks = Command::new("python3");
    clicks.arg(Path::new("tests/pages/run.py"));
    clicks.args(["examples/show", "examples/seen", "firesteel"].map(|program| built.join(program)));
    run_within(&mut clicks, LIMIT).into()
}
