//! The log of daemons: lines with a time and a level, on standard error.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

fn firesteel(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firesteel"));
    command.args(words).env_remove("FIRESTEEL_SECRET_FILE").env_remove("FIRESTEEL_LOG");
    command
}

/// A master, ended with the test.
struct Master {
    process: Child,
    dir: tempfile::TempDir,
    /// Its lines so far.
    lines: Vec<String>,
}

impl Master {
    /// Starts a master, and reads its lines up to the first with these words.
    fn start(options: &[&str], variable: Option<&str>, last: &str) -> Master {
        let dir = tempfile::tempdir().unwrap();
        let mut command = firesteel(&["master", "--host", "127.0.0.1", "--port", "0", "--insecure"]);
        command.arg("--state-dir").arg(dir.path()).args(options);
        command.envs(variable.map(|level| ("FIRESTEEL_LOG", level)));
        let process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut master = Master { process, dir, lines: vec![] };
        for line in BufReader::new(master.process.stderr.take().unwrap()).lines() {
            master.lines.push(line.unwrap());
            if master.lines.last().is_some_and(|line| line.contains(last)) {
                break;
            }
        }
        master
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
    let master = Master::start(&[], None, "leads at");
    for line in &master.lines {
        let (time, _, message) = parts(line);
        assert_eq!(time, "0000-00-00T00:00:00.000000Z", "{line}");
        assert!(message.starts_with("firesteel_"), "{line}");
    }
    let (_, level, message) = parts(&master.lines[0]);
    assert_eq!(level, "WARN", "--insecure is worth a warning: {message}");
    let (_, level, message) = parts(master.lines.last().unwrap());
    assert_eq!(level, "INFO");
    assert!(message.starts_with("firesteel_cluster::standalone::master: leads at 127.0.0.1:"), "{message}");
}

#[test]
fn the_option_and_its_variable_say_which_lines_are_written() {
    for (options, variable) in [(&["--log-level", "warn"][..], None), (&[], Some("WARN"))] {
        // The last line that is written, since the pipe ends only with the master.
        let lines = &Master::start(options, variable, "--insecure").lines;
        assert!(matches!(&lines[..], [line] if line.contains(" WARN ")), "{lines:?}");
    }
    let refused = firesteel(&["master", "--log-level", "loud"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("off, error, warn, info"), "{said}");
}

/// What a command says to the person who typed it is no log.
#[test]
fn a_command_that_is_no_daemon_writes_plain_lines() {
    let master = Master::start(&[], None, "leads at");
    let reached = master.lines.iter().find_map(|line| line.split_once("reach it as ")).unwrap().1;
    let asked = firesteel(&["status", reached, "--insecure"]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&asked.stdout), String::from_utf8_lossy(&asked.stderr));
    assert!(asked.status.success() && out.starts_with("0 cores"), "{out}{err}");
    assert!(err.starts_with("firesteel: warning: --insecure: ") && err.lines().count() == 1, "{err}");
}

/// The reader of its log may be gone: the master works on.
#[test]
fn a_master_outlives_the_reader_of_its_log() {
    let mut master = Master::start(&[], None, "leads at");
    let reached = master.lines.iter().find_map(|line| line.split_once("reach it as ")).unwrap().1.to_string();
    let status = || firesteel(&["status", &reached, "--insecure"]).output().unwrap().status;
    let dir = master.dir.path().join("worker");
    let mut worker = firesteel(&["worker", &reached, "--host", "127.0.0.1", "--insecure", "--work-dir"]);
    let mut worker = worker.arg(dir).stderr(Stdio::piped()).spawn().unwrap();
    // The master writes a line, of the worker.
    let said = BufReader::new(worker.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.into_iter().any(|line| line.contains("connected with the master")));
    let _ = (worker.kill(), worker.wait());
    assert!(status().success() && master.process.try_wait().unwrap().is_none());
}
