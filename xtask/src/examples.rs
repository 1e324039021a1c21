//! The step `examples`: the programs in `examples/` on real data, compared with plain loops (`crates/firesteel/tests/examples.rs`).
//!
//! Programs whose data cannot be fetched here (no network, no apt, no log) are skipped, with a message.

use std::path::Path;

use crate::data::{self, DATASETS};
use crate::process::{cargo, run};
use crate::test::Outcome;

/// The tests of each dataset, by their names.
const TESTS: &[(&str, &[&str])] =
    &[("flights", &["real_flights", "real_late_flights", "real_airports"]), ("packages", &["real_packages"])];

const LOG: &str = "/var/log/dpkg.log";

pub(crate) fn step() -> Outcome {
    let mut tests = vec![];
    let mut missing = vec![];
    for dataset in DATASETS {
        match data::fetch(dataset) {
            Ok(()) => tests
                .extend(TESTS.iter().filter(|(name, _)| *name == dataset.name).flat_map(|(_, tests)| *tests)),
            Err(error) => missing.push(format!("{}: {}", dataset.name, error.trim())),
        }
    }
    match Path::new(LOG).metadata() {
        Ok(metadata) if metadata.len() > 0 => tests.push(&"real_log"),
        Ok(_) => missing.push(format!("{LOG} is empty")),
        Err(error) => missing.push(format!("{LOG}: {error}")),
    }
    missing.iter().for_each(|missing| println!("SKIPPED, for want of data: {missing}"));
    if tests.is_empty() {
        return Outcome::Skipped("no data could be had".into());
    }
    // Of the whole workspace, as in the step `tests`, so that nothing is compiled again with other features.
    let mut command = cargo(&["test", "--workspace", "--test", "examples", "--quiet", "--", "--ignored"]);
    run(command.args(tests)).into()
}
