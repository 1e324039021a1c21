//! The Python steps: the wheel, the environments that it is tested in, and the commands around it.
//!
//! The step `python` of `cargo xtask test` does what a user does: builds the wheel, installs it into a fresh
//! environment, and then works with the installed package, never with the tree. `conformance` and
//! `differential` put a real PySpark beside it.

pub(crate) mod conformance;
pub(crate) mod differential;
pub(crate) mod environment;
mod wheel;

use std::path::Path;
use std::time::Duration;

use crate::process::run_within;
use crate::test::Outcome;
use crate::{Fallible, workspace};
use environment::{Environment, Python};

/// The packages that the tests need, pinned.
const REQUIREMENTS: &str = "python/tests/requirements.txt";

/// The oldest cloudpickle that the wheel allows; the requirements have the newest.
const OLDEST_CLOUDPICKLE: &str = "cloudpickle==3.0.0";

/// The most time for all tests on one Python; they take some two minutes.
const TESTS_LIMIT: Duration = Duration::from_secs(900);

/// The most time for mypy, or for the examples in the docstrings.
const CHECK_LIMIT: Duration = Duration::from_secs(300);

pub(crate) fn step() -> Outcome {
    if !workspace::root().join("pyproject.toml").is_file() {
        return Outcome::Skipped("there is no pyproject.toml".into());
    }
    let found = environment::installed();
    let Some(newest) = found.last() else {
        return Outcome::Failed(environment::none_found());
    };
    let missing = environment::missing(&found);
    if !missing.is_empty() {
        println!("SKIPPED, not installed here: Python {}", missing.join(", "));
    }
    check(&found, newest).into()
}

/// Builds once, with the newest Python; tests with the oldest Python and dependencies, and with the newest,
/// even if the oldest fails. If there is only one Python, it is tested with both sets of dependencies.
fn check(found: &[Python], newest: &Python) -> Fallible {
    let wheel = wheel::build(newest)?;
    let oldest = found.first().unwrap_or(newest);
    let mut failed = Vec::new();
    for (python, age) in [(oldest, Age::Oldest), (newest, Age::Newest)] {
        let name = format!("Python {} with the {age:?} packages", python.version);
        println!("\n--- {name}");
        let environment = prepared(python, age, &wheel)?;
        let tried = try_with(&environment, age == Age::Newest);
        failed.extend(tried.err().map(|error| format!("on {name}: {error}")));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// The versions of its dependencies that the wheel is tested with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Oldest,
    Newest,
}

fn prepared(python: &Python, age: Age, wheel: &Path) -> Fallible<Environment> {
    let environment = Environment::fresh(&format!("test-{}-{age:?}", python.version), python)?;
    environment.install(&["--requirement", REQUIREMENTS])?;
    environment.install_wheel(wheel)?;
    if age == Age::Oldest {
        environment.install(&[OLDEST_CLOUDPICKLE])?;
    }
    Ok(environment)
}

/// The tests that run once more on a local cluster whose executors' blocks travel from one to the other.
const ON_A_CLUSTER: &str = "operations rdd keys keys_refused hadoop_formats spilling broadcast accumulators files errors \
     failures taskcontext bad_input jobs";

/// Runs the types, the tests, and the examples of all docstrings; all of them, even if one fails.
fn try_with(environment: &Environment, with_types: bool) -> Fallible {
    let mut types = environment.python();
    types.args(["-m", "mypy", "--strict", "--python-version", environment::OLDEST, "--cache-dir"]);
    types.arg(environment::folder("mypy")?).arg("python/firesteel");
    let mut tests = environment.python();
    tests.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "python/tests"]);
    let mut on_cluster = environment.python();
    on_cluster.env("FIRESTEEL_TEST_MASTER", "local-cluster[2,1,1024]");
    on_cluster.env("FIRESTEEL_TEST_SETTINGS", "spark.shuffle.service.enabled=false");
    on_cluster.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"]);
    on_cluster.args(ON_A_CLUSTER.split(' ').map(|name| format!("python/tests/test_{name}.py")));
    let mut examples = environment.python();
    examples.arg("python/tests/docstrings.py");
    let mut tried = vec![run_within(&mut tests, TESTS_LIMIT), run_within(&mut examples, CHECK_LIMIT)];
    if with_types {
        tried.push(run_within(&mut on_cluster, TESTS_LIMIT));
        tried.push(run_within(&mut types, CHECK_LIMIT));
    }
    let failed: Vec<String> = tried.into_iter().filter_map(Result::err).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}
