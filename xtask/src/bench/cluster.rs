//! `cargo xtask bench --cluster`: the workloads on a standalone cluster of one master and two workers with one
//! core each, on this machine: Firesteel's and Spark's, and beside them Firesteel in one process with two
//! threads. With `--python`, the Python programs.
//!
//! The clusters run one at a time, started and ended here. Each peer is a program that does all of its runs,
//! the first to warm up.

use std::fmt::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::measure::{self, Sample};
use super::spark::{self, Spark};
use super::workloads::{WORKLOADS, Workload};
use super::{PROFILE, machine, python, text};
use crate::process::{cargo, run as run_process};
use crate::python::conformance::beside_pyspark;
use crate::python::wheel::Profile;
use crate::{Fallible, workspace};

const TABLE: &str = "benches/RESULTS-CLUSTER.md";
const PYTHON_TABLE: &str = "benches/RESULTS-CLUSTER-PYTHON.md";

/// The workloads of the comparison with Spark for which a cluster makes a difference.
const CHOSEN: &[&str] = &[
    "word_count",
    "sum",
    "reduce_by_key",
    "sort_by_key",
    "join",
    "group_by_key",
    "pagerank",
    "kmeans",
    "empty_tasks",
];

const EXECUTOR_MEMORY: &str = "4g";
const WORKERS: u32 = 2;

/// The options of the command line.
pub(super) struct Asked {
    pub(super) only: Vec<String>,
    pub(super) runs: usize,
    pub(super) quick: bool,
    pub(super) without_spark: bool,
    pub(super) print: bool,
    pub(super) python: bool,
}

/// The time of a peer, as the median of its later runs.
struct Row {
    about: &'static str,
    local: f64,
    cluster: f64,
    spark: Option<f64>,
}

pub(super) fn run(asked: &Asked) -> Fallible {
    let words = ["build", "--quiet", "--profile", PROFILE, "--package", "firesteel-benches", "--bins"];
    run_process(cargo(&words).args(["--package", "firesteel-cli"]))?;
    let rows = if asked.python { python_rows(asked)? } else { rust_rows(asked)? };
    let table = table(asked, &rows);
    println!("\n{table}");
    if asked.print {
        return Ok(());
    }
    let path = if asked.python { PYTHON_TABLE } else { TABLE };
    std::fs::write(workspace::root().join(path), table).map_err(|error| format!("{path}: {error}"))
}

fn is_wanted(asked: &Asked, name: &str) -> bool {
    asked.only.is_empty() || asked.only.iter().any(|wanted| wanted == name)
}

fn rust_rows(asked: &Asked) -> Fallible<Vec<Row>> {
    let spark = if asked.without_spark { None } else { Some(Spark::install()?) };
    let mut rows = vec![];
    for workload in WORKLOADS.iter().filter(|workload| CHOSEN.contains(&workload.name)) {
        if is_wanted(asked, workload.name) {
            println!("\n=== {}: {}", workload.name, workload.about);
            rows.push(rust_row(asked, workload, spark.as_ref())?);
        }
    }
    Ok(rows)
}

fn rust_row(asked: &Asked, workload: &'static Workload, spark: Option<&Spark>) -> Fallible<Row> {
    let mut variables = workload.variables(asked.quick);
    if workload.reads_text {
        variables.push(("BENCH_TEXT", text::prepare(asked.quick)?.to_string_lossy().into_owned()));
    }
    let name = format!("firesteel-{}", workload.name.replace('_', "-"));
    let program = workspace::target_dir().join(PROFILE).join(name);
    let runs = asked.runs + 1;
    let prepare = |command: &mut Command| {
        command.envs(variables.iter().cloned()).env("BENCH_RUNS", runs.to_string());
        command.env("BENCH_THREADS", WORKERS.to_string());
    };
    let mut local = Command::new(&program);
    prepare(&mut local);
    let local = sample("Firesteel, local[2]", &mut local)?;
    let cluster = {
        let ours = Ours::start()?;
        let mut command = Command::new(&program);
        prepare(&mut command);
        sample("Firesteel, cluster", ours.tell(&mut command))?
    };
    let spark = match spark {
        None => None,
        Some(spark) => {
            let theirs = Theirs::start(spark.home())?;
            let mut command = spark.session_on(workload, &theirs.url(), runs)?;
            prepare(&mut command);
            command.args(["--executor-memory", EXECUTOR_MEMORY]);
            Some(sample("Spark, cluster", &mut command)?)
        }
    };
    row(workload.about, local, cluster, spark)
}

