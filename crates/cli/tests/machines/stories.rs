//! The scenarios on five machines.

use crate::cluster::Cluster;
use crate::process::{Process, until};
use rustix::process::Signal;
use std::thread;
use std::time::Duration;

/// Runs the program's second job, and looks at its answer. All its map tasks' records count once, however often they ran.
fn ends_well(mut program: Process) {
    program.say("go on");
    let second = program.wait_for("second: ");
    assert!(second.contains("right, 40000 records"), "{second}");
    assert!(program.wait().success());
}

#[test]
fn a_program_runs_and_leaves_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let mut program = cluster.submit(0, &[]);
    program.wait_for("first: 97 keys, 40000 records");
    let status = cluster.ask(&["status", &cluster.url()]);
    assert!(status.contains("3 of 3 cores") || status.contains("machines"), "{status}");
    ends_well(program);
    for machine in 2..=4 {
        until("executors end with their application", || cluster.executors(machine).is_empty());
    }
}

#[test]
fn a_driver_in_the_cluster_is_submitted_looked_at_and_killed() {
    let Some(cluster) = Cluster::start() else { return };
    let words = ["--deploy-mode", "cluster", "--driver-memory", "128m"];
    let submitted = cluster.submission(&cluster.url(), 0, &words).output().unwrap();
    let name = String::from_utf8_lossy(&submitted.stdout).trim().to_string();
    assert!(submitted.status.success() && name.starts_with("driver-"), "{submitted:?}");
    let status = || cluster.ask(&["submit", "--master", &cluster.url(), "--status", &name]);
    until("the driver ends", || status().contains("FINISHED"));
    let said = cluster.said_by_driver(&name);
    assert!(said.contains("second: right, 40000 records"), "{said}");
    let unknown =
        cluster.ask(&["submit", "--master", &cluster.url(), "--kill", "driver-20000101000000-0000"]);
    assert!(unknown.contains("knows no driver-20000101000000-0000"), "{unknown}");
}

#[test]
fn two_hosts_that_do_not_reach_each_other_for_a_while_lose_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let mut program = cluster.submit(0, &[]);
    program.wait_for("first: ");
    cluster.network.part(2, 3, true);
    program.say("go on");
    // For longer than all tries to fetch take, or until it is through anyway.
    thread::sleep(Duration::from_secs(3));
    cluster.network.part(2, 3, false);
    let second = program.wait_for("second: ");
    assert!(second.contains("right, 40000 records"), "{second}");
    assert!(program.wait().success());
}

#[test]
fn a_host_that_is_cut_off_for_long_is_replaced_and_its_work_done_again() {
    let Some(cluster) = Cluster::start() else { return };
    let mut program = cluster.submit(0, &[]);
    program.wait_for("first: ");
    cluster.network.plug(3, false);
    ends_well(program);
    cluster.network.plug(3, true);
    until("what was cut off ends", || cluster.executors(3).is_empty());
}

#[test]
fn a_short_cut_is_not_noticed() {
    let Some(cluster) = Cluster::start() else { return };
    let mut program = cluster.submit(20, &[]);
    thread::sleep(Duration::from_millis(500));
    for _ in 0..3 {
        cluster.network.plug(2, false);
        thread::sleep(Duration::from_millis(300));
        cluster.network.plug(2, true);
        thread::sleep(Duration::from_millis(300));
    }
    program.wait_for("first: 97 keys, 40000 records");
    ends_well(program);
}

#[test]
fn slow_and_lossy_links_change_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    (2..=5).for_each(|machine| cluster.network.make_slow_and_lossy(machine));
    let mut program = cluster.submit(0, &[]);
    program.wait_for("first: 97 keys, 40000 records");
    ends_well(program);
}

#[test]
fn a_master_that_is_killed_and_started_again_finds_its_applications_running() {
    let Some(mut cluster) = Cluster::start() else { return };
    let mut program = cluster.submit(0, &[]);
    program.wait_for("first: ");
    cluster.masters[0].kill();
    cluster.masters[0] = cluster.master(1);
    for worker in &mut cluster.workers {
        worker.wait_for("connected with the master");
    }
    let status = cluster.ask(&["status", &cluster.url()]);
    assert!(status.contains("machines"), "the application is known: {status}");
    ends_well(program);
}

#[test]
fn a_standby_takes_over_when_the_leader_is_killed() {
    let Some(mut cluster) = Cluster::start() else { return };
    let both = format!("{},{}", cluster.url(), cluster.network.address(5));
    for machine in 2..=4 {
        let index = machine as usize - 2;
        cluster.workers[index].kill();
        cluster.workers[index] = cluster.worker_of(machine, &both);
        cluster.workers[index].wait_for("connected with the master");
    }
    let standby = cluster.master(5);
    cluster.masters.push(standby);
    let mut program = Process::start("program", &mut cluster.submission(&both, 0, &[]));
    program.wait_for("first: ");
    cluster.masters[0].kill();
    cluster.masters[1].wait_for("leads at");
    for worker in &mut cluster.workers {
        worker.wait_for("connected with the master");
    }
    ends_well(program);
}

#[test]
fn a_worker_that_is_killed_takes_its_executors_along_and_nothing_is_wrong() {
    let Some(mut cluster) = Cluster::start() else { return };
    let mut program = cluster.submit(0, &[]);
    program.wait_for("first: ");
    cluster.workers[1].kill();
    until("its executors end", || cluster.executors(3).is_empty());
    ends_well(program);
}

#[test]
fn a_worker_that_is_frozen_and_comes_back_does_no_harm() {
    let Some(cluster) = Cluster::start() else { return };
    let mut program = cluster.submit(0, &[]);
    program.wait_for("first: ");
    let frozen: Vec<u32> = cluster.executors(2);
    cluster.workers[0].signal(Signal::STOP);
    for process in &frozen {
        let process = rustix::process::Pid::from_raw(*process as i32).unwrap();
        let _ = rustix::process::kill_process(process, Signal::STOP);
    }
    program.say("go on");
    let second = program.wait_for("second: ");
    assert!(second.contains("right, 40000 records"), "{second}");
    cluster.workers[0].signal(Signal::CONT);
    for process in &frozen {
        let process = rustix::process::Pid::from_raw(*process as i32).unwrap();
        let _ = rustix::process::kill_process(process, Signal::CONT);
    }
    assert!(program.wait().success());
    until("what was frozen ends", || cluster.executors(2).is_empty());
}

#[test]
fn a_driver_that_is_killed_leaves_no_executor() {
    let Some(cluster) = Cluster::start() else { return };
    let mut program = cluster.submit(50, &[]);
    until("an executor is there", || (2..=4).any(|machine| !cluster.executors(machine).is_empty()));
    program.kill();
    for machine in 2..=4 {
        until("executors end with their driver", || cluster.executors(machine).is_empty());
    }
}
