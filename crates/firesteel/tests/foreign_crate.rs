//! A user's crate (`tests/foreign_crate`), built by itself as its author would build it, and run.
//!
//! What its program prints is compared; another one ends with an error under `#[firesteel::main]`; its examples are refused by
//! the compiler. All are built in one folder, for which the engine is compiled once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Where the programs of the crate are, once it is built.
fn programs() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // The versions that the workspace uses, so that nothing is to be downloaded; cargo writes what differs.
    let copied = std::fs::copy(root.join("Cargo.lock"), root.join("tests/foreign_crate/Cargo.lock"));
    copied.expect("the workspace has a lock file");
    let output = cargo(&["build", "--bins"]);
    assert!(output.status.success(), "the foreign crate does not build: {}", text(&output.stderr));
    target().join("debug")
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-crate")
}

fn cargo(words: &[&str]) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Command::new(cargo)
        .args(words)
        .arg("--quiet")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/foreign_crate"))
        .env("CARGO_TARGET_DIR", target())
        // No debugger looks at it, and it is built sooner.
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .output()
        .expect("cargo starts")
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(programs().join(program)).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_crate_of_somebody_elses_works_and_says_nothing_of_its_own() {
    let output = run("bookshop", &[]);
    let expected = "\
sold: 1000
Novel: 500
Poetry: 499
dear: [(Cents(2450), \"Odes\"), (Cents(2100), \"Emma\")]
poetry books: 2
rank of 3: 1144
in threads: [250, 250, 250, 250]
dictionaries loaded: 1
missing: could not list no/such/file.txt: there is no such file or directory
";
    assert_eq!(text(&output.stdout), expected, "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_main_under_the_attribute_prints_its_error_and_exits_with_one() {
    for (arguments, told) in
        [(&[][..], "no/such/file.txt"), (&["in-a-task"][..], "attempt to divide by zero")]
    {
        let output = run("failing", arguments);
        let said = text(&output.stderr);
        assert!(said.starts_with("error: ") && said.contains(told), "{said}");
        // The line of the program that asked for it.
        assert!(said.contains("src/bin/failing.rs:"), "{said}");
        assert_eq!(text(&output.stdout), "");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn what_the_refusals_say_is_accepted() {
    let output = run("accepted", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_path_whose_feature_is_left_out_fails_with_its_name() {
    for (path, feature) in [("gs://bucket/a", "gcs"), ("s3a://bucket/a", "s3"), ("hdfs://host/a", "hdfs")] {
        let output = run("failing", &[path]);
        let said = text(&output.stderr);
        assert!(said.contains("this program was built without paths that start with"), "{said}");
        assert!(
            said.contains(&format!(
                "in its Cargo.toml, give firesteel the feature for them: features = [\"{feature}\"]"
            )),
            "{said}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
}

/// What the compiler says of each example, by its name.
fn refusals() -> &'static BTreeMap<String, String> {
    static SAID: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    SAID.get_or_init(|| {
        programs();
        let output = cargo(&["build", "--examples", "--keep-going", "--message-format=json"]);
        let mut said = BTreeMap::<String, String>::new();
        for line in text(&output.stdout).lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("cargo speaks JSON");
            let (message, name) = (&line["message"], line["target"]["name"].as_str().unwrap_or_default());
            // The count of errors, at the end, has no place in the program.
            let has_place = message["spans"].as_array().is_some_and(|spans| !spans.is_empty());
            let is_told = ["error", "note"].iter().any(|level| message["level"] == *level);
            if is_told && has_place {
                said.entry(name.into())
                    .or_default()
                    .push_str(message["rendered"].as_str().unwrap_or_default());
            }
        }
        assert!(!said.is_empty(), "no example was refused: {}", text(&output.stderr));
        said
    })
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/foreign_crate/examples")
}

/// A compiler's text without what differs from machine to machine, or with each change of our own files: where these lie, the numbers
/// of their lines, and the margin, which is as wide as the largest of these.
fn without_places(said: &str) -> String {
    let (mut lines, mut is_ours) = (String::new(), false);
    for line in said.lines() {
        let body = line.trim_start();
        let line = if let Some(place) = body.strip_prefix("--> ").or_else(|| body.strip_prefix("::: ")) {
            is_ours = place.starts_with("examples/");
            let file = place.rsplitn(3, ':').last().unwrap_or(place);
            let file = file.find("crates/").or_else(|| file.find("library/")).map_or(file, |at| &file[at..]);
            format!(" --> {}", if is_ours { place } else { file })
        } else if let Some((margin, code)) = line.split_once('|').filter(|(margin, _)| is_margin(margin)) {
            let number = if is_ours { margin.trim() } else { "" };
            format!("{number:>3} |{code}")
        } else if body.starts_with("= ") {
            format!("    {body}")
        } else {
            line.to_string()
        };
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    format!("{}\n", lines.trim_end())
}

fn is_margin(text: &str) -> bool {
    text.chars().all(|char| char == ' ' || char.is_ascii_digit())
}

/// The compiler whose texts are held: `rust-version` of the workspace.
const COMPILER: &str = concat!("rustc ", env!("CARGO_PKG_RUST_VERSION"), ".");

/// Tells this test to write the texts anew: read what comes, as somebody who wrote the program would.
const OVERWRITE: &str = "FIRESTEEL_TEST_OVERWRITE";

/// The texts are the compiler's, with ours in them, so they are compared with the very compiler that the workspace promises; with
/// another one the test says aloud that it was skipped.
#[test]
fn programs_that_cannot_run_on_executors_are_refused_with_a_way_out() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("a compiler, since one compiled this");
    let version = text(&output.stdout);
    let files = std::fs::read_dir(examples()).unwrap().map(|entry| entry.unwrap().path());
    let programs = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    for program in programs {
        let name = program.file_stem().unwrap().to_str().unwrap();
        // What is said of these is half about the inside of the engine.
        if TOLD_BY_SIZE.iter().any(|(told, _)| *told == name) {
            continue;
        }
        let said = refusals().get(name).unwrap_or_else(|| panic!("{name} was accepted"));
        let said = without_places(said);
        let expected = program.with_extension("stderr");
        if std::env::var_os(OVERWRITE).is_some() {
            std::fs::write(&expected, &said).unwrap();
        } else if version.starts_with(COMPILER) {
            let held = std::fs::read_to_string(&expected).unwrap_or_default();
            assert!(held == said, "{name} is refused with other words:\n{said}\nand not with:\n{held}");
        } else {
            eprintln!("SKIPPED: the text of {name} is that of `{COMPILER}x`, and this is {version}");
        }
    }
}

/// Programs that pass `cargo check`, since what a closure captures is told by its size alone, when code is made; and their lines.
const TOLD_BY_SIZE: [(&str, &str); 3] = [
    ("captures_a_number", "captures_a_number.rs:6:"),
    ("captures_beside_the_environment", "captures_beside_the_environment.rs:6:"),
    ("function_pointer", "function_pointer.rs:10:"),
];

#[test]
fn captured_values_without_a_destructor_are_refused_when_code_is_made() {
    for (example, line) in TOLD_BY_SIZE {
        let said = refusals().get(example).unwrap_or_else(|| panic!("{example} was accepted"));
        let words = [
            line,
            "this closure captures variables of the driver program",
            "write `rdd.map_with(needed, |needed, x| ...)` instead of `rdd.map(|x| ...)`",
            "A function pointer is refused for the same reason: write `|x| function(x)`",
        ];
        for words in words {
            assert!(said.contains(words), "{words} is not in:\n{said}");
        }
    }
}
