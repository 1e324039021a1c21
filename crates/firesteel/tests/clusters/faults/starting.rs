//! Executors that never register: processes that end at once, that do something else, that are never started.

use super::support::*;
use firesteel::AgentCommand;

/// A shell instead of the program.
fn shell(command: &str, mark: &str) -> AgentCommand {
    AgentCommand { program: "/bin/sh".into(), arguments: vec!["-c".into(), command.into()], ..agents(mark) }
}

const SOON: (&str, &str) = ("firesteel.scheduler.no_executors_timeout", "1s");

#[test]
fn processes_that_end_at_once_are_not_started_for_ever() {
    let mark = new_mark();
    let cluster = Cluster::begin("local-cluster[2,1,1024]", &[SOON], |builder| {
        builder.agent_command(shell("exit 3", &mark))
    });
    let words =
        ["ended before they were ready", "exited with code 3", "standard error", "#[firesteel::main]"];
    let numbers = cluster.sc.range_in(0..10, 2);
    says(numbers.count(), &words);
    // Nor does a job wait that comes when all have given up.
    says(numbers.count(), &words);
    cluster.end();
}

#[test]
fn processes_that_do_something_else_are_not_waited_for_for_ever() {
    let mark = new_mark();
    let cluster = Cluster::begin("local-cluster[1,1,1024]", &[SOON], |builder| {
        builder.agent_command(shell("exec sleep 1000", &mark))
    });
    says(cluster.sc.range_in(0..10, 2).count(), &["no executor was there", "within 1"]);
    cluster.end();
    wait_until("the sleepers are gone", || marked(&mark).is_empty());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let missing = AgentCommand { program: "/nowhere/at/all".into(), ..agents("") };
    let builder = builder("local-cluster[2,1,1024]", dir.path(), "");
    says(builder.agent_command(missing).create(), &["/nowhere/at/all", "does not start"]);
    assert!(files_below(dir.path(), "").is_empty());
}

#[test]
fn nobody_comes() {
    let cluster = Cluster::begin("listen://127.0.0.1:0", &[SOON], |builder| builder);
    let words = [
        "no executor was there to run the job",
        "can reach the driver",
        "firesteel.scheduler.no_executors_timeout",
    ];
    says(cluster.sc.range_in(0..10, 2).count(), &words);
    says(cluster.sc.range_in(0..10, 2).reduce(|a, b| a + b), &words);
    cluster.end();
}

/// A person at the terminal learns why nothing happens before the job fails.
#[test]
fn who_waits_is_told_what_to_look_at() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["faults::starting::lonely_driver_process", "--exact", "--nocapture"])
        .env(LONELY_VARIABLE, dir.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    let line = err.lines().find(|line| line.contains("no executor has registered")).expect(&err);
    assert!(line.starts_with("firesteel: warning:") && line.contains("127.0.0.1:"), "{line}");
}

const LONELY_VARIABLE: &str = "FIRESTEEL_TEST_LONELY";

/// Not a test: a driver whose executors never come.
#[test]
fn lonely_driver_process() {
    let Some(dir) = std::env::var_os(LONELY_VARIABLE) else { return };
    let waits = ("firesteel.scheduler.no_executors_timeout", "8s");
    let sc = with_secret(builder("listen://127.0.0.1:0", dir.as_ref(), ""), dir.as_ref());
    let sc = sc.conf(waits.0, waits.1).create().unwrap();
    says(sc.range_in(0..10, 2).count(), &["no executor was there"]);
}

/// One that cannot begin is given up; the others go on.
#[test]
fn one_place_where_nothing_starts_does_not_stop_the_others() {
    let mark = new_mark();
    let cluster = Cluster::begin("local-cluster[2,1,1024]", &[SOON], |builder| {
        // The first becomes an executor; all others fail.
        let mut command = shell("", &mark);
        let own = std::env::current_exe().unwrap().to_str().unwrap().to_string();
        let first = "mkdir \"$0\" 2>/dev/null || exit 4; exec \"$1\" executor_process --exact --nocapture";
        let token = std::env::temp_dir().join(format!("firesteel-first-{mark}"));
        command.arguments = vec!["-c".into(), first.into(), token.to_str().unwrap().into(), own];
        builder.agent_command(command)
    });
    wait_until("one is there", || cluster.processes().len() == 1);
    let signs = cluster.signs();
    let sums = standing_pairs(&cluster.sc, &signs, "map", 1000).reduce_by_key(|a, b| a + b).collect_async();
    signs.first("map");
    signs.go("map");
    assert_eq!(sorted(sums.wait().unwrap()), expected_sums(1000));
    cluster.end();
    wait_until("none is left", || marked(&mark).is_empty());
    std::fs::remove_dir(std::env::temp_dir().join(format!("firesteel-first-{mark}"))).unwrap();
}
