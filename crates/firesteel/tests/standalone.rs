//! Programs on a standalone cluster: a master and workers as daemons of this process, executors as processes that they start.

use firesteel::{AgentCommand, Context};
use firesteel_cluster::standalone::master::{MasterConfig, MasterDaemon};
use firesteel_cluster::standalone::worker::{WorkerConfig, WorkerDaemon};
use firesteel_cluster::standalone::{LeaseSettings, MasterSettings, Resources};
use firesteel_net::{Credentials, Secret};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Not a test: the executors of contexts of this file are this program, told to run this.
#[test]
fn executor_process() {
    firesteel::become_executor_if_asked();
}

struct Cluster {
    dir: tempfile::TempDir,
    secret: Secret,
    master: MasterDaemon,
    workers: Vec<WorkerDaemon>,
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
    fn start(workers: u32, cores: u32) -> Cluster {
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

    fn add_worker(&mut self, number: u32, cores: u32) {
        let config = WorkerConfig {
            masters: vec![self.master.address().into()],
            host: "127.0.0.1".into(),
            resources: Resources::new(cores, 1024),
            work_dir: self.dir.path().join(format!("worker-{number}")),
        };
        self.workers.push(WorkerDaemon::start(config, Some(self.secret.clone())).unwrap());
    }

    fn context(&self) -> Context {
        let agents = AgentCommand {
            arguments: ["executor_process", "--exact", "--nocapture"].map(String::from).into(),
            ..AgentCommand::own_program()
        };
        let builder = Context::builder().master(&format!("firesteel://{}", self.master.address()));
        let builder = builder.agent_command(agents).conf("firesteel.executor.memory", "512m");
        let secret = self.dir.path().join("secret");
        builder.conf("firesteel.authenticate.secret.file", secret.to_str().unwrap()).create().unwrap()
    }
}

/// Waits until so many executors have registered.
fn wait_for_executors(sc: &Context, executors: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while sc.executor_processes().len() != executors {
        assert!(
            Instant::now() < deadline,
            "{} executors instead of {executors}",
            sc.executor_processes().len()
        );
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn words_are_counted_on_two_workers_whose_files_go_with_the_application() {
    let cluster = Cluster::start(2, 1);
    let sc = cluster.context();
    wait_for_executors(&sc, 2);
    let words = sc.range_in(0..1000, 8).map(|n| (n % 7, 1u64)).reduce_by_key_into(4, |a, b| a + b);
    let mut counts = words.collect().unwrap();
    counts.sort();
    assert_eq!(counts, [(0, 143), (1, 143), (2, 143), (3, 143), (4, 143), (5, 143), (6, 142)]);
    sc.stop();
}
