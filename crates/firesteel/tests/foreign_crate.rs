//! A user's crate (`tests/foreign_crate`), built by itself as its author would build it, and run.
//!
//! What its program prints is compared; another one ends with an error under `#[firesteel::main]`; its examples are refused,
//! but only when they are built: what a closure captures is then told by its size alone.

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
fn captured_values_without_a_destructor_are_refused_when_code_is_made() {
    programs();
    for (example, line) in [
        ("captures_a_number", "captures_a_number.rs:6:"),
        ("captures_beside_the_environment", "captures_beside_the_environment.rs:6:"),
        ("function_pointer", "function_pointer.rs:10:"),
    ] {
        let output = cargo(&["build", "--example", example]);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{example} was accepted");
        assert!(said.contains("this closure captures variables of the driver program"), "{said}");
        assert!(
            said.contains("write `rdd.map_with(needed, |needed, x| ...)` instead of `rdd.map(|x| ...)`"),
            "{said}"
        );
        assert!(
            said.contains("A function pointer is refused for the same reason: write `|x| function(x)`"),
            "{said}"
        );
        assert!(said.contains(line), "the line of the program is not named:\n{said}");
    }
}
