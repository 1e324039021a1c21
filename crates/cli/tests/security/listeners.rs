//! Every port that a process of a cluster has open asks for its secret, and for no other.

use crate::app::{PROGRAM_VARIABLE, agents};
use crate::cluster::{Cluster, WITHOUT_PAGES, children, listeners, open_handed};
use crate::process::{Process, firesteel};
use crate::strangers::Door;
use firesteel_cluster::executors::AgentConfig;
use firesteel_net::{Credentials, Secret};

/// The ports of a process, of which there must be so many.
fn doors(of: &str, process: u32, count: usize, right: &Credentials, other: &Credentials) -> Vec<Door> {
    let addresses = listeners(process);
    assert_eq!(addresses.len(), count, "{of} listens at {addresses:?}");
    let door = |address| Door {
        of: of.into(),
        address,
        right: right.clone(),
        wrong: vec![other.clone(), Credentials::of(&Secret::generate())],
    };
    addresses.into_iter().map(door).collect()
}

/// Tries all ports of a cluster while a program runs, which then ends well.
fn try_cluster(service: bool) {
    let cluster = Cluster::start(2);
    let setting = format!("firesteel.shuffle.service.enabled={service}");
    let mut program = cluster.submit(&["--conf", &setting]);
    cluster.wait_for_first_job(&mut program);
    let (clusters, applications) = (cluster.credentials(), Credentials::of(&cluster.application_secret()));
    let mut all = doors("the master", cluster.master.id(), 1, &clusters, &applications);
    all.extend(doors("the driver", program.id(), 1, &applications, &clusters));
    let mut executors = 0;
    for worker in &cluster.workers {
        let here = children(worker.id());
        all.extend(doors("a worker", worker.id(), 1, &applications, &clusters));
        for executor in here {
            executors += 1;
            // It serves what it has cached, and its files if no worker does.
            all.extend(doors("an executor", executor, 1, &applications, &clusters));
        }
    }
    assert_eq!(executors, 2);
    all.iter().for_each(Door::try_all);
    program.say("go on");
    program.wait_for("second: right");
    assert!(program.wait().success());
}

#[test]
fn no_listener_of_a_cluster_lets_strangers_in() {
    try_cluster(true);
}

#[test]
fn no_listener_lets_strangers_in_where_executors_serve_their_own_files() {
    try_cluster(false);
}

#[test]
fn no_listener_of_a_driver_that_waits_for_executors_lets_strangers_in() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("tmp")).unwrap();
    let (secret, file) = (Secret::generate(), dir.path().join("secret"));
    secret.write_new(&file).unwrap();
    let mut command = open_handed(dir.path());
    command.args([firesteel(), "submit", "--master", "listen://127.0.0.1:0", "--secret-file"]).arg(file);
    command.args(["--conf", WITHOUT_PAGES]);
    command.arg(std::env::current_exe().unwrap()).args(["program", "--exact", "--nocapture"]);
    let mut driver = Process::start("driver", command.env(PROGRAM_VARIABLE, "1"));
    driver.wait_for("begun");
    let (right, other) = (Credentials::of(&secret), Credentials::of(&Secret::generate()));
    let mut all = doors("the driver", driver.id(), 1, &right, &other);
    let config = AgentConfig {
        driver: all[0].address.to_string(),
        secret: Some(secret.to_text()),
        name: String::new(),
        host: "127.0.0.1".into(),
        bind: "127.0.0.1:0".into(),
        cores: 1,
        memory: 64 << 20,
        directory: dir.path().join("executor"),
        service: None,
        logs: None,
        notice_ms: None,
    };
    all[0].try_all();
    let (mut executor, pipe) = agents().start(&config).unwrap();
    driver.wait_for("first: 97 keys");
    all.extend(doors("the executor", executor.id(), 1, &right, &other));
    all.iter().for_each(Door::try_all);
    driver.say("go on");
    driver.wait_for("second: right");
    assert!(driver.wait().success());
    executor.wait().unwrap();
    drop(pipe);
}
