//! The Python steps: the wheel, the environments that it is tested in, and the commands around it.
//!
//! The step `python` of `cargo xtask test` does what a user does: builds the wheel, installs it into a fresh
//! environment, and then works with the installed package, never with the tree. It is a development build, which shares most of
//! what it compiles with the other steps: an optimised one takes ten minutes. `conformance` and `differential` put a real PySpark
//! beside an optimised one, and `release` tries what it uploads.

pub(crate) mod conformance;
pub(crate) mod differential;
pub(crate) mod environment;
pub(crate) mod wheel;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::data::{self, DATASETS};
use crate::side_by_side::{self, Job};
use crate::test::Outcome;
use crate::{Fallible, workspace};
use environment::{Environment, Python};

/// The packages that the tests need, pinned.
const REQUIREMENTS: &str = "python/tests/requirements.txt";

/// The oldest cloudpickle that the wheel allows; the requirements have the newest.
const OLDEST_CLOUDPICKLE: &str = "cloudpickle==3.0.0";

/// The most time for all tests on one Python; they take some four minutes.
const TESTS_LIMIT: Duration = Duration::from_secs(1500);

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

/// Builds once, with the newest Python; tests with the oldest Python and dependencies, and with the newest, side by side, and what reads
/// bytecode with those in between. If there is only one Python, it is tested with both sets of dependencies.
fn check(found: &[Python], newest: &Python) -> Fallible {
    let start = Instant::now();
    let wheel = wheel::build(newest, wheel::Profile::Dev)?;
    println!("wheel built in {:.1} s", start.elapsed().as_secs_f64());
    let between = found.get(1..found.len() - 1).unwrap_or_default();
    let between: Vec<_> =
        between.iter().map(|python| tests_of_bytecode(python, &wheel)).collect::<Result<_, _>>()?;
    let oldest = prepared(found.first().unwrap_or(newest), Age::Oldest, &wheel)?;
    let newest = prepared(newest, Age::Newest, &wheel)?;
    let mut jobs = vec![
        all_tests(&newest, Age::Newest),
        all_tests(&oldest, Age::Oldest),
        tests_on_a_cluster(&newest),
        tests_interpreted(&newest),
        docstrings(&newest),
        types(&newest)?,
        examples(&newest),
    ];
    jobs.extend(between);
    side_by_side::run(side_by_side::lanes(), jobs)
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
const ON_A_CLUSTER: &str = "operations frames rdd keys keys_refused hadoop_formats spilling broadcast accumulators files errors \
     failures taskcontext bad_input jobs";

fn all_tests(environment: &Environment, age: Age) -> Job {
    let mut command = pytest(environment);
    command.arg("python/tests");
    if age == Age::Oldest {
        // Tests of the engine's processes that take long, which no version of Python changes.
        command.args(["-m", "not once"]);
    }
    job(format!("pytest with the {age:?} Python and packages"), command, TESTS_LIMIT)
}

fn tests_on_a_cluster(environment: &Environment) -> Job {
    let mut command = pytest(environment);
    command.env("FIRESTEEL_TEST_MASTER", "local-cluster[2,1,1024]");
    command.env("FIRESTEEL_TEST_SETTINGS", "spark.shuffle.service.enabled=false");
    command.args(ON_A_CLUSTER.split(' ').map(|name| format!("python/tests/test_{name}.py")));
    job("pytest on a cluster".into(), command, TESTS_LIMIT)
}

/// The tests that run once more without kernels.
const INTERPRETED: &str =
    "operations rdd keys spilling spill_files samples counterparts failures taskcontext";

fn tests_interpreted(environment: &Environment) -> Job {
    let mut command = pytest(environment);
    command.env("FIRESTEEL_TEST_SETTINGS", "firesteel.python.native=off");
    command.args(INTERPRETED.split(' ').map(|name| format!("python/tests/test_{name}.py")));
    job("pytest interpreted".into(), command, TESTS_LIMIT)
}

/// The tests of what reads bytecode, which is another one in each version of Python.
const OF_BYTECODE: &str = "native_control native_calls native_names native_reasons closures";

fn tests_of_bytecode(python: &Python, wheel: &Path) -> Fallible<Job> {
    let environment = Environment::fresh(&format!("test-{}", python.version), python)?;
    // Without the large packages, of which these tests need nothing.
    environment.install(&["--constraint", REQUIREMENTS, "cloudpickle", "numpy", "pytest"])?;
    environment.install_wheel(wheel)?;
    let mut command = pytest(&environment);
    command.args(OF_BYTECODE.split(' ').map(|name| format!("python/tests/test_{name}.py")));
    Ok(job(format!("pytest of bytecode with Python {}", python.version), command, TESTS_LIMIT))
}

fn pytest(environment: &Environment) -> Command {
    let mut command = environment.python();
    command.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"]);
    command
}

/// The programs in `examples/`, on the whole of the data that can be had here.
fn examples(environment: &Environment) -> Job {
    let mut command = pytest(environment);
    // The packages of Debian take a development build a minute: by hand, or in the step `examples`, from Rust.
    command
        .args(["python/tests/test_examples.py", "-k", "flights or airports or spells"])
        .env("FIRESTEEL_TEST_DATA", data::folder());
    let missing = DATASETS.iter().filter_map(|dataset| Some((dataset.name, data::fetch(dataset).err()?)));
    let missing: Vec<_> = missing.collect();
    for (name, error) in &missing {
        println!("examples run on the samples, for want of {name}: {}", error.trim());
    }
    if !missing.is_empty() {
        command.env_remove("FIRESTEEL_TEST_DATA");
    }
    job("examples on their data".into(), command, CHECK_LIMIT)
}

fn docstrings(environment: &Environment) -> Job {
    let mut command = environment.python();
    command.arg("python/tests/docstrings.py");
    job("examples in docstrings".into(), command, CHECK_LIMIT)
}

fn types(environment: &Environment) -> Fallible<Job> {
    let mut command = environment.python();
    command.args(["-m", "mypy", "--strict", "--python-version", environment::OLDEST, "--cache-dir"]);
    command.arg(environment::folder("mypy")?).arg("python/firesteel");
    Ok(job("mypy".into(), command, CHECK_LIMIT))
}

fn job(name: String, mut command: Command, limit: Duration) -> Job {
    command.current_dir(workspace::root());
    Job { name, command, limit }
}
