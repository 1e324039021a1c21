//! Secrecy on the same machine: files, command lines and output show no secret to another user.

use crate::app::{BROADCAST, KEPT, SHUFFLED};
use crate::cluster::{Cluster, listeners};
use crate::process::{Process, until};
use firesteel_cluster::executors::AgentConfig;
use firesteel_net::{Credentials, Purpose, Secret, connect};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn all_files_are_their_owners_alone() {
    let cluster = Cluster::start(2);
    let mut program = cluster.submit(&[]);
    cluster.wait_for_first_job(&mut program);
    let dir = cluster.dir.path();
    // What the test has made itself, for daemons that were told to let everybody in where they do not say otherwise.
    let own = [dir.join("tmp"), dir.join("secret")];
    let files = find(dir, &|path| !own.iter().any(|own| own == path));
    let named = |part: &str| files.iter().any(|path| path.to_string_lossy().contains(part));
    let kinds = [
        "master/snapshot-",
        "master/lease-",
        "/programs/",
        "/app-",
        // Of the executor's own: partitions of programs in Rust are among its host's files only when it has left.
        "executor-0/rdd-",
        "shuffle-",
        "executor-0.stderr",
    ];
    assert!(kinds.iter().all(|kind| named(kind)), "{files:?}");
    let open = |path: &&PathBuf| {
        fs::symlink_metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
    };
    let open: Vec<_> = files.iter().filter(open).collect();
    assert!(open.is_empty(), "others reach {open:?}");
    program.say("go on");
    program.wait_for("second: right");
}

#[test]
fn secrets_are_nowhere_to_be_seen() {
    let mut cluster = Cluster::start(2);
    let mut program = cluster.submit(&["--verbose"]);
    cluster.wait_for_first_job(&mut program);
    let secrets = [cluster.secret().to_text(), cluster.application_secret().to_text()];
    let processes = cluster.processes(&program);
    assert!(processes.len() >= 6, "{processes:?}");
    let mut shown = vec![];
    for process in &processes {
        for file in ["cmdline", "environ"] {
            let name = format!("/proc/{process}/{file}");
            shown.push((name.clone(), fs::read(&name).unwrap()));
        }
    }
    let mut answer = |name: &str, text: String| shown.push((name.into(), text.into_bytes()));
    answer("status", cluster.ask(&["status", &cluster.url]));
    let other = cluster.dir.path().join("other");
    Secret::generate().write_new(&other).unwrap();
    answer("a refusal", cluster.ask_with(&["status", &cluster.url], &other));
    let driver = listeners(program.id())[0].to_string();
    let refused = connect(&driver, &cluster.credentials(), Purpose::Control, Duration::from_secs(60));
    answer("another refusal", format!("{refused:?}"));
    let bad = cluster.dir.path().join("bad");
    fs::copy(cluster.secret_file(), &bad).unwrap();
    fs::set_permissions(&bad, fs::Permissions::from_mode(0o644)).unwrap();
    answer("an open file", cluster.ask_with(&["status", &cluster.url], &bad));
    program.say("go on");
    program.wait_for("second: right");
    assert!(program.wait().success());
    answer("the program", program.said());
    answer("the master", cluster.master.said());
    for worker in &mut cluster.workers {
        answer("a worker", worker.said());
    }
    answer("status at the end", cluster.ask(&["status", &cluster.url]));
    for (name, bytes) in shown {
        for secret in &secrets {
            assert!(!holds(&bytes, secret), "{name} shows a secret");
        }
    }
    // What the master remembers of the program, it remembers without its secret.
    let state = find(&cluster.dir.path().join("master"), &|path| path.is_file());
    let newest = state.iter().filter(|path| path.to_string_lossy().contains("snapshot-")).max().unwrap();
    assert!(!holds(&fs::read(newest).unwrap(), &secrets[1]));
    assert_eq!(cluster.snapshot().ended_applications.len(), 1);
}

