//! The step `managers` of `cargo xtask test`: Firesteel on real cluster managers, which the tests start on loopback.
//!
//! Each manager is a file of tests in `tests/managers`, run with the wheel in an environment of its own. A manager whose
//! programs are not installed is skipped, and said to be.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{cargo, run, run_within};
use crate::python::environment::{self, Environment, Python};
use crate::python::wheel::{self, Profile};
use crate::test::Outcome;
use crate::{Fallible, workspace};

/// The most time for all tests of one manager; they take a few minutes.
const LIMIT: Duration = Duration::from_secs(900);

/// A cluster manager that can be started here.
struct Manager {
    /// The file of its tests.
    tests: &'static str,
    /// The programs that its tests start.
    programs: &'static [&'static str],
    /// The packages to install where they are missing.
    install: &'static str,
    /// The Python packages that its tests need besides, if any: it has an environment of its own then.
    requirements: Option<&'static str>,
    /// The tests that are a part of this step, as pytest selects them; all if it is empty.
    selected: &'static str,
}

const MANAGERS: &[Manager] = &[
    Manager {
        tests: "test_slurm.py",
        programs: &["slurmctld", "slurmd", "sbatch", "munged"],
        install: "the packages `slurm-wlm` and `munge`",
        requirements: None,
        selected: "",
    },
    Manager {
        tests: "test_yarn.py",
        programs: &["java", "mvn"],
        install: "Java 17 and Maven",
        requirements: None,
        selected: "",
    },
    // Ray starts processes for seconds, so the others are run by hand: CONTRIBUTING.md says how.
    Manager {
        tests: "test_ray.py",
        programs: &[],
        install: "",
        requirements: Some("tests/managers/requirements-ray.txt"),
        selected: "counted_with_a_helper or agent_is_killed or node_is_taken or come_with_tasks",
    },
];

pub(crate) fn step() -> Outcome {
    let (present, missing): (Vec<&Manager>, Vec<&Manager>) =
        MANAGERS.iter().partition(|manager| manager.programs.iter().all(|program| is_installed(program)));
    for manager in &missing {
        println!("SKIPPED, not installed here: {} needs {}", manager.tests, manager.install);
    }
    match present.is_empty() {
        true => Outcome::Skipped("no cluster manager is installed".into()),
        false => check(&present).into(),
    }
}

fn check(managers: &[&Manager]) -> Fallible {
    // The whole workspace is named so that dependencies have the features that other steps compiled them with.
    run(&mut cargo(&["build", "--quiet", "--workspace", "--example", "lent", "--bin", "firesteel"]))?;
    let pythons = environment::installed();
    let python = pythons.last().ok_or_else(environment::none_found)?;
    let wheel = wheel::build(python, Profile::Dev)?;
    managers.iter().try_for_each(|manager| test(manager, python, &wheel))
}

fn test(manager: &Manager, python: &Python, wheel: &Path) -> Fallible {
    let name = manager.tests.trim_end_matches(".py").replace('_', "-");
    let environment = Environment::fresh(&name, python)?;
    environment
        .install(&["--requirement", manager.requirements.unwrap_or("python/tests/requirements.txt")])?;
    environment.install_wheel(wheel)?;
    let mut command: Command = environment.python();
    command.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--durations", "3"]);
    if !manager.selected.is_empty() {
        command.args(["-k", manager.selected]);
    }
    command.arg(Path::new("tests/managers").join(manager.tests));
    command.env("FIRESTEEL_BUILT", workspace::target_dir().join("debug"));
    command.current_dir(workspace::root());
    run_within(&mut command, LIMIT)
}

/// Returns whether a program is on the path, or where daemons are.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.into_iter().any(|folder| folder.join(program).is_file())
}
