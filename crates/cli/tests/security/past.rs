//! Past weaknesses of Spark, each tried here under its name.

use crate::cluster::{Cluster, listeners};
use crate::disk::find;
use crate::process::{Process, firesteel, until};
use crate::strangers::{PATIENCE, Seeded, preface, say, word};
use crate::tls::{Shows, offer, speak};
use firesteel_cluster::standalone::client::Client;
use firesteel_cluster::standalone::{FromMaster, LaunchDriver, LaunchExecutor, Program, Resources, ToMaster};
use firesteel_data::block::encode_value;
use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Secret, connect};
use firesteel_standalone::{
    ApplicationId, ApplicationMessage, ApplicationSpec, ApplicationStatus, ClientMessage, DriverId,
    DriverRun, DriverSpec, Epoch, ExecutorName, FencedOrder, Payload, RequestKey, WorkerOrder,
};
use firesteel_types::ExecutorId;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;

/// What the command says and whether it succeeds, with words instead of the cluster's secret.
fn submit_with(cluster: &Cluster, words: &[&str]) -> (bool, String) {
    let mut command = Command::new(firesteel());
    command
        .args(["submit", "--master", &cluster.url, "--deploy-mode", "cluster"])
        .args(words)
        .arg("/bin/true");
    let done = command.env_remove("FIRESTEEL_SECRET_FILE").output().unwrap();
    (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
}

/// The cluster is as it was: nobody but its workers is known to the master.
fn nothing_runs(cluster: &Cluster) {
    let status = cluster.ask(&["status", &cluster.url]);
    assert!(!status.contains("app-") && !status.contains("driver-"), "{status}");
    let workers = status.lines().filter(|line| line.starts_with("worker ")).count();
    assert_eq!(workers, cluster.workers.len(), "{status}");
}

/// Spark's master took submissions from anybody, over a port that nobody had asked for (CVE-2018-11770, CVE-2018-17190).
#[test]
fn unauthenticated_submission() {
    let cluster = Cluster::start(1);
    assert_eq!(listeners(cluster.master.id()).len(), 1, "there is one way in");
    let other = cluster.dir.path().join("other");
    Secret::generate().write_new(&other).unwrap();
    let (done, why) = submit_with(&cluster, &["--insecure"]);
    assert!(!done && why.contains("insecure"), "{why}");
    let (done, why) = submit_with(&cluster, &["--secret-file", other.to_str().unwrap()]);
    assert!(!done && why.contains("another secret") || why.contains("does not accept our secret"), "{why}");
    let (done, why) = submit_with(&cluster, &[]);
    assert!(!done && why.contains("--secret-file"), "{why}");
    nothing_runs(&cluster);
    let secret = cluster.secret_file();
    let (done, why) = submit_with(&cluster, &["--secret-file", secret.to_str().unwrap()]);
    assert!(done, "with the secret it is taken: {why}");
}

/// Spark's master obeyed messages before it had seen who sent them (CVE-2020-9480).
#[test]
fn rpc_before_authentication() {
    let cluster = Cluster::start(1);
    let master = listeners(cluster.master.id())[0];
    let spec = DriverSpec { resources: Resources::new(1, 1), supervise: false, launch: Payload::default() };
    let submit =
        ToMaster::Client { message: ClientMessage::SubmitDriver { key: RequestKey::new("early"), spec } };
    let message = word(&encode_value(&submit).unwrap());
    let whole = [&preface(Purpose::Master)[..], &message].concat();
    for bytes in [&whole, &message] {
        say(master, bytes);
        for shows in [Shows::Nothing, Shows::Certificate, Shows::RawKey] {
            assert!(speak(master, &rustls::version::TLS13, shows, bytes).is_empty());
        }
    }
    nothing_runs(&cluster);
    // The same from a friend is obeyed, so it is not for its form that it was not.
    let heard = friend(&cluster, Purpose::Master, &message, 1);
    assert!(heard.windows(7).any(|bytes| bytes == b"driver-"), "{heard:?}");
}

/// What the master answers to one who has the secret: so many bytes at least, or all until the end.
fn friend(cluster: &Cluster, purpose: Purpose, message: &[u8], at_least: usize) -> Vec<u8> {
    let master = listeners(cluster.master.id())[0].to_string();
    let (mut receiver, sender) = connect(&master, &cluster.credentials(), purpose, PATIENCE).unwrap().split();
    receiver.set_timeout(Some(PATIENCE)).unwrap();
    // It may be closed before all of it is sent.
    let _ = sender.send(message);
    let (mut heard, mut buffer) = (vec![], vec![0; 64 << 10]);
    while heard.len() < at_least {
        match receiver.read(&mut buffer) {
            Ok(length @ 1..) => heard.extend_from_slice(&buffer[..length]),
            Ok(_) => break,
            Err(error) => {
                assert_ne!(error.kind(), std::io::ErrorKind::TimedOut, "it neither answers nor closes");
                break;
            }
        }
    }
    heard
}

fn executor_spec(launch: Payload) -> ApplicationSpec {
    ApplicationSpec {
        name: "garbage".into(),
        user: "nobody".into(),
        cores_max: Some(1),
        cores_per_executor: Some(1),
        memory_per_executor_mib: 1,
        pages: None,
        launch,
    }
}

/// Spark's master made objects of whatever bytes came (CVE-2018-17190 and others of Java's deserialisation). Ours decodes plain data, and
/// survives even friends.
#[test]
fn deserialising_in_the_master() {
    let mut cluster = Cluster::start(1);
    let endless = usize::MAX;
    let closes = |purpose, message: &[u8]| friend(&cluster, purpose, message, endless);
    // Lengths that nobody has.
    for length in [u64::MAX, u64::MAX / 2, 1 << 40, 1 << 28] {
        closes(Purpose::Master, &[&length.to_le_bytes()[..], b"and little behind it"].concat());
    }
    // Bytes that are no word: of another type, of none, and what nests as deeply as bytes can say.
    let order = FromMaster::Standby { leader: Some("a".repeat(1000)) };
    closes(Purpose::Master, &word(&encode_value(&order).unwrap()[..1]));
    let mut seeded = Seeded(23);
    for byte in [0u8, 1, 2, 3, 0x7f, 0x80, 0xff] {
        let what = vec![byte; 100_000];
        closes(Purpose::Master, &[&word(&what)[..], &(1u64 << 63).to_le_bytes()].concat());
    }
    for _ in 0..200 {
        let length = seeded.next() as usize % 300;
        let garbage = word(&seeded.bytes(length));
        closes(Purpose::Master, &[&garbage[..], &(1u64 << 63).to_le_bytes()].concat());
        let length = seeded.next() as usize % 300 + 20;
        closes(Purpose::Blocks, &[&seeded.bytes(length)[..], &[0xff; 20]].concat());
    }
    // Words whose payload is garbage: a worker finds that it cannot start them, and lives on.
    let payload = Payload::new(seeded.bytes(500));
    let spec = DriverSpec { resources: Resources::new(1, 1), supervise: false, launch: payload.clone() };
    let submit =
        ToMaster::Client { message: ClientMessage::SubmitDriver { key: RequestKey::new("garbage"), spec } };
    friend(&cluster, Purpose::Master, &word(&encode_value(&submit).unwrap()), 1);
    let message = ApplicationMessage::Register {
        key: RequestKey::new("garbage too"),
        known_as: None,
        spec: executor_spec(payload),
        status: ApplicationStatus::default(),
    };
    let register = ToMaster::Application { message };
    let heard = friend(&cluster, Purpose::Master, &word(&encode_value(&register).unwrap()), 1);
    assert!(heard.windows(4).any(|bytes| bytes == b"app-"));
    cluster.workers[0].wait_for("what is to be started cannot be understood");
    let known = cluster.snapshot().applications;
    let name = known.last().map_or(String::new(), |known| known.application.to_string());
    cluster.ask(&["submit", "--master", &cluster.url, "--kill", &name]);
    let mut program = cluster.submit(&[]);
    program.say("go on");
    program.wait_for("second: right");
    assert!(program.wait().success());
}

/// A worker believes its master, and yet not everything.
#[test]
fn a_worker_that_is_told_garbage_lives_on_and_removes_nothing_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let (secret, precious) = (Secret::generate(), dir.path().join("precious"));
    secret.write_new(&dir.path().join("secret")).unwrap();
    fs::create_dir(&precious).unwrap();
    let (tell, told) = channel();
    let listener = Listener::bind("127.0.0.1:0", Credentials::of(&secret), Limits::default()).unwrap();
    let serving = listener.serve("master", move |connection| drop(tell.send(connection))).unwrap();
    let mut command = Command::new(firesteel());
    command.args(["worker", &format!("firesteel://{}", serving.address()), "--host", "127.0.0.1"]);
    // Room for all that it is told to start, before it has found that it cannot.
    command.args(["--cores", "16", "--memory", "1g"]);
    command.args(["--work-dir", "work", "--secret-file", "secret"]).current_dir(dir.path());
    let mut worker = Process::start("worker", &mut command);
    let mut seeded = Seeded(31);
    let mut orders: Vec<Vec<u8>> = (0..20).map(|round| word(&seeded.bytes(round * 13))).collect();
    orders.push([&u64::MAX.to_le_bytes()[..], b"x"].concat());
    orders.push(evil_orders(&precious));
    for bytes in orders {
        let connection: Connection = told.recv_timeout(PATIENCE).unwrap();
        let (mut receiver, sender) = connection.split();
        // It registers, and is told.
        assert!(receiver.read(&mut [0; 8]).unwrap() > 0);
        let _ = sender.send(&bytes);
        if bytes.len() < 1000 {
            sender.closer().close();
            continue;
        }
        for _ in 0..6 {
            worker.wait_for("no master gives the name");
        }
    }
    assert!(precious.is_dir(), "it is nobody's of the worker's");
    let programs =
        fs::read_dir(dir.path().join("work")).unwrap().next().unwrap().unwrap().path().join("programs");
    assert!(programs.is_dir(), "it is no application's");
    assert!(!dir.path().join("work").join("x-0").exists());
}