#[test]
fn secrets_are_not_in_what_is_printed_for_debugging() {
    let secret = Secret::generate();
    let config = AgentConfig {
        driver: "a:1".into(),
        secret: Some(secret.to_text()),
        name: String::new(),
        host: "a".into(),
        bind: "a:0".into(),
        cores: 1,
        memory: 1,
        directory: "d".into(),
        service: None,
        logs: None,
        notice_ms: None,
    };
    let launch = firesteel_cluster::standalone::LaunchExecutor {
        program: firesteel_cluster::standalone::Program::Installed { name: "p".into() },
        arguments: vec![],
        environment: vec![("TOKEN".into(), secret.to_text())],
        driver: "a:1".into(),
        secret: Some(secret.to_text()),
        service: true,
        encrypted: true,
    };
    let command = firesteel::AgentCommand {
        environment: vec![("TOKEN".into(), secret.to_text())],
        ..firesteel::AgentCommand::own_program()
    };
    let shown = format!("{secret:?} {:?} {config:?} {launch:?} {command:?}", Credentials::of(&secret));
    assert!(!shown.contains(&secret.to_text()), "{shown}");
}

/// Executors' logs go with their application; they are looked at while it runs.
#[test]
fn logs_of_executors_hold_no_secret() {
    let cluster = Cluster::start(1);
    let mut program = cluster.submit(&["--conf", "firesteel.log.level=info"]);
    cluster.wait_for_first_job(&mut program);
    let secrets = [cluster.secret().to_text(), cluster.application_secret().to_text()];
    let logs = find(cluster.dir.path(), &|path| {
        path.extension().is_some_and(|end| end == "stderr" || end == "stdout")
    });
    assert!(logs.len() >= 2, "{logs:?}");
    for log in logs {
        let bytes = fs::read(&log).unwrap();
        assert!(!secrets.iter().any(|secret| holds(&bytes, secret)), "{}", log.display());
    }
    program.say("go on");
    program.wait_for("second: right");
}

/// Which of the marks that a program leaves are found below a directory, programs themselves aside; and how many files there are.
fn marks(dir: &Path) -> (Vec<&'static str>, usize) {
    let files =
        find(dir, &|path| path.is_file() && !path.components().any(|part| part.as_os_str() == "programs"));
    let contents: Vec<Vec<u8>> = files.iter().filter_map(|path| fs::read(path).ok()).collect();
    let found = [KEPT, SHUFFLED, BROADCAST].into_iter();
    (found.filter(|mark| contents.iter().any(|bytes| holds(bytes, mark))).collect(), files.len())
}

/// Spark left data in the clear where it was told to encrypt it (CVE-2019-10099).
#[test]
fn plaintext_spill() {
    let cluster = Cluster::start(2);
    for encrypted in [false, true] {
        // All goes to disk; on the driver's machine what it has no memory for.
        let setting = format!("firesteel.io.encryption.enabled={encrypted}");
        for master in [cluster.url.as_str(), "local[2]"] {
            let words = ["--conf", &setting, "--conf", "firesteel.memory=1k"];
            let mut program = Process::start("program", &mut cluster.submission(master, &words));
            program.wait_for("first: ");
            let (found, files) = marks(cluster.dir.path());
            let expected: &[&str] = if encrypted { &[] } else { &[KEPT, SHUFFLED, BROADCAST] };
            assert_eq!(found, expected, "{master}, {setting}");
            assert!(files > 20, "there are only {files} files");
            program.say("go on");
            program.wait_for("second: right");
            assert!(program.wait().success());
            let gone = || marks(cluster.dir.path()).0.is_empty();
            until("an application's files go with it", gone);
        }
    }
}

/// The files below a directory that are looked for.
pub(crate) fn find(dir: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let (mut found, mut left) = (vec![], vec![dir.to_path_buf()]);
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(path.clone());
            }
            if wanted(&path) {
                found.push(path);
            }
        }
    }
    found
}
