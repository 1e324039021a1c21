//! The log: warnings as lines on standard error, or as events of the program's own subscriber.

use firesteel::Context;
use std::process::Command;

/// Starts this program again for one of the tests below that do nothing here, and gives what it writes to
/// standard error.
fn errors_of(program: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([program, "--exact", "--nocapture"]).env(PROGRAM, "yes").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{program}:\n{out}{err}");
    err.into_owned()
}

/// Set in a process that is to be one of the programs.
const PROGRAM: &str = "FIRESTEEL_TEST_LOG_PROGRAM";

fn is_program() -> bool {
    std::env::var_os(PROGRAM).is_some()
}

/// Makes a context with a setting of Spark's that has no effect here.
fn make_context(level: &str) {
    let builder = Context::builder().master("local[1]").conf("spark.log.level", level);
    builder.conf("spark.driver.log.persistToDfs.enabled", "true").create().unwrap();
}

/// Not a test: a program that has set no subscriber.
#[test]
fn plain_program() {
    if is_program() {
        make_context("off");
        // Twice, but a warning is given once in a process; and not at the level at which nobody reads it.
        make_context("warn");
        make_context("warn");
    }
}

#[test]
fn a_program_without_a_subscriber_has_warnings_on_standard_error() {
    let errors = errors_of("log::plain_program");
    let warnings: Vec<&str> = errors.lines().filter(|line| line.contains("persistToDfs")).collect();
    assert_eq!(warnings.len(), 1, "{errors}");
    assert!(warnings[0].starts_with("firesteel: warning: "), "{errors}");
}

/// Not a test: a program that has set a subscriber before its first context.
#[test]
fn program_with_a_subscriber() {
    if is_program() {
        let file = tempfile::NamedTempFile::new().unwrap();
        tracing_subscriber::fmt().with_writer(file.reopen().unwrap()).init();
        make_context("off");
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(text.contains(" WARN firesteel_driver") && text.contains("persistToDfs"), "{text}");
    }
}

#[test]
fn a_program_with_a_subscriber_has_the_warnings_there_alone() {
    let errors = errors_of("log::program_with_a_subscriber");
    assert!(!errors.contains("event log"), "{errors}");
}