fn python_rows(asked: &Asked) -> Fallible<Vec<Row>> {
    let environment = beside_pyspark(Some(Profile::Dist))?;
    let home = environment.pyspark_home()?;
    let mut rows = vec![];
    for (name, about, variables) in python::jobs(asked.quick)? {
        if !is_wanted(asked, name) {
            continue;
        }
        println!("\n=== {name}: {about}");
        let command = |peer: &str| {
            let mut command = environment.python();
            command.arg(workspace::root().join("benches/python").join(format!("{name}.py")));
            command.envs(variables.iter().cloned()).env("BENCH_PEER", peer);
            command.env("BENCH_RUNS", (asked.runs + 1).to_string());
            command.env("BENCH_THREADS", WORKERS.to_string()).env("BENCH_PARTITIONS", "8");
            command.env("PYSPARK_PYTHON", environment.program("python"));
            command
        };
        let local = sample("Firesteel, local[2]", &mut command("firesteel"))?;
        let cluster = {
            let ours = Ours::start()?;
            sample("Firesteel, cluster", ours.tell(&mut command("firesteel")))?
        };
        let spark = match asked.without_spark {
            true => None,
            false => {
                let theirs = Theirs::start(&home)?;
                let mut command = command("pyspark");
                let submit = format!("--executor-memory {EXECUTOR_MEMORY} --driver-memory 8g pyspark-shell");
                command.env("BENCH_MASTER", theirs.url()).env("PYSPARK_SUBMIT_ARGS", submit);
                Some(sample("PySpark, cluster", &mut command)?)
            }
        };
        rows.push(row(about, local, cluster, spark)?);
    }
    Ok(rows)
}

fn sample(peer: &str, command: &mut Command) -> Fallible<Sample> {
    let sample = measure::sample(command).map_err(|error| format!("{peer}: {error}"))?;
    println!("{peer:<24}{}", sample.line());
    Ok(sample)
}

fn row(about: &'static str, local: Sample, cluster: Sample, spark: Option<Sample>) -> Fallible<Row> {
    for other in [Some(&cluster), spark.as_ref()].into_iter().flatten() {
        if other.answer != local.answer {
            return Err(format!("PEERS ANSWER DIFFERENTLY: {} and {}", local.answer, other.answer));
        }
    }
    Ok(Row { about, local: later(&local), cluster: later(&cluster), spark: spark.as_ref().map(later) })
}

/// Returns the median of the runs after the first.
fn later(sample: &Sample) -> f64 {
    let mut later: Vec<f64> = sample.inner_seconds.iter().skip(1).copied().collect();
    if later.is_empty() {
        return sample.seconds;
    }
    later.sort_by(f64::total_cmp);
    later[later.len() / 2]
}

fn table(asked: &Asked, rows: &[Row]) -> String {
    let words = if asked.python { "--cluster --python" } else { "--cluster" };
    let mut text = format!("# On a cluster, measured side by side\n\nWritten by `cargo xtask bench {words}`");
    if asked.quick {
        text.push_str(" with `--quick`: too small to mean anything");
    }
    text.push_str(".\n\n");
    for line in machine::describe(!asked.without_spark) {
        let _ = writeln!(text, "- {line}");
    }
    let _ = writeln!(
        text,
        "- Standalone clusters on this machine: one master, {WORKERS} workers with one core each, executors of {EXECUTOR_MEMORY}; Firesteel's \
         with TLS between all processes, as always; Spark {} without",
        spark::VERSION
    );
    let _ = writeln!(
        text,
        "\nSeconds, medians of {} runs after one to warm up, in one program each. All peers gave the same answer.\n",
        asked.runs
    );
    text.push_str("| workload | Firesteel, local[2] | Firesteel, cluster | of local | Spark, cluster | times as fast as Spark |\n");
    text.push_str("| --- | ---: | ---: | ---: | ---: | ---: |\n");
    for row in rows {
        let spark = row.spark.map_or("-".into(), |spark| format!("{spark:.3}"));
        let ratio = row.spark.map_or("-".into(), |spark| format!("{:.1} x", spark / row.cluster));
        let _ = writeln!(
            text,
            "| {} | {:.3} | {:.3} | {:.2} | {spark} | {ratio} |",
            row.about,
            row.local,
            row.cluster,
            row.cluster / row.local
        );
    }
    text
}

