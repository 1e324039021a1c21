//! Support of the fault tests: clusters to break, signs between tests and tasks, signals, and the check for
//! leftovers at the end.

pub(crate) use crate::waiting::wait_until;
use firesteel::{AgentCommand, Builder, Context, HashPartitioner, Rdd};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Tells this program to be a driver, and the directory in which it is one.
pub(crate) const DRIVER_VARIABLE: &str = "FIRESTEEL_TEST_DRIVER";

/// Marks the processes of one cluster.
const CLUSTER_VARIABLE: &str = "FIRESTEEL_TEST_CLUSTER";

/// How executors are started: this program, told to run `executor_process`.
pub(crate) fn agents(mark: &str) -> AgentCommand {
    AgentCommand {
        arguments: ["executor_process", "--exact", "--nocapture"].map(String::from).into(),
        environment: vec![(CLUSTER_VARIABLE.into(), mark.into())],
        ..AgentCommand::own_program()
    }
}

/// A context that loses no time: who is silent for two seconds is lost, who cannot be reached is tried again soon.
pub(crate) fn builder(master: &str, local: &Path, mark: &str) -> Builder {
    let settings = [
        ("firesteel.executor.heartbeat_interval", "100ms"),
        ("firesteel.network.timeout", "2s"),
        ("firesteel.shuffle.io.retry_wait", "100ms"),
        ("firesteel.shuffle.io.max_retries", "2"),
        ("firesteel.locality.wait", "0"),
        ("firesteel.memory", "512m"),
        ("firesteel.ui.show_console_progress", "false"),
        ("firesteel.local.dir", local.to_str().unwrap()),
    ];
    let builder = Context::builder().master(master).agent_command(agents(mark));
    settings.into_iter().fold(builder, |builder, (key, value)| builder.conf(key, value))
}

/// Executors in processes of their own, until [`Cluster::end`].
pub(crate) struct Cluster {
    pub(crate) sc: Context,
    dir: tempfile::TempDir,
    mark: String,
    address: SocketAddr,
}

/// Its files end with each executor.
pub(crate) const ALONE: (&str, &str) = ("firesteel.shuffle.service.enabled", "false");

/// Files survive the executor that wrote them.
pub(crate) const SERVED: (&str, &str) = ("firesteel.shuffle.service.enabled", "true");

impl Cluster {
    /// So many executors with so many slots each. All of them have registered.
    pub(crate) fn start(executors: u32, cores: u32, settings: &[(&str, &str)]) -> Cluster {
        let cluster = Cluster::begin(&format!("local-cluster[{executors},{cores},1024]"), settings, |b| b);
        wait_until("all executors are there", || cluster.processes().len() == executors as usize);
        cluster
    }

    /// Any master; nobody is waited for.
    pub(crate) fn begin(
        master: &str,
        settings: &[(&str, &str)],
        more: impl FnOnce(Builder) -> Builder,
    ) -> Cluster {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mark = new_mark();
        let builder = builder(master, &dir.path().join("local"), &mark);
        let builder = settings.iter().fold(builder, |builder, (key, value)| builder.conf(key, value));
        let builder = if master.starts_with("listen") { with_secret(builder, dir.path()) } else { builder };
        let sc = more(builder).create().unwrap();
        let address = sc.listens_at().expect("a driver of executors elsewhere listens");
        Cluster { sc, dir, mark, address }
    }

    /// The process ids of its executors.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.sc.executor_processes().into_iter().map(|(_, process)| process).collect()
    }

    /// Whether an executor is one of its own, as far as the driver knows.
    pub(crate) fn has(&self, process: u32) -> bool {
        self.processes().contains(&process)
    }

    /// Where tests and tasks leave signs for each other.
    pub(crate) fn signs(&self) -> Signs {
        let dir = self.path("signs");
        fs::create_dir_all(&dir).unwrap();
        Signs(dir.to_str().unwrap().into())
    }

    /// A path for a file of the test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where its driver listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The mark of its processes.
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// Stops it. Nothing may be left: no task, no process, no file, no port.
    #[track_caller]
    pub(crate) fn end(self) {
        wait_until("nothing runs any more", || self.sc.is_idle());
        self.sc.stop();
        nothing_is_left(&self.mark, &self.path("local"), self.address);
    }
}

#[track_caller]
pub(crate) fn nothing_is_left(mark: &str, local: &Path, address: SocketAddr) {
    wait_until("no process is left", || marked(mark).is_empty());
    let left = files_below(local, "");
    assert!(left.is_empty(), "files are left: {left:?}");
    assert!(TcpStream::connect(address).is_err(), "somebody listens at {address} still");
}

/// What executors that somebody starts show the driver.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn with_secret(builder: Builder, dir: &Path) -> Builder {
    let path = dir.join("secret");
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    file.write_all(SECRET.as_bytes()).unwrap();
    builder.conf("firesteel.authenticate.secret.file", path.to_str().unwrap())
}

pub(crate) fn new_mark() -> String {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), SERIAL.fetch_add(1, Relaxed))
}

/// The processes with a mark that have not ended.
pub(crate) fn marked(mark: &str) -> Vec<u32> {
    let wanted = format!("{CLUSTER_VARIABLE}={mark}");
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let has_mark = |process: &u32| {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    processes.filter(has_mark).collect()
}

/// All files below a directory whose names begin like this.
pub(crate) fn files_below(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let (mut found, mut left) = (vec![], vec![dir.to_owned()]);
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(entry.path());
            } else if entry.file_name().to_string_lossy().starts_with(prefix) {
                found.push(entry.path());
            }
        }
    }
    found
}

