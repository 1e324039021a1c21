//! The programs of `examples/`, built and run as a newcomer runs them, and what they print compared with plain loops over the same
//! files: on the samples in `examples/sample`, and, by `cargo xtask test --only examples`, on what `cargo xtask data` fetches.

#[path = "examples/flights.rs"]
mod flights;
#[path = "examples/k_means.rs"]
mod k_means;
#[path = "examples/log_stats.rs"]
mod log_stats;
#[path = "examples/logistic_regression.rs"]
mod logistic_regression;
#[path = "examples/page_rank.rs"]
mod page_rank;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of the programs, once cargo has made sure that they are those of now. With the features of the whole workspace, which
/// is how all tests are run together, so that nothing is compiled twice.
fn programs() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let own = std::env::current_exe().expect("a test knows its own path");
        let profile = own.ancestors().nth(2).expect("tests lie in `deps` below the profile's folder");
        let target = profile.parent().expect("profiles lie in the target folder");
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "--workspace", "--examples"]).current_dir(root());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let output = build.env("CARGO_TARGET_DIR", target).output().expect("cargo starts");
        assert!(output.status.success(), "the examples do not build: {}", text(&output.stderr));
        profile.join("examples")
    })
}

/// Runs a program in the workspace's root, where people run it.
fn start(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(programs().join(program));
    command.args(arguments).current_dir(root()).output().expect("the program starts")
}

/// What a program prints that ends well.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = start(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?} failed: {}", text(&output.stderr));
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file that a program is given, in words.
fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; real data comes from `cargo xtask data`", path.display())
    })
}

/// The rows of a table without quotes, as fields by the names in the header.
fn rows(table: &str) -> impl Iterator<Item = impl Fn(&str) -> String> {
    let mut lines = table.lines();
    let header: Vec<String> = lines.next().expect("a header").split(',').map(String::from).collect();
    lines.map(move |line| {
        let fields: Vec<String> = line.split(',').map(String::from).collect();
        let header = header.clone();
        move |name: &str| {
            fields[header.iter().position(|other| other == name).expect("the column is there")].clone()
        }
    })
}

/// The lines between a heading and the next empty line.
fn section<'a>(printed: &'a str, heading: &str) -> Vec<&'a str> {
    let mut lines = printed.lines().skip_while(|line| !line.starts_with(heading));
    assert!(lines.next().is_some(), "no `{heading}` in:\n{printed}");
    lines.take_while(|line| !line.is_empty()).collect()
}

/// The numbers among the words of a line.
fn numbers(line: &str) -> Vec<f64> {
    line.split([' ', ':', '%', ',']).filter_map(|word| word.parse().ok()).collect()
}

fn assert_close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance, "{what}: {a} is not {b}");
}

#[test]
fn a_missing_file_is_named_with_the_command_that_fetches_it() {
    let fetched = ["flights", "page_rank", "k_means", "logistic_regression"];
    for program in fetched {
        let output = start(program, &["no/such/place"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{program}: {said}");
        assert!(said.contains("no/such/place") && said.contains("cargo xtask data"), "{program}: {said}");
        assert!(said.contains(&format!(" at examples/{program}.rs:")), "{program}: {said}");
        assert!(output.stdout.is_empty(), "{program} answered all the same");
    }
    let said = text(&start("log_stats", &["no/such/log"]).stderr);
    assert!(said.contains("no/such/log") && said.contains("examples/sample/dpkg.log"), "{said}");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let said = text(&start("flights", &["examples/sample", "many"]).stderr);
    assert!(said.contains("FEWEST_FLIGHTS is a number, not `many`"), "{said}");
    let said = text(&start("k_means", &["examples/sample/airports.csv", "JFK,XXX"]).stderr);
    assert!(said.contains("has no airport `XXX` to start from"), "{said}");
    let said = text(&start("log_stats", &["examples/sample/airports.csv"]).stderr);
    assert!(said.contains("holds no events of dpkg's"), "{said}");
}

#[test]
fn words_are_counted() {
    let printed = run("word_count", &["examples/sample/airlines.csv", "--top", "1"]);
    let inc = read("examples/sample/airlines.csv").split_whitespace().filter(|word| *word == "Inc.").count();
    assert_eq!(printed.lines().next(), Some(format!("{inc:>12}  Inc.").as_str()));
}