/// Orders of a master that has gone wrong: names that lead elsewhere, to be made and to be removed.
fn evil_orders(precious: &Path) -> Vec<u8> {
    let names = ["../../precious".to_string(), precious.display().to_string(), "programs".into()];
    let mut orders = vec![WorkerOrder::Registered { pages: None }];
    for name in names {
        let application = ApplicationId::new(name.as_str());
        let executor = ExecutorName { application: application.clone(), executor: ExecutorId(0) };
        let launch = LaunchExecutor {
            program: Program::Installed { name: "/bin/true".into() },
            arguments: vec!["x".repeat(400)],
            environment: vec![],
            driver: "127.0.0.1:1".into(),
            secret: Some(Secret::generate().to_text()),
            service: true,
            encrypted: true,
        };
        let spec = executor_spec(Payload::new(encode_value(&launch).unwrap()));
        orders.push(WorkerOrder::LaunchExecutor { executor, resources: Resources::new(1, 1), spec });
        let run = DriverRun { driver: DriverId::new(name.as_str()), attempt: 0 };
        let launch = Payload::new(encode_value(&driver_launch("true", vec![])).unwrap());
        let spec = DriverSpec { resources: Resources::new(1, 1), supervise: false, launch };
        orders.push(WorkerOrder::LaunchDriver { run, spec });
        orders.push(WorkerOrder::CleanApplication { application });
    }
    let frame = |order| {
        let order = FromMaster::Worker { order: FencedOrder { epoch: Epoch(1), order } };
        word(&encode_value(&order).unwrap())
    };
    orders.into_iter().flat_map(frame).collect()
}

