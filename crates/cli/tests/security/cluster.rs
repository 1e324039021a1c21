//! A cluster on this machine: its daemons and programs as a person starts them, and the kernel's view of their
//! processes.

use crate::app::PROGRAM_VARIABLE;
use crate::process::{Process, firesteel, until};
use firesteel_cluster::standalone::LaunchExecutor;
use firesteel_data::block::decode_value;
use firesteel_net::{Credentials, Secret};
use firesteel_standalone::Snapshot;
use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The setting without which a program has one more port: that of its pages, which run no code, and which tests of their own try.
pub(crate) const WITHOUT_PAGES: &str = "firesteel.ui.enabled=false";

/// Its processes, and their files.
pub(crate) struct Cluster {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) workers: Vec<Process>,
    pub(crate) master: Process,
    pub(crate) url: String,
}

impl Cluster {
    /// A master, and workers with a core each.
    pub(crate) fn start(workers: u32) -> Cluster {
        Cluster::start_as(workers, &[])
    }

    /// The same, with variables that the workers see.
    pub(crate) fn start_as(workers: u32, variables: &[(&str, &str)]) -> Cluster {
        Cluster::start_with(workers, variables, &["--no-webui"])
    }

    /// The same, with further words for all daemons.
    pub(crate) fn start_with(workers: u32, variables: &[(&str, &str)], words: &[&str]) -> Cluster {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        let made = Command::new(firesteel()).args(["secret", "new"]).arg(&secret).output().unwrap();
        assert!(made.status.success());
        fs::create_dir(dir.path().join("tmp")).unwrap();
        let mut command = open_handed(dir.path());
        command.args([firesteel(), "master", "--host", "127.0.0.1", "--port", "0", "--state-dir", "master"]);
        command.args(words);
        let mut master = Process::start("master", command.arg("--secret-file").arg(&secret));
        let line = master.wait_for("workers and applications reach it as ");
        let url = line.rsplit(' ').next().unwrap().to_string();
        let mut cluster = Cluster { dir, workers: vec![], master, url };
        for number in 0..workers {
            let mut command = open_handed(cluster.dir.path());
            command.args([firesteel(), "worker", &cluster.url, "--host", "127.0.0.1", "--cores", "1"]);
            command.args(["--memory", "1g", "--work-dir", &format!("worker-{number}"), "--secret-file"]);
            command.arg(cluster.secret_file()).args(words).envs(variables.iter().copied());
            cluster.workers.push(Process::start(&format!("worker {number}"), &mut command));
        }
        for worker in &mut cluster.workers {
            worker.wait_for("connected with the master");
        }
        cluster
    }

    pub(crate) fn secret_file(&self) -> PathBuf {
        self.dir.path().join("secret")
    }

    pub(crate) fn secret(&self) -> Secret {
        Secret::from_file(&self.secret_file()).unwrap()
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::of(&self.secret())
    }

    /// The program of this file, submitted with these options.
    pub(crate) fn submission(&self, master: &str, words: &[&str]) -> Command {
        let mut command = open_handed(self.dir.path());
        command.args([firesteel(), "submit", "--master", master, "--executor-memory", "256m"]);
        command.arg("--secret-file").arg(self.secret_file()).args(words);
        command.arg(std::env::current_exe().unwrap()).args(["program", "--exact", "--nocapture"]);
        command.env(PROGRAM_VARIABLE, "1");
        command
    }

    pub(crate) fn submit(&self, words: &[&str]) -> Process {
        let words = [&["--conf", WITHOUT_PAGES], words].concat();
        Process::start("program", &mut self.submission(&self.url, &words))
    }

    /// Waits until a program has done its first job and each worker runs an executor of it: one alone may do the job while
    /// the other is still being started.
    pub(crate) fn wait_for_first_job(&self, program: &mut Process) {
        program.wait_for("first: 97 keys");
        let has_one = |worker: &Process| {
            let mut executors = children(worker.id()).into_iter();
            executors.any(|executor| !listeners(executor).is_empty())
        };
        until("each worker runs an executor", || self.workers.iter().all(has_one));
    }

    /// What `firesteel` answers to these words and the secret.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        self.ask_with(words, &self.secret_file())
    }

    pub(crate) fn ask_with(&self, words: &[&str], secret: &Path) -> String {
        let mut command = Command::new(firesteel());
        let answer = command.args(words).arg("--secret-file").arg(secret).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr))
    }

    /// What the master has written down last.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let files = fs::read_dir(self.dir.path().join("master")).unwrap().flatten();
        let epoch = |path: &Path| path.file_name()?.to_str()?.strip_prefix("snapshot-")?.parse::<u64>().ok();
        let newest = files.map(|file| file.path()).filter_map(|path| Some((epoch(&path)?, path))).max();
        decode_value(&fs::read(newest.unwrap().1).unwrap()).unwrap()
    }

    /// The secret of the only application that there is: the master hands it on, and so has it in its state.
    pub(crate) fn application_secret(&self) -> Secret {
        let snapshot = self.snapshot();
        let launch = snapshot.applications[0].spec.launch.bytes();
        let launch: LaunchExecutor = decode_value(launch).unwrap();
        Secret::from_text(&launch.secret.unwrap()).unwrap()
    }

    /// The numbers of all processes of the cluster and of a program.
    pub(crate) fn processes(&self, program: &Process) -> BTreeSet<u32> {
        let roots = self.workers.iter().chain([&self.master, program]);
        roots.flat_map(|root| family(root.id())).collect()
    }
}

/// A command for a user whose files are open to everybody who is not kept out.
pub(crate) fn open_handed(dir: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0; exec \"$@\"", "sh"]).current_dir(dir).env("TMPDIR", dir.join("tmp"));
    command
}

/// A process and all that descend from it.
pub(crate) fn family(root: u32) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = numbers.filter_map(|number| Some((number, parent(number)?))).collect();
    let (mut found, mut looked_at) = (vec![root], 0);
    while let Some(&next) = found.get(looked_at) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == next).map(|(child, _)| *child));
        looked_at += 1;
    }
    found
}

fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The children of a process.
pub(crate) fn children(process: u32) -> Vec<u32> {
    family(process).into_iter().skip(1).collect()
}

/// The addresses at which a process listens, as the kernel has it.
pub(crate) fn listeners(process: u32) -> Vec<SocketAddr> {
    // A process that has ended has none.
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let sockets: BTreeSet<String> = descriptors
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_string())
        })
        .collect();
    let mut found = vec![];
    for table in ["tcp", "tcp6"] {
        let rows = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        for row in rows.lines().skip(1) {
            let words: Vec<&str> = row.split_whitespace().collect();
            let (state, inode) = (words[3], words[9]);
            if state == "0A" && sockets.contains(inode) {
                assert_eq!(table, "tcp", "nothing here listens for IPv6");
                found.push(address(words[1]));
            }
        }
    }
    found
}

/// `0100007F:1BA5`: four bytes, the last first, and a port.
fn address(text: &str) -> SocketAddr {
    let (host, port) = text.split_once(':').unwrap();
    let host = Ipv4Addr::from(u32::from_str_radix(host, 16).unwrap().swap_bytes());
    (host, u16::from_str_radix(port, 16).unwrap()).into()
}
