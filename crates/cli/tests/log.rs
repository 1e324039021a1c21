//! The log of daemons: lines with a time and a level, on standard error.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn firesteel(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firesteel"));
    command.args(words).env_remove("FIRESTEEL_SECRET_FILE").env_remove("FIRESTEEL_LOG");
    command
}

/// Starts a master and gives its lines up to the first with these words; then the master is ended.
fn lines_of_master(options: &[&str], variable: Option<&str>, last: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().to_str().unwrap();
    let mut command = firesteel(&["master", "--host", "127.0.0.1", "--port", "0", "--insecure"]);
    command.args(["--state-dir", state]).args(options).envs(variable.map(|level| ("FIRESTEEL_LOG", level)));
    let mut master = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = vec![];
    for line in BufReader::new(master.stderr.take().unwrap()).lines() {
        lines.push(line.unwrap());
        if lines.last().is_some_and(|line| line.contains(last)) {
            break;
        }
    }
    master.kill().unwrap();
    master.wait().unwrap();
    lines
}

/// Splits `2026-11-28T18:01:02.123456Z  INFO firesteel_cli::daemons: the master listens` into its parts.
fn parts(line: &str) -> (String, String, String) {
    let mut words = line.splitn(2, ' ');
    let (time, rest) = (words.next().unwrap(), words.next().unwrap().trim_start());
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let (level, message) = rest.split_once(' ').unwrap();
    (shape, level.into(), message.into())
}

#[test]
fn a_line_of_a_daemon_begins_with_its_time_and_level() {
    let lines = lines_of_master(&[], None, "leads at");
    for line in &lines {
        let (time, _, message) = parts(line);
        assert_eq!(time, "0000-00-00T00:00:00.000000Z", "{line}");
        assert!(message.starts_with("firesteel_"), "{line}");
    }
    let (_, level, message) = parts(&lines[0]);
    assert_eq!(level, "WARN", "--insecure is worth a warning: {message}");
    let (_, level, message) = parts(lines.last().unwrap());
    assert_eq!(level, "INFO");
    assert!(message.starts_with("firesteel_cluster::standalone::master: leads at 127.0.0.1:"), "{message}");
}

#[test]
fn the_option_and_its_variable_say_which_lines_are_written() {
    for (options, variable) in [(&["--log-level", "warn"][..], None), (&[], Some("WARN"))] {
        // The last line that is written, since the pipe ends only with the master.
        let lines = lines_of_master(options, variable, "--insecure");
        assert!(matches!(&lines[..], [line] if line.contains(" WARN ")), "{lines:?}");
    }
    let refused = firesteel(&["master", "--log-level", "loud"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("off, error, warn, info"), "{said}");
}

/// What a command says to the person who typed it is no log.
#[test]
fn a_command_that_is_no_daemon_writes_plain_lines() {
    let asked = firesteel(&["status", "firesteel://127.0.0.1:1", "--insecure"]).output().unwrap();
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(!asked.status.success() && said.starts_with("firesteel: warning: --insecure: "), "{said}");
    assert!(said.lines().all(|line| line.starts_with("firesteel: ")), "{said}");
}
