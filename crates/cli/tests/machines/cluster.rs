//! Daemons and programs on machines, started by the command `firesteel`, ended with the test.

use crate::app::PROGRAM_VARIABLE;
use crate::network::Network;
use crate::process::{Process, firesteel, processes_in};
use std::path::PathBuf;
use std::process::Command;

/// A cluster's files, and the machines that it runs on: 1 is the master's, 2 to 4 are workers', 5 is the driver's.
pub(crate) struct Cluster {
    pub(crate) dir: tempfile::TempDir,
    // Dropped before the network that they are on.
    pub(crate) workers: Vec<Process>,
    pub(crate) masters: Vec<Process>,
    pub(crate) network: Network,
}

/// Settings that make what is lost be noticed soon.
const IMPATIENT: &[&str] = &[
    "firesteel.network.timeout=4s",
    "firesteel.executor.heartbeat_interval=200ms",
    "firesteel.shuffle.io.retry_wait=200ms",
];

impl Cluster {
    /// A master and three workers with a core each; `None`, aloud, where there are no namespaces.
    pub(crate) fn start() -> Option<Cluster> {
        let network = Network::make(5)?;
        let dir = tempfile::tempdir().unwrap();
        let mut cluster = Cluster { dir, workers: vec![], masters: vec![], network };
        let made = Command::new(firesteel()).args(["secret", "new"]).arg(cluster.secret()).status().unwrap();
        assert!(made.success());
        let master = cluster.master(1);
        cluster.masters.push(master);
        for machine in 2..=4 {
            let worker = cluster.worker(machine);
            cluster.workers.push(worker);
        }
        for worker in &mut cluster.workers {
            worker.wait_for("connected with the master");
        }
        Some(cluster)
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.dir.path().join("secret")
    }

    pub(crate) fn url(&self) -> String {
        format!("firesteel://{}", self.network.address(1))
    }

    /// A master on a machine; all have the same directory.
    pub(crate) fn master(&self, machine: u32) -> Process {
        let mut command = self.network.command(machine, firesteel());
        command.args(["master", "--host", &self.network.address(machine)]);
        command
            .arg("--state-dir")
            .arg(self.dir.path().join("master"))
            .arg("--secret-file")
            .arg(self.secret());
        let mut master = Process::start(&format!("master {machine}"), &mut command);
        master.wait_for("workers and applications reach it");
        master
    }

    pub(crate) fn worker_of(&self, machine: u32, masters: &str) -> Process {
        let mut command = self.network.command(machine, firesteel());
        command.args(["worker", masters, "--host", &self.network.address(machine), "--cores", "1"]);
        command.args(["--memory", "512m"]).arg("--secret-file").arg(self.secret());
        command.arg("--work-dir").arg(self.dir.path().join(format!("worker-{machine}")));
        // For programs that it runs: drivers are given their environment by their worker.
        command.env(PROGRAM_VARIABLE, "0");
        Process::start(&format!("worker {machine}"), &mut command)
    }

    fn worker(&self, machine: u32) -> Process {
        self.worker_of(machine, &self.url())
    }

    /// The program, submitted from the driver's machine, whose map tasks take so many milliseconds.
    pub(crate) fn submit(&self, pause: u64, words: &[&str]) -> Process {
        let mut command = self.submission(&self.url(), pause, words);
        Process::start("program", &mut command)
    }

    pub(crate) fn submission(&self, master: &str, pause: u64, words: &[&str]) -> Command {
        let mut command = self.network.command(5, firesteel());
        command.args(["submit", "--master", master, "--executor-memory", "256m"]);
        command.arg("--secret-file").arg(self.secret()).args(words);
        for setting in IMPATIENT {
            command.args(["--conf", setting]);
        }
        command.env(PROGRAM_VARIABLE, pause.to_string());
        command.arg(std::env::current_exe().unwrap()).args(["program", "--exact", "--nocapture"]);
        command
    }

    /// What `firesteel` answers on the driver's machine.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let mut command = self.network.command(5, firesteel());
        let answer = command.args(words).arg("--secret-file").arg(self.secret()).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr))
    }

    /// What a driver that a worker ran has printed.
    pub(crate) fn said_by_driver(&self, name: &str) -> String {
        let printed = (2..=4).flat_map(|machine| {
            let work_dir = self.dir.path().join(format!("worker-{machine}"));
            std::fs::read_dir(work_dir)
                .unwrap()
                .flatten()
                .map(|own| own.path().join(format!("{name}-0/stdout")))
        });
        printed.filter_map(|path| std::fs::read_to_string(path).ok()).collect()
    }

    /// The processes of executors on a worker's machine.
    pub(crate) fn executors(&self, machine: u32) -> Vec<u32> {
        let work_dir = self.dir.path().join(format!("worker-{machine}"));
        processes_in(&work_dir, "executor_process")
    }
}