/// Processes that are ended when this is dropped.
struct Daemons(Vec<Child>);

impl Drop for Daemons {
    fn drop(&mut self) {
        for child in self.0.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_port() -> Fallible<u16> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(free.map_err(|error| error.to_string())?.port())
}

fn folder(name: &str) -> Fallible<PathBuf> {
    let folder = workspace::target_dir().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn daemon(name: &str, command: &mut Command, log: &Path) -> Fallible<Child> {
    let log = std::fs::File::create(log).map_err(|error| error.to_string())?;
    let errors = log.try_clone().map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    command.spawn().map_err(|error| format!("{name} does not start: {error}"))
}

fn wait_for_port(port: u16) -> Fallible {
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            return Err(format!("no process listens at port {port}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Firesteel's cluster.
struct Ours {
    port: u16,
    secret: PathBuf,
    _daemons: Daemons,
}

impl Ours {
    fn start() -> Fallible<Self> {
        let (folder, port) = (folder("bench-cluster")?, free_port()?);
        let (program, secret) =
            (workspace::target_dir().join(PROFILE).join("firesteel"), folder.join("secret"));
        run_process(Command::new(&program).args(["secret", "new"]).arg(&secret).stdout(Stdio::null()))?;
        let mut daemons = Daemons(vec![]);
        let mut master = Command::new(&program);
        master.args(["master", "--host", "127.0.0.1", "--port", &port.to_string(), "--state-dir"]);
        master.arg(folder.join("master")).arg("--no-webui").arg("--secret-file").arg(&secret);
        daemons.0.push(daemon("the master", &mut master, &folder.join("master.log"))?);
        wait_for_port(port)?;
        for number in 0..WORKERS {
            let mut worker = Command::new(&program);
            worker.arg("worker").arg(format!("firesteel://127.0.0.1:{port}"));
            worker.args([
                "--host",
                "127.0.0.1",
                "--no-webui",
                "--cores",
                "1",
                "--memory",
                "4g",
                "--work-dir",
            ]);
            worker.arg(folder.join(format!("worker-{number}"))).arg("--secret-file").arg(&secret);
            daemons.0.push(daemon("a worker", &mut worker, &folder.join(format!("worker-{number}.log")))?);
        }
        Ok(Ours { port, secret, _daemons: daemons })
    }

    /// Sets up a program to run on the cluster.
    fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("BENCH_MASTER", format!("firesteel://127.0.0.1:{}", self.port));
        command.env("FIRESTEEL_SECRET_FILE", &self.secret);
        command.env("FIRESTEEL_SETTINGS", format!(r#"{{"firesteel.executor.memory":"{EXECUTOR_MEMORY}"}}"#))
    }
}

/// Spark's cluster.
struct Theirs {
    port: u16,
    _daemons: Daemons,
}

impl Theirs {
    fn start(home: &Path) -> Fallible<Self> {
        let (folder, port) = (folder("bench-spark-cluster")?, free_port()?);
        let class = |name: &str| {
            let mut command = Command::new(home.join("bin/spark-class"));
            command.arg(format!("org.apache.spark.deploy.{name}")).env("SPARK_HOME", home);
            command
        };
        let mut daemons = Daemons(vec![]);
        let mut master = class("master.Master");
        master.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--webui-port", "0"]);
        daemons.0.push(daemon("Spark's master", &mut master, &folder.join("master.log"))?);
        wait_for_port(port)?;
        for number in 0..WORKERS {
            let mut worker = class("worker.Worker");
            worker.args(["--host", "127.0.0.1", "--cores", "1", "--memory", "4g", "--webui-port", "0", "-d"]);
            worker.arg(folder.join(format!("worker-{number}"))).arg(format!("spark://127.0.0.1:{port}"));
            daemons.0.push(daemon(
                "a worker of Spark's",
                &mut worker,
                &folder.join(format!("{number}.log")),
            )?);
        }
        Ok(Theirs { port, _daemons: daemons })
    }

    fn url(&self) -> String {
        format!("spark://127.0.0.1:{}", self.port)
    }
}
