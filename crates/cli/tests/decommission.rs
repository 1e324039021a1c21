//! Decommissioned workers, by command and by signal: they end by themselves.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

fn firesteel(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firesteel"));
    command.args(words).env_remove("FIRESTEEL_SECRET_FILE").env_remove("FIRESTEEL_MASTER");
    command
}

/// A daemon, ended with the test.
struct Daemon {
    child: Child,
    says: BufReader<ChildStderr>,
}

impl Daemon {
    fn start(words: &[&str]) -> Daemon {
        let mut child = firesteel(words).stderr(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(child.stderr.take().unwrap());
        Daemon { child, says }
    }

    /// Reads what it says up to a line with these words.
    fn wait_for(&mut self, words: &str) -> String {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert!(self.says.read_line(&mut line).unwrap() > 0, "it ended before it said: {words}");
        }
        line
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id() as i32).unwrap(), signal).unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cluster's files, and the daemons that share its secret.
struct Cluster {
    dir: tempfile::TempDir,
    master: Daemon,
    url: String,
}

impl Cluster {
    fn start() -> Cluster {
        let dir = tempfile::tempdir().unwrap();
        let secret = path(dir.path(), "secret");
        assert!(firesteel(&["secret", "new", &secret]).output().unwrap().status.success());
        let state = path(dir.path(), "master");
        let words = ["--host", "127.0.0.1", "--port", "0", "--state-dir", &state, "--secret-file", &secret];
        let mut master = Daemon::start(&[&["master"], &words[..]].concat());
        let said = master.wait_for("workers and applications reach it");
        let url = said.split_whitespace().last().unwrap().to_string();
        master.wait_for("leads at");
        Cluster { dir, master, url }
    }

    fn worker(&mut self, name: &str) -> (Daemon, String) {
        let (secret, dir) = (path(self.dir.path(), "secret"), path(self.dir.path(), name));
        let words = ["--host", "127.0.0.1", "--work-dir", &dir, "--secret-file", &secret];
        let mut worker = Daemon::start(&[&["worker", &self.url], &words[..]].concat());
        worker.wait_for("connected with the master");
        let said = self.master.wait_for("worker-127.0.0.1-");
        let name = said.split_whitespace().find(|word| word.starts_with("worker-127.0.0.1-")).unwrap();
        (worker, name.trim_matches(|c: char| !c.is_alphanumeric()).to_string())
    }

    fn decommission(&self, worker: &str) -> Output {
        let secret = path(self.dir.path(), "secret");
        let words = ["decommission", worker, "--master", &self.url, "--secret-file", &secret];
        firesteel(&words).output().unwrap()
    }
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().unwrap().into()
}

#[test]
fn a_worker_that_is_sent_away_ends_well() {
    let mut cluster = Cluster::start();
    let (mut worker, name) = cluster.worker("a");
    let asked = cluster.decommission(&name);
    assert!(asked.status.success(), "{asked:?}");
    assert!(worker.child.wait().unwrap().success());
    let unknown = cluster.decommission("worker-elsewhere");
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(!unknown.status.success() && said.contains("knows no worker worker-elsewhere"), "{said}");
}

#[test]
fn a_worker_is_sent_away_by_signals_and_ended_by_others() {
    let mut cluster = Cluster::start();
    for (name, signal) in [("a", Signal::POWER), ("b", Signal::USR1), ("c", Signal::TERM), ("d", Signal::INT)]
    {
        let (mut worker, _) = cluster.worker(name);
        worker.signal(signal);
        assert!(worker.child.wait().unwrap().success(), "{signal:?}");
    }
}