fn driver_launch(program: &str, files: Vec<(String, [u8; 32])>) -> LaunchDriver {
    LaunchDriver {
        program: Program::Installed { name: program.into() },
        arguments: vec!["$(touch x)".into(), "; touch x".into(), "{file:../../x}".into()],
        environment: vec![],
        files,
    }
}

/// Spark could be talked into ciphers that are known to be broken, and into none (CVE-2018-1334's relatives, and RPC encryption by
/// DIGEST-MD5).
#[test]
fn weak_ciphers() {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    let cluster = Cluster::start(1);
    let mut program = cluster.submit(&["--conf", "firesteel.shuffle.service.enabled=false"]);
    cluster.wait_for_first_job(&mut program);
    let all = cluster.processes(&program).into_iter().flat_map(listeners).collect::<Vec<_>>();
    assert_eq!(all.len(), 4, "master, worker, driver, executor: {all:?}");
    // NULL, EXPORT, RC4, 3DES, AES in CBC mode with and without forward secrecy, and the good ones of TLS 1.2.
    let old =
        [0x0000, 0x0002, 0x0003, 0x0004, 0x0005, 0x000a, 0x002f, 0xc007, 0xc009, 0xc013, 0xc02f, 0xcca8];
    for door in all {
        for version in [0x0300, 0x0301, 0x0302, 0x0303] {
            let heard = offer(door, version, &old);
            assert!(heard.is_empty() || heard[0] == ALERT, "{door} speaks {version:x}: {heard:?}");
        }
        // TLS 1.3 with a cipher whose tag is cut short; then the same with a good one, which shows that nothing else was wrong.
        let heard = offer(door, 0x0304, &[0x1305]);
        assert!(heard.is_empty() || heard[0] == ALERT, "{heard:?}");
        assert_eq!(offer(door, 0x0304, &[0x1301])[0], HANDSHAKE);
        for shows in [Shows::Nothing, Shows::Certificate] {
            let said = preface(Purpose::Control);
            assert!(speak(door, &rustls::version::TLS12, shows, &said).is_empty(), "{door} speaks TLS 1.2");
        }
    }
    program.say("go on");
    program.wait_for("second: right");
}

