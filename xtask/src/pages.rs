//! The step `pages` of `cargo xtask test`: clicks through the pages of applications in a real browser.
//!
//! The example `show` serves applications that never ran, and `tests/pages/run.py` drives a headless Chromium.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{cargo, run, run_within};
use crate::test::Outcome;
use crate::workspace;

/// The names under which a Chromium is installed.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

/// The most time for all clicks: they take half a minute.
const LIMIT: Duration = Duration::from_secs(300);

pub(crate) fn step() -> Outcome {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&folders).any(|folder| folder.join(name).is_file());
    if !BROWSERS.iter().any(is_there) {
        return Outcome::Skipped("there is no Chromium: install the package `chromium`".into());
    }
    // The whole workspace is named so that dependencies have the features that other steps compiled them with.
    if let Err(message) = run(&mut cargo(&["build", "--quiet", "--workspace", "--example", "show"])) {
        return Outcome::Failed(message);
    }
    let program = workspace::target_dir().join("debug/examples/show");
    let mut clicks = Command::new("python3");
    run_within(clicks.arg(Path::new("tests/pages/run.py")).arg(program), LIMIT).into()
}