/// Files by which tests and tasks, in whatever process, know of each other.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Signs(pub(crate) String);

impl Signs {
    fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.0).join(name)
    }

    /// Gives a sign. True for the first who gives it.
    pub(crate) fn give(&self, name: &str) -> bool {
        fs::File::create_new(self.path(name)).is_ok()
    }

    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Waits for a sign.
    #[track_caller]
    pub(crate) fn await_sign(&self, name: &str) {
        wait_until(&format!("`{name}` is told"), || self.is_given(name));
    }

    /// Says that this process is here, and waits until it is told to go on.
    pub(crate) fn stand(&self, place: &str) {
        self.give(&format!("{place}-{}", std::process::id()));
        self.await_sign(&format!("go-{place}"));
    }

    /// Lets those go on who stand at a place, or come to it later.
    pub(crate) fn go(&self, place: &str) {
        self.give(&format!("go-{place}"));
    }

    /// The processes that stand, or stood, at a place.
    pub(crate) fn standing(&self, place: &str) -> Vec<u32> {
        let names = fs::read_dir(&self.0).unwrap().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| name.strip_prefix(&format!("{place}-"))?.parse().ok()).collect()
    }

    /// The first process that stands at a place.
    #[track_caller]
    pub(crate) fn first(&self, place: &str) -> u32 {
        wait_until(&format!("somebody stands at `{place}`"), || !self.standing(place).is_empty());
        self.standing(place)[0]
    }

    /// How many signs begin like this.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        let names = fs::read_dir(&self.0).unwrap().flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).count()
    }
}

/// Sends a signal to a process, which may be gone.
pub(crate) fn signal(process: u32, signal: Signal) {
    if let Some(process) = Pid::from_raw(process as i32) {
        let _ = kill_process(process, signal);
    }
}

pub(crate) fn kill(process: u32) {
    signal(process, Signal::KILL);
}

/// Ends the process that runs this, at once.
pub(crate) fn die() -> ! {
    kill(std::process::id());
    loop {
        std::thread::park();
    }
}

/// The numbers below `records`, keyed by their remainders, with a place at which the tasks stand before they give records.
pub(crate) fn standing_pairs(sc: &Context, signs: &Signs, place: &str, records: i64) -> Rdd<(i64, i64)> {
    sc.range_in(0..records, 4).map_partitions_with(
        (signs.clone(), place.to_string()),
        |(signs, place), all| {
            signs.stand(place);
            all.map(|x| (x % 10, x))
        },
    )
}

/// What the pairs sum up to.
pub(crate) fn expected_sums(records: i64) -> Vec<(i64, i64)> {
    (0..10).map(|key| (key, (0..records).filter(|x| x % 10 == key).sum())).collect()
}

pub(crate) fn sorted<T: Ord>(records: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut records: Vec<T> = records.into_iter().collect();
    records.sort();
    records
}

/// The text of a failure, which contains these words.
#[track_caller]
pub(crate) fn says<T>(result: firesteel::Result<T>, words: &[&str]) -> String {
    let text = result.err().expect("it was to fail").to_string();
    let missing: Vec<_> = words.iter().filter(|word| !text.contains(**word)).collect();
    assert!(missing.is_empty(), "{missing:?} not in: {text}");
    text
}

/// A driver with two executors whose tasks wait for ever.
pub(crate) fn be_a_driver(dir: &Path) {
    let mark = fs::read_to_string(dir.join("mark")).unwrap();
    let sc = builder("local-cluster[2,1,512]", &dir.join("local"), &mark).conf(SERVED.0, SERVED.1);
    let sc = sc.create().unwrap();
    let address = sc.listens_at().unwrap().to_string();
    fs::write(dir.join("address.new"), address).unwrap();
    fs::rename(dir.join("address.new"), dir.join("address")).unwrap();
    let signs = Signs(dir.join("signs").to_str().unwrap().into());
    let _ = standing_pairs(&sc, &signs, "driver", 100).count();
}

/// Two executors read blocks of each other's, which take a while; then `strike` befalls one. All is read nevertheless.
pub(crate) fn while_blocks_are_read(repeated: usize, strike: impl FnOnce(u32)) {
    let cluster = Cluster::start(2, 1, &[ALONE]);
    let signs = cluster.signs();
    let texts = cluster.sc.range_in(0..40, 4).flat_map_with(repeated, |repeated, x| {
        let text = x.to_string().repeat(*repeated);
        (0..100).map(move |n| (n, text.clone()))
    });
    let read =
        texts.partition_by(HashPartitioner::new(4)).map_partitions_with(signs.clone(), |signs, all| {
            let mut all = all.peekable();
            all.peek();
            signs.stand("reading");
            all.map(|(key, text)| (key, text.len() as i64))
        });
    let sums = read.reduce_by_key(|a, b| a + b).collect_async();
    wait_until("both read", || signs.standing("reading").len() == 2);
    strike(signs.first("reading"));
    signs.go("reading");
    let length: usize = (0..40).map(|x| x.to_string().len() * repeated).sum();
    let expected: Vec<_> = (0..100).map(|key| (key, length as i64)).collect();
    assert_eq!(sorted(sums.wait().unwrap()), expected);
    cluster.end();
}