/// Spark built a command for the shell out of a user's name (CVE-2022-33891), and of other words.
#[test]
fn shell_injection_through_user_names() {
    let cluster = Cluster::start_as(1, &[("USER", "$(touch x)")]);
    let (dir, evil) = (cluster.dir.path(), "; touch x; $(touch x) `touch x` | touch x\n../../x");
    let mut command = cluster.submission(&cluster.url, &["--name", evil]);
    let mut program =
        Process::start("program", command.env("USER", "`touch x`").env("LOGNAME", "$(touch x)"));
    program.wait_for("first: ");
    assert!(cluster.ask(&["status", &cluster.url]).contains("$(touch x)"), "it is shown as it is");
    program.say("go on");
    program.wait_for("second: right");
    assert!(program.wait().success());
    // A driver in the cluster, with arguments and files of such names.
    let file = dir.join("; touch x $(touch x)");
    fs::write(&file, "harmless").unwrap();
    let mut command = Command::new(firesteel());
    command.args(["submit", "--master", &cluster.url, "--deploy-mode", "cluster", "--secret-file"]);
    command.arg(cluster.secret_file()).arg("--files").arg(&file).args(["--name", evil]);
    let submitted = command.args(["/bin/echo", evil, "$(touch x)"]).output().unwrap();
    assert!(submitted.status.success(), "{submitted:?}");
    let driver = String::from_utf8_lossy(&submitted.stdout).trim().to_string();
    let state = |driver: &str| cluster.ask(&["submit", "--master", &cluster.url, "--status", driver]);
    until("it ends", || state(&driver).contains("FINISHED"));
    let printed = find(dir, &|path| path.ends_with(Path::new(&format!("{driver}-0")).join("stdout")));
    assert_eq!(fs::read_to_string(&printed[0]).unwrap(), format!("{evil} $(touch x)\n"));
    // Names that only a client of one's own making would send.
    let mut client = Client::new(&[cluster.url.replace("firesteel://", "")], cluster.credentials());
    let hash = client.upload(&file).unwrap();
    for name in ["../../x", "/x", "..", ".", "a/x", ""] {
        let launch = driver_launch("/bin/true", vec![(name.into(), hash)]);
        let driver = client.submit(&launch, Resources::new(1, 1), false).unwrap();
        until("it fails", || {
            state(driver.as_str()).contains("ERROR") || state(driver.as_str()).contains("FAILED")
        });
    }
    let made = find(dir, &|path| path.file_name().is_some_and(|name| name == "x"));
    assert!(made.is_empty(), "{made:?}");
    assert!(!dir.parent().unwrap().join("x").exists() && !Path::new("/x").exists());
}
