//! A standalone cluster within a test, and signs between tests and tasks.

use crate::waiting::wait_until;
use firesteel::{AgentCommand, Builder, Context};
use firesteel_cluster::standalone::master::{MasterConfig, MasterDaemon};
use firesteel_cluster::standalone::worker::{WorkerConfig, WorkerDaemon};
use firesteel_cluster::standalone::{LeaseSettings, MasterSettings, Resources};
use firesteel_net::{Credentials, Secret};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Daemons in threads of this process; executors are processes.
pub(crate) struct Cluster {
    dir: tempfile::TempDir,
    secret: Secret,
    master: MasterDaemon,
    pub(crate) workers: Vec<WorkerDaemon>,
}

fn master(dir: &Path, secret: &Secret) -> MasterDaemon {
    let config = MasterConfig {
        bind: "127.0.0.1:0".into(),
        host: "127.0.0.1".into(),
        state_dir: dir.join("master"),
        settings: MasterSettings::default(),
        lease: LeaseSettings::default(),
    };
    MasterDaemon::start(config, Credentials::of(secret)).unwrap()
}

impl Cluster {
    pub(crate) fn start(workers: u32, cores: u32) -> Cluster {
        let dir = tempfile::tempdir().unwrap();
        let secret = Secret::generate();
        secret.write_new(&dir.path().join("secret")).unwrap();
        let master = master(dir.path(), &secret);
        let mut cluster = Cluster { dir, secret, master, workers: vec![] };
        for worker in 0..workers {
            cluster.add_worker(worker, cores);
        }
        cluster
    }

    pub(crate) fn add_worker(&mut self, number: u32, cores: u32) {
        let config = WorkerConfig {
            masters: vec![self.master.address().into()],
            host: "127.0.0.1".into(),
            resources: Resources::new(cores, 1024),
            work_dir: self.dir.path().join(format!("worker-{number}")),
            pages: None,
        };
        self.workers.push(WorkerDaemon::start(config, Some(self.secret.clone())).unwrap());
    }

    pub(crate) fn context(&self) -> Context {
        self.context_with(|builder| builder)
    }

    /// A context with more settings.
    pub(crate) fn context_with(&self, more: impl FnOnce(Builder) -> Builder) -> Context {
        let agents = AgentCommand {
            arguments: ["executor_process", "--exact", "--nocapture"].map(String::from).into(),
            ..AgentCommand::own_program()
        };
        let builder = Context::builder().master(&format!("firesteel://{}", self.master.address()));
        let builder = builder.agent_command(agents).conf("firesteel.executor.memory", "512m");
        let secret = self.dir.path().join("secret");
        let builder = builder.conf("firesteel.ui.show_console_progress", "false");
        more(builder.conf("firesteel.authenticate.secret.file", secret.to_str().unwrap())).create().unwrap()
    }

    /// The executors' processes, by the number of the worker that runs each.
    pub(crate) fn processes(&self, sc: &Context) -> Vec<(usize, u32)> {
        let worker = |process: &u32| {
            let directory = fs::read_link(format!("/proc/{process}/cwd")).ok()?;
            let is_in = |worker: &usize| directory.starts_with(self.work_dir(*worker));
            Some(((0..self.workers.len()).find(is_in)?, *process))
        };
        let all = sc.executor_processes();
        all.iter().filter_map(|(_, process)| worker(process)).collect()
    }

    pub(crate) fn work_dir(&self, worker: usize) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap().join(format!("worker-{worker}"))
    }

    /// Where tests and tasks leave signs for each other.
    pub(crate) fn signs(&self) -> String {
        let dir = self.dir.path().join("signs");
        fs::create_dir_all(&dir).unwrap();
        dir.to_str().unwrap().into()
    }
}

/// Waits until so many executors have registered.
#[track_caller]
pub(crate) fn wait_for_executors(sc: &Context, executors: usize) {
    wait_until(&format!("there are {executors} executors"), || sc.executor_processes().len() == executors);
}

/// A task notes that it was here.
pub(crate) fn note(signs: &str, name: &str) {
    let file = fs::OpenOptions::new().create(true).append(true).open(Path::new(signs).join(name));
    file.unwrap().write_all(b"x").unwrap();
}

/// How often that was noted.
pub(crate) fn noted(signs: &str, name: &str) -> u64 {
    fs::metadata(Path::new(signs).join(name)).map_or(0, |file| file.len())
}
